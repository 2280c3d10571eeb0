"""Bounds around a student's code while a check runs it: time, output, warnings, and random state.

None of this is protection against malice (the grader's own process is); it keeps an honest mistake from
freezing the notebook, filling the page, or changing what the next cell computes.
"""

import contextlib
import ctypes
import io
import random
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from time import monotonic, process_time
from types import FrameType

import numpy as np


class TimeUp(BaseException):
    """Raised inside code that ran too long. Not an Exception, so that `except Exception` does not eat it."""


@contextlib.contextmanager
def time_limit(seconds: float, patience: float = 1.0) -> Iterator[None]:
    """Raise TimeUp inside the block after `seconds`, and again every second after that.

    patience: 1 means seconds of the clock. Where it is more, as in the grader's kernels, they are seconds of computing,
    and may last so many times longer on the clock: what a notebook may cost does not depend on who else computes.

    On the main thread by a timer signal, which also ends a `sleep`; elsewhere (and on Windows) by an
    exception sent to the thread, which arrives between two lines of Python.
    """
    on_main = threading.current_thread() is threading.main_thread()
    by = _by_signal if on_main and hasattr(signal, "setitimer") else _by_thread
    with _lost_without_a_word(), by(seconds, patience):
        yield


@contextlib.contextmanager
def _lost_without_a_word() -> Iterator[None]:
    """Say nothing where a TimeUp is lost: Python cannot raise out of a destructor or a weakref's callback.

    The next one comes a second later, so nobody needs to read of it; whatever else is lost there is told as ever.
    """
    before = sys.unraisablehook

    def hook(lost: "sys.UnraisableHookArgs") -> None:
        if lost.exc_type is not TimeUp:
            before(lost)

    sys.unraisablehook = hook
    try:
        yield
    finally:
        sys.unraisablehook = before


@contextlib.contextmanager
def _by_signal(seconds: float, patience: float) -> Iterator[None]:
    is_over, started = _stopwatch(seconds, patience), monotonic()

    def ring(number: int, frame: FrameType | None) -> None:
        if is_over():
            raise TimeUp

    before = signal.signal(signal.SIGALRM, ring)
    remaining, interval = 0.0, 0.0
    try:
        remaining, interval = signal.setitimer(signal.ITIMER_REAL, seconds, 1.0)
        yield
        signal.setitimer(signal.ITIMER_REAL, 0)
    finally:  # it may ring in the very last moment, and then not again within a second
        # A test runner may have had its own alarm set; it gets the rest of its time back.
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before if before is not None else signal.SIG_DFL)
        if remaining:
            left = max(remaining - (monotonic() - started), 0.001)
            signal.setitimer(signal.ITIMER_REAL, left, interval)


@contextlib.contextmanager
def _by_thread(seconds: float, patience: float) -> Iterator[None]:
    finished, lock = threading.Event(), threading.Lock()
    target, is_over = ctypes.c_ulong(threading.get_ident()), _stopwatch(seconds, patience)

    def watch() -> None:
        wait = seconds
        while not finished.wait(wait):
            with lock:  # never after the block has ended
                if not finished.is_set() and is_over():
                    ctypes.pythonapi.PyThreadState_SetAsyncExc(target, ctypes.py_object(TimeUp))
            wait = 1.0

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        with lock:
            finished.set()
            ctypes.pythonapi.PyThreadState_SetAsyncExc(target, None)
        watcher.join()


def _stopwatch(seconds: float, patience: float) -> Callable[[], bool]:
    """Whether they are over, from now on; asked at the earliest after so many seconds."""
    began, used = monotonic(), process_time()
    if patience <= 1:
        return lambda: True
    return lambda: process_time() - used >= seconds or monotonic() - began >= seconds * patience


class Tail(io.TextIOBase):
    """A text stream that remembers only the last few thousand characters: a page of prints costs nothing."""

    def __init__(self, limit: int = 2000):
        self.limit, self.text = limit, ""

    def writable(self) -> bool:
        """Yes."""
        return True

    def write(self, text: str) -> int:
        """Keep the end of what was written."""
        self.text = (self.text + text[-self.limit :])[-self.limit :]
        return len(text)


@contextlib.contextmanager
def quiet() -> Iterator[Tail]:
    """Catch what is printed and drop warnings: nothing of a probe may reach stderr, where graders look."""
    printed = Tail()
    with warnings.catch_warnings(), contextlib.redirect_stdout(printed), contextlib.redirect_stderr(Tail()):
        warnings.simplefilter("ignore")
        yield printed


@contextlib.contextmanager
def own_randomness(seed: int) -> Iterator[None]:
    """Seed Python's, numpy's and torch's global generators inside the block; put all back afterwards.

    So a function that draws gives the same answer at every check, and checking changes no later number.
    """
    python_state, numpy_state = random.getstate(), np.random.get_state()  # noqa: NPY002
    torch = sys.modules.get("torch")
    with contextlib.ExitStack() as stack:
        if torch is not None:
            devices = range(torch.cuda.device_count()) if torch.cuda.is_initialized() else ()
            stack.enter_context(torch.random.fork_rng(devices=devices))
            torch.manual_seed(seed)
        random.seed(seed)
        np.random.seed(seed)  # noqa: NPY002
        try:
            yield
        finally:
            random.setstate(python_state)
            np.random.set_state(numpy_state)  # noqa: NPY002
