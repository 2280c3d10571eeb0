"""How a model is trained, and how it chooses words."""

import math
from dataclasses import dataclass
from typing import Any, Literal, Self

from slmlib.config.base import Config, below_one, not_above_zero, not_finite, raise_all

Schedule = Literal["cosine", "linear", "wsd", "constant"]
DeviceType = Literal["cpu", "cuda", "mps"]
DType = Literal["float32", "bfloat16", "float16"]

_MOST_SEED, _MOST_THREADS = 2**40, 4096


@dataclass(frozen=True)
class TrainConfig(Config):
    """How a model is trained. A run stores these values and a resumed run repeats them.

    `TrainConfig()` is the baseline that the lessons teach, AdamW with one learning rate for all. The recipe of a size,
    which learns more in the same time, is `slmlib.presets.preset("1M").train`.
    """

    minutes: float = 5.0
    """Time budget. A measured speed turns it into total_steps, before step 0, and with `wsd` once more before the
    descent, when the pace is known."""
    total_steps: int = 0
    """Number of optimizer steps; 0 means as many as fit into `minutes`."""
    batch_size: int = 16
    """Windows of context_length tokens per optimizer step, over all devices together."""
    micro_batch_size: int = 0
    """Windows that go through the model at once; 0 means the whole batch. Gradients are accumulated."""
    optimizer: Literal["adamw", "muon"] = "adamw"
    """`adamw` for every weight, or `muon` (Jordan et al. 2024) for hidden matrices and AdamW for the rest."""
    muon_learning_rate: float = 0.01
    """With `muon`: the highest learning rate of hidden matrices; it rises and falls with learning_rate."""
    muon_momentum: float = 0.95
    """With `muon`: decay rate of its running mean of the gradient."""
    learning_rate: float = 3e-3
    """The highest learning rate, reached after the warm-up."""
    embedding_rate_factor: float = 1.0
    """What learning_rate is multiplied by for the embedding tables and the head."""
    min_learning_rate: float = 0.0
    """The learning rate that the descent ends at."""
    schedule: Schedule = "linear"
    """After the warm-up: `cosine` or `linear` descent, `wsd` (stay, then descend linearly), or `constant`."""
    warmup_fraction: float = 0.02
    """Share of all steps spent rising from 0 to learning_rate."""
    decay_fraction: float = 0.5
    """With `wsd`: share of all steps, at the end, spent descending."""
    weight_decay: float = 0.1
    """AdamW's decoupled decay (Loshchilov and Hutter 2019), on matrices only: not on norms and biases."""
    beta1: float = 0.9
    """Decay rate of AdamW's running mean of the gradient."""
    beta2: float = 0.95
    """Decay rate of AdamW's running mean of the squared gradient; 0.999 needs a longer warm-up."""
    adam_eps: float = 1e-8
    """Added to AdamW's denominator."""
    gradient_clip: float = 1.0
    """Longest allowed gradient (L2 norm over all parameters); 0 turns clipping off."""
    evaluations: int = 8
    """How many times the whole validation set is measured, the last step included."""
    checkpoints: int = 8
    """How many times the run is saved, the last step included."""
    keep_checkpoints: int = 2
    """How many of the newest checkpoints stay; the best one stays too."""
    seed: int = 0
    """Decides the first weights, the order of the windows and the dropout."""
    device: DeviceType | Literal["auto"] = "auto"
    """Where to compute; `auto` takes SLM_DEVICE if set, then CUDA, then the CPU."""
    dtype: DType | Literal["auto"] = "auto"
    """Numbers inside matrix products; weights and optimizer state stay float32."""
    threads: int = 0
    """CPU threads inside torch; 0 means as many as torch takes by itself."""
    compile: Literal["auto", "on", "off"] = "auto"
    """Whether torch.compile fuses the blocks first: slow to start, faster afterwards. `auto`: if the run is long
    enough to get that time back."""
    attention: Literal["auto", "fused", "unfused"] = "auto"
    """How attention is computed in training: by torch's `fused` kernel, or `unfused`, as two products and a softmax.
    `auto` takes what is faster for this device and context."""
    chunked_loss: bool = True
    """Whether the loss is computed for one chunk of tokens after another, so that not all logits are in memory at once."""
    tensorboard: bool = False
    """Whether to log to TensorBoard as well (needs the tensorboard package)."""
    wandb: bool = False
    """Whether to log to Weights & Biases as well (needs the wandb package; WANDB_MODE=offline works)."""
    sample_prompt: str = "Once upon a time"
    """How the stories told before and after training begin."""

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """As every config; older runs have stored `compile` as true or false."""
        if isinstance(values, dict) and isinstance(stored := values.get("compile"), bool):
            values = values | {"compile": "on" if stored else "off"}
        return super().from_dict(values)

    def __post_init__(self) -> None:
        super().__post_init__()
        raise_all(
            self,
            *not_finite(self),
            *below_one(self, "batch_size", "evaluations", "checkpoints", "keep_checkpoints"),
            (
                self.total_steps < 0 or (self.total_steps == 0 and not 0 < self.minutes < math.inf),
                f"give a time budget or a number of steps: minutes is {self.minutes}, total_steps {self.total_steps}.",
            ),
            (
                self.micro_batch_size < 0 or self.batch_size % (self.micro_batch_size or 1) != 0,
                f"batch_size ({self.batch_size}) must be a multiple of micro_batch_size ({self.micro_batch_size}).",
            ),
            (
                not 0 < self.learning_rate < 1,
                f"learning_rate must be between 0 and 1; it is {self.learning_rate}. Usual values: 1e-4 to 5e-3.",
            ),
            (
                not 0 <= self.min_learning_rate <= self.learning_rate,
                f"min_learning_rate ({self.min_learning_rate}) must lie between 0 and learning_rate "
                f"({self.learning_rate}).",
            ),
            (
                not 0 < self.embedding_rate_factor < 1000,
                f"embedding_rate_factor must be between 0 and 1000; it is {self.embedding_rate_factor}.",
            ),
            (
                not 0 < self.muon_learning_rate < 1,
                f"muon_learning_rate must be between 0 and 1; it is {self.muon_learning_rate}. Usual values: 0.005 "
                "to 0.05.",
            ),
            (
                not 0 <= self.muon_momentum < 1,
                f"muon_momentum must be in [0, 1); it is {self.muon_momentum}.",
            ),
            (
                not 0 <= self.warmup_fraction <= 1,
                f"warmup_fraction must be in [0, 1]; it is {self.warmup_fraction}.",
            ),
            (
                not 0 <= self.decay_fraction <= 1,
                f"decay_fraction must be in [0, 1]; it is {self.decay_fraction}.",
            ),
            (
                self.schedule == "wsd" and self.decay_fraction > 1 - self.warmup_fraction,
                f"decay_fraction ({self.decay_fraction}) and warmup_fraction ({self.warmup_fraction}) must together be "
                "at most 1 with schedule='wsd'.",
            ),
            (not 0 <= self.weight_decay < 1, f"weight_decay must be in [0, 1); it is {self.weight_decay}."),
            (
                not (0 <= self.beta1 < 1 and 0 <= self.beta2 < 1),
                f"beta1 and beta2 must be in [0, 1); they are {self.beta1} and {self.beta2}.",
            ),
            *not_above_zero(self, "adam_eps"),
            (not self.gradient_clip >= 0, f"gradient_clip must be 0 or above; it is {self.gradient_clip}."),
            (not 0 <= self.threads <= _MOST_THREADS, f"threads must be in [0, 4096]; it is {self.threads}."),
            (not 0 <= self.seed < _MOST_SEED, f"seed must be in [0, 2**40); it is {self.seed}."),
        )


