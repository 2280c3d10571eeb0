"""The student's side of a probe: reach names, call functions, take tensors in and out, with a sentence for
everything that goes wrong on the way.

A probe reads `student.array(student.causal_weights(*map(student.tensor, questions.values())))`: each of the
three helpers knows which function is being asked and can say what the student would need to hear.
"""

import copy
import difflib
import inspect
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from checks.course import Course
from checks.exercise import Exercise
from checks.limits import Tail
from checks.plain import plain


class Trouble(Exception):
    """The probe cannot go on: one sentence about what is wrong, one about what to do."""

    def __init__(self, problem: str, fix: str = "", todo: bool = False):
        super().__init__(problem)
        self.problem, self.fix, self.todo = problem, fix, todo


class Student:
    """What a probe is given. `student.some_name` is the student's object; functions and classes are watched."""

    def __init__(self, namespace: Mapping[str, Any], exercise: Exercise, printed: Tail):
        self._namespace, self._exercise, self._printed = namespace, exercise, printed
        self._asked = exercise.asks_for[0] if exercise.asks_for else "your code"

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        found = self.get(name)
        if inspect.isroutine(found) or inspect.isclass(found):
            return lambda *arguments, **options: self.call(found, *arguments, name=name, **options)
        return found

    def get(self, name: str) -> Any:
        """The student's object of that name, as it is; says which name is missing and what looks like it."""
        if name not in self._namespace:
            raise missing(name, self._namespace, self._exercise)
        self._asked = name
        return self._namespace[name]

    def call(self, function: Callable[..., Any], *arguments: Any, name: str = "", **options: Any) -> Any:
        """Call the student's function (or module, or method) and see that it leaves its inputs alone."""
        self._asked = name or getattr(function, "__name__", type(function).__name__)
        before = None if self._exercise.may_change_inputs else _snapshot((arguments, options))
        self._printed.text = ""
        if not callable(function):
            raise overwritten(self._asked, function)
        result = function(*arguments, **options)
        if before is not None:
            self._require_untouched(function, (arguments, options), before)
        return result

    # In: plain questions become what a student works with.

    def tensor(self, value: Any) -> Any:
        """A torch tensor: float32 for fractions, int64 for whole numbers, bool for bool; always a fresh copy."""
        import torch

        array = np.array(value)
        kinds = {"f": torch.float32, "i": torch.int64, "u": torch.int64, "b": torch.bool}
        return torch.tensor(array, dtype=kinds[array.dtype.kind])

    # Out: what the student returned becomes plain data.

    def array(self, result: Any) -> np.ndarray:
        """A tensor (or numpy array) as a numpy array: float64, int64 or bool."""
        import torch

        if type(result) in (torch.Tensor, torch.nn.Parameter):
            detached = result.detach().cpu()
            if detached.is_floating_point():
                detached = detached.double()
            result = detached.resolve_conj().resolve_neg().numpy()
        if type(result) is not np.ndarray:
            fix = "Build it with torch operations, or wrap it in torch.tensor(...)."
            raise self._wrong_type(result, "a tensor", fix)
        kind = {"f": np.float64, "i": np.int64, "u": np.int64, "b": np.bool_}.get(result.dtype.kind)
        if kind is None:
            raise self._wrong_type(result, "a tensor of numbers", f"Its dtype is {result.dtype}.")
        return np.array(result, dtype=kind)

    def number(self, result: Any) -> float:
        """A Python number, or a tensor or array with exactly one element, as a float."""
        if type(result) in (int, float):
            return float(result)
        if type(result).__module__.partition(".")[0] in ("torch", "numpy") and hasattr(result, "item"):
            values = self.array(np.asarray(result) if isinstance(result, np.generic) else result)
            if values.size == 1:
                return float(values.reshape(-1)[0])
            fix = f"Yours has shape {values.shape}; is a mean or a sum missing?"
            raise self._wrong_type(result, "one number", fix)
        raise self._wrong_type(result, "a number")

    def integer(self, result: Any) -> int:
        """A whole number; a float is refused even when it is whole."""
        if type(result) is int:
            return result
        if isinstance(result, np.integer):
            return int(result)
        fix = "Use // instead of /, or int(...)." if type(result) is float else ""
        raise self._wrong_type(result, "a whole number (int)", fix)

    def text(self, result: Any) -> str:
        """A string."""
        return str(self.value(result, str))

    def value(self, result: Any, *kinds: type) -> Any:
        """Plain data of one of these types (any, when none is given): list, dict, str, tuple, ..."""
        if (kinds and type(result) not in kinds) or (result is None and type(None) not in kinds):
            wanted = " or ".join(_article(kind.__name__) for kind in kinds) or "a value"
            fix = ""
            if list in kinds and hasattr(result, "tolist"):
                fix = ".tolist() turns a tensor into a list."
            elif list in kinds and inspect.isgenerator(result):
                fix = "Wrap it in list(...)."
            raise self._wrong_type(result, wanted, fix)
        return plain(result)

    def _wrong_type(self, result: Any, wanted: str, fix: str = "") -> Trouble:
        name = self._asked
        if result is None and self._printed.text.strip():
            return Trouble(
                f"`{name}` printed its answer and returned None.",
                "Write `return ...` instead of `print(...)`: only what is returned can be used by other code.",
            )
        if result is None:
            return Trouble(f"`{name}` returned None instead of {wanted}.", "Does it end with `return ...`?")
        return Trouble(f"`{name}` gave {_a(result)} where {wanted} is asked for.", fix or f"Return {wanted}.")

    def _require_untouched(self, function: Callable[..., Any], now: Any, before: Any) -> None:
        (arguments, options), (old_arguments, old_options) = now, before
        for index, (new, old) in enumerate(zip(arguments, old_arguments, strict=True)):
            if not _unchanged(new, old):
                raise self._changed(_parameter(function, index))
        for name, new in options.items():
            if not _unchanged(new, old_options[name]):
                raise self._changed(name)

    def _changed(self, name: str) -> Trouble:
        return Trouble(
            f"`{self._asked}` changes its input `{name}`; whoever called it still needs that.",
            "Work on a copy (.clone() for a tensor, list(...) or dict(...) otherwise), "
            "and avoid in-place operations such as x += 1 or .append.",
        )


