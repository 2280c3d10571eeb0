"""Does it fit into memory? Estimated before anything is allocated; an open micro-batch is made to fit."""

from collections.abc import Callable
from dataclasses import replace

from slmlib.config import LanguageModelConfig, TrainConfig
from slmlib.devices import Device
from slmlib.errors import ConfigError
from slmlib.model.counts import training_memory
from slmlib.ranks import ALONE, Ranks, largest_divisor
from slmlib.training.speed import MOST_LOGITS


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
    needed = memory_needed(model, train, size, device)
    say(f"Memory: at least {_size(needed)} needed, {_size(free)} free.")
    if needed <= free:
        return train
    smaller = size
    while (
        may_halve
        and train.micro_batch_size == 0
        and smaller > 1
        and memory_needed(model, train, smaller, device) > free
    ):
        smaller = largest_divisor(share, smaller // 2)
    if smaller == size or memory_needed(model, train, smaller, device) > free:
        advice = f", or --micro-batch-size {max(1, size // 4)}" if size > 1 else ""
        raise ConfigError(
            f"Training this model needs at least {_size(needed)}, but {_size(free)} are free on {device.name}.",
            f"Use a smaller preset{advice}, or close other programs.",
        )
    say(f"A batch of {size} windows does not fit into memory; {smaller} at a time go through the model.")
    return replace(train, micro_batch_size=smaller)


def memory_needed(
    model: LanguageModelConfig, train: TrainConfig, micro_batch_size: int, device: Device
) -> int:
    """Bytes that training takes with so many windows at once: an estimate that leaves out the framework's share."""
    mixed, at_once = device.dtype != "float32", MOST_LOGITS[device.type] if train.chunked_loss else 0
    return training_memory(model, micro_batch_size, mixed, train.optimizer, at_once).total


def _size(number: int) -> str:
    return f"{number / 1e9:.1f} GB" if number >= 10**8 else f"{max(1, number // 10**6)} MB"
