"""The arithmetic of each kind of shape: parameters, operations, and what has to be remembered.

`slmlib.model.counts` asks; here each kind answers, from its config alone. Letters as in the models: embed_dim D,
num_heads H, head_dim E, ffn_dim F, vocab_size V, a Mamba's inner channels I and state_dim N.
"""

from abc import ABC, abstractmethod
from dataclasses import replace

from slmlib.config import EncoderDecoderConfig, LanguageModelConfig, MambaConfig, ModelConfig


class Costs(ABC):
    """What one shape costs."""

    @abstractmethod
    def parts(self) -> dict[str, int]:
        """Exact number of learned values in each part; a tied head is 0, counted once under `embedding`."""

    @abstractmethod
    def matrix_parameters(self) -> int:
        """How many of the learned values are in the matrices of the blocks, without biases: what Muon moves."""

    @abstractmethod
    def operations(self, time: int) -> float:
        """Floating-point operations of a forward pass for one token, of a window of that many."""

    @abstractmethod
    def kept(self) -> int:
        """About how many numbers the backward pass needs again for each token, logits apart."""

    @abstractmethod
    def remembered(self, tokens: int) -> int:
        """How many numbers generation remembers of one sequence of that many tokens."""


class DecoderCosts(Costs):
    """Of a transformer."""

    def __init__(self, config: ModelConfig):
        self.config = config

    def parts(self) -> dict[str, int]:
        """Gains of queries' and keys' norms are among the `norms`."""
        config, D = self.config, self.config.embed_dim
        attention = feedforward = head_norms = 0
        for layer, _, times in self.layers():
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

    def matrix_parameters(self) -> int:
        """Attention and feed-forward."""
        plain = replace(self.config, qkv_bias=False, output_bias=False, ffn_bias=False)
        parts = DecoderCosts(plain).parts()
        return parts["attention"] + parts["feedforward"]

    def operations(self, time: int) -> float:
        """Attention is 4 x H x E for each token that a query sees on average."""
        config, parts = self.config, self.parts()
        blocks = config.block_repeat * (parts["attention"] + parts["feedforward"])
        attention = sum(
            times * config.block_repeat * 4 * layer.num_heads * layer.head_dim * _seen(time, window)
            for layer, window, times in self.layers()
        )
        return 2 * (blocks + config.vocab_size * config.embed_dim) + attention

    def kept(self) -> int:
        """Both norms' inputs and outputs; queries, keys, values and their mixture; around the activation."""
        wide = 2 if self.config.gated else 1
        return self.config.block_repeat * sum(
            times
            * (
                4 * self.config.embed_dim
                + (2 * layer.num_heads + 2 * layer.num_kv_heads) * layer.head_dim
                + (wide + 1) * layer.ffn_dim
            )
            for layer, _, times in self.layers()
        )

    def remembered(self, tokens: int) -> int:
        """Keys and values of every run of every layer."""
        config = self.config
        return 2 * config.num_layers * config.block_repeat * config.num_kv_heads * config.head_dim * tokens

    def layers(self) -> list[tuple[ModelConfig, int, int]]:
        """The different kinds of layers: their config, their window, and how many there are of them."""
        config = self.config
        if config.layer_heads or config.layer_ffn_dims:
            layers = range(config.num_layers)
            return [(config.for_layer(layer), config.window(layer), 1) for layer in layers]
        widths = config.windows or (0,)
        return [
            (config, width, len(range(first, config.num_layers, len(widths))))
            for first, width in enumerate(widths)
        ]


