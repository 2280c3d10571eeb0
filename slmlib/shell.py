"""What is told to a person: lines that fit the window, commands and paths that can be copied, times in words."""

import os
import shlex
import shutil
import sys
from pathlib import Path


def terminal_width() -> int | None:
    """Columns of the terminal that stdout is; None for a file, a pipe or a notebook, where lines stay whole."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def this_python() -> str:
    """How to call this very Python from here: `make train` runs one that no shell has activated."""
    return shlex.quote(near(Path(sys.executable)))


def near(path: Path) -> str:
    """The path as seen from the current folder, where it lies below it."""
    path = Path(os.path.abspath(path))  # not resolved: .venv/bin/python is a link to another Python
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)


def clock(seconds: float) -> str:
    """`48 s`, or `14 min`."""
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
