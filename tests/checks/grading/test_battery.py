"""Hostile and broken submissions, graded in one batch: no lie pays, no file is lost, every honest answer counts."""

import csv
import json
import os
import re
import sys
import time
from pathlib import Path

import psutil
import pytest

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))
import run_battery  # noqa: E402

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="the rooms' walls are Linux'")
pytestmark = [linux_only, pytest.mark.timeout(900)]
NAMES = [path.stem for path in run_battery.BATTERY]


@pytest.fixture(scope="session")
def battery(tmp_path_factory):
    """Verdicts by name, and where the grades lie."""
    folder = tmp_path_factory.mktemp("battery")
    # What a hostile notebook would write, here or in another checkout.
    Path("/tmp/owned").unlink(missing_ok=True)
    before = dict(os.environ)
    try:
        verdicts = run_battery.run(folder)
    finally:
        os.environ.clear()
        os.environ.update(before)
    return {verdict.name: verdict for verdict in verdicts}, folder / "grades"


@pytest.mark.parametrize("name", NAMES)
def test_it_is_graded_as_it_deserves(battery, name):
    assert battery[0][name].wrong == ()


def test_nothing_of_them_is_left_running(battery):
    from checks.grading.sandbox import FIRST_USER, USERS

    def left():
        return [
            process.info
            for process in psutil.process_iter(["pid", "uids", "cmdline"])
            if process.info["uids"]
            and FIRST_USER <= process.info["uids"].real < FIRST_USER + USERS
            and not of_a_living_grader(process)
        ]

    # A room of another grader on this machine may be seen in the moment between its grader's end and its own.
    deadline = time.monotonic() + 30
    while (found := left()) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert found == []
    assert not Path("/tmp/owned").exists()


def of_a_living_grader(process):
    """Another grader may be at work on this machine."""
    try:
        return any("checks.grading.zygote" in one.cmdline() for one in process.parents())
    except psutil.Error:
        return True


def test_there_are_enough_of_every_family():
    families = [name.partition("_")[0] for name in NAMES]
    assert len(NAMES) >= 60
    assert all(families.count(family) >= 6 for family in run_battery.FAMILIES)


@pytest.mark.parametrize(
    "name",
    ["lie_hidden_reference", "lie_reference_when_asked", "lie_reference_wrapped", "lie_reference_spaced"],
)
def test_a_loan_is_flagged_however_it_was_asked_for(battery, name):
    flags = battery[0][name].row.grades.flags
    assert any(flag.exercise == "98.1" and "lent, not earned" in flag.sentence for flag in flags)
    assert any("3 of 3" in flag.evidence for flag in flags)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("destroy_exit", "ended itself with exit code 1 in cell"),
        ("destroy_segfault", "was killed by signal 11 (SIGSEGV) in cell"),
        ("destroy_loop", "ran longer than 3 seconds"),
        ("destroy_memory", "MemoryError"),
        ("destroy_memory_in_children", "of memory and was ended in cell"),
        ("destroy_disk", "No space left"),
        ("forged_no_check_cells", 'check("98.1") is missing'),
        ("forged_check_cells", 'check("98.1") was edited'),
        ("forged_version", "another version of the lesson"),
        ("honest_not_utf8", "Windows-1252"),
        ("honest_missing_file", "FileNotFoundError"),
        ("honest_zip_outside", "points outside"),
    ],
)
def test_what_happened_is_said(battery, name, words):
    assert words in " ".join(battery[0][name].row.grades.remarks)


def test_what_the_grader_stopped_is_put_before_a_human_where_it_cost_points(battery):
    stopped, whole = (battery[0][name].row.grades for name in ("destroy_stubborn_answer", "destroy_loop"))
    assert stopped.stopped == ("98.1",)
    assert any("stopped by the grader" in flag.sentence for flag in stopped.flags)
    assert whole.stopped == ()
    assert not any("stopped" in flag.sentence for flag in whole.flags)


def test_the_gradebooks_have_a_row_for_every_file(battery):
    verdicts, out = battery
    with open(out / "gradebook.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert sum(bool(row["file"]) for row in rows) == len(verdicts)
    assert not any(cell[:1] in ("=", "+", "@") for row in rows for cell in row.values())
    book = json.loads((out / "gradebook.json").read_text())
    assert [row["file"] for row in book["rows"]] == [row["file"].lstrip("'") for row in rows]
    canvas = list(csv.reader((out / "gradebook_canvas.csv").read_text().splitlines()))
    assert canvas[0][0] == "Student"
    assert len(canvas) == 2 + len({row["student"] for row in rows})


def test_the_pages_stand_alone_and_run_nothing(battery):
    verdicts, out = battery
    pages = [out / "class.html", *(out / "students").iterdir()]
    assert len(pages) == len(verdicts) + 1
    for page in pages:
        text = page.read_text()
        assert "<script" not in text
        assert not re.search(r'(src|href)="(?!data:|students/)', text)
    assert (out / "class.html").read_text().count("<img alt=") == 3


def test_without_namespaces_it_grades_and_says_what_is_missing(tmp_path, monkeypatch):
    from checks.grading import session

    monkeypatch.setattr(session, "KINDS", ("plain",))
    monkeypatch.setattr(session, "python_is_for_all", lambda: True)
    monkeypatch.setenv("SLM_COURSE", "")
    monkeypatch.setenv("GRADER_KEY", "")
    said = []
    verdicts = run_battery.run(tmp_path, ("honest_plain", "destroy_loop", "lie_nan"), said.append)
    assert [verdict.wrong for verdict in verdicts] == [(), (), ()]
    assert "Not protected here: network: the code can reach it." in said
    assert "network" in (tmp_path / "grades" / "class.html").read_text()


@pytest.mark.skipif(not hasattr(os, "getuid") or os.getuid() != 0, reason="only root has too many rights")
def test_as_root_without_any_wall_it_refuses(tmp_path, monkeypatch):
    from checks.grading import session

    monkeypatch.setattr(session, "KINDS", ("plain",))
    monkeypatch.setattr(session, "python_is_for_all", lambda: False)
    monkeypatch.setenv("SLM_COURSE", "")
    monkeypatch.setenv("GRADER_KEY", "")
    with pytest.raises(session.GradingError, match="must not run as root"):
        run_battery.run(tmp_path, ("honest_plain",))


def test_the_walls_hold_in_a_user_namespace_as_well(tmp_path, monkeypatch):
    from checks.grading import session

    monkeypatch.setattr(session, "KINDS", ("user",))
    monkeypatch.setenv("SLM_COURSE", "")
    monkeypatch.setenv("GRADER_KEY", "")
    wanted = (
        "snoop_",
        "destroy_kill",
        "destroy_everything",
        "destroy_disk",
        "honest_plain",
        "lie_exercise_file",
    )
    try:
        verdicts = run_battery.run(tmp_path, wanted)
    except session.GradingError as error:
        pytest.skip(f"no user namespaces here: {error.problem}")
    assert {verdict.name: verdict.wrong for verdict in verdicts if verdict.wrong} == {}
