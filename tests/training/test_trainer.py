"""The pieces of training against torch, transformers and plain arithmetic; and what happens when it goes wrong."""

import itertools
import json
import math
import signal
from collections.abc import Iterator

import pytest
import torch

from slmlib.config import TrainConfig
from slmlib.devices import Device
from slmlib.errors import TrainingError
from slmlib.model.decoder import Decoder
from slmlib.training import trainer as trainer_module
from slmlib.training.checkpoint import load_checkpoint, newest_checkpoint, step_folder
from slmlib.training.logs import JsonlLog, read_log, series, tensorboard_log, wandb_log
from slmlib.training.optimizers import build_optimizer
from slmlib.training.schedules import build_scheduler, descent_begin, learning_rate, with_descent_of
from slmlib.training.speed import compiled_run_block
from slmlib.training.trainer import spread
from tests.training.conftest import CPU


def rates(**changes) -> list[float]:
    config = TrainConfig(**dict(total_steps=100, warmup_fraction=0.1, learning_rate=1e-3) | changes)
    return [learning_rate(step, config) for step in range(100)]


@pytest.mark.parametrize("schedule", ["cosine", "linear", "wsd", "constant"])
def test_schedules_rise_hold_and_end_where_they_should(schedule):
    found = rates(schedule=schedule, min_learning_rate=1e-4, decay_fraction=0.3)
    assert found[0] == pytest.approx(1e-3 / 11)
    assert all(earlier < later for earlier, later in itertools.pairwise(found[:11]))
    assert max(found) == pytest.approx(1e-3)
    assert found[-1] == pytest.approx(1e-3 if schedule == "constant" else 1e-4)
    assert all(earlier >= later for earlier, later in itertools.pairwise(found[10:]))


def test_wsd_is_flat_until_the_decay():
    found = rates(schedule="wsd", decay_fraction=0.3)
    assert set(found[10:70]) == {1e-3}
    assert found[71] < 1e-3


@pytest.mark.parametrize("schedule", ["cosine", "linear"])
def test_the_descent_is_that_of_transformers(schedule):
    """transformers ends one step after the last one and starts the warm-up at 0; in between the curves agree."""
    from transformers import get_cosine_schedule_with_warmup, get_linear_schedule_with_warmup

    build = {"cosine": get_cosine_schedule_with_warmup, "linear": get_linear_schedule_with_warmup}[schedule]
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1e-3)
    scheduler = build(optimizer, num_warmup_steps=10, num_training_steps=99)
    theirs = []
    for _ in range(100):
        theirs.append(scheduler.get_last_lr()[0])
        optimizer.step()
        scheduler.step()
    assert rates(schedule=schedule)[10:] == pytest.approx(theirs[10:], abs=1e-12)


def test_decay_touches_exactly_the_matrices(world):
    model = Decoder(world.model_config.change(dict(norm_gain=True, qkv_bias=True, ffn_bias=True)))
    groups = build_optimizer(model, world.config(weight_decay=0.3)).param_groups
    decayed = {id(parameter) for group in groups if group["weight_decay"] for parameter in group["params"]}
    assert [group["weight_decay"] for group in groups] == [0.3, 0.3, 0.0]
    for name, parameter in model.named_parameters():
        assert (id(parameter) in decayed) == name.endswith("weight"), name
    assert sum(len(group["params"]) for group in groups) == len(list(model.parameters()))


def test_the_tables_learn_faster_by_their_factor_and_the_scheduler_of_torch_keeps_it(world):
    model = Decoder(world.model_config.change(dict(position="learned", tie_embeddings=False)), seed=0)
    trainer = world.trainer("factor", model=model, embedding_rate_factor=5.0)
    scheduler = build_scheduler(build_optimizer(model, trainer.config), trainer.config)
    for step in range(3):
        trainer.train_step(learning_rate(step, trainer.config))
        trainer.step += 1
        rates_now = [group["lr"] for group in trainer.optimizer.param_groups]
        assert rates_now == pytest.approx(scheduler.get_last_lr())
        assert rates_now[0] == pytest.approx(5 * rates_now[1])
        scheduler.optimizer.step()
        scheduler.step()
    fast = {id(parameter) for parameter in trainer.optimizer.param_groups[0]["params"]}
    assert {name for name, p in model.named_parameters() if id(p) in fast} == {
        "embedding.weight",
        "position_embedding.weight",
        "head.weight",
    }


