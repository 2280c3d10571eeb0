"""The bundle for students: everything they work with, made from the sources, and no solution or note of yours.

`reference` then says that a solution is withheld.
"""

import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import nbformat

from checks.building.build import Lesson
from checks.course import Course, CourseError
from checks.grading.rows import title_of
from slmlib.files import explain_os_errors, write_text

PARTS: tuple[str, ...] = (
    "slmlib",
    "checks",
    ".ci",
    "LICENSE",
    "pyproject.toml",
    "requirements.lock",
    "environment.yml",
)
PARTS += (".gitignore",)
TARGETS = ("help", "lab", "train", "env", "kernel", "clean")
"""Those of make that work in a bundle."""
NOT_THEIRS = re.compile(
    r"(?:#.*\n)*(?:test|test-browser|notebooks|grade|bench|gpu-test|lock|side_by_side|\.venv/\.ready-test)\b.*:"
)
LEFT_OUT = shutil.ignore_patterns(
    "__pycache__", ".ipynb_checkpoints", "*.pyc", "grading", "pictures", "PROMISES.md"
)
BUILDING = ("__init__.py", "source.py")
"""Of checks/building: what `reference` imports."""
MOST_TOLD = 10
"""Names of files that are told one by one."""
EXERCISES = re.compile(r"(lesson_\d\d|lab|__init__)\.py")

README = """# Pre-train a small language model from scratch

{count} lessons in notebooks, and the library under them. A laptop with two CPU cores is enough; no lesson needs the
internet or a GPU.

```
make lab      # the course in JupyterLab
make train    # a story model from scratch, in the terminal
```

Each makes its own environment first (Python 3.11 or newer and a package registry are all it needs); `make help` lists
the rest. On a pod whose JupyterLab already runs: `make kernel`, then choose the kernel `slm`.

Without make (on Windows write `py` for `python3` and `.venv\\Scripts\\python` for `.venv/bin/python`):

```
python3 -m venv .venv
.venv/bin/python -m pip install -c requirements.lock -e .
.venv/bin/python -m jupyterlab --ServerApp.root_dir=. --FileContentsManager.preferred_dir=lessons
```

## The lessons

{lessons}

In a notebook: `check("02.1")` says whether an exercise is right, and which mistake is likely; `hint("02.1")` helps, a
stage more each time; `progress()` shows where you stand, as `python -m checks progress` does in a terminal.
`reference("02.1")` would lend our version; in this copy it is withheld. The last cell of each lesson, `submit`, writes a
zip to hand in beside the notebook where you are asked for it.

## When something is wrong

- `.venv/bin/python -m slmlib doctor` looks at this machine, and says what to do.
- `No module named 'slmlib'`: the notebook runs on another Python. Menu Kernel, Change Kernel.
- What you trained, and your progress, is in the folder `work`.
- Words: [slmlib/GLOSSARY.md](slmlib/GLOSSARY.md).
"""


def release(folder: Path, course: Course | None = None) -> str:
    """Make the course without solutions, tests and grader in a new folder; returns a line for the screen."""
    course = course or Course.here()
    if folder.exists():
        raise CourseError(f"{folder} is there already.", "Name a folder that does not exist yet.")
    lessons = [Lesson.read(course, number) for number in course.lessons()]
    if not lessons:
        raise CourseError(
            f"There is no lesson source in {course.root / 'solutions'}.", "Is it your checkout?"
        )
    # The library and the checks belong to the bundle even when SLM_COURSE names lessons of one's own.
    home = Path(__file__).resolve().parent.parent.parent
    with explain_os_errors(folder):
        folder.mkdir(parents=True)
        unknown: list[str] = []
        for name in PARTS:
            source = course.root / name if name != "checks" and (course.root / name).exists() else home / name
            if source.is_dir():
                shutil.copytree(source, folder / name, ignore=LEFT_OUT)
                unknown += [
                    f"{name}/{path}" for path in unknown_to_git(source) if (folder / name / path).exists()
                ]
            elif source.exists():
                shutil.copy2(source, folder / name)
        for path in unknown:
            shutil.rmtree(folder / path) if (folder / path).is_dir() else (folder / path).unlink()
        _only_theirs(folder / "checks", (home, course.root))
        for lesson in lessons:
            text = nbformat.writes(lesson.student()).rstrip("\n") + "\n"
            write_text(folder / "lessons" / lesson.student_path.name, text)
        write_text(folder / "README.md", student_readme(lessons))
        write_text(folder / "Makefile", student_makefile((home / "Makefile").read_text(encoding="utf-8")))
    unknown = [
        path for path in unknown if not (folder / path).exists()
    ]  # new exercises are there all the same
    more = f" and {len(unknown) - MOST_TOLD} more" if len(unknown) > MOST_TOLD else ""
    left = (
        f" Left out, as git does not track them: {', '.join(unknown[:MOST_TOLD])}{more}." if unknown else ""
    )
    return f"{len(lessons)} lessons for students are in {folder}: no solutions, no grader.{left}"


def unknown_to_git(folder: Path) -> list[str]:
    """What lies below a folder of a checkout and was never added to it: notes of yours. None where git tracks nothing."""

    def listed(*options: str) -> list[str]:
        command = ["git", "-C", str(folder), "ls-files", "-z", *options, "."]
        done = subprocess.run(command, capture_output=True, check=True)
        return done.stdout.decode(errors="surrogateescape").split("\0")[:-1]

    try:
        return sorted(listed("--others")) if listed() else []
    except (OSError, subprocess.CalledProcessError):
        return []


def _only_theirs(checks: Path, roots: Sequence[Path]) -> None:
    """Of the checks: no tools for building lessons, and of the exercises' folder only exercises."""
    (checks / "README.md").unlink(missing_ok=True)
    for path in (checks / "building").iterdir():
        if path.name not in BUILDING:
            path.unlink()
    shutil.rmtree(checks / "exercises")
    (checks / "exercises").mkdir()
    for root in roots:
        for path in (root / "checks" / "exercises").glob("*.py"):
            if EXERCISES.fullmatch(path.name):
                shutil.copy2(path, checks / "exercises")


def student_readme(lessons: Sequence[Lesson]) -> str:
    """A page made for students: how to begin, which lessons there are, what helps."""
    names = [f"- [{title_of(one.number)}](lessons/{one.student_path.name})" for one in lessons]
    return README.format(count=len(lessons), lessons="\n".join(names))


def student_makefile(text: str) -> str:
    """The course's Makefile without the targets for what a bundle does not have."""
    kept = [part for part in text.split("\n\n") if not NOT_THEIRS.match(part)]
    return (
        re.sub(r"(?m)^\.PHONY: help .*$", f".PHONY: {' '.join(TARGETS)}", "\n\n".join(kept)).rstrip("\n")
        + "\n"
    )
