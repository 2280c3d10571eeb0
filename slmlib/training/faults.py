"""When a step goes wrong: what is kept, what is written down, and what a person is told.

The loop in `trainer` calls this module in three lines; everything that is only needed on a bad day stands here.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any, NoReturn

import torch
from torch import Tensor

from slmlib.errors import SlmError, TrainingError, first_line
from slmlib.files import write_json
from slmlib.model.language_model import evaluating
from slmlib.ranks import ALONE, gradients_stay, is_lost_rank, lost_rank
from slmlib.shell import this_python

if TYPE_CHECKING:
    from slmlib.training.trainer import Trainer

SMALLEST_SCALE = 1.0
"""float16's loss scale starts at 65,536 and is halved at each overflow; below this no step will ever succeed."""

_DEVICE_WORDS = ("CUDA error", "CUBLAS_STATUS", "cuDNN error", "MPS backend", "device-side assert")
_MEMORY_WORDS = ("out of memory", "can't allocate memory", "not enough memory")


def is_out_of_memory(error: BaseException) -> bool:
    """Whether a device or the system had no memory left; torch says it in several ways."""
    told = str(error).lower()
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or (
        isinstance(error, RuntimeError) and any(words in told for words in _MEMORY_WORDS)
    )


def _is_device_failure(error: BaseException) -> bool:
    return isinstance(error, RuntimeError) and any(words in str(error) for words in _DEVICE_WORDS)


class DivergenceWatch:
    """Says when the loss has climbed for a while instead of falling; says it again only after a recovery.

    It compares a running mean over about SPAN steps with the lowest one so far: CLIMB nats above it for SPAN steps on
    end is no noise. A warning, not a stop: some runs come back.
    """

    SPAN, CLIMB = 25, 0.5

    def __init__(self) -> None:
        self.mean = self.lowest = math.inf
        self.steps = self.above = 0

    def sees(self, loss: float) -> str:
        """Take note of a step's loss; a sentence when it is time to warn, else ""."""
        self.steps += 1
        weight = 1 / min(self.steps, self.SPAN)
        self.mean = loss if self.steps == 1 else (1 - weight) * self.mean + weight * loss
        self.lowest = min(self.lowest, self.mean)
        self.above = self.above + 1 if self.mean > self.lowest + self.CLIMB else 0
        if self.above != self.SPAN:
            return ""
        return (
            f"The loss is climbing: {self.mean:.2f} on average, it was {self.lowest:.2f}. If it does not turn "
            "round, stop with Ctrl-C and start again with half the learning rate."
        )


@contextmanager
def explained(trainer: "Trainer") -> Iterator[None]:
    """Inside the block, what a device does on a bad day becomes one sentence, and what is good is saved."""
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        reason = first_line(error)
        if is_lost_rank(error):
            _save_what_is_good(trainer)
            raise lost_rank(error, f"Step {trainer.step}") from error
        if isinstance(error, SlmError) or not (is_out_of_memory(error) or _is_device_failure(error)):
            raise
        if not is_out_of_memory(error):
            raise TrainingError(
                f"Step {trainer.step}: {trainer.device.name} failed ({reason}). What was saved before is intact.",
                f"The same command goes on from the last checkpoint; if it happens again: {_doctor()}",
            ) from error
        _save_what_is_good(trainer)
        is_saved = trainer.ranks.is_first and not trainer.is_moving
        saved = "The run is saved." if is_saved else "What was saved before is intact."
        raise TrainingError(
            f"Step {trainer.step}: there is no memory left on {trainer.device.name} ({reason}). "
            + (saved if trainer.history else "Nothing was trained yet."),
            "Close other programs; the same command goes on. Or start a new run with a smaller --micro-batch-size.",
        ) from error


def _doctor() -> str:
    """The command that examines this machine."""
    return f"{this_python()} -m slmlib doctor"


def _save_what_is_good(trainer: "Trainer") -> None:
    """Weights change only at the very end of a step, so these are the last good ones; when that change itself was
    broken off, nothing is saved."""
    trainer.optimizer.zero_grad(set_to_none=True)
    if trainer.history and not trainer.is_moving:
        trainer.save()


def give_up(trainer: "Trainer", loss: float, gradient_norm: float, rate: float) -> NoReturn:
    """Stop before a bad gradient reaches the weights; save what is good, write down what was found.

    All ranks come here together, because they share loss and gradient; the first examines the whole batch.
    """
    trainer.optimizer.zero_grad(set_to_none=True)
    told = f"Step {trainer.step}: the loss is {loss} and the gradient norm {gradient_norm} (learning rate {rate:.2g})."
    if not trainer.history:
        raise TrainingError(
            f"{told} Nothing was trained yet: the speed was being measured.", "Use a smaller learning rate."
        )
    ranks = trainer.ranks
    outcome, remedy = ranks.from_first(
        _examine_and_save(trainer, loss, gradient_norm, rate) if ranks.is_first else ("", "")
    )
    raise TrainingError(f"{told} {outcome}", remedy)


