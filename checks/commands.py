"""What a student types: check, hint, reference, progress."""

import html
import os
import re
import sys
from collections.abc import MutableMapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from checks.causes import with_cause
from checks.chart import Chart
from checks.course import Course, CourseError
from checks.exercise import Exercise, Finding
from checks.judging import Outcome, judge
from checks.ledger import Ledger, progress_file
from checks.lending import Loan, lend
from checks.probing import ask
from checks.report import Report
from slmlib.errors import SlmError

KERNEL_STATE = "_slm_checks"
"""The one name the checks keep in a student's namespace."""


@dataclass
class KernelState:
    """What the checks remember for as long as the kernel lives."""

    ledger: Ledger
    hints: dict[str, int]
    loans: dict[str, Any]
    """Name -> the very object that was lent: redefining the name makes it the student's own again."""
    results: dict[str, Outcome] = field(default_factory=dict)
    """Exercise -> how its last check in this kernel came out; `submit` hands it in."""


def check(wanted: str) -> Report | float:
    """Check one exercise (`"02.3"`), a whole lesson (`"02"`) or the `"lab"`, and show a report.

    With SLM_CHECKS=strict whatever does not pass raises AssertionError. Under nbgrader the value is the
    float of the points earned, which nbgrader takes as partial credit.
    """
    names = caller_namespace()
    try:
        exercises = Course.here().find(wanted)
    except SlmError as error:
        outcome = Outcome(str(wanted), "", "fail", 0.0, 0.0, error.problem, fix=error.fix)
        return _deliver(Report((outcome,)))
    outcomes, notes = [], []
    for exercise in exercises:
        outcome, note = _check_one(exercise, names)
        outcomes.append(outcome)
        notes += [note] if note else []
    return _deliver(Report(tuple(outcomes), tuple(notes)))


def hint(wanted: str) -> "Hint":
    """The next hint of an exercise: one stage more each time it is called."""
    exercise = _one(wanted)
    if isinstance(exercise, Hint):
        return exercise
    state = kernel_state(caller_namespace())
    stage = min(state.hints.get(exercise.id, 0) + 1, len(exercise.hints))
    state.hints[exercise.id] = stage
    _record(state.ledger.hinted, exercise.id, stage)
    if stage < len(exercise.hints):
        more = f'Another one: hint("{exercise.id}")'
    else:
        more = f'That was the last one. reference("{exercise.id}") lends our version.'
    return Hint(f"Hint {stage} of {len(exercise.hints)}", exercise.hints[stage - 1], more)


def reference(wanted: str) -> "Loan | Hint":
    """Lend our version: put it into the notebook and show it. It counts as lent, not as earned."""
    exercise = _one(wanted)
    if isinstance(exercise, Hint):
        return exercise
    names = caller_namespace()
    state = kernel_state(names)
    try:
        loan = lend(Course.here(), exercise, names)
    except SlmError as error:
        return Hint(f"No loan for {exercise.id}", error.problem, error.fix)
    state.loans |= {name: names[name] for name in exercise.asks_for if name in names}
    _record(state.ledger.lent, exercise.id)
    return loan


def progress() -> Chart:
    """The map of the course: what is earned, lent, tried, and what comes next."""
    return Chart.draw(Course.here(), kernel_state(caller_namespace()).ledger.entries())


@dataclass(frozen=True, repr=False)
class Hint:
    """One hint, as text and as HTML."""

    heading: str
    text: str
    more: str

    def __repr__(self) -> str:
        return f"{self.heading}: {self.text}\n{self.more}"

    def _repr_html_(self) -> str:
        heading, text, more = (
            re.sub("`([^`]+)`", r"<code>\1</code>", html.escape(part))
            for part in (self.heading, self.text, self.more)
        )
        return f"<p><strong>{heading}.</strong> {text}</p><p><small>{more}</small></p>"


def caller_namespace() -> MutableMapping[str, Any]:
    """The notebook's names under IPython; elsewhere the globals of whoever called into this package."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    if shell is not None:
        return shell.user_ns
    frame = sys._getframe(1)
    while frame.f_back is not None and str(frame.f_globals.get("__name__")).startswith(f"{__package__}."):
        frame = frame.f_back
    return frame.f_globals


def kernel_state(names: MutableMapping[str, Any]) -> KernelState:
    """The checks' memory in this kernel, made on first use."""
    state = names.get(KERNEL_STATE)
    if not isinstance(state, KernelState):
        state = KernelState(Ledger(progress_file() if records_progress() else None), {}, {})
        names[KERNEL_STATE] = state
    return state


def records_progress() -> bool:
    """Whether this is a student at work: a build, a test and a grader must not write into anybody's progress."""
    return not (os.environ.get("SLM_CHECKS") or under_nbgrader())


def strict() -> bool:
    """Whether a check that does not pass is to raise."""
    return os.environ.get("SLM_CHECKS") == "strict"


def under_nbgrader() -> bool:
    """Whether nbgrader runs this notebook."""
    return bool(os.environ.get("NBGRADER_EXECUTION"))


def _check_one(exercise: Exercise, names: MutableMapping[str, Any]) -> tuple[Outcome, str]:
    state = kernel_state(names)
    try:
        outcome = judge(exercise, partial(ask, exercise, names))
    except Exception as error:  # a mistake of ours must not look like one of the student's
        sentence = (
            f"The check itself broke ({type(error).__name__}: {error}). This is our mistake, not yours."
        )
        fix = "Go on, and report it with this sentence."
        return Outcome.of(exercise, "fail", Finding(sentence), fix=fix), ""
    loans = {name for name, value in state.loans.items() if names.get(name) is value}
    if outcome.state == "fail":
        outcome = with_cause(outcome, exercise, names, state.results, loans)
    lent = [name for name in exercise.asks_for if name in loans]
    note = ""
    if lent and outcome.state == "pass":
        outcome = Outcome.of(exercise, "pass")
        note = f"{exercise.id} uses our `{lent[0]}`: lent, not earned. Write your own to earn its points."
    state.results[exercise.id] = outcome
    trouble = _record(state.ledger.checked, outcome, bool(lent))
    return outcome, note or trouble or (exercise.remark() if outcome.state == "pass" else "")


def _record(write: Any, *values: Any) -> str:
    """Write to the ledger; a disk that refuses is a note under the report, never an error."""
    try:
        write(*values)
    except SlmError as error:
        return str(error)
    return ""


def _deliver(report: Report) -> Report | float:
    if under_nbgrader():
        return report.points
    return report.require() if strict() else report


def _one(wanted: str) -> "Exercise | Hint":
    """The exercise asked for, or the sentence that says why there is none."""
    try:
        found = Course.here().find(wanted)
        if len(found) != 1:
            raise CourseError(f"{wanted} is a whole lesson.", f'Name one exercise, such as "{found[0].id}".')
    except SlmError as error:
        return Hint("No such exercise", error.problem, error.fix)
    return found[0]
