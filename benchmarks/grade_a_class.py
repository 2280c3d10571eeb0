"""Seconds a submission: our grader and nbgrader on the same notebooks, in turns.

    python benchmarks/grade_a_class.py --nbgrader PYTHON [--lessons 02 06] [--each 10] [--turns 5]

PYTHON is one that has nbgrader beside the course's libraries (tests/checks/grading/test_nbgrader.py says how
to make it). Every turn grades the same number of ordinary submissions (solved, half done, untouched) with
both, one after the other, start-up included.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import nbformat

from checks.building.build import Lesson
from checks.building.notebooks import stub
from checks.building.source import without_markers
from checks.course import Course
from slmlib.devices import choose_device
from slmlib.files import write_text

RESULTS = Path(__file__).resolve().parent / "results" / "grade_a_class.md"


def notebooks(lesson: Lesson, count: int) -> list[str]:
    """Ordinary submissions: two of three solved, the others half done or untouched."""
    found = []
    for number in range(count):
        notebook = lesson.student()
        solutions = [cell for cell in lesson.cells if cell.role == "solution"]
        kept = {0: len(solutions), 1: len(solutions), 2: len(solutions) // 2}[number % 3]
        for place, cell in enumerate(solutions):
            node = next(one for one in notebook.cells if one.id == cell.id)
            node.source = without_markers(cell.source) if place < kept else stub(cell)
        found.append(nbformat.writes(notebook))
    return found


def ours(texts: dict[str, str], jobs: int) -> float:
    """Seconds for all of them by `python -m checks grade`."""
    with tempfile.TemporaryDirectory() as folder:
        for student, text in texts.items():
            path = Path(folder) / "in" / student / "notebook.ipynb"
            path.parent.mkdir(parents=True)
            path.write_text(text)
        began = time.monotonic()
        command = [sys.executable, "-m", "checks", "grade", f"{folder}/in", "--jobs", str(jobs)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        return time.monotonic() - began


def theirs(texts: dict[str, str], lesson: Lesson, python: str) -> float:
    """Seconds for all of them by `nbgrader autograde`; releasing the assignment is not counted."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "nbgrader_config.py").write_text(
            f"c = get_config()\nc.CourseDirectory.root = {folder!r}\n"
            "c.Execute.timeout = c.ExecutePreprocessor.timeout = 300\n"
        )
        (root / "source" / "a").mkdir(parents=True)
        nbformat.write(lesson.solution(), root / "source" / "a" / "notebook.ipynb")
        environment = os.environ | {
            "SLM_FAST": "1",
            "OMP_NUM_THREADS": "1",
            "SLM_HOME": f"{folder}/home",
            "PYTHONPATH": str(Path(__file__).resolve().parent.parent),
            "PATH": f"{Path(python).parent}:{os.environ['PATH']}",
        }

        def run(*words: str) -> None:
            command = [python, "-m", "nbgrader", *words]
            subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True)

        run("generate_assignment", "a")
        for student, text in texts.items():
            path = root / "submitted" / student / "a" / "notebook.ipynb"
            path.parent.mkdir(parents=True)
            path.write_text(text)
        began = time.monotonic()
        run("autograde", "a")
        return time.monotonic() - began


def main() -> None:
    """Print a line a turn and the medians; the page in results/ has the same."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nbgrader", required=True, metavar="PYTHON")
    parser.add_argument("--lessons", nargs="+", default=["02", "06"])
    parser.add_argument("--each", type=int, default=10)
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    lines: list[str] = []
    for number in options.lessons:
        lesson = Lesson.read(Course.here(), number)
        texts = {f"student{at:03d}": text for at, text in enumerate(notebooks(lesson, options.each))}
        ratios = []
        for turn in range(options.turns):
            mine, other = ours(texts, options.jobs), theirs(texts, lesson, options.nbgrader)
            ratios.append(mine / other)
            lines.append(
                f"lesson {number}, turn {turn + 1}: ours {mine / options.each:.2f} s, "
                f"nbgrader {other / options.each:.2f} s a submission, ratio {mine / other:.2f}"
            )
            print(lines[-1], flush=True)
        lines.append(f"lesson {number}: median ratio {statistics.median(ratios):.2f}")
        print(lines[-1], flush=True)
    about = (
        f"{options.each} submissions of each lesson a turn, {options.jobs} jobs of ours, nbgrader one by one as it does; "
        f"{choose_device()}."
    )
    body = "".join(f"    {line}\n" for line in lines)
    page = f"# Seconds a submission\n\n{about}\n\nWritten by `python benchmarks/grade_a_class.py`.\n\n{body}"
    write_text(RESULTS, page)


if __name__ == "__main__":
    main()
