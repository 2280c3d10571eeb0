"""Figures for people: the message as title, direct labels, colours told apart by everyone, and alt text."""

import base64
import html
import io
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from slmlib.files import atomic_write
from slmlib.training.logs import Event, series

BLUE, ORANGE, GREY = "#0072B2", "#D55E00", "#666666"
"""Okabe and Ito's palette: distinct with any kind of colour vision, and in greyscale."""


@dataclass(frozen=True)
class Picture:
    """A figure with the sentence that says the same to someone who cannot see it."""

    figure: Figure
    alt: str

    def png(self) -> bytes:
        """The figure as a PNG file, its alt text inside as `Description`."""
        buffer = io.BytesIO()
        self.figure.savefig(
            buffer, format="png", dpi=150, bbox_inches="tight", metadata={"Description": self.alt}
        )
        return buffer.getvalue()

    def save(self, path: Path) -> None:
        """Write the PNG, whole or not at all."""
        with atomic_write(path) as file:
            file.write(self.png())

    def _repr_html_(self) -> str:
        image = base64.b64encode(self.png()).decode()
        alt = html.escape(self.alt, quote=True)
        return f'<figure><img alt="{alt}" src="data:image/png;base64,{image}" width="640"></figure>'

    def __repr__(self) -> str:
        return f"Picture: {self.alt}"


def loss_curve(events: list[Event]) -> Picture:
    """Training loss of every step and validation loss of every measurement, from a run's log."""
    steps, losses = series(events, "step", "loss")
    measured_at, measured = series(events, "evaluation", "loss")
    figure = Figure(figsize=(7, 4))
    axes = figure.subplots()
    axes.plot(steps, losses, color=BLUE, linewidth=0.6, alpha=0.35)
    smooth = _smooth(losses)
    axes.plot(steps, smooth, color=BLUE, linewidth=1.6)
    axes.plot(measured_at, measured, color=ORANGE, marker="o", linestyle="--", linewidth=1.2, markersize=5)
    if smooth and measured:
        above = smooth[-1] > measured[-1]
        for label, value, color, offset in (
            ("training", smooth[-1], BLUE, 8 if above else -8),
            ("validation", measured[-1], ORANGE, -8 if above else 8),
        ):
            axes.annotate(
                f"{label} {value:.2f}",
                (steps[-1], value),
                xytext=(8, offset),
                textcoords="offset points",
                color=color,
                va="center",
            )
    message = _message(measured_at, measured)
    axes.set_title(message, loc="left", pad=12)
    axes.set_xlabel("step")
    axes.set_ylabel("loss (nats per token)")
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.margins(x=0.01)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(colors=GREY)
    axes.grid(axis="y", color=GREY, alpha=0.2)
    return Picture(
        figure, f"{message}. Training loss is a line per step, validation loss a dashed line with dots."
    )


def _message(steps: list[int], losses: list[float]) -> str:
    """What the curve says, in one line."""
    if not losses:
        return "No measurement yet"
    if len(losses) == 1:
        return f"Validation loss is {losses[0]:.2f} at step {steps[0]:,}"
    verb = "fell" if losses[-1] < losses[0] else "did not fall: it went"
    return f"Validation loss {verb} from {losses[0]:.2f} to {losses[-1]:.2f} in {steps[-1]:,} steps"


def _smooth(values: list[float]) -> list[float]:
    """Mean over a window around each value, a 30th of all: a mean of past values alone would lag behind."""
    half = len(values) // 60
    windows = ((max(i - half, 0), i + min(half, i)) for i in range(len(values)))
    sums = list(accumulate(values, initial=0.0))
    return [
        (sums[min(last + 1, len(values))] - sums[first]) / (min(last + 1, len(values)) - first)
        for first, last in windows
    ]
