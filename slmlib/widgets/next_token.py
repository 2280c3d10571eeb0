"""Turn temperature, top-k and top-p, and watch which next tokens are left.

    NextToken(model, tokenizer, "Once upon a time, there was a little")

The outline is what the model offers, the filled bar what would be drawn from.
"""

from dataclasses import replace
from typing import TYPE_CHECKING

import torch

from slmlib.config import Sampling
from slmlib.generation import probabilities
from slmlib.model.decoder import Decoder, evaluating
from slmlib.plots.picture import Picture
from slmlib.plots.sampling import entropy_bits, next_token_bars, sampling_panels
from slmlib.text.tokenizer import Tokenizer
from slmlib.widgets.base import Page, Widget, paragraph, slider, view
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

    def __init__(self, model: Decoder, tokenizer: Tokenizer, prompt: str, shown: int = 10):
        self.model, self.tokenizer, self.prompt, self.shown = model, tokenizer, prompt, shown

    def still(self) -> Picture:
        """The prompt under four settings."""
        offered = self._offered(self.prompt)
        best = offered.topk(self.shown).indices
        settings = {name: self._used(offered, sampling)[best].tolist() for name, sampling in SETTINGS.items()}
        message = f"After \u201c{self.prompt}\u201d: temperature changes all bars, filters cut some off"
        return sampling_panels(self._names(best), offered[best].tolist(), settings, message)

    def controls(self) -> "ipywidgets.Widget":
        """A field for the prompt and three sliders over the bars."""
        import ipywidgets

        wide = {"style": {"description_width": "initial"}, "layout": {"width": "100%", "max_width": "640px"}}
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
        offered = self._offered(prompt)
        used = self._used(offered, replace(PLAIN, temperature=temperature, top_k=top_k, top_p=top_p))
        best = offered.topk(self.shown).indices
        left = int((used > 0).sum())
        said = (
            f"{left:,} of {len(used):,} tokens can be drawn; entropy {entropy_bits(offered.tolist()):.2f} bits "
            f"as offered, {entropy_bits(used.tolist()):.2f} as used."
        )
        picture = next_token_bars(
            self._names(best),
            offered[best].tolist(),
            used[best].tolist(),
            f"What follows \u201c{prompt}\u201d",
        )
        return Page(paragraph(said) + picture.html(LIVE_DPI), f"{said}\n{picture!r}")

    def _offered(self, prompt: str) -> torch.Tensor:
        """The model's own distribution after the prompt, (vocab_size,), on the CPU."""
        tokens = [self.tokenizer.end_of_text, *self.tokenizer.encode(prompt)]
        row = torch.tensor([tokens[-self.model.config.context_length :]], device=self.model.device)  # (1, T)
        with evaluating(self.model), torch.inference_mode():
            return self.model(row)[0, -1].float().softmax(-1).cpu()

    def _used(self, offered: torch.Tensor, sampling: Sampling) -> torch.Tensor:
        """What is drawn from, (vocab_size,): logarithms of probabilities are scores again."""
        return probabilities(offered.log()[None], sampling)[0]

    def _names(self, tokens: torch.Tensor) -> list[str]:
        return [visible(self.tokenizer.token_bytes(int(token))) for token in tokens]
