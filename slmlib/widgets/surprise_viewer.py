"""How surprised a model is by each token of a text: a number below every token, a ground that grows darker.

    SurpriseViewer(model, tokenizer, "Once upon a time")

Nothing is said by colour alone: the number is the surprise in bits, and the most surprising tokens have a heavy
border. One bit is a fair coin: a token of 3 bits had one chance in eight.
"""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch

from slmlib.generation import begin
from slmlib.model.language_model import LanguageModel, evaluating
from slmlib.plots.style import BLACK
from slmlib.text.base_tokenizer import BaseTokenizer
from slmlib.widgets.base import Page, Widget, note, text_field, view
from slmlib.widgets.token_viewer import above, framed, visible

if TYPE_CHECKING:
    import ipywidgets

GROUNDS = ("#FFFFFF", "#FBEFE6", "#F7DCC8", "#F0BE9B", "#E89F6D")
"""From white to orange; BLACK reads on each of them."""

BITS_A_GROUND = 2.5
"""A darker ground for every so many bits."""

HEAVY = 8.0
"""From so many bits on the border is heavy: less than one chance in 256."""


class SurpriseViewer(Widget):
    """A text, coloured by how much each token surprised the model; live, the text can be edited.

    A text longer than the model's context is cut there, and it says so. Texts must be encodable by `tokenizer`,
    the one the model was trained with.
    """

    def __init__(self, model: LanguageModel, tokenizer: BaseTokenizer, text: str):
        self.model, self.tokenizer, self.text = model, tokenizer, text

    def surprises(self, text: str) -> tuple[list[tuple[str, float]], int]:
        """Each token, its white space made visible, with its surprise in bits; and how many tokens were cut off."""
        tokens = begin(self.model, self.tokenizer, text)
        most = self.model.config.context_length + 1  # the last one need not be read
        return token_surprises(self.model, self.tokenizer, tokens[:most]), max(0, len(tokens) - most)

    def still(self) -> Page:
        """The text it was made with."""
        return self._page(self.text)

    def controls(self) -> "ipywidgets.Widget":
        """A field for the text above its tokens."""
        return view(self._page, text=text_field("Your text", self.text, rows=3))

    def _page(self, text: str) -> Page:
        if not text:
            return Page("<p>An empty text surprises nobody.</p>", "An empty text surprises nobody.")
        shown, cut_off = self.surprises(text)
        mean = sum(bits for _, bits in shown) / len(shown)
        said = (
            f"{len(shown)} tokens, {mean:.1f} bits each on average: as if among {2**mean:.1f} equally likely ones. "
            f"Below each token its surprise in bits; a heavy border from {HEAVY:.0f} bits on."
        )
        if cut_off:
            said += f" The rest, {cut_off:,} tokens, is beyond the model's context."
        boxes = "".join(surprise_box(token, bits) for token, bits in shown)
        words = " ".join(f"{token} {bits:.1f}" for token, bits in shown)
        return Page(
            f'<div style="margin: 0.5em 0">{note(said)}{boxes}</div>',
            f"{said}\n{words}",
        )


def token_surprises(
    model: LanguageModel, tokenizer: BaseTokenizer, tokens: Sequence[int]
) -> list[tuple[str, float]]:
    """Each token after the first, its white space made visible, and its surprise in bits.

    tokens: at most context_length + 1 of them, as `generation.begin` begins.
    """
    row = torch.tensor([list(tokens)], device=model.device)  # (1, T + 1)
    with evaluating(model), torch.inference_mode():
        chances = model(row[:, :-1])[0].float().log_softmax(-1)  # (T, V)
    bits = chances.gather(-1, row[0, 1:, None])[:, 0].abs() / math.log(2)  # (T, V), (T, 1) -> (T,)
    return [
        (visible(tokenizer.token_bytes(one)), bit) for one, bit in zip(tokens[1:], bits.tolist(), strict=True)
    ]


def surprise_box(token: str, bits: float, chosen: bool = False) -> str:
    """One token over its surprise; below a chosen one stands an arrow too."""
    ground = GROUNDS[min(int(bits / BITS_A_GROUND), len(GROUNDS) - 1)]
    border = f"2px solid {BLACK}" if bits >= HEAVY else "1px solid rgba(0, 0, 0, 0.25)"
    return above(framed(token, ground, border), f"{bits:.1f}{'<br>▲' if chosen else ''}")
