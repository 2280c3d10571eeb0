"""How good is a model? Its surprise at a fixed text it never saw, measured over the whole of it."""

import math
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Self

import torch
import torch.nn.functional as F
from torch import Tensor
from tqdm import tqdm

from slmlib.config import Config
from slmlib.devices import Device
from slmlib.errors import DataError
from slmlib.model.language_model import Cache, LanguageModel, evaluating
from slmlib.text.stream import TokenStream

LOGITS = 2**25
"""How many logits there may be at once, 128 MB in float32: a large vocabulary gets fewer windows."""

LOGITS_IN_CACHE = 2**20
"""How many of them become float32 and probabilities at once: they fit a processor's cache, and a batch's two copies of
128 MB are never there."""

LOGITS_OF_A_WINDOW = 2**27
"""A window that has more, 512 MB in float32, is read in pieces of up to LOGITS: Qwen's 32,768 tokens have 20 GB. A cache
and its mask make that slower, so shorter windows are read whole."""

MOST_WINDOWS = 32
"""More windows at once make a small model no faster."""


@dataclass(frozen=True)
class Evaluation(Config):
    """The surprise of a model at a whole token stream."""

    nats: float
    """Sum over all tokens of minus the logarithm of the probability the model gave them."""
    tokens: int
    """How many tokens were predicted, end-of-text tokens included."""
    bytes: int
    """UTF-8 bytes of the stories, without the marks between them."""

    @classmethod
    def from_history(cls, entry: dict[str, float]) -> Self:
        """The measurement that an entry of a run's history holds beside its step."""
        return cls(entry["nats"], int(entry["tokens"]), int(entry["bytes"]))

    @property
    def loss(self) -> float:
        """Mean cross-entropy in nats per token. Depends on the tokenizer: compare only with the same one."""
        return self.nats / self.tokens

    @property
    def perplexity(self) -> float:
        """exp(loss): among how many equally likely tokens the model is hesitating, on average."""
        return math.exp(min(self.loss, 700.0))

    @property
    def bits_per_byte(self) -> float:
        """Surprise in bits for each byte of text: comparable between tokenizers."""
        return self.nats / math.log(2) / self.bytes

    def __str__(self) -> str:
        return (
            f"{self.bits_per_byte:.3f} bits per byte, perplexity {self.perplexity:.2f}, loss {self.loss:.3f}"
        )


def evaluate(
    model: LanguageModel,
    stream: TokenStream,
    device: Device | None = None,
    batch_size: int = 0,
    progress: bool = False,
    rank: int = 0,
    world_size: int = 1,
) -> Evaluation:
    """Predict every token of the stream once, in windows of context_length, and add up the surprise.

    The mean is over tokens, not over batches, so batch_size changes nothing; 0 means as many windows, up to 32, as
    keep the logits below LOGITS numbers, or one. device: gives the dtype of the matrix products; None means float32 where
    the model is. With several ranks, `nats` and `tokens` are those of this rank's windows; their sums over all
    ranks are those of the whole. Raises DataError for a stream of another vocabulary.
    """
    if stream.info.vocab_size != model.config.vocab_size:
        raise DataError(
            f"{stream.path} was written with a vocabulary of {stream.info.vocab_size:,}, the model knows "
            f"{model.config.vocab_size:,} tokens.",
            "Write the stream with the model's own tokenizer.",
        )
    context_length, vocab_size = model.config.context_length, model.config.vocab_size
    of_a_window = context_length * vocab_size
    batch_size = batch_size or max(1, min(MOST_WINDOWS, LOGITS // of_a_window))
    at_once = context_length if of_a_window <= LOGITS_OF_A_WINDOW else max(1, LOGITS // vocab_size)
    nats, tokens = torch.zeros((), dtype=torch.float64, device="cpu"), 0
    with (
        evaluating(model),
        tqdm(
            total=(len(stream) - 1) // world_size,
            desc="evaluating",
            unit="token",
            unit_scale=True,
            disable=not progress,
            leave=False,
        ) as bar,
    ):
        windows = stream.evaluation_windows(context_length, rank=rank, world_size=world_size)
        for inputs, targets in _batches(windows, context_length, batch_size):
            batch, time = inputs.shape
            cache: Cache | None = None
            if time > at_once:
                nothing = torch.zeros(batch, dtype=torch.int64, device=model.device)  # no row has padding
                cache = model.new_cache(nothing, time)
            for part, right in zip(inputs.split(at_once, 1), targets.split(at_once, 1), strict=True):
                with torch.inference_mode(), device.autocast() if device else nullcontext():
                    logits = model(part.to(model.device), cache)  # (B, up to at_once, V)
                nats += surprise(logits, right.to(model.device)).cpu().double().sum()
                tokens += right.numel()
                bar.update(right.numel())
    return Evaluation(nats.item(), tokens, stream.info.num_bytes)


def surprise(logits: Tensor, targets: Tensor) -> Tensor:
    """Minus the logarithm of each target's probability, in nats: (B, T, V), (B, T) -> (B * T,), in float32."""
    rows = max(1, LOGITS_IN_CACHE // logits.shape[-1])
    parts = zip(
        logits.flatten(0, 1).split(rows), targets.flatten().split(rows), strict=True
    )  # (rows, V), (rows,)
    return torch.cat([F.cross_entropy(part.float(), right, reduction="none") for part, right in parts])


def _batches(
    windows: Iterator[tuple[Tensor, Tensor]], context_length: int, batch_size: int
) -> Iterator[tuple[Tensor, Tensor]]:
    """Windows stacked to (up to batch_size, context_length); a shorter last window comes alone."""
    full: list[tuple[Tensor, Tensor]] = []
    for window in windows:
        if full and (len(full) == batch_size or len(window[0]) < context_length):
            yield _stack(full)
            full = []
        full.append(window)
    if full:
        yield _stack(full)


def _stack(windows: list[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
    return torch.stack([inputs for inputs, _ in windows]), torch.stack([targets for _, targets in windows])
