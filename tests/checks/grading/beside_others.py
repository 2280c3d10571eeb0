"""What nbgrader and otter-grader give the same notebooks, for the table of the battery.

Only families that harm nobody are run: neither has walls here, and the others would delete the grader's files. Both ask
our own check: what differs is who is asked, and where the answer is judged.
"""

import contextlib
import csv
import json
import os
import subprocess
import tempfile
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HARMLESS = ("lie_", "forged_", "honest_")
NOT_FOR_IT = {
    "lie_subprocess": "writes over files of the grader",
    "lie_reduce": "not run",
    "honest_colab": "would install packages",
    "honest_files": "writes into the grader's folders",
}


def version_of(python: str, package: str) -> str:
    """`nbgrader 0.9.6`."""
    code = f"from importlib.metadata import version; print({package!r}, version({package!r}))"
    return subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


def points_by_nbgrader(python: str, submissions: dict[str, bytes], solution: str) -> dict[str, float]:
    """Name -> points of nbgrader's autograde; a name that is missing was not graded at all."""
    with tempfile.TemporaryDirectory(prefix="battery-nbgrader-") as folder:
        root = Path(folder)
        (root / "nbgrader_config.py").write_text(
            f"c = get_config()\nc.CourseDirectory.root = {folder!r}\n"
            "c.Execute.timeout = c.ExecutePreprocessor.timeout = 30\n"
        )
        (root / "source" / "98").mkdir(parents=True)
        (root / "source" / "98" / "98_demo.ipynb").write_text(solution)
        environment = os.environ | {
            "PATH": f"{Path(python).parent}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(Path(__file__).parents[3]),
            "SLM_HOME": f"{folder}/home",
            "OMP_NUM_THREADS": "1",
        }

        def run(*words: str) -> None:
            command = [python, "-m", "nbgrader", *words]
            with contextlib.suppress(subprocess.TimeoutExpired):
                subprocess.run(command, cwd=folder, env=environment, capture_output=True, timeout=300)

        run("generate_assignment", "98")
        for name, data in submissions.items():
            path = root / "submitted" / name / "98" / "98_demo.ipynb"
            path.parent.mkdir(parents=True)
            path.write_bytes(data)
            run("autograde", "98", "--student", name)  # one at a time: a strange one ends its whole run
        graded = {path.name for path in (root / "autograded").iterdir()}
        run("export", "--to", f"{folder}/grades.csv")
        with open(f"{folder}/grades.csv", newline="") as file:
            rows = csv.DictReader(file)
            return {row["student_id"]: float(row["score"]) for row in rows if row["student_id"] in graded}


OTTER_TEST = """OK_FORMAT = True
test = {{"name": "{exercise}", "points": {points}, "suites": [{{"type": "doctest", "scored": True, "setup": "",
    "teardown": "", "cases": [{{"locked": False, "hidden": True,
    "code": ">>> from checks import check\\n>>> check('{exercise}').passed\\nTrue"}}]}}]}}
"""


def points_by_otter(
    python: str, submissions: dict[str, bytes], worth: dict[str, float], jobs: int = 2
) -> dict[str, float]:
    """Name -> points of `otter run`; a name that is missing was not graded at all."""
    with tempfile.TemporaryDirectory(prefix="battery-otter-") as folder:
        root = Path(folder)
        with zipfile.ZipFile(root / "autograder.zip", "w") as archive:
            archive.writestr("otter_config.json", json.dumps({"show_stdout": False}))
            for exercise, points in worth.items():
                name = f"tests/q{exercise.replace('.', '_')}.py"
                archive.writestr(name, OTTER_TEST.format(exercise=exercise, points=points))
        environment = os.environ | {
            "PATH": f"{Path(python).parent}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(Path(__file__).parents[3]),
            "SLM_HOME": f"{folder}/home",
            "OMP_NUM_THREADS": "1",
        }

        def grade(name: str) -> float | None:
            place = root / name
            place.mkdir()
            (place / "98_demo.ipynb").write_bytes(submissions[name])
            command = [python, "-m", "otter", "run", "98_demo.ipynb", "-a", "../autograder.zip", "-o", "."]
            with contextlib.suppress(subprocess.TimeoutExpired):
                subprocess.run(command, cwd=place, env=environment, capture_output=True, timeout=120)
            try:
                tests = json.loads((place / "results.json").read_text())["tests"]
                return float(sum(test.get("score", 0.0) for test in tests))
            except (OSError, ValueError, KeyError):
                return None

        with ThreadPoolExecutor(jobs) as pool:
            found = dict(zip(submissions, pool.map(grade, submissions), strict=True))
        return {name: points for name, points in found.items() if points is not None}


def is_for_it(name: str, paths: list[str]) -> bool:
    """Whether this file of the battery is one that the others could and may run."""
    return (
        name.startswith(HARMLESS)
        and name not in NOT_FOR_IT
        and len(paths) == 1
        and paths[0].endswith(".ipynb")
    )
