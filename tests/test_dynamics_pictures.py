"""Pictures and the scrubber of lesson 12: what they draw is what was measured, also in words."""

import math

import pytest

from slmlib.plots.dynamics import layer_panels, run_gallery, small_multiples
from slmlib.training.diagnosis import Curves
from slmlib.widgets.checkpoint_scrubber import CheckpointScrubber, Moment

STEPS = [0, 1, 2, 4, 10]


def curves(last: float, validation: float = 2.0) -> Curves:
    return Curves([5.5, 4.0, last], [1.0, 0.0, 2.0], [0, 3], [5.5, validation], [validation] * 2, 0.1, 5.5)


def test_small_multiples_have_a_panel_a_measure_and_leave_out_what_was_not_measured():
    panels = {"words": [0.1, 0.2, 0.3, 0.4, 0.5], "quotes": [math.nan, math.nan, 0.2, 0.3, 0.9]}
    picture = small_multiples(STEPS, panels, "Not at once", compare={"words": 0.8}, columns=2)
    assert [axes.get_title(loc="left") for axes in picture.figure.axes] == ["words", "quotes"]
    assert "words: from 10% to 50%, real stories 80%; quotes: from 20% to 90%." in picture.alt
    assert picture.alt.startswith("Not at once. ")
    assert [text.get_text() for text in picture.figure.axes[0].get_xticklabels()] == ["0", "1", "10"]
    assert picture.png().startswith(b"\x89PNG")


def test_the_line_to_compare_with_is_named_where_it_is():
    panels = {"words": [0.1] * 5, "quotes": [0.2] * 5}

    def named(compare):
        axes = small_multiples(STEPS, panels, "Where?", compare=compare, columns=2).figure.axes
        return [(place, text.xy[1]) for place, one in enumerate(axes) for text in one.texts]

    assert named({"quotes": 0.9, "words": 0.8}) == [(0, 0.8)]
    assert named({"quotes": 0.9}) == [(1, 0.9)]
    assert named({"thread": 0.5}) == []


def test_an_empty_measure_and_an_empty_place_are_no_trouble():
    picture = small_multiples(STEPS, {"a": [math.nan] * 5}, "Nothing?", columns=2)
    assert picture.alt == "Nothing? Over the steps of the run, a: nothing."
    assert picture.png().startswith(b"\x89PNG")


def test_layers_are_named_at_their_ends_and_zeros_have_no_logarithm():
    picture = layer_panels(
        STEPS,
        {"ratio": {"up": [0.0, 0.1, 0.01, 0.01, 0.001]}, "size": {"after 1": [0.0, 1.0, 2.0, 3.0, 4.0]}},
        "Smaller",
        log=("ratio",),
        marks={"ratio": ("1/1000", 1e-3)},
    )
    assert (
        "ratio, up: from 0.1 to 0.001. ratio: a line at 0.001, 1/1000. size, after 1: from 0 to 4."
        in picture.alt
    )
    assert "up" in [text.get_text() for text in picture.figure.axes[0].texts]
    assert picture.png().startswith(b"\x89PNG")


def test_the_gallery_does_not_name_causes_unless_asked():
    runs = {"A": curves(1.0), "B": curves(700.0, math.nan)}
    hidden = run_gallery(runs, curves(2.0), "What happened?")
    assert hidden.alt.startswith("What happened? The healthy run: training loss from 5.5 to 2, ")
    assert "B: training loss from 5.5 to 700" in hidden.alt
    titles = [axes.get_title(loc="left") for axes in hidden.figure.axes[::2]]
    assert titles == ["A", "B", "healthy"]  # a free place holds the key
    assert "up to 700 ↑" in [text.get_text() for text in hidden.figure.axes[2].texts]
    named = run_gallery(runs, curves(2.0), "Answers", names={"A": "no mask", "B": "rate"}, columns=2)
    assert [axes.get_title(loc="left") for axes in named.figure.axes[::2]] == ["A: no mask", "B: rate"]
    assert named.png().startswith(b"\x89PNG")


@pytest.fixture
def moments():
    return [
        Moment(step, 8.0 - step / 4, f"Story <{step}> " + "word " * 200, {"real words": step / 10})
        for step in STEPS
    ]


def test_the_scrubber_prints_a_few_checkpoints(moments):
    page = CheckpointScrubber(moments, shown=(0, 10)).still()
    assert page.text.startswith("step 0, loss 8.00\nreal words 0%\nStory <0> word")
    assert "step 10, loss 5.50\nreal words 100%" in page.text
    assert page.text.count("step") == 2
    assert page.text.endswith(" ...")
    assert "Story &lt;0&gt;" in page.html
    assert CheckpointScrubber(moments).shown == STEPS


def test_the_scrubber_follows_its_slider_and_shows_whole_stories(moments):
    slider, canvas = CheckpointScrubber(moments).controls().children
    assert "step 10, loss 5.50" in canvas.value
    assert " ..." not in canvas.value
    slider.value = 1
    assert "step 1, loss 7.75" in canvas.value
    assert slider.description == "Checkpoint"


def test_what_cannot_be_printed_or_was_not_measured_is_left_out():
    page = CheckpointScrubber([Moment(3, 1.0, "a\x00b\nc", {"names": math.nan})]).still()
    assert page.text == "step 3, loss 1.00\na\N{REPLACEMENT CHARACTER}b\nc"


def test_a_scrubber_needs_a_moment():
    with pytest.raises(ValueError, match="at least one moment"):
        CheckpointScrubber([])
