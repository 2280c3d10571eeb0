"""Plain data: the only thing that crosses from a student's objects to the judge.

None, bool, int, float, str, bytes, lists, tuples and dicts of these, and numpy arrays of numbers: each of
exactly that type, copied, and bounded in size. A subclass could carry its own `__eq__`; a copy of plain
data cannot, so nothing written in a notebook takes part in the judgement.
"""

import math
from typing import Any

import numpy as np

from slmlib.errors import SlmError

MAX_BYTES = 64 * 2**20
MAX_DEPTH = 32
RELATIVE = 1e-5
"""Fractions may differ by this part of their size, besides the exercise's own `atol`."""
SCALARS: tuple[type, ...] = (type(None), bool, int, float, str, bytes)


class NotPlain(SlmError, TypeError):
    """A value that may not cross: of another type, too large, or too deep."""


def plain(value: Any, max_bytes: int = MAX_BYTES) -> Any:
    """A copy of `value` that is plain data through and through; NotPlain says what is not, or too large."""
    copy, _ = _copy(value, max_bytes, MAX_DEPTH)
    return copy


def _copy(value: Any, room: int, depth: int) -> tuple[Any, int]:
    """The copy, and how many bytes of `room` it takes."""
    kind = type(value)
    if depth == 0:
        raise NotPlain(f"The answer is nested more than {MAX_DEPTH} levels deep.", "Return a flatter value.")
    if kind in SCALARS:
        size = 8 + (len(value) * 4 if kind is str else len(value) if kind is bytes else 0)
        if kind is int:
            size += value.bit_length() // 8
        _require_room(size, room)
        return value, size
    if kind is np.ndarray and value.dtype.kind in "biuf":
        _require_room(value.nbytes, room)
        return np.array(value, order="C"), int(value.nbytes)
    if issubclass(kind, np.generic) and kind.__module__ == "numpy" and value.dtype.kind in "biuf":
        return value.item(), 8
    if kind in (list, tuple):
        _require_room(8 * len(value), room)
        items, used = [], 8
        for item in value:
            copied, size = _copy(item, room - used, depth - 1)
            items.append(copied)
            used += size
            _require_room(used, room)
        return (items if kind is list else tuple(items)), used
    if kind is dict:
        pairs, used = _copy([list(pair) for pair in value.items()], room, depth - 1)
        return dict(pairs), used
    fix = "Use numbers, strings, lists and dicts."
    if hasattr(value, "item"):
        fix = ".item() turns a tensor of one number into a number, .tolist() a longer one into a list."
    raise NotPlain(f"The answer holds a {kind.__name__}, which is not plain data.", fix)


def _require_room(size: int, room: int) -> None:
    if size > room:
        raise NotPlain(
            f"The answer is larger than the {MAX_BYTES // 2**20} MiB a check accepts.",
            "Return only what is asked for.",
        )


def same(expected: Any, answer: Any, atol: float = 1e-5) -> bool:
    """Whether two plain values are equal: fractions within `atol` (and 1e-5 of their size), NaN like NaN."""
    return difference(expected, answer, atol) is None


def difference(
    expected: Any, answer: Any, atol: float = 1e-5, where: str = ""
) -> tuple[str, str, str] | None:
    """None when the same, else (sentence, expected, got) about the first place where they differ."""
    place = f" at {where}" if where else ""
    if _is_number(expected) or isinstance(expected, np.ndarray):
        return _difference_in_numbers(expected, answer, atol, place)
    if isinstance(expected, (list, tuple)) and isinstance(answer, (list, tuple)):
        for index, (one, other) in enumerate(zip(expected, answer, strict=False)):
            found = difference(one, other, atol, f"{where}[{index}]" if where else f"index {index}")
            if found:
                return found
        if len(expected) != len(answer):
            return (
                f"Wrong length{place}: expected {len(expected)} items, got {len(answer)}.",
                f"{len(expected)} items",
                f"{len(answer)} items",
            )
        return None
    if isinstance(expected, dict) and isinstance(answer, dict):
        for key in expected:
            if key not in answer:
                return f"The key {key!r} is missing{place}.", brief(expected), brief(answer)
            found = difference(
                expected[key], answer[key], atol, f"{where}[{key!r}]" if where else f"key {key!r}"
            )
            if found:
                return found
        extra = [key for key in answer if key not in expected]
        return (f"Unexpected key {extra[0]!r}{place}.", brief(expected), brief(answer)) if extra else None
    if type(expected) is not type(answer):
        return (
            f"Wrong type{place}: expected {_kind(expected)}, got {_kind(answer)}.",
            brief(expected),
            brief(answer),
        )
    if expected != answer:
        return f"Wrong value{place}.", brief(expected), brief(answer)
    return None


