"""What training, generation, evaluation and checkpoints ask of a model: one small interface for every kind.

A new kind is a config in `slmlib/config`, a class here below, and a line in `slmlib/model/build.py`.
Shapes: batch B, time T, vocab_size V.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Generic, Protocol, TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from slmlib.config import LanguageModelConfig


class Cache(Protocol):
    """What a model remembers of the tokens it has read, so that none is read twice."""

    padding: Tensor
    """(B,) how many places at the start of each row are empty: rows are aligned at their ends."""
    length: int
    """How many places have been read, the empty ones included."""


CacheType = TypeVar("CacheType", bound=Cache)


class LanguageModel(nn.Module, Generic[CacheType]):
    """A causal model: tokens (B, T) to logits (B, T, V), each position seeing only its past. Built from a
    config and a seed: with a seed the first weights are the same on every machine."""

    config: LanguageModelConfig
    embedding: nn.Embedding

    def forward(self, tokens: Tensor, cache: CacheType | None = None, last_only: bool = False) -> Tensor:
        """tokens: (B, T) integers. Returns logits (B, T, V), or with last_only those of the last one, (B, 1, V).

        With a cache, `tokens` continue what the cache has seen, and the cache remembers them too.
        """
        raise NotImplementedError

    def new_cache(self, padding: Tensor, capacity: int = 0) -> CacheType:
        """An empty memory for generation. padding: (B,) how many places at the start of each row are empty;
        capacity: most tokens a row will have, those places included; 0 means context_length."""
        raise NotImplementedError

    @property
    def most_tokens(self) -> int | None:
        """How many tokens a row may have in generation; None where the memory does not grow."""
        return self.config.context_length

    def loss(self, inputs: Tensor, targets: Tensor) -> Tensor:
        """Mean cross-entropy in nats per token. inputs, targets: (B, T); targets are inputs shifted by one."""
        logits = self(inputs)
        return F.cross_entropy(logits.flatten(0, 1).float(), targets.flatten())  # (B * T, V), (B * T,)

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.embedding.weight.device


def read_rows(model: LanguageModel[CacheType], rows: Sequence[Sequence[int]], cache: CacheType) -> Tensor:
    """The logits after the last token of each row, (B, V). rows: token ids, equally many in each; the cache
    remembers them."""
    return model(torch.tensor(rows, device=model.device), cache, last_only=True)[:, -1]


def own_tensors(model: nn.Module) -> dict[str, Tensor]:
    """The weights by name, each once: a tied head is the embedding. They share the model's memory."""
    return {name: parameter.detach() for name, parameter in model.named_parameters()}


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Dropout off inside the block; afterwards the model, and each part of it, is in the mode in which it was."""
    was_training = model.training
    others = [module for module in model.modules() if module.training != was_training]
    model.eval()
    try:
        yield
    finally:
        model.train(was_training)
        for module in others:
            module.training = not was_training
