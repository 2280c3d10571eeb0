"""Turn a query and a key by hand, as RoPE does, and see which turns change their score.

    PositionDial(query, key)

Each pair of numbers is a clock with two hands. The hands go round when a position changes; what the pair adds to
the score depends on the angle between its hands alone, so moving both positions together changes nothing.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from slmlib.errors import ConfigError
from slmlib.plots import Picture
from slmlib.plots.positions import clock_hands, score_curve
from slmlib.widgets.base import Page, Widget, slider, view

if TYPE_CHECKING:
    import ipywidgets

LIVE_DPI = 90
LONGEST = 64
"""Where the sliders end."""


class PositionDial(Widget):
    """A query and a key at positions that can be changed with two sliders (arrow keys).

    query, key: (head_dim,) numbers, evenly many; places: the (query, key) positions of the still picture; theta: RoPE's
    base. Pairs are (i, i + head_dim / 2).
    """

    def __init__(
        self,
        query: Sequence[float] | Any,
        key: Sequence[float] | Any,
        places: Sequence[tuple[int, int]] = ((6, 4), (26, 24)),
        theta: float = 10_000.0,
    ):
        self.query, self.key = np.asarray(query, dtype=float), np.asarray(key, dtype=float)
        if self.query.ndim != 1 or self.query.shape != self.key.shape or len(self.query) % 2:
            raise ConfigError(
                f"A query of shape {self.query.shape} and a key of shape {self.key.shape} cannot be turned.",
                "Give two rows of equally many numbers, an even number of them.",
            )
        self.places, self.theta = list(places), theta

    def still(self) -> Picture:
        """The clocks at a few chosen positions, one row each."""
        return self.clocks(self.places, "Both hands turn, and the angle between them stays")

    def controls(self) -> "ipywidgets.Widget":
        """Two sliders over the clocks and the curve of scores."""
        query_at, key_at = self.places[0]
        return view(
            self._page,
            query_at=slider("Query position", LONGEST, query_at),
            key_at=slider("Key position", LONGEST, key_at),
        )

    def clocks(self, places: Sequence[tuple[int, int]], message: str = "") -> Picture:
        """One row of clocks for each pair of positions."""
        return clock_hands(self.query, self.key, places, message, self.theta)

    def _page(self, query_at: int, key_at: int) -> Page:
        distance = query_at - key_at
        clocks = self.clocks(
            [(query_at, key_at)], f"Query at {query_at}, key at {key_at}: distance {distance}"
        )
        curve = score_curve(
            self.query,
            self.key,
            LONGEST,
            distance,
            "The score at every distance; the dot is here",
            self.theta,
        )
        return Page(clocks.html(LIVE_DPI) + curve.html(LIVE_DPI), f"{clocks!r}\n{curve!r}")
