"""Stories in local files: UTF-8 text, .jsonl, .csv or .parquet, each plain or gzipped, or a folder of these.

How a .txt file is divided: at `<|endoftext|>` if it has any, anywhere. Without one it is one story a line when
nearly every line ends like a sentence and none is empty, else the whole file is one story. Which of these was
assumed is told (`TextFiles.assumed`); a single `<|endoftext|>` at the end of the file overrules it.
"""

import hashlib
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self

from slmlib.errors import DataError
from slmlib.files import atomic_write, person_expanded, sha256_file
from slmlib.text.cleaning import is_complete
from slmlib.text.records import TABLES, column_of, ending, is_packed, is_table, not_text, open_text, read_rows
from slmlib.text.tokenizer import END_OF_TEXT

_ENDINGS = (".txt", *TABLES)
_KINDS = ".txt, .jsonl, .csv or .parquet file (or one of these with .gz)"
_VALIDATION_NAME = re.compile(r"(?<![a-z])(valid|validation|val|test)(?![a-z])", re.IGNORECASE)
_FIRST_LOOK = 2**16
_COMPLETE_LINES = 0.9

Layout = Literal["marked", "lines", "whole"]
"""How a .txt file is divided into stories: at `<|endoftext|>`, at line ends, or not at all."""


@dataclass(frozen=True)
class TextFiles:
    """Local files as a source of stories. column: which one of a table holds them, "" to choose the usual one."""

    train_files: tuple[Path, ...]
    valid_files: tuple[Path, ...] = ()
    column: str = ""

    @classmethod
    def find(cls, path: Path | str) -> Self:
        """The files that `path` means: a file, or a folder of files; `stories.csv#body` also names the column.

        In a folder, files with valid, val or test as a word in their name are the validation split.
        Raises DataError when there is nothing there, not text, or no column that could be meant.
        """
        path, column = split_column(path)
        if path.is_dir():
            # Hidden ones are not stories: macOS leaves a ._a.txt beside an a.txt that it copies.
            shown = sorted(file for file in path.iterdir() if not file.name.startswith("."))
            files = [file for file in shown if ending(file) in _ENDINGS and file.is_file()]
            valid = tuple(file for file in files if _VALIDATION_NAME.search(file.name))
            found = cls(tuple(file for file in files if file not in valid), valid, column)
            if not found.train_files:
                set_aside = f" ({valid[0].name} is for validation, by its name)" if valid else ""
                raise DataError(
                    f"The folder {path} has no {_KINDS} to train on{set_aside}.",
                    "Put one there, or name the file.",
                )
        elif not path.exists():
            raise DataError(f"There is no corpus at {path}.", "Check the path (argument or SLM_CORPUS).")
        elif ending(path) not in _ENDINGS:
            raise DataError(
                f"{path} is not a {_KINDS}.",
                f"Convert it to UTF-8 text with {END_OF_TEXT} on a line of its own between stories.",
            )
        else:
            found = cls((path,), (), column)
        for file in found.train_files + found.valid_files:
            _look_at(file, column)
        return found

    def train(self) -> Iterator[str]:
        """The training stories, as they stand in the files."""
        for file in self.train_files:
            yield from read_stories(file, self.column)

    def valid(self) -> Iterator[str] | None:
        """The validation stories, None when no file is marked as such."""
        if not self.valid_files:
            return None
        return (story for file in self.valid_files for story in read_stories(file, self.column))

    def num_bytes(self) -> int | None:
        """About how much text there is; None when that takes decompressing."""
        files = self.train_files + self.valid_files
        return (
            None
            if any(is_packed(file) or ending(file) == ".parquet" for file in files)
            else sum(file.stat().st_size for file in files)
        )

    def assumed(self) -> str:
        """What was assumed about the files, in sentences; "" when each of them says by itself how to read it."""
        told: dict[str, list[str]] = {}
        for file in self.train_files + self.valid_files:
            if sentence := _assumption(file, self.column):
                told.setdefault(sentence, []).append(file.name)
        return " ".join(f"{_enumerated(names)}: {sentence}" for sentence, names in told.items())

    def fingerprint(self) -> str:
        """SHA-256 of the files' contents and of how they are read, whatever they are called."""
        roles = [("train", file) for file in self.train_files] + [
            ("valid", file) for file in self.valid_files
        ]
        listing = "\n".join(
            f"{role} {sha256_file(file)}{_assumption(file, self.column)}" for role, file in roles
        )
        return hashlib.sha256(listing.encode("utf-8")).hexdigest()


