"""Before any student: our own solution goes through the very same machinery, and must get full marks.

It proves that the lesson runs on this machine, keeps the data that every run would prepare again, and tells
which libraries the lesson imports, so that they are imported once instead of once a submission.
"""

import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import nbformat

from checks.building.build import Lesson
from checks.grading.marking import mark
from checks.grading.reading import read_notebook
from checks.grading.sandbox import Kind
from checks.grading.session import GradingError, Zygote
from checks.grading.settings import Settings

MOST_WARM_BYTES = 512 * 2**20


def grade_solutions(
    lessons: Sequence[Lesson],
    zygote: Zygote,
    settings: Settings,
    kind: Kind,
    folder: Path,
    say: Callable[[str], None] = lambda line: None,
) -> dict[str, str]:
    """Grade the solution of every lesson. GradingError when one does not get full marks here.

    Lesson -> folder with the data it prepared; empty when there was none, or too much to copy each time.
    """
    found = {}
    for lesson in lessons:
        keep = Path(tempfile.mkdtemp(prefix=f"warm-{lesson.number}-", dir=folder))
        notebook = read_notebook(nbformat.writes(lesson.solution()).encode())
        sandbox = settings.sandbox(kind, keep=str(keep))
        patient = replace(settings, cell_seconds=600.0, total_seconds=3600.0, from_state=False)
        grades = mark(notebook, lesson, zygote, sandbox, patient)
        say(
            f"Lesson {lesson.number}: our own solution gets {grades.points:g} of {grades.possible:g} points "
            f"in {grades.seconds:.0f} s."
        )
        if grades.points < grades.possible:
            wrong = next(outcome for outcome in grades.outcomes if outcome.earned < outcome.points)
            raise GradingError(
                f"Our own solution of {wrong.id} does not pass on this machine: {wrong.problem} {' '.join(grades.remarks[:2])}",
                "Put this right first (python -m slmlib doctor may help); no student was graded.",
            )
        shutil.rmtree(keep / "runs", ignore_errors=True)  # our models; a student's notebook trains its own
        size = sum(path.stat().st_size for path in keep.rglob("*") if path.is_file())
        found[lesson.number] = str(keep) if 0 < size <= MOST_WARM_BYTES else ""
    return found


def modules_of(lesson: Lesson) -> list[str]:
    """Modules a lesson imports at its top level; a worker's zygote has them ready."""
    found: set[str] = set()
    for cell in lesson.cells:
        for line in cell.source.splitlines() if cell.kind == "code" else ():
            words = line.split()
            if len(words) > 1 and words[0] in ("import", "from") and words[0] == line[: len(words[0])]:
                found.add(words[1].rstrip(","))
    return sorted(name for name in found if name.partition(".")[0] != "checks")
