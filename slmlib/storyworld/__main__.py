"""`python -m slmlib.storyworld stories|audit|floor`: see what each can do with `--help`."""

import sys
from collections.abc import Callable
from typing import Any

import tyro

from slmlib.errors import SlmError
from slmlib.storyworld.command import AuditCommand, FloorCommand, StoriesCommand


def main() -> int:
    """Run one command; 2 and one sentence when it cannot be done."""
    commands: dict[str, Callable[..., Any]] = {
        "stories": StoriesCommand,
        "audit": AuditCommand,
        "floor": FloorCommand,
    }
    try:
        tyro.extras.subcommand_cli_from_dict(commands).execute()
    except SlmError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
