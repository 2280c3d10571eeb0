"""A whole class: find, choose, rehearse, grade, and write down each result the moment it is there.

Every file that was handed in becomes a row, whatever is wrong with it; the order of rows depends on names only.
"""

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from checks.building.build import Lesson
from checks.bundle import lesson_of
from checks.course import LESSONS, Course
from checks.grading.finding import Submission, find, lesson_in
from checks.grading.grades import Flag, Grades
from checks.grading.reading import read_notebook
from checks.grading.rehearsal import modules_of, rehearse
from checks.grading.sandbox import Kind
from checks.grading.session import Zygote, best_kind, missing_protection
from checks.grading.settings import Settings
from checks.grading.workers import Job, run_jobs
from slmlib.errors import SlmError
from slmlib.files import read_json, write_json

FORMAT = 2
"""Of a stored result; another number means grade again."""


@dataclass(frozen=True)
class Row:
    """One line of the gradebook."""

    submission: Submission
    grades: Grades
    digest: str = ""
    """SHA-256 of the file."""
    bundle: Submission | None = None
    """What `submit` wrote, handed in beside it."""
    bundle_digest: str = ""

    @property
    def counts(self) -> bool:
        """Whether this row gives the student's points for its lesson."""
        return self.grades.state not in ("replaced", "nothing handed in") and bool(self.grades.lesson)


@dataclass(frozen=True)
class Batch:
    """A graded class."""

    rows: tuple[Row, ...]
    lessons: dict[str, Lesson]
    unprotected: tuple[str, ...]
    """What this machine cannot protect, in words."""
    seconds: float = 0.0
    mode: str = ""
    """CPU or CUDA, in words."""


def grade_folder(
    folder: Path,
    out: Path,
    settings: Settings,
    jobs: int,
    resume: bool = False,
    due: float = 0.0,
    only: Sequence[str] = (),
    say: Callable[[str], None] = print,
) -> Batch:
    """Grade all that lies in `folder`; single results are kept in `out`/results."""
    started = time.monotonic()
    course = Course.here()
    found = find(folder)
    rows, lessons = _sorted_out([one for one in found if not one.bundle], course, due, only)
    if settings.from_state:
        rows = _with_bundles(rows, [one for one in found if one.bundle])
    results = out / "results"
    if not resume:
        shutil.rmtree(results, ignore_errors=True)
    results.mkdir(parents=True, exist_ok=True)
    keys = {
        place: _key(row, lessons[row.grades.lesson], settings)
        for place, row in enumerate(rows)
        if row.grades.state == "waiting"
    }
    done = _stored(results, keys)
    todo = [place for place in keys if place not in done]
    say(f"{len(rows)} files, {len(keys)} to grade" + (f", {len(done)} already graded." if done else "."))
    needed = [lessons[number] for number in sorted({rows[place].grades.lesson for place in todo})]
    with tempfile.TemporaryDirectory(prefix="slm-grading-warm-") as warm:
        os.chmod(warm, 0o755)
        kind, rehearsed = _prepare(needed, settings, Path(warm), results, say)
        work = [
            Job(row.submission, row.grades.lesson, rehearsed[row.grades.lesson], row.bundle)
            for row in (rows[place] for place in todo)
        ]
        modules = sorted({name for lesson in needed for name in modules_of(lesson)})
        began = time.monotonic()
        with contextlib.closing(run_jobs(work, settings, kind, jobs, modules, warm)) as coming:
            for count, (index, grades) in enumerate(coming, 1):
                place = todo[index]
                done[place] = grades
                if grades.state == "graded":
                    write_json(results / f"{keys[place]}.json", grades.to_json())
                say(_line(count, len(work), rows[place], grades, time.monotonic() - began))
    graded = [replace(row, grades=done.get(place, row.grades)) for place, row in enumerate(rows)]
    graded += _missing(graded, sorted(lessons))
    graded.sort(
        key=lambda row: (row.submission.student.casefold(), row.grades.lesson or "~", row.submission.file)
    )
    return Batch(
        tuple(_with_copies(graded)),
        lessons,
        missing_protection(kind),
        time.monotonic() - started,
        _mode(),
    )


