"""The sheet of paper: text grows here piece by piece, and nowhere else.

A piece may be a word or half a sentence. The page joins pieces, turns `a` into `an` before a vowel
sound, and can be told what must come out: a page with a `target` raises `Mismatch` at the first piece
that differs, which is how `derivations` finds every way to tell a given text.
"""

import re

_STARTS_WITH_VOWEL_SOUND = re.compile(r"(?:[aeio]|u(?!ni|se|su)|hour|honest)(?!ne\b|nce\b)", re.IGNORECASE)
_ENDS_WITH_A = re.compile(r"(?:^|[^A-Za-z'])[Aa] $")
_LOOSE_A = re.compile(r"\b([Aa]) (?=[A-Za-z])")


class Mismatch(Exception):
    """The text on the page is not the beginning of the target."""


def needs_an(word: str) -> bool:
    """Whether English says `an` before this word: an owl, an hour; but a unicorn, a one-eyed cat."""
    return bool(_STARTS_WITH_VOWEL_SOUND.match(word))


def right_articles(text: str) -> str:
    """The text with each `a` turned into `an` where the next word begins with a vowel sound."""
    return _LOOSE_A.sub(lambda found: found[1] + ("n " if needs_an(text[found.end() :]) else " "), text)


class Page:
    """A growing text."""

    def __init__(self, target: str | None = None):
        """target: the text that must come out, or None to write freely."""
        self.text = ""
        self.target = target

    def write(self, piece: str) -> int:
        """Add a piece, never two spaces in a row; returns where it begins. Raises Mismatch when a target says otherwise."""
        text = self.text
        if piece.startswith(" ") and text[-1:] in ("", " ", "\n"):
            piece = piece[1:]
        if text[-2:] in ("a ", "A ") and _ENDS_WITH_A.search(text[-3:]) and needs_an(piece):
            self.text = text[:-1] + "n "
        start = len(self.text)
        self.text += piece
        if self.target is not None and not self.target.startswith(
            self.text[:-1] if piece[-2:].lower() == "a " else self.text
        ):
            raise Mismatch
        return start

    def finish(self) -> str:
        """The whole text. Raises Mismatch when the target goes on."""
        if self.target is not None and self.target != self.text:
            raise Mismatch
        return self.text
