"""Published models as rows of data: the same Decoder, other switches."""

from slmlib.config import ModelConfig
from slmlib.errors import ConfigError


def _gpt2(num_layers: int, embed_dim: int, num_heads: int) -> ModelConfig:
    """Radford et al. 2019, table 2."""
    return ModelConfig(
        vocab_size=50257,
        context_length=1024,
        embed_dim=embed_dim,
        num_layers=num_layers,
        num_heads=num_heads,
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


def _llama(
    num_layers: int,
    embed_dim: int,
    num_heads: int,
    num_kv_heads: int,
    ffn_dim: int,
    vocab_size: int = 32000,
    context_length: int = 2048,
    rope_theta: float = 10_000.0,
    norm_eps: float = 1e-5,
) -> ModelConfig:
    """Touvron et al. 2023, section 2.2."""
    return ModelConfig(
        vocab_size=vocab_size,
        context_length=context_length,
        embed_dim=embed_dim,
        num_layers=num_layers,
        num_heads=num_heads,
        num_kv_heads=num_kv_heads,
        ffn_dim=ffn_dim,
        norm_gain=True,
        norm_eps=norm_eps,
        embedding_norm=False,
        rope_theta=rope_theta,
        qk_norm=False,
        activation="silu",
        gated=True,
        tie_embeddings=False,
        initialization="gpt2",
    )


FAMILIES = {
    "gpt2": _gpt2(12, 768, 12),
    "gpt2-medium": _gpt2(24, 1024, 16),
    "gpt2-large": _gpt2(36, 1280, 20),
    "gpt2-xl": _gpt2(48, 1600, 25),
    "llama-7b": _llama(32, 4096, 32, 32, 11008, norm_eps=1e-6),
    "llama-2-7b": _llama(32, 4096, 32, 32, 11008, context_length=4096),
    "llama-3-8b": _llama(32, 4096, 32, 8, 14336, 128256, 8192, 500_000.0),
    "tinyllama": _llama(22, 2048, 32, 4, 5632),
    "microllama": _llama(12, 1024, 16, 4, 5632),
    "tinysolar-248m": _llama(12, 1024, 32, 8, 4096, context_length=4096),
}
"""Name -> config. Names are the usual ones on the Hub, in lower case."""


def family(name: str) -> ModelConfig:
    """The config of a published model; ConfigError lists the names there are."""
    if name not in FAMILIES:
        raise ConfigError(f"There is no family {name!r}.", f"Choose from {', '.join(FAMILIES)}.")
    return FAMILIES[name]
