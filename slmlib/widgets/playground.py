"""Write with a model: give it a beginning, turn its dials, read several continuations side by side.

    playground(model, tokenizer)
    playground(slmlib.shipped.load_model(), prompt="The dragon")

Below every token stands its surprise in bits, and a chosen one shows what else the model could have written.
Writing happens beside the notebook's own thread, so that Stop and the sliders answer at any moment.
"""

import html
import threading
import time
from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import torch

from slmlib.config import Sampling
from slmlib.errors import ConfigError, SlmError
from slmlib.generation import begin, generate_tokens
from slmlib.model.decoder import Decoder, evaluating
from slmlib.text.tokenizer import Tokenizer
from slmlib.training.checkpoint import Checkpoint
from slmlib.widgets.base import WHOLE_NAME, Page, Widget, paragraph, slider, view
from slmlib.widgets.next_token import next_token_page, next_token_scores
from slmlib.widgets.surprise_viewer import HEAVY, surprise_box, token_surprises
from slmlib.widgets.token_viewer import visible

if TYPE_CHECKING:
    import ipywidgets

MOST = 4
"""So many continuations fit beside one another."""

REDRAW = 0.08
"""Seconds between two drawings of a growing text."""

START = Sampling(max_tokens=60, top_p=0.95)


@dataclass
class Draft:
    """A beginning and how it goes on so far; it grows while it is written."""

    prompt: str
    tokens: list[int]
    """The beginning as the model reads it, the end-of-text token first."""
    sampling: Sampling
    rows: list[list[int]]
    """The new tokens of each continuation."""
    ended: list[bool]
    """Whether a continuation came to its own end."""
    surprises: list[list[tuple[str, float]]] = field(default_factory=list)
    """For each new token what it stands for and its surprise in bits; empty while it is written."""


