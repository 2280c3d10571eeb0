"""From a wish to a run: decided, gone on with by the same wish, refused for another one."""

import errno
import math
import re
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from slmlib.config import MambaConfig, ModelConfig, TrainConfig
from slmlib.devices import Device
from slmlib.errors import CheckpointError, ConfigError, DataError, SlmError, TrainingError
from slmlib.presets import preset
from slmlib.text.corpus import open_corpus
from slmlib.training import run as run_module
from slmlib.training.budget import FEWEST_STEPS, SMALLEST_TEXT, deadline_of, share_budget, text_budget
from slmlib.training.checkpoint import load_checkpoint, step_folder
from slmlib.training.claim import only_process_in
from slmlib.training.run import Wish, start_or_resume
from slmlib.training.terminal import closing_card
from tests.training.conftest import tiny_stories

CPU = Device("cpu", "test", "float32", "test")


@pytest.fixture
def wish(tmp_path, monkeypatch) -> Wish:
    monkeypatch.setenv("SLM_HOME", str(tmp_path / "home"))
    (tmp_path / "stories.txt").write_text("\n<|endoftext|>\n".join(tiny_stories(0)))
    model = ModelConfig(vocab_size=280, context_length=16, embed_dim=16, num_layers=1, num_heads=2)
    train = TrainConfig(total_steps=8, batch_size=4, dtype="float32", device="cpu", sample_prompt="Tom")
    return Wish(model, train, tmp_path / "runs" / "first", str(tmp_path / "stories.txt"))


def quietly(wish: Wish, observers=()) -> tuple[run_module.Result, list[str]]:
    said: list[str] = []
    return start_or_resume(wish, observers, said.append, progress=False), said


def test_the_same_wish_goes_on_and_then_says_it_is_finished(wish):
    def stop(event):
        if event["event"] == "step" and event["step"] == 3:
            signal.raise_signal(signal.SIGINT)

    stopped, _ = quietly(wish, (stop,))
    assert not stopped.finished
    assert "The same command goes on" in closing_card(stopped)
    resumed, said = quietly(wish)
    assert resumed.finished
    assert any("Going on from step 3" in sentence for sentence in said)
    assert any("float32: asked for" in sentence for sentence in said)
    again, _ = quietly(wish)
    assert again.finished
    assert not again.trained_now
    assert again.evaluation == resumed.evaluation
    assert "already finished" in closing_card(again)


def test_a_number_format_that_nobody_asked_for_is_not_said_to_be(wish):
    open_wish = replace(wish, train=replace(wish.train, dtype="auto", total_steps=2))
    quietly(open_wish)
    _, said = quietly(open_wish)
    device = next(sentence for sentence in said if sentence.startswith("Device: "))
    assert device.partition(": ")[2].partition(": ")[2].startswith("as this run began")


def test_the_device_is_told_with_the_threads_that_were_asked_for(wish):
    before = torch.get_num_threads()
    try:
        _, said = quietly(replace(wish, train=replace(wish.train, threads=before + 1)))
    finally:
        torch.set_num_threads(before)
    assert f", {before + 1} threads (cpu)" in said[0]


def test_the_card_of_a_stopped_run_says_when_it_was_measured(wish):
    def stop(event):
        if event["event"] == "step" and event["step"] == 3:
            signal.raise_signal(signal.SIGINT)

    rare = replace(wish, train=replace(wish.train, evaluations=1))
    stopped, _ = quietly(rare, (stop,))
    assert re.search(r"measured +at step 0; stopping did not wait", closing_card(stopped))
    finished, _ = quietly(rare)
    assert "measured" not in closing_card(finished)


def test_a_wish_that_cannot_begin_leaves_no_folder(wish):
    with pytest.raises(SlmError):
        quietly(replace(wish, corpus="nowhere.txt"))
    assert not wish.folder.exists()


def test_another_wish_under_the_same_name_is_refused(wish):
    quietly(wish)
    other = replace(wish, train=replace(wish.train, learning_rate=1e-4, seed=3))
    with pytest.raises(CheckpointError, match=r"learning_rate 0.003 \(now 0.0001\), seed 0 \(now 3\).*--run"):
        quietly(other)
    with pytest.raises(CheckpointError, match="num_layers 1"):
        quietly(replace(wish, model=wish.model.change({"num_layers": 2})))


def test_another_corpus_under_the_same_name_is_refused(wish, tmp_path):
    quietly(wish)
    (tmp_path / "other.txt").write_text("\n<|endoftext|>\n".join(tiny_stories(0) + tiny_stories(9, 20)))
    with pytest.raises(
        CheckpointError, match=r"another (training|validation) set|vocab_size|another tokenizer"
    ):
        quietly(replace(wish, corpus=str(tmp_path / "other.txt")))