@dataclass(frozen=True)
class Sampling(Config):
    """How the next token is chosen. The filters apply in the order in which they stand here."""

    repetition_penalty: float = 1.0
    """Tokens that occurred before have positive scores divided, negative ones multiplied, by this
    (Keskar et al. 2019, section 4.1); 1 turns it off."""
    temperature: float = 0.8
    """Scores are divided by it: below 1 safer, above 1 more adventurous, 0 always the likeliest token."""
    top_k: int = 0
    """Only the k likeliest tokens stay; 0 keeps all (Fan et al. 2018)."""
    top_p: float = 1.0
    """Only the smallest set of likeliest tokens with at least this probability stays (Holtzman et al. 2020)."""
    min_p: float = 0.0
    """Only tokens with at least this share of the likeliest one's probability stay (Nguyen et al. 2024)."""
    max_tokens: int = 256
    """Stop after this many new tokens, if the story has not ended itself."""
    seed: int = 0
    """Row i of a batch draws from seed + i, so a row does not depend on its neighbours. For independent batches choose
    seeds further apart than a batch has rows."""

    def __post_init__(self) -> None:
        super().__post_init__()
        raise_all(
            self,
            *not_finite(self),
            (
                not self.repetition_penalty >= 1e-3,  # positive scores divided by less overflow
                f"repetition_penalty must be at least 0.001; it is {self.repetition_penalty}.",
            ),
            (not self.temperature >= 0, f"temperature must be 0 or above; it is {self.temperature}."),
            (
                0 < self.temperature < 1e-3,
                f"temperature {self.temperature} is so small that scores divided by it overflow; use 0 for the "
                "likeliest token.",
            ),
            (self.top_k < 0, f"top_k must be 0 or above; it is {self.top_k}."),
            (not 0 < self.top_p <= 1, f"top_p must be in (0, 1]; it is {self.top_p}."),
            (not 0 <= self.min_p <= 1, f"min_p must be in [0, 1]; it is {self.min_p}."),
            (self.max_tokens < 1, f"max_tokens must be at least 1; it is {self.max_tokens}."),
            (not 0 <= self.seed < _MOST_SEED, f"seed must be in [0, 2**40); it is {self.seed}."),
        )
