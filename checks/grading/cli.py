"""`python -m checks grade DIR` and `python -m checks release DIR`."""

import argparse
import contextlib
import datetime
import math
import os
import re
from collections.abc import Callable
from pathlib import Path

from checks.course import Course
from checks.grading.settings import Settings
from slmlib.errors import SlmError


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """The instructor's commands."""
    grade = commands.add_parser("grade", help="grade a folder of students' notebooks")
    grade.add_argument("folder", type=Path, metavar="DIR", help="notebooks, folders of them, or zips")
    grade.add_argument("--out", type=Path, help="where grades go; default: DIR-grades beside DIR")
    grade.add_argument(
        "--jobs",
        type=_positive(int),
        default=os.cpu_count() or 1,
        help="notebooks at a time; default: %(default)s",
    )
    grade.add_argument("--resume", action="store_true", help="keep results of files that did not change")
    grade.add_argument(
        "--lesson", action="append", default=[], metavar="NN", help="only this lesson; repeatable"
    )
    grade.add_argument(
        "--due",
        type=_moment,
        default=0.0,
        metavar="TIME",
        help="2026-11-20T18:00 of this machine's clock, or 2026-11-20, which is the end of that day; "
        "files (or zip entries) with a later time are marked late",
    )
    grade.add_argument(
        "--roster", type=Path, metavar="CSV", help="the class list, with columns name or login, and id"
    )
    grade.add_argument("--canvas", action="store_true", help="also write a file for Canvas' grade import")
    grade.add_argument(
        "--canvas-assignment",
        action="append",
        default=[],
        type=_assignment,
        metavar="NN=ID",
        help="with --canvas: the number of lesson NN's assignment in Canvas; repeatable",
    )
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
    for name, what in (
        ("cell_seconds", "CPU seconds that one cell may take"),
        ("total_seconds", "CPU seconds that all cells of a notebook may take, each time it is run"),
        ("memory_mb", "memory limit of one notebook"),
        ("disk_mb", "disk limit of one notebook"),
    ):
        usual = getattr(Settings, name)
        grade.add_argument(
            f"--{name.replace('_', '-')}",
            type=_positive(type(usual)),
            default=usual,
            help=f"{what}; default: {usual:g}",
        )
    grade.set_defaults(run=_grade)
    release = commands.add_parser("release", help="make the bundle for students, without solutions")
    release.add_argument("folder", type=Path, metavar="DIR", help="a folder that does not exist yet")
    release.set_defaults(run=_release)


def _grade(options: argparse.Namespace) -> int:
    from checks.grading.batch import grade_folder
    from checks.grading.gradebook import write_canvas, write_gradebook, write_moodle
    from checks.grading.pages import write_pages
    from checks.grading.roster import Roster

    if options.require_cuda and not options.from_state:
        raise SlmError(
            "--require-cuda needs --from-state.",
            "Where a model was trained stands in the bundle beside the notebook.",
        )
    if options.canvas_assignment and not options.canvas:
        raise SlmError("--canvas-assignment needs --canvas.", "Add --canvas, which writes the file.")
    known = Course.here().lessons()
    if unknown := [lesson for lesson, _ in options.canvas_assignment if lesson not in known]:
        raise SlmError(
            f"--canvas-assignment names lesson {unknown[0]}, which is not there.",
            f"The lessons are {', '.join(known)}.",
        )
    folder = options.folder.absolute()
    out = options.out or folder.with_name(f"{re.sub('[.]zip$', '', folder.name, flags=re.I)}-grades")
    if out.resolve() == folder.resolve():
        raise SlmError(
            "The grades cannot lie among the submissions.", "Name another folder with --out, or leave it out."
        )
    roster = Roster.read(options.roster) if options.roster else Roster()
    settings = Settings(
        cell_seconds=options.cell_seconds,
        total_seconds=options.total_seconds,
        memory_mb=options.memory_mb,
        disk_mb=options.disk_mb,
        full_size=options.full_size,
        from_state=options.from_state,
        require_cuda=options.require_cuda,
    )
    batch = grade_folder(
        options.folder,
        out,
        settings,
        options.jobs,
        options.resume,
        options.due,
        options.lesson,
        lambda line: print(line, flush=True),
        roster,
    )
    write_gradebook(batch, out)
    if options.canvas and (count := write_canvas(batch, out, dict(options.canvas_assignment))):
        print(f"{count} students without a Canvas ID: Canvas cannot match them; see --roster.")
    for lesson, count in (write_moodle(batch, out) if options.moodle else {}).items():
        if count:
            print(
                f"Lesson {lesson}: {count} students without a participant number: Moodle cannot match them."
            )
    write_pages(batch, out)
    decide = sum(len(row.grades.flags) for row in batch.rows)
    failed = sum(row.grades.state == "grader failed" for row in batch.rows)
    print(f"Grades: {out / 'gradebook.csv'}. Pages: {out / 'class.html'} and students/.")
    if decide:
        print(f"For you to decide: {decide} findings, listed in class.html.")
    if unreadable := sum(row.grades.state == "unreadable" for row in batch.rows):
        print(
            f"{unreadable} files could not be read: their cells are empty, not 0, and gradebook.csv says why."
        )
    if failed:
        print(f"The grader failed on {failed} files; their rows say why.")
    if batch.interrupted:
        waiting = sum(row.grades.state == "not graded yet" for row in batch.rows)
        raise SlmError(
            f"Stopped: {waiting} files are not graded yet.", "The same command with --resume goes on."
        )
    return 1 if failed else 0


def _release(options: argparse.Namespace) -> int:
    from checks.grading.release import release

    print(release(options.folder))
    return 0


def _moment(text: str) -> float:
    with contextlib.suppress(ValueError):  # a day alone is due when it ends
        day = datetime.date.fromisoformat(text)
        return datetime.datetime.combine(day, datetime.time.max).timestamp()
    try:
        return datetime.datetime.fromisoformat(text).timestamp()
    except ValueError:
        raise argparse.ArgumentTypeError("write it as 2026-11-20T23:59") from None


def _positive(kind: type[float]) -> Callable[[str], float]:
    """Reads a limit: a number of this kind, above nothing and below infinity."""

    def read(text: str) -> float:
        with contextlib.suppress(ValueError):
            if 0 < (value := kind(text)) < math.inf:
                return value
        raise argparse.ArgumentTypeError(f"write {'a whole' if kind is int else 'a'} number above 0")

    return read


def _assignment(text: str) -> tuple[str, str]:
    number, _, assignment = text.partition("=")
    if not (number.isdigit() and assignment.isdigit()):
        raise argparse.ArgumentTypeError("write it as 06=4711, lesson and Canvas' number")
    return number.zfill(2), assignment
