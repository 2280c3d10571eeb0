"""The widgets and pictures of tokens: what they show is what the tokenizer does."""

import re

import pytest

from slmlib.plots.tokens import grouped_bars, merge_tree, padded_rows, vocabulary_curve, window_steps
from slmlib.text.tokenizer import END_OF_TEXT, Tokenizer
from slmlib.widgets.merge_stepper import MergeStepper
from slmlib.widgets.token_viewer import TokenViewer, pieces, token_boxes, visible

TEXT = 'The slow snail, the slower snail and the slowest snail: "We are slow!"\nA café <3 & 🐌.'


@pytest.fixture(scope="module")
def tokenizer():
    return Tokenizer.train([TEXT], 300)


def test_the_stepper_makes_the_merges_that_the_tokenizer_makes(tokenizer):
    stepper = MergeStepper(TEXT, tokenizer.merges)
    for number in range(len(tokenizer.merges) + 1):
        assert stepper.after(number) == Tokenizer(tokenizer.merges[:number]).encode(TEXT)


def test_the_stepper_names_the_newest_token_and_shows_the_whole_text(tokenizer):
    page = MergeStepper(TEXT, tokenizer.merges, steps=(0, 3)).still()
    assert f"0 merges, {len(TEXT.encode())} tokens\n" in page.text
    first, second = (visible(tokenizer.token_bytes(one)) for one in tokenizer.merges[2])
    assert f"the newest: {first} + {second} = {first}{second}" in page.text
    assert "border: 2px solid" in page.html


def test_the_stepper_without_merges_shows_bytes():
    assert MergeStepper("ab", []).still().text == "0 merges, 2 tokens\na|b"


def test_the_stepper_follows_its_slider(tokenizer):
    controls = MergeStepper(TEXT, tokenizer.merges).controls()
    slider, canvas = controls.children
    slider.value = 1
    assert "1 merge," in canvas.value
    assert slider.description


def test_the_viewer_shows_every_id_and_all_of_the_text(tokenizer):
    page = TokenViewer(TEXT, {"ours": tokenizer, "letters": list}).still()
    ours, letters = page.text.split("\n\n")
    assert ours.splitlines()[2].split() == list(map(str, tokenizer.encode(TEXT)))
    assert letters.splitlines()[1].split("|") == [visible(letter) for letter in TEXT]
    assert "<3" not in page.html
    assert "&lt;" in page.html


def test_the_viewer_follows_its_text_field(tokenizer):
    field, canvas = TokenViewer("a", {"ours": tokenizer}).controls().children
    field.value = "snail snail"
    assert "snail" in re.sub("<[^>]*>", "", canvas.value)


def test_special_tokens_in_the_text_are_one_piece(tokenizer):
    assert pieces(tokenizer, f"a{END_OF_TEXT}") == [
        (b"a", tokenizer.encode("a")[0]),
        (END_OF_TEXT.encode(), tokenizer.end_of_text),
    ]


def test_white_space_and_parts_of_characters_can_be_seen():
    assert visible(" a\n") == "·a⏎"
    assert visible("é".encode()[:1]) == "C3"
    assert token_boxes([], "nothing").text.startswith("nothing: 0 pieces")


@pytest.mark.parametrize(
    ("picture", "said"),
    [
        (merge_tree(["a", "b", "c"], [(1, 2, 1), (0, 1, 4)], "Grown"), "merge 4 joins a and bc"),
        (vocabulary_curve([256, 512], [1.0, 2.5], "Flat", compare={"GPT-2": (50257, 4.0)}), "512: 2.50"),
        (grouped_bars({"once": {"one": 1.0, "other": 2.0}}, "Bars"), "once: one 1, other 2"),
        (padded_rows([3, 5], "Waste"), "each 5 long, with 3, 5 tokens"),
        (window_steps(["a", "b", "c"], 2, 0, "Guess"), "'a' predicts 'b'; 'b' predicts 'c'"),
    ],
)
def test_pictures_say_in_words_what_they_show(picture, said):
    assert said in picture.alt
    assert picture.png().startswith(b"\x89PNG")