def test_a_refused_corpus_leaves_the_run_as_it_was(wish, tmp_path):
    """As many different tokens, other stories: only the trainer finds out."""
    stories = Path(wish.corpus).read_text().split("<|endoftext|>")
    (tmp_path / "other.txt").write_text("<|endoftext|>".join(stories[::-1]))
    quietly(wish)
    before = {path: path.read_bytes() for path in wish.folder.rglob("*") if path.is_file()}
    with pytest.raises(CheckpointError, match="another training set"):
        quietly(replace(wish, corpus=str(tmp_path / "other.txt")))
    assert {path: path.read_bytes() for path in wish.folder.rglob("*") if path.is_file()} == before


def test_the_same_text_under_another_name_is_told_by_that_name(wish, tmp_path):
    quietly(wish)
    copy = tmp_path / "mine.txt"
    shutil.copy(wish.corpus, copy)
    result, said = quietly(replace(wish, corpus=str(copy), folder=wish.folder.with_name("second")))
    assert result.trainer.progress().corpus == "mine.txt"
    assert any(sentence.startswith("Corpus: mine.txt") for sentence in said)


def test_a_published_vocabulary_has_its_size(wish):
    with pytest.raises(ConfigError, match=r"GPT-2's 50,257 tokens, not 280\. Leave out --vocab-size"):
        replace(wish, tokenizer="gpt2")


def test_a_time_budget_becomes_steps_once_and_stays(wish, monkeypatch):
    monkeypatch.setattr(run_module, "measure_step", lambda *_: 0.5)
    budget = replace(wish, train=replace(wish.train, total_steps=0, minutes=0.5))
    first, _ = quietly(budget)
    decided = first.trainer.config
    assert 20 <= decided.total_steps <= 60
    assert decided.threads >= 1
    assert decided.micro_batch_size == 4
    monkeypatch.setattr(run_module, "measure_step", lambda *_: 1 / 0)
    again, _ = quietly(budget)
    assert again.trainer.config == decided


def test_a_pace_that_was_misjudged_is_corrected_where_the_rate_begins_to_fall(wish, monkeypatch):
    monkeypatch.setattr(run_module, "measure_step", lambda *_: 0.5)
    monkeypatch.setattr(run_module, "deadline_of", lambda *_: 0.0)  # long gone
    told: list[dict] = []
    budget = replace(wish, train=replace(wish.train, total_steps=0, minutes=0.5, schedule="wsd"))
    result, _ = quietly(budget, (told.append,))
    planned = told[0]["decided"]["total_steps"]
    half = planned - round(planned / 2)
    assert result.finished
    assert result.trainer.step == half + math.ceil(half / 4) < planned
    assert f"{result.trainer.step} steps of 4 windows" in (wish.folder / "README.md").read_text()
    again, _ = quietly(budget)
    assert (again.finished, again.trained_now) == (True, False)


def test_a_run_that_goes_on_keeps_its_number_of_steps(wish, monkeypatch):
    def stop(event):
        if event["event"] == "step" and event["step"] == 3:
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(run_module, "measure_step", lambda *_: 0.5)
    budget = replace(wish, train=replace(wish.train, total_steps=0, minutes=0.5, schedule="wsd"))
    stopped, _ = quietly(budget, (stop,))
    monkeypatch.setattr(run_module, "deadline_of", lambda *_: 0.0)  # what was spent before it is not known
    resumed, _ = quietly(budget)
    assert (stopped.finished, resumed.finished) == (False, True)
    assert resumed.trainer.step == stopped.trainer.config.total_steps


def test_a_budget_of_minutes_has_a_deadline_and_one_of_steps_has_none():
    assert deadline_of(TrainConfig(minutes=2), started=50.0, now=60.0) == 50 + 120 * 0.99 - 2
    assert deadline_of(TrainConfig(minutes=2), started=50.0, now=150.0) == 150 + 60, (
        "half belongs to training"
    )
    assert deadline_of(TrainConfig(total_steps=9, minutes=2), started=50.0, now=60.0) == math.inf


def test_a_slow_machine_measures_less_often_and_trains_half_of_the_time(wish, monkeypatch):
    monkeypatch.setattr(run_module, "measure_step", lambda *_: 1.0)
    monkeypatch.setattr(run_module, "FORWARD_SHARE", 100.0)  # one measurement takes longer than the budget
    budget = replace(wish, train=replace(wish.train, total_steps=0, minutes=1.0, evaluations=8))
    decided = quietly(budget)[0].trainer.config
    assert decided.evaluations == 1
    assert decided.total_steps == 30


