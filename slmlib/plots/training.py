"""What a run's log shows: the loss, and the other numbers that tell how it is going."""

from collections.abc import Mapping
from itertools import accumulate

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from slmlib.plots.picture import Picture
from slmlib.plots.style import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PURPLE,
    dress,
    floor_line,
    label_lines,
    name_floors,
    new_axes,
    new_figure,
)
from slmlib.training.logs import Event, series


def loss_curve(events: list[Event]) -> Picture:
    """Training loss of every step and validation loss of every measurement, from a run's log."""
    message = _message(*series(events, "evaluation", "loss"))
    figure, axes = new_axes(message, "step", "loss (nats per token)")
    _draw_losses(figure, axes, events, floors={})
    return Picture(figure, _alt(message, floors={}))


def training_panel(
    events: list[Event], floors: Mapping[str, float] | None = None, total_steps: int = 0
) -> Picture:
    """The loss beside the learning rate, the gradient norm and the speed: a run at a glance.

    floors: name -> a loss to compare with, such as that of a uniform guess.
    total_steps: how long the run will be, so that the picture fills from the left; 0: as far as it came.
    """
    message = _message(*series(events, "evaluation", "loss"))
    figure = new_figure(message, (9, 4.2))
    grid = figure.add_gridspec(3, 2, width_ratios=(2.1, 1))
    axes = figure.add_subplot(grid[:, 0])
    dress(axes, "step", "loss (nats per token)")
    said = []
    for row, (value, name, color, form) in enumerate(
        (
            ("learning_rate", "learning rate", GREEN, ".2g"),
            ("gradient_norm", "gradient norm", PURPLE, ".2g"),
            ("tokens_per_second", "tokens a second", GREY, ",.0f"),
        )
    ):
        small = figure.add_subplot(grid[row, 1])
        dress(small)
        small.set_title(name, loc="left", fontsize="small", color=GREY, pad=3)
        small.tick_params(labelsize="small", labelbottom=row == 2)
        steps, values = series(events, "step", value)
        small.plot(steps, values, color=color, linewidth=1)
        small.set_xlim(0, max([total_steps, *steps[-1:], 1]))
        small.xaxis.set_major_locator(MaxNLocator(3, integer=True))
        small.yaxis.set_major_locator(MaxNLocator(3))
        small.set_ylim(bottom=0)
        if value == "tokens_per_second":
            small.yaxis.set_major_formatter("{x:,.0f}")
        if values:
            said.append(f"{name} {values[-1]:{form}}")
    _draw_losses(figure, axes, events, floors or {}, total_steps)
    last = f" Now: {', '.join(said)}." if said else ""
    return Picture(figure, _alt(message, floors or {}) + last)


def _draw_losses(
    figure: Figure, axes: Axes, events: list[Event], floors: Mapping[str, float], total_steps: int = 0
) -> None:
    steps, losses = series(events, "step", "loss")
    measured_at, measured = series(events, "evaluation", "loss")
    axes.plot(steps, losses, color=BLUE, linewidth=0.6, alpha=0.35)
    smooth = smoothed(losses)
    axes.plot(steps, smooth, color=BLUE, linewidth=1.6)
    axes.plot(measured_at, measured, color=ORANGE, marker="o", linestyle="--", linewidth=1.2, markersize=5)
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.margins(x=0.01)
    if total_steps:
        axes.set_xlim(-0.01 * total_steps, 1.01 * total_steps)
    for height in floors.values():
        floor_line(axes, height)
    figure.draw_without_rendering()  # settles the scales that labels are placed by
    name_floors(axes, {f"{name} {height:.2f}": height for name, height in floors.items()}, gap=3)
    if smooth and measured:
        label_lines(
            axes,
            [
                (f"training {smooth[-1]:.2f}", steps[-1], smooth[-1], BLUE),
                (f"validation {measured[-1]:.2f}", steps[-1], measured[-1], ORANGE),
            ],
            gap=16,
        )


def _alt(message: str, floors: Mapping[str, float]) -> str:
    return " ".join(
        [
            f"{message}. Training loss is a line per step, validation loss a dashed line with dots.",
            *(f"A thin line at {height:.2f}: {name}." for name, height in floors.items()),
        ]
    )


def _message(steps: list[int], losses: list[float]) -> str:
    """What the curve says, in one line."""
    if not losses:
        return "No measurement yet"
    if len(losses) == 1:
        return f"Validation loss is {losses[0]:.2f} at step {steps[0]:,}"
    verb = "fell" if losses[-1] < losses[0] else "did not fall: it went"
    return f"Validation loss {verb} from {losses[0]:.2f} to {losses[-1]:.2f} in {steps[-1]:,} steps"


def smoothed(values: list[float]) -> list[float]:
    """Mean over a window around each value, a 30th of all: a mean of past values alone would lag behind."""
    half = len(values) // 60
    windows = ((max(i - half, 0), i + min(half, i)) for i in range(len(values)))
    sums = list(accumulate(values, initial=0.0))
    return [
        (sums[min(last + 1, len(values))] - sums[first]) / (min(last + 1, len(values)) - first)
        for first, last in windows
    ]
