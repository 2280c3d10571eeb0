"""Pictures of attention: small matrices with their numbers, and the maps of all heads at a glance."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.patches import Rectangle
from numpy.typing import ArrayLike, NDArray

from slmlib.plots.picture import Picture, sentence
from slmlib.plots.style import BLACK, BLUE, GREY, PAPER, TINTS, new_panels

INK = LinearSegmentedColormap.from_list("paper to blue", [PAPER, BLUE])
"""Nothing is white, everything is blue; lightness alone tells them apart."""


def matrix_panels(
    panels: Mapping[str, ArrayLike], rows: Sequence[str], columns: Sequence[str], message: str
) -> Picture:
    """Matrices side by side, a number in every cell: the steps from scores to weights.

    panels: title -> a (rows, columns) matrix. Minus infinity is written as such, on hatched ground. The shade
    follows the value within its own panel.
    """
    matrices = {name: np.asarray(matrix, dtype=float) for name, matrix in panels.items()}
    height = 1.5 + 0.42 * len(rows)
    figure, axes = new_panels(message, list(matrices), (min(10.0, 2.9 * len(matrices) + 1.2), height))
    said = []
    for place, (panel, (name, matrix)) in enumerate(zip(axes, matrices.items(), strict=True)):
        _draw_numbers(panel, matrix)
        panel.set_yticks(range(len(rows)), rows if place == 0 else [""] * len(rows), parse_math=False)
        turned = 0 if len(columns) < 4 else 45
        panel.set_xticks(range(len(columns)), columns, rotation=turned, parse_math=False)
        if place == 0:
            panel.set_ylabel("query")
        panel.set_xlabel("key")
        told = (
            f"{row}: {', '.join(_written(value) for value in values)}"
            for row, values in zip(rows, matrix, strict=True)
        )
        said.append(f"{name}: {'; '.join(told)}.")
    return Picture(figure, " ".join([sentence(message), *said]))


def head_maps(weights: ArrayLike, message: str) -> Picture:
    """Every head's attention over one text: a small map each, layers from top to bottom.

    weights: (num_layers, num_heads, time, time), rows are queries. Shades are of the square root, so that faint looks
    are seen.
    """
    maps: NDArray[np.float64] = np.asarray(weights, dtype=float)
    num_layers, num_heads, time, _ = maps.shape
    # Wide pages are cheaper than long ones: two layers share a row of maps where heads are few.
    per_row = num_heads * max(1, 4 // num_heads)
    grid_rows = -(-num_layers * num_heads // per_row)
    figure, first = new_panels(message, [""] * per_row, (9, 0.9 + 2.35 * grid_rows))
    for axes in first:
        axes.remove()
    grid = figure.add_gridspec(grid_rows, per_row)
    said = []
    for layer in range(num_layers):
        for head in range(num_heads):
            row, column = divmod(layer * num_heads + head, per_row)
            axes = figure.add_subplot(grid[row, column])
            title = f"layer {layer}, head {head}"
            axes.imshow(maps[layer, head] ** 0.5, cmap=INK, vmin=0, vmax=1, interpolation="nearest")
            axes.set_title(title, loc="left", fontsize="small", color=BLACK)
            axes.set_xticks([])
            axes.set_yticks([])
            axes.spines[:].set_color(GREY)
            if column == 0:
                axes.set_ylabel("query", color=GREY, fontsize="small")
            if row == grid_rows - 1:
                axes.set_xlabel("key", color=GREY, fontsize="small")
            before = maps[layer, head].diagonal(-1).mean() if time > 1 else 0.0
            said.append(f"{title}: {before:.0%} on the token before")
    return Picture(
        figure,
        f"{sentence(message)} {num_layers * num_heads} square maps over {time} tokens, darker where a row (query) "
        f"looks more at a column (key); above the diagonal all are empty. {'; '.join(said)}.",
    )


def _draw_numbers(axes: Axes, matrix: NDArray[np.float64]) -> None:
    finite = matrix[np.isfinite(matrix)]
    low, high = min(0.0, finite.min()), finite.max()
    shown = np.where(np.isfinite(matrix), (matrix - low) / (high - low or 1.0), 0.0)
    # 1.35 keeps the darkest cell light enough for black numbers (4.5 to 1).
    axes.imshow(shown, cmap=INK, vmin=0, vmax=1.35, aspect="auto")
    for (row, column), value in np.ndenumerate(matrix):
        if not np.isfinite(value):
            hidden = Rectangle(
                (column - 0.5, row - 0.5), 1, 1, facecolor=TINTS[1], edgecolor=PAPER, hatch="///"
            )
            axes.add_patch(hidden)
        axes.text(column, row, _written(value), ha="center", va="center", color=BLACK)
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0, labelcolor=BLACK)


def _written(value: float) -> str:
    return f"{value:.2f}" if np.isfinite(value) else "−∞"
