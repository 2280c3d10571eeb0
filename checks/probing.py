"""The half of a check that runs beside the student's code: one round of questions in, plain data out.

Whatever the student's code does (raise, loop, exit, print a gigabyte) becomes a Reply; nothing escapes
but the student's own Ctrl-C.
"""

import linecache
import re
import traceback
from collections.abc import Mapping
from dataclasses import replace
from types import TracebackType
from typing import Any

from checks.exercise import STUB, Exercise, Questions, Reply
from checks.limits import TimeUp, own_randomness, quiet, time_limit
from checks.plain import NotPlain, plain
from checks.student import Student, Trouble, calls_of, missing, overwritten

ADVICE: tuple[tuple[type[Exception] | tuple[type[Exception], ...], str, str], ...] = (
    (
        TypeError,
        r"takes .*argument|missing .*argument|unexpected keyword argument|multiple values for argument",
        "Compare what is passed with the signature: the exercise gives that of yours, help(...) that of any other.",
    ),
    (
        TypeError,
        r"(view|reshape)\(\).*float|tuple of ints.*float|'float' object cannot be interpreted as an integer|indices must be integers",
        "Sizes and places are whole numbers: use // instead of /.",
    ),
    (TypeError, r"unhashable type: 'list'", "A list cannot be a key, nor be in a set: use a tuple."),
    (TypeError, r"unhashable type: 'set'", "A set cannot be a key, nor be in a set: use a frozenset."),
    (
        IndexError,
        r"index out of range$",
        "An index runs past the end: what is the last i for which i + 1 exists?",
    ),
    (
        IndexError,
        r"out of bounds|out of range in self",
        "An index is too large: along an axis of size n there are the places 0 to n - 1.",
    ),
    (KeyError, "", "That key is not there, or not yet: d.get(key, 0) gives 0 for a new one."),
    (
        UnicodeDecodeError,
        "",
        "These bytes are not whole characters: join before you decode. If it may happen all the same, then "
        "errors='replace' or try and except UnicodeError.",
    ),
    (
        UnicodeEncodeError,
        "",
        "This codec has no such character. If that may happen, try and except UnicodeError.",
    ),
    (
        (RuntimeError, ValueError, IndexError, TypeError),
        r"shape|dimension|broadcast|tensor|mat1|size of|invalid combination of arguments",
        "Call it yourself in a new cell on a small input and look at the shapes on the way.",
    ),
)
"""(an exception, words of its message, what to do): the first that fits is told."""


def ask(
    exercise: Exercise,
    namespace: Mapping[str, Any],
    questions: Questions,
    seed: int = 0,
    patience: float = 1.0,
) -> Reply:
    """Run one probe on the student's names, within the exercise's limits. patience: as in limits.time_limit."""
    questions = plain(questions)  # the probe may do with its copy what it likes
    for name in exercise.asks_for:
        if name not in namespace:
            return _reply(missing(name, namespace, exercise))
    with quiet() as printed, own_randomness(seed):
        student = Student(namespace, exercise, printed)
        try:
            with time_limit(exercise.seconds, patience):
                answer = exercise.probe(student, questions)
        except Trouble as trouble:
            return _reply(trouble)
        except NotPlain as error:
            return Reply("failed", None, error.problem, error.fix)
        except NotImplementedError as error:
            return _reply(_not_done(error, exercise, namespace))
        except TimeUp:
            return Reply(
                "failed",
                None,
                f"Your code did not finish within {exercise.seconds:g} seconds.",
                "Is there a loop that never ends, or a loop over what one tensor operation could do?",
            )
        except (Exception, SystemExit) as error:
            return replace(_reply(_raised(error, exercise, namespace)), calls=calls_of(student)[-1:])
    try:
        return Reply("answered", plain(answer), calls=calls_of(student))
    except NotPlain as error:
        return Reply("failed", None, error.problem, error.fix)


def _reply(trouble: Trouble) -> Reply:
    return Reply("to do" if trouble.todo else "failed", None, trouble.problem, trouble.fix)


def _not_done(error: BaseException, exercise: Exercise, namespace: Mapping[str, Any]) -> Trouble:
    """An untouched stub: this exercise's own, or that of an earlier one this one calls."""
    stub = STUB.search(str(error))
    if stub is None and str(error):
        return _raised(error, exercise, namespace)
    if stub is None or stub.group(1) == exercise.id:  # nbgrader's own stub says nothing
        return Trouble(
            "Not done yet.",
            "Write your version in the cell above and run it, then run this again.",
            todo=True,
        )
    return Trouble(
        f"This one uses exercise {stub.group(1)}, which is not done yet.",
        f'Do exercise {stub.group(1)} first, or borrow ours: reference("{stub.group(1)}").',
        todo=True,
    )


def _raised(error: BaseException, exercise: Exercise, namespace: Mapping[str, Any]) -> Trouble:
    """An exception, told by its name, its message and the student's own line; none of our frames."""
    name = type(error).__name__
    message = re.sub(r"0x[0-9a-fA-F]+", "0x...", str(error)).strip().partition("\n")[0][:240]
    where = _students_line(error.__traceback__, namespace)
    told = f"Your code raised {name}{f': {message}' if message else ''}{where}".rstrip(".") + "."
    if isinstance(error, NameError) and error.name:
        trouble = missing(error.name, namespace, exercise)
        return Trouble(told, f"{trouble.problem} {trouble.fix}")
    if isinstance(error, TypeError) and message.endswith("is not callable") and not where:
        for name in exercise.asks_for:
            if not callable(namespace[name]):
                return overwritten(name, namespace[name])
    if isinstance(error, SystemExit):
        return Trouble(told, "Remove exit() or quit(): a function ends with return.")
    if isinstance(error, RecursionError):
        return Trouble(told, "It calls itself without end: which case stops it?")
    for kinds, words, fix in ADVICE:
        if isinstance(error, kinds) and re.search(words, message, re.IGNORECASE):
            return Trouble(told, fix)
    return Trouble(
        told, "Call it yourself in a new cell on a small input, and print what you have on the way."
    )


def _students_line(trace: TracebackType | None, namespace: Mapping[str, Any]) -> str:
    """`, in line 3 of your cell: ...`: the innermost frame whose globals are the notebook's names."""
    found = ""
    for frame, line in traceback.walk_tb(trace):
        if frame.f_globals is namespace:
            text = linecache.getline(frame.f_code.co_filename, line).strip()
            found = f", in line {line} of your cell" + (f": `{text}`" if text else "")
    return found
