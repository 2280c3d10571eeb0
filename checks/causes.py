"""A wrong exercise may call an earlier one that is wrong itself: the report says so, lest one searches in the wrong cell."""

import dis
from collections.abc import Iterator, Mapping
from dataclasses import replace
from types import CodeType, FunctionType
from typing import Any

from checks.course import Course
from checks.exercise import Exercise
from checks.judging import Outcome


def with_cause(
    outcome: Outcome, exercise: Exercise, names: Mapping[str, Any], results: Mapping[str, Outcome]
) -> Outcome:
    """The same, its fix beginning with the earlier exercise it calls and whose last check in this kernel failed."""
    used = names_used_by(exercise.asks_for, names) - set(exercise.asks_for)
    for earlier in Course.here().exercises(exercise.lesson):
        if earlier.id == exercise.id:
            break
        called = [name for name in earlier.asks_for if name in used]
        if called and earlier.id in results and results[earlier.id].state == "fail":
            cause = f"It calls `{called[0]}`, and {earlier.id} failed its last check: begin there."
            return replace(outcome, fix=f"{cause} {outcome.fix}")
    return outcome


def names_used_by(wanted: tuple[str, ...], names: Mapping[str, Any]) -> set[str]:
    """Names that these functions and classes of a notebook use, and those that they call in turn."""
    found: set[str] = set()
    todo = list(wanted)
    while todo:
        new = {name for code in _codes(names.get(todo.pop())) for name in _globals(code)} - found
        found |= new
        todo += new
    return found


def _globals(code: CodeType) -> Iterator[str]:
    """Names it looks up in the notebook; `encode` of `text.encode()` is none."""
    for instruction in dis.get_instructions(code):
        if instruction.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
            yield instruction.argval


def _codes(value: Any) -> Iterator[CodeType]:
    """The code of a function, of a class's methods, and of what is defined inside them."""
    methods = list(vars(value).values()) if isinstance(value, type) else [value]
    codes = [one.__code__ for one in methods if isinstance(one, FunctionType)]
    while codes:
        code = codes.pop()
        yield code
        codes += [one for one in code.co_consts if isinstance(one, CodeType)]
