"""Pictures of resuming: where a run that went on parts from the one that never stopped."""

from collections.abc import Mapping, Sequence
from itertools import count

from slmlib.plots.picture import Picture, sentence
from slmlib.plots.style import BLACK, GREY, ORANGE, dress, ink, new_figure

COLUMNS = 3


def parting(whole: Sequence[float], resumed: Sequence[float], resumed_at: int) -> tuple[int | None, float]:
    """The first step, counted from 1, whose loss is not the same to the last bit, and the largest difference.

    whole: the losses of the run that never stopped. resumed: those of the other one from `resumed_at` done steps
    on. None for runs that never part.
    """
    pairs = list(zip(count(resumed_at + 1), whole[resumed_at:], resumed, strict=False))
    first = next((step for step, one, other in pairs if one != other), None)
    return first, max((abs(one - other) for _, one, other in pairs), default=0.0)


def parted_curves(
    whole: Sequence[float], resumed: Mapping[str, Sequence[float]], resumed_at: int, message: str
) -> Picture:
    """One small panel for each way of going on: the unbroken run in grey, the resumed one in orange.

    whole: a loss for every step. resumed: name -> losses from step `resumed_at` + 1 on.
    """
    columns = min(COLUMNS, len(resumed))
    rows = -(-len(resumed) // columns)
    figure = new_figure(message, (7.5, (1.4 if rows > 1 else 2.2) * rows + 0.7))
    grid = figure.subplots(rows, columns, squeeze=False, sharex=True).flatten()
    said = []
    shown = max(0, resumed_at - 12)
    for axes, (name, losses) in zip(grid, resumed.items(), strict=False):
        dress(axes)
        axes.set_title(name, loc="left", fontsize="medium", color=BLACK)
        axes.plot(range(shown + 1, len(whole) + 1), whole[shown:], color=GREY, linewidth=2.2, alpha=0.6)
        steps = range(resumed_at + 1, resumed_at + 1 + len(losses))
        axes.plot(steps, losses, color=ORANGE, linestyle="--", linewidth=1.4)
        axes.axvline(resumed_at + 0.5, color=GREY, linewidth=0.8, linestyle=":")
        first, most = parting(whole, losses, resumed_at)
        words = "never parts" if first is None else f"parts at step {first}, by up to {most:.2g}"
        axes.annotate(
            words, (0.98, 0.97), xycoords="axes fraction", ha="right", va="top", fontsize="small",
            color=GREY if first is None else ink(ORANGE),
        )  # fmt: skip
        axes.margins(y=0.3)
        said.append(f"{name}: {words}.")
    for axes in grid[len(resumed) :]:
        axes.set_axis_off()
    for axes in grid[max(0, len(resumed) - columns) : len(resumed)]:
        axes.set_xlabel("step")
    return Picture(
        figure, f"{sentence(message)} Loss by step, resumed after step {resumed_at}. {' '.join(said)}"
    )
