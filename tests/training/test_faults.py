"""Faults of training: each one stops cleanly, keeps what is good, and says what to do."""

import errno
import json
import os
import signal
from dataclasses import replace

import pytest
import torch

from slmlib import devices
from slmlib.devices import Device, choose_device
from slmlib.errors import CheckpointError, ConfigError, SlmError, TrainingError
from slmlib.model.language_model import evaluating
from slmlib.ranks import largest_divisor
from slmlib.training import run as run_module
from slmlib.training.checkpoint import TEMPORARY, load_checkpoint, newest_checkpoint, step_folder
from slmlib.training.faults import DivergenceWatch, explained, is_out_of_memory
from slmlib.training.fitting import fit_memory, memory_needed
from slmlib.training.logs import read_log
from slmlib.training.run import Wish, decide, start_or_resume
from slmlib.training.speed import FastLoss
from tests.training.conftest import CPU, tiny_stories


@pytest.fixture
def wish(world, monkeypatch, tmp_path) -> Wish:
    monkeypatch.setenv("SLM_HOME", str(tmp_path / "home"))
    (tmp_path / "stories.txt").write_text("\n<|endoftext|>\n".join(tiny_stories(0)))
    model = world.model_config.change(dict(num_layers=1))
    return Wish(model, world.config(total_steps=6), tmp_path / "runs" / "one", str(tmp_path / "stories.txt"))


def report_of(trainer) -> dict:
    (path,) = trainer.folder.glob("fault-step-*.json")
    return json.loads(path.read_text())


def break_at(trainer, step: int, loss) -> None:
    """Let `loss(inputs, targets)` stand in for the loss of one step."""
    sound = trainer.loss_of
    trainer.loss_of = lambda *batch: (loss if trainer.step == step else sound)(*batch)


# --- a loss or a gradient that is no number ---


def test_the_report_names_step_batch_layers_and_cause(world):
    trainer = world.trainer("broken")
    break_at(trainer, 5, lambda *batch: trainer.model.loss(*batch) * float("nan"))
    with pytest.raises(TrainingError, match=r"Step 5: the loss is nan.*learning rate.*fault-step-00000005"):
        trainer.run()
    found = report_of(trainer)
    assert found["step"] == 5
    assert found["loss"] == "nan"
    assert set(found["in_float32"]["gradient_norm_by_layer"]) == {"embedding", "blocks.0", "blocks.1"}
    assert all(norm > 0 for norm in found["in_float32"]["gradient_norm_by_layer"].values())
    assert [isinstance(window["text"], str) for window in found["batch"]] == [True] * 4
    starts = world.train.window_starts(5, batch_size=4, context_length=16, seed=0)
    assert sorted(window["starts_at_token"] for window in found["batch"]) == sorted(starts.tolist())
    losses = [window["loss"] for window in found["batch"]]
    assert losses == sorted(losses, reverse=True), "the worst window first"
    with evaluating(trainer.model), torch.inference_mode():
        without_dropout = sorted(
            (trainer.model.loss(*(part[row, None] for part in trainer.batch(5))).item() for row in range(4)),
            reverse=True,
        )
    assert losses == pytest.approx(without_dropout)


def test_an_infinite_gradient_stops_before_it_reaches_the_weights(world, monkeypatch):
    trainer = world.trainer("gradient")

    def steep(*batch):
        loss = trainer.model.loss(*batch)
        return loss + (loss - loss.detach()) * 1e30 * 1e30  # the loss is fine, its slope is not

    sound = trainer.loss_of
    monkeypatch.setattr(trainer, "loss_of", lambda *b: (steep if trainer.step == 4 else sound)(*b))
    with pytest.raises(TrainingError, match=r"Step 4: the loss is \d.* gradient norm (nan|inf)"):
        trainer.run()
    saved = newest_checkpoint(trainer.folder / "checkpoints")
    assert saved.progress.step == 4
    world.trainer("gradient", resume=saved).run()


