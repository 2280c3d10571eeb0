"""Ten ways to break a training run, each a line away from the healthy one.

A tiny decoder learns stories byte by byte (a token is a byte, so nothing depends on a tokenizer), for some
seconds. `TinyRun` asks at each place where something can go wrong whether that is the fault it was given; the
line beside it is how it should be. Lesson 12 shows the curves without the names.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import fmean
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from slmlib.config import ModelConfig, TrainConfig
from slmlib.errors import ConfigError
from slmlib.model.attention import AttentionInputs
from slmlib.model.decoder import Block, Decoder
from slmlib.training.diagnosis import (
    ACCUMULATION,
    CAUSES,
    FP16,
    HEALTHY,
    INITIALIZATION,
    LEAK,
    LEARNING_RATE,
    MASK,
    TARGETS,
    TRAINING_MODE,
    VOCABULARY,
    WARMUP,
    Curves,
)
from slmlib.training.optimizers import build_optimizer
from slmlib.training.schedules import learning_rate

GALLERY = dict(
    zip(
        "ABCDEFGHIJ",
        (
            TARGETS,
            LEARNING_RATE,
            ACCUMULATION,
            MASK,
            INITIALIZATION,
            TRAINING_MODE,
            FP16,
            WARMUP,
            VOCABULARY,
            LEAK,
        ),
        strict=True,
    )
)
"""The letter under which each run hangs in the gallery."""

LETTERS = 300_000
VOCAB_SIZE, CONTEXT_LENGTH, BATCH_SIZE, MICRO_BATCHES, VALIDATION_WINDOWS = 256, 64, 8, 4, 10
MODEL = ModelConfig(
    vocab_size=VOCAB_SIZE, context_length=CONTEXT_LENGTH, embed_dim=64, num_layers=2, num_heads=2
)
LARGE_BATCH = 4_000_000
"""Tokens in one step of a large run (GPT-3: 3.2 million). The loss is their mean, so each token's gradient is
divided by their number: that is how gradients become too small for fp16."""


@dataclass(frozen=True)
class Letters:
    """The text of tiny runs: bytes, 1-D int64 tensors."""

    train: Tensor
    valid: Tensor

    @classmethod
    def of(cls, train: Iterable[str], valid: Iterable[str]) -> "Letters":
        """The first LETTERS bytes of the training stories, and a tenth as many to measure on.

        Raises ConfigError when there are too few for the windows of a run.
        """
        letters = cls(_first_bytes(train, LETTERS), _first_bytes(valid, LETTERS // 10))
        if min(len(letters.train), len(letters.valid)) < VALIDATION_WINDOWS * (CONTEXT_LENGTH + 1):
            raise ConfigError("There is too little text for a tiny run.", "Give more stories.")
        return letters


def train_tiny(cause: str, letters: Letters, steps: int = 120) -> Curves:
    """The curves of a run that is broken by `cause`, one of CAUSES, or HEALTHY. Repeatable: each draw has a fixed seed."""
    if cause not in (*CAUSES, HEALTHY):
        raise ConfigError(f"There is no cause {cause!r}.", f"Choose from {', '.join(CAUSES)}.")
    with torch.random.fork_rng(devices=[]):  # dropout draws from torch's global state
        torch.manual_seed(0)
        return TinyRun(cause, letters, steps).curves()


class TinyRun:
    """A training loop on the CPU, healthy but for one line."""

    def __init__(self, cause: str, letters: Letters, steps: int):
        self.cause, self.letters, self.steps = cause, letters, steps
        # Steep on purpose: these runs have only seconds, and a missing warm-up must matter.
        self.config = TrainConfig(
            total_steps=steps,
            learning_rate=2e-2,
            embedding_rate_factor=7.0,
            warmup_fraction=0.0 if cause == WARMUP else 0.2,
            schedule="linear",
            weight_decay=0.0,
        )
        changes: dict[str, object] = {}
        if cause == INITIALIZATION:
            changes = {"initialization": "gpt2", "init_std": 1.0}  # not 0.02
        if cause == TRAINING_MODE:
            changes = {"dropout": 0.3}  # dropout is no fault; measuring with it is
        self.model = Decoder(MODEL.change(changes), seed=0)
        self.optimizer = build_optimizer(self.model, self.config)
        self.draw = torch.Generator().manual_seed(1)
        places = torch.linspace(0, len(letters.valid) - CONTEXT_LENGTH - 1, VALIDATION_WINDOWS).long()
        self.validation = _windows(letters.valid, places)
        if cause == FP16:
            _round_gradients_to_fp16(self.model)

    def curves(self) -> Curves:
        """Train, and record."""
        training, norms, measured_at, validation, zeros = [], [], [], [], []
        for step in range(self.steps):
            if step % max(1, self.steps // 12) == 0:
                measured_at.append(step)
                validation.append(self.measure())
            loss, norm, zero = self.train_step(step)
            training.append(loss)
            norms.append(norm)
            zeros.append(zero)
        repeats = [self.measure() for _ in range(5)]
        return Curves(
            training=training,
            gradient_norm=norms,
            measured_at=[*measured_at, self.steps],
            validation=[*validation, repeats[0]],
            repeats=repeats,
            zero_gradients=fmean(zeros[self.steps // 10 :]),
            uniform=math.log(VOCAB_SIZE),
        )

    def batch(self) -> tuple[Tensor, Tensor]:
        """Inputs and targets, (BATCH_SIZE, CONTEXT_LENGTH) each."""
        text = self.letters.train
        starts = torch.randint(len(text) - CONTEXT_LENGTH, (BATCH_SIZE,), generator=self.draw)
        inputs, targets = _windows(text, starts)
        if self.cause == LEAK:  # half of the training text is the validation text
            rows = torch.randint(VALIDATION_WINDOWS, (BATCH_SIZE // 2,), generator=self.draw)
            for part, leaked in zip((inputs, targets), self.validation, strict=True):
                part[: BATCH_SIZE // 2] = leaked[rows]
        return inputs, inputs if self.cause == TARGETS else targets

    def logits(self, inputs: Tensor) -> Tensor:
        """(batch, time) -> (batch, time, VOCAB_SIZE)."""
        if self.cause != MASK:
            return self.model(inputs)
        x, attention_inputs = self.model.embed(inputs)
        everything = torch.zeros(1, 1, inputs.shape[1], inputs.shape[1])  # nothing is -inf
        unmasked = AttentionInputs(attention_inputs.cos, attention_inputs.sin, everything)
        return self.model.logits(self.model.through_blocks(x, unmasked))

    def loss(self, inputs: Tensor, targets: Tensor) -> Tensor:
        """Mean cross-entropy of one micro-batch."""
        logits = self.logits(inputs)
        if self.cause == FP16 and logits.requires_grad:
            logits.register_hook(_to_fp16)
        return F.cross_entropy(logits.flatten(0, 1), targets.flatten())  # (batch * time, V), (batch * time,)

    def train_step(self, step: int) -> tuple[float, float, float]:
        """One step: the batch's loss, the gradient norm before clipping, the share of exact zeros in it."""
        self.model.train()
        inputs, targets = self.batch()
        parts = MICRO_BATCHES if self.cause == ACCUMULATION else 1
        size = BATCH_SIZE // parts
        total = 0.0
        for micro_inputs, micro_targets in zip(inputs.split(size), targets.split(size), strict=True):
            loss = self.loss(micro_inputs, micro_targets)
            if self.cause == FP16:
                shrink = LARGE_BATCH / inputs.numel()
                (loss / shrink).backward()
                self._widen(shrink)
            else:
                loss.backward()  # should be loss / parts: the mean of means
            total += loss.item() / parts
        gradients = [parameter.grad for parameter in self.model.parameters() if parameter.grad is not None]
        zeros = sum(int((one == 0).sum()) for one in gradients) / sum(one.numel() for one in gradients)
        norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0).item()
        rate = learning_rate(step, self.config) * (100 if self.cause == LEARNING_RATE else 1)
        for group in self.optimizer.param_groups:
            group["lr"] = rate * group["rate_factor"]
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        return total, norm, zeros

    @torch.no_grad()
    def measure(self) -> float:
        """Loss on the validation windows, masked and shifted as the model will be used."""
        inputs, targets = self.validation
        if self.cause == VOCABULARY:  # encoded with one more token in front, unlike the training text
            inputs, targets = (inputs + 1) % VOCAB_SIZE, (targets + 1) % VOCAB_SIZE
        self.model.train(self.cause == TRAINING_MODE)  # should be eval()
        return self.model.loss(inputs, targets).item()

    def _widen(self, shrink: float) -> None:
        """Weight gradients as fp16 kept them, back at their usual size, so that norms can be compared."""
        for parameter in self.model.parameters():
            if parameter.grad is not None:
                parameter.grad = _to_fp16(parameter.grad) * shrink


