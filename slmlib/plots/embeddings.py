"""Pictures of embeddings: a lookup as a product, what temperature does, a map of words, where parameters sit."""

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from slmlib.plots.picture import Picture, sentence
from slmlib.plots.style import (
    BLACK,
    BLUE,
    GREY,
    MARKERS,
    ORANGE,
    PALETTE,
    PAPER,
    TINTS,
    ink,
    label,
    new_axes,
    new_panels,
)

Matrix = Sequence[Sequence[float]]


def lookup_product(one_hot: Matrix, table: Matrix, words: Sequence[str], message: str) -> Picture:
    """Rows of zeros with a single one, times a table, give rows of the table.

    one_hot: (tokens, vocab_size). table: (vocab_size, embed_dim). words: the name of each row of the table.
    """
    chosen = [list(row).index(1) for row in one_hot]
    vectors = [table[one] for one in chosen]
    figure, axes = new_axes(message, size=(9, 0.6 + 0.36 * (max(len(table), len(one_hot)) + 2)))
    height = len(table)
    top = (height - len(one_hot)) / 2  # the shorter matrices stand in the middle
    x = 2.6
    _matrix(axes, one_hot, x, top, "{:.0f}", {(row, one) for row, one in enumerate(chosen)})
    _names(axes, [words[one] for one in chosen], x - 0.2, top)
    axes.text(x + len(words) / 2, top - 0.7, "one-hot", ha="center", color=GREY)
    x += len(words) + 0.7
    axes.text(x, height / 2, "×", ha="center", va="center", fontsize="x-large")
    x += 2.6
    cells = {(one, column) for one in chosen for column in range(len(table[0]))}
    _matrix(axes, table, x, 0, "{:.1f}", cells, width=1.3)
    _names(axes, words, x - 0.2, 0)
    axes.text(x + 0.65 * len(table[0]), -0.7, "table", ha="center", color=GREY)
    x += 1.3 * len(table[0]) + 0.7
    axes.text(x, height / 2, "=", ha="center", va="center", fontsize="x-large")
    x += 0.7
    every = {(row, column) for row in range(len(vectors)) for column in range(len(table[0]))}
    _matrix(axes, vectors, x, top, "{:.1f}", every, width=1.3)
    axes.text(x + 0.65 * len(table[0]), top - 0.7, "vectors", ha="center", color=GREY)
    axes.set_xlim(0, x + 1.3 * len(table[0]) + 0.1)
    axes.set_ylim(height + 0.1, -1.2)
    axes.set_axis_off()
    said = "; ".join(
        f"{words[one]} is row {one}: {', '.join(f'{value:.1f}' for value in vector)}"
        for one, vector in zip(chosen, vectors, strict=True)
    )
    return Picture(figure, f"{sentence(message)} {said}.")


def _matrix(
    axes: Axes,
    rows: Matrix,
    left: float,
    top: float,
    write: str,
    marked: set[tuple[int, int]],
    width: float = 1.0,
) -> None:
    """Numbers in boxes; marked ones are bold on a tinted ground."""
    for y, row in enumerate(rows):
        for x, value in enumerate(row):
            bold = (y, x) in marked
            corner = (left + x * width, top + y)
            axes.add_patch(
                Rectangle(corner, width, 1, facecolor=TINTS[1] if bold else PAPER, edgecolor=GREY, lw=0.7)
            )
            axes.text(
                corner[0] + width / 2,
                corner[1] + 0.5,
                write.format(value),
                ha="center",
                va="center",
                color=BLACK if bold else GREY,
                fontweight="bold" if bold else "normal",
                fontsize="small",
            )


def _names(axes: Axes, words: Sequence[str], right: float, top: float) -> None:
    for row, word in enumerate(words):
        axes.text(
            right, top + row + 0.5, word, ha="right", va="center", family="monospace", fontsize="small", parse_math=False,
        )  # fmt: skip


def probability_panels(words: Sequence[str], chances: Mapping[str, Sequence[float]], message: str) -> Picture:
    """The same words' probabilities under several settings, side by side: title -> one value a word."""
    figure, panels = new_panels(message, list(chances), size=(9, 1.0 + 0.34 * len(words)), same_y=True)
    highest = max(max(values) for values in chances.values())
    for axes, values in zip(panels, chances.values(), strict=True):
        axes.barh(range(len(words)), values, color=BLUE, height=0.7)
        axes.set_xlim(0, highest * 1.35)
        axes.set_yticks(range(len(words)), words, family="monospace", parse_math=False)
        axes.grid(visible=False)
        axes.spines[["left", "bottom"]].set_visible(False)
        axes.tick_params(left=False, bottom=False, labelbottom=False, labelcolor=BLACK)
        for row, value in enumerate(values):
            label(axes, f"{value:.1%}", (value, row), BLUE, (4, 0))
    panels[0].invert_yaxis()
    said = "; ".join(
        f"{title}: {', '.join(f'{word} {value:.1%}' for word, value in zip(words, values, strict=True))}"
        for title, values in chances.items()
    )
    return Picture(figure, f"{sentence(message)} {said}.")


