"""The schedule designer, the surprise viewer and the pictures beside them show what the code computes."""

import math

import pytest
import torch
import torch.nn.functional as F

from slmlib.config import ModelConfig, TrainConfig
from slmlib.errors import ConfigError, DataError
from slmlib.model.decoder import Decoder
from slmlib.plots import histogram
from slmlib.plots.estimates import estimates
from slmlib.plots.optimization import NAMES, probe_steps, schedule_curve
from slmlib.text.tokenizer import Tokenizer
from slmlib.training.schedules import learning_rate
from slmlib.widgets.schedule_designer import PEAKS, ScheduleDesigner
from slmlib.widgets.surprise_viewer import SurpriseViewer

TEXT = "The slow snail <3 the slower snail."


@pytest.fixture(scope="module")
def viewer():
    tokenizer = Tokenizer.train([TEXT], 300)
    config = ModelConfig(vocab_size=tokenizer.vocab_size, context_length=64, embed_dim=32, num_layers=1)
    return SurpriseViewer(Decoder(config, seed=0), tokenizer, TEXT)


def test_another_models_tokenizer_is_one_sentence(viewer):
    with pytest.raises(DataError, match="The tokenizer has 257 tokens, the model"):
        SurpriseViewer(viewer.model, Tokenizer(()), TEXT).still()


@pytest.mark.parametrize("schedule", NAMES)
def test_the_curve_says_the_rates_of_the_trainer(schedule):
    config = TrainConfig(total_steps=500, schedule=schedule, warmup_fraction=0.1)
    picture = schedule_curve(config)
    line = picture.figure.axes[0].lines[0]
    assert list(line.get_ydata()) == [learning_rate(step, config) for step in range(500)]
    assert NAMES[schedule] in picture.alt
    assert picture.png().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("total", "warmup", "count"), [(500, 0.1, 8), (500, 0.0, 8), (5, 0.0, 5), (1, 0.0, 1)]
)
def test_probes_begin_and_end_with_the_run(total, warmup, count):
    config = TrainConfig(total_steps=total, warmup_fraction=warmup)
    probes = probe_steps(config)
    assert (probes[0], probes[-1], len(probes)) == (0, total - 1, count)
    if warmup:
        assert round(warmup * total) in probes
    schedule_curve(config)


def test_the_designer_lists_its_probes():
    designer = ScheduleDesigner(total_steps=500, schedule="cosine", warmup_fraction=0.1, peak=2e-3)
    page = designer.still()
    assert "step  learning rate" in page.text
    for step in probe_steps(designer.config):
        assert f"{learning_rate(step, designer.config):.3g}" in page.text
    assert "<table>" in page.html
    assert "alt=" in page.html


def test_the_designer_follows_its_controls():
    warmup, shape, peak, canvas = ScheduleDesigner(total_steps=200).controls().children
    assert all(control.description for control in (warmup, shape, peak))
    warmup.value = 50
    assert "100 steps of warm-up, then a cosine" in canvas.value
    for schedule in NAMES:
        shape.value = schedule
        assert NAMES[schedule] in canvas.value
    peak.value = PEAKS[-1]
    assert "0.06" in canvas.value
    warmup.value = 0
    assert "No warm-up" in canvas.value


def test_the_controls_begin_with_the_schedule_it_was_made_with():
    warmup, _, peak, canvas = ScheduleDesigner(1000, "cosine", 0.6, 4e-3).controls().children
    assert (warmup.value, peak.value) == (60, 4e-3)
    assert "600 steps of warm-up" in canvas.value


def test_the_designer_refuses_what_no_run_could_have():
    with pytest.raises(ConfigError, match="learning_rate"):
        ScheduleDesigner(peak=3.0)


def test_surprise_is_the_cross_entropy_in_bits(viewer):
    shown, cut_off = viewer.surprises(TEXT)
    ids = viewer.tokenizer.encode(TEXT)
    row = torch.tensor([[viewer.tokenizer.end_of_text, *ids]])
    with torch.no_grad():
        losses = F.cross_entropy(viewer.model(row[:, :-1])[0], row[0, 1:], reduction="none")
    assert [bits for _, bits in shown] == pytest.approx((losses / math.log(2)).tolist(), abs=1e-5)
    assert "".join(token for token, _ in shown) == TEXT.replace(" ", "·")
    assert cut_off == 0


def test_every_number_stands_below_its_token(viewer):
    page = viewer.still()
    assert page.html.count("display: inline-block") == len(viewer.surprises(TEXT)[0])
    assert "&lt;" in page.html
    assert "<3" not in page.html
    assert " bits each on average" in page.text


def test_certainty_and_wonder_look_different(viewer, monkeypatch):
    monkeypatch.setattr(viewer, "surprises", lambda text: ([("sure", 0.01), ("what", 9.5)], 0))
    page = viewer.still()
    assert page.html.count("2px solid") == 1
    assert page.text.endswith("sure 0.0 what 9.5")
    assert "#FFFFFF" in page.html


def test_a_long_text_is_cut_and_an_empty_one_is_no_error(viewer):
    shown, cut_off = viewer.surprises(TEXT * 20)
    assert (len(shown), len(shown) + cut_off) == (64, len(viewer.tokenizer.encode(TEXT * 20)))
    assert f"{cut_off:,} tokens, is beyond the model's context" in viewer._page(TEXT * 20).text
    assert "surprises nobody" in viewer._page("").text


def test_the_viewer_follows_its_text_field(viewer):
    field, canvas = viewer.controls().children
    field.value = "snail"
    assert canvas.value != viewer.still().html


def test_estimates_say_their_spread():
    picture = estimates(
        {"1 batch": [1.0, 3.0], "4 batches": [1.9, 2.1]},
        2.0,
        "More is better",
        xlabel="loss",
        whole_name="all",
    )
    assert "1 batch: 2 estimates from 1.000 to 3.000, spread 1.414." in picture.alt
    assert "all 2.000" in picture.alt
    assert picture.png().startswith(b"\x89PNG")


def test_the_names_of_a_histograms_marks_stand_above_its_bars():
    figure = histogram([1, 2, 2, 2, 3], "Twos", xlabel="x", bins=3, marks={"one": 1, "two": 2}).figure
    figure.draw_without_rendering()
    axes = figure.axes[0]
    tallest = max(bar.get_window_extent().y1 for bar in axes.patches)
    assert all(text.get_window_extent().y0 > tallest for text in axes.texts)