class Playground(Widget):
    """A beginning and one to four continuations; live, a field, sliders, Write and Stop.

    A continuation ends where the model's context does, so that each number was seen by the whole story before it.
    """

    def __init__(
        self, model: Decoder, tokenizer: Tokenizer, prompt: str, sampling: Sampling = START, count: int = 2
    ):
        if not 1 <= count <= MOST:
            raise ConfigError(f"count must be from 1 to {MOST}; it is {count}.")
        self.model, self.tokenizer = model, tokenizer
        self.prompt, self.sampling, self.count = prompt, sampling, count
        self._first: Draft | None = None

    def write(self, prompt: str, sampling: Sampling, count: int) -> Generator[Draft, None, None]:
        """The same draft again after every step, one token longer in each row. Row i draws from seed + i.

        Raises ConfigError when the beginning fills the context, DataError when the tokenizer is not the model's.
        """
        tokens = begin(self.model, self.tokenizer, prompt)
        room = self.model.config.context_length + 1 - len(tokens)  # the last token need not be read
        if room < 1:
            raise ConfigError(
                f"The beginning has {len(tokens):,} tokens, the model reads {self.model.config.context_length:,}.",
                "Make it shorter.",
            )
        sampling = replace(sampling, max_tokens=min(sampling.max_tokens, room))
        draft = Draft(prompt, tokens, sampling, [[] for _ in range(count)], [False] * count)
        with evaluating(self.model):
            steps = 0
            for new in generate_tokens(self.model, [tokens] * count, sampling, self.tokenizer.end_of_text):
                steps += 1
                for place, token in enumerate(new):
                    if token is None:
                        draft.ended[place] = True
                    else:
                        draft.rows[place].append(token)
                yield draft
        if steps < sampling.max_tokens:
            draft.ended = [True] * count
            yield draft

    def measure(self, draft: Draft) -> None:
        """Fill in the surprises of all new tokens."""
        draft.surprises = [
            token_surprises(self.model, self.tokenizer, [*draft.tokens[1:], *row])[len(draft.tokens) - 1 :]
            for row in draft.rows
        ]

    def first(self) -> Draft:
        """The draft with the settings it was made with."""
        if self._first is None:
            for draft in self.write(self.prompt, self.sampling, self.count):
                self._first = draft
            assert self._first is not None
            self.measure(self._first)
        return self._first

    def still(self) -> Page:
        """The first draft with its surprises, and the alternatives to the first continuation's most surprising token."""
        draft = self.first()
        return self.page(draft, True, 1, most_surprising(draft))

    def controls(self) -> "ipywidgets.Widget":
        """Field, sliders and buttons over the draft."""
        return Desk(self).box

    def look(self, draft: Draft) -> "ipywidgets.VBox":
        """A finished draft under the controls to look into it."""
        import ipywidgets

        longest = max(1, *(len(row) for row in draft.rows))
        return view(
            lambda surprise, continuation, token: self.page(draft, surprise, continuation, token),
            surprise=ipywidgets.Checkbox(value=True, description="Show each token's surprise", indent=False),
            continuation=slider("Look into continuation", len(draft.rows), value=1, lowest=1),
            token=slider("At its token number", longest, value=most_surprising(draft), lowest=1),
        )

    def page(self, draft: Draft, surprise: bool, continuation: int, token: int) -> Page:
        """The continuations beside one another, and below them the alternatives to one token; both count from 1."""
        row = draft.rows[continuation - 1]
        place = min(token, len(row)) - 1
        texts = self.texts(draft, surprise, (continuation - 1, place))
        if not row:
            said = f"Continuation {continuation} ended at once: there is no token to look into."
            return Page(texts.html + paragraph(said), f"{texts.text}\n{said}")
        before = [*draft.tokens, *row[:place]]
        seen = torch.zeros(self.model.config.vocab_size, dtype=torch.bool)
        seen[before] = True
        seen[self.tokenizer.end_of_text] = False  # as in generate_tokens: it only began the story
        tail = visible(self.tokenizer.decode(before[1:])[-40:]).replace("\u00b7", " ")
        wrote = visible(self.tokenizer.token_bytes(row[place]))
        message = (
            f"Continuation {continuation}, token {place + 1}: "
            f"after \u201c\u2026{tail}\u201d it wrote \u201c{wrote}\u201d"
        )
        bars = next_token_page(
            self.tokenizer,
            next_token_scores(self.model, before),
            draft.sampling,
            message,
            seen=seen,
            chosen=row[place],
        )
        return Page(texts.html + bars.html, f"{texts.text}\n\n{bars.text}")

    def texts(self, draft: Draft, surprise: bool = False, chosen: tuple[int, int] | None = None) -> Page:
        """The continuations beside one another. chosen: continuation and token to mark, from 0."""
        said = (
            f"Below each token its surprise in bits; a heavy border from {HEAVY:.0f} bits on."
            if surprise
            else ""
        )
        columns, lines = [], [said] if said else []
        for place, row in enumerate(draft.rows):
            title = f"Continuation {place + 1}, seed {draft.sampling.seed + place}"
            words = [f"{len(row)} token{'s' * (len(row) != 1)}"]
            if draft.surprises and row:
                mean = sum(bits for _, bits in draft.surprises[place]) / len(row)
                words.append(f"{mean:.1f} bits each on average")
            words += ["the end"] if draft.ended[place] else []
            note, text = ", ".join(words), self.tokenizer.decode(row)
            shown = html.escape(text)
            if surprise:
                shown = " " + "".join(
                    surprise_box(token, bits, chosen == (place, number))
                    for number, (token, bits) in enumerate(draft.surprises[place])
                )
                text = " " + " ".join(f"{token} {bits:.1f}" for token, bits in draft.surprises[place])
            columns.append(
                f'<div style="flex: 1 1 16em; max-width: 46em"><strong>{title}</strong>: {note}'
                f'<div style="white-space: pre-wrap; margin: 0.4em 0"><u>{html.escape(draft.prompt)}</u>{shown}</div></div>'
            )
            lines.append(f"{title}: {note}\n{draft.prompt}{text}")
        return Page(
            f'<div style="opacity: 0.85">{said}</div>'
            f'<div style="display: flex; flex-wrap: wrap; gap: 0.5em 2em; line-height: 1.5">{"".join(columns)}</div>',
            "\n".join(lines),
        )


