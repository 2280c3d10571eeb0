"""What a check shows: plain lines for terminals, screen readers and diffs; a captioned table for the page."""

import html
from collections.abc import Sequence
from dataclasses import dataclass, field

from checks.judging import Outcome

WORDS = {"pass": ("PASS", "✓"), "fail": ("FAIL", "✗"), "to do": ("TO DO", "…")}


class NotPassed(AssertionError):
    """A check that was required and did not pass. In a notebook it shows as its sentence, without frames."""

    def _render_traceback_(self) -> list[str]:
        return [f"NotPassed: {self}"]


@dataclass(frozen=True, repr=False)
class Report:
    """The outcome of one check: one line an exercise. The text is the same at every run."""

    outcomes: tuple[Outcome, ...]
    notes: tuple[str, ...] = field(default=())
    """What else the reader should know, such as that a solution was lent."""

    @property
    def passed(self) -> bool:
        """Whether every exercise asked about passed."""
        return all(outcome.state == "pass" for outcome in self.outcomes)

    @property
    def points(self) -> float:
        """Points earned."""
        return float(sum(outcome.earned for outcome in self.outcomes))

    @property
    def possible(self) -> float:
        """Points there are to earn."""
        return float(sum(outcome.points for outcome in self.outcomes))

    def require(self) -> "Report":
        """Raise NotPassed, an AssertionError with the first problem's sentence, unless everything passed."""
        __tracebackhide__ = True  # pytest leaves this frame out
        for outcome in self.outcomes:
            if outcome.state != "pass":
                raise NotPassed(f"{_label(outcome)}: {outcome.problem}")
        return self

    def __repr__(self) -> str:
        lines = []
        for outcome in self.outcomes:
            lines.append(f"[{WORDS[outcome.state][0]}] {_label(outcome)}{_score(outcome)}")
            rows = (
                ("", outcome.problem),
                ("expected: ", outcome.expected),
                ("got: ", outcome.got),
                ("next: ", outcome.fix),
            )
            lines += [f"       {name}{text}" for name, text in rows if text]
        return "\n".join([*lines, *self.notes])

    def _repr_html_(self) -> str:
        passed = sum(outcome.state == "pass" for outcome in self.outcomes)
        caption = f"Checks: {passed} of {len(self.outcomes)} passed, {_points(self.points)} of {_points(self.possible)} points"
        columns = [
            ("Result", True),
            ("Exercise", True),
            ("Likely mistake", False),
            ("Expected", False),
            ("Got", False),
            ("What to do next", False),
        ]
        rows = [_cells(outcome) for outcome in self.outcomes]
        # A column nobody needs is left out: a passed check is one short line.
        kept = [
            index for index, (_, always) in enumerate(columns) if always or any(row[index] for row in rows)
        ]
        head = "".join(f'<th scope="col" style="{LEFT}">{columns[index][0]}</th>' for index in kept)
        body = "".join(f"<tr>{''.join(_cell(index, row[index]) for index in kept)}</tr>" for row in rows)
        notes = "".join(f"<p>{html.escape(note)}</p>" for note in self.notes)
        return (
            f'<table><caption style="{LEFT};white-space:nowrap">{caption}</caption>'
            f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{notes}"
        )


LEFT = "text-align: left"


def _cells(outcome: Outcome) -> Sequence[str]:
    word, symbol = WORDS[outcome.state]
    return f"{symbol} {word}", _label(outcome), outcome.problem, outcome.expected, outcome.got, outcome.fix


def _cell(index: int, text: str) -> str:
    text = html.escape(text)
    if index == 1:
        return f'<th scope="row" style="{LEFT}">{text}</th>'
    return f'<td style="{LEFT}">{text}</td>'


def _label(outcome: Outcome) -> str:
    return f"{outcome.id} {outcome.title}".strip()


def _score(outcome: Outcome) -> str:
    if outcome.state == "to do" or not outcome.points:
        return ""
    return f": {_points(outcome.earned)} of {_points(outcome.points)} points"


def _points(points: float) -> str:
    return f"{points:g}"
