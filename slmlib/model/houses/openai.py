"""OpenAI's first three: the decoder finds its shape and then only grows."""

from slmlib.model.houses.row import CLASSIC, Family, shape

_GPT1 = CLASSIC | dict(vocab_size=40478, context_length=512, block="post_norm", final_norm=False)
_GPT2 = CLASSIC | dict(vocab_size=50257, context_length=1024)
_GPT3 = CLASSIC | dict(vocab_size=50257, context_length=2048)
_NANOGPT = _GPT2 | dict(
    vocab_size=50304,  # a multiple of 64 is faster
    norm_bias=False,
    qkv_bias=False,
    output_bias=False,
    ffn_bias=False,
    activation="gelu",
)

_GPT2_NEW = "norms before each part; tasks without training for them"
_GPT2_PAPER = "Radford et al. 2019, Language Models are Unsupervised Multitask Learners, table 2"
_GPT3_NEW = "examples in the prompt instead of fine-tuning"
# The paper's XL has 24 heads of 128, wider than its stream of 2048; as everyone who rebuilt it we take 16. Every
# second layer of GPT-3 saw only a band of tokens, whose width was not told: these rows see everything.
_GPT3_PAPER = "Brown et al. 2020, arXiv 2005.14165, table 2.1"

ROWS = {
    "gpt1": Family(
        "GPT-1",
        2018,
        "pre-train a decoder on books, then fine-tune it for anything",
        "Radford et al. 2018, Improving Language Understanding by Generative Pre-Training, section 4.1",
        shape(_GPT1, 12, 768, 12),
    ),
    **{
        name: Family(title, 2019, _GPT2_NEW, _GPT2_PAPER, shape(_GPT2, *sizes))
        for name, title, sizes in (
            ("gpt2", "GPT-2", (12, 768, 12)),
            ("gpt2-medium", "GPT-2 medium", (24, 1024, 16)),
            ("gpt2-large", "GPT-2 large", (36, 1280, 20)),
            ("gpt2-xl", "GPT-2 XL", (48, 1600, 25)),
        )
    },
    "nanogpt": Family(
        "nanoGPT",
        2022,
        "GPT-2 in 300 lines anyone can read; no biases",
        "github.com/karpathy/nanoGPT, config/train_gpt2.py",
        shape(_NANOGPT, 12, 768, 12),
    ),
    **{
        name: Family(title, 2020, _GPT3_NEW, _GPT3_PAPER, shape(_GPT3, *sizes))
        for name, title, sizes in (
            ("gpt3-small", "GPT-3 Small", (12, 768, 12)),
            ("gpt3-medium", "GPT-3 Medium", (24, 1024, 16)),
            ("gpt3-large", "GPT-3 Large", (24, 1536, 16)),
            ("gpt3-xl", "GPT-3 XL", (24, 2048, 16)),
            ("gpt3-2.7b", "GPT-3 2.7B", (32, 2560, 32)),
            ("gpt3-6.7b", "GPT-3 6.7B", (32, 4096, 32)),
            ("gpt3-175b", "GPT-3", (96, 12288, 96)),
        )
    },
}
"""Name -> row."""
