"""What the gradebook and the pages are made of: a row for every file, and the class they make together."""

from dataclasses import dataclass

from checks.building.build import Lesson
from checks.course import LESSONS
from checks.grading.finding import Submission
from checks.grading.grades import Grades


@dataclass(frozen=True)
class Row:
    """One line of the gradebook."""

    submission: Submission
    grades: Grades
    digest: str = ""
    """SHA-256 of the file."""
    bundle: Submission | None = None
    """What `submit` wrote, handed in beside it."""
    instead: str = ""
    """The file that counts in place of this one, which could not be read."""

    @property
    def counts(self) -> bool:
        """Whether this row gives the student's points for its lesson."""
        if self.instead or self.grades.state in ("replaced", "nothing handed in"):
            return False
        return bool(self.grades.lesson)

    @property
    def points(self) -> float | None:
        """The points to write down; None, which is written as nothing, where a file has not been judged."""
        if self.grades.state == "nothing handed in":
            return 0.0
        return self.grades.points if self.grades.state == "graded" else None


@dataclass(frozen=True)
class Batch:
    """A graded class."""

    rows: tuple[Row, ...]
    lessons: dict[str, Lesson]
    unprotected: tuple[str, ...]
    """What this machine cannot protect, in words."""
    seconds: float = 0.0
    mode: str = ""
    """CPU or CUDA, in words."""
    earlier: int = 0
    """How many rows were graded by an earlier run."""
    interrupted: bool = False
    """Whether it was stopped before every row had its turn."""
    skipped: tuple[str, ...] = ()
    """Files that are neither notebooks nor zips, which nobody looked at."""

    @property
    def stray_lessons(self) -> list[str]:
        """A sentence for each lesson that hardly anybody handed in: one stray file is a column of zeros for a class."""
        everybody, few = {row.submission.student for row in self.rows}, {}
        for number in sorted(self.lessons):
            files = [row for row in self.rows if row.grades.lesson == number and row.submission.file]
            count = len({row.submission.student for row in files})
            if count == 1 < len(everybody) - 1 or 10 * count < len(everybody):
                few[number] = (
                    f"Lesson {number}: {count} of {len(everybody)} students; the others get 0 or nothing."
                )
        others = " ".join(f"--lesson {number}" for number in sorted(self.lessons) if number not in few)
        return [f"{sentence} `{others}` leaves it out." for sentence in few.values() if others]


def title_of(number: str) -> str:
    """`02 Tokenizer`."""
    return f"{number} {LESSONS.get(number, '')}".strip()