@pytest.mark.parametrize(
    ("cause", "sentence"),
    [
        ("rate", "learning rate that is too high"),
        ("dtype", "In plain float32 the same step is fine: bfloat16 cannot hold"),
        ("kernels", "In plain float32 the same step is fine: the compiled kernels err"),
        ("hardware", "computed again is fine: the hardware"),
        ("weights", r"weights are no longer numbers \(embedding"),
    ],
)
def test_the_likeliest_cause(world, cause, sentence):
    trainer = world.trainer(cause, dtype="bfloat16" if cause == "dtype" else "float32")
    if cause == "kernels":  # whether they were compiled is not asked of `loss_of`
        trainer.config = replace(trainer.config, compile="on")
    if cause == "weights":

        def spoil(*batch):
            with torch.no_grad():
                trainer.model.embedding.weight[3, 3] = float("nan")
            return trainer.model.loss(*batch)

        break_at(trainer, 5, spoil)
    else:
        left = [1 if cause == "hardware" else 10**9]

        def nan(*batch):
            left[0] -= 1
            return trainer.model.loss(*batch) * (float("nan") if left[0] >= 0 else 1.0)

        break_at(trainer, 5, nan)
        if cause == "rate":  # also without autocast and compilation, as long as the model trains
            real = trainer.model.loss
            trainer.model.loss = lambda *batch: (
                real(*batch) * (float("nan") if trainer.step == 5 and trainer.model.training else 1.0)
            )
            trainer.loss_of = trainer.model.loss
    with pytest.raises(TrainingError, match=sentence):
        trainer.run()
    steps = [int(path.name[5:]) for path in (trainer.folder / "checkpoints").glob("step-*")]
    assert (5 in steps) == (cause != "weights"), "weights that are no numbers are never saved"
    assert report_of(trainer)["weights_finite"] == (cause != "weights")
    newest_checkpoint(trainer.folder / "checkpoints")


def test_weights_that_are_no_numbers_are_never_saved(world):
    trainer = world.trainer("nan")
    with torch.no_grad():
        trainer.model.embedding.weight.fill_(float("inf"))
    trainer.history = [{"step": 0, "nats": 1.0, "tokens": 1, "bytes": 1}]
    with pytest.raises(CheckpointError, match="its weights are no longer good"):
        trainer.save()
    assert not list(trainer.folder.glob("checkpoints/*"))


def test_a_loss_scale_that_never_stops_falling_is_given_up(world):
    trainer = world.trainer("half", dtype="float16", total_steps=60)
    trainer.device = Device("cpu", "test", "float16", "test")
    break_at(trainer, 0, lambda *batch: trainer.model.loss(*batch))
    real = trainer.loss_of
    trainer.loss_of = lambda *batch: (lambda loss: loss + (loss - loss.detach()) * 1e30 * 1e30)(real(*batch))
    with pytest.raises(TrainingError, match=r"gradient norm (inf|nan)"):
        trainer.run()
    assert trainer.scaler.get_scale() < 1


# --- divergence ---


def test_a_climbing_loss_is_told_once_and_noise_is_not():
    watch = DivergenceWatch()
    falling = [5 - step / 50 + (0.4 if step % 3 else -0.4) for step in range(200)]
    assert not any(watch.sees(loss) for loss in falling)
    told = [watch.sees(1.5 + step / 20) for step in range(100)]
    assert len([sentence for sentence in told if sentence]) == 1
    assert "half the learning rate" in next(filter(None, told))
    assert not any(watch.sees(1.0) for _ in range(100))
    assert len([1 for step in range(100) if watch.sees(1.0 + step / 10)]) == 1, "again after a recovery"


def test_a_run_warns_and_goes_on(world, capsys):
    from slmlib.training.terminal import TerminalProgress

    events: list[dict] = []
    trainer = world.trainer("climbs", total_steps=90, observers=(events.append, TerminalProgress()))
    sound = trainer.loss_of
    trainer.loss_of = lambda *batch: sound(*batch) + max(0, trainer.step - 20) / 10
    trainer.run()
    warnings = [event for event in events if event["event"] == "warning"]
    assert len(warnings) == 1
    assert "climbing" in warnings[0]["text"]
    assert trainer.finished
    assert "Warning, step" in capsys.readouterr().out
    assert any(event["event"] == "warning" for event in read_log(trainer.folder / "log.jsonl"))


