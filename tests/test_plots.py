"""The loss curve says what happened: in its title, in its lines, and to someone who cannot see it."""

import io
import math

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from slmlib.plots import BLUE, ORANGE, Picture, histogram, lines, loss_curve
from slmlib.plots.attention import matrix_panels
from slmlib.plots.charts import bars
from slmlib.plots.checkpoints import parted_curves
from slmlib.plots.dynamics import small_multiples
from slmlib.plots.embeddings import lookup_product, probability_panels, word_map
from slmlib.plots.estimates import estimates
from slmlib.plots.positions import clock_hands
from slmlib.plots.sampling import next_token_bars, prompt_rows, sampling_panels
from slmlib.plots.style import ink
from slmlib.plots.tokens import merge_tree, padded_rows, window_steps
from slmlib.plots.training import smoothed


def log(validation: list[float], training: list[float]) -> list[dict]:
    """Events of a run: one measurement before the first step, the others spread evenly."""
    stride = len(training) // max(1, len(validation) - 1)
    measured = [
        {"event": "evaluation", "step": i * stride, "loss": loss} for i, loss in enumerate(validation)
    ]
    return measured + [{"event": "step", "step": i + 1, "loss": loss} for i, loss in enumerate(training)]


FELL = log([8.3, 4.0, 2.25], [8 - 0.006 * i for i in range(1000)])


def test_the_title_is_the_message_and_begins_the_alt_text():
    picture = loss_curve(FELL)
    title = picture.figure.axes[0].get_title(loc="left")
    assert title == "Validation loss fell from 8.30 to 2.25 in 1,000 steps"
    assert picture.alt.startswith(title)


@pytest.mark.parametrize(
    ("validation", "message"),
    [
        ([], "No measurement yet"),
        ([8.3], "Validation loss is 8.30 at step 0"),
        ([2.0, 2.5], "Validation loss did not fall: it went from 2.00 to 2.50 in 40 steps"),
    ],
)
def test_the_title_is_true_for_other_runs_too(validation, message):
    assert loss_curve(log(validation, [2.0] * 40)).alt.startswith(f"{message}.")


def test_a_curve_that_came_apart_is_named_where_it_was_last_seen():
    curves = {"healthy": ([1, 2, 3], [3.0, 2.0, 1.0]), "lost": ([1, 2, 3], [3.0, 8.0, math.nan])}
    picture = lines(curves, "One diverged.", xlabel="step", ylabel="loss")
    assert "lost: from 3 at 1 to not a number at 3." in picture.alt
    heights = {text.get_text(): text.xy[1] for text in picture.figure.axes[0].texts}
    assert heights == {"healthy": 1.0, "lost": 8.0}
    nothing = lines({"lost": ([1], [math.inf])}, "All lost.", xlabel="step", ylabel="loss")
    assert "to infinity at 1" in nothing.alt


def test_an_empty_log_is_a_picture_too():
    picture = loss_curve([])
    assert picture.alt.startswith("No measurement yet")
    assert Image.open(io.BytesIO(picture.png())).size > (500, 300)


@pytest.mark.parametrize("last_training", [0.5, 2.2, 2.25, 2.3, 7.0])
def test_labels_stand_beside_their_lines_and_never_on_each_other(last_training):
    figure = loss_curve(log([8.3, 2.25], [last_training] * 200)).figure
    figure.draw_without_rendering()
    labels = {text.get_color(): text for text in figure.axes[0].texts}
    assert labels[ink(BLUE)].get_text() == f"training {last_training:.2f}"
    assert labels[ink(ORANGE)].get_text() == "validation 2.25"
    assert not labels[ink(BLUE)].get_window_extent().overlaps(labels[ink(ORANGE)].get_window_extent())
    edge = figure.axes[0].get_window_extent().x1
    assert all(label.get_window_extent().x0 > edge - 10 for label in labels.values())


def test_the_smooth_line_follows_without_lag_and_averages_noise():
    falling = [10 - 0.01 * i for i in range(600)]
    assert smoothed(falling)[:590] == pytest.approx(falling[:590])
    noisy = [1 + (-1) ** i for i in range(600)]
    assert all(abs(value - 1) < 0.1 for value in smoothed(noisy)[20:])
    assert smoothed([]) == []
    assert smoothed([3.0, 1.0]) == [3.0, 1.0]


def test_alt_text_is_in_the_png_and_escaped_in_html():
    picture = Picture(Figure(), 'loss < 2 & "falling"')
    assert Image.open(io.BytesIO(picture.png())).info["Description"] == 'loss < 2 & "falling"'
    assert 'alt="loss &lt; 2 &amp; &quot;falling&quot;"' in picture._repr_html_()
    assert repr(picture) == 'Picture: loss < 2 & "falling"'