def missing(name: str, namespace: Mapping[str, Any], exercise: Exercise) -> Trouble:
    """The sentence for a name that is not there: renamed, or its cell was never run in this kernel."""
    own = [other for other in namespace if not other.startswith("_")]
    close = difflib.get_close_matches(name, own, n=2, cutoff=0.75)
    if close:
        looks = " or ".join(f"`{other}`" for other in close)
        return Trouble(
            f"There is no `{name}` in this notebook, but there is {looks}.",
            f"If that is your version, name it `{name}` and run its cell again.",
        )
    siblings = (exercise, *Course.here().exercises(exercise.lesson))
    owner = next((other.id for other in siblings if name in other.asks_for), "")
    where = f"the cell of exercise {owner}" if owner else "the cells above"
    return Trouble(
        f"There is no `{name}` in this notebook yet.",
        f"Run {where} first; after a restart of the kernel, run all cells above again (menu Run).",
        todo=True,
    )


def overwritten(name: str, value: Any) -> Trouble:
    """The sentence for a function's name that now means something else."""
    return Trouble(
        f"`{name}` is {_a(value)}, not a function.",
        "A later cell may have used the same name: run the cell that defines it again.",
    )


def _snapshot(value: Any) -> Any:
    """A copy of inputs to compare with later: exact for data, the same object for everything else."""
    if type(value) in (tuple, list):
        return type(value)(_snapshot(item) for item in value)
    if type(value) is dict:
        return {key: _snapshot(item) for key, item in value.items()}
    if type(value).__module__ == "torch" and hasattr(value, "detach"):
        return value.detach().clone()
    if isinstance(value, (np.ndarray, set, bytearray)):
        return copy.deepcopy(value)
    return value


def _unchanged(now: Any, before: Any) -> bool:
    if now is before:
        return True
    if type(now) in (tuple, list):
        return len(now) == len(before) and all(map(_unchanged, now, before))
    if type(now) is dict:
        return list(now) == list(before) and all(_unchanged(now[key], before[key]) for key in now)
    if hasattr(now, "detach"):
        now, before = now.detach().cpu(), before.cpu()
        return now.shape == before.shape and now.numpy().tobytes() == before.numpy().tobytes()
    if isinstance(now, np.ndarray):
        return now.shape == before.shape and now.tobytes() == before.tobytes()
    return bool(now == before)


def _parameter(function: Callable[..., Any], index: int) -> str:
    try:
        return list(inspect.signature(function).parameters)[index]
    except (TypeError, ValueError, IndexError):
        return f"number {index + 1}"


def _a(value: Any) -> str:
    """The type of a value in words a beginner knows."""
    if value is None:
        return "None"
    return _article(type(value).__name__)


def _article(noun: str) -> str:
    words = {"str": "string", "ndarray": "numpy array", "Tensor": "tensor", "int": "whole number (int)"}
    noun = words.get(noun, noun)
    return f"{'an' if noun[0].lower() in 'aeiou' else 'a'} {noun}"
