"""Pictures of writing: what the next token may be, and how prompts of different lengths share a batch."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes

from slmlib.plots.picture import Picture, sentence
from slmlib.plots.style import BLACK, BLUE, GREY, ORANGE, PAPER, TINTS, label, new_axes, new_panels


def next_token_bars(
    names: Sequence[str], offered: Sequence[float], used: Sequence[float], message: str
) -> Picture:
    """Probabilities of the likeliest next tokens, before and after temperature and filters.

    offered: what the model says, an outline. used: what is drawn from, a filled bar; 0 means filtered out, and
    that token's name is struck out with a cross.
    """
    figure, axes = new_axes(message, size=(7, 0.9 + 0.32 * len(names)))
    _draw_bars(axes, names, offered, used)
    for row, (before, after) in enumerate(zip(offered, used, strict=True)):
        text = f"{after:.1%}" if after else f"out (was {before:.1%})"
        label(axes, text, (max(before, after), row), BLUE if after else GREY, (5, 0))
    axes.margins(x=0.18)
    said = ", ".join(
        f"{name} {before:.1%} to {f'{after:.1%}' if after else 'out'}"
        for name, before, after in zip(names, offered, used, strict=True)
    )
    return Picture(figure, f"{sentence(message)} Probability offered and used: {said}.")


def sampling_panels(
    names: Sequence[str], offered: Sequence[float], settings: Mapping[str, Sequence[float]], message: str
) -> Picture:
    """The same next tokens under several settings, side by side: setting -> the probabilities it draws from."""
    figure, panels = new_panels(
        message, list(settings), size=(2.2 * len(settings) + 1, 0.9 + 0.3 * len(names))
    )
    highest = max(max(used) for used in (offered, *settings.values()))
    for place, (axes, used) in enumerate(zip(panels, settings.values(), strict=True)):
        _draw_bars(axes, names if place == 0 else [""] * len(names), offered, used)
        for row, after in enumerate(used):
            text = f"{after:.0%}" if after else "out"
            label(axes, text, (max(after, offered[row]), row), BLUE if after else GREY, (3, 0))
        axes.set_xlim(0, highest * 1.45)
    said = " ".join(
        f"{setting}: "
        + ", ".join(f"{name} {after:.1%}" for name, after in zip(names, used, strict=True) if after)
        + "."
        for setting, used in settings.items()
    )
    return Picture(figure, f"{sentence(message)} {said}")


def _draw_bars(axes: Axes, names: Sequence[str], offered: Sequence[float], used: Sequence[float]) -> None:
    """A filled bar of what is used inside the outline of what was offered, the likeliest on top."""
    rows = range(len(names))
    axes.barh(rows, used, color=BLUE, height=0.55)
    axes.barh(rows, offered, color="none", edgecolor=GREY, linewidth=1, linestyle="--", height=0.75)
    axes.set_yticks(rows, names, family="monospace", parse_math=False)
    axes.invert_yaxis()
    axes.grid(visible=False)
    axes.spines[["left", "bottom"]].set_visible(False)
    axes.tick_params(left=False, bottom=False, labelbottom=False)
    axes.tick_params(axis="y", labelcolor=BLACK)


def prompt_rows(rows: Sequence[Sequence[str | None]], message: str) -> Picture:
    """A batch of prompts as a rectangle: tokens in boxes, None is padding, positions counted below each token.

    The last column, whose answer is used, has a heavy border.
    """
    longest = max(len(row) for row in rows)
    column = longest - 1
    figure, axes = new_axes(message, size=(min(10.0, 1.05 * longest + 0.6), 0.8 * len(rows) + 0.9))
    said = []
    for y, row in enumerate(rows):
        position, words = 0, []
        for x in range(longest):
            token = row[x] if x < len(row) else None
            axes.barh(
                y, 0.94, left=x + 0.03, height=0.6, color=PAPER if token is None else TINTS[0],
                edgecolor=ORANGE if x == column else GREY, linewidth=2.2 if x == column else 0.7,
                hatch="////" if token is None else "", zorder=2 if x == column else 1,
            )  # fmt: skip
            words.append("padding" if token is None else f"'{token}'")
            if token is not None:
                axes.text(
                    x + 0.5, y, token, ha="center", va="center", family="monospace", color=BLACK, zorder=3,
                    parse_math=False,
                )  # fmt: skip
                axes.text(
                    x + 0.5, y + 0.42, str(position), ha="center", va="center", color=GREY, fontsize="x-small"
                )
                position += 1
        said.append(f"row {y}: {' '.join(words)}")
    axes.set_xlim(0, longest)
    axes.set_ylim(len(rows) - 0.4, -0.5)
    axes.set_axis_off()
    return Picture(figure, f"{sentence(message)} {'; '.join(said)}. The answer is read at column {column}.")


def entropy_bits(probabilities: Sequence[float]) -> float:
    """How undecided a distribution is, in bits: the entropy of Shannon (1948)."""
    p = np.asarray(probabilities, dtype=np.float64)
    p = p[p > 0]
    return abs(float((p * np.log2(p)).sum()))  # never -0.0
