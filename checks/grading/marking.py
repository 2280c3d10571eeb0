"""Grade one notebook: run its cells in a room, ask every exercise there, judge here.

A notebook that kills its own kernel is run again without the cell that did it, so that one bad cell costs
what it answers and nothing else.
"""

import contextlib
import re
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from checks.building.build import Lesson
from checks.exercise import Exercise, Finding, Questions, Reply
from checks.grading.from_state import judge_state, read_state, remarks_of, state_flags, without_computing
from checks.grading.grades import Flag, Grades
from checks.grading.lifted import answers_in, bound_names, same_as_ours, written_by_hand
from checks.grading.reading import CodeCell, Notebook
from checks.grading.sandbox import Sandbox
from checks.grading.session import GRACE, CutShort, GradingError, KernelEnded, OutOfMemory, Session, Zygote
from checks.grading.settings import PATIENCE, Settings
from checks.grading.stopping import Cuts, flag_of, with_causes
from checks.judging import Outcome, judge
from checks.lending import solution
from checks.limits import TimeUp, time_limit
from slmlib.errors import SlmError

MOST_REMARKS = 12
JUDGING_SECONDS = 60.0


@dataclass
class Run:
    """What is known of a notebook after any number of attempts to run it."""

    outcomes: dict[str, Outcome] = field(default_factory=dict)
    killers: dict[int, str] = field(default_factory=dict)
    """Cell number -> how the kernel ended in it; left out of the next attempt."""
    last_end: str = ""
    """How the kernel ended the last time."""
    cuts: Cuts = field(default_factory=Cuts)
    failed: dict[int, str] = field(default_factory=dict)
    """Cell number -> its error, of the last attempt."""
    loans: set[str] = field(default_factory=set)
    deaths: int = 0
    seconds: float = 0.0
    """Of computing, in the last attempt's cells: a restart costs the cells that follow none of theirs."""
    peak_mb: float = 0.0
    ran_out: bool = False

    def ended(self, how: KernelEnded, starved: bool) -> None:
        """Its kernel is over."""
        self.deaths += 1
        self.last_end = str(how)
        if isinstance(how, CutShort):
            self.cuts.note(starved or isinstance(how, OutOfMemory))


def mark(
    notebook: Notebook,
    lesson: Lesson,
    zygote: Zygote,
    sandbox: Sandbox,
    settings: Settings,
    bundle: bytes | None = None,
) -> Grades:
    """Grades for a notebook of this lesson. bundle: what was handed in beside it, for settings.from_state."""
    started = time.monotonic()
    exercises, run, state = lesson.graded(), Run(), None
    if settings.from_state:
        lab = [exercise for exercise in exercises if exercise.lesson == "lab"]
        if lab and bundle is not None:
            state = read_state(
                bundle, lesson.number, zygote, replace(sandbox, environment=settings.environment())
            )
        run.outcomes |= {found.id: found for found in judge_state(state, lab, settings.require_cuda)}
        if state is None or not state.without_model:
            _ask_definitions(notebook, lesson, zygote, sandbox, settings, run)
    _ask_all(notebook, lesson, zygote, sandbox, settings, run)
    outcomes = [run.outcomes[exercise.id] for exercise in exercises]
    stopped = run.cuts.costs(notebook, outcomes, exercises)
    outcomes, flags = _without_loans(with_causes(notebook, outcomes, exercises, stopped), run.loans)
    flags += flag_of(run.cuts, stopped, _stop_remarks(run, settings))
    answers = answers_in(notebook, exercises)
    flags += same_as_ours(answers, lesson, [outcome.id for outcome in outcomes if outcome.earned])
    flags += written_by_hand(notebook, exercises)
    flags += state_flags(state)
    return Grades(
        lesson=lesson.number,
        outcomes=tuple(outcomes),
        remarks=(*remarks_of(state, notebook), *_remarks(notebook, lesson, run, settings)),
        flags=tuple(flags),
        device=state.device if state else "",
        sketch=tuple(state.measured.get("sketch", ())) if state else (),
        cells=len(notebook.cells),
        seconds=round(time.monotonic() - started, 2),
        peak_mb=round(run.peak_mb),
        answers={exercise: answer.fingerprint for exercise, answer in answers.items() if answer.large},
        stopped=tuple(sorted(stopped)),
        starved=run.cuts.starved and bool(stopped),
    )


