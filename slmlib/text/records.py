"""Stories in tables: .jsonl, .csv and .parquet, plain or gzipped, read one row at a time.

One column holds the stories: the one that was named, else `text`, `story` or `content`, else the only one
with text in it. When none of these decides, the error names the columns. Nothing is guessed twice: every row
must have the column, and text in it.
"""

import csv
import gzip
import json
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from slmlib.errors import DataError, first_line

USUAL_COLUMNS = ("text", "story", "content")
TABLES = (".jsonl", ".csv", ".parquet")
_ROWS_AT_ONCE = 1024
_LONGEST_CELL = 2**27


def ending(path: Path) -> str:
    """What a file's name says that it holds: `.csv` for `Stories.CSV.gz`."""
    return Path(path.name.lower().removesuffix(".gz")).suffix


def is_packed(path: Path) -> bool:
    """Whether a file's name says that it is gzipped."""
    return path.name.lower().endswith(".gz")


def is_table(path: Path) -> bool:
    """Whether a file's name says that it holds rows and columns."""
    return ending(path) in TABLES


def column_of(path: Path, column: str = "") -> str:
    """The column of a table that holds the stories; "" where each row is the story itself (.jsonl).

    Raises DataError, naming the columns there are, when `column` is not among them or none can be chosen.
    """
    columns = _columns(path)
    texts = [name for name, is_text in columns.items() if is_text]
    if column:
        if column not in columns:
            raise DataError(f"{path} has no column {column!r}.", f"It has: {', '.join(columns) or 'none'}.")
        if column not in texts:
            raise DataError(f"The column {column!r} of {path} holds no text.", _choose(path, texts))
        return column
    for usual in USUAL_COLUMNS:
        if usual in texts:
            return usual
    if len(texts) != 1:
        raise DataError(
            f"{path} has {len(texts)} columns of text, and none is called {', '.join(USUAL_COLUMNS)}.",
            _choose(path, texts or list(columns)),
        )
    return texts[0]


def read_rows(path: Path, column: str = "") -> Iterator[str]:
    """The stories of one table, in order. Raises DataError that names the file and the row where it is damaged."""
    chosen = column_of(path, column)
    readers = {".jsonl": _read_jsonl, ".csv": _read_csv, ".parquet": _read_parquet}
    yield from readers[ending(path)](path, chosen)


@contextmanager
def open_text(path: Path) -> Iterator[TextIO]:
    """A plain or gzipped UTF-8 file, its line ends unchanged. DataError when it is something else or damaged."""
    opener: Any = gzip.open if is_packed(path) else open
    try:
        with opener(path, "rt", encoding="utf-8-sig", newline="") as file:
            yield file
    except UnicodeDecodeError as error:
        raise not_text(path, f"byte 0x{error.object[error.start]:02x} is not UTF-8") from None
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(
            f"{path} cannot be read: {error}.", "Check that it is whole and that you may read it."
        ) from None


def not_text(path: Path, reason: str) -> DataError:
    """The refusal of a file that is not UTF-8 text."""
    return DataError(
        f"{path} is not a text file: {reason}.", "Choose a UTF-8 text file, or convert this one to UTF-8."
    )


# --- which columns there are: name -> whether it holds text ---


def _columns(path: Path) -> dict[str, bool]:
    if ending(path) == ".parquet":
        with _open_parquet(path) as table:
            return {field.name: _is_text(field.type) for field in table.schema_arrow}
    if ending(path) == ".jsonl":
        first = next(_json_lines(path), (0, None))[1]
        if first is None:
            raise DataError(f"{path} is empty.", "Choose a file with stories in it.")
        return (
            {"": True}
            if isinstance(first, str)
            else {name: isinstance(value, str) for name, value in first.items()}
        )
    header = next(_csv_rows(path), (0, None))[1]
    if header is None:
        raise DataError(f"{path} is empty.", "Choose a file with stories in it.")
    longest = max(header, key=len)
    if len(longest.split()) > 4 or len(set(header)) < len(header):
        raise DataError(
            f"{path} does not begin with the names of its columns, but with {longest[:60]!r}.",
            "Add a first line such as: text",
        )
    return dict.fromkeys(header, True)


