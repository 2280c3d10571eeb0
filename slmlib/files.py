"""Files that are either whole or not there: write under a temporary name, flush, rename.

Everything slmlib leaves on a disk goes through this module, so that a full disk, a killed process or a
pulled plug never leaves half a file under a good name.
"""

import errno
import hashlib
import io
import json
import os
import shutil
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

from slmlib.errors import SlmError


def home() -> Path:
    """Where runs, prepared data and caches live: SLM_HOME, else `work/` in the checkout, else ~/.slmlib."""
    if os.environ.get("SLM_HOME"):
        return person_expanded(os.environ["SLM_HOME"])
    checkout = Path(__file__).resolve().parent.parent
    return checkout / "work" if (checkout / "pyproject.toml").exists() else person_expanded("~/.slmlib")


def person_expanded(path: Path | str) -> Path:
    """The path with `~` or `~name` at its beginning replaced by that person's folder; SlmError if there is none."""
    try:
        return Path(path).expanduser()
    except RuntimeError:
        raise SlmError(
            f"{path} begins with the folder of a person that this machine does not know.",
            "Write the whole path.",
        ) from None


@contextmanager
def atomic_write(path: Path | str) -> Iterator[BinaryIO]:
    """Open `path` for writing; it appears under its name only when the block ends without an error.

    Raises SlmError when the disk is full, the folder cannot be written to, or `path` has no name (`.`, `/`).
    """
    path = Path(path)
    if not path.name:
        raise SlmError(f"{path} is not the name of a file that can be written.", "Add a name.")
    # Two writers of one path, processes or threads, must not write into one temporary file.
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_native_id()}.tmp")
    with explain_os_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with open(temporary, "wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
            flush_folder(path.parent)
        finally:
            temporary.unlink(missing_ok=True)


def remove_leftovers(folder: Path) -> None:
    """Delete what killed processes left unfinished in a folder: `.NAME.PROCESS.tmp`, a folder that one was building, and
    `.NAME.PROCESS-THREAD.tmp`, a file of `atomic_write`."""
    import psutil

    for path in folder.glob(".*.tmp"):
        process = path.stem.rpartition(".")[2].partition("-")[0]
        if not process.isdecimal() or psutil.pid_exists(int(process)):
            continue
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            with suppress(OSError):
                path.unlink()


def print_any_character() -> None:
    """Let this process print whatever people and models write: a terminal that lacks a character shows `?`."""
    for output in (sys.stdout, sys.stderr):
        if isinstance(output, io.TextIOWrapper):
            output.reconfigure(errors="replace")


def write_text(path: Path | str, text: str) -> None:
    """Write UTF-8 text with `\\n` line ends, whole or not at all."""
    with atomic_write(path) as file:
        file.write(text.encode("utf-8"))


def write_json(path: Path | str, value: Any) -> None:
    """Write readable JSON, whole or not at all. NaN is refused: it is not JSON."""
    write_text(path, json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n")


def read_json(path: Path | str) -> Any:
    """Read a JSON file; SlmError names the file when it is missing or damaged."""
    path = Path(path)
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SlmError(f"There is no file {path}.", "Check the path.") from None
    except OSError as error:
        raise SlmError(
            f"{path} cannot be read: {error.strerror}.", "Check that it is a file and yours."
        ) from None
    except (ValueError, RecursionError) as error:  # not UTF-8, not JSON, or a number of thousands of digits
        raise SlmError(
            f"{path} is not a readable JSON file ({error}).", "It was damaged or edited; make it anew."
        ) from None


def sha256_file(path: Path | str) -> str:
    """SHA-256 of a file's bytes, as 64 hexadecimal digits."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def flush_folder(folder: Path) -> None:
    """Make a rename inside `folder` survive a power cut. Windows cannot open folders and needs no such call."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def explain_os_errors(path: Path) -> Iterator[None]:
    """Turn the operating system's refusal to write `path` into one sentence with a way out."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise SlmError(f"Could not write {path}: {reason}.", _way_out(path, error.errno)) from error


def _way_out(path: Path, number: int | None) -> str:
    """What helps when the operating system refused to write there."""
    elsewhere = "set SLM_HOME to" if path.absolute().is_relative_to(home().absolute()) else "choose"
    if number in (errno.ENOSPC, errno.EDQUOT):
        return (
            f"Free some disk space, or {elsewhere} a folder on another disk; what was saved before is intact."
        )
    if number in (errno.ENOTDIR, errno.EEXIST, errno.EISDIR):
        return "A file stands where a folder is needed, or a folder where a file is: choose another path."
    return f"If it is not the disk, {elsewhere} a folder you may write to; what was saved before is intact."
