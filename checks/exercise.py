"""What an exercise is: questions, a probe beside the student's code, a judge that never meets it.

    parent                     student's kernel                parent
    questions(rng)   ----->    probe(student, questions)  -->  judge(questions, answer)
                    plain data                        plain data

In a notebook all three run in one process; in the grader the two outer ones run in another.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from checks.plain import difference, first_part, same

if TYPE_CHECKING:
    from checks.student import Student

Questions = dict[str, Any]
Mistake = Mapping[str, Any] | Callable[..., Any] | str
"""How a usual mistake is made; see `Exercise.mistakes`."""

ID = re.compile(r"(\d\d|lab)\.(\d+)")


@dataclass(frozen=True)
class Finding:
    """What the judge says about a wrong answer. A bare sentence is a Finding with nothing else."""

    sentence: str
    """The likely mistake, or what differs, in one sentence."""
    expected: str = ""
    """A short value for the table, as text."""
    got: str = ""
    """Its counterpart in the student's answer."""
    share: float = 0.0
    """The part of the points that is earned all the same, 0 to 1."""
    part: int | None = None
    """Which of several answers it is about, counted from 0; a notebook can then show the call that gave it."""


@dataclass(frozen=True)
class Reply:
    """What one round of questions brought back. Plain data, ready for a pipe."""

    state: Literal["answered", "to do", "failed"]
    answer: Any = None
    problem: str = ""
    fix: str = ""
    calls: tuple[str, ...] = ()
    """The calls as one would type them, or empty strings. In a notebook only: the grader leaves them where they are."""


class Exercise:
    """Subclass, fill the fields, write `questions`, `probe` and `expected`; `judge` then comes by itself."""

    id: str
    """Lesson and number, `02.3`; the lab's are `lab.1` and so on."""
    title: str
    """As in the lesson's heading `### Exercise 02.3: <title>`."""
    points: int = 1
    asks_for: tuple[str, ...] = ()
    """The names the student defines."""
    hints: tuple[str, ...] = ()
    """From a question to nearly the code, one stage each."""
    mistakes: Mapping[str, Mistake] = {}
    """Sentence the student reads -> how to make that wrong answer, in one of three ways:

    a dict: switches handed to `expected(questions, **switches)`;
    a function: `wrong(questions)` returns the wrong answer;
    a string: a student's code that makes it (then `judge` itself must find the sentence).
    """
    why_few_mistakes: str = ""
    """The reason, when fewer than three mistakes are named."""
    rounds: int = 3
    """How many times fresh questions are asked."""
    seconds: float = 20.0
    """Time limit of one round's probe."""
    atol: float = 1e-5
    """How far numbers may be from ours, in `expected`'s units."""
    by_case: bool = False
    """True when `expected` is a list or a dict of separate cases: a wrong answer that is no usual mistake in all of
    them gets the sentence of one that gives its first wrong case."""
    may_change_inputs: bool = False
    """True when the task is to change what is passed in, as an optimizer step does."""

    def questions(self, rng: np.random.Generator) -> Questions:
        """Fresh inputs, plain data. Large enough that every mistake gives another answer than the right one."""
        return {}

    def questions_in_round(self, rng: np.random.Generator, number: int) -> Questions:
        """The questions of round `number`, counted from 0. Override it when rounds differ by plan and not by chance."""
        return self.questions(rng)

    def probe(self, student: "Student", questions: Questions) -> Any:
        """Beside the student's code: call it, turn what it returns into plain data, judge nothing."""
        raise NotImplementedError(f"Exercise {self.id} has no probe.")

    def expected(self, questions: Questions, *_: Any, **switches: Any) -> Any:  # any keywords in a subclass
        """Our answer, in plain Python or numpy float64; each usual mistake with one switch turned."""
        raise NotImplementedError(
            f"Exercise {self.id} has neither an expected answer nor a judge of its own."
        )

    def judge(self, questions: Questions, answer: Any) -> str | Finding | None:
        """None when right, else the sentence or Finding the student reads. Sees plain data only."""
        right = self.expected(questions)
        found = difference(right, answer, self.atol)
        if found is None:
            return None
        sentence, expected, got = found
        part = first_part(right, answer, self.atol)
        usual = self.mistake_in(questions, answer)
        if usual is None and self.by_case and part is not None:
            usual = self._mistake_seen(questions, answer, lambda value: _cases(value)[part])
        return Finding(usual or sentence, expected, got, part=part)

    def mistake_in(self, questions: Questions, answer: Any) -> str | None:
        """The sentence of the usual mistake that gives exactly this answer, if one does."""
        return self._mistake_seen(questions, answer, lambda value: value)

    def _mistake_seen(self, questions: Questions, answer: Any, seen: Callable[[Any], Any]) -> str | None:
        """The same, when only what `seen` picks of an answer is looked at."""
        for sentence, mistake in self.mistakes.items():
            if not isinstance(mistake, str) and same(
                seen(self.wrong_answer(questions, mistake)), seen(answer), self.atol
            ):
                return sentence
        return None

    def wrong_answer(self, questions: Questions, mistake: Mistake) -> Any:
        """The answer that a mistake of the first two kinds gives."""
        with np.errstate(all="ignore"):
            if isinstance(mistake, Mapping):
                return self.expected(questions, **mistake)
            assert callable(mistake)
            return mistake(questions)

    def remark(self) -> str:
        """What a report adds under this exercise when it passed, such as a word about the machine."""
        return ""

    def stage(self) -> dict[str, Any]:
        """For tests only: names that earlier cells of the lesson leave in the kernel and this exercise needs."""
        return {}

    @property
    def lesson(self) -> str:
        """`02` of `02.3`."""
        return self.id.partition(".")[0]


def _cases(answer: Any) -> list[Any]:
    """The values of a list or a dict, in order."""
    return list(answer.values() if isinstance(answer, dict) else answer)


def problems(exercise: Exercise) -> list[str]:
    """What is wrong with how an exercise is written; the builder and the tests ask."""
    found = []
    words = {"get", "call", "tensor", "array", "scalar", "number", "integer", "text", "value"}
    taken = words & set(exercise.asks_for)
    if taken:
        found.append(
            f"Exercise {exercise.id} asks for {taken.pop()!r}, a word of Student's own; choose another name."
        )
    if not ID.fullmatch(exercise.id):
        found.append(f"Exercise id {exercise.id!r} is not like '02.3' or 'lab.1'.")
    if not exercise.title or not exercise.asks_for or not exercise.hints:
        found.append(f"Exercise {exercise.id} needs a title, at least one name it asks for and one hint.")
    if exercise.points < 1:
        found.append(f"Exercise {exercise.id} gives {exercise.points} points; give at least 1.")
    if len(exercise.mistakes) < 3 and not exercise.why_few_mistakes:
        found.append(
            f"Exercise {exercise.id} names {len(exercise.mistakes)} mistakes: "
            "name three, or say why not in why_few_mistakes."
        )
    return found


STUB = re.compile(r"Exercise (\S+) is not done yet")


def stub_sentence(exercise_id: str) -> str:
    """What a stub raises: the exercise, and three ways out."""
    return (
        f"Exercise {exercise_id} is not done yet: write it in its cell and run that cell. "
        f'Stuck? hint("{exercise_id}") helps a little, reference("{exercise_id}") lends our version.'
    )
