"""The course as a table of lessons and three folders, and where the exercises of a lesson are found.

    checks/exercises/lesson_02.py    solutions/02_tokenizer.py    lessons/02_tokenizer.ipynb

SLM_COURSE names another folder of that layout: an instructor's own lessons, or the tests' demonstration.
"""

import importlib.util
import inspect
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from checks.exercise import Exercise
from slmlib.errors import SlmError

LESSONS = {
    "00": "First story",
    "01": "Data",
    "02": "Tokenizer",
    "03": "Token stream",
    "04": "Embeddings",
    "05": "Positions",
    "06": "Attention",
    "07": "Transformer",
    "08": "Training loop",
    "09": "Perplexity",
    "10": "Generation",
    "11": "Checkpoints",
    "12": "Training dynamics",
}
"""The lessons of the map, in order; one that has no files yet is skipped."""

PARTS = {"00": "I Text to tokens", "04": "II The model", "08": "III Training"}
"""The parts of the course, by the lesson each begins with."""


class CourseError(SlmError):
    """A lesson or exercise that is not there, or not written as the course needs it."""


@dataclass(frozen=True)
class Course:
    """A folder with lessons in it."""

    root: Path

    @classmethod
    def here(cls) -> "Course":
        """The folder SLM_COURSE names, else the checkout this package lies in."""
        named = os.environ.get("SLM_COURSE")
        if named and not Path(named).is_dir():
            raise CourseError(f"SLM_COURSE names {named}, which is no folder.", "Correct it, or unset it.")
        return cls(Path(named or Path(__file__).parent.parent).resolve())

    def source(self, lesson: str) -> Path | None:
        """The lesson's source, solutions/NN_name.py, or None."""
        found = sorted((self.root / "solutions").glob(f"{lesson}_*.py"))
        if len(found) > 1:
            raise CourseError(
                f"Lesson {lesson} has {len(found)} sources: {', '.join(path.name for path in found)}.",
                "Keep one.",
            )
        return found[0] if found else None

    def lessons(self) -> list[str]:
        """The numbers of all lessons that have a source."""
        return sorted({path.name[:2] for path in (self.root / "solutions").glob("[0-9][0-9]_*.py")})

    def exercise_file(self, lesson: str) -> Path:
        """Where the exercises of a lesson are written; the file need not exist."""
        name = f"lesson_{lesson}.py" if lesson.isdigit() else f"{lesson}.py"
        return self.root / "checks" / "exercises" / name

    def exercises(self, lesson: str) -> tuple[Exercise, ...]:
        """The exercises of a lesson (or of the `lab`), by number; none when it has no file."""
        path = self.exercise_file(lesson)
        if not path.is_file():
            return ()
        module = _load(path)
        classes = [
            item
            for item in vars(module).values()
            if inspect.isclass(item) and issubclass(item, Exercise) and item.__module__ == module.__name__
        ]
        found = [item() for item in classes if hasattr(item, "id")]
        return tuple(sorted(found, key=lambda exercise: int(exercise.id.partition(".")[2])))

    def find(self, wanted: str) -> tuple[Exercise, ...]:
        """The exercise `02.3`, or all of lesson `02` or of the `lab`."""
        wanted = str(wanted).strip()
        lesson = wanted.partition(".")[0]
        known = self.exercises(lesson) if lesson.isalnum() else ()
        found = tuple(exercise for exercise in known if wanted in (exercise.id, lesson))
        if not found:
            names = ", ".join(exercise.id for exercise in known)
            fix = (
                f"Lesson {lesson} has {names}."
                if names
                else 'Ids look like "02.3": two digits, a dot, a number.'
            )
            raise CourseError(f"There is no exercise {wanted!r}.", fix)
        return found


def _load(path: Path) -> ModuleType:
    """The module in a file, loaded once: a change is seen by the next process."""
    name = f"checks.exercises.{path.stem}"
    module = sys.modules.get(name)
    if module is not None and Path(str(module.__file__)) == path:
        return module
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise CourseError(f"{path} cannot be imported.", "Exercises are Python files.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module
