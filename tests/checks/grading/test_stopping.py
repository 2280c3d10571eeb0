"""Time limits: seconds of computing, not of a busy machine's clock; and what is said when one ends something."""

import contextlib
import itertools
import json
import os
import signal
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from checks import limits, probing
from checks.building.build import Lesson
from checks.exercise import Exercise
from checks.grading import Settings, marking, session
from checks.grading import zygote as zygote_process
from checks.grading.marking import mark
from checks.grading.reading import read_notebook
from checks.grading.session import (
    CutShort,
    GradingError,
    KernelEnded,
    NoRoom,
    OutOfMemory,
    Session,
    Zygote,
    best_kind,
)
from checks.grading.stopping import PATIENT_STOPS, Cuts, flag_of, with_causes
from checks.judging import Outcome
from checks.limits import TimeUp, time_limit

from .test_finding import notebook


def starved(seconds):
    """A block that lasts so long on the clock and computes next to nothing, as on a busy machine."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(0.01)


def test_a_starved_block_has_more_of_the_clock():
    with pytest.raises(TimeUp), time_limit(0.2):
        starved(2)
    with time_limit(0.2, patience=10.0):
        starved(1.5)
    with pytest.raises(TimeUp), time_limit(0.2, patience=10.0):
        starved(5)


def compute():
    while True:
        pass


def test_a_block_that_computes_has_not():
    with pytest.raises(TimeUp), time_limit(0.2, patience=1000.0):
        compute()


class Slow(Exercise):
    """A probe that waits longer than its limit."""

    id, title, asks_for, seconds = "98.9", "Slow", (), 0.2

    def probe(self, student, questions):
        """Wait."""
        starved(1.0)
        return {}


def test_a_probe_has_the_patience_it_is_asked_with():
    assert probing.ask(Slow(), {}, {}).state == "failed"
    assert probing.ask(Slow(), {}, {}, patience=20.0).state == "answered"
    assert "patience" not in vars(limits)


class Silent:
    """The room's end of a channel that never answers, with a watch that is asked as the real one is."""

    def __init__(self, watch):
        self.watch = watch

    def send(self, value, seconds=None):
        self.seconds = seconds

    def receive(self, deadline):
        while time.monotonic() < deadline:
            self.watch()
            time.sleep(0.01)
        raise session.Late("no answer in time")


@pytest.fixture
def silent(monkeypatch):
    """A session whose room uses `cpu` seconds a second of the clock."""
    monkeypatch.setattr(session, "GRACE", 0.0)
    monkeypatch.setattr(session, "PATIENCE", 4.0)
    began = time.monotonic()
    room = Session.__new__(Session)
    vars(room).update(process=0, _status=0, peak_mb=0.0, spent=0.0, starved=False, _number=0, _looked=0.0)
    vars(room).update(_cpu=0.0, _limit=(0.0, 0.0), sandbox=Settings().sandbox("plain"), rate=1.0)
    monkeypatch.setattr(session, "usage", lambda process: (0, room.rate * (time.monotonic() - began)))
    room.channel = Silent(room._watch)
    return room


@pytest.mark.parametrize(("rate", "least", "most", "is_starved"), [(1.0, 1, 2.5, False), (0.1, 4, 5.5, True)])
def test_the_grader_waits_for_seconds_of_computing(silent, rate, least, most, is_starved):
    silent.rate = rate
    started = time.monotonic()
    with pytest.raises(CutShort, match="did not stop after 1 seconds and was stopped by the grader"):
        silent._request({}, 1.0)
    assert least <= time.monotonic() - started < most
    assert silent.starved is is_starved
    assert silent.spent <= most / (4 if is_starved else 1) + 0.1


def test_the_cpu_of_children_is_counted():
    def child(seconds):
        process = os.fork()
        if process == 0:
            end = time.process_time() + seconds
            while time.process_time() < end:
                pass
            signal.pause()
        return process

    before = session.usage(os.getpid())[1]
    process = child(0.3)
    try:
        for _ in range(300):
            if session.usage(os.getpid())[1] - before >= 0.25:
                break
            time.sleep(0.1)
        assert session.usage(os.getpid())[1] - before >= 0.25
    finally:
        psutil.Process(process).kill()
        os.waitpid(process, 0)


@pytest.mark.skipif(not Path("/proc/self/smaps_rollup").exists(), reason="nobody tells what is shared")
def test_what_forks_share_is_held_once():
    """As a DataLoader's workers hold the data set."""
    ready, tell = os.pipe()
    parent = os.fork()
    if parent == 0:
        data = b"x" * (64 << 20)
        for _ in range(4):
            if os.fork() == 0:
                break
        os.write(tell, data[:1])
        signal.pause()
    family = psutil.Process(parent)
    try:
        for _ in range(5):
            os.read(ready, 1)
        before, everything = session.held_once(os.getpid()), session.usage(os.getpid())[0]
        assert everything > 5 * 64 << 20
        assert 64 << 20 < before < everything / 2
    finally:
        for one in (*family.children(), family):
            one.kill()
        os.waitpid(parent, 0)
        os.close(ready)
        os.close(tell)


