"""The dial and the pictures of positions: what they turn is what slmlib.model.positions turns."""

import numpy as np
import pytest
import torch

from slmlib.errors import ConfigError
from slmlib.model.positions import rope_angles, rotate
from slmlib.plots.positions import (
    clock_hands,
    heat_map,
    loss_by_position,
    score_curve,
    score_maps,
    turned_pairs,
)
from slmlib.widgets.base import WIDGET_MIME
from slmlib.widgets.position_dial import PositionDial

QUERY, KEY = np.random.default_rng(0).normal(size=(2, 8))


def by_slmlib(vector: np.ndarray, position: int, theta: float = 10_000.0) -> torch.Tensor:
    """The vector after slmlib's turn, (head_dim,)."""
    x = torch.tensor(vector, dtype=torch.float32)[None]
    return rotate(x, *rope_angles(torch.tensor([position]), len(vector), theta))[0]


@pytest.mark.parametrize(("position", "theta"), [(0, 10_000.0), (7, 10_000.0), (40, 500.0)])
def test_the_hands_are_turned_as_the_model_turns_them(position, theta):
    hands = torch.tensor(turned_pairs(QUERY, position, theta))  # (pairs, 2)
    torch.testing.assert_close(
        hands.T.flatten(), by_slmlib(QUERY, position, theta).double(), atol=1e-5, rtol=0
    )


def test_the_clocks_say_the_score_and_what_each_pair_adds():
    picture = clock_hands(QUERY, KEY, [(9, 4), (5, 4)], "Clocks")
    for query_at in (9, 5):
        score = float(by_slmlib(QUERY, query_at) @ by_slmlib(KEY, 4))
        assert f"Query at {query_at}, key at 4, distance {query_at - 4}: score {score:.2f} = " in picture.alt
    assert len(picture.figure.axes) == 2 * (4 + 1)  # four clocks a row, and the score
    assert picture.png()


def test_the_still_dial_shows_one_distance_at_two_places():
    said = repr(PositionDial(QUERY, KEY, places=((6, 4), (26, 24))).still())
    first, second = (
        said.partition(f"Query at {at}")[2].partition("score ")[2].split(".")[0] for at in (6, 26)
    )
    assert first == second


def test_the_dial_follows_both_sliders_and_they_are_named():
    query_at, key_at, canvas = PositionDial(QUERY, KEY, places=((6, 4),)).controls().children
    assert (query_at.description, key_at.description) == ("Query position", "Key position")
    assert (query_at.value, key_at.value) == (6, 4)
    query_at.value, key_at.value = 12, 2
    score = float(by_slmlib(QUERY, 12) @ by_slmlib(KEY, 2))
    assert f"Query at 12, key at 2, distance 10: score {score:.2f}" in canvas.value
    assert f"At distance 10 the score is {score:.2f}" in canvas.value


def test_the_dial_has_controls_only_where_someone_can_use_them(monkeypatch):
    monkeypatch.setenv("SLM_WIDGETS", "static")
    assert set(PositionDial(QUERY, KEY)._repr_mimebundle_()) == {"text/plain", "text/html"}
    monkeypatch.setenv("SLM_WIDGETS", "live")
    assert WIDGET_MIME in PositionDial(QUERY, KEY)._repr_mimebundle_()


@pytest.mark.parametrize(
    ("query", "key"), [(np.ones(3), np.ones(3)), (np.ones(4), np.ones(6)), (np.ones((2, 2)),) * 2]
)
def test_what_has_no_pairs_is_refused(query, key):
    with pytest.raises(ConfigError, match="cannot be turned"):
        PositionDial(query, key)


def test_maps_say_whether_distance_alone_decides():
    places = np.arange(12)
    distance = (places[:, None] - places).astype(float)
    maps = {"none": np.ones((12, 12)), "distance": -distance / 4, "free": distance * places}
    alt = score_maps(maps, "Maps").alt
    assert "none: all the same; distance: one value per distance; free: varies by up to" in alt


def test_a_score_curve_marks_its_distance():
    expected = float(by_slmlib(QUERY, 3) @ by_slmlib(KEY, 0))
    assert score_curve(QUERY, KEY, 10, 3, "Curve").alt == f"Curve. At distance 3 the score is {expected:.2f}."


def test_a_heat_map_says_its_size_and_range():
    picture = heat_map(np.array([[0.0, 1.0, 2.0]]), "Waves", xlabel="number", ylabel="position")
    assert picture.alt == "Waves. 1 rows (position) and 3 columns (number), from 0 to 2."
    assert picture.png()


def test_loss_by_position_marks_where_training_ended():
    picture = loss_by_position({"RoPE": ([8, 24, 40], [2.0, 1.5, 2.5])}, 32, "Further")
    assert picture.alt.startswith("Further. RoPE: from 2.00 at 8 to 2.50 at 40.")
    assert picture.alt.endswith("Trained on windows of 32.")
    assert any(text.get_text() == "trained up to 32" for text in picture.figure.axes[0].texts)
