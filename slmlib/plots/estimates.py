"""Pictures of measuring a loss: how far estimates from random batches lie from the whole set."""

import statistics
from collections.abc import Mapping, Sequence

from slmlib.plots.picture import Picture, sentence
from slmlib.plots.style import BLUE, GREY, ORANGE, label, new_axes


def estimates(
    groups: Mapping[str, Sequence[float]], whole: float, message: str, *, xlabel: str, whole_name: str
) -> Picture:
    """One row of dots for each group of estimates, and a line at the value of the whole set.

    groups: name -> estimates of the same value, each from other data. Beside each row stands its spread, the
    standard deviation.
    """
    figure, axes = new_axes(message, xlabel, size=(7, 1.3 + 0.55 * len(groups)))
    spreads = {name: statistics.stdev(values) for name, values in groups.items()}
    for row, (name, values) in enumerate(groups.items()):
        # Dots of one row are moved a little up and down, in a fixed pattern, so that they can be told apart.
        heights = [row + 0.09 * (place % 5 - 2) for place in range(len(values))]
        axes.plot(values, heights, color=BLUE, marker="o", linestyle="", markersize=4, alpha=0.6)
        label(axes, f"spread {spreads[name]:.3f}", (max(values), row), BLUE, (10, 0))
    axes.axvline(whole, color=ORANGE, linewidth=1.6, linestyle="--")
    axes.set_yticks(range(len(groups)), list(groups))
    axes.set_ylim(len(groups) - 0.5, -0.95)
    label(axes, f"{whole_name} {whole:.3f}", (whole, -0.75), ORANGE, (6, 0))
    axes.grid(visible=False)
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="y", left=False, labelcolor="black")
    axes.tick_params(axis="x", colors=GREY)
    said = " ".join(
        f"{name}: {len(values)} estimates from {min(values):.3f} to {max(values):.3f}, spread {spreads[name]:.3f}."
        for name, values in groups.items()
    )
    return Picture(figure, f"{sentence(message)} {whole_name} {whole:.3f}. {said}")
