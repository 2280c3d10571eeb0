"""Build a lesson: read its source, check it against its exercises, write both notebooks.

The solution notebook is executed only when its code, its exercises or the look of a report changed; their hash
is kept in the notebook's metadata. A new text is only written down.
"""

import hashlib
import operator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from checks.building.execute import execute
from checks.building.hygiene import require_clean
from checks.building.notebooks import solution_notebook, student_notebook
from checks.building.source import Cell, hand_in, read_source
from checks.course import Course, CourseError
from checks.exercise import Exercise, problems
from slmlib.files import write_text

BUILD_ENVIRONMENT = {"SLM_CHECKS": "strict", "SLM_FAST": "", "NBGRADER_EXECUTION": "", "MPLBACKEND": ""}
"""Full size; a check that does not pass stops the build."""

LOOKS = tuple(Path(__file__).parent.parent / name for name in ("report.py", "chart.py", "receipt.py"))
"""What the output of a check, progress or submit cell looks like is decided here."""


@dataclass(frozen=True)
class Lesson:
    """One lesson of a course: its source, read, and where its notebooks go."""

    course: Course
    number: str
    path: Path
    cells: tuple[Cell, ...]
    exercises: tuple[Exercise, ...]

    @classmethod
    def read(cls, course: Course, number: str) -> "Lesson":
        """Read source and exercises; CourseError when there is none, or when the two do not fit together."""
        path = course.source(number)
        if path is None:
            known = ", ".join(course.lessons()) or "none"
            raise CourseError(
                f"There is no lesson {number} in {course.root / 'solutions'}.", f"Found: {known}."
            )
        cells = read_source(path)
        lab = any(cell.role == "check" and cell.exercise == "lab" for cell in cells)
        lesson = cls(course, number, path, (*cells, *hand_in(number, lab)), course.exercises(number))
        lesson._require_complete()
        return lesson

    @property
    def solution_path(self) -> Path:
        """Where the executed notebook goes."""
        return self.path.with_suffix(".ipynb")

    @property
    def student_path(self) -> Path:
        """Where the student's notebook goes."""
        return self.course.root / "lessons" / self.solution_path.name

    @property
    def metadata(self) -> dict[str, Any]:
        """What the notebooks say of their making: two of one hash run the same code, whatever their texts say."""
        digest = hashlib.sha256()
        for cell in self.cells:
            if cell.kind == "code":
                digest.update("\0".join(("", *cell.tags, cell.source)).encode())
        exercises = sorted({self.course.exercise_file(exercise.lesson) for exercise in self.graded()})
        for path in (*exercises, *LOOKS):
            digest.update(b"\0" + path.read_bytes())
        return {"lesson": self.number, "code_sha256": digest.hexdigest()}

    def solution(self) -> NotebookNode:
        """The solution notebook, not executed."""
        return solution_notebook(self.cells, self.graded(), self.metadata)

    def student(self) -> NotebookNode:
        """The student's notebook."""
        return student_notebook(self.cells, self.graded(), self.metadata)

    def graded(self) -> tuple[Exercise, ...]:
        """This lesson's exercises, and the lab's where a cell checks the lab."""
        lab = any(cell.role == "check" and cell.exercise == "lab" for cell in self.cells)
        return self.exercises + (self.course.exercises("lab") if lab else ())

    @property
    def points(self) -> int:
        """All that can be earned in it."""
        return sum(exercise.points for exercise in self.graded())

    def _require_complete(self) -> None:
        """Every exercise has its text, its solution and its check, once; and none is missing its class."""
        name = self.path.name
        for exercise in self.exercises:
            found = problems(exercise)
            if found:
                raise CourseError(found[0], f"See {self.course.exercise_file(self.number).name}.")
            if exercise.lesson != self.number:
                raise CourseError(
                    f"Exercise {exercise.id} stands in the file of lesson {self.number}.", "Move it."
                )
            roles = [cell.role for cell in self.cells if cell.exercise == exercise.id]
            if roles.count("exercise") != 1 or roles.count("check") != 1 or "solution" not in roles:
                raise CourseError(
                    f"{name}: exercise {exercise.id} needs one heading, a solution and one check cell, in this order.",
                    f"Heading '### Exercise {exercise.id}: {exercise.title}', then code with the solution markers, "
                    f'then a cell that is only check("{exercise.id}").',
                )
            if roles.index("exercise") > roles.index("solution") or roles[-1] != "check":
                raise CourseError(
                    f"{name}: the cells of exercise {exercise.id} are out of order.", "Sort them."
                )
            title = next(cell.title for cell in self.cells if cell.exercise == exercise.id and cell.title)
            if title.casefold() != exercise.title.casefold():
                raise CourseError(
                    f"{name}: exercise {exercise.id} is called {title!r} here and {exercise.title!r} in its class.",
                    "Make them equal.",
                )
        known = {exercise.id for exercise in self.exercises} | {"lab"}
        for cell in self.cells:
            if cell.exercise and cell.exercise not in known:
                where = self.course.exercise_file(self.number).name
                raise CourseError(
                    f"{name}, line {cell.line}: exercise {cell.exercise} has no class.",
                    f"Write it in {where}.",
                )