class Desk:
    """The controls of one playground, and the thread that writes."""

    def __init__(self, playground: Playground):
        import ipywidgets

        self.playground = playground
        self.thread: threading.Thread | None = None
        self._stop = threading.Event()
        start = playground.sampling
        self.prompt = ipywidgets.Textarea(
            value=playground.prompt,
            description="Beginning",
            rows=2,
            style=WHOLE_NAME,
            layout={"width": "100%", "max_width": "704px"},
        )
        context = playground.model.config.context_length
        self.count = slider("Continuations", MOST, playground.count, lowest=1)
        self.dials = {
            "temperature": _dial("Temperature", start.temperature, 0.0, 2.0, 0.1),
            "top_p": _dial("top-p (1: all)", start.top_p, 0.05, 1.0, 0.05),
            "top_k": slider("top-k (0: all)", max(100, start.top_k), start.top_k),
            "min_p": _dial("min-p (0: all)", start.min_p, 0.0, 0.5, 0.01),
            "repetition_penalty": _dial("Repetition penalty", start.repetition_penalty, 1.0, 2.0, 0.05),
            "max_tokens": slider("Length in tokens", context, min(start.max_tokens, context), lowest=1),
            "seed": slider("Seed", max(100, start.seed), start.seed),
        }
        sliders = [self.count, *self.dials.values()]
        for one in sliders:
            one.layout = {"width": "340px", "max_width": "100%"}
        # Never disabled: a button that is loses the keyboard's focus.
        self.write = ipywidgets.Button(
            description="Write", tooltip="Write with these settings", icon="pencil", button_style="primary"
        )
        self.stop = ipywidgets.Button(
            description="Stop", tooltip="Stop writing and keep what there is", icon="stop"
        )
        self.write.on_click(self._on_write)
        self.stop.on_click(self._on_stop)
        self.status = ipywidgets.HTML()
        self.growing = ipywidgets.HTML()
        self.paper = ipywidgets.VBox([playground.look(playground.first())])
        rows = {"flex_flow": "row wrap"}
        self.box = ipywidgets.VBox(
            [
                self.prompt,
                ipywidgets.Box(sliders, layout=rows),
                ipywidgets.Box(
                    [self.write, self.stop, self.status], layout={**rows, "align_items": "center"}
                ),
                self.paper,
            ]
        )
        self._say("Press Write.")

    def _on_write(self, _: Any) -> None:
        """Stop what is being written, take the settings, begin anew."""
        self._finish()
        try:
            sampling = Sampling(**{name: dial.value for name, dial in self.dials.items()})
        except SlmError as error:
            self._say(str(error))
            return
        self.thread = threading.Thread(
            target=self._work, args=(self.prompt.value, sampling, self.count.value), daemon=True
        )
        self.thread.start()

    def _on_stop(self, _: Any) -> None:
        self._stop.set()
        if self.thread is None or not self.thread.is_alive():
            self._say("Nothing is being written.")

    def _finish(self) -> None:
        """Wait until the writing thread has put down its pen."""
        self._stop.set()
        if self.thread is not None:
            self.thread.join()
        self._stop.clear()

    def _work(self, prompt: str, sampling: Sampling, count: int) -> None:
        self._say("Writing. Press Stop to end it here.")
        try:
            started = drawn = time.perf_counter()
            draft: Draft | None = None
            with closing(self.playground.write(prompt, sampling, count)) as steps:
                for draft in steps:
                    now = time.perf_counter()
                    if now - drawn >= REDRAW or self.growing not in self.paper.children:
                        drawn = now
                        self._grow(draft)
                    if self._stop.is_set():
                        break
            assert draft is not None
            seconds = time.perf_counter() - started
            self.playground.measure(draft)
            self._lay(self.playground.look(draft))
            written = sum(map(len, draft.rows))
            self._say(
                f"{'Stopped' if self._stop.is_set() else 'Done'}: {written:,} tokens in {seconds:.1f} s, "
                f"{written / max(seconds, 1e-9):,.0f} a second."
            )
        except SlmError as error:
            self._say(str(error))
        except Exception as error:  # a thread's traceback would end where no reader looks
            self._say(f"Writing failed. {type(error).__name__}: {error}")

    def _grow(self, draft: Draft) -> None:
        self.growing.value = self.playground.texts(draft).html
        if self.growing not in self.paper.children:
            self._lay(self.growing)

    def _lay(self, sheet: "ipywidgets.Widget") -> None:
        """Replace what lies on the paper; old sheets are closed, so that nothing piles up in the page."""
        old = self.paper.children
        self.paper.children = (sheet,)
        for one in old:
            if one is not self.growing:
                for child in one.children:
                    child.close()
                one.close()

    def _say(self, text: str) -> None:
        self.status.value = f'<span role="status">{html.escape(text)}</span>'


def most_surprising(draft: Draft) -> int:
    """Which token of the first continuation surprised most, counted from 1; 1 when there is none."""
    bits = [one for _, one in draft.surprises[0]]
    return bits.index(max(bits)) + 1 if bits else 1


def playground(
    model: Decoder | Checkpoint,
    tokenizer: Tokenizer | None = None,
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


def _dial(
    description: str, value: float, lowest: float, highest: float, step: float
) -> "ipywidgets.FloatSlider":
    import ipywidgets

    return ipywidgets.FloatSlider(
        value=value,
        min=lowest,
        max=max(highest, value),
        step=step,
        description=description,
        readout_format=".2f",
        style=WHOLE_NAME,
    )
