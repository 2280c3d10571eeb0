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
    is_open = may_halve and train.micro_batch_size == 0
    smaller = _halved(model, train, share, size, free, device) if is_open else size
    at_least = memory_needed(model, train, smaller, device)
    if smaller == size or at_least > free:
        raise ConfigError(
            f"Training this model needs at least {_size(at_least)}, but {_size(free)} are free on {device.name}.",
            _way_out(model, train, share, size, free, device, may_halve),
        )
    say(f"A batch of {size} windows does not fit into memory; {smaller} at a time go through the model.")
    return replace(train, micro_batch_size=smaller)


def _halved(
    model: LanguageModelConfig, train: TrainConfig, share: int, size: int, free: int, device: Device
) -> int:
    """The size, halved until it fits, in parts of a share; even 1 may not."""
    while size > 1 and memory_needed(model, train, size, device) > free:
        size = largest_divisor(share, size // 2)
    return size


def _way_out(
    model: LanguageModelConfig,
    train: TrainConfig,
    share: int,
    size: int,
    free: int,
    device: Device,
    is_new: bool,
) -> str:
    """What would help: a run that goes on can only get more memory, a new one may be smaller, or take fewer windows."""
    if not is_new:
        return "Close other programs, or go on with it on a machine that has more."
    smaller = _halved(model, train, share, size, free, device)
    if smaller < size and memory_needed(model, train, smaller, device) <= free:
        return f"Use --micro-batch-size {smaller} or a smaller preset, or close other programs."
    return "Use a smaller preset, or close other programs."


def memory_needed(
    model: LanguageModelConfig, train: TrainConfig, micro_batch_size: int, device: Device
) -> int:
    """Bytes that training takes with so many windows at once: an estimate that leaves out the framework's share."""
    mixed, at_once = device.dtype != "float32", MOST_LOGITS[device.type] if train.chunked_loss else 0
    return training_memory(model, micro_batch_size, mixed, train.optimizer, at_once).total


def _size(number: int) -> str:
    return f"{number / 1e9:.1f} GB" if number >= 10**8 else f"{max(1, number // 10**6)} MB"