def test_one_step_is_adamw_by_hand(world):
    """Loshchilov and Hutter 2019, algorithm 2, in float64."""
    trainer = world.trainer("adamw", weight_decay=0.1, gradient_clip=0.0)
    inputs, targets = trainer.batch(0)
    model = Decoder(world.model_config, seed=0).eval()
    trainer.model.dropout.p = 0.0
    for block in trainer.model.blocks:
        block.dropout.p = 0.0
        block.attention.config = world.model_config.change(dict(dropout=0.0))
    model.loss(inputs, targets).backward()
    expected = {}
    for name, parameter in model.named_parameters():
        gradient = parameter.grad.double()
        mean, square = 0.1 * gradient, 0.05 * gradient**2
        step = (mean / (1 - 0.9)) / ((square / (1 - 0.95)).sqrt() + 1e-8)
        decay = 0.1 if parameter.dim() >= 2 else 0.0
        expected[name] = parameter.double() * (1 - 1e-2 * decay) - 1e-2 * step
    trainer.train_step(rate=1e-2)
    for name, parameter in trainer.model.named_parameters():
        # Near a gradient of 0 AdamW divides noise by noise; elsewhere the two agree closely.
        close = torch.isclose(parameter.double(), expected[name], atol=1e-5).float().mean()
        assert close > 0.999, name


@pytest.mark.parametrize("micro_batch_size", [1, 2])
def test_accumulated_micro_batches_equal_one_batch(world, micro_batch_size):
    config = world.model_config.change(dict(dropout=0.0))
    gradients = []
    for size in (4, micro_batch_size):
        trainer = world.trainer(f"micro{size}", model=Decoder(config, seed=0), micro_batch_size=size)
        kept: dict[str, torch.Tensor] = {}
        trainer.optimizer.register_step_pre_hook(
            lambda *_, kept=kept, trainer=trainer: kept.update(
                {name: parameter.grad.clone() for name, parameter in trainer.model.named_parameters()}
            )
        )
        loss, norm = trainer.train_step(rate=1e-2)
        gradients.append((kept, loss, norm))
    (whole, loss, norm), (parts, parts_loss, parts_norm) = gradients
    assert parts_loss == pytest.approx(loss, abs=1e-6)
    assert parts_norm == pytest.approx(norm, abs=1e-6)
    assert max((whole[name] - parts[name]).abs().max().item() for name in whole) < 1e-6


def test_the_gradient_is_clipped_to_its_limit(world):
    trainer = world.trainer("clipped", gradient_clip=0.01)
    norms: list[float] = []
    trainer.optimizer.register_step_pre_hook(
        lambda *_: norms.append(math.hypot(*(p.grad.norm().item() for p in trainer.model.parameters())))
    )
    _, before = trainer.train_step(rate=1e-2)
    assert before > 0.1
    assert norms[0] == pytest.approx(0.01, rel=1e-3)


def test_it_learns_one_batch_by_heart(world, monkeypatch):
    model = Decoder(world.model_config.change(dict(dropout=0.0)), seed=0)
    trainer = world.trainer("heart", model=model, weight_decay=0.0)
    batch = trainer.batch(0)
    monkeypatch.setattr(trainer, "batch", lambda step, ranks: batch)
    losses = [trainer.train_step(rate=1e-2)[0] for _ in range(150)]
    assert losses[0] > 5
    assert losses[-1] < 0.1


def test_training_beats_what_frequencies_alone_reach(world):
    """The unigram floor: a model that has learned no context cannot go below it."""
    counts = torch.bincount(torch.from_numpy(world.train.tokens.astype("int64")), minlength=280) + 1e-9
    frequencies = counts / counts.sum()
    valid = torch.from_numpy(world.valid.tokens.astype("int64"))
    unigram = -frequencies.log()[valid[1:]].mean().item()
    model = Decoder(world.model_config.change(dict(dropout=0.0)), seed=0)
    evaluation = world.trainer("learns", model=model, total_steps=120).run()
    assert evaluation.loss < 0.7 * unigram