def read_stories(path: Path, column: str = "") -> Iterator[str]:
    """The stories of one file, without `<|endoftext|>` and the line ends around it.

    `<|endoftext|>` divides stories also inside a row of a table. Raises DataError where the file turns out to
    be damaged or not text.
    """
    if is_table(path):
        for row in read_rows(path, column):
            if END_OF_TEXT in row:
                yield from (part.strip("\r\n") for part in row.split(END_OF_TEXT) if part.strip())
            else:
                yield row
    elif layout_of(path) == "lines":
        with open_text(path) as lines:
            yield from (line.strip("\r\n") for line in _checked(path, lines))
    else:
        yield from _read_marked(path)


def layout_of(path: Path) -> Layout:
    """How a .txt file is divided into stories. Reads on to the first `<|endoftext|>`."""
    with open_text(path) as file:
        beginning = text = file.read(_FIRST_LOOK)
        while text:
            if END_OF_TEXT in text:
                return "marked"
            more = file.read(2**20)
            text = text[-len(END_OF_TEXT) :] + more if more else ""
    lines = beginning.rstrip().splitlines()
    if len(beginning) == _FIRST_LOOK:
        lines = lines[:-1]  # cut off by the first look
    complete = sum(is_complete(line.rstrip()) for line in lines)
    return "lines" if len(lines) > 1 and all(lines) and complete >= _COMPLETE_LINES * len(lines) else "whole"


def _read_marked(path: Path) -> Iterator[str]:
    parts: list[str] = []
    with open_text(path) as lines:
        for line in _checked(path, lines):
            *last_parts, beginning = line.split(END_OF_TEXT)
            for last_part in last_parts:
                yield "".join([*parts, last_part]).strip("\r\n")
                parts = []
            parts.append(beginning)
    if last := "".join(parts).strip():
        yield last


def _checked(path: Path, lines: Iterable[str]) -> Iterator[str]:
    """The lines of a file, until one shows that it is not text."""
    for line in lines:
        if "\0" in line:
            raise not_text(path, "it contains NUL bytes")
        yield line


def write_stories(path: Path, stories: Iterable[str]) -> None:
    """Write a file that `read_stories` reads, whole or not at all."""
    with atomic_write(path) as file:
        for story in stories:
            file.write(as_record(story))


def as_record(story: str) -> bytes:
    """A story as it stands in a file of stories."""
    return f"{story}\n{END_OF_TEXT}\n".encode()


def limited(stories: Iterable[str], max_bytes: int | None) -> Iterator[str]:
    """The first stories that fit into `max_bytes` of UTF-8 together; all of them for None.

    Raises DataError when not even the first one fits.
    """
    total = 0
    for story in stories:
        size = len(story.encode("utf-8", "surrogatepass"))
        total += size
        if max_bytes is not None and total > max_bytes:
            if total == size:
                raise DataError(
                    f"The first story has {size:,} bytes, and only {max_bytes:,} bytes of text are to be read.",
                    f"If it is many stories, divide them with {END_OF_TEXT}; else use more --minutes or --total-steps.",
                )
            return
        yield story


def split_column(path: Path | str) -> tuple[Path, str]:
    """`stories.csv#body` as a path and a column; a file that really has such a name comes first."""
    whole = person_expanded(path)
    name, mark, column = str(path).rpartition("#")
    return (whole, "") if whole.exists() or not mark or not name else (person_expanded(name), column)


def _assumption(path: Path, column: str) -> str:
    """What is assumed about a file, as a sentence; "" when it says by itself how to read it."""
    if is_table(path):
        return f"stories are in the column {column_of(path, column)!r}."
    return {
        "marked": "",
        "lines": f"each line is a story (there is no {END_OF_TEXT}; put one at the end if it is a single story).",
        "whole": f"it is one story (there is no {END_OF_TEXT}, and its lines are not whole sentences).",
    }[layout_of(path)]


def _enumerated(names: list[str]) -> str:
    return ", ".join(names) if len(names) < 4 else f"{names[0]} and {len(names) - 1} more files"


def _look_at(path: Path, column: str) -> None:
    """DataError if the beginning of a file already shows that it is no corpus."""
    if os.path.getsize(path) == 0:
        raise DataError(f"{path} is empty.", "Choose a file with stories in it.")
    if is_table(path):
        next(read_rows(path, column), None)
        return
    with open_text(path) as file:
        beginning = file.read(_FIRST_LOOK)
    if not beginning:
        raise DataError(f"{path} is empty.", "Choose a file with stories in it.")
    if "\0" in beginning:
        raise not_text(path, "it contains NUL bytes")
