"""Resuming equals never stopping: to the last bit, at any step, after any kill."""

import multiprocessing
import os
import random
import signal
import time
from dataclasses import replace

import pytest
import torch

from slmlib.devices import choose_device
from slmlib.errors import CheckpointError
from slmlib.model.decoder import Decoder
from slmlib.training.checkpoint import (
    TEMPORARY,
    checkpoint_folders,
    load_checkpoint,
    load_optimizer,
    newest_checkpoint,
    step_folder,
)
from slmlib.training.interrupts import StopRequest
from slmlib.training.logs import read_log, series
from slmlib.training.schedules import build_scheduler


def weights(trainer) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in trainer.model.state_dict().items()}


def assert_identical(first: dict, second: dict) -> None:
    assert first.keys() == second.keys()
    different = [name for name in first if not torch.equal(first[name], second[name])]
    assert not different


@pytest.fixture(scope="module")
def uninterrupted(shared_world):
    trainer = shared_world.trainer("uninterrupted", checkpoints=12)
    trainer.run()
    return trainer


@pytest.mark.parametrize("step", [0, 1, 5, 11])
def test_resume_at_any_step_gives_the_same_bits(world, uninterrupted, step):
    checkpoint = load_checkpoint(step_folder(uninterrupted.folder / "checkpoints", step))
    resumed = world.trainer("resumed", resume=checkpoint, checkpoints=12)
    resumed.run()
    assert_identical(weights(resumed), weights(uninterrupted))
    assert resumed.history == uninterrupted.history
    whole, rest = (read_log(trainer.folder / "log.jsonl") for trainer in (uninterrupted, resumed))
    assert series(whole, "step", "loss")[1][step:] == series(rest, "step", "loss")[1]


@pytest.mark.parametrize("forget", ["optimizer", "step", "seed"])
def test_each_thing_a_checkpoint_remembers_is_needed(world, uninterrupted, forget):
    checkpoint = load_checkpoint(step_folder(uninterrupted.folder / "checkpoints", 5))
    resumed = world.trainer("resumed", resume=checkpoint, seed=7 if forget == "seed" else 0)
    if forget == "optimizer":
        resumed.optimizer.state.clear()
    if forget == "step":
        resumed.step = 4
    resumed.run()
    assert not torch.equal(resumed.model.embedding.weight, uninterrupted.model.embedding.weight)


def test_interrupt_saves_and_the_same_call_goes_on(world, uninterrupted, capfd):
    def interrupt_at_step_7(event):
        if event["event"] == "step" and event["step"] == 7:
            os.kill(os.getpid(), signal.SIGINT)

    before = signal.getsignal(signal.SIGINT)
    stopped = world.trainer("stopped", observers=(interrupt_at_step_7,))
    stopped.run()
    assert stopped.step == 7
    assert capfd.readouterr().err == "Finishing this step, then saving; Ctrl-C again leaves at once.\n"
    assert signal.getsignal(signal.SIGINT) is before
    assert read_log(stopped.folder / "log.jsonl")[-1]["finished"] is False
    resumed = world.trainer("stopped", resume=newest_checkpoint(stopped.folder / "checkpoints"))
    resumed.run()
    assert_identical(weights(resumed), weights(uninterrupted))


def test_the_same_trainer_goes_on_and_writes_every_event_once(world, uninterrupted):
    def interrupt_at_step_7(event):
        if event["event"] == "step" and event["step"] == 7:
            os.kill(os.getpid(), signal.SIGINT)

    trainer = world.trainer("stopped", observers=(interrupt_at_step_7,))
    trainer.run()
    assert trainer.step == 7
    trainer.observers = ()
    trainer.run()
    assert_identical(weights(trainer), weights(uninterrupted))
    steps = [event["step"] for event in read_log(trainer.folder / "log.jsonl") if event["event"] == "step"]
    assert steps == list(range(1, 13))


