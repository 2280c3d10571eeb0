"""One run, one process: two that train in one folder would overwrite each other's checkpoints.

Seen on one machine only, unless the shared folder lends its locks to all; in one without any locks not at all.
"""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from slmlib.errors import SlmError, TrainingError
from slmlib.files import explain_os_errors, read_json, write_json


@contextmanager
def only_process_in(folder: Path) -> Iterator[None]:
    """Refuse to train in a folder in which another living process trains.

    The lock is the operating system's: it ends with the process that held it, so no lock is ever stale. The file
    itself stays, because one that is removed could be locked by two, each under its own copy of the name.
    """
    # Where locks are missing filelock would take a file for a lock, which a killed process leaves behind.
    lock, owner = FileLock(folder / "running.lock", fallback_to_soft=False), folder / "running.json"
    with explain_os_errors(owner):
        folder.mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            raise TrainingError(
                f"{_who(owner)} is training in {folder} right now.",
                "Wait for it, stop it with Ctrl-C, or give the new run another name (--run, RUN=).",
            ) from None
        except OSError as error:
            if error.errno not in (errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS):
                raise  # else a network folder without locks, where a run that is alone is not to be refused
    try:
        write_json(owner, {"pid": os.getpid()})
        yield
    finally:
        owner.unlink(missing_ok=True)
        with suppress(OSError):  # Windows keeps a file that is open
            if [path.name for path in folder.iterdir()] == ["running.lock"]:
                (folder / "running.lock").unlink()
                folder.rmdir()  # a wish that could not even begin leaves nothing behind
        lock.release()


def _who(owner: Path) -> str:
    """The process that holds the lock; it may not have written its number down yet."""
    with suppress(SlmError, TypeError, KeyError):
        return f"Process {read_json(owner)['pid']}"
    return "Another process"
