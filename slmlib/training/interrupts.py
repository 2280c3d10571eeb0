"""Ctrl-C, Kernel -> Interrupt, a scheduler's SIGTERM and a closed terminal: finish the step, save, then stop."""

import os
import signal
import stat
import threading
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import Self, TypeVar

Result = TypeVar("Result")

STOPS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
"""Windows has no SIGHUP, which a closed terminal or a dropped connection sends."""

CLEAR_LINE = "\r\x1b[2K"
"""Back to the start of the line, and wipe it (ECMA-48, EL)."""


class StopRequest:
    """Inside the block the first signal only sets `requested`, and says so; a second Ctrl-C interrupts at once.

    Outside the main thread signals cannot be caught, and then nothing changes. speaks: False on all ranks but one,
    for a terminal sends Ctrl-C to every process. ends: True where the process ends after an error: then signals stay
    caught, for torchrun ends the other ranks in the moment in which they say what happened to one.
    """

    def __init__(self, speaks: bool = True, ends: bool = False) -> None:
        self.speaks, self.ends = speaks, ends
        self.requested = self._break_off = False
        self._previous: dict[int, object] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for number in STOPS:
                if number != signal.SIGINT and signal.getsignal(number) is signal.SIG_IGN:
                    continue  # nohup: a closed terminal is to stop nothing
                self._previous[number] = signal.signal(number, self._handle)
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None and self.ends:
            return
        for number, handler in self._previous.items():
            signal.signal(number, handler)  # type: ignore[arg-type]

    def breaks_off(self, work: Callable[[], Result]) -> Result | None:
        """The result of `work`, None when a signal came first: then it is left at once.

        A scheduler gives half a minute after its SIGTERM; measuring a large validation set may take longer.
        """
        if self.requested:
            return None
        self._break_off = True
        try:
            result = work()
            self._break_off = False
            return result
        except _Stop:
            return None
        finally:
            self._break_off = False

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if number not in (signal.SIGINT, signal.SIGTERM):
            _print_nowhere()
        if self.requested and number == signal.SIGINT:
            raise KeyboardInterrupt
        if self.speaks and not self.requested:
            _say("Finishing this step, then saving; Ctrl-C again leaves at once.")
        self.requested = True
        if self._break_off:
            self._break_off = False
            raise _Stop


def _print_nowhere() -> None:
    """The terminal is gone, and each further line on it would be an error on the way to the save."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for descriptor in (1, 2):
        if stat.S_ISCHR(os.fstat(descriptor).st_mode):  # a file or a pipe still listens
            os.dup2(nowhere, descriptor)
    os.close(nowhere)


def _say(text: str) -> None:
    """Write a line to stderr, in the place of a bar that moves there. Not by `print`: a signal may come while another
    print is under way, and Python's files refuse to be entered twice."""
    moves = os.isatty(2) and os.environ.get("TERM", "dumb") != "dumb"
    with suppress(OSError):  # nobody listens: stopping is what counts
        os.write(2, f"{CLEAR_LINE if moves else ''}{text}\n".encode())


class _Stop(BaseException):
    """Leaves work that may be broken off; a BaseException, so that nothing on the way takes it for a failure."""