@pytest.mark.parametrize(("held", "is_ended"), [(4000, False), (5000, True)])
def test_shared_memory_ends_no_notebook(silent, monkeypatch, held, is_ended):
    monkeypatch.setattr(session, "usage", lambda process: (9000 << 20, 0.0))
    monkeypatch.setattr(session, "held_once", lambda process: held << 20)
    with pytest.raises(KernelEnded, match="4096 MB") if is_ended else contextlib.nullcontext():
        silent._watch()
    assert silent.peak_mb == held


def test_after_two_stops_limits_are_shorter():
    cuts = Cuts()
    for _ in range(PATIENT_STOPS):
        assert cuts.limit(100) == 100
        cuts.note(False)
    assert cuts.limit(100) == 25


def test_what_a_stopped_cell_would_have_made_is_no_mistake(demo):
    exercises = demo.exercises("98")
    read = read_notebook(
        notebook("def causal_weights(q, k): pass\nwhile True: pass", "def count_pairs(x): pass")
    )
    wrong = [Outcome(one.id, one.title, "fail", 0.0, 3.0, "There is no such name.") for one in exercises]
    assert Cuts(cells={1: "ran longer"}).costs(read, wrong, exercises) == {"98.1"}
    assert Cuts(exercises={"98.2"}).costs(read, wrong, exercises) == {"98.2"}
    assert Cuts().costs(read, wrong, exercises) == set()


def test_what_calls_something_that_was_stopped_says_so(demo):
    exercises = demo.exercises("98")
    read = read_notebook(
        notebook(
            "def causal_weights(q, k):\n    while True: pass",
            "def count_pairs(x):\n    return causal_weights(x, x)",
        )
    )
    wrong = [Outcome(one.id, one.title, "fail", 0.0, 3.0, "It did not finish.") for one in exercises]
    first, second = with_causes(read, wrong, exercises, {"98.1", "98.2"})
    assert first.fix == ""
    assert second.fix == "It uses `causal_weights` of 98.1, which was stopped as well: begin there."


def test_what_calls_something_wrong_says_so_however_far_away(demo):
    exercises = demo.exercises("98")
    alone = "def count_pairs(x):\n    return len(x)"
    calling = "def helper(x):\n    return causal_weights(x, x)\n\ndef count_pairs(x):\n    return helper(x)"
    wrong = [Outcome(one.id, one.title, "fail", 0.0, 3.0, "Wrong.", fix="Try.") for one in exercises]
    first, second = with_causes(read_notebook(notebook(calling)), wrong, exercises, set())
    assert first.fix == "Try."
    assert second.fix == "It uses `causal_weights` of 98.1, which is not right either: begin there. Try."
    assert with_causes(read_notebook(notebook(alone)), wrong, exercises, set())[1].fix == "Try."
    local = (
        "def count_pairs(causal_weights):\n    return [causal_weights for causal_weights in causal_weights]"
    )
    assert with_causes(read_notebook(notebook(local)), wrong, exercises, set())[1].fix == "Try."
    right = [replace(wrong[0], state="pass", earned=3.0), wrong[1]]
    assert with_causes(read_notebook(notebook(calling)), right, exercises, set())[1].fix == "Try."


def test_a_stop_that_cost_points_is_put_before_a_human():
    (flag,) = flag_of(
        Cuts(starved=True), {"98.1"}, ["Cell 3 ran longer than 3 seconds and was stopped by the grader."]
    )
    assert "stopped by the grader" in flag.sentence
    assert "98.1" in flag.evidence
    assert "--resume" in flag.evidence
    assert flag_of(Cuts(), set(), ["Cell 3 ran longer."]) == []


def test_grades_remember_it():
    from checks.grading import Grades

    grades = Grades("98", stopped=("98.1",), starved=True)
    assert Grades.from_json(json.loads(json.dumps(grades.to_json()))) == grades


@pytest.fixture(scope="module")
def zygote():
    with Zygote(Settings().environment()) as warm:
        yield warm


@pytest.fixture(scope="module")
def room(zygote):
    """The strongest kind that works here."""
    return Settings().sandbox(best_kind(zygote, Settings().sandbox("plain")))


def test_a_room_leaves_the_grader_the_cpu_to_end_it(zygote, room):
    with Session.open(zygote, room) as opened:
        assert opened.run("import os\nassert os.getpriority(os.PRIO_PROCESS, 0) == 10", 20) == ("", "")
        error, _ = opened.run("os.setpriority(os.PRIO_PROCESS, 0, 0)", 20)  # nor can it take more
    assert error == "PermissionError"


KILL_YOURSELF = "import os\nos.kill(os.getpid(), 9)"