def first_part(expected: Any, answer: Any, atol: float = 1e-5) -> int | None:
    """Which of the values in a list or a dict is the first that differs; None when it is not one of them."""
    if isinstance(expected, (list, tuple)) and isinstance(answer, (list, tuple)):
        pairs = list(zip(expected, answer, strict=False))
    elif isinstance(expected, dict) and isinstance(answer, dict) and list(expected) == list(answer):
        pairs = list(zip(expected.values(), answer.values(), strict=True))
    else:
        return None
    return next((at for at, (one, other) in enumerate(pairs) if not same(one, other, atol)), None)


def _difference_in_numbers(
    expected: Any, answer: Any, atol: float, place: str
) -> tuple[str, str, str] | None:
    if not _is_number(answer) and not isinstance(answer, np.ndarray):
        return (
            f"Wrong type{place}: expected {_kind(expected)}, got {_kind(answer)}.",
            brief(expected),
            brief(answer),
        )
    if not isinstance(expected, np.ndarray) and not isinstance(answer, np.ndarray):
        if _close(expected, answer, atol):
            return None
        return f"Wrong number{place}.", *_told_apart(expected, answer)
    wanted, given = np.asarray(expected), np.asarray(answer)
    if wanted.shape != given.shape:
        sentence = f"Wrong shape{place}: expected {wanted.shape}, got {given.shape}."
        return sentence, f"shape {wanted.shape}", f"shape {given.shape}"
    with np.errstate(all="ignore"):
        if wanted.dtype.kind == "f" and given.dtype.kind != "O":
            close = np.isclose(given, wanted, atol=atol, rtol=RELATIVE, equal_nan=True)
        else:
            close = np.asarray(wanted == given)
    if close.all():
        return None
    if wanted.ndim == 0:
        return f"Wrong number{place}.", *_told_apart(expected, answer)
    first = tuple(int(index) for index in np.argwhere(~close)[0])
    row, at = first[:-1], first[-1]
    words = f"Right shape, wrong numbers{place}: {int((~close).sum())} of {close.size} differ, first at {list(first)}."
    label = f"row {list(row)}: " if row else ""
    one, other = _told_apart(wanted[row], given[row], at)
    return words, f"{label}{one}", f"{label}{other}"


def _told_apart(expected: Any, answer: Any, at: int = 0) -> tuple[str, str]:
    """Both as text, the numbers at `at`, which differ, among them: with eight digits where four make these look alike."""
    one, other = (_number(np.ravel(value)[at], digits=4) for value in (expected, answer))
    digits = 8 if one == other else 4
    return brief(expected, digits=digits, at=at), brief(answer, digits=digits, at=at)


def _close(expected: float, answer: float, atol: float) -> bool:
    if isinstance(expected, int) or expected == answer:
        return expected == answer  # whole numbers are counts and ids: no tolerance
    if math.isnan(expected):
        return answer != answer
    try:
        return math.isfinite(expected) and abs(answer - expected) <= atol + RELATIVE * abs(expected)
    except OverflowError:  # a whole number too large for any float
        return False


def brief(value: Any, limit: int = 120, digits: int = 4, at: int = 0) -> str:
    """`value` on one line, rounded and shortened: text that is the same on every machine and every run.

    Of a long array eight numbers are shown, that with the index `at` among them.
    """
    if isinstance(value, np.ndarray):
        if value.size > 8:
            begin = max(0, min(at - 3, value.size - 8))
            shown = [_number(item, digits) for item in value.reshape(-1)[begin : begin + 8]]
            before, after = ["..."] * (begin > 0), ["..."] * (begin + 8 < value.size)
            return f"[{', '.join([*before, *shown, *after])}]"
        if value.ndim == 1:
            return f"[{', '.join(_number(item, digits) for item in value)}]"
        return f"{np.array2string(value, precision=digits, suppress_small=True)}".replace("\n", "")[:limit]
    if isinstance(value, float):
        return _number(value, digits)
    text = repr(value)
    return text if len(text) <= limit else f"{text[: limit - 4]} ..."


def _number(value: Any, digits: int) -> str:
    return f"{float(value):.{digits}g}" if isinstance(value, (float, np.floating)) else str(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, (bool, int, float)) and value is not None


def _kind(value: Any) -> str:
    names = {
        type(None): "None",
        str: "a string",
        list: "a list",
        tuple: "a tuple",
        dict: "a dict",
        bool: "True or False",
    }
    names |= {int: "a number", float: "a number", bytes: "bytes", np.ndarray: "an array"}
    return names.get(type(value), type(value).__name__)
