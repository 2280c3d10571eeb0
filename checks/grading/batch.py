"""A whole class: find, choose, rehearse, grade, and write down each result the moment it is there.

Every notebook, zip and bundle that was handed in becomes a row, whatever is wrong with it, and files of other kinds are
named; the order of rows depends on names only.
"""

import contextlib
import functools
import hashlib
import itertools
import json
import os
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import checks
from checks.building.build import Lesson
from checks.course import Course
from checks.grading.copies import with_copies
from checks.grading.finding import Submission, find
from checks.grading.grades import Flag, Grades, printable
from checks.grading.naming import attempt_in, lesson_in, names_another_lesson
from checks.grading.people import missing, newest_only, with_bundles, with_doubts
from checks.grading.reading import read_notebook
from checks.grading.rehearsal import grade_solutions, modules_of
from checks.grading.roster import Roster
from checks.grading.rows import Batch, Row
from checks.grading.sandbox import Kind, is_shown
from checks.grading.session import GradingError, Zygote, best_kind, missing_protection
from checks.grading.settings import Settings
from checks.grading.workers import Job, run_jobs
from slmlib.errors import SlmError
from slmlib.files import explain_os_errors, read_json, write_json

FORMAT = 3
"""Of a stored result; another number means grade again."""
JUDGES = tuple(
    Path(checks.__file__).with_name(f"{name}.py")
    for name in ("axes", "causes", "exercise", "judging", "plain", "probing", "student")
)
"""What asks, judges and finds the words for all exercises; an exercise's own file is part of its lesson's hash."""


def grade_folder(
    folder: Path,
    out: Path,
    settings: Settings,
    jobs: int,
    resume: bool = False,
    due: float = 0.0,
    only: Sequence[str] = (),
    say: Callable[[str], None] = print,
    roster: Roster = Roster(),  # noqa: B008 - frozen
) -> Batch:
    """Grade all that lies in `folder`; single results are kept in `out`/results.

    Ctrl-C ends it early: what is graded by then comes back, and the rest as rows that say so.
    """
    started = time.monotonic()
    course = Course.here()
    only = _known(only, course)
    skipped: list[str] = []
    found = [_with_due(one, due) for one in find(folder, skipped.append)]
    if skipped:
        endings = Counter(Path(name).suffix.lower() or "without an ending" for name in skipped)
        kinds = ", ".join(f"{count} {ending}" for ending, count in endings.most_common())
        say(f"Neither notebooks nor zips, and not looked at: {kinds}.")
    rows, lessons = _sorted_out([one for one in found if not one.bundle], course, only, roster)
    matched = with_bundles(rows, [roster.recognise(one) for one in found if one.bundle], only)
    rows = matched if settings.from_state else [*rows, *matched[len(rows) :]]  # nobody's bundle is forgotten
    handed_in = [row for row in rows if row.submission.when]
    if due and handed_in and all(row.submission.late for row in handed_in):
        say(
            f"All {len(handed_in)} files are late. Copying files sets their times anew: see --due in INSTRUCTORS.md."
        )
    results = _results(out, resume, say)
    keys = {
        place: _key(row, lessons[row.grades.lesson], settings)
        for place, row in enumerate(rows)
        if row.grades.state == "waiting"
    }
    done = _stored(results, keys)
    earlier = len(done)
    todo = [place for place in keys if place not in done]
    say(f"{len(rows)} files, {len(keys)} to grade" + (f", {earlier} already graded." if earlier else "."))
    kind: Kind = "root"
    interrupted = False
    try:
        with tempfile.TemporaryDirectory(prefix="slm-grading-warm-") as warm:
            os.chmod(warm, 0o755)
            needed = [lessons[number] for number in sorted({rows[place].grades.lesson for place in todo})]
            private = {
                "The course lies": course.root,
                "The submissions lie": folder,
                "The grades would lie": out,
            }
            kind, prepared = _prepare(needed, settings, Path(warm), results, say, private)
            work = [
                Job(row.submission, row.grades.lesson, prepared[row.grades.lesson], row.bundle)
                for row in (rows[place] for place in todo)
            ]
            modules = sorted({name for lesson in needed for name in modules_of(lesson)})
            began = time.monotonic()
            with contextlib.closing(run_jobs(work, settings, kind, jobs, modules, warm)) as coming:
                for count, (index, grades) in enumerate(coming, 1):
                    place = todo[index]
                    done[place] = grades
                    if grades.state == "graded" and not grades.starved:
                        write_json(results / f"{keys[place]}.json", grades.to_json())
                    say(_line(count, len(work), rows[place], grades, time.monotonic() - began))
    except KeyboardInterrupt:
        interrupted = True
    graded = [replace(row, grades=done.get(place, _unfinished(row.grades))) for place, row in enumerate(rows)]
    graded = with_doubts([*graded, *missing(graded, sorted(lessons), roster)], roster)
    graded.sort(
        key=lambda row: (row.submission.student.casefold(), row.grades.lesson or "~", row.submission.file)
    )
    batch = Batch(
        tuple(with_copies(graded)),
        lessons,
        missing_protection(kind),
        time.monotonic() - started,
        _mode(),
        earlier,
        interrupted,
        tuple(skipped),
    )
    for sentence in batch.stray_lessons:
        say(sentence)
    return batch