def _ask_definitions(
    notebook: Notebook, lesson: Lesson, zygote: Zygote, sandbox: Sandbox, settings: Settings, run: Run
) -> None:
    """Ask everything after running only what defines; what passes like this needs no cell that computes."""
    definitions = without_computing(notebook)
    if definitions is not None:
        quick = Run(outcomes=dict(run.outcomes))
        _ask_all(definitions, lesson, zygote, sandbox, settings, quick)
        run.outcomes |= {name: found for name, found in quick.outcomes.items() if found.state == "pass"}
        run.loans |= quick.loans
        run.cuts.count += quick.cuts.count
        run.peak_mb = max(run.peak_mb, quick.peak_mb)


def _ask_all(
    notebook: Notebook, lesson: Lesson, zygote: Zygote, sandbox: Sandbox, settings: Settings, run: Run
) -> None:
    """Run the notebook and ask every exercise that has no outcome yet, as often as the kernel dies."""
    exercises = lesson.graded()
    while len(run.outcomes) < len(exercises) and run.deaths <= settings.restarts:
        with Session.open(zygote, replace(sandbox, environment=settings.environment())) as session:
            session.lend = lambda wanted: _loan(lesson, wanted)
            try:
                _attempt(notebook, exercises, session, settings, run)
            finally:
                run.loans |= set(session.loans)
                run.peak_mb = max(run.peak_mb, session.peak_mb)
    for exercise in exercises:
        if exercise.id not in run.outcomes:
            times = f"{run.deaths} times" if run.deaths > 1 else "once"
            sentence = f"The kernel was lost {times} before this was reached; at last it {run.last_end}."
            run.outcomes[exercise.id] = _failure(exercise, sentence)
            if run.cuts.count:
                run.cuts.exercises.add(exercise.id)


def _attempt(
    notebook: Notebook, exercises: Sequence[Exercise], session: Session, settings: Settings, run: Run
) -> None:
    """Run all cells but those that killed the kernel before, then ask what was not yet answered."""
    run.failed.clear()
    run.seconds = 0.0

    def seconds() -> float:
        """What the next cell may take."""
        return min(run.cuts.limit(settings.cell_seconds), settings.total_seconds - run.seconds)

    cells = [cell for cell in notebook.cells if cell.source.strip() and cell.number not in run.killers]
    later: list[CodeCell] = []
    for place, cell in enumerate(cells):
        if seconds() <= 0:
            run.ran_out = True
            run.cuts.cells = dict.fromkeys((one.number for one in cells[place:]), "") | run.cuts.cells
            break
        error = _run_cell(cell, session, seconds(), run)
        if error is None:
            return
        if error == "NameError" and _missing_name(run.failed[cell.number]) in bound_names(cells[place + 1 :]):
            later.append(cell)
    for cell in later:  # cells in an order that only worked for their author
        if seconds() > 0 and _run_cell(cell, session, seconds(), run) is None:
            return
    for exercise in exercises:
        if exercise.id in run.outcomes:
            continue
        try:
            run.outcomes[exercise.id] = _judged(exercise, session, run.cuts)
        except KernelEnded as ended:
            run.ended(ended, session.starved)
            if isinstance(ended, CutShort):
                run.cuts.exercises.add(exercise.id)
            run.outcomes[exercise.id] = _failure(exercise, f"Your kernel {ended} while this was checked.")
            return


def _run_cell(cell: CodeCell, session: Session, seconds: float, run: Run) -> str | None:
    """The name of the cell's error, or an empty string; None when the kernel ended in it."""
    try:
        error, message = session.run(cell.source, max(seconds, 0.1))
    except KernelEnded as ended:
        run.ended(ended, session.starved)
        run.killers[cell.number] = str(ended)
        if isinstance(ended, CutShort):
            run.cuts.cells[cell.number] = str(ended)
        return None  # its seconds cost no other cell: it is left out from now on
    run.seconds += session.spent
    run.failed.pop(cell.number, None)
    if error == "TimeUp":
        run.cuts.note(session.starved)
        run.cuts.cells[cell.number] = f"ran longer than {seconds:g} seconds and was stopped by the grader"
    elif error:
        run.failed[cell.number] = f"{error}: {message}" if message else error
    return error


