"""What is written in the playground: drafts, their tokens' surprises, and how they look.

Each token has its surprise below it, in bits, and a chosen one shows what else the model could have written.
"""

import html
from collections.abc import Generator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import torch

from slmlib.config import Sampling
from slmlib.errors import ConfigError
from slmlib.generation import begin, continuation_of, generate_tokens
from slmlib.model.language_model import LanguageModel, evaluating
from slmlib.text.base_tokenizer import BaseTokenizer
from slmlib.widgets.base import Page, note, paragraph, slider, view
from slmlib.widgets.next_token import next_token_page, next_token_scores
from slmlib.widgets.surprise_viewer import HEAVY, surprise_box, token_surprises
from slmlib.widgets.token_viewer import visible

if TYPE_CHECKING:
    import ipywidgets


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

    @property
    def most_surprising(self) -> int:
        """Which token of the first continuation surprised most, counted from 1; 1 when there is none."""
        bits = [one for _, one in self.surprises[0]]
        return bits.index(max(bits)) + 1 if bits else 1


class Writer:
    """A model and its tokenizer at work on drafts.

    A continuation ends where the model's context does, so that each number was seen by the whole story before it.
    """

    def __init__(self, model: LanguageModel, tokenizer: BaseTokenizer):
        self.model, self.tokenizer = model, tokenizer

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
            token_surprises(self.model, self.tokenizer, [*draft.tokens, *row])[len(draft.tokens) - 1 :]
            for row in draft.rows
        ]

    def look(self, draft: Draft) -> "ipywidgets.VBox":
        """A finished draft under the controls to look into it."""
        import ipywidgets

        longest = max(1, *(len(row) for row in draft.rows))
        return view(
            lambda surprise, continuation, token: self.page(draft, surprise, continuation, token),
            surprise=ipywidgets.Checkbox(value=True, description="Show each token's surprise", indent=False),
            continuation=slider("Look into continuation", len(draft.rows), value=1, lowest=1),
            token=slider("At its token number", longest, value=draft.most_surprising, lowest=1),
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
            about, text = ", ".join(words), continuation_of(self.tokenizer, row)
            shown = html.escape(text)
            if surprise:
                shown = " " + "".join(
                    surprise_box(token, bits, chosen == (place, number))
                    for number, (token, bits) in enumerate(draft.surprises[place])
                )
                text = " " + " ".join(f"{token} {bits:.1f}" for token, bits in draft.surprises[place])
            columns.append(
                f'<div style="flex: 1 1 16em; max-width: 46em"><strong>{title}</strong>: {about}'
                f'<div style="white-space: pre-wrap; margin: 0.4em 0"><u>{html.escape(draft.prompt)}</u>{shown}</div></div>'
            )
            lines.append(f"{title}: {about}\n{draft.prompt}{text}")
        return Page(
            note(said)
            + f'<div style="display: flex; flex-wrap: wrap; gap: 0.5em 2em; line-height: 1.5">{"".join(columns)}</div>',
            "\n".join(lines),
        )