@pytest.mark.parametrize(
    ("counts", "ending", "sentence"),
    [([5, 5], KernelEnded, "was killed by signal 9"), ([5, 6], OutOfMemory, "no memory left")],
)
def test_linux_ends_a_kernel_as_a_student_does_but_counts_it(
    zygote, room, monkeypatch, counts, ending, sentence
):
    """The count is asked when a request begins and when its kernel is gone."""
    left = iter(counts)
    with Session.open(zygote, room) as opened:
        monkeypatch.setattr(session, "kills_for_memory", lambda: next(left))
        with pytest.raises(KernelEnded, match=sentence) as caught:
            opened.run(KILL_YOURSELF, 20)
    assert type(caught.value) is ending
    assert list(left) == []


def test_a_cell_that_ended_for_want_of_memory_costs_itself_and_a_human_decides(
    demo, zygote, room, monkeypatch
):
    lesson = Lesson.read(demo, "98")
    monkeypatch.setattr(session, "kills_for_memory", itertools.count().__next__)

    def graded(begins_with):
        cells = [
            begins_with + cell.source if "def causal_weights" in cell.source else cell.source
            for cell in lesson.solution().cells
            if cell.cell_type == "code"
        ]
        return mark(read_notebook(notebook(*cells)), lesson, zygote, room, Settings())

    assert (graded("").points, graded("").stopped) == (5, ())
    grades = graded(f"{KILL_YOURSELF}\n")
    assert (grades.points, grades.stopped, grades.starved) == (2, ("98.1",), True)
    (evidence,) = (flag.evidence for flag in grades.flags if "by this machine" in flag.sentence)
    assert "Your kernel ended when this machine had no memory left in cell" in evidence
    assert "with --resume it is graded again" in evidence


def test_linux_counts_whom_it_kills(monkeypatch):
    monkeypatch.setattr(Path, "read_text", lambda path: "oom 7\noom_kill 3\npgfault 1\n")
    assert session.kills_for_memory() == 3

    def nobody(path):
        raise FileNotFoundError

    monkeypatch.setattr(Path, "read_text", nobody)
    assert session.kills_for_memory() == 0


@pytest.mark.parametrize(
    ("told", "kills", "ending", "sentence"),
    [
        (
            {"trouble": "OSError: " + "no space " * 900},
            0,
            NoRoom,
            "A room could not be made .OSError: no space",
        ),
        ({"code": -9}, 0, None, "was killed by signal 9"),
        ({"code": -9}, 1, OutOfMemory, "no memory left"),
        ({"code": -11}, 1, None, "was killed by signal 11"),
        ({"code": 3}, 1, None, "ended itself with exit code 3"),
        (None, 0, None, "died"),
        (None, 1, OutOfMemory, "no memory left"),
    ],
)
def test_how_a_room_ended(silent, monkeypatch, told, kills, ending, sentence):
    reading, writing = os.pipe()
    if told is not None:
        zygote_process._tell(writing, told)
    os.close(writing)
    silent._status, silent._kills_before = reading, 0
    monkeypatch.setattr(session, "kills_for_memory", lambda: kills)
    try:
        if ending is None:
            assert sentence in silent._how_it_ended()
        else:
            with pytest.raises(ending, match=sentence):
                silent._how_it_ended()
    finally:
        os.close(reading)


def test_a_room_that_cannot_be_made_is_no_answer(demo, monkeypatch):
    def fail(*_):
        raise NoRoom("A room could not be made (no rights)")

    monkeypatch.setattr(marking, "judge", fail)
    with pytest.raises(NoRoom):
        marking._judged(demo.exercises("98")[0], None, Cuts())


@pytest.mark.parametrize("trouble", [NoRoom("A room could not be made (no rights)"), KernelEnded("died")])
def test_where_one_kind_of_room_cannot_be_made_the_next_is_tried(monkeypatch, trouble):
    tried = rooms_that_raise(monkeypatch, {"root": trouble, "user": trouble})
    assert best_kind(None, Settings().sandbox("plain")) == "plain"
    assert tried == ["root", "user", "plain"]


def test_no_memory_is_no_reason_for_weaker_walls(monkeypatch):
    tried = rooms_that_raise(monkeypatch, {"root": OutOfMemory("ended when this machine had no memory left")})
    with pytest.raises(GradingError, match="ended when this machine had no memory left"):
        best_kind(None, Settings().sandbox("plain"))
    assert tried == ["root"]


def rooms_that_raise(monkeypatch, troubles):
    """Rooms of these kinds cannot be opened; returns a list of the kinds that are tried."""
    tried = []

    @contextlib.contextmanager
    def opened(zygote, sandbox):
        tried.append(sandbox.kind)
        if sandbox.kind in troubles:
            raise troubles[sandbox.kind]
        yield SimpleNamespace(run=lambda source, seconds: ("", ""))

    monkeypatch.setattr(Session, "open", opened)
    monkeypatch.setattr(session, "python_is_for_all", lambda: True)
    return tried
