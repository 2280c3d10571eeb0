"""What the grader keeps of one notebook's run: who was lent what, and whose seconds count."""

import pytest

from checks.building.build import Lesson
from checks.grading import Settings
from checks.grading.marking import Run, _attempt, _loan
from checks.grading.reading import read_notebook
from checks.grading.session import KernelEnded, Session

from .test_finding import notebook


@pytest.fixture
def lesson(demo):
    """The demonstration's."""
    return Lesson.read(demo, "98")


class Sent:
    """A channel that keeps what goes into the room."""

    def __init__(self):
        self.values = []

    def send(self, value, seconds):
        self.values.append(value)


def asked_for(lesson, wanted):
    """What a notebook that calls `reference(wanted)` gets, and which exercises are recorded as lent."""
    room = Session.__new__(Session)
    room.loans, room.channel, room.lend = [], Sent(), lambda name: _loan(lesson, name)
    room._lend(wanted)
    return room.channel.values[0]["loan"], room.loans


@pytest.mark.parametrize("wanted", ["98.1", "98.1 ", "\n98.1\t"])
def test_a_loan_is_recorded_however_its_exercise_is_written(lesson, wanted):
    source, loans = asked_for(lesson, wanted)
    assert "masked_fill" in source
    assert loans == ["98.1"]


@pytest.mark.parametrize("wanted", ["98", "lab", "", "98.7", "9" * 300, "../98.1", "98.1\0"])
def test_what_is_not_one_exercise_is_not_lent_and_stops_nothing(lesson, wanted):
    assert asked_for(lesson, wanted) == (None, [])


class Room:
    """A session whose cells cost what stands in them, and where one that says `kill` ends the kernel."""

    spent, starved, peak_mb, loans = 0.0, False, 0.0, ()

    def __init__(self, given):
        self.given = given

    def run(self, source, seconds):
        self.given.append((source, seconds))
        if source == "kill":
            raise KernelEnded("ended itself with exit code 1")
        self.spent = float(source)
        return "", ""


def test_a_restart_has_the_seconds_of_all_cells_anew():
    read = read_notebook(notebook("20", "kill", "9"))
    given, run = [], Run()
    for _ in range(2):
        _attempt(read, (), Room(given), Settings(cell_seconds=25, total_seconds=30), run)
    assert given == [("20", 25), ("kill", 10), ("20", 25), ("9", 10)]
    assert not run.ran_out
    assert run.cuts.cells == {}