def _prepare(
    lessons: Sequence[Lesson], settings: Settings, warm: Path, results: Path, say: Callable[[str], None]
) -> tuple[Kind, dict[str, str]]:
    """The kind of room that works here, and the data that rehearsing these lessons prepared, a folder each."""
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
        found = rehearse(lessons, zygote, settings, kind, warm, say)
    return kind, {number: one.warm for number, one in found.items()}


def _sorted_out(
    submissions: list[Submission], course: Course, due: float, only: Sequence[str]
) -> tuple[list[Row], dict[str, Lesson]]:
    """A row each; those that are to be graded have the state `waiting` and a lesson that exists."""
    rows: list[Row] = []
    lessons: dict[str, Lesson] = {}
    for one in submissions:
        if due and one.when > due:
            one = replace(one, late=True)
        digest, number = "", ""
        try:
            data = one.read()
            digest = hashlib.sha256(data).hexdigest()
            number = read_notebook(data).lesson or lesson_in(one.file)
        except SlmError as error:
            number = lesson_in(one.file)
            rows.append(Row(one, Grades(number, state="unreadable", problem=str(error)), digest))
            continue
        if only and number not in only:
            continue
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
            rows.append(Row(one, Grades("", state="unknown lesson", problem=problem), digest))
        else:
            rows.append(Row(one, Grades(number, state="waiting"), digest))
    return _newest_only(rows), lessons


def _with_bundles(rows: list[Row], bundles: Sequence[Submission]) -> list[Row]:
    """Each student's newest bundle of a lesson beside the notebook that counts; one without a notebook is a row."""
    rows, alone = list(rows), []
    places = {
        (name.casefold(), row.grades.lesson): place
        for place, row in enumerate(rows)
        if row.grades.state == "waiting"
        for name in (row.submission.student, row.submission.told_by)
        if name
    }
    for one in sorted(bundles, key=lambda one: (one.attempt, one.when, one.file)):
        try:
            data = one.read()
            lesson = lesson_of(data)
        except SlmError as error:
            alone.append(Row(one, Grades("", state="unreadable", problem=str(error))))
            continue
        keys = [(name.casefold(), lesson) for name in (one.student, one.told_by)]
        place = next((places[key] for key in keys if key in places), None)
        if place is None:
            problem = "A bundle without its notebook: both are needed."
            alone.append(Row(one, Grades("", state="no notebook", problem=problem)))
        else:
            rows[place] = replace(rows[place], bundle=one, bundle_digest=hashlib.sha256(data).hexdigest())
    return rows + alone


def _newest_only(rows: list[Row]) -> list[Row]:
    """Of several files of one student for one lesson the newest readable one counts."""
    groups = defaultdict(list)
    rows = _told_apart(rows)
    for place, row in enumerate(rows):
        if row.grades.lesson:
            groups[row.submission.student.casefold(), row.grades.lesson].append(place)
    found = list(rows)
    for places in groups.values():
        newest = max(
            places,
            key=lambda place: (
                rows[place].grades.state == "waiting",
                rows[place].submission.attempt,
                rows[place].submission.when,
                rows[place].submission.file,
            ),
        )
        for place in places:
            if place != newest:
                problem = f"Handed in again: {rows[newest].submission.file} counts."
                found[place] = replace(
                    rows[place], grades=Grades(rows[place].grades.lesson, state="replaced", problem=problem)
                )
    return found


