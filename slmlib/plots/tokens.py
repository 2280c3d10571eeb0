"""Pictures of tokens: how a word grows together, windows over a story, and padding."""

from collections.abc import Mapping, Sequence

from slmlib.plots.charts import Number, number
from slmlib.plots.picture import Picture, sentence
from slmlib.plots.style import BLACK, BLUE, GREY, ORANGE, PAPER, TINTS, label, new_axes

Pair = tuple[int, int]


def merge_tree(leaves: Sequence[str], merges: Sequence[tuple[int, int, int]], message: str) -> Picture:
    """How the letters of one word grow together.

    leaves: the pieces at the start. merges: (place, place, number) of what is joined: the places are those of
    two neighbours in the row as it is then, the number says when that merge was learned.
    """
    row: list[tuple[float, float, str]] = [(float(x), 0.0, leaf) for x, leaf in enumerate(leaves)]
    figure, axes = new_axes(message, size=(7, 3.6))
    said = []
    nodes = list(row)
    for left, right, learned in merges:
        one, other = row[left], row[right]
        top = ((one[0] + other[0]) / 2, max(one[1], other[1]) + 1, one[2] + other[2])
        for x, y, _ in (one, other):
            axes.plot((x, x, top[0]), (y, top[1], top[1]), color=GREY, linewidth=1.2, zorder=1)
        axes.annotate(
            f"merge {learned}", (top[0], top[1]), (0, 13), textcoords="offset points", ha="center",
            color=GREY, fontsize="small", bbox={"boxstyle": "square,pad=0.1", "facecolor": PAPER, "edgecolor": PAPER},
        )  # fmt: skip
        said.append(f"merge {learned} joins {one[2]} and {other[2]}")
        nodes.append(top)
        row[left : right + 1] = [top]
    for x, y, text in nodes:
        whole = y > 0
        axes.text(
            x, y, text, ha="center", va="center", family="monospace", color=BLACK, zorder=2, parse_math=False,
            bbox={"boxstyle": "round,pad=0.3", "facecolor": TINTS[1 if whole else 0], "edgecolor": GREY},
        )  # fmt: skip
    highest = max(y for _, y, _ in nodes)
    axes.set_ylim(-0.5, highest + 0.7)
    axes.set_xlim(-0.6, len(leaves) - 0.4)
    axes.set_axis_off()
    return Picture(figure, f"{sentence(message)} From the letters up: {', then '.join(said)}.")


def vocabulary_curve(
    sizes: Sequence[int], values: Sequence[float], message: str, *, compare: Mapping[str, tuple[int, float]]
) -> Picture:
    """Bytes per token against vocabulary size; `compare` names single tokenizers: name -> (size, value)."""
    figure, axes = new_axes(message, "tokens in the vocabulary", "bytes per token")
    axes.set_xscale("log", base=2)
    axes.plot(sizes, values, color=BLUE, marker="o", markersize=5)
    for name, (size, value) in compare.items():
        axes.plot([size], [value], color=ORANGE, marker="s", markersize=8, linestyle="")
        label(axes, f"{name}: {value:.2f}", (size, value), ORANGE, (0, -16), ha="right")
    for size, value in zip(sizes, values, strict=True):
        at_axis = size == sizes[0]  # there the curve rises above its first point, so the number goes below
        label(
            axes,
            f"{value:.2f}",
            (size, value),
            BLUE,
            (6, -9) if at_axis else (-3, 11),
            ha="left" if at_axis else "center",
        )
    ticks = [*sizes, *(size for size, _ in compare.values())]
    axes.set_xticks(ticks, [f"{size:,}" for size in ticks], rotation=30, ha="right")
    axes.minorticks_off()
    axes.set_xlim(sizes[0] * 0.7, max(*sizes, *(size for size, _ in compare.values())) * 1.3)
    axes.set_ylim(0, max(values) * 1.18)
    said = ", ".join(f"{size:,}: {value:.2f}" for size, value in zip(sizes, values, strict=True))
    others = "".join(f" {name} with {size:,}: {value:.2f}." for name, (size, value) in compare.items())
    return Picture(figure, f"{sentence(message)} Bytes per token by vocabulary size: {said}.{others}")