class MambaCosts(Costs):
    """Of a Mamba."""

    def __init__(self, config: MambaConfig):
        self.config = config

    def parts(self) -> dict[str, int]:
        """`state`: how fast each channel forgets, and what goes past its memory."""
        config = self.config
        layers, D, I, N = config.num_layers, config.embed_dim, config.inner_dim, config.state_dim  # noqa: E741
        return {
            "embedding": config.vocab_size * D,
            "projections": layers * 3 * D * I,
            "convolution": layers * I * (config.conv_width + 1),
            "selection": layers * (I * (config.step_rank + 2 * N) + (config.step_rank + 1) * I),
            "state": layers * I * (N + 1),
            "norms": (layers + 1) * D,
            "head": 0,
        }

    def matrix_parameters(self) -> int:
        """The projections, and those that select."""
        parts = self.parts()
        return parts["projections"] + parts["selection"] - self.config.num_layers * self.config.inner_dim

    def operations(self, time: int) -> float:
        """The scan is 6 for each number of the state: forget, write, add, read, and its step's two products."""
        config, parts = self.config, self.parts()
        products = parts["projections"] + parts["convolution"] + parts["selection"]
        products -= config.num_layers * 2 * config.inner_dim  # biases do not multiply
        scan = 6 * config.num_layers * config.inner_dim * config.state_dim
        return 2 * (products + config.vocab_size * config.embed_dim) + scan

    def kept(self) -> int:
        """Two states for each token, what was and what stays of it; 13 more numbers a channel around them."""
        config = self.config
        scan = 2 * config.inner_dim * config.state_dim + 6 * config.state_dim
        return config.num_layers * (2 * config.embed_dim + 13 * config.inner_dim + scan)

    def remembered(self, tokens: int) -> int:
        """The same for any number of tokens: the state, and what the convolution still sees."""
        config = self.config
        return config.num_layers * config.inner_dim * (config.state_dim + config.conv_width - 1)


class EncoderDecoderCosts(Costs):
    """Of a T5. A token is one of the question and one of the answer."""

    def __init__(self, config: EncoderDecoderConfig):
        self.config, self.inner = config, config.num_heads * config.head_dim

    def parts(self) -> dict[str, int]:
        """Encoder and decoder with their attention, feed-forward layers and norms."""
        config, D = self.config, self.config.embed_dim
        attention, feedforward = 4 * D * self.inner, 2 * D * config.ffn_dim
        return {
            "embedding": config.vocab_size * D,
            "positions": 2 * config.num_buckets * config.num_heads,
            "encoder": config.num_layers * (attention + feedforward),
            "decoder": config.num_layers * (2 * attention + feedforward),
            "norms": (5 * config.num_layers + 2) * D,
            "head": 0 if config.tie_embeddings else config.vocab_size * D,
        }

    def matrix_parameters(self) -> int:
        """All of both stacks; there are no biases."""
        return self.parts()["encoder"] + self.parts()["decoder"]

    def operations(self, time: int) -> float:
        """The encoder sees all of the question, the decoder half of its own past and all of the question."""
        config, parts = self.config, self.parts()
        seen = time + time / 2 + time
        attention = config.num_layers * 4 * self.inner * seen
        return 2 * (parts["encoder"] + parts["decoder"] + config.vocab_size * config.embed_dim) + attention

    def kept(self) -> int:
        """As in a decoder, for five parts instead of two."""
        config = self.config
        return config.num_layers * (10 * config.embed_dim + 12 * self.inner + 4 * config.ffn_dim)

    def remembered(self, tokens: int) -> int:
        """Keys and values of the answer, which grow, and of the question, which do not."""
        return 2 * self.config.num_layers * self.inner * 2 * tokens


_KINDS = {
    ModelConfig.kind: DecoderCosts,
    MambaConfig.kind: MambaCosts,
    EncoderDecoderConfig.kind: EncoderDecoderCosts,
}


def costs_of(config: LanguageModelConfig) -> Costs:
    """The arithmetic that belongs to this kind of shape."""
    return _KINDS[config.kind](config)


def _seen(time: int, window: int) -> float:
    """How many tokens a query sees on average, of `time` and within the window (0: without one)."""
    if not 0 < window < time:
        return time / 2
    # The first `window` queries see half of it on average, all others the whole of it.
    return window * (window / 2 + time - window) / time
