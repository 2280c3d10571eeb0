"""What time limits did to a notebook, kept apart from its mistakes: which exercises they cost, and what a human is told.

Whether a cell never ends or this machine was busy, the grader cannot know. So it says that it stopped it, puts it
before the instructor, and counts no mistake.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from checks.exercise import Exercise
from checks.grading.grades import Flag
from checks.grading.lifted import bound_names, names_in_definitions_of
from checks.grading.reading import Notebook
from checks.judging import Outcome

PATIENT_STOPS = 2
"""So often a limit may be used up in full; then the notebook has shown what it does."""
SHORTENED = 0.25
"""The part of each limit that is left for what comes after."""


@dataclass
class Cuts:
    """How often, and where, the grader stopped a notebook for its time."""

    cells: dict[int, str] = field(default_factory=dict)
    """Number of a cell -> how it was stopped; an empty string where the time of all cells was used up before it."""
    exercises: set[str] = field(default_factory=set)
    """Those that were stopped while they were asked, or never asked because of it."""
    starved: bool = False
    """Whether one of them got clearly less of the CPU than the clock says, as it waited or the machine was busy; or ended
    when the machine had no memory left."""
    count: int = 0

    def limit(self, seconds: float) -> float:
        """What is left of a limit: one loop that never ends must not cost its full time in every cell."""
        return seconds * SHORTENED if self.count >= PATIENT_STOPS else seconds

    def note(self, starved: bool) -> None:
        """One more."""
        self.count += 1
        self.starved |= starved

    def costs(
        self, notebook: Notebook, outcomes: Sequence[Outcome], exercises: Sequence[Exercise]
    ) -> set[str]:
        """Exercises that have fewer points for it: stopped themselves, or missing what a stopped cell would have made."""
        never = bound_names([cell for cell in notebook.cells if cell.number in self.cells])
        asked = {exercise.id: set(exercise.asks_for) for exercise in exercises}
        return {
            outcome.id
            for outcome in outcomes
            if outcome.earned < outcome.points
            and (outcome.id in self.exercises or never & asked.get(outcome.id, set()))
        }


def with_causes(
    notebook: Notebook, outcomes: Sequence[Outcome], exercises: Sequence[Exercise], stopped: set[str]
) -> list[Outcome]:
    """Where wrong or stopped code uses what an earlier exercise, wrong or stopped itself, asks for, its fix begins there."""
    broken: dict[str, str] = {}
    """Name -> what to say of it."""
    found = []
    asked: Mapping[str, Exercise] = {exercise.id: exercise for exercise in exercises}
    for outcome in outcomes:
        names = asked[outcome.id].asks_for
        if outcome.id in stopped or outcome.state == "fail":
            used = names_in_definitions_of(notebook, names) - set(names)
            cause = next((said for name, said in broken.items() if name in used), "")
            if cause:
                outcome = replace(outcome, fix=cause if outcome.id in stopped else f"{cause} {outcome.fix}")
            how = "was stopped as well" if outcome.id in stopped else "is not right either"
            broken |= {name: f"It uses `{name}` of {outcome.id}, which {how}: begin there." for name in names}
        found.append(outcome)
    return found


def flag_of(cuts: Cuts, stopped: set[str], remarks: Sequence[str]) -> list[Flag]:
    """The decision it leaves to a human, where it cost points."""
    if not stopped:
        return []
    where = [f"Exercises it cost: {', '.join(sorted(stopped))}.", *remarks]
    if cuts.starved:
        where.append(
            "It got less of the machine than it could use, or waited: with --resume it is graded again."
        )
    sentence = (
        "It was stopped by the grader, or by this machine: does it never end, or was the machine too busy?"
    )
    return [Flag("all", sentence, " ".join(where))]
