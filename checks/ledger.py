"""The student's progress, in a small JSON file that two notebooks may write to at once.

{"02.3": {"state": "earned", "points": 2, "attempts": 4, "hints": 1, "when": "2026-11-20T14:05:09+00:00"}}
"""

import datetime
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from checks.judging import Outcome
from slmlib.errors import SlmError
from slmlib.files import home, read_json, write_json

Entries = dict[str, dict[str, Any]]

PATIENCE = 5
"""Seconds to wait for another notebook that is writing."""


def progress_file() -> Path:
    """Where a student's progress lies."""
    return home() / "progress.json"


@dataclass
class Ledger:
    """What is known of each exercise. Without a path it lives as long as the kernel: for builds and tests."""

    path: Path | None = None
    memory: Entries = field(default_factory=dict)

    def entries(self) -> Entries:
        """Everything recorded so far; a damaged file counts as an empty one."""
        if self.path is None:
            return self.memory
        try:
            found = read_json(self.path) if self.path.exists() else {}
        except (SlmError, OSError):
            return {}
        if not isinstance(found, dict):
            return {}
        return {key: entry for key, entry in found.items() if isinstance(entry, dict)}

    def checked(self, outcome: Outcome, lent: bool) -> None:
        """Record an attempt. What was earned stays earned; what was lent is earned by passing unaided."""
        with self._open() as entries:
            entry = _entry(entries, outcome.id)
            entry["attempts"] += outcome.state != "to do"
            if outcome.state == "pass" and not lent and entry["state"] != "earned":
                entry |= {"state": "earned", "when": _now()}
            elif outcome.state == "fail" and entry["state"] == "open":
                entry |= {"state": "tried", "when": _now()}
            entry["points"] = max(entry["points"], outcome.earned)

    def lent(self, exercise_id: str) -> None:
        """Record that our version was lent."""
        with self._open() as entries:
            entry = _entry(entries, exercise_id)
            if entry["state"] != "earned":
                entry |= {"state": "lent", "when": _now()}

    def hinted(self, exercise_id: str, stage: int) -> None:
        """Record how many hints were read."""
        with self._open() as entries:
            entry = _entry(entries, exercise_id)
            entry["hints"] = max(entry["hints"], stage)

    def _open(self) -> "_Writing":
        return _Writing(self)


class _Writing:
    """Entries under the lock, written back at the end.

    The lock is the operating system's: it ends with the process that held it, so no lock is ever stale.
    """

    def __init__(self, ledger: Ledger):
        self.ledger = ledger
        self.entries: Entries = {}
        self.lock = FileLock(f"{ledger.path}.lock", timeout=PATIENCE) if ledger.path else None

    def __enter__(self) -> Entries:
        if self.lock is not None and self.ledger.path is not None:
            try:
                self.ledger.path.parent.mkdir(parents=True, exist_ok=True)
                self.lock.acquire()
            except (OSError, Timeout, NotImplementedError) as error:
                raise SlmError(
                    f"Your progress could not be saved ({type(error).__name__}).",
                    "The check itself is valid; set SLM_HOME to a folder you may write to.",
                ) from None
        self.entries = self.ledger.entries()
        return self.entries

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None and self.ledger.path is not None:
                write_json(self.ledger.path, dict(sorted(self.entries.items())))
        finally:
            if self.lock is not None:
                self.lock.release()


def _entry(entries: Entries, exercise_id: str) -> dict[str, Any]:
    """The entry of an exercise, with every field there and of its kind, whatever an editor did to the file."""
    fresh: dict[str, Any] = {"state": "open", "points": 0, "attempts": 0, "hints": 0, "when": ""}
    found = entries.get(exercise_id, {})
    for name, default in fresh.items():
        value = found.get(name)
        if isinstance(value, (int, float)) == isinstance(default, int) and value is not None:
            fresh[name] = value
    entries[exercise_id] = fresh
    return fresh


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