def word_map(
    points: Sequence[Sequence[float]], words: Sequence[str], groups: Sequence[str], message: str
) -> Picture:
    """Words at their places on a plane; each group has a colour, a marker, and its name at its middle.

    points: (words, 2). groups: the group of each word. Words that would cover one another are moved apart a little.
    """
    figure, axes = new_axes(message, size=(8.5, 6.5))
    names = list(dict.fromkeys(groups))
    said = []
    for i, name in enumerate(names):
        color, marker = PALETTE[i % len(PALETTE)], MARKERS[i % len(MARKERS)]
        mine = [
            (point, word) for point, word, group in zip(points, words, groups, strict=True) if group == name
        ]
        xs, ys = [point[0] for point, _ in mine], [point[1] for point, _ in mine]
        axes.plot(xs, ys, color=color, marker=marker, markersize=5, linestyle="", label=name)
        said.append(
            f"{name} around ({sum(xs) / len(xs):.1f}, {sum(ys) / len(ys):.1f}): {', '.join(w for _, w in mine)}"
        )
    axes.margins(0.1)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.grid(visible=False)
    axes.spines[["left", "bottom"]].set_visible(False)
    figure.draw_without_rendering()  # settles the scales that words are placed by
    _place_words(axes, points, words, [PALETTE[names.index(group) % len(PALETTE)] for group in groups])
    axes.legend(
        loc="upper left", bbox_to_anchor=(0, -0.01), ncols=len(names), frameon=False, fontsize="small"
    )
    return Picture(figure, f"{sentence(message)} {'; '.join(said)}.")


def _place_words(
    axes: Axes, points: Sequence[Sequence[float]], words: Sequence[str], colors: Sequence[str]
) -> None:
    """Write each word beside its point, at the first of a few places where it covers no other word or point."""
    to_print = 72 / axes.figure.dpi
    at = [tuple(axes.transData.transform(point) * to_print) for point in points]
    taken = [(x - 3.0, y - 3.0, x + 3.0, y + 3.0) for x, y in at]
    for (x, y), word, color, point in zip(at, words, colors, points, strict=True):
        wide, high = 5.6 * len(word), 11.0
        places = [
            (dx, dy, ha)
            for dy in (0, 9, -9, 17, -17)
            for dx, ha in ((6, "left"), (-6, "right"))
        ]  # fmt: skip
        boxes = [
            (x + dx - (wide if ha == "right" else 0), y + dy - high / 2, x + dx + (wide if ha == "left" else 0), y + dy + high / 2)
            for dx, dy, ha in places
        ]  # fmt: skip
        best = min(range(len(places)), key=lambda i: sum(_overlap(boxes[i], other) for other in taken))
        taken.append(boxes[best])
        dx, dy, ha = places[best]
        axes.annotate(
            word, (point[0], point[1]), (dx, dy), textcoords="offset points", color=ink(color), va="center",
            ha=ha, fontsize=9, parse_math=False,
        )  # fmt: skip


def _overlap(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    wide = min(one[2], other[2]) - max(one[0], other[0])
    high = min(one[3], other[3]) - max(one[1], other[1])
    return max(wide, 0.0) * max(high, 0.0)


def share_bars(shares: Mapping[str, tuple[float, int]], message: str, *, part: str, rest: str) -> Picture:
    """One bar a model, as long as the next one, divided into a part and the rest.

    shares: model -> (share of the part, number of parameters in all).
    """
    figure, axes = new_axes(message, size=(8, 1.0 + 0.36 * len(shares)))
    for row, (share, total) in enumerate(shares.values()):
        axes.barh(row, share, color=ORANGE, height=0.75)
        axes.barh(row, 1 - share, left=share, color=TINTS[0], edgecolor=GREY, linewidth=0.5, height=0.75)
        inside = share > 0.12
        axes.text(
            share - 0.01 if inside else share + 0.01, row, f"{share:.0%}" if share > 0.1 else f"{share:.1%}",
            ha="right" if inside else "left", va="center", color=BLACK, fontsize="small", fontweight="bold",
        )  # fmt: skip
        axes.text(1.01, row, _short(total), va="center", color=BLACK, fontsize="small")
    for x, text, side in ((0.0, part, "left"), (1.0, rest, "right")):
        axes.text(
            x,
            -0.62,
            text,
            color=ink(ORANGE) if side == "left" else BLACK,
            ha=side,
            va="bottom",
            fontsize="small",
        )
    axes.set_yticks(range(len(shares)), list(shares))
    axes.set_ylim(len(shares) - 0.4, -1.1)
    axes.set_xlim(0, 1.1)
    axes.grid(visible=False)
    axes.spines[["left", "bottom"]].set_visible(False)
    axes.tick_params(left=False, bottom=False, labelbottom=False, labelcolor=BLACK)
    said = "; ".join(f"{name}: {share:.1%} of {_short(total)}" for name, (share, total) in shares.items())
    return Picture(figure, f"{sentence(message)} Share of the {part}: {said}.")


def _short(count: int) -> str:
    """1,234,567 as 1.2M."""
    for size, sign in ((10**9, "B"), (10**6, "M")):
        if count >= size:
            return f"{count / size:.1f}{sign}"
    return f"{count:,}"
