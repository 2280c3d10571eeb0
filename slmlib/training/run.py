"""From a wish to a run: prepare the data, decide once what changes numbers, start or go on.

A run lives in one folder: `log.jsonl`, `checkpoints/`, `loss.png`, and a README.md that says so. Asking for the same
run again goes on where it stopped; asking for another one under the same name is refused.
"""

import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import psutil
import torch

from slmlib.config import LanguageModelConfig, TrainConfig
from slmlib.devices import Device, choose_device
from slmlib.errors import CheckpointError, ConfigError, TrainingError
from slmlib.evaluation import Evaluation
from slmlib.files import explain_os_errors, write_json
from slmlib.model.build import build_model
from slmlib.model.counts import flops_per_token, training_memory
from slmlib.ranks import ALONE, Ranks, largest_divisor, together
from slmlib.text.prepare import PreparedData, prepare
from slmlib.text.tokenizer import gpt2
from slmlib.training.checkpoint import Checkpoint, newest_checkpoint, restore_replaced
from slmlib.training.faults import is_out_of_memory
from slmlib.training.logs import Observer, tensorboard_log, wandb_log
from slmlib.training.pace import seconds_of_a_step
from slmlib.training.readme import write_readme
from slmlib.training.selftest import require_healthy
from slmlib.training.speed import MOST_LOGITS, PRODUCT_RATE, choose_tricks, seconds_of_steps
from slmlib.training.trainer import Trainer

SMALLEST_TEXT = 10 * 10**6
"""Bytes of text that even the shortest run asks for: enough for a tokenizer and an honest validation set."""

EVALUATION_SHARE = 0.08
"""At most this share of a time budget goes into measuring the validation set."""

FORWARD_SHARE = 0.5
"""Time of a forward pass in measuring as a share of a training step: one of three equal products, not compiled."""

MEASURING_SHARE = 0.03
"""At most this share of a time budget goes into measuring how long a step takes, after the first one."""

MEASURED_STEPS = 25
"""More than so many are not tried for it."""

CLOSING_SHARE, CLOSING_SECONDS = 0.01, 2.0
"""What is kept of a time budget for checkpoints and stories."""


@dataclass(frozen=True)
class Wish:
    """What a person asks for: everything a new run needs to know."""

    model: LanguageModelConfig
    train: TrainConfig
    folder: Path
    corpus: str = "auto"
    tokenizer: str = "own"


@dataclass(frozen=True)
class Result:
    """What came of it."""

    evaluation: Evaluation
    finished: bool
    """False after Ctrl-C: the same command goes on."""
    trained_now: bool
    """False when the run had been finished before."""
    trainer: Trainer


def start_or_resume(
    wish: Wish,
    observers: tuple[Observer, ...] = (),
    say: Callable[[str], None] = print,
    progress: bool = True,
    started: float = 0.0,
) -> Result:
    """Train what was wished for, from the newest good checkpoint in its folder if there is one.

    started: when the time budget began, in seconds of time.perf_counter; 0 means now. Started by torchrun, the
    processes train together (`slmlib.ranks`) and only the first speaks.
    Raises SlmError in one sentence when the folder holds another run, the corpus cannot be used, the
    memory will not do, or the training breaks down.
    """
    started = started or time.perf_counter()
    with together() as ranks:
        if not ranks.is_first:
            return _start_or_resume(wish, (), lambda _: None, False, started, ranks)
        with only_process_in(wish.folder):
            return _start_or_resume(wish, observers, say, progress, started, ranks)