def _known(only: Sequence[str], course: Course) -> list[str]:
    """Numbers of lessons as the course writes them: 6 is 06."""
    numbers = [number.strip().zfill(2) for number in only]
    for number in numbers:
        if number not in course.lessons():
            raise SlmError(f"There is no lesson {number}.", f"There are {', '.join(course.lessons())}.")
    return numbers


def _results(out: Path, resume: bool, say: Callable[[str], None]) -> Path:
    """The folder of single results: the one that is there with --resume, else an empty one."""
    results = out / "results"
    with explain_os_errors(out):
        if not resume and results.is_dir() and any(results.iterdir()):
            names = (f"results.old{number or ''}" for number in itertools.count())
            old = next(out / name for name in names if not (out / name).exists())
            results.rename(old)
            say(f"Earlier results were moved to {old}; --resume would have gone on with them.")
        results.mkdir(parents=True, exist_ok=True)
    return results


def _unfinished(grades: Grades) -> Grades:
    """What a row says that was still waiting when grading was stopped."""
    if grades.state != "waiting":
        return grades
    problem = "Grading was stopped before its turn; the same command with --resume goes on."
    return replace(grades, state="not graded yet", problem=problem)


def _prepare(
    lessons: Sequence[Lesson],
    settings: Settings,
    warm: Path,
    results: Path,
    say: Callable[[str], None],
    private: Mapping[str, Path],
) -> tuple[Kind, dict[str, str]]:
    """The kind of room that works here, and the data that rehearsing these lessons prepared, a folder each.

    private: places that no notebook may read; GradingError where the rooms show one.
    """
    remembered = results / "room.json"
    if not lessons:  # nothing to run: the kind of last time is what the pages speak of
        with contextlib.suppress(SlmError, KeyError, TypeError):
            kind: Kind = read_json(remembered)["kind"]
            return kind, {}
        return "root", {}
    with Zygote(settings.environment()) as zygote:
        kind = best_kind(zygote, settings.sandbox("plain"))
        write_json(remembered, {"kind": kind})
        for sentence in missing_protection(kind):
            say(f"Not protected here: {sentence}.")
        for what, path in private.items():
            if is_shown(path, settings.sandbox(kind)):
                raise GradingError(f"{what} in {path}, which every notebook can read.", "Move it.")
        return kind, grade_solutions(lessons, zygote, settings, kind, warm, say)


def _with_due(one: Submission, due: float) -> Submission:
    """The same, late where its time says so; the platform's own word stays."""
    return replace(one, late=True) if due and one.when > due else one


