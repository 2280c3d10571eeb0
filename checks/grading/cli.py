"""`python -m checks grade DIR` and `python -m checks release DIR`."""

import argparse
import datetime
import os
from pathlib import Path

from slmlib.errors import SlmError


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """The instructor's commands."""
    grade = commands.add_parser("grade", help="grade a folder of students' notebooks")
    grade.add_argument("folder", type=Path, metavar="DIR", help="notebooks, folders of them, or zips")
    grade.add_argument("--out", type=Path, help="where grades go; default: DIR-grades beside DIR")
    grade.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="notebooks at a time")
    grade.add_argument("--resume", action="store_true", help="keep results of files that did not change")
    grade.add_argument("--lesson", action="append", default=[], metavar="NN", help="only this lesson")
    grade.add_argument(
        "--due", type=_moment, default=0.0, help="2026-11-20T23:59; later files are marked late"
    )
    grade.add_argument("--canvas", action="store_true", help="also write a file for Canvas' grade import")
    grade.add_argument(
        "--moodle", action="store_true", help="also write worksheets for Moodle's grade import"
    )
    grade.add_argument(
        "--from-state",
        action="store_true",
        help="grade the lab from the bundles that submit() wrote; train nothing again",
    )
    grade.add_argument(
        "--require-cuda", action="store_true", help="with --from-state: only models trained on CUDA pass"
    )
    grade.add_argument("--full-size", action="store_true", help="run lessons at full size, not SLM_FAST=1")
    grade.add_argument("--cell-seconds", type=float, default=120.0, help="time limit of one cell")
    grade.add_argument(
        "--total-seconds", type=float, default=600.0, help="time limit of all cells of a notebook"
    )
    grade.add_argument("--memory-mb", type=int, default=4096, help="memory limit of one notebook")
    grade.add_argument("--disk-mb", type=int, default=1024, help="disk limit of one notebook")
    grade.set_defaults(run=_grade)
    release = commands.add_parser("release", help="make the bundle for students, without solutions")
    release.add_argument("folder", type=Path, metavar="DIR", help="a folder that does not exist yet")
    release.set_defaults(run=_release)


def _grade(options: argparse.Namespace) -> int:
    from checks.grading.batch import grade_folder
    from checks.grading.gradebook import write_canvas, write_gradebook, write_moodle
    from checks.grading.pages import write_pages
    from checks.grading.settings import Settings

    if options.require_cuda and not options.from_state:
        raise SlmError(
            "--require-cuda needs --from-state.",
            "Where a model was trained stands in the bundle beside the notebook.",
        )
    folder = options.folder
    out = options.out or folder.absolute().with_name(f"{folder.absolute().stem}-grades")
    settings = Settings(
        options.cell_seconds,
        options.total_seconds,
        options.memory_mb,
        options.disk_mb,
        options.full_size,
        options.from_state,
        options.require_cuda,
    )
    try:
        batch = grade_folder(
            folder,
            out,
            settings,
            max(options.jobs, 1),
            options.resume,
            options.due,
            options.lesson,
            lambda line: print(line, flush=True),
        )
    except KeyboardInterrupt:
        raise SlmError(
            "Stopped.", "What is graded is kept: the same command with --resume goes on."
        ) from None
    write_gradebook(batch, out)
    if options.canvas:
        write_canvas(batch, out)
    if options.moodle:
        write_moodle(batch, out)
    write_pages(batch, out)
    decide = sum(len(row.grades.flags) for row in batch.rows)
    failed = sum(row.grades.state == "grader failed" for row in batch.rows)
    print(f"Grades: {out / 'gradebook.csv'}. Pages: {out / 'class.html'} and students/.")
    if decide:
        print(f"For you to decide: {decide} findings, listed in class.html.")
    if failed:
        print(f"The grader failed on {failed} files; their rows say why.")
    return 1 if failed else 0


def _release(options: argparse.Namespace) -> int:
    from checks.grading.release import release

    print(release(options.folder))
    return 0


def _moment(text: str) -> float:
    try:
        return datetime.datetime.fromisoformat(text).timestamp()
    except ValueError:
        raise argparse.ArgumentTypeError("write it as 2026-11-20T23:59") from None
