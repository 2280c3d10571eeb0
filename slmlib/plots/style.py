"""One visual language for the whole course: few colours, each with its own line and marker, no legends.

Everything is drawn on white paper, so that a picture reads the same on a light and on a dark page.
"""

import textwrap
from collections.abc import Mapping, Sequence
from itertools import pairwise

from matplotlib.axes import Axes
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.path import Path
from matplotlib.transforms import Bbox

BLACK, GREY, PAPER = "#222222", "#666666", "#FFFFFF"
BLUE, ORANGE, GREEN, PURPLE = "#0072B2", "#D55E00", "#009E73", "#CC79A7"
SKY, YELLOW = "#56B4E9", "#E69F00"

PALETTE = (BLUE, ORANGE, GREEN, PURPLE, YELLOW, SKY, BLACK)
"""Okabe and Ito's palette (2008): distinct with any kind of colour vision. In this order."""

LINES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (1, 1)), (0, (8, 2)))
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
"""Line number i also has its own dashes and marker, for print and for eyes that see few colours."""

TINTS = ("#CFE5F2", "#F7DCC8", "#CCEBE2", "#F4E1EC", "#FAEBC8", "#DDF0FB")
"""Pale grounds for pieces of text, in the order of PALETTE. Write on them in BLACK: it reads on every page."""


def ink(color: str) -> str:
    """The colour dark enough to read as small text on paper: at least 4.5 to 1 (WCAG 2.1, 1.4.3)."""
    red, green, blue = to_rgb(color)
    while _contrast_with_paper(red, green, blue) < 4.5:
        red, green, blue = 0.95 * red, 0.95 * green, 0.95 * blue
    return to_hex((red, green, blue)).upper()


def new_figure(message: str, size: tuple[float, float]) -> Figure:
    """A figure that gives its axes the room they need; the message, what the reader should see, stands above all."""
    figure = Figure(figsize=size, facecolor=PAPER, layout="constrained")
    # Messages quote what people and models wrote: a dollar sign there begins no formula.
    figure.suptitle(wrapped(message, size[0]), x=0.01, ha="left", parse_math=False)
    return figure


def new_axes(
    message: str, xlabel: str = "", ylabel: str = "", size: tuple[float, float] = (7, 4)
) -> tuple[Figure, Axes]:
    """A figure with one pair of axes; the message, what the reader should see, is its title."""
    figure = Figure(figsize=size, facecolor=PAPER)
    axes = figure.subplots()
    axes.set_title(wrapped(message, size[0]), loc="left", pad=12, parse_math=False)
    dress(axes, xlabel, ylabel)
    return figure, axes


def new_panels(
    message: str, titles: Sequence[str], size: tuple[float, float] = (8, 3.4), same_y: bool = False
) -> tuple[Figure, list[Axes]]:
    """A figure with axes side by side under one message; each has a short title of its own."""
    figure = new_figure(message, size)
    panels = list(figure.subplots(1, len(titles), squeeze=False, sharey=same_y)[0])
    for axes, title in zip(panels, titles, strict=True):
        axes.set_title(title, loc="left", fontsize="medium", color=GREY)
        dress(axes)
    return figure, panels


def dress(axes: Axes, xlabel: str = "", ylabel: str = "") -> None:
    """Quiet axes: two spines, grey ticks, a faint grid for reading heights."""
    axes.set_xlabel(xlabel)
    axes.set_ylabel(ylabel)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(colors=GREY)
    axes.grid(axis="y", color=GREY, alpha=0.2)
    axes.set_axisbelow(True)


def label(
    axes: Axes,
    text: str,
    point: tuple[float, float],
    color: str = BLACK,
    offset: tuple[float, float] = (8, 0),
    ha: str = "left",
) -> None:
    """Write beside a point, a dollar sign as it stands; `offset` in points of print (1/72 inch)."""
    axes.annotate(
        text,
        point,
        offset,
        textcoords="offset points",
        color=ink(color),
        va="center",
        ha=ha,
        parse_math=False,
    )


def floor_line(axes: Axes, height: float) -> None:
    """A thin grey line across the axes at a value to compare with; `name_floors` writes its name."""
    axes.axhline(height, color=GREY, linewidth=0.8)