def test_saving_writes_a_png_and_replaces_an_older_one(tmp_path):
    path = tmp_path / "run" / "loss.png"
    for _ in range(2):
        loss_curve(FELL).save(path)
    assert path.read_bytes().startswith(b"\x89PNG")
    assert [found.name for found in path.parent.iterdir()] == ["loss.png"]


def boxes(axes):
    """Text -> where it stands, in pixels."""
    return {text.get_text(): text.get_window_extent() for text in axes.texts}


@pytest.mark.parametrize("height", [3.9, 4.1])
def test_the_name_of_a_floor_keeps_out_of_the_way_of_curves(height):
    """The curve ends just above or just below the floor, where its name would stand."""
    xs = list(range(100))
    picture = lines(
        {"model": (xs, [4 + 4 / (1 + x) for x in xs])},
        "It learns",
        xlabel="step",
        ylabel="loss",
        floors={"bigram": height, "far below": 0.0},
    )
    axes = picture.figure.axes[0]
    curve = axes.lines[0].get_transform().transform_path(axes.lines[0].get_path())
    found = boxes(axes)
    assert set(found) == {f"bigram {height}", "far below 0", "model"}
    assert not any(curve.intersects_bbox(box, filled=False) for box in found.values())


def test_names_of_floors_that_lie_together_do_not_cover_each_other():
    picture = lines({"a": ([0, 1], [0, 8])}, "m", xlabel="x", ylabel="y", floors={"one": 4.0, "two": 4.1})
    found = boxes(picture.figure.axes[0])
    assert not found["one 4"].overlaps(found["two 4.1"])


def test_a_mark_is_named_on_its_left_where_the_next_mark_is_near():
    picture = histogram(
        list(range(100)), "m", xlabel="x", marks={"first": 40.0, "second": 44.0, "third": 80.0}
    )
    axes = picture.figure.axes[0]
    found, place = boxes(axes), lambda value: axes.transData.transform((value, 0))[0]
    assert found["first 40"].x1 < place(40)
    assert place(44) < found["second 44"].x0 < found["second 44"].x1 < place(80)


@pytest.mark.parametrize(("top", "ticks"), [(39.0, {"2", "5", "10", "20"}), (1e6, set())])
def test_a_short_logarithmic_height_has_numbers_between_the_powers_of_ten(top, ticks):
    picture = lines({"a": ([1, 2], [1.8, top])}, "m", xlabel="x", ylabel="ms", log_y=True)
    axes = picture.figure.axes[0]
    low, high = axes.get_ylim()
    written = [
        tick.get_text()
        for tick, at in zip(axes.get_yticklabels(), axes.get_yticks(), strict=True)
        if low < at < high
    ]
    assert set(written) >= ticks
    assert ("2" in written) == bool(ticks)


MONEY = "$$"  # an empty formula, were it one: matplotlib refuses it


@pytest.mark.parametrize(
    "draw",
    [
        lambda: merge_tree(["$", "$"], [(0, 1, 7)], MONEY),
        lambda: window_steps([MONEY, "a", MONEY], 2, 0, MONEY),
        lambda: next_token_bars([MONEY], [1.0], [1.0], MONEY),
        lambda: sampling_panels([MONEY], [1.0], {"greedy": [1.0]}, MONEY),
        lambda: prompt_rows([[MONEY]], MONEY),
        lambda: lookup_product([[1.0]], [[2.0]], [MONEY], MONEY),
        lambda: probability_panels([MONEY], {"warm": [1.0]}, MONEY),
        lambda: word_map([[0.0, 0.0]], [MONEY], ["price"], MONEY),
        lambda: matrix_panels({"scores": [[1.0]]}, [MONEY], [MONEY], MONEY),
        lambda: bars({MONEY: 1.0}, MONEY),
        lambda: parted_curves([2.0, 1.0], {"resumed": [1.0]}, 1, MONEY),
        lambda: small_multiples([0, 8], {"whole": [0.1, 0.9]}, MONEY),
        lambda: clock_hands(np.ones(2), np.ones(2), [(1, 0)], MONEY),
    ],
)
def test_a_token_with_dollar_signs_is_no_formula(draw):
    assert draw().png()


@pytest.mark.parametrize("message", ["Which is better?", "This one!", "This one.", "This one"])
def test_a_message_keeps_its_mark_where_the_alt_text_goes_on(message):
    drawn = (
        bars({"a": 1.0}, message),
        padded_rows([1, 2], message),
        estimates({"a": [1.0, 2.0]}, 1.5, message, xlabel="loss", whole_name="all"),
    )
    begins = message if message[-1] in "?!." else f"{message}."
    assert all(picture.alt.startswith(f"{begins} ") for picture in drawn)
