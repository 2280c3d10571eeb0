"""Cells to notebooks: the solution as an instructor reads it, and the student's version of it.

Both carry nbgrader's metadata (schema 3), so that an instructor who uses nbgrader can; the student's
version is what nbgrader's own release would be: stubs, cleared outputs, checksums, locked check cells.
"""

import hashlib
import html
import re
from collections.abc import Sequence
from typing import Any

import nbformat
from nbformat import NotebookNode

from checks.building.source import BEGIN, END, Cell
from checks.exercise import Exercise, stub_sentence

KERNELSPEC = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}


def solution_notebook(
    cells: Sequence[Cell], exercises: Sequence[Exercise], metadata: dict[str, Any]
) -> NotebookNode:
    """The lesson with its solutions, not yet executed."""
    return _notebook([_node(cell, cell.source, exercises, released=False) for cell in cells], metadata)


def student_notebook(
    cells: Sequence[Cell], exercises: Sequence[Exercise], metadata: dict[str, Any]
) -> NotebookNode:
    """The lesson with a stub in place of each solution."""
    nodes = []
    for cell in cells:
        source = stub(cell) if cell.role == "solution" else cell.source
        nodes.append(_node(cell, source, exercises, released=True))
    return _notebook(nodes, metadata)


def _notebook(nodes: list[NotebookNode], metadata: dict[str, Any]) -> NotebookNode:
    notebook = nbformat.v4.new_notebook(cells=nodes)
    notebook.nbformat_minor = 5
    notebook.metadata.update(kernelspec=dict(KERNELSPEC), language_info={"name": "python"}, slm=metadata)
    return notebook


def _node(cell: Cell, source: str, exercises: Sequence[Exercise], released: bool) -> NotebookNode:
    if cell.role == "exercise":
        source += "".join(folded_hints(exercise) for exercise in exercises if exercise.id == cell.exercise)
    make = nbformat.v4.new_markdown_cell if cell.kind == "markdown" else nbformat.v4.new_code_cell
    node = make(source, id=cell.id)
    if cell.tags:
        node.metadata.tags = list(cell.tags)
    if cell.role in ("solution", "check"):
        points = sum(
            exercise.points for exercise in exercises if cell.exercise in (exercise.id, exercise.lesson)
        )
        node.metadata.nbgrader = nbgrader_metadata(cell, points)
        if released:
            node.metadata.deletable = False
            if cell.role == "check":
                node.metadata.editable = False
            node.metadata.nbgrader.update(cell_type="code", checksum=nbgrader_checksum(node))
    return node


def nbgrader_metadata(cell: Cell, points: float) -> dict[str, Any]:
    """nbgrader's schema 3: a solution cell the student writes, or a locked check cell that gives points."""
    graded = cell.role == "check"
    found: dict[str, Any] = {
        "schema_version": 3,
        "grade": graded,
        "solution": not graded,
        "locked": graded,
        "task": False,
        "grade_id": cell.id,
    }
    return found | ({"points": points} if graded else {})


def nbgrader_checksum(node: NotebookNode) -> str:
    """nbgrader's checksum of a cell: by it, `autograde` knows that a locked cell was edited."""
    data = node.metadata.nbgrader
    parts = [node.source, node.cell_type, data["grade"], data["solution"], data["locked"], data["grade_id"]]
    if data["grade"]:
        parts.append(float(data["points"]))
    return hashlib.md5("".join(map(str, parts)).encode(), usedforsecurity=False).hexdigest()


def folded_hints(exercise: Exercise) -> str:
    """The hints below an exercise's text, each behind a click."""
    total = len(exercise.hints)
    return "".join(
        f"\n\n<details><summary>Hint {number} of {total}</summary>\n\n{_prose(text)}\n\n</details>"
        for number, text in enumerate(exercise.hints, 1)
    )


def _prose(text: str) -> str:
    """A hint is plain text with `code` in backticks: outside them nothing may turn into emphasis or HTML."""
    parts = text.split("`")
    parts[::2] = [re.sub(r"([*_$])", r"\\\1", html.escape(part, quote=False)) for part in parts[::2]]
    return "`".join(parts)


def stub(cell: Cell) -> str:
    """The cell with each solution replaced by a statement that raises, naming the exercise and the way out."""
    lines, inside = [], False
    for line in cell.source.splitlines():
        if BEGIN in line:
            inside = True
            indent = line[: len(line) - len(line.lstrip())]
            lines += [
                f"{indent}# YOUR CODE HERE",
                f"{indent}raise NotImplementedError(",
                f"{indent}    {stub_sentence(cell.exercise)!r}",
                f"{indent})",
            ]
        elif END in line:
            inside = False
        elif not inside:
            lines.append(line)
    return "\n".join(lines)
