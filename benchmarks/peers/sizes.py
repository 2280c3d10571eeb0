"""The shapes that are raced, and the one model that most libraries can be: GPT-2's."""

from typing import Any

from slmlib.config import ModelConfig
from slmlib.model.houses.row import CLASSIC, MODERN

LLAMA_SHAPE: dict[str, Any] = MODERN | dict(tie_embeddings=True)
"""What llama2.c runs."""


def size(
    vocab_size: int, context_length: int, num_layers: int, num_heads: int, embed_dim: int
) -> dict[str, int]:
    """One size, as keywords of ModelConfig."""
    return dict(
        vocab_size=vocab_size,
        context_length=context_length,
        num_layers=num_layers,
        num_heads=num_heads,
        embed_dim=embed_dim,
    )


SMALL, MEDIUM = size(8192, 256, 4, 4, 128), size(50304, 256, 6, 6, 384)
"""S and M: 1.9M and 30M parameters."""

QUICK = size(256, 32, 2, 2, 32)
"""For a test of the machinery: no speed worth knowing."""

ON_A_GPU = {
    "288": size(32000, 256, 6, 6, 288),
    "384": size(8192, 512, 6, 6, 384),
    "512": size(8192, 512, 8, 8, 512),
    "768": size(8192, 1024, 12, 12, 768),
    "124M": size(50304, 1024, 12, 12, 768),
}
"""By width; 288 is llama2.c's 15M, 124M is GPT-2."""


def gpt2(sizes: dict[str, int]) -> ModelConfig:
    """GPT-2 in that size, in our words."""
    return ModelConfig(**sizes, **CLASSIC)