# --- memory ---


def test_the_estimate_is_said_before_the_run_and_an_open_micro_batch_is_made_to_fit(world, monkeypatch):
    said: list[str] = []
    config = world.config(batch_size=16)
    fits = memory_needed(world.model_config, config, 4, CPU)
    monkeypatch.setattr(Device, "memory", lambda self: fits)
    fitted = fit_memory(world.model_config, config, CPU, said.append)
    assert fitted == replace(config, micro_batch_size=4)
    assert said[0].startswith("Memory: at least")
    assert "16 windows does not fit into memory; 4 at a time" in said[1]
    with pytest.raises(ConfigError, match=r"GB|MB are free.*--micro-batch-size 4"):
        fit_memory(world.model_config, replace(config, micro_batch_size=16), CPU, said.append)
    odd = replace(config, batch_size=18, micro_batch_size=18)
    with pytest.raises(ConfigError, match=r"--micro-batch-size 3 "):  # 4 are no part of 18
        fit_memory(world.model_config, odd, CPU, said.append)
    with pytest.raises(ConfigError, match=r"are free.* Close other programs, or go on with it on a machine"):
        fit_memory(world.model_config, config, CPU, said.append, may_halve=False)
    monkeypatch.setattr(Device, "memory", lambda self: 1000)
    for hopeless in (config, replace(config, micro_batch_size=16)):
        with pytest.raises(ConfigError, match=r"Use a smaller preset, or close other programs\."):
            fit_memory(world.model_config, hopeless, CPU, said.append)


def out_of_memory_above(size: int):
    real = FastLoss.__call__

    def loss(self, inputs, targets):
        if len(inputs) > size:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 9 GiB")
        return real(self, inputs, targets)

    return loss


def test_out_of_memory_halves_the_micro_batch_once_and_a_resumed_run_repeats_it(wish, monkeypatch):
    said: list[str] = []
    timed = replace(wish, train=replace(wish.train, total_steps=0, minutes=0.002, batch_size=12))
    with monkeypatch.context() as patch:
        patch.setattr(FastLoss, "__call__", out_of_memory_above(3))
        first = start_or_resume(timed, (), said.append, progress=False)
    assert first.trainer.config.micro_batch_size == 3
    assert [sentence for sentence in said if "A micro-batch of" in sentence] == [
        "A micro-batch of 12 windows does not fit into memory; 6 at a time from now on, with the same batch and "
        "the same result up to rounding.",
        "A micro-batch of 6 windows does not fit into memory; 3 at a time from now on, with the same batch and "
        "the same result up to rounding.",
    ]
    again = start_or_resume(timed, (), said.append, progress=False)
    assert again.trainer.config == first.trainer.config


def test_a_model_that_does_not_fit_at_all_is_one_sentence(wish, monkeypatch):
    monkeypatch.setattr(FastLoss, "__call__", out_of_memory_above(0))
    with pytest.raises(
        SlmError, match=r"does not fit into memory even with one window at a time.*smaller preset"
    ):
        start_or_resume(
            replace(wish, train=replace(wish.train, total_steps=0)), (), lambda _: None, progress=False
        )


@pytest.mark.parametrize(
    ("number", "limit", "found"), [(12, 6, 6), (12, 5, 4), (7, 3, 1), (16, 8, 8), (9, 4, 3)]
)
def test_micro_batches_stay_equally_large(number, limit, found):
    assert largest_divisor(number, limit) == found


def test_memory_that_runs_out_in_the_middle_saves_and_the_same_command_goes_on(world, wish, monkeypatch):
    whole = start_or_resume(replace(wish, folder=wish.folder.with_name("whole")), (), print, progress=False)
    calls = [0]
    real = FastLoss.__call__

    def fails_once(self, inputs, targets):
        calls[0] += 1
        if calls[0] == 4:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes")
        return real(self, inputs, targets)

    with monkeypatch.context() as patch:
        patch.setattr(FastLoss, "__call__", fails_once)
        with pytest.raises(TrainingError, match=r"Step 3: there is no memory left.*The run is saved"):
            start_or_resume(wish, (), lambda _: None, progress=False)
    assert newest_checkpoint(wish.folder / "checkpoints").progress.step == 3
    resumed = start_or_resume(wish, (), lambda _: None, progress=False)
    assert torch.equal(resumed.trainer.model.embedding.weight, whole.trainer.model.embedding.weight)


