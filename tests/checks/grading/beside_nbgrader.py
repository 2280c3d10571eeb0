"""What nbgrader gives the same notebooks, for the table of the battery.

Only families that harm nobody are run: nbgrader has no walls, and the others would delete the grader's files.
"""

import contextlib
import csv
import os
import subprocess
import tempfile
from pathlib import Path

HARMLESS = ("lie_", "forged_", "honest_")
NOT_FOR_IT = {
    "lie_subprocess": "writes over files of the grader",
    "lie_reduce": "not run",
    "honest_colab": "would install packages",
    "honest_files": "writes into the grader's folders",
}


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


def is_for_it(name: str, paths: list[str]) -> bool:
    """Whether this file of the battery is one that nbgrader could and may run."""
    return (
        name.startswith(HARMLESS)
        and name not in NOT_FOR_IT
        and len(paths) == 1
        and paths[0].endswith(".ipynb")
    )
