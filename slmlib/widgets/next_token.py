"""Turn temperature, top-k and top-p, and watch which next tokens are left.

    NextToken(model, tokenizer, "Once upon a time, there was a little")

The outline is what the model offers, the filled bar what would be drawn from.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import torch

from slmlib.config import Sampling
from slmlib.generation import begin, probabilities
from slmlib.model.language_model import LanguageModel, evaluating
from slmlib.plots.picture import Picture
from slmlib.plots.sampling import entropy_bits, next_token_bars, sampling_panels
from slmlib.text.base_tokenizer import BaseTokenizer
from slmlib.widgets.base import WHOLE_NAME, WIDE, Page, Widget, paragraph, slider, view
from slmlib.widgets.token_viewer import visible

if TYPE_CHECKING:
    import ipywidgets

LIVE_DPI = 90
PLAIN = Sampling(temperature=1.0)
SETTINGS = {
    "temperature 1": PLAIN,
    "temperature 0.5": replace(PLAIN, temperature=0.5),
    "top-k 3": replace(PLAIN, top_k=3),
    "top-p 0.8": replace(PLAIN, top_p=0.8),
}
"""What the static picture shows beside one another."""


class NextToken(Widget):
    """The next token's probabilities after a prompt; live, the prompt can be edited and the filters turned.

    shown: how many of the likeliest tokens get a bar.
    """

    def __init__(self, model: LanguageModel, tokenizer: BaseTokenizer, prompt: str, shown: int = 10):
        self.model, self.tokenizer, self.prompt, self.shown = model, tokenizer, prompt, shown

    def still(self) -> Picture:
        """The prompt under four settings."""
        scores = self._scores(self.prompt)
        offered = scores.softmax(-1)
        best = offered.topk(self.shown).indices.tolist()
        settings = {
            name: probabilities(scores[None], sampling)[0, best].tolist()
            for name, sampling in SETTINGS.items()
        }
        message = f"After \u201c{self.prompt}\u201d: temperature changes all bars, filters cut some off"
        return sampling_panels(token_names(self.tokenizer, best), offered[best].tolist(), settings, message)

    def controls(self) -> "ipywidgets.Widget":
        """A field for the prompt and three sliders over the bars."""
        import ipywidgets

        wide = {"style": WHOLE_NAME, "layout": WIDE}
        return view(
            self._page,
            prompt=ipywidgets.Text(value=self.prompt, description="Prompt", continuous_update=False, **wide),
            temperature=ipywidgets.FloatSlider(
                value=1.0, min=0.0, max=2.0, step=0.1, description="Temperature", readout_format=".1f", **wide
            ),
            top_k=slider("top-k (0: all)", 50),
            top_p=ipywidgets.FloatSlider(
                value=1.0, min=0.05, max=1.0, step=0.05, description="top-p (1: all)", **wide
            ),
        )

    def _page(self, prompt: str, temperature: float, top_k: int, top_p: float) -> Page:
        sampling = replace(PLAIN, temperature=temperature, top_k=top_k, top_p=top_p)
        message = f"What follows \u201c{prompt}\u201d"
        return next_token_page(self.tokenizer, self._scores(prompt), sampling, message, self.shown)

    def _scores(self, prompt: str) -> torch.Tensor:
        tokens = begin(self.model, self.tokenizer, prompt)
        return next_token_scores(self.model, tokens[-self.model.config.context_length :])


def next_token_scores(model: LanguageModel, tokens: Sequence[int]) -> torch.Tensor:
    """The model's own scores after some tokens, (vocab_size,), on the CPU."""
    row = torch.tensor([list(tokens)], device=model.device)  # (1, T)
    with evaluating(model), torch.inference_mode():
        return model(row, last_only=True)[0, -1].float().cpu()


def next_token_page(
    tokenizer: BaseTokenizer,
    scores: torch.Tensor,
    sampling: Sampling,
    message: str,
    shown: int = 10,
    seen: torch.Tensor | None = None,
    chosen: int | None = None,
) -> Page:
    """Bars of the likeliest tokens as the model offers and as `sampling` uses them, and what that leaves.

    scores: (vocab_size,). seen: (vocab_size,) booleans, what the repetition penalty weakens. chosen: a token that
    gets a bar in any case, and an arrow before its name.
    """
    offered = scores.softmax(-1)
    used = probabilities(scores[None], sampling, None if seen is None else seen[None])[0]
    best = offered.topk(shown).indices.tolist()
    if chosen is not None and chosen not in best:
        best.append(chosen)
    names = [
        f"\u25b6 {name}" if token == chosen else name
        for token, name in zip(best, token_names(tokenizer, best), strict=True)
    ]
    said = (
        f"{int((used > 0).sum()):,} of {len(used):,} tokens can be drawn; entropy "
        f"{entropy_bits(offered.tolist()):.2f} bits as offered, {entropy_bits(used.tolist()):.2f} as used."
    )
    picture = next_token_bars(names, offered[best].tolist(), used[best].tolist(), message)
    return Page(paragraph(said) + picture.html(LIVE_DPI), f"{said}\n{picture!r}")


def token_names(tokenizer: BaseTokenizer, tokens: Sequence[int]) -> list[str]:
    """What each token stands for, its white space made visible."""
    return [visible(tokenizer.token_bytes(token)) for token in tokens]