def _told_apart(rows: list[Row]) -> list[Row]:
    """Two files for one lesson whose names agree only in part are of two people, until a human says otherwise."""
    names: dict[tuple[str, str], set[str]] = defaultdict(set)
    for row in rows:
        names[row.submission.student.casefold(), row.grades.lesson].add(row.submission.told_by.casefold())
    return [
        replace(row, submission=replace(row.submission, student=row.submission.told_by))
        if row.submission.told_by and len(names[row.submission.student.casefold(), row.grades.lesson]) > 1
        else row
        for row in rows
    ]


def _missing(rows: list[Row], lessons: Sequence[str]) -> list[Row]:
    """A row of zero points for each lesson a student of this class did not hand in."""
    had = defaultdict(set)
    for row in rows:
        had[row.submission.student].add(row.grades.lesson)
    people = {row.submission.student: row.submission for row in rows}
    return [
        Row(
            Submission(student, "", "", person=people[student].person),
            Grades(number, state="nothing handed in", problem=f"No notebook of lesson {number} was found."),
        )
        for student in had
        for number in lessons
        if number not in had[student]
    ]


def _with_copies(rows: list[Row]) -> list[Row]:
    """Flags for code, and whole files, that two students have in common."""
    owners: dict[tuple[str, str], list[str]] = defaultdict(list)
    files: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        if not row.grades.points:
            continue
        earned = {outcome.id for outcome in row.grades.outcomes if outcome.earned}
        for exercise, fingerprint in row.grades.answers.items():
            if exercise in earned:
                owners[exercise, fingerprint].append(row.submission.student)
        files[row.digest].append(row.submission.student)
    found = []
    for row in rows:
        flags = list(row.grades.flags)
        ours = {flag.exercise for flag in flags}
        others = sorted(set(files[row.digest]) - {row.submission.student}) if row.grades.points else []
        if others:
            flags.append(
                Flag("all", f"The whole file is the same as that of {_names(others)}.", row.submission.file)
            )
        else:
            for exercise, fingerprint in row.grades.answers.items():
                same = sorted(set(owners.get((exercise, fingerprint), ())) - {row.submission.student})
                if same and exercise not in ours:
                    flags.append(
                        Flag(
                            exercise,
                            f"The code is the same as that of {_names(same)}, but for names and layout.",
                        )
                    )
        found.append(replace(row, grades=replace(row.grades, flags=tuple(flags))))
    return _with_same_models(found)


def _with_same_models(rows: list[Row]) -> list[Row]:
    """Flags for models that two students have in common. Equal recipes on equal machines give equal models, too."""
    sketched = [row for row in rows if row.grades.sketch]
    found = []
    for row in rows:
        others = sorted(
            {
                other.submission.student
                for other in sketched
                if row.grades.sketch
                and other.submission.student != row.submission.student
                and _same_sketch(row.grades.sketch, other.grades.sketch)
            }
        )
        if others:
            sentence = f"The handed-in model is that of {_names(others)}, or nearly."
            why = "The same seed, data and number of steps give it on the same kind of machine; compare their losses."
            row = replace(
                row, grades=replace(row.grades, flags=(*row.grades.flags, Flag("lab.2", sentence, why)))
            )
        found.append(row)
    return found


def _same_sketch(one: Sequence[float], other: Sequence[float]) -> bool:
    """Whether nearly all of two models' picked weights are equal to a hundredth of their spread."""
    if len(one) != len(other):
        return False
    near = 0.01 * (sum(weight**2 for weight in one) / len(one)) ** 0.5
    return sum(abs(a - b) <= near for a, b in zip(one, other, strict=True)) >= 0.95 * len(one)


def _names(names: Sequence[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def _key(row: Row, lesson: Lesson, settings: Settings) -> str:
    """What a result depends on: the file, the lesson with its exercises, the settings."""
    parts: list[Any] = [
        FORMAT,
        row.digest,
        row.bundle_digest,
        lesson.metadata["source_sha256"],
        asdict(settings),
    ]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:32]


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


def title_of(number: str) -> str:
    """`02 Tokenizer`."""
    return f"{number} {LESSONS.get(number, '')}".strip()
