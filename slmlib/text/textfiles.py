"""Stories in local text files: plain or gzipped UTF-8 with `<|endoftext|>` between the stories."""

import gzip
import hashlib
import re
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, TextIO

from slmlib.errors import DataError
from slmlib.files import atomic_write, sha256_file
from slmlib.text.tokenizer import END_OF_TEXT

_ENDINGS = (".txt", ".txt.gz")
_VALIDATION_NAME = re.compile(r"(?<![a-z])(valid|validation|val|test)(?![a-z])", re.IGNORECASE)
_FIRST_LOOK = 2**16


@dataclass(frozen=True)
class TextFiles:
    """Local text files as a source of stories. A file without any `<|endoftext|>` is one story."""

    train_files: tuple[Path, ...]
    valid_files: tuple[Path, ...] = ()

    @classmethod
    def find(cls, path: Path | str) -> Self:
        """The text files that `path` means: a file, or a folder with .txt and .txt.gz files.

        In a folder, files with valid, val or test as a word in their name are the validation split.
        Raises DataError when there is nothing there, or not text.
        """
        path = Path(path).expanduser()
        if path.is_dir():
            files = sorted(file for file in path.iterdir() if file.name.endswith(_ENDINGS) and file.is_file())
            valid = tuple(file for file in files if _VALIDATION_NAME.search(file.name))
            found = cls(tuple(file for file in files if file not in valid), valid)
            if not found.train_files:
                raise DataError(
                    f"The folder {path} has no .txt or .txt.gz file to train on.",
                    "Put one there, or name the file.",
                )
        elif not path.exists():
            raise DataError(f"There is no corpus at {path}.", "Check the path (argument or SLM_CORPUS).")
        elif not path.name.endswith(_ENDINGS):
            raise DataError(
                f"{path} is neither a .txt nor a .txt.gz file.",
                f"Convert it to UTF-8 text with {END_OF_TEXT} on a line of its own between stories.",
            )
        else:
            found = cls((path,))
        for file in found.train_files + found.valid_files:
            _look_at(file)
        return found

    def train(self) -> Iterator[str]:
        """The training stories, as they stand in the files."""
        for file in self.train_files:
            yield from read_stories(file)

    def valid(self) -> Iterator[str] | None:
        """The validation stories, None when no file is marked as such."""
        return (
            (story for file in self.valid_files for story in read_stories(file)) if self.valid_files else None
        )

    def num_bytes(self) -> int | None:
        """How much text there is, end-of-text lines included; None when that takes decompressing."""
        files = self.train_files + self.valid_files
        return (
            None
            if any(file.suffix == ".gz" for file in files)
            else sum(file.stat().st_size for file in files)
        )

    def fingerprint(self) -> str:
        """SHA-256 of the files' contents, whatever they are called."""
        roles = [("train", file) for file in self.train_files] + [
            ("valid", file) for file in self.valid_files
        ]
        listing = "\n".join(f"{role} {sha256_file(file)}" for role, file in roles)
        return hashlib.sha256(listing.encode("ascii")).hexdigest()


def read_stories(path: Path) -> Iterator[str]:
    """The stories of one file, without the line ends around the `<|endoftext|>` that divides them.

    Raises DataError where the file turns out not to be text.
    """
    parts: list[str] = []
    with _open_text(path) as lines:
        for line in lines:
            if "\0" in line:
                raise _not_text(path, "it contains NUL bytes")
            *endings, beginning = line.split(END_OF_TEXT)
            for ending in endings:
                yield "".join([*parts, ending]).strip("\r\n")
                parts = []
            parts.append(beginning)
    if last := "".join(parts).strip():
        yield last


def write_stories(path: Path, stories: Iterable[str]) -> None:
    """Write a file that `read_stories` reads, whole or not at all."""
    with atomic_write(path) as file:
        for story in stories:
            file.write(as_record(story))


def as_record(story: str) -> bytes:
    """A story as it stands in a file of stories."""
    return f"{story}\n{END_OF_TEXT}\n".encode()


def limited(stories: Iterable[str], max_bytes: int | None) -> Iterator[str]:
    """The first stories that fit into `max_bytes` of UTF-8 together; all of them for None."""
    total = 0
    for story in stories:
        total += len(story.encode("utf-8", "surrogatepass"))
        if max_bytes is not None and total > max_bytes:
            return
        yield story


@contextmanager
def _open_text(path: Path) -> Iterator[TextIO]:
    """A plain or gzipped UTF-8 file, its line ends unchanged. DataError when it is something else or damaged."""
    opener: Any = gzip.open if path.suffix == ".gz" else open
    try:
        with opener(path, "rt", encoding="utf-8-sig", newline="") as file:
            yield file
    except UnicodeDecodeError as error:
        raise _not_text(path, f"byte 0x{error.object[error.start]:02x} is not UTF-8") from None
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(
            f"{path} cannot be read: {error}.", "Check that it is whole and that you may read it."
        ) from None


def _look_at(path: Path) -> None:
    """DataError if the beginning of a file already shows that it is no corpus."""
    with _open_text(path) as file:
        beginning = file.read(_FIRST_LOOK)
    if not beginning:
        raise DataError(f"{path} is empty.", "Choose a file with stories in it.")
    if "\0" in beginning:
        raise _not_text(path, "it contains NUL bytes")


def _not_text(path: Path, reason: str) -> DataError:
    return DataError(
        f"{path} is not a text file: {reason}.", "Choose a UTF-8 text file, or convert this one to UTF-8."
    )
