"""See a text as a model gets it: pieces in boxes, the ids below, several ways of cutting beside one another.

    TokenViewer("Once upon a time", {"GPT-2": gpt2(), "characters": list})

Nothing is said by colour alone: boxes have borders, and colours only help the eye to keep neighbours apart.
"""

import html
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from slmlib.plots.style import BLACK, TINTS
from slmlib.text.base_tokenizer import BaseTokenizer
from slmlib.widgets.base import Page, Widget, text_field, view

if TYPE_CHECKING:
    import ipywidgets

Piece = tuple[str | bytes, int | None]
"""What a token stands for, and its id if it has one."""

Cut = BaseTokenizer | Callable[[str], Iterable[str]]
"""A tokenizer, or a function that cuts a text into pieces without ids."""

COLUMN = "display: inline-block; text-align: center; margin: 2px 1px; vertical-align: top"
"""How a box and what is said of it stand one above the other, as CSS says it."""

_SIGNS = str.maketrans({" ": "·", "\n": "⏎", "\t": "⇥"})


class TokenViewer(Widget):
    """A text and what each way of cutting makes of it; live, the text can be edited.

    cuts: name -> a tokenizer, or a function from a text to its pieces.
    """

    def __init__(self, text: str, cuts: Mapping[str, Cut]):
        self.text, self.cuts = text, dict(cuts)

    def still(self) -> Page:
        """Every cut of the text, one under the other."""
        return self._page(self.text)

    def controls(self) -> "ipywidgets.Widget":
        """A field for the text above its cuts."""
        return view(self._page, text=text_field("Your text", self.text, rows=2))

    def _page(self, text: str) -> Page:
        pages = [token_boxes(pieces(cut, text), name) for name, cut in self.cuts.items()]
        return Page("".join(page.html for page in pages), "\n\n".join(page.text for page in pages))


def pieces(cut: Cut, text: str) -> list[Piece]:
    """What a text becomes, piece by piece."""
    if isinstance(cut, BaseTokenizer):
        known = [name for name in cut.special_tokens if name in text]
        return [(cut.token_bytes(one), one) for one in cut.encode(text, allowed_special=known)]
    return [(piece, None) for piece in cut(text)]


def token_boxes(shown: Sequence[Piece], caption: str) -> Page:
    """Pieces in boxes with their ids below, under a caption that counts them."""
    caption = f"{caption}: {len(shown)} pieces"
    boxes = []
    for place, (piece, number) in enumerate(shown):
        boxes.append(above(box(visible(piece), place), "" if number is None else str(number)))
    words = "|".join(visible(piece) for piece, _ in shown)
    numbers = " ".join(str(number) for _, number in shown if number is not None)
    return Page(
        f'<div style="margin: 0.5em 0"><div><b>{html.escape(caption)}</b></div>{"".join(boxes)}</div>',
        "\n".join(filter(None, [caption, words, numbers])),
    )


def box(text: str, place: int, new: bool = False) -> str:
    """One piece on a pale ground; a new one has a heavy border."""
    border = f"2px solid {BLACK}" if new else "1px solid rgba(0, 0, 0, 0.35)"
    return framed(text, TINTS[place % len(TINTS)], border, bold=new)


def framed(text: str, ground: str, border: str, bold: bool = False) -> str:
    """A piece of text in a box, every space kept. ground, border: as CSS says them."""
    weight = "; font-weight: bold" if bold else ""
    return (
        f'<span style="background: {ground}; color: {BLACK}; border: {border}; '
        f'border-radius: 3px; padding: 0 3px; font-family: monospace; white-space: pre{weight}">'
        f"{html.escape(text)}</span>"
    )


def above(upper: str, below: str) -> str:
    """A box, HTML, over what is said of it in small print; nothing stands below for an empty string."""
    small = f'<div style="font-size: 0.7em; opacity: 0.85">{below}</div>' if below else ""
    return f'<div style="{COLUMN}">{upper}{small}</div>'


def visible(piece: str | bytes) -> str:
    """A piece with its white space made visible.

    Bytes that are no whole characters, and characters that nobody can see, become hexadecimal digits.
    """
    if isinstance(piece, bytes):
        try:
            piece = piece.decode("utf-8")
        except UnicodeDecodeError:
            return " ".join(f"{byte:02X}" for byte in piece)
    signs = piece.translate(_SIGNS)
    return "".join(one if one.isprintable() else one.encode().hex(" ").upper() for one in signs)
