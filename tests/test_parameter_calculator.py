"""The calculator's bill is that of a model that could be built."""

import re

import pytest

from slmlib.config import ModelConfig
from slmlib.model.counts import count_parameters
from slmlib.model.families import family
from slmlib.presets import preset
from slmlib.widgets.parameter_calculator import ParameterCalculator


def total(page) -> int:
    """The number in the row `all` of the bill."""
    return int(re.search(r"^all +([\d,]+) ", page.text, re.MULTILINE)[1].replace(",", ""))


def test_the_still_picture_is_the_bill_of_the_given_model():
    page = ParameterCalculator(family("gpt2")).still()
    assert total(page) == 124_439_808
    assert "12 layers, 768 wide, 12 heads on 12 key heads, feed-forward 3072, vocabulary 50,257" in page.text
    assert "1,991 MB (16 bytes a parameter)" in page.text
    assert "<table>" in page.html


@pytest.mark.parametrize("name", ["gpt2", "llama-3-8b", "microllama"])
def test_untouched_controls_show_the_still_picture(name):
    calculator = ParameterCalculator(family(name))
    assert calculator.controls().children[-1].value == calculator.still().html


def test_the_bill_follows_its_controls():
    base = preset("1M").model
    *dials, canvas = ParameterCalculator(base).controls().children
    vocab_size, num_layers, embed_dim, num_heads, num_kv_heads, gated = dials
    for dial, value in (
        (vocab_size, 8192),
        (num_layers, 6),
        (embed_dim, 256),
        (num_heads, 8),
        (num_kv_heads, 4),
    ):
        dial.value = value
    gated.value = True
    expected = ModelConfig(
        vocab_size=8192, num_layers=6, embed_dim=256, num_heads=8, num_kv_heads=4, gated=True
    )
    assert f'<td style="text-align: right">{count_parameters(expected):,}</td>' in canvas.value
    assert all(dial.description for dial in dials)


def test_what_cannot_be_built_is_said_in_a_sentence():
    *dials, canvas = ParameterCalculator(preset("1M").model).controls().children
    dials[3].value = 12
    assert "does not divide into num_heads (12) equal heads" in canvas.value