def test_bfloat16_follows_float32(world):
    losses = {}
    for dtype in ("float32", "bfloat16"):
        trainer = world.trainer(dtype, dtype=dtype, total_steps=30)
        trainer.device = Device("cpu", "test", dtype, "test")
        trainer.run()
        losses[dtype] = series(read_log(trainer.folder / "log.jsonl"), "step", "loss")[1]
    assert losses["float32"] != losses["bfloat16"]
    assert losses["bfloat16"] == pytest.approx(losses["float32"], abs=0.05)
    assert all(p.dtype is torch.float32 for p in trainer.model.parameters())


def test_float16_scales_its_loss_and_the_scale_survives_a_checkpoint(world):
    def trainer_of(name, resume=None):
        trainer = world.trainer(name, resume=resume, dtype="float16", total_steps=6, checkpoints=6)
        trainer.device = Device("cpu", "test", "float16", "test")
        return trainer

    whole = trainer_of("half")
    whole.scaler._growth_interval = 2  # so that the scale moves within the run
    whole.run()
    checkpoint = load_checkpoint(step_folder(whole.folder / "checkpoints", 3))
    assert checkpoint.progress.scaler["scale"] > 65536
    resumed = trainer_of("half-resumed", checkpoint)
    resumed.run()
    assert resumed.scaler.state_dict() == whole.scaler.state_dict()
    assert torch.equal(resumed.model.embedding.weight, whole.model.embedding.weight)


@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor")  # torch looks at it while tracing
def test_a_compiled_run_takes_the_same_steps(world, monkeypatch):
    """The real compiler takes a minute to start; its tracing front end, which could change the maths, does not."""
    compiled_calls: list[object] = []
    real = torch.compile

    def tracing_only(function, **options):
        compiled_calls.append(function)
        return real(function, backend="aot_eager", **options)

    monkeypatch.setattr(torch, "compile", tracing_only)
    compiled_run_block.cache_clear()
    losses = []
    for compiled in ("off", "on"):
        model = Decoder(world.model_config.change(dict(dropout=0.0)), seed=0)
        trainer = world.trainer(f"compiled-{compiled}", model=model, compile=compiled, total_steps=4)
        trainer.run()
        losses.append(series(read_log(trainer.folder / "log.jsonl"), "step", "loss")[1])
    compiled_run_block.cache_clear()
    assert len(compiled_calls) == 1
    assert losses[1] == pytest.approx(losses[0], abs=1e-5)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_loss_that_is_no_number_stops_with_the_last_good_state_saved(world, monkeypatch, value):
    trainer = world.trainer("broken")
    sound = trainer.loss_of
    monkeypatch.setattr(trainer, "loss_of", lambda *b: sound(*b) * (value if trainer.step == 5 else 1.0))
    with pytest.raises(TrainingError, match=r"Step 5: the loss is (nan|inf).*learning rate"):
        trainer.run()
    checkpoint = newest_checkpoint(trainer.folder / "checkpoints")
    assert checkpoint.progress.step == 5
    assert all(tensor.isfinite().all() for tensor in checkpoint.model.state_dict().values())
    world.trainer("broken", resume=checkpoint).run()  # the same steps without the fault go through


def test_measurements_and_checkpoints_are_spread_over_the_run_and_include_its_end():
    assert spread(100, 4) == {25, 50, 75, 100}
    assert spread(3, 8) == {1, 2, 3}
    assert max(spread(7, 3)) == 7


def test_the_log_forgets_what_will_be_done_again_and_a_torn_line(tmp_path):
    log = JsonlLog(tmp_path / "log.jsonl")
    for step in range(5):
        log({"event": "step", "step": step, "loss": float(step)})
    with open(log.path, "ab") as file:
        file.write(b'{"event": "step", "st')
    JsonlLog(log.path, step=2)
    assert series(read_log(log.path), "step", "loss") == ([0, 1, 2], [0.0, 1.0, 2.0])


@pytest.mark.parametrize("kind", ["story", "evaluation"])
def test_an_attempt_that_left_no_checkpoint_is_forgotten(world, kind):
    """A new run, maybe of another model, must not begin with the loss of the old one."""

    def fail(event):
        if event["event"] == kind:
            raise KeyError

    with pytest.raises(KeyError):
        world.trainer("again", observers=(fail,)).run()
    trainer = world.trainer("again")
    trainer.run()
    events = read_log(trainer.folder / "log.jsonl")
    assert [event["event"] for event in events].count("start") == 1
    assert series(events, "evaluation", "loss")[0] == [0, 4, 8, 12]
    assert (world.trainer("another").last_saved, trainer.last_saved) == (-1, 12)


