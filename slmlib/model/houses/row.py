"""What a row of the table of families holds, and the two sets of switches most rows begin with."""

from dataclasses import dataclass
from typing import Any

from slmlib.config import LanguageModelConfig, ModelConfig


@dataclass(frozen=True)
class Family:
    """One published model: a shape, and why it is remembered."""

    title: str
    """Its name as its makers write it."""
    year: int
    """When it was published."""
    new: str
    """What was new about it, in a few words."""
    source: str
    """Where its shape is described."""
    config: LanguageModelConfig
    """The shape."""


CLASSIC: dict[str, Any] = dict(
    norm="layernorm",
    norm_gain=True,
    norm_bias=True,
    embedding_norm=False,
    position="learned",
    qk_norm=False,
    activation="gelu_tanh",
    qkv_bias=True,
    output_bias=True,
    ffn_bias=True,
    initialization="gpt2",
)
"""What models after GPT-2 have in common (Radford et al. 2019, section 2.3)."""

MODERN: dict[str, Any] = dict(
    norm_gain=True,
    embedding_norm=False,
    qk_norm=False,
    activation="silu",
    gated=True,
    tie_embeddings=False,
    initialization="gpt2",
)
"""What models after Llama have in common: RMSNorm, RoPE, SwiGLU, no biases (Touvron et al. 2023, section 2.2)."""


def shape(
    switches: dict[str, Any],
    num_layers: int,
    embed_dim: int,
    num_heads: int,
    num_kv_heads: int = 0,
    ffn_dim: int = 0,
    more: dict[str, Any] | None = None,
) -> ModelConfig:
    """A config from the switches of a family, the sizes of one member, and what `more` it has of its own."""
    sizes = dict(
        num_layers=num_layers,
        embed_dim=embed_dim,
        num_heads=num_heads,
        num_kv_heads=num_kv_heads,
        ffn_dim=ffn_dim,
    )
    return ModelConfig.from_dict(switches | sizes | (more or {}))