def build(course: Course, number: str, force: bool = False) -> str:
    """Write both notebooks of a lesson. Returns `executed`, `new text` or `unchanged`, for a line on the screen."""
    lesson = Lesson.read(course, number)
    fresh = lesson.solution()
    before = _read(lesson.solution_path)
    news = "executed"
    if before is not None and not force and _same_code(fresh, before):
        news = "new text" if drift(course, number) else "unchanged"
        _keep_outputs(fresh, before)
    else:
        execute(fresh, lesson.path.parent, BUILD_ENVIRONMENT | {"SLM_COURSE": str(course.root)})
    require_clean(fresh, lesson.solution_path.name, executed=True)
    student = lesson.student()
    require_clean(student, lesson.student_path.name, executed=False)
    for path, notebook in ((lesson.solution_path, fresh), (lesson.student_path, student)):
        nbformat.validate(notebook)
        write_text(path, nbformat.writes(notebook).rstrip("\n") + "\n")
    return news


def drift(course: Course, number: str) -> list[str]:
    """How the notebooks on disk differ from what the source says: sources, ids, metadata; never outputs."""
    lesson = Lesson.read(course, number)
    found = []
    for path, wanted in ((lesson.solution_path, lesson.solution()), (lesson.student_path, lesson.student())):
        there = _read(path)
        if there is None:
            found.append(f"{path.name} is missing or unreadable in {path.parent.name}/.")
            continue
        found += [f"{path.parent.name}/{path.name}: {sentence}" for sentence in _differences(wanted, there)]
    return found


def _differences(wanted: NotebookNode, there: NotebookNode) -> list[str]:
    ids = [cell.id for cell in wanted.cells], [cell.get("id") for cell in there.cells]
    if ids[0] != ids[1]:
        return [f"its cells are {len(ids[1])}, in this order or with these ids not those of the source."]
    found = []
    for one, other in zip(wanted.cells, there.cells, strict=True):
        for part in ("cell_type", "source", "metadata"):
            if one[part] != other[part]:
                found.append(f"the {part} of cell {one.id} differs from the source.")
    return found + ([] if wanted.metadata == there.metadata else ["its metadata differ from the source's."])


def _read(path: Path) -> NotebookNode | None:
    try:
        return nbformat.read(path, as_version=4)
    except Exception:  # missing, cut off, not JSON, not a notebook: all mean build it anew
        return None


def _same_code(fresh: NotebookNode, before: NotebookNode) -> bool:
    """Whether the outputs in `before` are those of the code in `fresh`."""
    sources = ([cell.source for cell in _code(notebook)] for notebook in (fresh, before))
    return before.metadata.get("slm") == fresh.metadata.slm and operator.eq(*sources)


def _keep_outputs(fresh: NotebookNode, before: NotebookNode) -> None:
    """Same code, same outputs: carry them over, so that a change of words or of the builder needs no new run."""
    for cell, old in zip(_code(fresh), _code(before), strict=True):
        cell.outputs = old.outputs
        cell.execution_count = old.execution_count
    if "widgets" in before.metadata:
        fresh.metadata.widgets = before.metadata.widgets


def _code(notebook: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]