def test_memory_that_runs_out_between_two_weights_leaves_the_last_checkpoint(wish, monkeypatch):
    """Some weights are new then, some are not: saved over the good ones, they could never go on."""
    whole = start_or_resume(replace(wish, folder=wish.folder.with_name("whole")), (), print, progress=False)
    real, calls = torch.optim.AdamW.step, [0]

    def fails_once(self, closure=None):
        calls[0] += 1
        if calls[0] == 4:
            with torch.no_grad():
                self.param_groups[0]["params"][0].add_(1.0)
            raise MemoryError("no memory")
        return real(self, closure)

    monkeypatch.setattr(torch.optim.AdamW, "step", fails_once)
    with pytest.raises(TrainingError, match=r"Step 3: there is no memory.*What was saved before is intact"):
        start_or_resume(wish, (), lambda _: None, progress=False)
    resumed = start_or_resume(wish, (), lambda _: None, progress=False)
    assert torch.equal(resumed.trainer.model.embedding.weight, whole.trainer.model.embedding.weight)


def test_a_device_that_fails_is_one_sentence_and_other_errors_stay_what_they_are(world):
    trainer = world.trainer("device")
    with (
        pytest.raises(
            TrainingError, match=r"test failed \(CUDA error: an illegal memory access\).* -m slmlib doctor$"
        ),
        explained(trainer),
    ):
        raise RuntimeError("CUDA error: an illegal memory access\nlong story")
    with pytest.raises(RuntimeError, match="my mistake"), explained(trainer):
        raise RuntimeError("my mistake")
    assert is_out_of_memory(MemoryError())
    assert not is_out_of_memory(ValueError("out of memory"))


# --- a number format that the device does not have ---


@pytest.mark.parametrize(
    ("kind", "capability", "dtype", "sentence"),
    [
        ("cpu", None, "float16", "too coarse on a CPU"),
        ("cuda", (7, 5), "bfloat16", "no bfloat16 units.*Use --dtype float16"),
        ("cuda", (6, 1), "bfloat16", "no bfloat16 units.*Use --dtype float32"),
        ("mps", None, "float16", "never tried on MPS"),
        ("mps", None, "bfloat16", "never tried on MPS"),
    ],
)
def test_a_wrong_number_format_is_refused_before_the_run(monkeypatch, kind, capability, dtype, sentence):
    monkeypatch.setattr(devices, "_require_present", lambda kind: None)
    monkeypatch.setattr(devices, "_require_trustworthy", lambda kind: None)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda: capability)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "Old GPU")
    with pytest.raises(ConfigError, match=sentence):
        choose_device(kind, dtype)


def test_what_was_decided_is_stored_and_repeated(wish, monkeypatch):
    """Steps, compile, dtype, threads and micro-batch; the machine may have changed its mind since."""
    first = start_or_resume(wish, (), lambda _: None, progress=False).trainer.config
    monkeypatch.setattr(torch, "get_num_threads", lambda: 63)
    monkeypatch.setattr(run_module, "measure_step", lambda *_: pytest.fail("measured again"))
    monkeypatch.setattr(run_module, "decide", lambda *_: pytest.fail("decided again"))
    again = start_or_resume(wish, (), lambda _: None, progress=False).trainer.config
    assert again == first
    for name in ("total_steps", "threads", "micro_batch_size"):
        assert getattr(first, name) > 0
    assert "auto" not in (first.device, first.dtype)
    assert decide is not run_module.decide


# --- being stopped ---


def stopping(number: int, moment: str, step: int, times: int = 1):
    """An observer that sends this process a signal."""

    def observe(event):
        if event["event"] == moment and event["step"] == step:
            for _ in range(times):
                os.kill(os.getpid(), number)

    return observe


