"""The instructor's side: grade notebooks without trusting them. README.md says how.

from checks.grading import grade
"""

from pathlib import Path

from checks.grading.grades import Flag, Grades
from checks.grading.settings import Settings

__all__ = ["Flag", "Grades", "Settings", "grade"]


def grade(notebook: Path | str, settings: Settings | None = None) -> Grades:
    """Grade one notebook file, for those who script. Course folders and databases are not needed.

    Raises SlmError when the file is no notebook of this course, or this machine cannot confine it at all.
    """
    from checks.building.build import Lesson
    from checks.course import Course, CourseError
    from checks.grading.finding import Submission
    from checks.grading.marking import mark
    from checks.grading.naming import lesson_in
    from checks.grading.reading import read_notebook
    from checks.grading.session import Zygote, best_kind

    settings = settings or Settings()
    path = Path(notebook)
    found = read_notebook(Submission("", path.name, str(path)).read())
    number = found.lesson or lesson_in(path.name)
    if not number:
        raise CourseError(
            f"Nothing in {path.name} says which lesson it is.", "Is it a notebook of this course?"
        )
    lesson = Lesson.read(Course.here(), number)
    with Zygote(settings.environment()) as zygote:
        kind = best_kind(zygote, settings.sandbox("plain"))
        return mark(found, lesson, zygote, settings.sandbox(kind), settings)