def name_floors(axes: Axes, floors: Mapping[str, float], gap: float = 4) -> None:
    """Write each floor's name at its line, where the fewest curves and names are in the way; call it after drawing.

    floors: name -> height. gap: distance from the line in points of print. Above is tried before below, the right
    end before the middle and the left one.
    """
    curves = _curves(axes)
    taken: list[Bbox] = []
    for name, height in floors.items():
        tries = [
            axes.annotate(
                name,
                (x, height),
                (0, gap if above else -gap),
                xycoords=("axes fraction", "data"),
                textcoords="offset points",
                color=GREY,
                fontsize="small",
                ha=side,
                va="bottom" if above else "top",
                parse_math=False,
                # Where curves are everywhere, the name stays readable on a patch of paper.
                bbox={"boxstyle": "square,pad=0.1", "facecolor": PAPER, "edgecolor": "none", "alpha": 0.8},
                zorder=5,
            )
            for x, side in ((0.99, "right"), (0.5, "center"), (0.01, "left"))
            for above in (True, False)
        ]
        boxes = [one.get_window_extent() for one in tries]
        crossed = [
            sum(curve.intersects_bbox(box, filled=False) for curve in curves)
            + sum(box.overlaps(other) for other in taken)
            for box in boxes
        ]
        best = crossed.index(min(crossed))
        taken.append(boxes[best])
        for one in tries[:best] + tries[best + 1 :]:
            one.remove()


def name_mark(axes: Axes, name: str, value: float, height: float) -> None:
    """Write beside an upright line at `value`: on its right, or on its left where another line would cross the name.

    height: of the top of the name, as a share of the axes. Call it after drawing, when all lines are there.
    """
    for offset, side in ((5, "left"), (-5, "right")):
        text = axes.annotate(
            name,
            (value, height),
            (offset, 0),
            xycoords=("data", "axes fraction"),
            textcoords="offset points",
            color=ink(ORANGE),
            ha=side,
            va="top",
            parse_math=False,
        )
        box = text.get_window_extent()
        if side == "right" or not any(curve.intersects_bbox(box, filled=False) for curve in _curves(axes)):
            break
        text.remove()


def label_lines(axes: Axes, ends: Sequence[tuple[str, float, float, str]], gap: float = 13) -> None:
    """Write each line's name at its right end, moved apart where ends lie close; call it after drawing.

    ends: (name, x, y, colour) of the last point of each line. gap: least distance in points of print.
    """
    points_a_pixel = 72 / axes.figure.dpi
    right = max((x for _, x, _, _ in ends), default=0.0)
    heights = {i: axes.transData.transform((right, end[2]))[1] * points_a_pixel for i, end in enumerate(ends)}
    order = sorted(heights, key=heights.__getitem__)
    for index, height in zip(order, _apart([heights[i] for i in order], gap), strict=True):
        name, _, y, color = ends[index]
        label(axes, name, (right, y), color, (8, height - heights[index]))


def _curves(axes: Axes) -> list[Path]:
    """All lines of the axes, in pixels."""
    return [line.get_transform().transform_path(line.get_path()) for line in axes.lines]


def _apart(heights: Sequence[float], gap: float) -> list[float]:
    """Rising heights, at least `gap` from one another, each group kept around its own middle."""
    groups: list[list[float]] = []
    for height in heights:
        groups.append([height])
        while len(groups) > 1 and _spread(groups[-1], gap)[0] - _spread(groups[-2], gap)[-1] < gap:
            last = groups.pop()
            groups[-1] += last
    placed = [height for group in groups for height in _spread(group, gap)]
    assert all(below < above for below, above in pairwise(placed))
    return placed


def _spread(group: list[float], gap: float) -> list[float]:
    middle, half = sum(group) / len(group), gap * (len(group) - 1) / 2
    return [middle - half + gap * i for i in range(len(group))]


def wrapped(message: str, inches: float) -> str:
    """The message in as few lines as fit above a figure so wide, all about equally long."""
    width = int(inches * 9.5)
    lines = textwrap.wrap(message, width)
    while len(lines) > 1 and len(shorter := textwrap.wrap(message, width - 1)) == len(lines):
        width, lines = width - 1, shorter
    return "\n".join(lines)


def _contrast_with_paper(*rgb: float) -> float:
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in rgb]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return 1.05 / (luminance + 0.05)
