"""What a model costs, worked out from its config alone, before anything is allocated."""

from dataclasses import dataclass, replace

from slmlib.config import ModelConfig


def parameters_by_part(config: ModelConfig) -> dict[str, int]:
    """Exact number of learned values in each part of a Decoder with this config.

    A tied head is listed as 0 (or its bias): its table is counted once, under `embedding`. Gains of
    queries' and keys' norms are among the `norms`.
    """
    D = config.embed_dim
    attention = feedforward = head_norms = 0
    for layer, _, times in _layers(config):
        F, E = layer.ffn_dim, layer.head_dim
        queries, keys = layer.num_heads * E, layer.num_kv_heads * E
        attention += times * (D * (queries + 2 * keys) + queries * D)
        attention += times * ((queries + 2 * keys) * config.qkv_bias + D * config.output_bias)
        wide = 2 if config.gated else 1
        feedforward += times * ((wide + 1) * D * F + (wide * F + D) * config.ffn_bias)
        if config.qk_norm_gain:
            head_norms += times * (2 * E if config.qk_norm_over == "head" else queries + keys)
    block_norms = 1 if config.block == "parallel_one_norm" else 2
    norms = block_norms * config.num_layers + config.final_norm + config.embedding_norm
    head = 0 if config.tie_embeddings else config.vocab_size * D
    return {
        "embedding": config.vocab_size * D,
        "positions": config.context_length * D if config.position == "learned" else 0,
        "attention": attention,
        "feedforward": feedforward,
        "norms": norms * D * (config.norm_gain + config.norm_bias) + head_norms,
        "head": head + config.vocab_size * config.head_bias,
    }


def _layers(config: ModelConfig) -> list[tuple[ModelConfig, int, int]]:
    """The different kinds of layers: their config, their window, and how many there are of them."""
    if config.layer_heads or config.layer_ffn_dims:
        layers = range(config.num_layers)
        return [(config.for_layer(layer), config.window(layer), 1) for layer in layers]
    widths = config.windows or (0,)
    return [
        (config, width, len(range(first, config.num_layers, len(widths))))
        for first, width in enumerate(widths)
    ]


def count_parameters(config: ModelConfig) -> int:
    """Exact number of learned values; GPT-2's smallest has 124,439,808."""
    return sum(parameters_by_part(config).values())


def hidden_matrices(config: ModelConfig) -> int:
    """How many of the learned values are in the matrices of attention and feed-forward: what Muon moves."""
    parts = parameters_by_part(replace(config, qkv_bias=False, output_bias=False, ffn_bias=False))
    return parts["attention"] + parts["feedforward"]


def flops_per_token(config: ModelConfig, context_length: int = 0, training: bool = True) -> int:
    """Floating-point operations of the matrix products for one token, a multiply-add counted as two.

    Every weight that multiplies is used once a token (2 operations), or block_repeat times; attention adds
    4 x H x E for each of the context_length / 2 tokens that a causal query sees on average. Training costs three times the
    forward pass: gradients for inputs and for weights (Chowdhery et al. 2022, appendix B, with the causal half).
    """
    time = context_length or config.context_length
    parts = parameters_by_part(config)
    blocks = config.block_repeat * (parts["attention"] + parts["feedforward"])
    attention = sum(
        times * config.block_repeat * 4 * layer.num_heads * layer.head_dim * _seen(time, window)
        for layer, window, times in _layers(config)
    )
    head = config.vocab_size * config.embed_dim
    return int(2 * (blocks + head) + attention) * (3 if training else 1)


def _seen(time: int, window: int) -> float:
    """How many tokens a query sees on average, of `time` and within the window (0: without one)."""
    if not 0 < window < time:
        return time / 2
    # The first `window` queries see half of it on average, all others the whole of it.
    return window * (window / 2 + time - window) / time


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
    config: ModelConfig,
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
    kept_twice = parameters - (hidden_matrices(config) if optimizer == "muon" else 0)
    tokens = micro_batch_size * config.context_length
    wide = 2 if config.gated else 1
    kept = config.block_repeat * sum(
        times
        * (
            4 * config.embed_dim  # two norms' inputs and outputs
            + (2 * layer.num_heads + 2 * layer.num_kv_heads) * layer.head_dim  # q, k, v and their mixture
            + (wide + 1) * layer.ffn_dim  # before and after the activation
        )
        for layer, _, times in _layers(config)
    )
    half = 2 if mixed_precision else 4
    logits = min(tokens * config.vocab_size, logits_at_once or tokens * config.vocab_size)
    return Memory(
        weights=4 * parameters,
        gradients=4 * parameters,
        optimizer=4 * (parameters + kept_twice),
        activations=tokens * kept * half,
        logits=logits * (8 + (2 if mixed_precision else 0)),
    )


def cache_bytes(config: ModelConfig, tokens: int, bytes_per_number: int = 4) -> int:
    """Bytes of keys and values that generation remembers for one sequence of that many tokens."""
    return (
        2
        * config.num_layers
        * config.block_repeat
        * config.num_kv_heads
        * config.head_dim
        * tokens
        * bytes_per_number
    )