def grouped_bars(
    values: Mapping[str, Mapping[str, float]], message: str, *, write: Number = number
) -> Picture:
    """Horizontal bars in groups: row -> name of bar -> value. The first two names get blue and orange."""
    names = list(next(iter(values.values())))
    figure, axes = new_axes(message, size=(7, 0.9 + 0.62 * len(values)))
    height = 0.8 / len(names)
    for row, numbers in enumerate(values.values()):
        for place, (name, value) in enumerate(numbers.items()):
            color = (BLUE, ORANGE)[place % 2]
            y = row + (place - (len(names) - 1) / 2) * height
            axes.barh(
                y, value, color=color, height=height * 0.9, hatch=("", "///")[place % 2], edgecolor="white"
            )
            text = f"{write(value)} {name}" if row == 0 else write(value)
            label(axes, text, (value, y), color, (5, 0))
    axes.set_yticks(range(len(values)), list(values))
    axes.invert_yaxis()
    axes.grid(visible=False)
    axes.spines[["left", "bottom"]].set_visible(False)
    axes.tick_params(left=False, bottom=False, labelbottom=False)
    axes.tick_params(axis="y", labelcolor=BLACK)
    axes.margins(x=0.15)
    said = "; ".join(
        f"{group}: {', '.join(f'{name} {write(value)}' for name, value in numbers.items())}"
        for group, numbers in values.items()
    )
    return Picture(figure, f"{sentence(message)} {said}.")


def padded_rows(lengths: Sequence[int], message: str) -> Picture:
    """One row a story, filled up to the longest: tokens in blue, padding hatched."""
    figure, axes = new_axes(message, "position in the row", size=(7, 0.9 + 0.2 * len(lengths)))
    longest, rows = max(lengths), range(len(lengths))
    axes.barh(rows, lengths, color=BLUE, height=0.8)
    axes.barh(
        rows,
        [longest - length for length in lengths],
        left=list(lengths),
        color=PAPER,
        edgecolor=GREY,
        hatch="////",
        linewidth=0.5,
        height=0.8,
    )
    axes.set_yticks([])
    axes.set_ylabel("stories")
    axes.invert_yaxis()
    axes.grid(visible=False)
    axes.spines["left"].set_visible(False)
    axes.margins(x=0)
    shortest = min(rows, key=lengths.__getitem__)
    for row, x, text in ((shortest, lengths[shortest], "padding"), (shortest, 0, "tokens")):
        axes.text(
            x + longest * 0.01, row, text, va="center", color=PAPER if x == 0 else BLACK,
            bbox={"boxstyle": "square,pad=0.1", "facecolor": BLUE if x == 0 else PAPER, "edgecolor": "none"},
        )  # fmt: skip
    said = ", ".join(map(str, lengths))
    return Picture(
        figure, f"{sentence(message)} {len(lengths)} rows, each {longest} long, with {said} tokens."
    )


def window_steps(pieces: Sequence[str], context_length: int, start: int, message: str) -> Picture:
    """A window over a row of tokens, and the predictions in it: what is seen, and what is to be guessed.

    pieces: the tokens of the row. start: where the window begins.
    """
    figure, axes = new_axes(message, size=(9, 0.36 * (context_length + 5)))
    edges = [0.0]
    for piece in pieces:
        edges.append(edges[-1] + 0.75 + 0.34 * len(piece))

    def box(index: int, y: float, color: str, bold: bool = False) -> None:
        axes.barh(
            y, edges[index + 1] - edges[index] - 0.12, left=edges[index] + 0.06, height=0.8, color=color,
            edgecolor=BLACK if bold else GREY, linewidth=1.6 if bold else 0.6,
        )  # fmt: skip
        axes.text(
            (edges[index] + edges[index + 1]) / 2, y, pieces[index], ha="center", va="center", color=BLACK,
            family="monospace", fontsize=8, fontweight="bold" if bold else "normal", parse_math=False,
        )  # fmt: skip

    end = start + context_length
    for index in range(len(pieces)):
        box(index, 0, TINTS[0] if start <= index < end else PAPER)
    for y, first, last, text in ((1.0, start, end, "inputs"), (1.9, start + 1, end + 1, "targets")):
        axes.annotate(
            "", (edges[first], y), (edges[last], y), arrowprops={"arrowstyle": "|-|,widthA=0.3,widthB=0.3"}
        )
        axes.text(edges[first] - 0.2, y, text, ha="right", va="center", color=BLACK, fontsize="small")
    for row in range(context_length):
        y = 3.2 + row
        for index in range(start, start + row + 1):
            box(index, y, TINTS[0])
        box(start + row + 1, y, TINTS[1], bold=True)
    axes.set_xlim(edges[0] - (4 if start == 0 else 0), edges[-1])
    axes.set_ylim(3.2 + context_length, -0.7)
    axes.set_axis_off()
    steps = "; ".join(f"'{pieces[i]}' predicts '{pieces[i + 1]}'" for i in range(start, end))
    return Picture(
        figure,
        f"{sentence(message)} The row: {' '.join(pieces)}. Each step sees all from the window's beginning: {steps}.",
    )