def _is_text(kind: Any) -> bool:
    """Whether a column of this Arrow type holds text; pandas writes categories as a dictionary of texts."""
    from pyarrow import types

    values = kind.value_type if types.is_dictionary(kind) else kind
    return str(values) in ("string", "large_string", "string_view")


def _choose(path: Path, columns: list[str]) -> str:
    example = columns[0] if columns else "NAME"
    return (
        f"Choose one of {', '.join(columns) or 'none'}: write {path.name}#{example} instead of {path.name}."
    )


# --- .jsonl ---


def _json_lines(path: Path) -> Iterator[tuple[int, str | dict[str, Any]]]:
    """Line numbers and values; each value is a text or an object."""
    with open_text(path) as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                value = json.loads(line)
            except (ValueError, RecursionError):
                raise DataError(
                    f"Line {number} of {path} is not JSON: {line.strip()[:40]!r}.",
                    "Each line must be one JSON value; if it is the last line, the file was cut off.",
                ) from None
            if not isinstance(value, str | dict):
                raise DataError(
                    f"Line {number} of {path} holds neither a text nor an object.", 'Write {"text": "..."}.'
                )
            yield number, value


def _read_jsonl(path: Path, column: str) -> Iterator[str]:
    for number, value in _json_lines(path):
        story = value if column == "" else value.get(column) if isinstance(value, dict) else None
        if not isinstance(story, str):
            raise _no_text(path, f"Line {number}", column)
        yield story


# --- .csv ---


def _csv_rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Line numbers and cells. The header decides what separates cells: a comma, a semicolon or a tab."""
    with open_text(path) as file:
        header = file.readline()
    if "\0" in header:
        raise not_text(path, "it contains NUL bytes")
    separator = max(",;\t", key=header.count)
    # The usual limit is shorter than a long story. It is one for the whole process: never lowered, because
    # another file may be half read.
    csv.field_size_limit(max(_LONGEST_CELL, csv.field_size_limit()))
    with open_text(path) as file:
        rows = csv.reader(file, delimiter=separator, strict=True)
        try:
            for row in rows:
                if row:
                    yield rows.line_num, row
        except csv.Error as error:
            raise DataError(
                f"Line {rows.line_num} of {path} is not CSV: {error}.",
                "Put cells with quotes or line breaks into quotes; if it is the last line, the file was cut off.",
            ) from None


def _read_csv(path: Path, column: str) -> Iterator[str]:
    rows = _csv_rows(path)
    header = next(rows)[1]
    place = header.index(column)
    for number, row in rows:
        if len(row) != len(header):
            raise DataError(
                f"The row that ends in line {number} of {path} has {len(row)} cells, the header has {len(header)}.",
                "Put cells with commas or line breaks into quotes; if it is the last line, the file was cut off.",
            )
        yield row[place]


# --- .parquet ---


@contextmanager
def _open_parquet(path: Path) -> Iterator[Any]:
    import pyarrow as arrow
    from pyarrow import parquet

    try:
        opener: Any = gzip.open if is_packed(path) else open
        with opener(path, "rb") as file, parquet.ParquetFile(file, page_checksum_verification=True) as table:
            yield table
    except (arrow.ArrowException, OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise DataError(
            f"{path} is not a whole Parquet file ({first_line(error)}).",
            "It was cut off or damaged; fetch it again.",
        ) from None


def _read_parquet(path: Path, column: str) -> Iterator[str]:
    with _open_parquet(path) as table:
        row = 0
        for batch in table.iter_batches(_ROWS_AT_ONCE, columns=[column]):
            for story in batch.column(0).to_pylist():
                row += 1
                if story is None:
                    raise _no_text(path, f"Row {row}", column)
                yield story


def _no_text(path: Path, where: str, column: str) -> DataError:
    return DataError(
        f"{where} of {path} has no text in the column {column!r}.",
        "Remove the row, or choose another column.",
    )
