"""EleutherAI's open answers to GPT-3, and two models built from the same parts: TinyStories' and MPT."""

from slmlib.model.houses.row import CLASSIC, Family, shape

_NEO = CLASSIC | dict(
    vocab_size=50257, context_length=2048, qkv_bias=False, attention_scale=1.0, windows=(0, 256)
)
_GPTJ = CLASSIC | dict(
    vocab_size=50400,
    context_length=2048,
    block="parallel_one_norm",
    position="rope",
    rope_pairs="interleaved",
    rope_dim=64,
    qkv_bias=False,
    output_bias=False,
    tie_embeddings=False,
    head_bias=True,
)
_PYTHIA = CLASSIC | dict(
    vocab_size=50304,
    context_length=2048,
    block="parallel",
    position="rope",
    activation="gelu",
    tie_embeddings=False,
)
_MPT = CLASSIC | dict(
    vocab_size=50432,
    context_length=2048,
    norm_bias=False,
    position="alibi",
    activation="gelu",
    qkv_bias=False,
    output_bias=False,
    ffn_bias=False,
)

_NEO_NEW = "GPT-3's shape with open weights; every second layer sees 256 tokens"
_NEO_CODE = "Black et al. 2021, github.com/EleutherAI/gpt-neo"
_STORIES_NEW = "stories a small child understands need only a small model"
_STORIES_PAPER = "Eldan and Li 2023, arXiv 2305.07759; shapes from the released weights"
_PYTHIA_NEW = "ten sizes, one order of data, 154 checkpoints each"
_PYTHIA_PAPER = "Biderman et al. 2023, arXiv 2304.01373, table 1"

ROWS = {
    **{
        name: Family(title, 2021, _NEO_NEW, _NEO_CODE, shape(_NEO, *sizes))
        for name, title, sizes in (
            ("gpt-neo-125m", "GPT-Neo 125M", (12, 768, 12)),
            ("gpt-neo-1.3b", "GPT-Neo 1.3B", (24, 2048, 16)),
            ("gpt-neo-2.7b", "GPT-Neo 2.7B", (32, 2560, 20)),
        )
    },
    **{
        name: Family(title, 2023, _STORIES_NEW, _STORIES_PAPER, shape(_NEO, *sizes))
        for name, title, sizes in (
            ("tinystories-1m", "TinyStories-1M", (8, 64, 16)),
            ("tinystories-3m", "TinyStories-3M", (8, 128, 16)),
            ("tinystories-8m", "TinyStories-8M", (8, 256, 16)),
            ("tinystories-28m", "TinyStories-28M", (8, 512, 16)),
            ("tinystories-33m", "TinyStories-33M", (4, 768, 16)),
            ("tinystories-2layers-33m", "TinyStories-2Layers-33M", (2, 1024, 16)),
        )
    },
    "tinystories-1layer-21m": Family(
        "TinyStories-1Layer-21M",
        2023,
        _STORIES_NEW,
        _STORIES_PAPER,
        shape(_NEO, 1, 1024, 16, more=dict(windows=())),
    ),
    "gpt-j-6b": Family(
        "GPT-J-6B",
        2021,
        "attention and feed-forward side by side; RoPE in a large model",
        "Wang and Komatsuzaki 2021, github.com/kingoflolz/mesh-transformer-jax",
        shape(_GPTJ, 28, 4096, 16),
    ),
    **{
        name: Family(
            title, 2023, _PYTHIA_NEW, _PYTHIA_PAPER, shape(_PYTHIA | dict(rope_dim=turned) | more, *sizes)
        )
        for name, title, sizes, turned, more in (
            ("pythia-14m", "Pythia-14M", (6, 128, 4), 8, {}),
            ("pythia-31m", "Pythia-31M", (6, 256, 8), 8, {}),
            ("pythia-70m", "Pythia-70M", (6, 512, 8), 16, {}),
            ("pythia-160m", "Pythia-160M", (12, 768, 12), 16, {}),
            ("pythia-410m", "Pythia-410M", (24, 1024, 16), 16, {}),
            ("pythia-1b", "Pythia-1B", (16, 2048, 8), 64, {}),
            ("pythia-1.4b", "Pythia-1.4B", (24, 2048, 16), 32, {}),
            ("pythia-2.8b", "Pythia-2.8B", (32, 2560, 32), 20, {}),
            ("pythia-6.9b", "Pythia-6.9B", (32, 4096, 32), 32, dict(vocab_size=50432)),
            ("pythia-12b", "Pythia-12B", (36, 5120, 40), 32, dict(vocab_size=50688)),
        )
    },
    "mpt-7b": Family(
        "MPT-7B",
        2023,
        "ALiBi instead of positions, so that it reads further than it was trained for",
        "MosaicML 2023, MPT-7B; ALiBi: Press et al. 2022, arXiv 2108.12409",
        shape(_MPT, 32, 4096, 32),
    ),
}
"""Name -> row."""
