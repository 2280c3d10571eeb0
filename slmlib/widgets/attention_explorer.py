"""Walk through a model's attention: choose a layer, a head and a token, and see where that token looks.

    AttentionExplorer(["Once", " upon", " a", " time"], model.attention_weights(tokens)[:, 0])

Each token stands in a box with the share of the look it gets, in words and as a shade; what comes later than the
chosen token cannot be seen and is drawn pale.
"""

import html
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from slmlib.plots.style import ORANGE, SKY
from slmlib.widgets.base import Page, Widget, choice, slider, view
from slmlib.widgets.token_viewer import COLUMN, framed, visible

if TYPE_CHECKING:
    import ipywidgets

View = tuple[int, int, int]
"""Layer, head and the place of the token that looks, each from 0."""

DEEPEST = tuple(bytes.fromhex(SKY.removeprefix("#")))
"""Red, green and blue: black text on it reads at any share."""


class AttentionExplorer(Widget):
    """Where one token of a text looks, by layer and head; live, three sliders (arrow keys) choose them.

    pieces: the tokens' texts. weights: (num_layers, num_heads, time, time), each row sums to 1. views: which
    (layer, head, token) the static picture shows, one under the other; by default the last token in every head.
    """

    def __init__(self, pieces: Sequence[str], weights: ArrayLike, views: Sequence[View] = ()):
        self.weights = np.asarray(weights, dtype=float)
        if self.weights.ndim != 4 or self.weights.shape[2:] != (len(pieces), len(pieces)):
            raise ValueError(
                f"Weights of shape {self.weights.shape} do not fit {len(pieces)} tokens: they must be "
                f"(num_layers, num_heads, {len(pieces)}, {len(pieces)})."
            )
        self.pieces = [visible(piece) for piece in pieces]
        num_layers, num_heads, time, _ = self.weights.shape
        everywhere = [(layer, head, time - 1) for layer in range(num_layers) for head in range(num_heads)]
        self.views = list(views) or everywhere

    def still(self) -> Page:
        """The chosen views, one under the other."""
        pages = [self._page(*chosen) for chosen in self.views]
        return Page("".join(page.html for page in pages), "\n".join(page.text for page in pages))

    def controls(self) -> "ipywidgets.Widget":
        """Sliders for layer, head and token over the text."""
        num_layers, num_heads, _, _ = self.weights.shape
        layer, head, query = self.views[0]
        places = [(f"{place}: {piece}", place) for place, piece in enumerate(self.pieces)]
        return view(
            self._page,
            layer=slider("Layer", num_layers - 1, layer),
            head=slider("Head", num_heads - 1, head),
            query=choice("Token that looks", places, query),
        )

    def looks(self, layer: int, head: int, query: int) -> list[tuple[int, float]]:
        """The three places the token looks at most, with their shares, largest first."""
        row = self.weights[layer, head, query, : query + 1]
        return [(int(place), float(row[place])) for place in np.argsort(-row, kind="stable")[:3]]

    def _page(self, layer: int, head: int, query: int) -> Page:
        most = ", ".join(
            f"{self.pieces[place]} {share:.0%}" for place, share in self.looks(layer, head, query)
        )
        said = f"Layer {layer}, head {head}: {self.pieces[query]} looks at {most}"
        boxes = []
        for place, piece in enumerate(self.pieces):
            share = self.weights[layer, head, query, place]
            below = f"{share:.0%}" if place <= query and share >= 0.005 else "&nbsp;"
            boxes.append(
                f'<div style="{COLUMN}{"" if place <= query else "; opacity: 0.45"}">{_box(piece, share, place == query)}'
                f'<div style="font-size: 0.7em">{below}</div></div>'
            )
        return Page(
            f'<div style="margin: 0.5em 0"><div>{html.escape(said)}</div>'
            f'<div style="overflow-wrap: anywhere">{"".join(boxes)}</div></div>',
            said,
        )


def _box(piece: str, share: float, looking: bool) -> str:
    """A token on ground from white (not looked at) to blue (looked at alone); the one that looks is framed."""
    red, green, blue = (round(255 + share**0.5 * (deep - 255)) for deep in DEEPEST)
    border = f"2px solid {ORANGE}" if looking else "1px solid rgba(0, 0, 0, 0.35)"
    return framed(piece, f"rgb({red}, {green}, {blue})", border, bold=looking)
