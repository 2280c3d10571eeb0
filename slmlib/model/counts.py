"""What a model costs, worked out from its config alone, before anything is allocated."""

from dataclasses import dataclass

from slmlib.config import LanguageModelConfig
from slmlib.model.costs import costs_of


def parameters_by_part(config: LanguageModelConfig) -> dict[str, int]:
    """Exact number of learned values in each part of the model with this config.

    A tied head is listed as 0 (or its bias): its table is counted once, under `embedding`.
    """
    return costs_of(config).parts()


def count_parameters(config: LanguageModelConfig) -> int:
    """Exact number of learned values; GPT-2's smallest has 124,439,808."""
    return sum(parameters_by_part(config).values())


def matrix_parameters(config: LanguageModelConfig) -> int:
    """How many of the learned values are in the matrices of the blocks: what Muon moves."""
    return costs_of(config).matrix_parameters()


def flops_per_token(config: LanguageModelConfig, context_length: int = 0, training: bool = True) -> int:
    """Floating-point operations of the matrix products for one token, a multiply-add counted as two.

    Every weight that multiplies is used once a token (2 operations), or block_repeat times; attention adds
    4 x H x E for each of the context_length / 2 tokens that a causal query sees on average. Training costs three times the
    forward pass: gradients for inputs and for weights (Chowdhery et al. 2022, appendix B, with the causal half).
    """
    return int(costs_of(config).operations(context_length or config.context_length)) * (3 if training else 1)


@dataclass(frozen=True)
class Memory:
    """Bytes that training needs at least, by use."""

    weights: int
    """4 bytes a parameter: weights stay float32."""
    gradients: int
    """4 bytes a parameter."""
    optimizer: int
    """8 bytes a parameter: AdamW's two running means. Muon has one, 4 bytes, for each number of a hidden matrix."""
    activations: int
    """What the backward pass needs again, for one micro-batch: an estimate."""
    logits: int
    """Scores of every token of the vocabulary, with their float32 copy and gradient: an estimate."""

    @property
    def total(self) -> int:
        """All of it."""
        return self.weights + self.gradients + self.optimizer + self.activations + self.logits


def training_memory(
    config: LanguageModelConfig,
    micro_batch_size: int,
    mixed_precision: bool = False,
    optimizer: str = "adamw",
    logits_at_once: int = 0,
) -> Memory:
    """Memory to train on micro-batches of that many windows. Weights, gradients and optimizer are exact;
    activations and logits count the tensors autograd keeps, without the framework's overhead.

    optimizer: "adamw" or "muon". logits_at_once: how many of them a chunked loss has; 0 means all.
    """
    parameters = count_parameters(config)
    kept_twice = parameters - (matrix_parameters(config) if optimizer == "muon" else 0)
    tokens = micro_batch_size * config.context_length
    half = 2 if mixed_precision else 4
    logits = min(tokens * config.vocab_size, logits_at_once or tokens * config.vocab_size)
    return Memory(
        weights=4 * parameters,
        gradients=4 * parameters,
        optimizer=4 * (parameters + kept_twice),
        activations=tokens * costs_of(config).kept() * half,
        logits=logits * (8 + (2 if mixed_precision else 0)),
    )


def cache_bytes(config: LanguageModelConfig, tokens: int, bytes_per_number: int = 4) -> int:
    """Bytes of what generation remembers for one sequence of that many tokens: for a decoder keys and values."""
    return costs_of(config).remembered(tokens) * bytes_per_number
