"""The student's side of a probe: reach names, call functions, take tensors in and out, with a sentence for
everything that goes wrong on the way.

A probe reads `student.array(student.causal_weights(*map(student.tensor, questions.values())))`: each of the
three helpers knows which function is being asked and can say what the student would need to hear.
"""

import contextlib
import copy
import difflib
import inspect
from collections import Counter, OrderedDict, defaultdict
from collections.abc import Callable, Iterator, Mapping
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


@contextlib.contextmanager
def means(problem: str, fix: str = "", when: bool = True) -> Iterator[None]:
    """When `when` holds, code that breaks in here is told as this mistake: it ran on the inputs of another round."""
    try:
        yield
    except (IndexError, RuntimeError, ValueError) as error:
        if not when or isinstance(error, NotImplementedError):  # a stub is to do, not wrong
            raise
        raise Trouble(problem, fix) from error


DICTS = (Counter, defaultdict, OrderedDict)
"""Dicts of the standard library: what they hold crosses as a dict. Any other subclass is refused."""
MOST_SHOWN = 120
"""Letters up to which a call is shown; a longer one says less than its name."""


class Student:
    """What a probe is given. `student.some_name` is the student's object; functions and classes are watched."""

    def __init__(self, namespace: Mapping[str, Any], exercise: Exercise, printed: Tail):
        self._namespace, self._exercise, self._printed = namespace, exercise, printed
        self._asked = exercise.asks_for[0] if exercise.asks_for else "your code"
        self._calls: list[str] = []

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
        self._calls.append(told(name, arguments, options))
        if not callable(function):
            raise overwritten(self._asked, function)
        result = function(*arguments, **options)
        if before is not None:
            self._require_untouched(function, (arguments, options), before)
        return result

    # In: plain questions become what a student works with.

    def tensor(self, value: Any, learns: bool = False) -> Any:
        """A torch tensor: float32 for fractions, int64 for whole numbers, bool for bool; always a fresh copy.

        One that learns requires a gradient, and what is computed from it can be differentiated.
        """
        import torch

        array = np.array(value)
        kinds = {"f": torch.float32, "i": torch.int64, "u": torch.int64, "b": torch.bool}
        tensor = torch.tensor(array, dtype=kinds[array.dtype.kind])
        return (
            tensor.requires_grad_().clone() if learns else tensor
        )  # no leaf: changing it in place is no error

    # Out: what the student returned becomes plain data.

    def array(self, result: Any, numpy: bool = False) -> np.ndarray:
        """A tensor as a numpy array: float64, int64 or bool. With `numpy` the student may return a numpy array."""
        import torch

        if type(result) in (torch.Tensor, torch.nn.Parameter):
            detached = result.detach().cpu()
            if detached.is_floating_point():
                detached = detached.double()
            result = detached.resolve_conj().resolve_neg().numpy()
        elif type(result) is not np.ndarray or not numpy:
            raise self._no_tensor(result, numpy)
        kind = {"f": np.float64, "i": np.int64, "u": np.int64, "b": np.bool_}.get(result.dtype.kind)
        if kind is None:
            raise self._wrong_type(result, "a tensor of numbers", f"Its dtype is {result.dtype}.")
        return np.array(result, dtype=kind)

    def scalar(self, result: Any) -> float:
        """A tensor of one number that can be differentiated, as a float: a loss. One of its inputs must learn."""
        import torch

        if type(result) in (int, float) or isinstance(result, np.generic):
            raise Trouble(
                "You return a Python number; leave out .item(), or nothing can be differentiated.",
                "Compute with torch's functions to the end (.log(), .mean()) and return the tensor.",
            )
        if type(result) is not torch.Tensor:
            raise self._no_tensor(result)
        if result.dim():
            fix = f"Yours has shape {tuple(result.shape)}; is a mean or a sum missing?"
            raise self._wrong_type(result, "a tensor of one number", fix)
        if not result.requires_grad:
            raise Trouble(
                "Your tensor cannot be differentiated: on the way the numbers left torch and came back.",
                "Leave out torch.tensor(...), .item(), .detach() and math.log; torch has all of it.",
            )
        return float(self.array(result))

    def number(self, result: Any) -> float:
        """A Python number, or a tensor or array with exactly one element, as a float."""
        if type(result) in (int, float):
            return float(result)
        if type(result).__module__.partition(".")[0] in ("torch", "numpy") and hasattr(result, "item"):
            values = self.array(np.asarray(result) if isinstance(result, np.generic) else result, numpy=True)
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
        if dict in kinds and type(result) in DICTS:
            result = dict(result)
        if (kinds and type(result) not in kinds) or (result is None and type(None) not in kinds):
            wanted = " or ".join(_article(kind.__name__) for kind in kinds) or "a value"
            fix = ""
            if list in kinds and hasattr(result, "tolist"):
                fix = ".tolist() turns a tensor into a list."
            elif list in kinds and inspect.isgenerator(result):
                fix = "Wrap it in list(...)."
            raise self._wrong_type(result, wanted, fix)
        return plain(result)

    def _no_tensor(self, result: Any, numpy: bool = False) -> Trouble:
        kind = type(result)
        if kind.__module__ == "torch.return_types":
            names = " and ".join(str(name) for name in getattr(kind, "__match_args__", ()))
            return Trouble(
                f"`{self._asked}` returned all that {kind.__name__} gives: {names}.",
                "Take the one that is asked for, such as .indices.",
            )
        if numpy:
            return self._wrong_type(
                result, "a numpy array", "Compute with arrays, or wrap it in np.array(...)."
            )
        fix = "Build it with torch operations, or wrap it in torch.tensor(...)."
        return self._wrong_type(result, "a tensor", fix)

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


