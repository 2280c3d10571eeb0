"""What grading one notebook gives, as plain data: it is written to JSON and read back on --resume."""

from dataclasses import asdict, dataclass, field
from typing import Any

from checks.judging import Outcome

MOST_CHARACTERS = 2000


def printable(text: str) -> str:
    """Text that every file, terminal and page can hold, whatever a student put into it."""
    text = text[:MOST_CHARACTERS].encode("utf-8", "replace").decode()
    return "".join(one if one.isprintable() or one == "\n" else "?" for one in text)


def _printable(value: Any) -> Any:
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, dict):
        return {_printable(key): _printable(item) for key, item in value.items()}
    return [_printable(item) for item in value] if isinstance(value, (list, tuple)) else value


@dataclass(frozen=True)
class Flag:
    """Something for a human to decide, with its evidence. It takes no points away by itself."""

    exercise: str
    sentence: str
    evidence: str = ""


@dataclass(frozen=True)
class Grades:
    """One notebook, graded; or the reason why it could not be."""

    lesson: str = ""
    outcomes: tuple[Outcome, ...] = ()
    state: str = "graded"
    """`graded`, or why not: `unreadable`, `unknown lesson` (none of those graded here), `lesson not said` (this course's,
    but which?), `replaced`, `nothing handed in`, `unsure` (nothing, but a file that may be it), `no notebook`,
    `grader failed`, `not graded yet`."""
    problem: str = ""
    """The sentence that belongs to the state."""
    remarks: tuple[str, ...] = ()
    """What else happened: cells that failed or were stopped, edited check cells, another version of the lesson."""
    flags: tuple[Flag, ...] = ()
    cells: int = 0
    seconds: float = 0.0
    peak_mb: float = 0.0
    device: str = ""
    """Where the lab's model was trained, as its bundle says."""
    sketch: tuple[float, ...] = ()
    """A few of the handed-in model's weights, to find two students with one model."""
    answers: dict[str, str] = field(default_factory=dict)
    """Exercise -> fingerprint of the code that answers it; see checks.grading.lifted."""
    stopped: tuple[str, ...] = ()
    """Exercises without full points because the grader stopped something for its time; no mistakes of the student."""
    starved: bool = False
    """Whether it got less of the CPU than it could use when it was stopped: such a result is not kept."""

    @property
    def points(self) -> float:
        """Points earned."""
        return round(sum(outcome.earned for outcome in self.outcomes), 2)

    @property
    def possible(self) -> float:
        """Points there are to earn."""
        return float(sum(outcome.points for outcome in self.outcomes))

    def __repr__(self) -> str:
        if self.state != "graded":
            return f"Lesson {self.lesson or '?'}: {self.state}. {self.problem}"
        lines = [f"Lesson {self.lesson}: {self.points:g} of {self.possible:g} points"]
        for outcome in self.outcomes:
            lines.append(
                f"  {outcome.id} {outcome.title}: {outcome.earned:g} of {outcome.points:g} {outcome.problem}".rstrip()
            )
        lines += [f"  {remark}" for remark in self.remarks]
        lines += [f"  To decide, {flag.exercise}: {flag.sentence}" for flag in self.flags]
        return "\n".join(lines)

    def to_json(self) -> dict[str, Any]:
        """As JSON has it."""
        return _printable(asdict(self) | {"points": self.points, "possible": self.possible})

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "Grades":
        """Back from `to_json`."""
        data = {name: value for name, value in data.items() if name not in ("points", "possible")}
        data["outcomes"] = tuple(Outcome(**outcome) for outcome in data["outcomes"])
        data["flags"] = tuple(Flag(**flag) for flag in data["flags"])
        data["remarks"], data["sketch"] = tuple(data["remarks"]), tuple(data["sketch"])
        data["stopped"] = tuple(data["stopped"])
        return cls(**data)
