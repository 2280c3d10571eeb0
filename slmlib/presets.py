"""The one preset table: sizes the command line, the lessons and the benchmarks share.

Each row is a model with a vocabulary that fits the corpus and a learning rate that fits the model. The
name says about how many parameters it has, embedding included.
"""

from dataclasses import dataclass

from slmlib.config import LanguageModelConfig, MambaConfig, ModelConfig, TrainConfig
from slmlib.errors import ConfigError


@dataclass(frozen=True)
class Preset:
    """A named pair of configs."""

    name: str
    """About how many parameters the model has."""
    good_for: str
    """Where one would train it."""
    model: LanguageModelConfig
    """The shape of the model."""
    train: TrainConfig
    """How it is trained."""
    tokenizer: str = "own"
    """`own`: a BPE of vocab_size tokens trained on the corpus. `gpt2`: the published one."""


def _preset(
    name: str,
    good_for: str,
    vocab_size: int,
    num_layers: int,
    embed_dim: int,
    context_length: int,
    batch_size: int,
    learning_rate: float,
    muon_learning_rate: float,
    tokenizer: str = "own",
    weight_decay: float = 0.0,
) -> Preset:
    model = ModelConfig(
        vocab_size=vocab_size,
        num_layers=num_layers,
        embed_dim=embed_dim,
        num_heads=embed_dim // 64,
        context_length=context_length,
        # An untrained model with a tied head answers with its input token, by a score of embed_dim x init_std.
        # Beyond 256 wide that would raise the first loss (by 4.4 at 124M), so it stays at 5.12.
        init_std=0.02 * min(1.0, 256 / embed_dim),
    )
    train = TrainConfig(
        batch_size=batch_size,
        # Measured at 1M, 250 steps, bits per byte: Muon 1.098, AdamW alone 1.202 (`--optimizer adamw` is that). Muon
        # 0.01, 0.02, 0.04: 1.141, 1.126, 1.137; momentum 0.95, 0.9: 1.117, 1.098. An orthogonalised step changes
        # what a matrix does to a vector by the same share at every width, so the rate stays; it is halved where
        # runs are long. Beyond 3M no preset was trained (no GPU). With `train --total-steps 1600` (one seed, one Intel
        # core) Muon's rate matters less, 0.843 with 0.01 and 0.844 with 0.02; a context of 256 with 8 windows a step
        # instead of 128 with 16 matters most: 0.816 against 0.844. In 90 s on one core it is the other way round, by 0.037
        # (benchmarks/results/recipe_ablation.md).
        optimizer="muon",
        muon_learning_rate=muon_learning_rate,
        muon_momentum=0.9,
        learning_rate=learning_rate,
        # AdamW alone at 1M, 400 steps, bits per byte: 1.203 with one rate of 8e-3 for all, 1.107 like this. With
        # Muon, 250 steps: 1.188 with 0.005 for the embedding, 1.141 with 0.02.
        embedding_rate_factor=7.0,
        beta2=0.99,  # against 0.95, with Muon: 1.098 and 1.109; with AdamW alone 1.202 both
        schedule="wsd",
        weight_decay=weight_decay,
    )
    return Preset(name, good_for, model, train, tokenizer)


_MAMBA = Preset(
    "mamba-1M",
    "the other kind of memory, for comparison with 1M",
    MambaConfig(vocab_size=4096, num_layers=6, embed_dim=128, context_length=256),
    TrainConfig(
        batch_size=8, learning_rate=3e-3, embedding_rate_factor=7.0, schedule="wsd", weight_decay=0.0
    ),
)

PRESETS = {
    preset.name: preset
    for preset in (
        _preset("0.3M", "tests, and a first minute on any machine", 1024, 4, 64, 128, 16, 5e-3, 0.02),
        _preset(
            "1M", "some minutes on two CPU cores (the default on a CPU)", 4096, 4, 128, 256, 8, 3e-3, 0.02
        ),
        # A run of ten minutes reads the sample of TinyStories 5.6 times and begins to know it by heart. Bits per byte
        # after its 3,222 steps with a decay of 0, 0.02, 0.05, 0.15: 0.713, 0.703, 0.695, 0.712 (one seed, one Intel
        # core but for the first). At 1M, 4,100 steps, 3.6 times through, 0.03 makes it 0.747 instead of 0.751, and
        # after 2,000 steps it is behind.
        _preset("3M", "an hour on two CPU cores", 4096, 4, 192, 256, 16, 3e-3, 0.02, weight_decay=0.05),
        _preset("8M", "an evening on a laptop, or a small GPU", 8192, 8, 256, 256, 64, 2e-3, 0.02),
        _preset("14M", "a GPU", 8192, 6, 384, 256, 128, 2e-3, 0.02),
        _preset("34M", "a GPU (the default there)", 16384, 8, 512, 512, 128, 1e-3, 0.01),
        _preset(
            "124M", "a large GPU: GPT-2's size and vocabulary", 50257, 12, 768, 1024, 256, 6e-4, 0.01, "gpt2"
        ),
        _MAMBA,
    )
}


def preset(name: str) -> Preset:
    """The preset of that name; ConfigError lists the names there are."""
    if name not in PRESETS:
        raise ConfigError(f"There is no preset {name!r}.", f"Choose from {', '.join(PRESETS)}.")
    return PRESETS[name]


def default_preset(device_type: str) -> Preset:
    """The preset for a first run on a `cpu`, `cuda` or `mps` device."""
    return PRESETS["34M" if device_type == "cuda" else "1M"]