def calls_of(student: Student) -> tuple[str, ...]:
    """The calls a probe made, in order, as one would type them; empty strings for long ones."""
    return tuple(student._calls)


def told(name: str, arguments: tuple[Any, ...], options: Mapping[str, Any]) -> str:
    """The call as one would type it, `count_pairs([4, 4, 4])`; empty when it has nothing to show, is too long or not all plain."""
    values = [_typed(value) for value in (*arguments, *options.values())]
    names = [""] * len(arguments) + [f"{option}=" for option in options]
    call = f"{name}({', '.join(map(''.join, zip(names, values, strict=True)))})"
    return call if name and values and all(values) and len(call) <= MOST_SHOWN else ""


def _typed(value: Any, depth: int = 4) -> str:
    """A small plain value, or a small tensor of whole numbers, as code; an empty string for anything else."""
    kind = type(value)
    if (kind is int and value.bit_length() > MOST_SHOWN) or depth == 0:
        return ""
    if kind in (type(None), bool, int, float) or (kind in (str, bytes) and len(value) <= MOST_SHOWN):
        return repr(value)
    if kind.__module__ == "torch" and hasattr(value, "tolist") and not value.is_floating_point():
        inner = _typed(value.tolist(), depth) if value.numel() <= MOST_SHOWN else ""
        return f"torch.tensor({inner})" if inner else ""
    if kind not in (list, tuple, set, dict) or len(value) > MOST_SHOWN:
        return ""
    parts = [_typed(part, depth - 1) for part in value]
    if kind is dict:
        values = [_typed(part, depth - 1) for part in value.values()]
        parts = [f"{key}: {one}" if key and one else "" for key, one in zip(parts, values, strict=True)]
    if not all(parts):
        return ""
    if kind is set:  # in an order of its own: the same text at every run
        parts.sort(key=lambda part: (len(part), part))
    if kind is tuple:
        return f"({parts[0]},)" if len(parts) == 1 else f"({', '.join(parts)})"
    if kind is list:
        return f"[{', '.join(parts)}]"
    return f"{{{', '.join(parts)}}}" if parts or kind is dict else "set()"


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
