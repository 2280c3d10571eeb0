"""Models from China: large vocabularies, biases in queries and keys, and scales found on small models."""

from slmlib.model.houses.row import MODERN, Family, shape

_QWEN = MODERN | dict(vocab_size=151936, norm_eps=1e-6, qkv_bias=True)
_QWEN2 = _QWEN | dict(context_length=32768, rope_theta=1e6, tie_embeddings=True)
_QWEN3 = _QWEN2 | dict(context_length=40960, qkv_bias=False, qk_norm=True, qk_norm_gain=True, head_dim=128)
_BABY = MODERN | dict(vocab_size=64793, rope_pairs="interleaved", tie_embeddings=True)

_BABY_NEW = "llama2.c's code with a Chinese vocabulary that fits 16 bits"
_BABY_CODE = "github.com/DLLXW/baby-llama2-chinese"
_MINICPM_NEW = "scales that let a small model's best settings serve a large one; the WSD schedule"
_MINICPM_PAPER = "Hu et al. 2024, arXiv 2404.06395, table 2 and section 3"


def _minicpm(num_layers: int, embed_dim: int) -> dict[str, object]:
    return MODERN | dict(
        context_length=4096,
        tie_embeddings=True,
        embedding_scale=12.0,
        residual_scale=1.4 / num_layers**0.5,
        logit_scale=256 / embed_dim,
    )


ROWS = {
    "baby-llama2-92m": Family(
        "baby-llama2-chinese 92M",
        2023,
        _BABY_NEW,
        _BABY_CODE,
        shape(_BABY, 8, 512, 8, 8, 1376, dict(context_length=512)),
    ),
    "baby-llama2-92m-smallvocab": Family(
        "baby-llama2-chinese 92M, small vocabulary",
        2023,
        _BABY_NEW,
        _BABY_CODE,
        shape(_BABY, 8, 512, 8, 8, 1376, dict(context_length=512, vocab_size=21131)),
    ),
    "baby-llama2-218m": Family(
        "baby-llama2-chinese 218M",
        2023,
        _BABY_NEW,
        _BABY_CODE,
        shape(_BABY, 12, 1024, 8, 8, 2752, dict(context_length=1024)),
    ),
    "mini-llm": Family(
        "MINI_LLM",
        2024,
        "Qwen's first block in 1.4B: pre-training, SFT and DPO by one person",
        "github.com/jiahe7ay/MINI_LLM",
        shape(_QWEN, 16, 2048, 16, 16, 5504, dict(context_length=2048)),
    ),
    "qwen1.5-0.5b": Family(
        "Qwen1.5-0.5B",
        2024,
        "a third of all parameters is the embedding of 151,936 tokens",
        "Qwen team 2024, Introducing Qwen1.5; Bai et al. 2023, arXiv 2309.16609",
        shape(_QWEN2, 24, 1024, 16, 16, 2816),
    ),
    "qwen2.5-0.5b": Family(
        "Qwen2.5-0.5B",
        2024,
        "keys shared by seven queries; 18T tokens",
        "Qwen team 2024, arXiv 2412.15115",
        shape(_QWEN2, 24, 896, 14, 2, 4864),
    ),
    "qwen3-0.6b": Family(
        "Qwen3-0.6B",
        2025,
        "norms on queries and keys instead of biases; heads wider than the stream",
        "Qwen team 2025, arXiv 2505.09388",
        shape(_QWEN3, 28, 1024, 16, 8, 3072),
    ),
    "minicpm-1b": Family(
        "MiniCPM-1.2B",
        2024,
        _MINICPM_NEW,
        _MINICPM_PAPER,
        shape(_minicpm(52, 1536), 52, 1536, 24, 8, 3840, dict(vocab_size=73440)),
    ),
    "minicpm-2b": Family(
        "MiniCPM-2.4B",
        2024,
        _MINICPM_NEW,
        _MINICPM_PAPER,
        shape(_minicpm(40, 2304), 40, 2304, 36, 36, 5760, dict(vocab_size=122753)),
    ),
    "pangu-pi-1b": Family(
        "PanGu-pi-1B Pro",
        2024,
        "which shape, vocabulary and first weights a tiny model needs",
        "Tang et al. 2024, arXiv 2402.02791; github.com/YuchuanTian/RethinkTinyLM",
        shape(MODERN, 20, 1792, 14, 14, 4864, dict(vocab_size=48000, context_length=2048, norm_eps=1e-6)),
    ),
    "ct-llm-2b": Family(
        "CT-LLM 2B",
        2024,
        "two thirds of 1.2T tokens are Chinese",
        "Du et al. 2024, arXiv 2404.04167",
        shape(
            MODERN, 32, 2048, 16, 16, 5504, dict(vocab_size=125696, context_length=4096, tie_embeddings=True)
        ),
    ),
}
"""Name -> row."""
