"""Scrub through a run: the same prompt, told by the model as it was at each checkpoint.

CheckpointScrubber([Moment(0, 8.3, "Once upon a time ..."), ...])
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from slmlib.widgets.base import Page, Widget, note, paragraph, slider, view

if TYPE_CHECKING:
    import ipywidgets

MOST_LETTERS = 320


@dataclass(frozen=True)
class Moment:
    """A checkpoint: its step, its loss, what it told, and what was measured."""

    step: int
    loss: float
    story: str
    measures: Mapping[str, float] = field(default_factory=dict)
    """Shares from 0 to 1 by name."""


class CheckpointScrubber(Widget):
    """A story at each checkpoint of a run; live, a slider (arrow keys) goes through them.

    shown: which steps the static picture shows, by default five spread over the list; a story is cut after
    MOST_LETTERS.
    """

    def __init__(self, moments: Sequence[Moment], shown: Sequence[int] = ()):
        self.moments = list(moments)
        if not self.moments:
            raise ValueError("A scrubber needs at least one moment.")
        last = len(self.moments) - 1
        spread = sorted({round(last * part / 4) for part in range(5)})
        self.shown = list(shown) or [self.moments[place].step for place in spread]

    def still(self) -> Page:
        """A few checkpoints, one under the other."""
        pages = [self._page(one, MOST_LETTERS) for one in self.moments if one.step in self.shown]
        return Page("".join(page.html for page in pages), "\n\n".join(page.text for page in pages))

    def controls(self) -> "ipywidgets.Widget":
        """A slider over one checkpoint at a time."""
        last = len(self.moments) - 1
        return view(
            lambda number: self._page(self.moments[number]),
            number=slider("Checkpoint", last, value=last),
        )

    def _page(self, moment: Moment, letters: int = 0) -> Page:
        said = f"step {moment.step:,}, loss {moment.loss:.2f}"
        found = [
            f"{name} {share:.0%}" for name, share in moment.measures.items() if share == share
        ]  # not NaN
        story = "".join(
            c if c.isprintable() or c == "\n" else "\N{REPLACEMENT CHARACTER}" for c in moment.story
        )
        if letters and len(story) > letters:
            story = story[:letters].rstrip() + " ..."
        measures = note(", ".join(found)) if found else ""
        return Page(
            f'<div style="margin: 0.6em 0; max-width: 46em"><strong>{said}</strong>{measures}{paragraph(story)}</div>',
            "\n".join([said, *([", ".join(found)] if found else []), story]),
        )
