"""Our notebooks go through nbgrader: released, graded and exported, with the right points.

nbgrader is no dependency of the course: its menus would appear in everybody's JupyterLab. SLM_NBGRADER names a Python
that has it, beside the course's own libraries; SLM_NBGRADER=install (which .ci/run says) makes such a one here.
"""

import csv
import importlib.util
import json
import os
import re
import site
import subprocess
import sys
import venv
from pathlib import Path

import nbformat
import pytest

from checks.building.build import Lesson
from checks.course import Course

from ..conftest import DEMO

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))
from book import Book  # noqa: E402

pytestmark = pytest.mark.timeout(600)
STUB = re.compile(r"raise NotImplementedError\(.*?\n?.*?\n?\s*\)$", re.MULTILINE)


@pytest.fixture(scope="module")
def nbgrader(tmp_path_factory):
    """Run nbgrader in a course folder of its own."""
    python = os.environ.get("SLM_NBGRADER", "")
    if python == "install":
        python = install(tmp_path_factory.mktemp("nbgrader"))
    elif not python and importlib.util.find_spec("nbgrader"):
        python = sys.executable
    if not python:
        pytest.skip("nbgrader is not installed here; SLM_NBGRADER=install makes a place for it")
    folder = tmp_path_factory.mktemp("nbgrader-course")
    (folder / "nbgrader_config.py").write_text(
        "c = get_config()\n"
        f"c.CourseDirectory.root = {str(folder)!r}\n"
        "c.Execute.timeout = c.ExecutePreprocessor.timeout = 120\n"
    )
    environment = os.environ | {
        "SLM_COURSE": str(DEMO),
        "PATH": f"{Path(python).parent}{os.pathsep}{os.environ['PATH']}",  # it calls alembic by name
        "PYTHONPATH": str(DEMO.parent.parent.parent),
        "JUPYTER_DATA_DIR": str(folder / "jupyter"),
        "SLM_HOME": str(folder / "home"),
    }
    environment.pop("SLM_CHECKS", None)

    def run(*words):
        done = subprocess.run(
            [python, "-m", "nbgrader", *words], cwd=folder, env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr[-3000:]

    return run, folder


def install(folder):
    """A venv that sees this one's packages, pip too, and adds the few that nbgrader needs besides; its Python."""
    venv.create(folder / "env")
    python = folder / "env" / "bin" / "python"
    (packages,) = (folder / "env" / "lib").glob("python*/site-packages")
    lines = [f"import site; site.addsitedir({path!r})" for path in site.getsitepackages()]
    (packages / "course.pth").write_text("\n".join(lines) + "\n")
    line = [python, "-m", "pip", "install", "-q", "--retries", "0", "--timeout", "10", "nbgrader==0.9.6"]
    try:
        found = subprocess.run(line, capture_output=True, text=True, timeout=120)
    except subprocess.TimeoutExpired:
        pytest.skip("nbgrader cannot be installed here within two minutes")
    if found.returncode:
        pytest.skip(f"nbgrader cannot be installed here: {found.stderr.strip().splitlines()[-1]}")
    return str(python)


@pytest.fixture(scope="module")
def points(nbgrader):
    """Student -> points, after release, autograde and export."""
    run, folder = nbgrader
    lesson = Lesson.read(Course(DEMO), "98")
    source = folder / "source" / "98" / "98_demo.ipynb"
    source.parent.mkdir(parents=True)
    nbformat.write(lesson.solution(), source)
    run("generate_assignment", "98")
    solved, untouched, half = Book(lesson), Book(lesson), Book(lesson)
    for exercise in ("98.1", "98.2"):
        untouched.undo(exercise)
    half.undo("98.1")
    for student, book in (("solved", solved), ("untouched", untouched), ("half", half)):
        path = folder / "submitted" / student / "98" / "98_demo.ipynb"
        path.parent.mkdir(parents=True)
        path.write_bytes(book.bytes())
    run("autograde", "98")
    run("export", "--to", str(folder / "grades.csv"))
    with open(folder / "grades.csv", newline="") as file:
        return {
            row["student_id"]: (float(row["score"]), float(row["max_score"])) for row in csv.DictReader(file)
        }


def test_its_release_has_our_students_sources(points, nbgrader):
    """But for the words in a stub: nbgrader has one stub for all exercises."""
    released = json.loads((nbgrader[1] / "release" / "98" / "98_demo.ipynb").read_text())
    ours = Lesson.read(Course(DEMO), "98").student()
    assert [cell["id"] for cell in released["cells"]] == [cell.id for cell in ours.cells]
    for theirs, own in zip(released["cells"], ours.cells, strict=True):
        assert STUB.sub("", "".join(theirs["source"])) == STUB.sub("", own.source)


def test_solved_gets_all_untouched_nothing_and_half_its_half(points):
    assert points == {"solved": (5.0, 5.0), "untouched": (0.0, 5.0), "half": (2.0, 5.0)}