def test_a_trainer_that_stops_where_its_rate_begins_to_fall_goes_on(world):
    """There the steps that are left are counted anew, and nothing is known of the pace yet."""

    def interrupt_at_step_6(event):
        if event["event"] == "step" and event["step"] == 6:
            os.kill(os.getpid(), signal.SIGINT)

    deadline = time.perf_counter() + 1000
    trainer = world.trainer("stopped", schedule="wsd", deadline=deadline, observers=(interrupt_at_step_6,))
    trainer.run()
    trainer.run()
    assert (trainer.step, trainer.finished) == (12, True)


def test_a_new_run_does_not_mix_with_an_earlier_one(world):
    world.trainer("run", total_steps=2).run()
    second = world.trainer("run", total_steps=1, seed=5)
    with pytest.raises(CheckpointError, match=r"run holds checkpoints of an earlier run.*step-00000002"):
        second.run()
    assert newest_step(second.folder) == 2


@pytest.mark.parametrize("kind", ["start", "story", "evaluation"])
def test_an_interrupt_before_the_first_step_is_as_good(world, uninterrupted, kind):
    """Someone presses the button while the first story is being told."""

    def interrupt(event):
        if event["event"] == kind and event["step"] == 0:
            os.kill(os.getpid(), signal.SIGINT)

    stopped = world.trainer("stopped", observers=(interrupt,))
    stopped.run()
    assert (stopped.step, stopped.finished) == (0, False)
    resumed = world.trainer("stopped", resume=newest_checkpoint(stopped.folder / "checkpoints"))
    resumed.run()
    assert_identical(weights(resumed), weights(uninterrupted))


def test_only_the_first_process_answers_ctrl_c_and_a_closed_terminal_stops_nobody(capfd, monkeypatch):
    with StopRequest(speaks=False) as stop:
        os.kill(os.getpid(), signal.SIGINT)
        assert stop.requested
    assert capfd.readouterr().err == ""

    def closed(descriptor, text):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("slmlib.training.interrupts.os.write", closed)
    with StopRequest() as stop:
        os.kill(os.getpid(), signal.SIGINT)
        assert stop.requested


@pytest.mark.parametrize("ends", [True, False])
def test_a_rank_that_ends_by_an_error_has_time_to_say_so(ends):
    """torchrun sends SIGTERM to the others as soon as one is dead."""
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    try:
        with pytest.raises(ZeroDivisionError), StopRequest(speaks=False, ends=ends):
            1 / 0  # noqa: B018
        assert (signal.getsignal(signal.SIGTERM) != before[0]) == ends
        if ends:
            os.kill(os.getpid(), signal.SIGTERM)  # would end this process, were it not caught
        with StopRequest(speaks=False, ends=ends) as stop:
            assert not stop.requested
    finally:
        signal.signal(signal.SIGTERM, before[0])
        signal.signal(signal.SIGINT, before[1])


def test_the_answer_to_ctrl_c_takes_the_place_of_the_bar(monkeypatch):
    written = []
    monkeypatch.setattr("slmlib.training.interrupts.os.write", lambda descriptor, text: written.append(text))
    monkeypatch.setattr("slmlib.training.interrupts.os.isatty", lambda descriptor: descriptor == 2)
    for terminal in ("xterm", "dumb"):
        monkeypatch.setenv("TERM", terminal)
        with StopRequest():
            os.kill(os.getpid(), signal.SIGINT)
    assert [text.startswith(b"\r\x1b[2KFinishing") for text in written] == [True, False]


def test_sigterm_saves_too(world):
    def terminate(event):
        if event["event"] == "step" and event["step"] == 3:
            os.kill(os.getpid(), signal.SIGTERM)

    trainer = world.trainer("terminated", observers=(terminate,))
    trainer.run()
    assert load_checkpoint(step_folder(trainer.folder / "checkpoints", 3)).progress.step == 3


def test_other_data_is_refused(world, uninterrupted):
    checkpoint = load_checkpoint(step_folder(uninterrupted.folder / "checkpoints", 5))
    swapped = type(world)(world.folder, world.tokenizer, world.valid, world.train, world.model_config)
    with pytest.raises(CheckpointError, match="trained on another training set"):
        swapped.trainer("swapped", resume=checkpoint)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork to start many processes quickly")