def test_a_number_that_json_does_not_have_is_null(tmp_path):
    """float16's scaler leaves out a step whose gradient overflowed; its norm is infinite."""
    log = JsonlLog(tmp_path / "log.jsonl")
    for step, norm in enumerate((0.5, math.inf, math.nan)):
        log({"event": "step", "step": step, "gradient_norm": norm})
    text = log.path.read_text()
    assert json.loads(text.splitlines()[1], parse_constant=pytest.fail)["gradient_norm"] is None
    steps, norms = series(read_log(log.path), "step", "gradient_norm")
    assert steps == [0, 1, 2]
    assert norms[0] == 0.5
    assert all(map(math.isnan, norms[1:]))


def test_tensorboard_forgets_steps_that_are_done_again(tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    for begins, ends in ((0, 6), (3, 5)):
        observe = tensorboard_log(tmp_path, begins)
        for step in range(begins + 1, ends + 1):
            observe({"event": "step", "step": step, "loss": float(step)})
        observe({"event": "end", "step": ends, "finished": True})
    accumulator = EventAccumulator(str(tmp_path))
    accumulator.Reload()
    assert [scalar.step for scalar in accumulator.Scalars("step/loss")] == [1, 2, 3, 4, 5]


def test_tensorboard_forgets_an_attempt_that_left_no_checkpoint(tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    for loss in (5.0, 4.0):
        observe = tensorboard_log(tmp_path, -1)
        observe({"event": "evaluation", "step": 0, "loss": loss})
        observe({"event": "end", "step": 0, "finished": False})
    accumulator = EventAccumulator(str(tmp_path))
    accumulator.Reload()
    assert [scalar.value for scalar in accumulator.Scalars("evaluation/loss")] == [4.0]


def test_tensorboard_and_wandb_get_the_same_numbers(world, monkeypatch):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_SILENT", "true")
    folder = world.folder / "logged"
    folder.mkdir()
    observers = (tensorboard_log(folder / "tensorboard"), wandb_log(folder, {"seed": 0}))
    world.trainer("logged", observers=observers).run()
    losses = series(read_log(folder / "log.jsonl"), "step", "loss")[1]
    accumulator = EventAccumulator(str(folder / "tensorboard"))
    accumulator.Reload()
    assert [scalar.value for scalar in accumulator.Scalars("step/loss")] == pytest.approx(losses)
    drawn = accumulator.Tags()["scalars"]
    assert "evaluation/bits_per_byte" in drawn
    assert not [name for name in drawn if name.endswith(("/seconds", "/step", "/finished"))]
    assert list(folder.glob("wandb/offline-run-*/*.wandb"))


def test_what_a_run_tells_its_observers(world):
    events: list[dict] = []
    world.trainer("told", observers=(events.append,), total_steps=4, evaluations=2, checkpoints=1).run()
    kinds = [event["event"] for event in events]
    expected = ["start", "story", "evaluation", "checkpoint"]  # before the first step
    expected += ["step", "step", "evaluation", "checkpoint"] * 2 + ["story", "end"]
    assert kinds == expected
    assert CPU.name in events[0]["device"]


class Clock:
    """Stands in for the time module: it moves only when it is told to."""

    def __init__(self):
        self.now = 1000.0

    def perf_counter(self) -> float:
        return self.now


def timed_run(world, monkeypatch, pace: float | Iterator[float], name: str, observers=(), **changes):
    """A run of 40 steps planned for 40 s, each of which takes `pace` seconds, a measurement 2; where it ended."""
    clock = Clock()
    monkeypatch.setattr(trainer_module, "time", clock)
    events: list[dict] = []
    values = dict(total_steps=40, schedule="wsd", decay_fraction=0.5, evaluations=4, checkpoints=4) | changes
    trainer = world.trainer(
        name, observers=(events.append, *observers), deadline=1000.0 + 40 + 5 * 2, **values
    )
    step, evaluate = trainer.train_step, trainer.evaluate

    def slow_step(rate):
        clock.now += pace if isinstance(pace, float) else next(pace)
        return step(rate)

    def slow_evaluate(stop=None):
        clock.now += 2.0
        evaluate(stop)

    trainer.train_step, trainer.evaluate = slow_step, slow_evaluate
    trainer.run()
    return trainer, events, clock.now - 1000.0


@pytest.mark.parametrize("pace", [0.5, 1.0, 1.2, 1.6])
def test_a_budget_is_kept_at_whatever_pace(world, monkeypatch, pace):
    trainer, events, seconds = timed_run(world, monkeypatch, pace, f"pace-{pace}")
    assert 50 - 2 - pace <= seconds <= 50
    assert trainer.finished
    assert trainer.history[-1]["step"] == trainer.step == trainer.config.total_steps
    (plan,) = [event for event in events if event["event"] == "plan"]
    assert (plan["step"], plan["planned"], plan["total_steps"]) == (20, 40, trainer.step)
    rates = [event["learning_rate"] for event in events if event["event"] == "step"]
    assert rates[:21] == [
        learning_rate(step, world.config(total_steps=40, schedule="wsd")) for step in range(21)
    ]
    falls = {round(earlier - later, 12) for earlier, later in itertools.pairwise(rates[20:])}
    assert len(falls) == 1, "the descent is one straight line"
    assert rates[-1] == 0.0


def test_a_budget_that_is_gone_still_descends(world, monkeypatch):
    trainer, _, _ = timed_run(world, monkeypatch, 5.0, "gone")
    assert trainer.step == 25, "a quarter of the 20 steps before it"


def test_what_a_machine_does_once_it_is_warm_counts(world, monkeypatch):
    paces = itertools.chain(itertools.repeat(1.0, 10), itertools.repeat(1.5))
    _, _, seconds = timed_run(world, monkeypatch, paces, "warm")
    assert 50 - 2 - 1.5 <= seconds <= 50


@pytest.mark.parametrize("schedule", ["linear", "cosine", "constant"])
def test_other_schedules_keep_their_steps(world, monkeypatch, schedule):
    trainer, events, _ = timed_run(world, monkeypatch, 1.6, schedule, schedule=schedule)
    assert trainer.step == 40
    assert not [event for event in events if event["event"] == "plan"]


@pytest.mark.parametrize("place", [20, 23])
def test_a_corrected_run_that_broke_off_goes_on_with_the_steps_it_then_had(world, monkeypatch, place):
    """Killed at once after the correction, or stopped later: the run that goes on is told nothing of the clock."""

    def stop(event):
        if event["event"] == "step" and event["step"] == 23:
            signal.raise_signal(signal.SIGINT)

    whole, _, _ = timed_run(world, monkeypatch, 1.6, "whole")
    stopped, _, _ = timed_run(world, monkeypatch, 1.6, "stopped", observers=(stop,))
    monkeypatch.undo()
    assert (stopped.step, stopped.finished) == (23, False)
    checkpoint = load_checkpoint(step_folder(stopped.folder / "checkpoints", place))
    decided = checkpoint.progress.decided.to_dict()
    resumed = world.trainer("stopped", resume=checkpoint, deadline=0.0, **decided)
    resumed.run()
    assert resumed.config == whole.config
    assert resumed.step == whole.step < 40
    assert all(map(torch.equal, resumed.model.parameters(), whole.model.parameters()))


@pytest.mark.parametrize("steps", [1, 7, 50, 4000])
@pytest.mark.parametrize(("warmup", "decay"), [(0.02, 0.5), (0.0, 0.2), (0.02, 0.98), (0.3, 0.7)])
def test_another_descent_leaves_the_rates_before_it(warmup, decay, steps):
    config = TrainConfig(total_steps=100, schedule="wsd", warmup_fraction=warmup, decay_fraction=decay)
    changed = with_descent_of(config, steps)
    begin = descent_begin(config)
    assert changed.total_steps == begin + steps
    assert descent_begin(changed) == begin
    before = [[learning_rate(step, one) for step in range(begin)] for one in (config, changed)]
    assert before[0] == before[1]
    assert learning_rate(begin + steps - 1, changed) == (0.0 if steps > 1 else config.learning_rate)
