"""The student's map of the course: every lesson, every exercise, how far, and what comes next."""

import html
from dataclasses import dataclass
from typing import Any

from checks.course import LESSONS, PARTS, Course

WORDS = {"earned": ("earned", "✓"), "lent": ("lent", "↺"), "tried": ("tried", "✗"), "open": ("open", "·")}


@dataclass(frozen=True)
class Row:
    """One lesson on the map."""

    lesson: str
    title: str
    states: tuple[tuple[str, str], ...]
    """(exercise id, state) by number."""
    points: float
    possible: float

    @property
    def summary(self) -> str:
        """`2 earned, 1 lent, 1 open`."""
        counts = {state: sum(found == state for _, found in self.states) for state in WORDS}
        return ", ".join(f"{count} {state}" for state, count in counts.items() if count)


@dataclass(frozen=True, repr=False)
class Chart:
    """The map, as text and as HTML."""

    rows: tuple[Row, ...]

    @classmethod
    def draw(cls, course: Course, entries: dict[str, dict[str, Any]]) -> "Chart":
        """Lessons of this course that have exercises, with what the ledger knows of them."""
        rows = []
        for lesson in dict.fromkeys([*LESSONS, *course.lessons()]):
            exercises = course.exercises(lesson)
            if not exercises:
                continue
            found = [entries.get(exercise.id, {}) for exercise in exercises]
            states = tuple(
                (exercise.id, entry["state"] if entry.get("state") in WORDS else "open")
                for exercise, entry in zip(exercises, found, strict=True)
            )
            earned = (entry.get("points") for entry in found)
            points = sum(value for value in earned if isinstance(value, (int, float)))
            title = LESSONS.get(lesson, f"Lesson {lesson}")
            rows.append(Row(lesson, title, states, points, sum(exercise.points for exercise in exercises)))
        return cls(tuple(rows))

    @property
    def next(self) -> str:
        """The first exercise, in order of the course, that is not earned."""
        for row in self.rows:
            for exercise, state in row.states:
                if state != "earned":
                    return exercise
        return ""

    def _lines(self) -> tuple[str, str]:
        points, possible = sum(row.points for row in self.rows), sum(row.possible for row in self.rows)
        total = f"Your course: {points:g} of {possible:g} points"
        if not self.rows:
            return total, "No lesson with exercises is here yet."
        return total, f"Next: exercise {self.next}." if self.next else "Everything here is done."

    def __repr__(self) -> str:
        total, then = self._lines()
        lines = [
            f"{row.lesson} {row.title:<18} {''.join(WORDS[state][1] for _, state in row.states):<6} "
            f"{row.summary} ({row.points:g} of {row.possible:g} points)"
            for row in self.rows
        ]
        return "\n".join([total, *lines, then])

    def _repr_html_(self) -> str:
        total, then = self._lines()
        body = "".join(_part(row.lesson) + _line(row) for row in self.rows)
        return (
            f'<table><caption style="{LEFT}; white-space: nowrap">{total}</caption>'
            f'<thead><tr><th scope="col" style="{LEFT}">Lesson</th>'
            f'<th scope="col" style="{LEFT}">Exercises</th><th scope="col">Points</th></tr></thead>'
            f"<tbody>{body}</tbody></table><p>{then}</p>"
        )


LEFT = "text-align: left"
CHIP = "display: inline-block; padding: 0 6px; margin: 1px 0; border-radius: 4px; border: 1px solid"


def _part(lesson: str) -> str:
    """The heading of the part that begins with this lesson, if one does."""
    if lesson not in PARTS:
        return ""
    return f'<tr><th scope="colgroup" colspan="3" style="{LEFT}; padding-top: 10px">{PARTS[lesson]}</th></tr>'


def _line(row: Row) -> str:
    return (
        f'<tr><th scope="row" style="{LEFT}; font-weight: normal">{row.lesson} {html.escape(row.title)}</th>'
        f'<td style="{LEFT}">{" ".join(_chip(*state) for state in row.states)}</td>'
        f"<td>{row.points:g} of {row.possible:g}</td></tr>"
    )


def _chip(exercise: str, state: str) -> str:
    """An exercise on a ground of its own colour once somebody has worked on it; word and sign say the same."""
    from slmlib.plots.style import BLACK, GREY, TINTS  # brings matplotlib, which `import checks` does without

    word, symbol = WORDS[state]
    blue, orange, green, *_ = TINTS
    ground = {"earned": green, "lent": blue, "tried": orange}.get(state)
    look = f"{ground}; background: {ground}; color: {BLACK}" if ground else GREY
    return f'<span style="{CHIP} {look}">{exercise}&nbsp;{symbol}&nbsp;{word}</span>'
