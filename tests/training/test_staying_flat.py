"""A long run needs no more than a short one: memory, objects, files. `benchmarks/flat_run.py` is the long version."""

import gc
import importlib.util
import json
import sys
from itertools import pairwise
from pathlib import Path

import pytest
import torch

from slmlib.model.decoder import Decoder
from slmlib.training.logs import JsonlLog, read_log, series
from slmlib.training.readme import CONTENTS
from slmlib.training.run import Wish, start_or_resume
from tests.training.conftest import tiny_stories


def counts() -> tuple[int, int, int]:
    """Live tensors, objects, and blocks of memory in Python's hands."""
    while gc.collect():  # what an earlier test left may have a finalizer, and goes only the second time
        pass
    objects = gc.get_objects()
    return (
        sum(issubclass(type(thing), torch.Tensor) for thing in objects),
        len(objects),
        sys.getallocatedblocks(),
    )


def test_a_hundred_more_steps_leave_nothing_behind(world):
    """Counts, not seconds: they are the same on a busy machine."""
    found: list[tuple[int, int, int]] = []

    def count(event):
        if event["event"] == "step" and event["step"] in (300, 400, 500, 600):
            found.append(counts())

    trainer = world.trainer("flat", total_steps=600, evaluations=1, checkpoints=1, observers=(count,))
    trainer.run()
    assert len({tensors for tensors, *_ in found}) == 1
    grown = [(later[1] - before[1], later[2] - before[2]) for before, later in pairwise(found)]
    # Caches of torch and Python still fill in one hundred or the other; a leak grows in all of them.
    assert min(objects for objects, _ in grown) < 50
    assert min(blocks for _, blocks in grown) < 100, "less than one block a step"


def test_a_leak_would_be_seen(world):
    """The same counting beside an observer that keeps a tensor of every step."""
    kept, found = [], []

    def count(event):
        if event["event"] == "step":
            kept.append(torch.zeros(1))
            if event["step"] in (10, 40):
                found.append(counts())

    world.trainer("leaks", total_steps=40, evaluations=1, checkpoints=1, observers=(count,)).run()
    assert found[1][0] - found[0][0] >= 30


def test_the_stream_remembers_two_epochs_however_long_the_run(world):
    for step in range(0, 5000, 50):
        world.train.batch(step, batch_size=4, context_length=16, seed=3)
    assert len(world.train._epochs) <= 2


# --- logs rotate ---


def events(first: int, last: int) -> list[dict]:
    return [{"event": "step", "step": step, "loss": 1.0} for step in range(first, last + 1)]


def test_a_log_goes_on_in_new_files_and_is_read_as_one(tmp_path):
    log = JsonlLog(tmp_path / "log.jsonl", largest=500)
    for event in events(1, 100):
        log(event)
    parts = sorted(path.name for path in tmp_path.iterdir())
    assert len(parts) > 5
    assert parts[:2] == ["log-0001.jsonl", "log-0002.jsonl"]
    assert all(path.stat().st_size < 600 for path in tmp_path.iterdir())
    assert read_log(tmp_path / "log.jsonl") == events(1, 100)


@pytest.mark.parametrize("step", [0, 1, 37, 99, 100])
def test_going_on_forgets_later_steps_in_every_file(tmp_path, step):
    log = JsonlLog(tmp_path / "log.jsonl", largest=500)
    for event in events(1, 100):
        log(event)
    with open(tmp_path / "log.jsonl", "ab") as file:
        file.write(b'{"event": "st')
    again = JsonlLog(tmp_path / "log.jsonl", step, largest=500)
    assert read_log(again.path) == events(1, step)
    for event in events(step + 1, 120):
        again(event)
    assert read_log(again.path) == events(1, 120)


def test_a_log_whose_newest_file_is_just_being_made_can_be_read(tmp_path):
    log = JsonlLog(tmp_path / "log.jsonl", largest=200)
    for event in events(1, 20):
        log(event)
    (tmp_path / "log.jsonl").unlink()
    assert [event["step"] for event in read_log(tmp_path / "log.jsonl")][:3] == [1, 2, 3]
    (tmp_path / "other").mkdir()
    with pytest.raises(FileNotFoundError):
        read_log(tmp_path / "other" / "log.jsonl")


@pytest.mark.parametrize("line", [b"3", b"[]", b"null", b'{"step": 3}', b"\xff", b'{"event"'])
def test_lines_that_are_no_events_are_left_out(tmp_path, line):
    path = tmp_path / "log.jsonl"
    path.write_bytes(json.dumps(events(1, 1)[0]).encode() + b"\n" + line + b"\n")
    assert read_log(path) == events(1, 1)
    assert series(read_log(path), "step", "loss") == ([1], [1.0])


# --- a run directory says what is in it ---


def test_every_file_of_a_run_is_explained_in_its_readme(world, tmp_path, monkeypatch):
    monkeypatch.setenv("SLM_HOME", str(tmp_path / "home"))
    (tmp_path / "stories.txt").write_text("\n<|endoftext|>\n".join(tiny_stories(0)))
    wish = Wish(world.model_config, world.config(), tmp_path / "runs" / "told", str(tmp_path / "stories.txt"))
    seen: set[str] = set()

    def look(event):
        if event["event"] == "step":
            seen.update(path.name for path in wish.folder.iterdir())

    start_or_resume(wish, (look,), say=lambda _: None, progress=False)
    told = (wish.folder / "README.md").read_text()
    files = {path.relative_to(wish.folder) for path in wish.folder.rglob("*") if path.is_file()}
    for path in files | {Path(name) for name in seen}:
        name = path.name
        assert name in told or path.parts[0] in told, f"{path} is not explained"
    for name in (
        "model.safetensors",
        "optimizer.safetensors",
        "state.json",
        "tokenizer.json",
        "manifest.json",
    ):
        assert name in told
    assert f"{sum(p.numel() for p in Decoder(world.model_config).parameters()):,} parameters" in told
    assert "12 steps of 4 windows" in told
    assert all(meaning in told for meaning in CONTENTS.values())


def test_the_long_version_runs(tmp_path, monkeypatch):
    monkeypatch.setenv("SLM_HOME", str(tmp_path / "home"))
    path = Path(__file__).resolve().parents[2] / "benchmarks" / "flat_run.py"
    spec = importlib.util.spec_from_file_location("flat_run", path)
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "flat_run", module)
    spec.loader.exec_module(module)
    found = module.measure(tmp_path, steps=20)
    assert found.steps == 20
    assert "MB" in str(found)