def _first_bytes(stories: Iterable[str], most: int) -> Tensor:
    found = bytearray()
    for story in stories:
        found += story.encode("utf-8") + b"\n"
        if len(found) >= most:
            break
    return torch.tensor(list(found[:most]), dtype=torch.long)


def _windows(tokens: Tensor, starts: Tensor) -> tuple[Tensor, Tensor]:
    """Inputs and targets, (len(starts), CONTEXT_LENGTH) each."""
    rows = tokens.unfold(0, CONTEXT_LENGTH + 1, 1)[starts]
    return rows[:, :-1].clone(), rows[:, 1:].clone()


def _to_fp16(gradient: Tensor) -> Tensor:
    """What is left of it in fp16: five bits of exponent, and zero below 3e-8, half of its smallest number."""
    return gradient.half().float()


def _round_gradients_to_fp16(model: Decoder) -> None:
    """Round what flows back through every product and block, as mixed precision stores it on a GPU.

    The forward pass stays float32: its numbers fit into fp16, and a CPU is slow at it.
    """

    def rounded(_module: nn.Module, flowing: Any, _out: Any) -> tuple[Tensor | None, ...]:
        return tuple(None if one is None else _to_fp16(one) for one in flowing)

    for module in model.modules():
        if isinstance(module, nn.Linear | Block):
            module.register_full_backward_hook(rounded)
