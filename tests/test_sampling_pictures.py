"""Pictures and the widget of lesson 10: what they say is what is drawn from."""

import math

import pytest
import torch

from slmlib.config import ModelConfig, Sampling
from slmlib.errors import DataError
from slmlib.generation import probabilities
from slmlib.model.decoder import Decoder
from slmlib.plots.sampling import entropy_bits, next_token_bars, prompt_rows, sampling_panels
from slmlib.text.tokenizer import Tokenizer
from slmlib.widgets.next_token import NextToken

BYTES = Tokenizer(())


@pytest.fixture(scope="module")
def widget():
    config = ModelConfig(BYTES.vocab_size, 16, embed_dim=16, num_layers=1, num_heads=2, initialization="gpt2")
    model = Decoder(config, seed=0)
    with torch.no_grad():
        model.embedding.weight.mul_(20)
    return NextToken(model, BYTES, "Once upon", shown=4)


def test_bars_say_what_is_out():
    picture = next_token_bars(["a", "b"], [0.75, 0.25], [1.0, 0.0], "Two tokens")
    assert picture.alt == "Two tokens. Probability offered and used: a 75.0% to 100.0%, b 25.0% to out."
    written = [text.get_text() for text in picture.figure.axes[0].texts]
    assert written == ["100.0%", "out (was 25.0%)"]


def test_panels_name_only_what_can_be_drawn():
    picture = sampling_panels(["a", "b"], [0.6, 0.4], {"all": [0.6, 0.4], "top-k 1": [1.0, 0.0]}, "Settings")
    assert picture.alt == "Settings. all: a 60.0%, b 40.0%. top-k 1: a 100.0%."
    assert [axes.get_title(loc="left") for axes in picture.figure.axes] == ["all", "top-k 1"]


def test_prompts_are_counted_from_their_first_token():
    picture = prompt_rows([[None, "a"], ["b", "c"]], "Left")
    assert picture.alt == "Left. row 0: padding 'a'; row 1: 'b' 'c'. The answer is read at column 1."
    assert [text.get_text() for text in picture.figure.axes[0].texts] == ["a", "0", "b", "0", "c", "1"]


@pytest.mark.parametrize(
    ("chances", "bits"), [([1.0, 0.0], 0.0), ([0.5, 0.5], 1.0), ([0.25] * 4, 2.0), ([0.5, 0.25, 0.25], 1.5)]
)
def test_entropy(chances, bits):
    found = entropy_bits(chances)
    assert found == pytest.approx(bits)
    assert math.copysign(1, found) == 1, "never -0.0"


def test_another_models_tokenizer_is_one_sentence(widget):
    other = Tokenizer.train(["Once upon a time, a time, a time."], BYTES.vocab_size + 3)
    with pytest.raises(DataError, match="The tokenizer has 260 tokens, the model 257"):
        NextToken(widget.model, other, "Once upon a time").still()


def test_the_still_picture_shows_four_settings(widget):
    still = widget.still()
    assert [axes.get_title(loc="left") for axes in still.figure.axes] == [
        "temperature 1",
        "temperature 0.5",
        "top-k 3",
        "top-p 0.8",
    ]
    top_k = still.alt.partition("top-k 3: ")[2].partition(". top-p")[0]
    assert top_k.count("%") == 3


def test_the_sliders_change_what_is_drawn_from(widget):
    controls = widget.controls()
    prompt, temperature, top_k, top_p, canvas = controls.children
    assert all(control.description for control in (prompt, temperature, top_k, top_p))
    before = canvas.value
    assert f"{BYTES.vocab_size} of {BYTES.vocab_size} tokens can be drawn" in before
    top_k.value = 2
    assert f"2 of {BYTES.vocab_size} tokens can be drawn" in canvas.value
    temperature.value = 0.0
    assert f"1 of {BYTES.vocab_size} tokens can be drawn" in canvas.value
    assert "0.00 as used" in canvas.value
    prompt.value = "Another"
    assert "Another" in canvas.value


def test_the_bars_are_the_model_s_own_numbers(widget):
    page = widget._page("Once upon", temperature=0.7, top_k=0, top_p=0.9)
    row = torch.tensor([[BYTES.end_of_text, *BYTES.encode("Once upon")]])
    with torch.no_grad():
        logits = widget.model(row)[:, -1]
    used = probabilities(logits, Sampling(temperature=0.7, top_p=0.9))[0]
    best = int(logits[0].argmax())
    assert f"{logits[0].softmax(-1)[best]:.1%} to {used[best]:.1%}" in page.text
    assert f"{int((used > 0).sum()):,} of" in page.text


def test_a_prompt_longer_than_the_window_is_cut_at_the_front(widget):
    assert "What follows" in widget._page("long " * 20, 1.0, 0, 1.0).text
