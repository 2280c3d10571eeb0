"""A notebook file, read without trusting it: any encoding, any version, any damage ends in a sentence.

The grader reads cells itself: it needs sources, ids and a few words of metadata, and nothing a file holds
may make it stop.
"""

import json
import re
from collections import Counter
from dataclasses import dataclass
from typing import Any

from slmlib.errors import SlmError

MAX_BYTES = 64 * 2**20
_EXERCISE_ID = re.compile(r"(?:check|solution|exercise)-(\d\d)-\d+")
_OUR_IMPORT = re.compile(r"^\s*(?:from|import)\s+(?:checks|slmlib)\b", re.MULTILINE)
_CHECK_CALL = re.compile(r"""check\(\s*["'](\d\d)(?:\.\d+)?["']""")


class Unreadable(SlmError):
    """A file that is not a notebook one could run."""


@dataclass(frozen=True)
class CodeCell:
    """One code cell of a submission."""

    number: int
    """Its place among all cells, from 1, as a reader counts."""
    id: str
    source: str


@dataclass(frozen=True)
class Notebook:
    """What the grader uses of a submission."""

    cells: tuple[CodeCell, ...]
    lesson: str
    """Two digits, or empty when nothing in the file says which lesson it is."""
    version: str
    """The hash of the lesson's code and exercises it was made from, or empty."""
    remarks: tuple[str, ...]
    is_ours: bool = True
    """Whether its metadata or its cells are those of a course like this; a student's scratch paper is not."""


def read_notebook(data: bytes) -> Notebook:
    """Read the bytes of an .ipynb file; Unreadable says what is wrong with it."""
    if len(data) > MAX_BYTES:
        raise Unreadable(
            f"The file has {len(data) / 2**20:.0f} MB; more than {MAX_BYTES >> 20} MB are not read.",
            "Clear all outputs, save, and hand it in again.",
        )
    if not data.strip():
        raise Unreadable("The file is empty.", "It was probably not saved; hand it in again.")
    text, remarks = decoded(data)
    try:
        content = json.loads(text)
    except (ValueError, RecursionError, MemoryError) as error:
        where = f" (line {error.lineno})" if isinstance(error, json.JSONDecodeError) else ""
        raise Unreadable(
            f"This is not a notebook: it is not valid JSON{where}.",
            "Save it in JupyterLab and hand it in again.",
        ) from None
    nodes = _nodes(content)
    cells = tuple(
        CodeCell(number, _string(node.get("id")) or _grade_id(node), _source(node))
        for number, node in enumerate(nodes, 1)
        if node.get("cell_type") == "code"
    )
    if not cells:
        raise Unreadable("There is not one code cell in it.", "Is it the right file?")
    metadata = as_dict(content.get("metadata"))
    language = _string(as_dict(metadata.get("kernelspec")).get("language")) or "python"
    if language.lower() not in ("python", "python3", "ipython"):
        remarks.append(f"It was written for another language ({language[:20]}); it is run as Python.")
    course = as_dict(metadata.get("slm"))
    lesson = _lesson(course, cells, nodes)
    is_ours = bool(course or lesson) or any(_OUR_IMPORT.search(cell.source) for cell in cells)
    return Notebook(cells, lesson, _string(course.get("code_sha256"))[:64], tuple(remarks), is_ours)


def decoded(data: bytes) -> tuple[str, list[str]]:
    """The text of a file in any encoding, and a remark where that is not UTF-8."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", "replace"), ["The file is not UTF-8; it was read as UTF-16."]
    try:
        return data.decode("utf-8-sig"), []
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace"), ["The file is not UTF-8; it was read as Windows-1252."]


def _nodes(content: Any) -> list[dict[str, Any]]:
    """The cells of any version of the format; whatever is no cell is left out."""
    if not isinstance(content, dict):
        raise Unreadable("This is not a notebook: JSON, but without cells.", "Is it the right file?")
    nodes = content.get("cells")
    if nodes is None and isinstance(content.get("worksheets"), list):  # format 3
        nodes = [node for sheet in content["worksheets"] for node in _list(as_dict(sheet).get("cells"))]
    if not isinstance(nodes, list):
        raise Unreadable("This is not a notebook: JSON, but without cells.", "Is it the right file?")
    return [node for node in nodes if isinstance(node, dict)]


def _source(node: dict[str, Any]) -> str:
    source = node.get("source", node.get("input", ""))
    if isinstance(source, list):
        source = "".join(part for part in source if isinstance(part, str))
    return _string(source).replace("\r\n", "\n").replace("\r", "\n")


def _grade_id(node: dict[str, Any]) -> str:
    return _string(as_dict(as_dict(node.get("metadata")).get("nbgrader")).get("grade_id"))


def _lesson(course: dict[str, Any], cells: tuple[CodeCell, ...], nodes: list[dict[str, Any]]) -> str:
    """What its metadata say; else what most of its cell ids, and calls of check, belong to."""
    said = _string(course.get("lesson"))
    if re.fullmatch(r"\d\d", said):
        return said
    votes: Counter[str] = Counter()
    for cell in cells:
        for found in (_EXERCISE_ID.match(cell.id), _CHECK_CALL.search(cell.source)):
            if found:
                votes[found.group(1)] += 1
    for node in nodes:
        found = _EXERCISE_ID.match(_grade_id(node))
        if found:
            votes[found.group(1)] += 1
    return votes.most_common(1)[0][0] if votes else ""


def _string(value: Any) -> str:
    return value if isinstance(value, str) else ""


def as_dict(value: Any) -> dict[str, Any]:
    """What JSON has as an object; an empty one for anything else."""
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
