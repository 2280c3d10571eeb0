"""Pictures of a run through time: measures side by side, layers over steps, a gallery of short runs."""

import math
from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullLocator

from slmlib.plots.charts import number
from slmlib.plots.picture import Picture, sentence
from slmlib.plots.style import (
    BLUE,
    GREY,
    LINES,
    ORANGE,
    PALETTE,
    PAPER,
    dress,
    ink,
    label_lines,
    new_figure,
)
from slmlib.training.diagnosis import Curves

HIGHEST = 9.0
"""The loss at the top of a run in the gallery: a byte by guessing costs 5.5 nats."""

_COMPARED = "real stories"


def small_multiples(
    steps: Sequence[int],
    panels: Mapping[str, Sequence[float]],
    message: str,
    *,
    compare: Mapping[str, float] | None = None,
    columns: int = 4,
) -> Picture:
    """One little curve a measure, all over the same steps (early ones spread out), each from 0 to 1.

    compare: measure -> its height on real stories, a thin grey line. NaN is left out.
    """
    rows = -(-len(panels) // columns)
    figure, grid = _grid(message, rows, columns, (9, 0.5 + 1.75 * rows))
    said = []
    for place, (name, values) in enumerate(panels.items()):
        axes = grid[place]
        dress(axes)
        _early_steps_wide(axes, steps)
        axes.set_ylim(-0.03, 1.05)
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0%}"))
        axes.set_title(name, loc="left", fontsize="medium")
        axes.plot(steps, values, color=BLUE, marker="o", markersize=3, linewidth=1.4)
        there = [value for value in values if value == value]
        said.append(f"{name}: from {there[0]:.0%} to {there[-1]:.0%}" if there else f"{name}: nothing")
        if compare and name in compare:
            axes.axhline(compare[name], color=GREY, linewidth=0.9, linestyle="--")
            said[-1] += f", {_COMPARED} {compare[name]:.0%}"
    named = next((place for place, name in enumerate(panels) if compare and name in compare), None)
    if compare and named is not None:
        height = compare[list(panels)[named]]
        under = height > 0.5
        grid[named].annotate(
            _COMPARED,
            (0.02, height),
            (0, -3 if under else 3),
            xycoords=("axes fraction", "data"),
            textcoords="offset points",
            color=GREY,
            fontsize="small",
            va="top" if under else "bottom",
        )
    for axes in grid[len(panels) :]:
        axes.set_axis_off()
    return Picture(figure, f"{sentence(message)} Over the steps of the run, {'; '.join(said)}.")


def layer_panels(
    steps: Sequence[int],
    panels: Mapping[str, Mapping[str, Sequence[float]]],
    message: str,
    *,
    log: Sequence[str] = (),
    marks: Mapping[str, tuple[str, float]] | None = None,
) -> Picture:
    """Panels side by side, each with several lines over the same steps, named at their right ends.

    panels: title -> name -> one value a step. log: titles with a logarithmic height. marks: title -> (name,
    height) of a thin line across. Values that are not positive are left out of logarithmic panels.
    """
    figure, grid = _grid(message, 1, len(panels), (9.5, 3.6))
    said = []
    for axes, (title, curves) in zip(grid, panels.items(), strict=True):
        dress(axes, "step")
        _early_steps_wide(axes, steps)
        axes.set_title(title, loc="left", fontsize="medium", color=GREY)
        if title in log:
            axes.set_yscale("log")
        ends = []
        for i, (name, values) in enumerate(curves.items()):
            points = [
                (step, value)
                for step, value in zip(steps, values, strict=True)
                if math.isfinite(value) and (value > 0 or title not in log)
            ]
            if not points:
                continue
            color = PALETTE[i % len(PALETTE)]
            axes.plot(*zip(*points, strict=True), color=color, linestyle=LINES[i % len(LINES)], linewidth=1.5)
            ends.append((name, points[-1][0], points[-1][1], color))
            said.append(f"{title}, {name}: from {number(points[0][1])} to {number(points[-1][1])}.")
        if marks and title in marks:
            name, height = marks[title]
            axes.axhline(height, color=GREY, linewidth=0.9, linestyle="--")
            axes.annotate(
                name,
                (0.02, height),
                (0, 3),
                xycoords=("axes fraction", "data"),
                textcoords="offset points",
                color=GREY,
                fontsize="small",
            )
            said.append(f"{title}: a line at {number(height)}, {name}.")
        figure.draw_without_rendering()  # settles the scales that labels are placed by
        label_lines(axes, ends)
    return Picture(figure, " ".join([sentence(message), *said]))


