"""The table of promises names only tests and commands that exist, and every promise has one."""

import ast
import re
from pathlib import Path

import pytest

COURSE = Path(__file__).resolve().parent.parent
PROMISES = (COURSE / "slmlib" / "PROMISES.md").read_text(encoding="utf-8")


def problems(document: str) -> list[str]:
    """What is wrong with a table of promises: a row without proof, a test or a command that is not there."""
    found = []
    for row in re.findall(r"(?m)^\| (?!promise)(.+) \|$", document):
        promise, _, proofs = row.rpartition(" | ")
        tests = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", proofs)
        commands = re.findall(r"command `([\w/]+\.py)`", proofs)
        if not tests:
            found.append(f"no test proves: {promise}")
        if len(tests) + len(commands) != proofs.count("`") // 2:
            found.append(f"not understood: {proofs}")
        found += [f"there is no {name}" for name in commands if not (COURSE / name).is_file()]
        found += [f"there is no {path}::{name}" for path, name in tests if name not in functions(path)]
    return found


def functions(path: str) -> set[str]:
    """The names of a test file's functions; empty when there is no such file."""
    file = COURSE / path
    if not file.is_file():
        return set()
    return {
        node.name
        for node in ast.parse(file.read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef)
    }


def test_every_promise_is_proved_by_a_test_that_exists():
    assert problems(PROMISES) == []
    assert PROMISES.count("\n| ") > 30


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ("| It flies | by itself |", "no test proves: It flies"),
        (
            "| It flies | `tests/test_promises.py::test_flies` |",
            "there is no tests/test_promises.py::test_flies",
        ),
        ("| It flies | `tests/test_air.py::test_flies` |", "there is no tests/test_air.py::test_flies"),
        ("| It flies | command `benchmarks/fly.py` |", "there is no benchmarks/fly.py"),
        ("| It flies | `make test` |", "not understood"),
    ],
)
def test_a_spoiled_table_is_found(row, problem):
    assert any(problem in found for found in problems(f"| promise | proved by |\n|---|---|\n{row}\n"))


def test_the_readme_leads_there():
    assert "(slmlib/PROMISES.md)" in (COURSE / "README.md").read_text(encoding="utf-8")
