"""Llama, and the many whose block is Llama's: what differs is size, vocabulary and data."""

from slmlib.model.houses.row import MODERN, Family, shape

_LLAMA1 = MODERN | dict(vocab_size=32000, context_length=2048, norm_eps=1e-6)
_LLAMA2 = MODERN | dict(vocab_size=32000, context_length=4096)
_LLAMA3 = MODERN | dict(vocab_size=128256, context_length=8192, rope_theta=500_000.0)
_LLAMA31 = _LLAMA3 | dict(context_length=131072, rope_scaling=8.0, rope_scaling_context=8192)
_LLAMA32 = _LLAMA31 | dict(rope_scaling=32.0, tie_embeddings=True)
_SMALL = MODERN | dict(vocab_size=32000, context_length=2048)
_MOBILE = _SMALL | dict(tie_embeddings=True)

_LLAMA1_NEW = "RMSNorm, RoPE and SwiGLU together; a small model read far more than Chinchilla asked"
_LLAMA1_PAPER = "Touvron et al. 2023, arXiv 2302.13971, table 2"
_LLAMA2_NEW = "twice the context; the largest shares keys between queries"
_LLAMA2_PAPER = "Touvron et al. 2023, arXiv 2307.09288, table 1"
_LLAMA3_NEW = "four times the vocabulary, keys shared in every size, 15T tokens"
_LLAMA3_PAPER = "Dubey et al. 2024, arXiv 2407.21783, table 3"
_MOBILE_NEW = "thin and deep, tied, keys shared: 125M are enough for a phone"
_MOBILE_LS_NEW = "each block runs twice: depth for nothing"
_MOBILE_PAPER = "Liu et al. 2024, arXiv 2402.14905"

_MOBILE_SIZES = (
    ("125m", (30, 576, 9, 3, 1536)),
    ("350m", (32, 960, 15, 5, 2560)),
    ("600m", (40, 1152, 18, 6, 3072)),
    ("1b", (54, 1280, 20, 5, 3584)),
    ("1.5b", (54, 1600, 25, 5, 4352)),
)

ROWS = {
    "llama-7b": Family("LLaMA 7B", 2023, _LLAMA1_NEW, _LLAMA1_PAPER, shape(_LLAMA1, 32, 4096, 32, 32, 11008)),
    **{
        name: Family(title, 2023, _LLAMA2_NEW, _LLAMA2_PAPER, shape(_LLAMA2, *sizes))
        for name, title, sizes in (
            ("llama-2-7b", "Llama 2 7B", (32, 4096, 32, 32, 11008)),
            ("llama-2-13b", "Llama 2 13B", (40, 5120, 40, 40, 13824)),
            ("llama-2-70b", "Llama 2 70B", (80, 8192, 64, 8, 28672)),
        )
    },
    "llama-3-8b": Family(
        "Llama 3 8B", 2024, _LLAMA3_NEW, _LLAMA3_PAPER, shape(_LLAMA3, 32, 4096, 32, 8, 14336)
    ),
    "llama-3-70b": Family(
        "Llama 3 70B", 2024, _LLAMA3_NEW, _LLAMA3_PAPER, shape(_LLAMA3, 80, 8192, 64, 8, 28672)
    ),
    "llama-3.1-8b": Family(
        "Llama 3.1 8B",
        2024,
        "slow turns of RoPE slowed down: 131,072 tokens of context",
        _LLAMA3_PAPER,
        shape(_LLAMA31, 32, 4096, 32, 8, 14336),
    ),
    "llama-3.2-1b": Family(
        "Llama 3.2 1B",
        2024,
        "cut out of the 8B and taught by it",
        "Meta 2024, Llama 3.2 model card",
        shape(_LLAMA32, 16, 2048, 32, 8, 8192),
    ),
    "mistral-7b": Family(
        "Mistral 7B",
        2023,
        "every layer sees 4,096 tokens back; layers together see further",
        "Jiang et al. 2023, arXiv 2310.06825, table 1",
        shape(_LLAMA2, 32, 4096, 32, 8, 14336, dict(context_length=32768, windows=(4096,))),
    ),
    "solar-10.7b": Family(
        "SOLAR 10.7B",
        2023,
        "32 layers become 48: copy, drop the overlap, go on training",
        "Kim et al. 2023, arXiv 2312.15166, section 2",
        shape(_LLAMA2, 48, 4096, 32, 8, 14336),
    ),
    "tinyllama": Family(
        "TinyLlama 1.1B",
        2024,
        "3T tokens into a small Llama",
        "Zhang et al. 2024, arXiv 2401.02385",
        shape(_SMALL, 22, 2048, 32, 4, 5632),
    ),
    "microllama": Family(
        "MicroLlama",
        2024,
        "300M pre-trained by one person for some hundred dollars",
        "github.com/keeeeenw/MicroLlama",
        shape(_SMALL, 12, 1024, 16, 4, 5632),
    ),
    "tinysolar-248m": Family(
        "TinySolar-248m-4k",
        2024,
        "small enough to show depth up-scaling in a course",
        "huggingface.co/upstage/TinySolar-248m-4k",
        shape(_LLAMA2, 12, 1024, 32, 8, 4096),
    ),
    **{
        f"mobilellm-{name}": Family(
            f"MobileLLM-{name.upper()}", 2024, _MOBILE_NEW, _MOBILE_PAPER, shape(_MOBILE, *sizes)
        )
        for name, sizes in _MOBILE_SIZES
    },
    **{
        f"mobilellm-ls-{name}": Family(
            f"MobileLLM-LS-{name.upper()}",
            2024,
            _MOBILE_LS_NEW,
            _MOBILE_PAPER,
            shape(_MOBILE, *sizes, more=dict(block_repeat=2)),
        )
        for name, sizes in _MOBILE_SIZES[:2]
    },
}
"""Name -> row."""
