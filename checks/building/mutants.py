"""Prove an exercise: our solution passes, and everything that is wrong fails with a sentence that helps.

From an exercise's own table of mistakes, and from what students do to any function: leave it undone, raise,
return None, print, return a list, change the input, loop for ever, rename it. No exercise needs tests of its own.
"""

import copy
import inspect
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from checks.building.notebooks import stub
from checks.building.source import definitions, read_source
from checks.course import Course, CourseError
from checks.exercise import Exercise, Mistake, Questions, Reply, problems
from checks.judging import Outcome, judge
from checks.plain import plain
from checks.probing import ask

SEEDS = range(5)
"""A mistake must be named whatever the questions are."""
Names = dict[str, Any]


def weaknesses(course: Course, exercise: Exercise) -> list[str]:
    """Everything this exercise gets wrong, one sentence each; empty when it is proved."""
    try:
        names = solved_names(course, exercise)
    except Exception as error:
        return [
            f"{exercise.id}: the lesson's definitions do not run alone ({type(error).__name__}: {error})."
        ]
    found = problems(exercise)
    undefined = [name for name in exercise.asks_for if name not in names]
    if undefined:
        found.append(f"neither the solution nor stage() defines {', '.join(undefined)}.")
    else:
        for trial in (_reference, partial(_stub, course), _mistakes, _missing, _spoiled):
            try:
                found += trial(exercise, names)
            except (
                Exception
            ) as error:  # in a judge or an expected answer: a notebook would call it our mistake
                found.append(f"it broke with {type(error).__name__}: {error}.")
    return [sentence if exercise.id in sentence else f"{exercise.id}: {sentence}" for sentence in found]


def solved_names(course: Course, exercise: Exercise) -> Names:
    """A kernel in which everything up to this exercise is solved, without anything computed."""
    cells, last = _cells_until(course, exercise)
    names: Names = {"__name__": "__main__"}
    exec(compile(definitions(cells[: last + 1]), f"<definitions for {exercise.id}>", "exec"), names)
    names |= exercise.stage()
    return names


def _cells_until(course: Course, exercise: Exercise) -> tuple[tuple[Any, ...], int]:
    path = course.source(exercise.lesson)
    cells = read_source(path) if path else ()
    own = [at for at, cell in enumerate(cells) if cell.role == "solution" and cell.exercise == exercise.id]
    if not own:
        raise CourseError(
            f"Exercise {exercise.id} has no solution in a lesson source.", "See checks/README.md."
        )
    return cells, own[-1]


def outcome(exercise: Exercise, names: Names, seed: int = 0) -> Outcome:
    """Probe and judge the names."""
    return judge(exercise, partial(ask, exercise, names), seed)


def _reference(exercise: Exercise, names: Names) -> Iterator[str]:
    for seed in SEEDS:
        got = outcome(exercise, names, seed)
        if got.state != "pass":
            yield f"our own solution does not pass (seed {seed}): {got.problem} {got.fix}"
            return


def _stub(course: Course, exercise: Exercise, names: Names) -> Iterator[str]:
    names, (cells, _) = dict(names), _cells_until(course, exercise)
    for cell in cells:
        if cell.role == "solution" and cell.exercise == exercise.id:
            exec(stub(cell), names)
    got = outcome(exercise, names)
    if got.state != "to do":
        yield f"the untouched stub gives {got.state!r} instead of 'to do': {got.problem}"


def _mistakes(exercise: Exercise, names: Names) -> Iterator[str]:
    for sentence, mistake in exercise.mistakes.items():
        replies = _wrong_replies(exercise, names, mistake)
        for seed in SEEDS:
            got = judge(exercise, replies, seed)
            if got.problem != sentence or got.state != "fail":
                yield f"the mistake {sentence!r} is reported as {got.problem or got.state!r} (seed {seed})."
                break
        if judge(exercise, replies) != judge(exercise, replies):
            yield f"the report of {sentence!r} differs from run to run."


def _wrong_replies(exercise: Exercise, names: Names, mistake: Mistake) -> Callable[[Questions, int], Reply]:
    """Answers as they come from someone who makes this mistake."""
    if isinstance(mistake, str):
        wrong = dict(names)
        exec(mistake, wrong)
        return partial(ask, exercise, wrong)
    return lambda questions, number: Reply(
        "answered", plain(exercise.wrong_answer(copy.deepcopy(questions), mistake))
    )


def _missing(exercise: Exercise, names: Names) -> Iterator[str]:
    for name in exercise.asks_for:
        without = {other: value for other, value in names.items() if other != name}
        got = outcome(exercise, without)
        if got.state == "pass" or f"`{name}`" not in got.problem:
            yield f"without {name} it says: {got.problem or got.state!r}"
        renamed = without | {f"{name}_2": names[name]}
        got = outcome(exercise, renamed)
        if f"`{name}_2`" not in got.problem:
            yield f"with {name} renamed to {name}_2 it says: {got.problem or got.state!r}"


def _spoiled(exercise: Exercise, names: Names) -> Iterator[str]:
    for name in exercise.asks_for:
        if not inspect.isfunction(names.get(name)):
            continue
        for kind, code, words in SPOILED:
            if exercise.may_change_inputs and kind in ("prints", "returns None", "changes its input"):
                continue
            tried = copy.copy(exercise)
            if kind == "loops":
                tried.seconds = 0.2
            wrong = names | {"__right": names[name], "__happened": []}
            exec(code.format(name=name), wrong)
            got = outcome(tried, wrong)
            if not wrong["__happened"]:
                continue  # nothing to spoil: no list to return, no input that can be changed
            if (
                got.state != "fail"
                or not got.problem
                or (len(exercise.asks_for) == 1 and words not in got.problem)
            ):
                yield f"a {name} that {kind} gives {got.state!r}: {got.problem!r}; expected words: {words!r}"


SPOILED = (
    (
        "raises",
        "def {name}(*arguments, **options):\n"
        "    __happened.append(1)\n"
        "    raise ValueError('broken on purpose')\n",
        "ValueError: broken on purpose, in line 3 of your cell",
    ),
    ("returns None", "def {name}(*arguments, **options):\n    __happened.append(1)\n", "returned None"),
    (
        "prints",
        "def {name}(*arguments, **options):\n"
        "    __happened.append(1)\n"
        "    print(__right(*arguments, **options))\n",
        "printed its answer",
    ),
    (
        "returns a list for a tensor",
        "def {name}(*arguments, **options):\n"
        "    result = __right(*arguments, **options)\n"
        "    if not getattr(result, 'ndim', 0):\n"
        "        return result\n"
        "    __happened.append(1)\n"
        "    return result.tolist()\n",
        "a list",
    ),
    (
        "changes its input",
        "def {name}(*arguments, **options):\n"
        "    result = __right(*arguments, **options)\n"
        "    for value in (*arguments, *options.values()):\n"
        "        if __happened or not hasattr(value, '__len__') or not len(value):\n"
        "            continue\n"
        "        if hasattr(value, 'ndim'):\n"
        "            __happened.append(1)\n"
        "            value[...] = value == 0\n"
        "        elif isinstance(value, (list, dict)):\n"
        "            __happened.append(1)\n"
        "            value.clear()\n"
        "    return result\n",
        "changes its input",
    ),
    (
        "loops",
        "def {name}(*arguments, **options):\n    __happened.append(1)\n    while True:\n        pass\n",
        "did not finish",
    ),
)
"""(what it does, a student's code that does it, words its sentence must hold)."""
