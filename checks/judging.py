"""The half of a check that decides. Plain data only: it could run on another machine, and in the grader it does."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from checks.exercise import Exercise, Finding, Questions, Reply
from checks.plain import plain

State = Literal["pass", "fail", "to do"]
NOTHING = Finding("")


@dataclass(frozen=True)
class Outcome:
    """One exercise, judged."""

    id: str
    title: str
    state: State
    earned: float
    points: float
    problem: str = ""
    """What is wrong, in one sentence; empty when it passed."""
    expected: str = ""
    got: str = ""
    fix: str = ""
    """What to do next."""

    @classmethod
    def of(
        cls, exercise: Exercise, state: State, finding: Finding = NOTHING, earned: float = 0.0, fix: str = ""
    ) -> "Outcome":
        """That of an exercise, with what was found."""
        words = (finding.sentence, finding.expected, finding.got, fix)
        return cls(exercise.id, exercise.title, state, earned, exercise.points, *words)


def judge(exercise: Exercise, ask: Callable[[Questions, int], Reply], seed: int = 0) -> Outcome:
    """Ask `rounds` times and judge every answer; the first wrong one decides.

    The questions follow from the seed and the exercise: a notebook uses seed 0, so that its feedback is the
    same text at every run; a grader draws a seed nobody knows.
    """
    for number in range(exercise.rounds):
        rng = np.random.default_rng([seed, number, *exercise.id.encode()])
        questions = plain(exercise.questions_in_round(rng, number))
        reply = ask(questions, number)
        if reply.state != "answered":
            state: State = "to do" if reply.state == "to do" else "fail"
            return _outcome(exercise, state, _with_call(Finding(reply.problem), reply.calls), reply.fix)
        found = exercise.judge(questions, reply.answer)
        if found is not None:
            finding = Finding(found) if isinstance(found, str) else found
            if finding.sentence not in exercise.mistakes:
                finding = _with_call(finding, reply.calls, reply.answer)
            return _outcome(exercise, "fail", finding)
    return Outcome.of(exercise, "pass", earned=exercise.points)


def _with_call(finding: Finding, calls: Sequence[str], answer: Any = None) -> Finding:
    """The finding with the call that gave the wrong answer, when it is known which one did, and it is short."""
    sentence, call = finding.sentence, calls[0] if len(calls) == 1 else ""
    if len(calls) > 1 and isinstance(answer, (list, tuple, dict)) and len(answer) == len(calls):
        call = calls[finding.part] if finding.part is not None else ""
        if call:  # it says which answer is meant: a scalar has no index
            where = r" at (?:index \d+|key '[^']*')((?:\[[^]]*\])*)"
            sentence = re.sub(where, lambda found: f" at {found[1]}" if found[1] else "", sentence, count=1)
    return replace(finding, sentence=f"{sentence} The call: `{call}`." if call else sentence)


def _outcome(exercise: Exercise, state: State, finding: Finding, fix: str = "") -> Outcome:
    if state == "fail" and not fix:
        fix = f'Change your cell, run it, and check again. Stuck? hint("{exercise.id}")'
    earned = round(exercise.points * min(max(finding.share, 0.0), 1.0), 2) if state == "fail" else 0.0
    return Outcome.of(exercise, state, finding, earned, fix)
