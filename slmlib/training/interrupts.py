"""Ctrl-C, Kernel -> Interrupt and a scheduler's SIGTERM: finish the step, save, then stop."""

import signal
import threading
from types import FrameType
from typing import Self


class StopRequest:
    """Inside the block the first signal only sets `requested`; a second Ctrl-C interrupts at once.

    Outside the main thread signals cannot be caught, and then nothing changes.
    """

    def __init__(self) -> None:
        self.requested = False
        self._previous: dict[int, object] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._previous[number] = signal.signal(number, self._handle)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)  # type: ignore[arg-type]

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.requested and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.requested = True