def run_gallery(
    runs: Mapping[str, Curves],
    healthy: Curves,
    message: str,
    *,
    names: Mapping[str, str] | None = None,
    columns: int = 3,
) -> Picture:
    """Each run's losses over its gradient norm, the healthy run in grey behind it.

    names: what to call a run beside its letter. Losses above HIGHEST leave the picture; the largest is written
    at the top.
    """
    rows = -(-len(runs) // columns)
    figure = new_figure(message, (8.5, 0.6 + 2.0 * rows))
    grid = figure.add_gridspec(2 * rows, columns, height_ratios=[2.2, 1] * rows)
    shown = [(f"{letter}: {names[letter]}" if names else letter, run) for letter, run in runs.items()]
    spare = columns * rows > len(shown)
    for place, (title, run) in enumerate([*shown, ("healthy", healthy)] if spare else shown):
        row, column = divmod(place, columns)
        losses = figure.add_subplot(grid[2 * row, column])
        norms = figure.add_subplot(grid[2 * row + 1, column])
        with_key = place == (len(shown) if spare else 0)
        _draw_losses(losses, run, healthy, title, with_key)
        _draw_norms(norms, run, healthy, with_key)
        norms.set_xlabel("step" if place + columns >= len(shown) + spare else "", fontsize="small")
    said = " ".join(_said(title, run) for title, run in shown)
    return Picture(figure, f"{sentence(message)} The healthy run: {_numbers(healthy)}. {said}")


def _draw_losses(axes: Axes, run: Curves, healthy: Curves, title: str, with_key: bool) -> None:
    dress(axes)
    axes.set_title(title, loc="left", fontsize="medium", fontweight="bold")
    axes.set_ylim(0, HIGHEST)
    axes.set_xlim(0, len(run.training))
    axes.tick_params(labelbottom=False, labelsize="small")
    axes.axhline(run.uniform, color=GREY, linewidth=0.7, linestyle=":")
    axes.plot(healthy.training, color=GREY, linewidth=2.5, alpha=0.35)
    axes.plot(run.training, color=BLUE, linewidth=1.3)
    axes.plot(
        run.measured_at, run.validation, color=ORANGE, linestyle="--", marker="o", markersize=3, linewidth=1.2
    )
    above = [value for value in (*run.training, *run.validation) if math.isfinite(value) and value > HIGHEST]
    if above:
        axes.annotate(
            f"up to {number(round(max(above)))} ↑",
            (0.98, 0.97),
            xycoords="axes fraction",
            ha="right",
            va="top",
            fontsize="small",
            color=GREY,
            bbox={"facecolor": PAPER, "edgecolor": "none", "alpha": 0.8, "pad": 1},
        )
    if with_key:
        for words, place, color in (
            ("training loss", (0.12, 0.03), BLUE),
            ("validation loss", (0.52, 0.03), ORANGE),
            ("healthy run, behind each", (0.12, 0.87), GREY),
        ):
            axes.annotate(words, place, xycoords="axes fraction", fontsize="small", color=ink(color))
        axes.annotate(
            "uniform guess",
            (0.98, run.uniform),
            (0, 2),
            xycoords=("axes fraction", "data"),
            textcoords="offset points",
            fontsize="small",
            color=GREY,
            ha="right",
        )


def _draw_norms(axes: Axes, run: Curves, healthy: Curves, with_key: bool) -> None:
    dress(axes)
    axes.set_yscale("log")
    axes.set_ylim(1e-3, 1e2)
    axes.set_yticks([1e-2, 1, 100], ["0.01", "1", "100"])
    axes.yaxis.set_minor_locator(NullLocator())
    axes.set_xlim(0, len(run.training))
    axes.tick_params(labelsize="small")
    axes.plot(healthy.gradient_norm, color=GREY, linewidth=2.5, alpha=0.35)
    axes.plot([min(max(value, 1e-3), 1e2) for value in run.gradient_norm], color=BLUE, linewidth=1.1)
    if with_key:
        axes.annotate(
            "gradient norm", (0.3, 0.8), xycoords="axes fraction", fontsize="small", color=ink(BLUE)
        )


def _numbers(run: Curves) -> str:
    return (
        f"training loss from {_loss(run.training[0])} to {_loss(run.last_training)}, "
        f"validation loss at the end {_loss(run.validation[-1])}, "
        f"first gradient norm {run.gradient_norm[0]:.2g}"
    )


def _loss(value: float) -> str:
    return number(round(value, 2)) if math.isfinite(value) else "not a number"


def _said(title: str, run: Curves) -> str:
    return f"{title}: {_numbers(run)}, highest training loss {_loss(max(run.training))}."


def _grid(message: str, rows: int, columns: int, size: tuple[float, float]) -> tuple[Figure, list[Axes]]:
    figure = new_figure(message, size)
    return figure, list(figure.subplots(rows, columns, squeeze=False).flat)


def _early_steps_wide(axes: Axes, steps: Sequence[int]) -> None:
    """A logarithmic axis that has room for step 0, with a few powers of two as ticks."""
    axes.set_xscale("symlog", base=2, linthresh=1, linscale=0.6)
    last = max(steps[-1], 1)
    ticks = [0, *(power for power in (1, 8, 64, 512, 4096) if 2.5 * power <= last), last]
    axes.set_xticks(ticks, [f"{tick:,}" for tick in ticks])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlim(-0.25, last * 1.15)