def test_a_budget_is_shared_between_training_and_measuring():
    # 5% of 300 s are 15 s: five measurements of 3 s, of which one comes before the first step.
    assert share_budget(300, spent=30, evaluation_seconds=3, most_evaluations=20) == (
        4,
        300 * 0.99 - 2 - 30 - 15,
    )
    assert share_budget(300, spent=30, evaluation_seconds=3, most_evaluations=2)[0] == 2
    # At least one, however long it takes, and half of the time for training, however much was spent.
    assert share_budget(60, spent=50, evaluation_seconds=20, most_evaluations=5) == (1, 30)


def test_a_budget_without_room_for_a_run_is_overdrawn_and_says_so(wish, monkeypatch):
    monkeypatch.setattr(run_module, "measure_step", lambda *_: 1.0)
    budget = replace(wish, train=replace(wish.train, total_steps=0, minutes=0.2))
    result, said = quietly(budget)
    assert result.trainer.config.total_steps == 20
    assert any("A step takes 1.0 s here, and the" in line for line in said)


def test_an_overdrawn_budget_keeps_its_fewest_steps(wish, monkeypatch):
    monkeypatch.setattr(run_module, "measure_step", lambda *_: 1.0)
    monkeypatch.setattr(run_module, "deadline_of", lambda *_: 0.0)
    budget = replace(wish, train=replace(wish.train, total_steps=0, minutes=0.2, schedule="wsd"))
    assert quietly(budget)[0].trainer.step == FEWEST_STEPS == 20


def test_measuring_the_speed_leaves_no_trace(wish):
    budget = replace(wish, train=replace(wish.train, total_steps=0, minutes=0.01))
    measured, _ = quietly(budget)
    steps = measured.trainer.config.total_steps
    fixed, _ = quietly(
        replace(wish, folder=wish.folder.with_name("fixed"), train=replace(wish.train, total_steps=steps))
    )
    # The two runs ask for other things, yet train on the same batches from the same weights.
    assert measured.evaluation.nats == fixed.evaluation.nats


def test_text_with_fewer_tokens_than_asked_for_shrinks_the_vocabulary(wish):
    result, said = quietly(replace(wish, model=wish.model.change({"vocab_size": 2000})))
    assert result.trainer.model.config.vocab_size == result.trainer.tokenizer.vocab_size < 2000
    assert any("only" in sentence and "2,000" in sentence for sentence in said)


def test_memory_is_checked_before_anything_is_allocated(wish):
    huge = wish.model.change({"embed_dim": 2**16, "num_layers": 500})
    with pytest.raises(ConfigError, match="GB are free"):
        quietly(replace(wish, model=huge))


def test_the_text_budget_follows_the_steps():
    model = ModelConfig(vocab_size=280, context_length=100)
    assert text_budget(model, TrainConfig(total_steps=1), CPU) == SMALLEST_TEXT
    assert text_budget(model, TrainConfig(total_steps=100_000, batch_size=10), CPU) == 400 * 10**6
    assert text_budget(model, TrainConfig(minutes=1e6), CPU) == 3 * 10**9


@pytest.mark.parametrize(
    ("device_type", "name", "minutes", "megabytes"),
    [
        ("cpu", "1M", 5, 27),
        ("cpu", "1M", 10, 55),
        ("cpu", "3M", 5, 14),
        ("cpu", "3M", 10, 29),
        ("cpu", "0.3M", 1, 10),
        ("cuda", "34M", 1, 10),
        ("cuda", "34M", 5, 30),  # read 37 times: 1,121 MB would take a quarter of an hour to tell
        ("cuda", "34M", 60, 360),
    ],
)
def test_storyworld_is_told_for_a_tenth_of_the_time_at_most(
    tmp_path, monkeypatch, device_type, name, minutes, megabytes
):
    asked = []

    def prepare(source, *, max_bytes, max_storyworld_bytes, **_):
        asked.append(
            open_corpus(source, max_bytes=max_bytes, max_storyworld_bytes=max_storyworld_bytes).expected_bytes
        )

    monkeypatch.setattr(run_module, "prepare", prepare)
    chosen = preset(name)
    wish = Wish(chosen.model, replace(chosen.train, minutes=minutes), tmp_path, "storyworld")
    run_module.prepare_data(wish, replace(CPU, type=device_type))
    assert asked == [megabytes * 10**6]
    in_steps = replace(wish, train=replace(wish.train, total_steps=10**6))
    run_module.prepare_data(in_steps, replace(CPU, type=device_type))
    assert asked[1] == text_budget(in_steps.model, in_steps.train, CPU)