def _judged(exercise: Exercise, session: Session, cuts: Cuts) -> Outcome:
    """Ask and judge, with questions nobody could know; a judge that breaks on an answer is a fail, said as ours."""
    limit = JUDGING_SECONDS + exercise.rounds * PATIENCE * (exercise.seconds + GRACE)
    seconds = cuts.limit(exercise.seconds)

    def ask(questions: Questions, number: int) -> Reply:
        reply = session.ask(exercise, questions, number, seconds)
        if reply.state == "failed" and session.spent >= 0.9 * seconds:
            cuts.note(session.starved)
            cuts.exercises.add(exercise.id)
        return reply

    try:
        with time_limit(limit):
            return judge(exercise, ask, secrets.randbits(62))
    except (KernelEnded, GradingError):
        raise
    except (Exception, TimeUp) as error:
        sentence = f"The check broke on this answer ({type(error).__name__})."
        return replace(_failure(exercise, sentence), fix="Ask your instructor to look at it.")


def _failure(exercise: Exercise, sentence: str) -> Outcome:
    return Outcome.of(exercise, "fail", Finding(sentence))


def _loan(lesson: Lesson, wanted: str) -> tuple[str, str] | None:
    """The exercise's own id, however the notebook wrote it, and our version; None for what is not one exercise."""
    with contextlib.suppress(SlmError, OSError):  # OSError: what was written makes no name of a file
        found = lesson.course.find(wanted)
        if len(found) == 1:
            return found[0].id, solution(lesson.course, found[0])
    return None


def _without_loans(outcomes: list[Outcome], loans: set[str]) -> tuple[list[Outcome], list[Flag]]:
    """What was lent earns nothing by itself; whether it was earned before, a human decides."""
    kept, flags = [], []
    for outcome in outcomes:
        if outcome.id in loans:
            call = f'reference("{outcome.id}")'
            would = f"{outcome.earned:g} of {outcome.points:g} points"
            flags.append(
                Flag(outcome.id, f"{call} was called: lent, not earned.", f"What was asked is worth {would}.")
            )
            outcome = replace(
                outcome,
                earned=0.0,
                problem=f"{call} is called in your notebook: lent, not earned.",
                fix="Take the call out, run all cells, and hand it in again if your own version stands there.",
            )
        kept.append(outcome)
    return kept, flags


def _remarks(notebook: Notebook, lesson: Lesson, run: Run, settings: Settings) -> list[str]:
    """What happened besides the points, for the student and the instructor."""
    found = list(notebook.remarks)
    if notebook.version and notebook.version != lesson.metadata["code_sha256"]:
        found.append("It was made from another version of the lesson's code, or of its exercises.")
    found += _check_cells(notebook, lesson)
    found += _stop_remarks(run, settings)
    failed = dict(run.failed)
    stubs = [number for number, text in failed.items() if text.startswith("NotImplementedError")]
    never = bound_names(
        [cell for cell in notebook.cells if cell.number in {*failed, *run.killers, *run.cuts.cells}]
    )
    followed = [number for number, text in failed.items() if _missing_name(text) in never]
    found += [
        f"Cell {number} stopped with {text}"
        for number, text in sorted(failed.items())
        if number not in {*stubs, *followed}
    ]
    if stubs:
        found.append(f"Cells that use an exercise that is not done yet: {len(stubs)}.")
    if followed:
        found.append(f"Cells that need what an earlier cell would have made: {len(followed)}.")
    more = len(found) - MOST_REMARKS
    return found[:MOST_REMARKS] + ([f"And {more} more of this kind."] if more > 0 else [])


def _stop_remarks(run: Run, settings: Settings) -> list[str]:
    """What ended or was stopped."""
    found = [f"Your kernel {how} in cell {number}." for number, how in sorted(run.killers.items())]
    found += [
        f"Cell {number} {how}."
        for number, how in sorted(run.cuts.cells.items())
        if how and number not in run.killers
    ]
    if run.ran_out:
        found.append(
            f"The cells took more than {settings.total_seconds:g} seconds together; the last ones were not run."
        )
    return found


def _missing_name(text: str) -> str:
    """The name in `NameError: name 'x' is not defined`, or an empty string."""
    match = re.match(r"NameError: name '(\w+)'", text)
    return match.group(1) if match else ""


def _check_cells(notebook: Notebook, lesson: Lesson) -> list[str]:
    """Check cells that are gone, doubled or changed: of no effect on points, but good to know."""
    wanted = {cell.id: cell.source for cell in lesson.cells if cell.role == "check"}
    found = []
    for name, source in wanted.items():
        there = [cell.source.strip() for cell in notebook.cells if cell.id == name]
        if not there and not any(cell.source.strip() == source for cell in notebook.cells):
            found.append(f"The check cell {source} is missing.")
        elif len(there) > 1:
            found.append(f"The check cell {source} is there {len(there)} times.")
        elif there and there[0] != source:
            found.append(f"The check cell {source} was edited.")
    return found
