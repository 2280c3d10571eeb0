"""One run, one process: two that train in one folder would overwrite each other's checkpoints.

Seen on one machine only: whether a process of another one still lives, a shared folder cannot tell.
"""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from slmlib.errors import TrainingError
from slmlib.files import explain_os_errors, write_json


@contextmanager
def only_process_in(folder: Path) -> Iterator[None]:
    """Refuse to train in a folder in which another living process trains; a dead one's claim does not count."""
    claim = folder / "running.json"
    me = {"pid": os.getpid(), "started": psutil.Process().create_time()}
    other = _living_owner(claim)
    if other is not None and other != me:
        raise TrainingError(
            f"Process {other['pid']} is training in {folder} right now.",
            "Wait for it, stop it with Ctrl-C, or give the new run another name (--run, RUN=).",
        )
    write_json(claim, me)
    try:
        yield
    finally:
        claim.unlink(missing_ok=True)
        if not any(folder.iterdir()):
            folder.rmdir()  # a wish that could not even begin leaves nothing behind


def _living_owner(claim: Path) -> dict[str, float] | None:
    """Who claims a folder and is alive; None for a dead process's claim, and for one that cannot be read."""
    with explain_os_errors(claim):
        if not claim.is_file():
            return None
        content = claim.read_bytes()
    try:
        other = json.loads(content)
        started = psutil.Process(other["pid"]).create_time()
        return {"pid": other["pid"], "started": started} if started == other["started"] else None
    except (KeyError, TypeError, ValueError, OverflowError, psutil.Error):
        return None
