"""A wrong exercise may use an earlier one that is wrong itself: the report says so, and nobody searches the wrong cell."""

import dis
from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from dataclasses import replace
from types import CodeType, FunctionType
from typing import Any

from checks.course import Course
from checks.exercise import Exercise
from checks.judging import Outcome


def with_cause(
    outcome: Outcome,
    exercise: Exercise,
    names: Mapping[str, Any],
    results: Mapping[str, Outcome],
    lent: Set[str],
) -> Outcome:
    """The same; its fix begins with the earlier exercise that it uses, where that failed its last check.

    names: the notebook's. results: of the last checks in this kernel. lent: names that are ours by now.
    """
    used = names_used_by(exercise.asks_for, names) - {*exercise.asks_for, *lent}
    for earlier in Course.here().exercises(exercise.lesson):
        if earlier.id == exercise.id:
            break
        found = [name for name in earlier.asks_for if name in used]
        if found and earlier.id in results and results[earlier.id].state == "fail":
            cause = f"It uses `{found[0]}`, and {earlier.id} failed its last check: begin there."
            return replace(outcome, fix=f"{cause} {outcome.fix}")
    return outcome


def names_used_by(wanted: tuple[str, ...], names: Mapping[str, Any]) -> set[str]:
    """Names that these functions and classes of a notebook use, and those that these use in turn."""
    return reached_from(
        wanted, lambda name: {used for code in _codes(names.get(name), names) for used in _globals(code)}
    )


def reached_from(wanted: Iterable[str], uses: Callable[[str], Set[str]]) -> set[str]:
    """What these names use, by one step or by many; `uses` gives one step from one name."""
    found: set[str] = set()
    todo = list(wanted)
    while todo:
        new = uses(todo.pop()) - found
        found |= new
        todo += new
    return found


def _globals(code: CodeType) -> Iterator[str]:
    """Names it looks up in the notebook; `encode` of `text.encode()` is none."""
    for instruction in dis.get_instructions(code):
        if instruction.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
            yield instruction.argval


def _codes(value: Any, names: Mapping[str, Any]) -> Iterator[CodeType]:
    """The code of a notebook's function, of a class's methods, and of what is defined inside them.

    Types are asked for by `type`, which no object can answer for; code of a library is not followed.
    """
    parts = list(vars(value).values()) if issubclass(type(value), type) else [value]
    parts = [one.__func__ if type(one) in (staticmethod, classmethod) else one for one in parts]
    parts = [one.fget if type(one) is property else one for one in parts]
    codes = [one.__code__ for one in parts if type(one) is FunctionType and one.__globals__ is names]
    while codes:
        code = codes.pop()
        yield code
        codes += [one for one in code.co_consts if type(one) is CodeType]