def _sorted_out(
    submissions: list[Submission],
    course: Course,
    only: Sequence[str],
    roster: Roster = Roster(),  # noqa: B008 - frozen
) -> tuple[list[Row], dict[str, Lesson]]:
    """A row each; those that are to be graded have the state `waiting` and a lesson that exists."""
    rows: list[Row] = []
    lessons: dict[str, Lesson] = {}
    for one in submissions:
        digest, number = "", ""
        try:
            data = one.read()
            digest = hashlib.sha256(data).hexdigest()
            notebook = read_notebook(data)
            number = notebook.lesson or lesson_in(one.parts[-1])
        except SlmError as error:
            number = lesson_in(one.parts[-1])
            one = roster.recognise(one, number)
            if not only or not number or number in only:
                rows.append(Row(one, Grades(number, state="unreadable", problem=str(error)), digest))
            continue
        if only and number and number not in only:
            continue
        one = roster.recognise(replace(one, attempt=attempt_in(one.parts[-1], number)), number)
        if number and names_another_lesson(one.parts[-1], number):
            evidence = f"The file is called {printable(one.parts[-1])}, and it is lesson {number}."
            one = replace(one, doubts=(*one.doubts, Flag("all", "Is this the right file?", evidence)))
        if number and number not in lessons:
            try:
                lesson = Lesson.read(course, number)
                if lesson.graded():
                    lessons[number] = lesson
            except SlmError:
                pass
        if number not in lessons:
            problem = (
                f"Lesson {number} is not one that can be graded here."
                if number
                else "Nothing in it says which lesson it is: neither its metadata, nor its cells, nor its name."
            )
            state = "lesson not said" if notebook.is_ours and not number else "unknown lesson"
            rows.append(Row(one, Grades("", state=state, problem=problem), digest))
        else:
            rows.append(Row(one, Grades(number, state="waiting"), digest))
    return newest_only(rows), lessons


def _key(row: Row, lesson: Lesson, settings: Settings) -> str:
    """What a result depends on: the file, the lesson with its exercises, who judges, the settings, stories, device."""
    environment = settings.environment()
    bundle = ""
    with contextlib.suppress(SlmError):  # what cannot be read will be said when it is graded
        bundle = hashlib.sha256(row.bundle.read()).hexdigest() if row.bundle else ""
    parts: list[Any] = [
        FORMAT,
        row.digest,
        bundle,
        lesson.metadata["code_sha256"],
        _sha256_of(JUDGES),
        asdict(settings),
        [environment.get(name) for name in ("SLM_CORPUS", "SLM_DEVICE")],
    ]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:32]


@functools.cache
def _sha256_of(paths: tuple[Path, ...]) -> str:
    return hashlib.sha256(b"\0".join(path.read_bytes() for path in paths)).hexdigest()


def _stored(results: Path, keys: dict[int, str]) -> dict[int, Grades]:
    found = {}
    for place, key in keys.items():
        path = results / f"{key}.json"
        try:
            found[place] = Grades.from_json(read_json(path))
        except (SlmError, TypeError, KeyError, AttributeError):
            continue
    return found


def _line(count: int, total: int, row: Row, grades: Grades, seconds: float) -> str:
    """One line of progress."""
    left = seconds / count * (total - count)
    what = f"{grades.points:g} of {grades.possible:g} points" if grades.state == "graded" else grades.state
    when = f", about {_duration(left)} left" if count < total else ""
    return f"[{count}/{total}] {row.submission.student}, lesson {grades.lesson}: {what} ({grades.seconds:.1f} s){when}"


def _duration(seconds: float) -> str:
    return f"{seconds / 60:.0f} min" if seconds >= 90 else f"{seconds:.0f} s"


def _mode() -> str:
    """Where training in the notebooks runs: a column of the gradebook."""
    if os.environ.get("SLM_DEVICE") == "cpu":
        return "CPU"
    return "CUDA" if os.path.exists("/dev/nvidiactl") else "CPU"
