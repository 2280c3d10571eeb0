"""OLMo (Ai2), Phi (Microsoft) and OpenELM (Apple): one idea each about norms, data, or where to spend parameters."""

from typing import Any

from slmlib.config import ModelConfig
from slmlib.model.houses.row import CLASSIC, MODERN, Family, shape

_OLMO = MODERN | dict(vocab_size=50304, context_length=2048, norm="layernorm", norm_gain=False)
_OLMO2 = MODERN | dict(
    vocab_size=100352,
    context_length=4096,
    norm_eps=1e-6,
    block="output_norm",
    rope_theta=500_000.0,
    qk_norm=True,
    qk_norm_gain=True,
    qk_norm_over="projection",
)
_OLMO3 = _OLMO2 | dict(vocab_size=100278, context_length=8192, windows=(4096, 4096, 4096, 0))
_PHI = CLASSIC | dict(
    vocab_size=51200,
    context_length=2048,
    block="parallel_one_norm",
    position="rope",
    rope_dim=32,
    tie_embeddings=False,
    head_bias=True,
)
_PHI3 = MODERN | dict(vocab_size=32064, context_length=4096, windows=(2047,))
_PHI4 = MODERN | dict(vocab_size=100352, context_length=16384, rope_theta=250_000.0)

_OLMO_NEW = "norms without parameters; data, code and logs all open"
_OLMO_PAPER = "Groeneveld et al. 2024, arXiv 2402.00838, table 1"
_OPENELM_NEW = "later layers are wider than early ones"
_OPENELM_PAPER = "Mehta et al. 2024, arXiv 2404.14619, section 2"


def openelm(num_layers: int, embed_dim: int, head_dim: int, vocab_size: int = 32000) -> ModelConfig:
    """Layer-wise scaling: from the first layer to the last, heads grow from half of embed_dim / head_dim to all
    of it, and ffn_dim from 0.5 to 4 x embed_dim (Mehta et al. 2024, equation 1; rounding as in their code).
    """
    heads, ffn_dims = [], []
    for layer in range(num_layers):
        along = layer / (num_layers - 1)
        width = embed_dim * round(0.5 + along * (1.0 - 0.5), 2)
        # Four queries share a key, so heads come in fours.
        heads.append(round_to_multiple(width, 4 * head_dim) // head_dim)
        ffn_dims.append(round_to_multiple(embed_dim * round(0.5 + along * (4.0 - 0.5), 2), 256))
    switches: dict[str, Any] = dict(
        vocab_size=vocab_size,
        context_length=2048,
        head_dim=head_dim,
        norm_eps=1e-6,
        qk_norm=True,
        qk_norm_gain=True,
        tie_embeddings=True,
        layer_heads=tuple(heads),
        layer_ffn_dims=tuple(ffn_dims),
    )
    return shape(MODERN | switches, num_layers, embed_dim, max(heads), max(heads) // 4, max(ffn_dims))


def round_to_multiple(size: float, step: int) -> int:
    """The multiple of `step` nearest to `size`, but none more than a tenth below it."""
    nearest = max(step, int(size + step / 2) // step * step)
    return nearest + step if nearest < 0.9 * size else nearest


ROWS = {
    "olmo-1b": Family(
        "OLMo 1B",
        2024,
        _OLMO_NEW,
        _OLMO_PAPER,
        shape(_OLMO, 16, 2048, 16, 16, 8192, dict(tie_embeddings=True)),
    ),
    "olmo-7b": Family("OLMo 7B", 2024, _OLMO_NEW, _OLMO_PAPER, shape(_OLMO, 32, 4096, 32, 32, 11008)),
    "olmo-7b-0724": Family(
        "OLMo 7B 0724",
        2024,
        "queries, keys and values cut off at 8, against spikes of the loss",
        "Ai2 2024, OLMo 1.7-7B",
        shape(_OLMO, 32, 4096, 32, 32, 11008, dict(context_length=4096, clip_qkv=8.0)),
    ),
    "olmo-2-1b": Family(
        "OLMo 2 1B",
        2025,
        "norm what is added, and all queries of a token together: no spikes",
        "OLMo team 2025, arXiv 2501.00656, section 3",
        shape(_OLMO2, 16, 2048, 16, 16, 8192),
    ),
    # As pre-trained; the released model reads further, through a stage that stretches RoPE by YaRN.
    "olmo-3-7b": Family(
        "Olmo 3 7B",
        2025,
        "three layers of four see 4,096 tokens back, the fourth all",
        "Olmo team 2025, Olmo 3 technical report",
        shape(_OLMO3, 32, 4096, 32, 32, 11008),
    ),
    "phi-1-small": Family(
        "phi-1-small",
        2023,
        "code from textbooks: 350M, against models ten times larger",
        "Gunasekar et al. 2023, arXiv 2306.11644, section 2.3",
        shape(_PHI, 20, 1024, 16),
    ),
    "phi-1.5": Family(
        "Phi-1.5",
        2023,
        "textbooks written by a larger model, for common sense too",
        "Li et al. 2023, arXiv 2309.05463",
        shape(_PHI, 24, 2048, 32),
    ),
    "phi-2": Family(
        "Phi-2",
        2023,
        "grown from Phi-1.5's weights",
        "Microsoft 2023, Phi-2: the surprising power of small language models",
        shape(_PHI, 32, 2560, 32),
    ),
    "phi-3-mini": Family(
        "Phi-3-mini-4k",
        2024,
        "Llama's block, filtered web and synthetic data: runs on a phone",
        "Abdin et al. 2024, arXiv 2404.14219",
        shape(_PHI3, 32, 3072, 32, 32, 8192),
    ),
    "phi-4": Family(
        "Phi-4",
        2024,
        "mostly synthetic data, made for reasoning",
        "Abdin et al. 2024, arXiv 2412.08905",
        shape(_PHI4, 40, 5120, 40, 10, 17920),
    ),
    **{
        name: Family(title, 2024, _OPENELM_NEW, _OPENELM_PAPER, openelm(*sizes))
        for name, title, sizes in (
            ("openelm-270m", "OpenELM-270M", (16, 1280, 64)),
            ("openelm-450m", "OpenELM-450M", (20, 1536, 64)),
            ("openelm-1.1b", "OpenELM-1.1B", (28, 2048, 64)),
            ("openelm-3b", "OpenELM-3B", (36, 3072, 128)),
        )
    },
}
"""Name -> row."""
