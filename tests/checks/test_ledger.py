"""Progress survives two notebooks, a killed process and a damaged file."""

import json
import multiprocessing
import os
import signal
import subprocess
import sys

import pytest
from filelock import FileLock

from checks import __main__ as command
from checks import ledger as ledger_module
from checks.judging import Outcome
from checks.ledger import Ledger


def outcome(exercise_id, state="pass", points=2):
    return Outcome(exercise_id, "", state, points if state == "pass" else 0, points)


def write_many(path, lesson, count):
    ledger_module.PATIENCE = 120  # in a process of its own; on a slow disk the other writes for long
    ledger = Ledger(path)
    for number in range(count):
        ledger.checked(outcome(f"{lesson}.{number}"), lent=False)
        ledger.checked(outcome("00.1"), lent=False)


def hold(path, ready):
    lock = FileLock(f"{path}.lock")
    lock.acquire()
    ready.set()
    signal.pause()


def test_two_notebooks_at_once_lose_nothing(tmp_path):
    path = tmp_path / "progress.json"
    fork = multiprocessing.get_context("spawn")
    writers = [fork.Process(target=write_many, args=(path, lesson, 15)) for lesson in ("01", "02")]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
        assert writer.exitcode == 0
    entries = Ledger(path).entries()
    assert len(entries) == 31
    assert entries["00.1"]["attempts"] == 30


def test_a_killed_notebooks_lock_is_free_at_once(tmp_path):
    path = tmp_path / "progress.json"
    spawn = multiprocessing.get_context("spawn")
    ready = spawn.Event()
    holder = spawn.Process(target=hold, args=(path, ready))
    holder.start()
    assert ready.wait(30)
    holder.kill()
    holder.join()
    Ledger(path).checked(outcome("01.1"), lent=False)
    assert Ledger(path).entries()["01.1"]["state"] == "earned"


@pytest.mark.parametrize(
    "damage", ["", "{", "[1]", '{"01.1": 3}', '{"01.1": {"state": 5, "attempts": "x"}}', "\udcff"]
)
def test_a_damaged_file_is_an_empty_one(tmp_path, damage, monkeypatch):
    path = tmp_path / "progress.json"
    path.write_bytes(damage.encode("utf-8", "surrogateescape"))
    Ledger(path).checked(outcome("01.1"), lent=False)
    entry = json.loads(path.read_text())["01.1"]
    assert (entry["state"], entry["attempts"], entry["points"]) == ("earned", 1, 2)


def test_earned_stays_earned_and_lent_can_be_earned():
    ledger = Ledger()
    steps = [
        (lambda: ledger.checked(outcome("01.1", "to do"), False), "open", 0),
        (lambda: ledger.checked(outcome("01.1", "fail"), False), "tried", 0),
        (lambda: ledger.lent("01.1"), "lent", 0),
        (lambda: ledger.checked(Outcome("01.1", "", "pass", 0, 2), True), "lent", 0),
        (lambda: ledger.checked(outcome("01.1"), False), "earned", 2),
        (lambda: ledger.checked(outcome("01.1", "fail"), False), "earned", 2),
        (lambda: ledger.lent("01.1"), "earned", 2),
    ]
    for step, state, points in steps:
        step()
        entry = ledger.entries()["01.1"]
        assert (entry["state"], entry["points"]) == (state, points)
    assert entry["attempts"] == 4


def test_the_command_draws_the_map(demo, capsys):
    Ledger(demo.root / "nowhere").entries()
    assert command.main(["progress"]) == 0
    assert "98 Lesson 98" in capsys.readouterr().out


def test_the_map_reaches_a_terminal_without_its_signs(demo):
    process = subprocess.run(
        [sys.executable, "-m", "checks", "progress"],
        env=os.environ | {"PYTHONIOENCODING": "ascii"},
        capture_output=True,
        text=True,
    )
    assert "98 Lesson 98          ??     2 open (0 of 5 points)" in process.stdout, process.stderr
