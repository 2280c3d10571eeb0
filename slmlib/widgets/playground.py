"""Write with a model: give it a beginning, turn its dials, read several continuations side by side.

    playground(model, tokenizer)
    playground(slmlib.shipped.load_model(), prompt="The dragon")

`playground_drafts` writes and draws, `playground_desk` has the controls.
"""

from typing import TYPE_CHECKING

from slmlib.config import Sampling
from slmlib.errors import ConfigError
from slmlib.model.language_model import LanguageModel
from slmlib.text.base_tokenizer import BaseTokenizer
from slmlib.training.checkpoint import Checkpoint
from slmlib.widgets.base import Page, Widget
from slmlib.widgets.playground_desk import MOST, Desk
from slmlib.widgets.playground_drafts import Draft, Writer

if TYPE_CHECKING:
    import ipywidgets

START = Sampling(max_tokens=60, top_p=0.95)
"""Where the sliders stand at first."""


class Playground(Widget):
    """A beginning and one to four continuations; live, a field, sliders, Write and Stop."""

    def __init__(
        self,
        model: LanguageModel,
        tokenizer: BaseTokenizer,
        prompt: str,
        sampling: Sampling = START,
        count: int = 2,
    ):
        if not 1 <= count <= MOST:
            raise ConfigError(f"count must be from 1 to {MOST}; it is {count}.")
        self.writer = Writer(model, tokenizer)
        self.prompt, self.sampling, self.count = prompt, sampling, count
        self._first: Draft | None = None

    def first(self) -> Draft:
        """The draft with the settings it was made with."""
        if self._first is None:
            *_, self._first = self.writer.write(self.prompt, self.sampling, self.count)
            self.writer.measure(self._first)
        return self._first

    def still(self) -> Page:
        """The first draft with its surprises, and the alternatives to the first continuation's most surprising token."""
        draft = self.first()
        return self.writer.page(draft, True, 1, draft.most_surprising)

    def controls(self) -> "ipywidgets.Widget":
        """Field, sliders and buttons over the first draft."""
        return Desk(self.writer, self.first(), self.sampling).box


def playground(
    model: LanguageModel | Checkpoint,
    tokenizer: BaseTokenizer | None = None,
    prompt: str = "Once upon a time",
    sampling: Sampling = START,
    count: int = 2,
) -> Playground:
    """A playground to write in with a model and its tokenizer, or with a checkpoint, which holds both.

    prompt, sampling, count: where the field and the sliders begin.
    """
    if isinstance(model, Checkpoint):
        return Playground(model.model, tokenizer or model.tokenizer, prompt, sampling, count)
    if tokenizer is None:
        raise ConfigError("A model alone cannot read.", "Give its tokenizer too, or a checkpoint.")
    return Playground(model, tokenizer, prompt, sampling, count)
