"""The demonstration course, a student's kernel without a kernel, and one built copy of the course."""

import shutil
from pathlib import Path

import pytest

from checks.building.build import build
from checks.building.mutants import solved_names
from checks.course import Course

DEMO = Path(__file__).parent / "demo"


class Kernel:
    """A namespace that runs code as cells of a notebook would."""

    def __init__(self, names):
        self.names = names

    def run(self, code):
        """Run a cell; the value of its last line, which must be an expression, or None."""
        *_, last = code.strip("\n").split("\n")
        try:
            compile(last, "cell", "eval")
        except SyntaxError:
            exec(code, self.names)
            return None
        exec(code.strip("\n").removesuffix(last), self.names)
        return eval(last, self.names)


@pytest.fixture
def demo(monkeypatch, tmp_path):
    """The demonstration course, with a home of its own for progress."""
    monkeypatch.setenv("SLM_COURSE", str(DEMO))
    monkeypatch.setenv("SLM_HOME", str(tmp_path / "home"))
    for name in ("SLM_CHECKS", "NBGRADER_EXECUTION"):
        monkeypatch.delenv(name, raising=False)
    return Course.here()


@pytest.fixture
def kernel(demo):
    """Both exercises of the demonstration solved."""
    names = solved_names(demo, demo.exercises("98")[-1])
    exec("from checks import check, hint, progress, reference", names)
    return Kernel(names)


@pytest.fixture(scope="session")
def built(tmp_path_factory):
    """A copy of the demonstration, built once for all tests that only read it."""
    root = tmp_path_factory.mktemp("course") / "demo"
    shutil.copytree(DEMO, root)
    course = Course(root)
    assert build(course, "98") == "executed"
    return course
