"""From a wish to a run: prepare the data, decide what changes numbers, start or go on.

A run lives in one folder: `log.jsonl`, `checkpoints/`, `loss.png`, and a README.md that says so. Asking for the same
run again goes on where it stopped; asking for another one under the same name is refused.
"""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import torch

from slmlib.config import LanguageModelConfig, TrainConfig
from slmlib.devices import Device, choose_device, set_threads
from slmlib.errors import CheckpointError, ConfigError
from slmlib.evaluation import Evaluation
from slmlib.model.build import build_model
from slmlib.ranks import ALONE, Ranks, largest_divisor, together
from slmlib.text.gpt2 import GPT2_VOCAB_SIZE
from slmlib.text.prepare import PreparedData, prepare
from slmlib.text.tokenizer import gpt2
from slmlib.training.budget import (
    FEWEST_STEPS,
    SMALLEST_TEXT,
    deadline_of,
    share_budget,
    storyworld_budget,
    text_budget,
)
from slmlib.training.checkpoint import Checkpoint, newest_checkpoint, restore_replaced
from slmlib.training.claim import only_process_in
from slmlib.training.faults import is_out_of_memory
from slmlib.training.fitting import fit_memory
from slmlib.training.logs import Observer, tensorboard_log, wandb_log
from slmlib.training.pace import seconds_of_a_step
from slmlib.training.readme import write_readme
from slmlib.training.selftest import require_healthy
from slmlib.training.speed import choose_tricks, seconds_of_steps
from slmlib.training.trainer import Trainer

FORWARD_SHARE = 0.5
"""Time of a forward pass in measuring as a share of a training step: one of three equal products, not compiled."""

MEASURING_SHARE = 0.03
"""At most this share of a time budget goes into measuring how long a step takes, after the first one."""

MEASURED_STEPS = 25
"""More than so many are not tried for it."""


@dataclass(frozen=True)
class Wish:
    """What a person asks for: everything a new run needs to know."""

    model: LanguageModelConfig
    train: TrainConfig
    folder: Path
    corpus: str = "auto"
    tokenizer: str = "own"
    """`own`: learned from the corpus. `gpt2`: the published one, whose size the model then has."""

    def __post_init__(self) -> None:
        if self.tokenizer == "gpt2" and self.model.vocab_size != GPT2_VOCAB_SIZE:
            raise ConfigError(
                f"This preset reads GPT-2's {GPT2_VOCAB_SIZE:,} tokens, not {self.model.vocab_size:,}.",
                "Leave out --vocab-size, or take another preset, whose tokens are learned from the text.",
            )


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
    if checkpoint is not None:
        # Before minutes of work. The size of the vocabulary is compared later, because the text decides it.
        require_same_run(checkpoint, wish, ignore="vocab_size")
    train = checkpoint.progress.decided if checkpoint else wish.train
    share = ranks.share(train.batch_size, 1 if checkpoint else train.micro_batch_size or 1)
    because = "as this run began" if checkpoint and wish.train.dtype == "auto" else "asked for"
    set_threads(train.threads)  # the device tells how many there are
    device = choose_device(train.device, train.dtype, because)
    say(f"Device: {device}")
    if ranks.world_size > 1:
        say(f"Processes: {ranks.world_size}, each with {share} of a batch's {train.batch_size} windows.")
    if checked := require_healthy(train, device):
        say(checked)
    train = fit_memory(wish.model, train, device, say, may_halve=checkpoint is None, ranks=ranks)
    with ranks.first_goes_first():
        data = prepare_data(replace(wish, corpus=corpus_of(wish, checkpoint)), device, progress)
    say(f"Corpus: {data.corpus_name}. {data.corpus_why}")
    # Refuses a text that is too short before anything is saved.
    data.train.windows_per_epoch(wish.model.context_length)
    if data.tokenizer.vocab_size != wish.model.vocab_size:
        say(
            f"This text yields only {data.tokenizer.vocab_size:,} different tokens, so the vocabulary is that small, "
            f"not {wish.model.vocab_size:,}."
        )
        wish = replace(wish, model=wish.model.change({"vocab_size": data.tokenizer.vocab_size}))
    if checkpoint is None:
        train = ranks.from_first(decide(replace(wish, train=train), data, device, say, started, ranks))
        model = build_model(wish.model, seed=wish.train.seed)
    else:
        require_same_run(checkpoint, wish)
        say(f"Going on from step {checkpoint.progress.step} in {checkpoint.folder}.")
        model = checkpoint.model
    trainer = Trainer(
        model.to(device.type),
        data.tokenizer,
        data.train,
        data.valid,
        train,
        device,
        wish.folder,
        asked=wish.train,
        deadline=deadline_of(wish.train, started, time.perf_counter()),
        resume=checkpoint,
        observers=observers,
        ranks=ranks,
    )
    # Not before: a run that would go on with another text is refused by the trainer, and stays as it was.
    if ranks.is_first:
        write_readme(wish, train, data.corpus_name)
        trainer.observers += extra_logs(wish, train, trainer.last_saved)
    ranks.require_same(f"{trainer.step} steps done, data {data.train.info.sha256[:12]}, {device.dtype}")
    trained_now = not (trainer.history and trainer.finished)
    evaluation = trainer.run() if trained_now else trainer.last_evaluation
    if ranks.is_first and trainer.config != train:
        write_readme(wish, trainer.config, data.corpus_name)
    return Result(evaluation, trainer.finished, trained_now, trainer)


