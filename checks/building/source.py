"""A lesson's source: Python in percent format, read into cells that know their part in the lesson.

The format is the part of jupytext's py:percent that we use: `# %%` begins a code cell, `# %% [markdown]` a
text cell whose lines begin with `# `, and `tags=["..."]` on either line names cell tags.
"""

import ast
import re
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from checks.course import CourseError

Role = Literal["text", "exercise", "solution", "check", "code"]

_MARKER = re.compile(r"# %%(?P<rest>.*)")
_REST = re.compile(r"\s*(?P<markdown>\[markdown\])?\s*(?:tags=\[(?P<tags>[^\]]*)\])?\s*")
_HEADING = re.compile(r"^(#{1,6}) +(.+?)\s*$", re.MULTILINE)
_EXERCISE = re.compile(r"^### Exercise (\S+): (.+?)\s*$", re.MULTILINE)
_CHECK = re.compile(r"""check\(["'](\d\d\.\d+|lab)["']\)""")
BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"
HAND_IN = (
    "**To hand in.** The cell below packs what you have done so far; it need not be all, and you can run it as often as "
    "you like."
)


@dataclass(frozen=True)
class Cell:
    """One cell of a lesson, as its author wrote it."""

    role: Role
    source: str
    line: int
    """Where it begins in the source file, from 1."""
    id: str = ""
    """Stable: made of the lesson, the heading above and the place below it."""
    tags: tuple[str, ...] = ()
    exercise: str = ""
    """The exercise it belongs to: its text, its solution or its check."""
    title: str = ""
    """An exercise's title, as its heading has it."""

    @property
    def kind(self) -> str:
        """`markdown` or `code`, as notebooks say."""
        return "markdown" if self.role in ("text", "exercise") else "code"


def read_source(path: Path) -> tuple[Cell, ...]:
    """The cells of a lesson source file such as `solutions/02_tokenizer.py`."""
    return parse(path.read_text(encoding="utf-8"), path.name[:2], path.name)


def hand_in(lesson: str, lab: bool) -> tuple[Cell, ...]:
    """The last two cells of every lesson: words and a call of `submit`. No source holds a copy of them."""
    options = ", lab=True" if lab else ""
    return (
        Cell("text", HAND_IN, 0, f"{lesson}-hand-in-1"),
        Cell("code", f'from checks import submit\n\nsubmit("{lesson}"{options})', 0, f"{lesson}-hand-in-2"),
    )


def parse(text: str, lesson: str, name: str = "the source") -> tuple[Cell, ...]:
    """Cells with roles, exercises and ids. CourseError names the line of whatever does not fit."""
    cells: list[Cell] = []
    exercise = ""
    for cell in _split(text, name):
        if cell.role == "text":
            found = _EXERCISE.search(cell.source)
            if found:
                exercise = found.group(1)
                cell = replace(cell, role="exercise", exercise=exercise, title=found.group(2))
            elif _HEADING.search(cell.source):
                exercise = ""
        elif BEGIN in cell.source or END in cell.source:
            if not exercise:
                raise CourseError(
                    f"{name}, line {cell.line}: a solution with no exercise.",
                    "Put a markdown cell with '### Exercise NN.K: title' before it.",
                )
            _require_inside_functions(cell, name)
            cell = replace(cell, role="solution", exercise=exercise)
        elif check := _CHECK.fullmatch(cell.source):
            cell = replace(cell, role="check", exercise=check.group(1))
        cells.append(cell)
    return tuple(_with_ids(cells, lesson))


def _split(text: str, name: str) -> list[Cell]:
    """Cells as they are separated by `# %%` lines; every one is `text` or `code` still."""
    cells: list[Cell] = []
    lines: list[str] = []
    head: dict[str, Any] = {}

    def finish() -> None:
        if not head:
            if any(line.strip() and not line.startswith("#") for line in lines):
                raise CourseError(
                    f"{name} has code before its first cell.", "Begin the file with a '# %%' line."
                )
            return
        if head["role"] == "text":
            lines[:] = [_uncomment(line, name, head["line"] + 1 + at) for at, line in enumerate(lines)]
        source = "\n".join(lines).strip("\n").rstrip()
        if source:
            cells.append(Cell(source=source, **head))

    for number, line in enumerate(text.splitlines(), 1):
        marker = _MARKER.fullmatch(line)
        if marker is None:
            lines.append(line)
            continue
        rest = _REST.fullmatch(marker["rest"])
        if rest is None:
            raise CourseError(
                f"{name}, line {number}: cannot read the cell header {line!r}.",
                'Known are "# %%", "# %% [markdown]" and tags=["..."] after either.',
            )
        finish()
        lines.clear()
        tags = tuple(re.findall(r"[\w-]+", rest["tags"] or ""))
        head.update(role="text" if rest["markdown"] else "code", line=number, tags=tags)
    finish()
    return cells