def _start_or_resume(
    wish: Wish,
    observers: tuple[Observer, ...],
    say: Callable[[str], None],
    progress: bool,
    started: float,
    ranks: Ranks,
) -> Result:
    checkpoints = wish.folder / "checkpoints"
    with ranks.first_goes_first():
        if ranks.is_first:
            restore_replaced(checkpoints)
        checkpoint = newest_checkpoint(checkpoints, say)
    decided = checkpoint.progress.decided if checkpoint else wish.train
    share = ranks.share(decided.batch_size, 1 if checkpoint else decided.micro_batch_size or 1)
    because = "as this run began" if checkpoint and wish.train.dtype == "auto" else "asked for"
    device = choose_device(decided.device, decided.dtype, because)
    say(f"Device: {device}")
    if ranks.world_size > 1:
        say(f"Processes: {ranks.world_size}, each with {share} of a batch's {decided.batch_size} windows.")
    if checked := require_healthy(decided, device):
        say(checked)
    decided = fit_memory(wish.model, decided, device, say, may_halve=checkpoint is None, ranks=ranks)
    with ranks.first_goes_first():
        data = prepare_data(wish, device, progress)
    say(f"Corpus: {data.corpus_name}. {data.corpus_why}")
    if data.tokenizer.vocab_size != wish.model.vocab_size:
        say(
            f"This text has only {data.tokenizer.vocab_size:,} tokens to learn, not {wish.model.vocab_size:,}."
        )
        wish = replace(wish, model=wish.model.change({"vocab_size": data.tokenizer.vocab_size}))
    if checkpoint is None:
        decided = ranks.from_first(decide(replace(wish, train=decided), data, device, say, started, ranks))
        model = build_model(wish.model, seed=wish.train.seed)
    else:
        require_same_run(checkpoint, wish)
        say(f"Going on from step {checkpoint.progress.step} in {checkpoint.folder}.")
        model = checkpoint.model
    folder = wish.folder
    if decided.tensorboard and ranks.is_first:
        observers = (*observers, tensorboard_log(folder / "tensorboard"))
    if decided.wandb and ranks.is_first:
        observers = (
            *observers,
            wandb_log(folder, {"model": wish.model.to_dict(), "train": decided.to_dict()}),
        )
    if ranks.is_first:
        write_readme(wish, decided, data.corpus_name)
    trainer = Trainer(
        model.to(device.type),
        data.tokenizer,
        data.train,
        data.valid,
        decided,
        device,
        folder,
        asked=wish.train,
        resume=checkpoint,
        observers=observers,
        ranks=ranks,
    )
    ranks.require_same(f"{trainer.step} steps done, data {data.train.info.sha256[:12]}, {device.dtype}")
    trained_now = not (trainer.history and trainer.finished)
    evaluation = trainer.run() if trained_now else trainer.last_evaluation
    return Result(evaluation, trainer.finished, trained_now, trainer)


def prepare_data(wish: Wish, device: Device, progress: bool = True) -> PreparedData:
    """Cleaned, tokenized streams for this wish: as much text as the budget can read, made once and cached."""
    return prepare(
        wish.corpus,
        vocab_size=wish.model.vocab_size,
        max_bytes=text_budget(wish.model, wish.train, device),
        tokenizer=gpt2() if wish.tokenizer == "gpt2" else None,
        progress=progress,
    )