def extra_logs(wish: Wish, train: TrainConfig, step: int) -> tuple[Observer, ...]:
    """The logs that were asked for beside the run's own.

    TensorBoard's goes on after a step (`Trainer.last_saved`); for Weights & Biases each start is a run of its own.
    """
    logs: tuple[Observer, ...] = ()
    if train.tensorboard:
        logs += (tensorboard_log(wish.folder / "tensorboard", step),)
    if train.wandb:
        logs += (wandb_log(wish.folder, {"model": wish.model.to_dict(), "train": train.to_dict()}),)
    return logs


def prepare_data(wish: Wish, device: Device, progress: bool = True) -> PreparedData:
    """Cleaned, tokenized streams for this wish: as much text as the budget can read, made once and cached."""
    return prepare(
        wish.corpus,
        vocab_size=wish.model.vocab_size,
        max_bytes=text_budget(wish.model, wish.train, device),
        max_storyworld_bytes=storyworld_budget(wish.train),
        tokenizer=gpt2() if wish.tokenizer == "gpt2" else None,
        progress=progress,
    )


def decide(
    wish: Wish,
    data: PreparedData,
    device: Device,
    say: Callable[[str], None] = print,
    started: float = 0.0,
    ranks: Ranks = ALONE,
) -> TrainConfig:
    """Settle what was left open (`auto`; 0 for total_steps, micro_batch_size, threads), once: a resumed run repeats
    these instead of measuring again.

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
    evaluations, seconds = share_budget(
        budget, time.perf_counter() - started, evaluation_seconds, decided.evaluations
    )
    steps = int(seconds / step_seconds)
    if steps < FEWEST_STEPS:
        say(
            f"A step takes {step_seconds:,.1f} s here, and the {seconds:,.0f} s that are left for training have room for "
            f"{steps} of them; it will be {FEWEST_STEPS} all the same. Use more --minutes or a smaller preset, or close "
            "other programs."
        )
    return replace(decided, total_steps=max(FEWEST_STEPS, steps), evaluations=evaluations)


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


def corpus_of(wish: Wish, checkpoint: Checkpoint | None) -> str:
    """What to read: `auto` is decided once, so a run that began without the Hub goes on without it."""
    chosen = {"TinyStories": "tinystories", "StoryWorld": "storyworld"}
    if checkpoint is None or wish.corpus != "auto" or os.environ.get("SLM_CORPUS"):
        return wish.corpus
    return chosen.get(checkpoint.progress.corpus, wish.corpus)


def stories_of(checkpoint: Checkpoint, corpus: str, device: Device) -> PreparedData:
    """The validation stories that a checkpoint's run was measured on, if `corpus` is the same as the run's."""
    run, model = checkpoint.progress, checkpoint.model.config
    corpus = corpus_of(Wish(model, run.asked, checkpoint.folder, corpus), checkpoint)
    data = prepare(corpus, tokenizer=checkpoint.tokenizer, max_bytes=SMALLEST_TEXT)
    if data.corpus_name == run.corpus and data.valid.info.sha256 != run.valid_sha256:
        # Without a split of its own, what a corpus sets aside depends on how much of it is read.
        budget = text_budget(model, run.asked, replace(device, type=cast(Any, run.decided.device)))
        told = storyworld_budget(run.asked)
        data = prepare(corpus, tokenizer=checkpoint.tokenizer, max_bytes=budget, max_storyworld_bytes=told)
    return data


def require_same_run(checkpoint: Checkpoint, wish: Wish, ignore: str = "") -> None:
    """Refuse to go on with a run that was started with other values; the first three are named. ignore: one that
    may differ."""
    was = checkpoint.model.config
    started = {"kind": was.kind} | was.to_dict() | checkpoint.progress.asked.to_dict()
    wished = {"kind": wish.model.kind} | wish.model.to_dict() | wish.train.to_dict()
    different = [
        f"{name} {started[name]} (now {wished.get(name, 'none')})"
        for name in started
        if name != ignore and started[name] != wished.get(name)
    ]
    if different:
        raise CheckpointError(
            f"The run in {wish.folder} was started with {', '.join(different[:3])}.",
            "Ask for the same values to go on with it, or give the new run another name (--run, RUN=).",
        )
