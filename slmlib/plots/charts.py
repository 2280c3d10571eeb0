"""Lines, bars and histograms from plain data, each with a message and its alt text."""

import math
from collections.abc import Callable, Mapping, Sequence

from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

from slmlib.plots.picture import Picture, sentence
from slmlib.plots.style import (
    BLUE,
    LINES,
    MARKERS,
    ORANGE,
    PALETTE,
    floor_line,
    label,
    label_lines,
    name_floors,
    name_mark,
    new_axes,
)

Number = Callable[[float], str]
"""How a value is written."""


def number(value: float) -> str:
    """Four digits at most: 1,234 or 0.1234; in words where there is no number to write."""
    if not math.isfinite(value):
        return "not a number" if math.isnan(value) else "infinity" if value > 0 else "minus infinity"
    return f"{value:,.0f}" if abs(value) >= 1000 or value == int(value) else f"{value:.4g}"


def lines(
    curves: Mapping[str, tuple[Sequence[float], Sequence[float]]],
    message: str,
    *,
    xlabel: str,
    ylabel: str,
    floors: Mapping[str, float] | None = None,
    markers: bool = True,
    log_x: bool = False,
    log_y: bool = False,
    write: Number = number,
    size: tuple[float, float] = (7, 4),
) -> Picture:
    """Curves with their names at their right ends.

    curves: name -> (xs, ys). floors: name -> height of a thin line across, for what cannot be undercut or a
    value to compare with. The alt text is the message and where each curve begins and ends.
    """
    figure, axes = new_axes(message, xlabel, ylabel, size)
    axes.set_xscale("log" if log_x else "linear")
    axes.set_yscale("log" if log_y else "linear")
    ends, said = [], []
    for i, (name, (xs, ys)) in enumerate(curves.items()):
        color, dashes, marker = (PALETTE[i % len(PALETTE)], LINES[i % len(LINES)], MARKERS[i % len(MARKERS)])
        axes.plot(xs, ys, color=color, linestyle=dashes, marker=marker if markers else "", markersize=5)
        # A curve that came apart is named where it was last seen.
        ends += [(name, x, y, color) for x, y in zip(xs, ys, strict=True) if math.isfinite(y)][-1:]
        said.append(f"{name}: from {write(ys[0])} at {number(xs[0])} to {write(ys[-1])} at {number(xs[-1])}.")
    axes.margins(x=0.02)
    if not log_x and all(x == int(x) for xs, _ in curves.values() for x in xs):
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    places = sorted({x for xs, _ in curves.values() for x in xs})
    if log_x and len(places) <= 10:  # few enough to name each instead of powers of ten
        axes.set_xticks(places, [number(x) for x in places])
        axes.minorticks_off()
    for name, height in (floors or {}).items():
        floor_line(axes, height)
        said.append(f"{name} lies at {write(height)}.")
    low, high = axes.get_ylim()
    if log_y and high < 300 * low:  # too few powers of ten to read a height by
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: number(value)))
        axes.yaxis.set_minor_locator(NullLocator())
    figure.draw_without_rendering()  # settles the scales that labels are placed by
    name_floors(axes, {f"{name} {write(height)}": height for name, height in (floors or {}).items()})
    label_lines(axes, ends)
    return Picture(figure, " ".join([sentence(message), *said]))


def bars(
    values: Mapping[str, float],
    message: str,
    *,
    xlabel: str = "",
    highlight: Sequence[str] = (),
    write: Number = number,
) -> Picture:
    """Horizontal bars in the order given, each with its value; the names in `highlight` are in orange."""
    figure, axes = new_axes(message, xlabel, size=(7, 0.9 + 0.4 * len(values)))
    names = list(values)
    colors = [ORANGE if name in highlight else BLUE for name in names]
    axes.barh(range(len(names)), list(values.values()), color=colors, height=0.7)
    axes.set_yticks(range(len(names)), names, parse_math=False)
    axes.invert_yaxis()
    axes.grid(visible=False)
    axes.spines[["left", "bottom"]].set_visible(False)
    axes.tick_params(left=False, bottom=False, labelbottom=False)
    axes.tick_params(axis="y", labelcolor="black")
    for row, (name, value) in enumerate(values.items()):
        label(axes, write(value), (value, row), ORANGE if name in highlight else BLUE, (5, 0))
    axes.margins(x=0.12)
    said = ", ".join(f"{name} {write(value)}" for name, value in values.items())
    return Picture(figure, f"{sentence(message)} Bars: {said}.")


def histogram(
    values: Sequence[float],
    message: str,
    *,
    xlabel: str,
    ylabel: str = "",
    bins: int | Sequence[float] = 40,
    marks: Mapping[str, float] | None = None,
    write: Number = number,
) -> Picture:
    """How often each value occurs. marks: name -> a value to point at, such as a median."""
    figure, axes = new_axes(message, xlabel, ylabel, size=(7, 3.6))
    axes.hist(values, bins=bins, color=BLUE, alpha=0.85)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: number(value)))
    axes.margins(x=0.01, y=0.05 + 0.15 * len(marks or {}))  # the names of the marks stand above the bars
    for value in (marks or {}).values():
        axes.axvline(value, color=ORANGE, linewidth=1.4, linestyle="--")
    figure.draw_without_rendering()  # settles the scales that the names are placed by
    for row, (name, value) in enumerate((marks or {}).items()):
        name_mark(axes, f"{name} {write(value)}", value, 0.97 - 0.09 * row)
    said = "".join(f" {name}: {write(value)}." for name, value in (marks or {}).items())
    spread = f" {len(values):,} values from {write(min(values))} to {write(max(values))}."
    return Picture(figure, f"{sentence(message)}{spread}{said}")