@pytest.fixture(scope="module")
def whole(shared_world):
    trainer = shared_world.trainer("whole")
    trainer.run()
    return trainer


@pytest.mark.parametrize("step", [4, 12])
def test_sigterm_breaks_off_a_long_measurement_saves_and_loses_nothing(world, whole, monkeypatch, step):
    """Step 12 is the last one: only its measurement is missing then. A run that goes on with it is stopped as well."""
    from slmlib.training import trainer as trainer_module

    real, calls = trainer_module.evaluate, []

    def endless(model, stream, device, **share):
        if stopped.step == step and len(calls) < 2:
            calls.append(step)
            os.kill(os.getpid(), signal.SIGTERM)
            raise AssertionError("the measurement went on")
        return real(model, stream, device, **share)

    monkeypatch.setattr(trainer_module, "evaluate", endless)
    saved = None
    for times in (1, 2):
        stopped = world.trainer("stopped", resume=saved)
        stopped.run()
        assert calls == [step] * times
        assert not stopped.finished
        saved = load_checkpoint(step_folder(stopped.folder / "checkpoints", step))
        assert saved.progress.step == step
        assert [entry["step"] for entry in saved.progress.history] == [s for s in (0, 4, 8, 12) if s < step]
    resumed = world.trainer("stopped", resume=saved)
    resumed.run()
    assert resumed.finished
    assert resumed.history == whole.history
    assert torch.equal(resumed.model.embedding.weight, whole.model.embedding.weight)
    kept = newest_checkpoint(stopped.folder / "checkpoints")
    assert kept.progress.history == whole.history


def test_a_run_whose_last_measurement_was_broken_off_is_not_called_finished(wish, monkeypatch):
    from slmlib.training import trainer as trainer_module

    real, calls = trainer_module.evaluate, []

    def evaluate(model, stream, device, **share):
        calls.append(1)
        if len(calls) == 4:
            os.kill(os.getpid(), signal.SIGTERM)
        return real(model, stream, device, **share)

    monkeypatch.setattr(trainer_module, "evaluate", evaluate)
    stopped = start_or_resume(wish, (), lambda _: None, progress=False)
    assert (stopped.trainer.step, stopped.finished) == (6, False)
    resumed = start_or_resume(wish, (), lambda _: None, progress=False)
    assert resumed.finished
    assert resumed.trained_now


def test_ctrl_c_twice_leaves_at_once_and_the_last_checkpoint_is_good(world, whole):
    twice = world.trainer("twice", observers=(stopping(signal.SIGINT, "step", 7, times=2),))
    with pytest.raises(KeyboardInterrupt):
        twice.run()
    saved = newest_checkpoint(twice.folder / "checkpoints")
    assert saved.progress.step == 6
    resumed = world.trainer("twice", resume=saved)
    resumed.run()
    assert torch.equal(resumed.model.embedding.weight, whole.model.embedding.weight)


def test_ctrl_c_twice_in_the_middle_of_a_save_leaves_no_half_checkpoint(world, monkeypatch):
    trainer = world.trainer("in-a-save")
    real = os.fsync

    def interrupt(descriptor):
        real(descriptor)
        if trainer.step == 6:
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGINT)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", interrupt)
        with pytest.raises(KeyboardInterrupt):
            trainer.run()
    assert newest_checkpoint(trainer.folder / "checkpoints").progress.step == 4
    assert not list(trainer.folder.glob(f"checkpoints/{TEMPORARY}*"))


def test_a_log_that_cannot_be_written_stops_in_words(world, monkeypatch):
    import builtins

    real = builtins.open

    def full(path, mode="r", *arguments, **options):
        if str(path).endswith("log.jsonl") and "a" in mode and trainer.step == 5:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(path, mode, *arguments, **options)

    trainer = world.trainer("log")
    monkeypatch.setattr(builtins, "open", full)
    with pytest.raises(SlmError, match=r"Could not write .*log\.jsonl: No space left"):
        trainer.run()
