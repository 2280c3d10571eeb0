"""Pictures and explorer of attention say what the weights say."""

import re

import numpy as np
import pytest

from slmlib.plots import lines
from slmlib.plots.attention import head_maps, matrix_panels
from slmlib.widgets.attention_explorer import AttentionExplorer

PIECES = ["Once", " upon", " a <b>"]


@pytest.fixture
def weights():
    """Two layers, two heads, three tokens: layer 1, head 0 looks one back, all others at themselves."""
    maps = np.tile(np.eye(3), (2, 2, 1, 1))
    maps[1, 0] = [[1, 0, 0], [0.9, 0.1, 0], [0.05, 0.75, 0.2]]
    return maps


def test_numbers_and_infinities_are_written_in_the_cells_and_in_the_alt_text():
    scores = np.array([[4.0, -np.inf], [1.5, 2.0]])
    picture = matrix_panels({"masked": scores}, ["one", "two"], ["one", "two"], "Scores")
    written = [text.get_text() for text in picture.figure.axes[0].texts]
    assert written == ["4.00", "−∞", "1.50", "2.00"]
    assert "masked: one: 4.00, −∞; two: 1.50, 2.00." in picture.alt
    assert picture.png().startswith(b"\x89PNG")


def test_every_head_has_its_map(weights):
    picture = head_maps(weights, "Four heads")
    titles = [axes.get_title(loc="left") for axes in picture.figure.axes]
    assert titles == [f"layer {layer}, head {head}" for layer in (0, 1) for head in (0, 1)]
    assert "layer 1, head 0: 82% on the token before" in picture.alt
    assert "layer 0, head 0: 0% on the token before" in picture.alt


@pytest.mark.parametrize("num_heads", [1, 2, 3, 5, 8])
def test_any_number_of_heads_fits(num_heads):
    picture = head_maps(np.tile(np.eye(4), (3, num_heads, 1, 1)), "Heads")
    assert len(picture.figure.axes) == 3 * num_heads
    assert picture.png().startswith(b"\x89PNG")


def test_the_explorer_says_where_a_token_looks(weights):
    page = AttentionExplorer(PIECES, weights, views=[(1, 0, 2)]).still()
    assert page.text == "Layer 1, head 0: ·a·<b> looks at ·upon 75%, ·a·<b> 20%, Once 5%"
    assert "<b>" not in page.html
    assert "75%</div>" in page.html


def test_by_default_the_last_token_is_shown_in_every_head(weights):
    lines = AttentionExplorer(PIECES, weights).still().text.splitlines()
    assert [line.partition(":")[0] for line in lines] == [
        f"Layer {layer}, head {head}" for layer in (0, 1) for head in (0, 1)
    ]


def test_what_comes_later_is_pale_and_has_no_number(weights):
    page = AttentionExplorer(PIECES, weights, views=[(1, 0, 1)]).still()
    assert page.html.count("opacity: 0.45") == 1
    assert re.findall(r'0.7em">(\d+%)<', page.html) == ["90%", "10%"]


def test_the_explorer_follows_its_sliders(weights):
    layer, head, query, canvas = AttentionExplorer(PIECES, weights, views=[(0, 0, 2)]).controls().children
    assert "·a·&lt;b&gt; looks at ·a·&lt;b&gt; 100%" in canvas.value
    layer.value = 1
    assert "Layer 1, head 0: ·a·&lt;b&gt; looks at ·upon 75%" in canvas.value
    query.value = 1
    head.value = 1
    assert "Layer 1, head 1: ·upon looks at ·upon 100%" in canvas.value
    assert all(control.description for control in (layer, head, query))


def test_weights_of_another_text_are_refused(weights):
    with pytest.raises(ValueError, match="do not fit 2 tokens"):
        AttentionExplorer(PIECES[:2], weights)


def test_few_places_on_a_logarithmic_axis_are_all_named():
    few = lines({"a": ([256, 512, 1024], [1, 2, 3])}, "m", xlabel="", ylabel="", log_x=True)
    assert [tick.get_text() for tick in few.figure.axes[0].get_xticklabels()] == ["256", "512", "1,024"]
    many = lines({"a": (list(range(1, 100)), [1] * 99)}, "m", xlabel="", ylabel="", log_x=True)
    assert len(many.figure.axes[0].get_xticklabels()) < 20
