"""The bundle for students: everything they work with, and no solution. `reference` then says it is withheld."""

import shutil
from pathlib import Path

from checks.course import Course, CourseError
from slmlib.files import explain_os_errors

PARTS: tuple[str, ...] = (
    "lessons",
    "slmlib",
    "checks",
    ".ci",
    "Makefile",
    "README.md",
    "LICENSE",
    "pyproject.toml",
)
PARTS += ("requirements.lock", "environment.yml", ".gitignore")
LEFT_OUT = shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints", "*.pyc", "grading")


def release(folder: Path, course: Course | None = None) -> str:
    """Copy the course without solutions, tests and grader into a new folder; returns a line for the screen."""
    course = course or Course.here()
    if folder.exists():
        raise CourseError(f"{folder} is there already.", "Name a folder that does not exist yet.")
    lessons = sorted((course.root / "lessons").glob("*.ipynb"))
    if not lessons:
        raise CourseError("There are no student notebooks in lessons/.", "Build them: python -m checks build")
    # The library and the checks belong to the bundle even when SLM_COURSE names lessons of one's own.
    home = Path(__file__).resolve().parent.parent.parent
    with explain_os_errors(folder):
        folder.mkdir(parents=True)
        for name in PARTS:
            source = course.root / name if (course.root / name).exists() else home / name
            if name == "checks":
                shutil.copytree(home / name, folder / name, ignore=LEFT_OUT)
                exercises = course.root / "checks" / "exercises"
                shutil.copytree(
                    exercises, folder / "checks" / "exercises", ignore=LEFT_OUT, dirs_exist_ok=True
                )
            elif source.is_dir():
                shutil.copytree(source, folder / name, ignore=LEFT_OUT)
            elif source.exists():
                shutil.copy2(source, folder / name)
    return f"{len(lessons)} lessons for students are in {folder}: no solutions, no grader."