def text_budget(model: LanguageModelConfig, train: TrainConfig, device: Device) -> int:
    """About how many bytes of text a run can read once: no use downloading more. Between 10 MB and 3 GB.

    Counts 4 bytes a token, and a device that does its matrix products at a rate typical of its kind.
    """
    tokens = train.total_steps * train.batch_size * model.context_length
    tokens = tokens or int(train.minutes * 60 * PRODUCT_RATE[device.type] / flops_per_token(model))
    megabytes = min(3000, tokens * 4 // 10**6)
    return max(SMALLEST_TEXT, megabytes * 10**6)


def decide(
    wish: Wish,
    data: PreparedData,
    device: Device,
    say: Callable[[str], None] = print,
    started: float = 0.0,
    ranks: Ranks = ALONE,
) -> TrainConfig:
    """Replace every `auto` and 0 by a number, once: a resumed run repeats these instead of measuring again.

    started: when the time budget began, in seconds of time.perf_counter; 0 means now. What was spent since then,
    and what measuring and compiling take here, is no longer there for training. With several ranks each measures
    its own speed; what the first decides holds.
    """
    started = started or time.perf_counter()
    budget = wish.train.minutes * 60
    decided = replace(
        wish.train,
        device=device.type,
        dtype=device.dtype,
        threads=wish.train.threads or torch.get_num_threads(),
        micro_batch_size=wish.train.micro_batch_size or ranks.share(wish.train.batch_size),
    )
    seconds = (
        seconds_of_steps(wish.model, decided, device)
        if decided.total_steps
        else max(0.0, budget - (time.perf_counter() - started))
    )
    decided, told = choose_tricks(wish.model, decided, device, ranks.least(seconds))
    say(told)
    if decided.total_steps and device.type == "cpu":
        return decided
    # On a GPU also for what memory really does: the estimate leaves out the framework's own share.
    decided, step_seconds = try_step(wish, decided, data, device, say, ranks)
    if decided.total_steps:
        return decided
    tokens_per_second = decided.batch_size * wish.model.context_length / step_seconds
    evaluation_seconds = FORWARD_SHARE * len(data.valid) / tokens_per_second
    affordable = int(EVALUATION_SHARE * budget / evaluation_seconds) - 1  # one more comes before step 0
    evaluations = max(1, min(decided.evaluations, affordable))
    left = budget * (1 - CLOSING_SHARE) - CLOSING_SECONDS - (time.perf_counter() - started)
    # However slow the machine, half of the time belongs to training.
    seconds = max(budget / 2, left - (evaluations + 1) * evaluation_seconds)
    return replace(decided, total_steps=max(20, int(seconds / step_seconds)), evaluations=evaluations)


def try_step(
    wish: Wish,
    config: TrainConfig,
    data: PreparedData,
    device: Device,
    say: Callable[[str], None],
    ranks: Ranks = ALONE,
) -> tuple[TrainConfig, float]:
    """Seconds of a training step, and the config with the micro-batch halved as often as memory ran out.

    Each rank tries its share alone first: the others would wait for ever for one whose memory runs out.
    """
    share = ranks.share(config.batch_size)
    while True:
        tried, shortage = replace(config, total_steps=config.total_steps or 1000), None
        alone = ranks.world_size == 1
        try:
            steps = MEASURED_STEPS if alone else 2  # two are enough to see what memory they take
            seconds = measure_step(wish, replace(tried, batch_size=share), data, device, ALONE, steps)
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            shortage = error
        if not ranks.any(shortage is not None):
            return config, seconds if alone else measure_step(wish, tried, data, device, ranks)
        size = config.micro_batch_size
        if size == 1:
            raise ConfigError(
                "This model does not fit into memory even with one window at a time.",
                "Use a smaller preset or a shorter --context-length, or close other programs.",
            ) from shortage
        smaller = largest_divisor(share, size // 2)
        say(
            f"A micro-batch of {size} windows does not fit into memory; {smaller} at a time from now on, "
            "with the same batch and the same result up to rounding."
        )
        config = replace(config, micro_batch_size=smaller)
        del shortage  # its frames hold the tensors that were too many
        if device.type == "cuda":
            torch.cuda.empty_cache()


def measure_step(
    wish: Wish,
    config: TrainConfig,
    data: PreparedData,
    device: Device,
    ranks: Ranks = ALONE,
    steps: int = MEASURED_STEPS,
) -> float:
    """Seconds of a training step, tried on a throw-away model: the real one is not touched."""
    patience = MEASURING_SHARE * config.minutes * 60
    model = build_model(wish.model, seed=0).to(device.type)
    trainer = Trainer(model, data.tokenizer, data.train, data.valid, config, device, wish.folder, ranks=ranks)
    return seconds_of_a_step(trainer, steps, patience)


@contextmanager
def only_process_in(folder: Path) -> Iterator[None]:
    """Refuse to train in a folder in which another living process trains; a dead one's claim does not count."""
    claim = folder / "running.json"
    me = {"pid": os.getpid(), "started": psutil.Process().create_time()}
    other = _living_owner(claim)
    if other is not None and other != me:
        raise TrainingError(
            f"Process {other['pid']} is training in {folder} right now.",
            "Wait for it, stop it with Ctrl-C, or give the new run another name (--run, RUN=).",
        )
    write_json(claim, me)
    try:
        yield
    finally:
        claim.unlink(missing_ok=True)
        if not any(folder.iterdir()):
            folder.rmdir()  # a wish that could not even begin leaves nothing behind


def _living_owner(claim: Path) -> dict[str, float] | None:
    """Who claims a folder and is alive; None for a dead process's claim, and for one that cannot be read."""
    with explain_os_errors(claim):
        if not claim.is_file():
            return None
        content = claim.read_bytes()
    try:
        other = json.loads(content)
        started = psutil.Process(other["pid"]).create_time()
        return {"pid": other["pid"], "started": started} if started == other["started"] else None
    except (KeyError, TypeError, ValueError, OverflowError, psutil.Error):
        return None


def require_same_run(checkpoint: Checkpoint, wish: Wish) -> None:
    """Refuse to go on with a run that was started with other values; the first three are named."""
    started = checkpoint.model.config.to_dict() | checkpoint.progress.asked.to_dict()
    wished = wish.model.to_dict() | wish.train.to_dict()
    different = [
        f"{name} {started[name]} (now {wished[name]})"
        for name in started
        if started[name] != wished.get(name)
    ]
    if different:
        raise CheckpointError(
            f"The run in {wish.folder} was started with {', '.join(different[:3])}.",
            "Ask for the same values to go on with it, or give the new run another name (--run, RUN=).",
        )


def fit_memory(
    model: LanguageModelConfig,
    train: TrainConfig,
    device: Device,
    say: Callable[[str], None],
    may_halve: bool = True,
    ranks: Ranks = ALONE,
) -> TrainConfig:
    """Say what the training will need, before anything is allocated; make an open micro-batch fit.

    may_halve: whether the micro-batch may still be decided. Ranks go by the one with the least memory; those on one
    machine's processor share its memory. Raises ConfigError when the device cannot hold it.
    """
    free = int(ranks.least(device.memory() // (1 if device.type == "cuda" else ranks.local_world_size)))
    share = ranks.share(train.batch_size)
    size = min(share, train.micro_batch_size or share)
    needed = _needed(model, train, size, device)
    say(f"Memory: at least {_size(needed)} needed, {_size(free)} free.")
    if needed <= free:
        return train
    smaller = size
    while (
        may_halve
        and train.micro_batch_size == 0
        and smaller > 1
        and _needed(model, train, smaller, device) > free
    ):
        smaller = largest_divisor(share, smaller // 2)
    if smaller == size or _needed(model, train, smaller, device) > free:
        advice = f", or --micro-batch-size {max(1, size // 4)}" if size > 1 else ""
        raise ConfigError(
            f"Training this model needs at least {_size(needed)}, but {_size(free)} are free on {device.name}.",
            f"Use a smaller preset{advice}, or close other programs.",
        )
    say(f"A batch of {size} windows does not fit into memory; {smaller} at a time go through the model.")
    return replace(train, micro_batch_size=smaller)


def _needed(model: LanguageModelConfig, train: TrainConfig, micro_batch_size: int, device: Device) -> int:
    mixed, at_once = device.dtype != "float32", MOST_LOGITS[device.type] if train.chunked_loss else 0
    return training_memory(model, micro_batch_size, mixed, train.optimizer, at_once).total


def _size(number: int) -> str:
    return f"{number / 1e9:.1f} GB" if number >= 10**8 else f"{max(1, number // 10**6)} MB"