def _uncomment(line: str, name: str, number: int) -> str:
    if line.strip() and not line.startswith("#"):
        raise CourseError(
            f"{name}, line {number}: code in a markdown cell.", "Begin a code cell with '# %%'."
        )
    return line[2:] if line.startswith("# ") else line[1:]


def _require_inside_functions(cell: Cell, name: str) -> None:
    """A stub must raise when it is called, not when its cell is run: so it has to stand inside a function."""
    regions, begin = [], 0
    for number, line in enumerate(cell.source.splitlines(), 1):
        if BEGIN in line and not begin:
            begin = number
        elif END in line and begin:
            regions.append((begin, number))
            begin = 0
        elif BEGIN in line or END in line:
            raise CourseError(
                f"{name}, line {cell.line + number}: {line.strip()} without its partner.", "Pair them."
            )
    if begin:
        raise CourseError(f"{name}, line {cell.line + begin}: {BEGIN} without {END}.", "Close the region.")
    functions = [
        (node.body[0].lineno, node.end_lineno or 0)
        for node in ast.walk(ast.parse(cell.source))
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
    ]
    lines = cell.source.splitlines()
    for first, last in regions:
        indented = lines[first - 1].startswith(" ")
        inner = range(first + 1, last)
        code = [
            number
            for number in inner
            if lines[number - 1].strip() and not lines[number - 1].lstrip().startswith("#")
        ]
        if (
            not code
            or not indented
            or not any(code[0] >= start and code[-1] <= end for start, end in functions)
        ):
            raise CourseError(
                f"{name}, line {cell.line + first}: this solution is not inside one function.",
                "Give the def line and its docstring, and put the markers around the body.",
            )


def _with_ids(cells: list[Cell], lesson: str) -> list[Cell]:
    """Number cells below each heading, so that an edit in one section leaves every other id alone."""
    section, place, found = "start", 0, []
    taken: Counter[str] = Counter()
    for cell in cells:
        heading = _HEADING.search(cell.source) if cell.kind == "markdown" else None
        if heading:
            section, place = _slug(heading.group(2)), 0
            taken[section] += 1
            if taken[section] > 1:
                section = f"{section}-again{taken[section]}"
        if cell.role in ("exercise", "solution", "check"):
            base = f"{cell.role}-{cell.exercise.replace('.', '-')}"
            taken[base] += 1
            own = base if taken[base] == 1 else f"{base}-{taken[base]}"
        else:
            place += 1
            own = f"{lesson}-{section}-{place}"
        found.append(replace(cell, id=own))
    return found


def _slug(heading: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", heading.lower()).strip("-")[:40].strip("-") or "section"


def without_markers(source: str) -> str:
    """A solution cell as a person reads it."""
    return "\n".join(line for line in source.splitlines() if BEGIN not in line and END not in line)


def definitions(cells: tuple[Cell, ...]) -> str:
    """The imports, functions, classes and Capitalised or UPPER_CASE constants, without anything that computes.

    Run, they give a namespace with every solution in it in no time: what the mutation tests start from.
    """
    kept = []
    for cell in cells:
        if cell.kind == "code" and not cell.source.startswith("%"):
            kept += [ast.unparse(node) for node in ast.parse(cell.source).body if is_definition(node)]
    return "\n\n".join(kept)


def is_definition(node: ast.stmt) -> bool:
    """Whether a statement is an import, a function, a class or a constant with a capital first letter."""
    constant = isinstance(node, ast.Assign) and all(
        isinstance(target, ast.Name) and target.id[0].isupper() for target in node.targets
    )
    return constant or isinstance(node, (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef))