def test_killed_at_random_moments_it_ends_with_the_same_bits(world):
    """SIGKILL leaves no time to clean up; with a checkpoint every step, many kills land inside a save."""
    reference = world.trainer("reference", total_steps=60)
    reference.run()
    folder = world.folder / "killed"

    def train_on() -> None:
        resume = newest_checkpoint(folder / "checkpoints", say=lambda problem: None)
        world.trainer("killed", resume=resume, total_steps=60, checkpoints=60, keep_checkpoints=2).run()

    chance = random.Random(0)
    kills = in_a_save = 0
    for _ in range(40):
        process = multiprocessing.get_context("fork").Process(target=train_on)
        process.start()
        goal = newest_step(folder) + (1 if kills >= 10 else chance.randrange(1, 10))
        while process.is_alive():
            saving = any(folder.glob(f"checkpoints/{TEMPORARY}*"))
            wanted = saving if kills % 2 or kills >= 10 else True
            if (kills < 10 or not in_a_save) and newest_step(folder) >= goal and wanted:
                process.join(chance.random() * 0.002)  # so that the kill may land anywhere
                process.kill()
                process.join()
                kills += 1
                in_a_save += any(folder.glob(f"checkpoints/{TEMPORARY}*"))
        if process.exitcode == 0:
            break
        assert process.exitcode == -signal.SIGKILL
    assert process.exitcode == 0
    assert kills >= 4
    assert in_a_save >= 1
    final = newest_checkpoint(folder / "checkpoints")
    assert final.progress.step == 60
    assert_identical(final.model.state_dict(), weights(reference))
    steps = series(read_log(folder / "log.jsonl"), "step", "loss")[0]
    assert steps == list(range(1, 61)), "every step is in the log exactly once"
    assert len(checkpoint_folders(folder / "checkpoints")) <= 3
    assert not list(folder.glob(f"checkpoints/{TEMPORARY}*"))
    print(f"{kills} kills, {in_a_save} of them inside a save")


def newest_step(folder) -> int:
    return max((int(path.name[5:]) for path in folder.glob("checkpoints/step-*")), default=-1)


def test_the_scheduler_of_torch_gives_the_trainers_learning_rates(world):
    trainer = world.trainer("rates")
    trainer.run()
    rates = series(read_log(trainer.folder / "log.jsonl"), "step", "learning_rate")[1]
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=trainer.config.learning_rate)
    scheduler = build_scheduler(optimizer, trainer.config)
    for rate in rates:
        assert scheduler.get_last_lr()[0] == pytest.approx(rate, rel=1e-12)
        optimizer.step()
        scheduler.step()


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
def test_a_gpu_goes_on_with_the_step_where_its_kernel_reads_it(world, optimizer):
    """torch's fused AdamW counts its steps on the GPU. Never run so far: there was no GPU at hand."""
    gpu = choose_device("cuda", "float32")
    changes = dict(optimizer=optimizer, device="cuda")
    first = world.trainer("gpu", model=Decoder(world.model_config, seed=0).cuda(), **changes)
    first.device = gpu
    first.run()
    checkpoint = load_checkpoint(step_folder(first.folder / "checkpoints", 6))
    resumed = world.trainer("gpu_again", resume=replace(checkpoint, model=checkpoint.model.cuda()), **changes)
    resumed.device = gpu
    resumed.run()
    assert resumed.step == first.step


def test_each_count_of_steps_lies_where_its_optimizer_reads_it(world, uninterrupted):
    """On a CPU that is always the CPU; what says `fused` follows the weight."""
    checkpoint = load_checkpoint(step_folder(uninterrupted.folder / "checkpoints", 6))
    for fused, place in ((True, "meta"), (None, "cpu")):
        with torch.device("meta"):
            model = Decoder(world.model_config)
        optimizer = torch.optim.AdamW(model.parameters())
        optimizer.param_groups[0]["fused"] = fused
        load_optimizer(checkpoint, model, optimizer)
        assert {state["step"].device.type for state in optimizer.state.values()} == {place}
