"""The race against other libraries: fair turns, wrong numbers refused, missing peers said, tables that are merged."""

import json
import sys
from collections.abc import Sequence

import pytest

from benchmarks.peers import __main__ as command
from benchmarks.peers import table
from benchmarks.peers.harness import Result, Row, race, ratios, refuse_wrong, spread

SERVER = """
import sys
from benchmarks.peers.harness import Contestant, Unavailable, serve

name = sys.argv[1]

class Counter(Contestant):
    packages = ()
    def __init__(self):
        if name == "missing":
            raise Unavailable("not here: give a checkout")
        if name == "uninstalled":
            import a_library_that_nobody_has
        if name == "broken":
            raise RuntimeError("the tyres are flat")
        self.turns = 0
        print("what libraries say does not matter")
    def turn(self):
        if name == "tired" and self.turns:
            raise RuntimeError("no breath left")
        self.turns += 1
        return 10.0 * self.turns, 2.0 if name == "wrong" else 1.0
    def outcome(self, made):
        if name == "checked at length":
            self.digest = b"1" * 300_000_000
        return made

serve(Counter)
"""
ROW = Row("training/toy", "counting", "turns/s", ("ours", "theirs", "wrong"), turns=3)


def toy(name: str) -> Sequence[str]:
    return [sys.executable, "-c", SERVER, name]


def race_with(*names: str) -> dict[str, Result]:
    row = Row("training/toy", "counting", "turns/s", names, turns=2)
    return race(row, toy)


def loss_differs(name: str, outcome: float, expected: float) -> str:
    return "" if outcome == expected else f"loss {outcome} where {expected} was expected"


def test_everybody_takes_every_turn_and_wrong_numbers_are_refused():
    results = race(ROW, toy)
    assert results["ours"].values == results["theirs"].values == [10.0, 20.0, 30.0]
    assert results["ours"].peak_megabytes > 5
    refuse_wrong(ROW, results, loss_differs)
    assert results["theirs"].measured
    assert results["wrong"].status == "refused: loss 2.0 where 1.0 was expected"
    entry = table.entry(ROW, results) | {"command": "make bench"}
    assert entry["contestants"]["wrong"]["ratios"] == {}
    shown = table.section(ROW.name, entry)
    assert "| wrong | refused: loss 2.0 where 1.0 was expected | | | | |" in shown
    assert "| theirs | 20.00 (10.00-30.00) | 1.00 (1.00-1.00) |" in shown


def test_who_cannot_take_part_says_why_and_stops_nobody():
    results = race_with("ours", "missing", "uninstalled", "broken", "tired")
    assert results["ours"].values == [10.0, 20.0]
    assert results["missing"].status == "not here: give a checkout"
    assert results["uninstalled"].status == "not installed: a_library_that_nobody_has"
    assert results["broken"].status == "failed: RuntimeError: the tyres are flat"
    assert results["tired"].status == "failed: RuntimeError: no breath left"


def test_working_out_an_outcome_is_not_counted_as_memory_of_the_work():
    results = race_with("ours", "checked at length")
    ours, checked = results["ours"], results["checked at length"]
    assert checked.outcome == ours.outcome
    assert checked.peak_megabytes < ours.peak_megabytes + 100


def test_a_ratio_above_one_is_ours_being_better():
    ours, theirs = Result("measured", [20.0, 40.0]), Result("measured", [10.0, 10.0])
    assert ratios(ROW, ours, theirs) == [2.0, 4.0]
    times = Row("starting/toy", "", "s", (), higher_is_better=False)
    assert ratios(times, ours, theirs) == [0.5, 0.25]
    assert spread([1.0, 3.0, 2.0], ".1f") == "2.0 (1.0-3.0)"


def test_rows_are_merged_into_one_table(tmp_path, monkeypatch):
    monkeypatch.setattr(table, "machine", lambda: "Toy CPU, 2 CPUs")
    entry = table.entry(
        ROW,
        {"ours": Result("measured", [1.0], 1.0)}
        | {name: Result("unmeasured: no CUDA GPU here") for name in ("theirs", "wrong")},
    ) | {"command": "make bench"}
    table.keep(tmp_path, "training/toy", entry)
    table.keep(tmp_path, "generation/toy", entry)
    table.keep(tmp_path, "training/toy", entry | {"title": "counting again"})
    kept = json.loads((tmp_path / "peers-toy-cpu-2-cpus.json").read_text())
    assert list(kept["rows"]) == ["generation/toy", "training/toy"]
    shown = (tmp_path / "peers-toy-cpu-2-cpus.md").read_text()
    assert "on Toy CPU, 2 CPUs" in shown
    assert "training/toy: counting again" in shown
    assert "generation/toy: counting\n" in shown
    assert "unmeasured: no CUDA GPU here" in shown


@pytest.mark.parametrize("kind", command.MODULES)
def test_each_kind_refuses_another_result(kind):
    module = command.module_of(f"{kind}/quick")
    right, wrong = {
        "training": (5.0, 5.1),
        "generation": ([1, 2, 3], [1, 2, 4]),
        "tokenizing": ({"result": "a"}, {"result": "b"}),
        "starting": (None, None),
    }[kind]
    assert module.differs("transformers", right, right) == ""
    assert bool(module.differs("transformers", wrong, right)) == (kind != "starting")
    assert module.QUICK.contestants[0] == module.ROWS[0].contestants[0]


def test_a_worse_loss_is_refused_in_every_training_row():
    differs = command.module_of("training/S").differs
    for name in ("slmlib bf16", "transformers", "litgpt"):
        assert differs(name, 5.2, 5.0)
    assert differs("nanogpt", 4.9, 5.0), "too good is wrong, too: it may have seen the targets"
    assert not differs("slmlib bf16", 5.001, 5.0)


def test_the_rows_are_chosen_by_their_beginnings():
    names = [row.name for row in command.chosen_rows([], quick=False)]
    assert len(names) == len(set(names))
    assert [row.name for row in command.chosen_rows(["generation"], False)] == [
        "generation/S",
        "generation/M",
    ]
    assert {row.name.split("/")[1] for row in command.chosen_rows([], True)} == {"quick"}


def test_the_real_thing_at_its_smallest(tmp_path, capsys):
    """One row with transformers beside us: equal weights must write equal tokens."""
    words = ["--quick", "--only", "generation", "--results", str(tmp_path), "--peer=litgpt=/elsewhere/env"]
    words += ["--peer", "nanogpt=/elsewhere"]
    assert command.main(words) == 0
    shown = capsys.readouterr().out
    assert "| transformers | " in shown
    assert "refused" not in shown
    assert "--peer=litgpt=PATH --peer nanogpt=PATH" in shown
    assert "/elsewhere" not in shown
    assert "| nanogpt | there is no model.py in the checkout that --peer nanogpt names | | | | |" in shown
