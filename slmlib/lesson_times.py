"""How long the lessons keep a machine busy, as measured when their notebooks were built.

`solutions/seconds.json` holds a row for each lesson: `python -m checks build` writes it, `doctor` reads it. The
training speed of the machine is kept beside each time, so that another machine can be told what to expect.
"""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

from slmlib.config import Config
from slmlib.errors import SlmError
from slmlib.files import read_json, write_json
from slmlib.shell import clock

FILE = Path(__file__).resolve().parent.parent / "solutions" / "seconds.json"
"""In a checkout; an installed package has no lessons beside it."""


@dataclass(frozen=True)
class LessonTime(Config):
    """One lesson, run from its first cell to its last at full size."""

    seconds: float
    """By the clock, start of the kernel included."""
    tokens_per_second: float
    """What the default preset trained with on that machine, right after."""
    machine: str
    """Its device, by name."""

    def here(self, tokens_per_second: float | None) -> float:
        """The time to expect on a machine of this speed; where that is unknown, the time as it was measured."""
        return self.seconds * (self.tokens_per_second / tokens_per_second if tokens_per_second else 1.0)


@dataclass(frozen=True)
class LessonTimes:
    """All lessons that were measured, by number."""

    by_lesson: dict[str, LessonTime]

    @classmethod
    def read(cls, path: Path = FILE) -> Self:
        """What the file says; nothing when it is missing or unusable, for the lessons do not depend on it."""
        try:
            rows = read_json(path)
            return cls({number: LessonTime.from_dict(row) for number, row in sorted(rows.items())})
        except (SlmError, AttributeError, TypeError):
            return cls({})

    def record(self, number: str, time: LessonTime, path: Path = FILE) -> None:
        """Write this lesson's time beside those of the others."""
        rows = self.by_lesson | {number: time}
        write_json(path, {name: asdict(row) for name, row in sorted(rows.items())})

    def in_words(self, tokens_per_second: float | None = None) -> str:
        """A line for people: the sum, the longest lesson, and what to expect at this speed."""
        if not self.by_lesson:
            return "not measured"
        numbers = list(self.by_lesson)
        longest = max(self.by_lesson, key=lambda number: self.by_lesson[number].seconds)
        total = sum(time.seconds for time in self.by_lesson.values())
        machine = self.by_lesson[longest].machine
        said = (
            f"{numbers[0]} to {numbers[-1]} computed for {clock(total)} where they were built ({machine}), "
            f"the longest, {longest}, for {clock(self.by_lesson[longest].seconds)}"
        )
        if tokens_per_second:
            expected = sum(time.here(tokens_per_second) for time in self.by_lesson.values())
            said += f"; at this machine's speed about {clock(expected)}"
        return said