def _examine_and_save(trainer: "Trainer", loss: float, gradient_norm: float, rate: float) -> tuple[str, str]:
    """What was found and where it is written down; what to do."""
    found = examine(trainer, loss, gradient_norm, rate)
    path = trainer.folder / f"fault-step-{trainer.step:08d}.json"
    write_json(path, found)
    if found["weights_finite"]:
        trainer.save()
        outcome = f"The state before this step is saved in {trainer.folder / 'checkpoints'}"
    else:
        outcome = f"The last good checkpoint is in {trainer.folder / 'checkpoints'}"
    return f"{found['likeliest_cause']} {outcome}; a report is in {path}.", found["what_to_do"]


def examine(trainer: "Trainer", loss: float, gradient_norm: float, rate: float) -> dict[str, Any]:
    """Repeat a step that went wrong, also in plain float32, and say what that tells about the cause."""
    batch = trainer.micro_batches(ALONE)
    bad = [name for name, tensor in trainer.model.state_dict().items() if not tensor.isfinite().all()]
    again, norms = _repeat(trainer, batch, as_trained=True)
    plain, plain_norms = _repeat(trainer, batch, as_trained=False)
    lower = trainer.config.dtype != "float32" or trainer.config.compile == "on"
    if bad:
        cause = f"The weights are no longer numbers ({', '.join(bad[:3])}): an earlier step or the memory broke them."
        remedy = (
            "The same command goes on from the last good checkpoint; if it happens again, test the memory."
        )
    elif _all_finite(again, norms):
        cause = "The same step computed again is fine: the hardware made a mistake."
        remedy = f"The same command goes on; if it happens again: {_doctor()}"
    elif lower and _all_finite(plain, plain_norms):
        dtype = trainer.config.dtype
        blamed = "the compiled kernels err" if dtype == "float32" else f"{dtype} cannot hold these numbers"
        cause = f"In plain float32 the same step is fine: {blamed}."
        remedy = "Start a new run with --dtype float32 and --compile off."
    else:
        cause = "The likeliest cause is a learning rate that is too high."
        remedy = f"Start again with half of it: --learning-rate {trainer.config.learning_rate / 2:.2g}."
    return {
        "step": trainer.step,
        "loss": _told(loss),
        "gradient_norm": _told(gradient_norm),
        "learning_rate": rate,
        "likeliest_cause": cause,
        "what_to_do": remedy,
        "weights_finite": not bad,
        "computed_again": {"loss": _told(again), "gradient_norm_by_layer": _told_all(norms)},
        "in_float32": {"loss": _told(plain), "gradient_norm_by_layer": _told_all(plain_norms)},
        "last_losses_measured": [_told(entry["nats"] / entry["tokens"]) for entry in trainer.history[-3:]],
        "batch": _batch_in_words(trainer, batch),
    }


def _repeat(
    trainer: "Trainer", batch: list[tuple[Tensor, Tensor]], as_trained: bool
) -> tuple[float, dict[str, float]]:
    """Loss and gradient norm by layer of one batch, before clipping; the weights and the optimizer stay."""
    loss_of = trainer.loss_of if as_trained else trainer.model.loss
    total = 0.0
    trainer.model.train()
    trainer.optimizer.zero_grad(set_to_none=True)
    for place, (inputs, targets) in enumerate(batch):
        trainer.seed_dropout(place)
        with gradients_stay(loss_of):
            with trainer.device.autocast() if as_trained else nullcontext():
                loss = loss_of(inputs, targets) / len(batch)
            loss.backward()
        total += loss.item()
    squares: dict[str, float] = {}
    for name, parameter in trainer.model.named_parameters():
        if parameter.grad is not None:
            layer = ".".join(name.split(".")[: 2 if name.startswith("blocks.") else 1])
            squares[layer] = squares.get(layer, 0.0) + parameter.grad.cpu().double().square().sum().item()
    trainer.optimizer.zero_grad(set_to_none=True)
    return total, {layer: math.sqrt(square) for layer, square in squares.items()}


@torch.no_grad()
def _batch_in_words(trainer: "Trainer", batch: list[tuple[Tensor, Tensor]]) -> list[dict[str, Any]]:
    """Each window of the batch: where it starts in the stream, its loss, how its text begins; the worst first."""
    starts = trainer.train.window_starts(
        trainer.step,
        batch_size=trainer.config.batch_size,
        context_length=trainer.model.config.context_length,
        seed=trainer.config.seed,
    )
    windows = [(i[None], t[None]) for part in batch for i, t in zip(*part, strict=True)]  # (1, time) each
    with evaluating(trainer.model):  # dropout would rank them by chance
        losses = [trainer.model.loss(inputs, targets).item() for inputs, targets in windows]
    order = sorted(
        range(len(losses)), key=lambda row: -losses[row] if math.isfinite(losses[row]) else -math.inf
    )
    return [
        {
            "starts_at_token": int(starts[row]),
            "loss": _told(losses[row]),
            "text": trainer.tokenizer.decode(windows[row][0][0, :30]),
        }
        for row in order
    ]


def _all_finite(loss: float, norms: dict[str, float]) -> bool:
    return math.isfinite(loss) and all(map(math.isfinite, norms.values()))


def _told(number: float) -> float | str:
    """A number as JSON can hold it: NaN and infinity as words."""
    return number if math.isfinite(number) else str(number)


def _told_all(numbers: dict[str, float]) -> dict[str, float | str]:
    return {name: _told(number) for name, number in numbers.items()}
