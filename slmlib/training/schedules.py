"""The learning rate at every step, as a pure function: nothing to save, nothing to resume."""

import math
from dataclasses import replace

import torch

from slmlib.config import TrainConfig
from slmlib.errors import ConfigError


def learning_rate(step: int, config: TrainConfig) -> float:
    """The learning rate of optimizer step `step`, counted from 0 to total_steps - 1.

    Warm-up is linear and its first value is above 0. Then `cosine` (Loshchilov and Hutter 2017, without
    restarts), `linear`, `wsd` (Hu et al. 2024, MiniCPM, section 4) or `constant`. A descent of two steps or more ends
    at min_learning_rate; one of a single step keeps the highest rate.
    """
    total = config.total_steps
    if total < 1:
        raise ConfigError("The schedule needs total_steps.", "Decide it from the time budget first.")
    high, low = config.learning_rate, config.min_learning_rate
    warmup, decay_start = warmup_end(config), descent_begin(config)
    # 1) Rise.
    if step < warmup:
        return high * (step + 1) / (warmup + 1)
    # 2) Stay, for the schedules that do.
    if step < decay_start:
        return high
    # 3) Descend: `progress` is 0 at the first step of the descent and 1 at the last step of the run.
    progress = min(1.0, (step - decay_start) / max(1, total - 1 - decay_start))
    if config.schedule == "cosine":
        return low + (high - low) * (1 + math.cos(math.pi * progress)) / 2
    return high + (low - high) * progress


def warmup_end(config: TrainConfig) -> int:
    """The first step after the warm-up."""
    return round(config.warmup_fraction * config.total_steps)


def descent_begin(config: TrainConfig) -> int:
    """The first step of the descent; total_steps where there is none."""
    total = config.total_steps
    if config.schedule == "constant":
        return total
    warmup = warmup_end(config)
    return max(warmup, total - round(config.decay_fraction * total)) if config.schedule == "wsd" else warmup


def with_descent_of(config: TrainConfig, steps: int) -> TrainConfig:
    """The same run with a descent of so many steps: up to its first one every learning rate stays as it was.

    Only `wsd` can do that, whose first part does not depend on the length of the whole.
    """
    begin, warmup = descent_begin(config), warmup_end(config)
    total = begin + steps
    return replace(
        config,
        total_steps=total,
        warmup_fraction=warmup / total,
        decay_fraction=min(steps / total, 1 - warmup / total),
    )


def build_scheduler(
    optimizer: torch.optim.Optimizer, config: TrainConfig
) -> torch.optim.lr_scheduler.LambdaLR:
    """The same schedule as a torch scheduler: call `.step()` after each optimizer step."""
    return torch.optim.lr_scheduler.LambdaLR(
        optimizer,
        lambda step: learning_rate(min(step, config.total_steps - 1), config) / config.learning_rate,
    )
