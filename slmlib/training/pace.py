"""How long a training step takes: asked before a time budget becomes steps, and by `doctor`."""

import time
from dataclasses import replace
from typing import Any, cast

import torch
from torch import Tensor

from slmlib.devices import Device
from slmlib.model.build import build_model
from slmlib.presets import Preset
from slmlib.training.speed import choose_tricks
from slmlib.training.trainer import Trainer

SECONDS, MOST_STEPS = 3.0, 50
"""How long `training_speed` measures, and with how many steps at most."""


def seconds_of_a_step(trainer: Trainer, most_steps: int, patience: float) -> float:
    """Seconds of one step of this trainer, whose weights stay as they are: the rate is 0.

    Three steps at least, then until those after the first have taken `patience` seconds on some rank; `most_steps` in
    all. The median decides: what slows a step down now and then will do so in the run, too. Of two the faster one, as a
    machine that stood still for a moment would leave a run of one minute with twenty steps.
    """
    times: list[float] = []
    while trainer.ranks.any(
        len(times) < min(3, most_steps)
        or (len(times) < most_steps and sum(times[1:]) < patience)  # the first may compile
    ):
        started = time.perf_counter()
        trainer.train_step(rate=0.0)
        times.append(time.perf_counter() - started)
    timed = sorted(times[min(5, len(times) // 2) :])  # the first ones allocate and choose kernels
    return timed[(len(timed) - 1) // 2]


class RandomTokens:
    """Stands in for a token stream where only the time matters."""

    def __init__(self, vocab_size: int):
        self.vocab_size = vocab_size

    def batch(
        self, step: int, *, batch_size: int, context_length: int, seed: int, rank: int, world_size: int
    ) -> tuple[Tensor, Tensor]:
        """Inputs and targets, (batch_size, context_length) each."""
        row = torch.randint(self.vocab_size, (batch_size, context_length + 1))
        return row[:, :-1], row[:, 1:]


def training_speed(preset: Preset, device: Device, seconds: float = SECONDS) -> float:
    """Tokens a second of the trainer's own step on random tokens, measured as a run measures it, for some seconds.

    With the tricks of a short run: compiling alone would take longer than the measurement, and a longer run is faster.
    """
    config = replace(preset.train, total_steps=1000, device=device.type, dtype=device.dtype)
    config, _ = choose_tricks(preset.model, config, device, seconds=0.0)
    model = build_model(preset.model, seed=0).to(device.type)
    tokens = cast(Any, RandomTokens(preset.model.vocab_size))
    nothing = cast(Any, None)  # what a step does not need: a tokenizer, validation data and a folder
    trainer = Trainer(model, nothing, tokens, nothing, config, device, nothing)
    step_seconds = seconds_of_a_step(trainer, MOST_STEPS, patience=seconds)
    return config.batch_size * preset.model.context_length / step_seconds
