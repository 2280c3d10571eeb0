"""Our version of an exercise, taken from the lesson's own source: there is no second copy to drift."""

import html
import linecache
from collections.abc import MutableMapping
from dataclasses import dataclass
from typing import Any

from checks.building.source import read_source, without_markers
from checks.course import Course, CourseError
from checks.exercise import Exercise


@dataclass(frozen=True, repr=False)
class Loan:
    """What was lent: shown as code, so that it is read and not only used."""

    exercise: str
    source: str

    def __repr__(self) -> str:
        return f"{_note(self.exercise)}\n\n{self.source}"

    def _repr_html_(self) -> str:
        note, code = html.escape(_note(self.exercise)), html.escape(self.source)
        return f"<p>{note}</p><pre><code>{code}</code></pre>"


def _note(exercise: str) -> str:
    return f"Lent: our version of {exercise} is in your notebook now. It counts as lent; your own earns the points."


def solution(course: Course, exercise: Exercise) -> str:
    """The source of our version; CourseError when this copy of the course comes without solutions."""
    path = course.source(exercise.lesson)
    if path is None and not exercise.lesson.isdigit():
        raise CourseError(
            f"Exercise {exercise.id} has no code to lend: it looks at what your whole lab has left behind.",
            f'hint("{exercise.id}") says which lesson makes it.',
        )
    if path is None:
        raise CourseError(
            f"This copy of the course comes without the solution of {exercise.id}.",
            f'Use hint("{exercise.id}"), or ask your instructor.',
        )
    cells = [cell for cell in read_source(path) if cell.role == "solution" and cell.exercise == exercise.id]
    if not cells:
        raise CourseError(
            f"Exercise {exercise.id} has no code to lend.", "Its steps are in the cells above it."
        )
    return "\n\n\n".join(without_markers(cell.source) for cell in cells)


def lend(course: Course, exercise: Exercise, names: MutableMapping[str, Any]) -> Loan:
    """Run our version in the student's namespace."""
    source = solution(course, exercise)
    file = f"<reference {exercise.id}>"
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    try:
        exec(compile(source, file, "exec"), dict_of(names))
    except NameError as error:
        raise CourseError(
            f"Our version of {exercise.id} needs {error.name}, which this kernel does not have yet.",
            "Run the cells above first (menu Run), then borrow again.",
        ) from None
    return Loan(exercise.id, source)


def dict_of(names: MutableMapping[str, Any]) -> dict[str, Any]:
    """Globals must be a dict; a notebook's namespace is one."""
    assert isinstance(names, dict)
    return names
