"""Pictures of positions: heat maps of scores, pairs that turn like clock hands, loss beyond the training length."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Circle
from numpy.typing import NDArray

from slmlib.plots.charts import lines
from slmlib.plots.picture import Picture, sentence
from slmlib.plots.style import BLACK, BLUE, GREY, ORANGE, PAPER, new_axes, new_figure, new_panels

Array = NDArray[Any]


def heat_map(values: Array, message: str, *, xlabel: str, ylabel: str) -> Picture:
    """One matrix as light and dark cells, with a scale; row 0 on top."""
    figure, axes = new_axes(message, xlabel, ylabel, size=(8, 3.4))
    image = axes.imshow(values, aspect="auto", cmap="cividis", interpolation="nearest")
    axes.grid(visible=False)
    figure.colorbar(image, ax=axes, pad=0.02)
    low, high = float(np.min(values)), float(np.max(values))
    said = f"{values.shape[0]} rows ({ylabel}) and {values.shape[1]} columns ({xlabel}), from {low:.2g} to {high:.2g}."
    return Picture(figure, f"{sentence(message)} {said}")


def score_maps(maps: Mapping[str, Array], message: str) -> Picture:
    """Who scores whom, (queries, keys) each: below every map stands how much it varies at equal distance.

    Keys in the future, which a mask would hide, are left white.
    """
    figure, panels = new_panels(message, list(maps), size=(9.5, 3.6), same_y=True)
    said = []
    for axes, (name, scores) in zip(panels, maps.items(), strict=True):
        hidden = np.triu(np.ones(scores.shape, dtype=bool), k=1)
        axes.imshow(np.ma.masked_array(scores, hidden), cmap="cividis", interpolation="nearest")
        axes.grid(visible=False)
        verdict = _along_diagonals(scores)
        axes.set_xlabel(f"key position\n{verdict}")
        said.append(f"{name}: {verdict}")
    panels[0].set_ylabel("query position")
    return Picture(
        figure, f"{sentence(message)} Maps of scores by query and key position. {'; '.join(said)}."
    )


def _along_diagonals(scores: Array) -> str:
    """Whether scores at the same distance are the same, in a few words."""
    distances = [np.diagonal(scores, -distance) for distance in range(len(scores) - 1)]
    if np.ptp(np.concatenate(distances)) < 1e-4:
        return "all the same"
    varies = max(float(np.ptp(one)) for one in distances)
    return "one value per distance" if varies < 1e-4 else f"varies by up to {varies:.1f}"


def turned_pairs(vector: Array, position: float, theta: float) -> Array:
    """The pairs (i, i + E / 2) of a vector after RoPE's turn, as points: (E,) -> (E / 2, 2)."""
    half = len(vector) // 2
    angles = position * theta ** -(np.arange(half) / half)
    hands = (vector[:half] + 1j * vector[half:]) * np.exp(1j * angles)
    return np.stack((hands.real, hands.imag), axis=1)


def clock_hands(
    query: Array, key: Array, places: Sequence[tuple[int, int]], message: str, theta: float = 10_000.0
) -> Picture:
    """A row of clocks for each (query position, key position): one clock a pair, the query's hand and the key's.

    query, key: (head_dim,), an even number. Under each clock stands what its pair adds to the score.
    """
    half = len(query) // 2
    figure = new_figure(message, (1.75 * half + 1.9, 2.25 * len(places) + 0.7))
    grid = figure.subplots(len(places), half + 1, squeeze=False, width_ratios=[1.0] * half + [0.9])
    said = []
    for row, (query_at, key_at) in enumerate(places):
        hands = turned_pairs(query, query_at, theta), turned_pairs(key, key_at, theta)
        reach = max(float(np.hypot(*one.T).max()) for one in hands)
        added = (hands[0] * hands[1]).sum(axis=1)
        for pair in range(half):
            axes = grid[row, pair]
            _clock(axes, hands[0][pair] / reach, hands[1][pair] / reach)
            wavelength = 2 * math.pi * theta ** (pair / half)
            axes.set_title(
                f"pair {pair}: a turn in {wavelength:,.0f}" if row == 0 else "", fontsize="small", color=GREY
            )
            axes.text(0, -1.25, f"{added[pair]:+.2f}", ha="center", va="top", color=BLACK)
        text = (
            f"query at {query_at}\nkey at {key_at}\ndistance {query_at - key_at}\n\nscore {added.sum():.2f}"
        )
        grid[row, half].text(0, 0.5, text, transform=grid[row, half].transAxes, va="center", color=BLACK)
        grid[row, half].set_axis_off()
        parts = ", ".join(f"{one:+.2f}" for one in added)
        said.append(
            f"Query at {query_at}, key at {key_at}, distance {query_at - key_at}: score {added.sum():.2f} = {parts}"
        )
    return Picture(
        figure, f"{sentence(message)} Each pair of numbers is a clock with two hands. {'. '.join(said)}."
    )


def _clock(axes: Axes, query: Array, key: Array) -> None:
    """Two hands in a circle: the query's long and solid, the key's dashed."""
    axes.add_patch(Circle((0, 0), 1.08, facecolor=PAPER, edgecolor=GREY, linewidth=0.8))
    for hand, color, dashes, name in ((query, BLUE, "-", "q"), (key, ORANGE, "--", "k")):
        axes.plot(
            (0, hand[0]), (0, hand[1]), color=color, linestyle=dashes, linewidth=2.5, solid_capstyle="round"
        )
        length = float(np.hypot(*hand)) or 1.0
        x, y = (hand * (1 + 0.17 / length)).tolist()
        axes.text(x, y, name, color=color, ha="center", va="center", fontsize="small")
    axes.set_xlim(-1.2, 1.2)
    axes.set_ylim(-1.55, 1.2)
    axes.set_aspect("equal")
    axes.set_axis_off()


def score_curve(
    query: Array, key: Array, longest: int, distance: int, message: str, theta: float = 10_000.0
) -> Picture:
    """RoPE's score of one query and one key against their distance, with a mark at one distance."""
    figure, axes = new_axes(message, "distance from the key to the query", "score", size=(8.9, 2.4))
    distances = np.arange(-longest, longest + 1)
    there = turned_pairs(key, 0, theta)
    scores = [float((turned_pairs(query, float(one), theta) * there).sum()) for one in distances]
    axes.plot(distances, scores, color=BLUE)
    height = scores[distance + longest]
    axes.plot([distance], [height], color=ORANGE, marker="o", markersize=8)
    return Picture(figure, f"{sentence(message)} At distance {distance} the score is {height:.2f}.")


def loss_by_position(
    curves: Mapping[str, tuple[Sequence[float], Sequence[float]]], trained: int, message: str
) -> Picture:
    """One curve a model: the loss at each position, and a line where the training windows ended."""
    picture = lines(
        curves,
        message,
        xlabel="position in the window, in tokens",
        ylabel="loss, nats per token",
        write="{:.2f}".format,
        size=(8.5, 4.6),
    )
    axes = picture.figure.axes[0]
    axes.axvline(trained, color=GREY, linewidth=1)
    axes.annotate(
        f"trained up to {trained}", (trained, 0.985), (5, 0), xycoords=("data", "axes fraction"),
        textcoords="offset points", color=GREY, va="top", fontsize="small",
    )  # fmt: skip
    return Picture(picture.figure, f"{picture.alt} Trained on windows of {trained}.")