def test_a_text_too_short_for_the_context_is_refused_before_anything_is_saved(wish):
    wide = replace(wish, model=wish.model.change({"context_length": 100_000}))
    with pytest.raises(DataError, match="too few for one window of 100,000"):
        quietly(wide)
    assert quietly(wish)[0].finished, "the same name is free for another wish"


def test_a_run_that_broke_off_does_not_lose_its_folder(wish):
    quietly(wish)
    newest = step_folder(wish.folder / "checkpoints", 8)
    (newest / "model.safetensors").write_bytes(b"")
    result, said = quietly(wish)
    assert result.finished
    assert any("Passed over" in sentence for sentence in said)
    assert load_checkpoint(newest).progress.step == 8


HOLD = """
import sys
from pathlib import Path
from slmlib.training.claim import only_process_in
with only_process_in(Path(sys.argv[1])):
    print("holds it", flush=True)
    sys.stdin.read()
"""


def test_two_processes_do_not_train_in_one_folder(wish):
    """Whatever is written down there: a clock that was set, a file that was removed change nothing."""
    owner = wish.folder / "running.json"
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(wish.folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout.readline() == b"holds it\n"
        with pytest.raises(TrainingError, match=f"Process {other.pid} is training"):
            quietly(wish)
        for content in ("", "[]", "{}", "\x00"):
            owner.write_text(content)
            with pytest.raises(TrainingError, match="Another process is training"):
                quietly(wish)
        owner.unlink()
        with pytest.raises(TrainingError, match="Another process is training"), only_process_in(wish.folder):
            pass
        other.kill()
        other.wait()
        assert quietly(wish)[0].finished
    assert not owner.exists()


def test_a_read_only_folder_is_one_sentence(wish, tmp_path):
    blocked = tmp_path / "blocked"
    blocked.write_text("a file where a folder should be")
    with pytest.raises(SlmError, match="Could not write"):
        quietly(replace(wish, folder=blocked / "run"))


@pytest.mark.parametrize("content", ["", "[]", '{"pid": 1}', "\x00"])
def test_what_a_dead_process_left_is_no_claim(wish, content):
    wish.folder.mkdir(parents=True)
    (wish.folder / "running.json").write_text(content)
    (wish.folder / "running.lock").touch()
    with only_process_in(wish.folder):
        pass
    assert not wish.folder.exists()


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS])
def test_a_network_folder_without_locks_is_no_reason_not_to_train(wish, monkeypatch, recwarn, number):
    fcntl = pytest.importorskip("fcntl")

    def fail(*_):
        raise OSError(number, "No locks available")

    monkeypatch.setattr(fcntl, "flock", fail)
    assert quietly(wish)[0].finished
    assert not any("lock" in str(warning.message) for warning in recwarn)
    assert quietly(wish)[0].finished, "nothing stale is left"


def test_a_run_of_another_kind_of_model_is_refused(wish):
    quietly(wish)
    mamba = MambaConfig(vocab_size=280, context_length=16, embed_dim=16, num_layers=1)
    with pytest.raises(CheckpointError, match=r"kind decoder \(now mamba\).*--run"):
        quietly(replace(wish, model=mamba))


def test_another_wish_is_refused_before_any_work(wish, monkeypatch):
    quietly(wish)
    monkeypatch.setattr(run_module, "prepare_data", lambda *_: pytest.fail("prepared"))
    with pytest.raises(CheckpointError, match="seed 0"):
        quietly(replace(wish, train=replace(wish.train, seed=3)))


@pytest.mark.parametrize(
    ("began_on", "corpus_path", "read"),
    [
        ("StoryWorld", "", "storyworld"),
        ("TinyStories", "", "tinystories"),
        ("stories.txt", "", "auto"),
        ("StoryWorld", "elsewhere.txt", "auto"),
    ],
)
def test_a_run_that_began_offline_goes_on_when_the_hub_is_back(
    wish, monkeypatch, began_on, corpus_path, read
):
    """`auto` would now choose TinyStories, and the run would be refused after its download."""
    quietly(wish)
    began = load_checkpoint(step_folder(wish.folder / "checkpoints", wish.train.total_steps))
    offline = replace(began, progress=replace(began.progress, corpus=began_on))
    monkeypatch.setenv("SLM_CORPUS", corpus_path)
    monkeypatch.setattr(run_module, "newest_checkpoint", lambda *_: offline)

    def prepare_data(asked, *_):
        raise SlmError(f"would read {asked.corpus}.")

    monkeypatch.setattr(run_module, "prepare_data", prepare_data)
    with pytest.raises(SlmError, match=f"would read {read}"):
        quietly(replace(wish, corpus="auto"))
