"""The one preset table."""

from itertools import pairwise

import pytest

from slmlib.config import ModelConfig
from slmlib.errors import ConfigError
from slmlib.model.counts import count_parameters
from slmlib.presets import PRESETS, default_preset, preset

SIZES = {  # parameters, vocabulary, context length, layers, width
    "0.3M": (262_144, 1024, 128, 4, 64),
    "1M": (1_310_720, 4096, 256, 4, 128),
    "3M": (2_555_904, 4096, 256, 4, 192),
    "8M": (8_388_608, 8192, 256, 8, 256),
    "14M": (13_762_560, 8192, 256, 6, 384),
    "34M": (33_554_432, 16384, 512, 8, 512),
    "124M": (123_532_032, 50257, 1024, 12, 768),
    "mamba-1M": (1_224_064, 4096, 256, 6, 128),
}
LADDER = {name: row for name, row in PRESETS.items() if isinstance(row.model, ModelConfig)}
"""The decoders, from small to large."""


def test_the_table():
    for name, row in PRESETS.items():
        model = row.model
        assert SIZES[name] == (
            count_parameters(model),
            model.vocab_size,
            model.context_length,
            model.num_layers,
            model.embed_dim,
        )
        assert row.name == name
        assert preset(name) is row
        assert row.good_for
    assert list(PRESETS) == list(SIZES)


@pytest.mark.parametrize("name", LADDER)
def test_every_row_fits_together(name):
    row = PRESETS[name]
    assert row.model.head_dim == 64
    assert row.model.vocab_size <= 65_536, "a token must fit into the stream's uint16"
    assert row.model.embed_dim * row.model.init_std <= 5.12 + 1e-9, "see the note beside it"
    assert (row.tokenizer == "gpt2") == (row.model.vocab_size == 50257)


def test_larger_models_learn_more_carefully():
    for smaller, larger in pairwise(LADDER.values()):
        assert count_parameters(smaller.model) < count_parameters(larger.model)
        assert smaller.train.learning_rate >= larger.train.learning_rate
        assert (
            smaller.train.batch_size * smaller.model.context_length
            <= larger.train.batch_size * larger.model.context_length
        )


@pytest.mark.parametrize(("device", "name"), [("cpu", "1M"), ("mps", "1M"), ("cuda", "34M")])
def test_each_device_has_a_first_run(device, name):
    assert default_preset(device) is PRESETS[name]


def test_an_unknown_preset_is_refused_with_the_names_there_are():
    with pytest.raises(ConfigError, match=r"no preset '2M'\. Choose from 0\.3M, 1M, 3M, .*124M, mamba-1M\."):
        preset("2M")
