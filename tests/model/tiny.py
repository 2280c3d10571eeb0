"""Families shrunk until they can be tried: all switches stay, sizes, windows and contexts become small."""

from dataclasses import replace

import torch

from slmlib.config import ModelConfig
from slmlib.model.decoder import Decoder
from slmlib.model.families import FAMILIES


def tiny(config: ModelConfig) -> ModelConfig:
    """At most 4 layers, 6 or 8 heads, 97 tokens; what was uneven, shared or partial still is."""
    layers, sharing = min(4, config.num_layers), config.num_heads // config.num_kv_heads
    heads = 8 if sharing in (2, 4) else 6
    shared = heads // sharing if heads % sharing == 0 else 2
    own_head_dim = config.head_dim * config.num_heads != config.embed_dim
    ffn_dim = 4 * 8 * heads if config.ffn_dim == 4 * config.embed_dim else 80
    changes = dict(
        vocab_size=97,
        context_length=64,
        embed_dim=8 * heads,
        num_layers=layers,
        num_heads=heads,
        num_kv_heads=shared,
        head_dim=12 if own_head_dim else 8,
        ffn_dim=ffn_dim,
        layer_heads=(4, 4, 8, 8) if config.layer_heads else (),
        layer_ffn_dims=(ffn_dim // 4, ffn_dim // 2, ffn_dim - 16, ffn_dim) if config.layer_ffn_dims else (),
        windows=tuple(7 if width else 0 for width in config.windows)[:layers],
        rope_dim=4 if config.rope_dim else 0,
        clip_qkv=0.5 if config.clip_qkv else 0.0,
    )
    if config.rope_scaling != 1:
        changes |= dict(rope_scaling=4.0, rope_scaling_context=16)
    return replace(config, **changes)


def distinct() -> dict[str, ModelConfig]:
    """The tiny configs of all families, each once, under the first name that has it."""
    seen: dict[ModelConfig, str] = {}
    for name, config in FAMILIES.items():
        seen.setdefault(tiny(config), name)
    return {name: config for config, name in seen.items()}


@torch.no_grad()
def randomised(model: torch.nn.Module, size: float = 0.12) -> torch.nn.Module:
    """Every tensor random: zero biases and unit gains would hide mistakes."""
    generator = torch.Generator().manual_seed(7)
    for parameter in model.parameters():
        parameter.normal_(1.0 if parameter.dim() == 1 else 0.0, size, generator=generator)
    return model.eval()


def random_decoder(config: ModelConfig, size: float = 0.12) -> Decoder:
    """A Decoder with every tensor random."""
    model = randomised(Decoder(config), size)
    assert isinstance(model, Decoder)
    return model


def random_tokens(batch: int = 2, time: int = 40) -> torch.Tensor:
    """(batch, time) tokens of the tiny vocabulary."""
    return torch.randint(97, (batch, time), generator=torch.Generator().manual_seed(1))
