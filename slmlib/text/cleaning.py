"""Cleaning stories: what a small model should not have to learn, and what it must not see twice.

A story is repaired (mojibake, Unicode NFC, quotes and dashes, control characters, white space), dropped when it is
empty, cut off in mid-sentence or known already (by wish also when it is nearly known), and put into exactly one of the
two splits. Cleaning twice gives what cleaning once gave. Stories stream through; only their hashes are kept.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, fields
from hashlib import blake2b
from typing import Any, Literal, Self

import regex

from slmlib.errors import DataError
from slmlib.text.near_duplicates import NearDuplicates

Split = Literal["train", "valid"]

# A corpus without a validation split gives one story in twenty, up to a megabyte: enough to measure bits per
# byte to about one per cent, small enough to measure often.
VALID_ONE_IN = 20
VALID_BYTES = 1_000_000

_TYPOGRAPHY = str.maketrans(
    dict.fromkeys("‘’‚‛′", "'") | dict.fromkeys("“”„‟″", '"') | dict.fromkeys("‐‑‒–—―−", "-") | {"…": "..."}
)
# Control characters, halves of surrogate pairs, and marks that show nothing: soft hyphen, zero-width space,
# word joiner, byte-order mark. Zero-width joiners stay: emoji and several scripts need them.
_UNSEEN = re.compile("[\0-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u00ad\u200b\u2060\ufeff\ud800-\udfff]")
_LINE_END = re.compile("\r\n|[\r\v\f\x85\u2028\u2029]")
_ODD_SPACE = re.compile(r"[^\S\n ]")
# Windows-1252 has no character for the last byte of ”, so it is often lost: TinyStories has many such.
_LOST_QUOTE = re.compile(r"â€(?=[\0-\x7f]|\Z)")
_SENTENCE_END = regex.compile(r"""(?:\p{STerm}\p{Pe}*|["'\p{Pf}」』])\Z""")


def clean_text(text: str) -> str:
    """Repair one text. Cleaning the result again changes nothing."""
    return _repair(text)[0]


def is_complete(story: str) -> bool:
    """Whether a story ends like a story: with the end of a sentence or a closing quote."""
    return _SENTENCE_END.search(story) is not None


@dataclass(frozen=True)
class CleaningReport:
    """What cleaning did, in stories. A story can have several repairs, and one reason to be removed."""

    stories_in: int = 0
    bytes_in: int = 0
    mojibake: int = 0
    unicode_form: int = 0
    quotes_and_dashes: int = 0
    unseen_characters: int = 0
    white_space: int = 0
    empty: int = 0
    truncated: int = 0
    duplicates: int = 0
    near_duplicates: int = 0
    leaked: int = 0
    train_stories: int = 0
    train_bytes: int = 0
    valid_stories: int = 0
    valid_bytes: int = 0

    def __str__(self) -> str:
        rows = [
            ("stories read", self.stories_in),
            ("repaired: mojibake", self.mojibake),
            ("repaired: Unicode form", self.unicode_form),
            ("repaired: quotes and dashes", self.quotes_and_dashes),
            ("repaired: unseen characters", self.unseen_characters),
            ("repaired: white space", self.white_space),
            ("removed: empty", self.empty),
            ("removed: cut off in mid-sentence", self.truncated),
            ("removed: duplicates", self.duplicates),
            *([("removed: near duplicates", self.near_duplicates)] if self.near_duplicates else []),
            ("removed: in the validation set too", self.leaked),
            (f"kept for training, {self.train_bytes / 1e6:,.2f} MB", self.train_stories),
            (f"kept for validation, {self.valid_bytes / 1e6:,.2f} MB", self.valid_stories),
        ]
        return "\n".join(f"{label:<40}{count:>12,}" for label, count in rows)

    def to_dict(self) -> dict[str, int]:
        """Plain data, ready for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Any) -> Self:
        """The report that `to_dict` described. DataError names what is missing or unknown."""
        names = {field.name for field in fields(cls)}
        if isinstance(values, dict):
            values = {"near_duplicates": 0} | values  # reports from before these were counted
        if not isinstance(values, dict) or set(values) != names:
            wrong = sorted(names.symmetric_difference(values if isinstance(values, dict) else ()))
            raise DataError(f"A cleaning report lacks or does not know {wrong}.", "Prepare the data again.")
        return cls(**values)


class Cleaner:
    """One pass over a corpus: cleans stories, forgets none of them, and counts what it did.

    near: also removes stories that are nearly one of those kept before.
    """

    def __init__(self, near: NearDuplicates | None = None) -> None:
        self._near = near
        self._counts: Counter[str] = Counter()
        self._split_of: dict[bytes, Split] = {}

    @property
    def report(self) -> CleaningReport:
        """What has been done so far."""
        return CleaningReport(**self._counts)

    def split(self, train: Iterable[str], valid: Iterable[str] | None = None) -> Iterator[tuple[Split, str]]:
        """Yield the cleaned stories with the split each belongs to; no story is in both.

        valid: the corpus's own validation stories. They come first, and training stories equal to one of
        them are removed, so that the validation set stays the published one. Without them a story's hash
        decides where it goes: always the same way, however large the corpus grows.
        """
        for story, digest in self._clean(valid or (), "valid"):
            yield self._keep("valid", story, digest)
        for story, digest in self._clean(train, "train"):
            chosen = valid is None and int.from_bytes(digest[:8], "big") % VALID_ONE_IN == 0
            fits = self._counts["valid_bytes"] + len(story.encode("utf-8")) <= VALID_BYTES
            yield self._keep("valid" if chosen and fits else "train", story, digest)

    def _clean(self, stories: Iterable[str], source: Split) -> Iterator[tuple[str, bytes]]:
        """Yield the repaired stories worth keeping, each with its hash."""
        for raw in stories:
            story, repairs = _repair(raw)
            self._counts.update(repairs, stories_in=1, bytes_in=len(raw.encode("utf-8", "surrogatepass")))
            digest = blake2b(story.encode("utf-8"), digest_size=16).digest()
            if not story:
                self._counts["empty"] += 1
            elif not is_complete(story):
                self._counts["truncated"] += 1
            elif self._split_of.get(digest, source) != source:
                self._counts["leaked"] += 1
            elif digest in self._split_of:
                self._counts["duplicates"] += 1
            elif self._near is not None and self._near.seen(story):
                self._counts["near_duplicates"] += 1
            else:
                yield story, digest

    def _keep(self, split: Split, story: str, digest: bytes) -> tuple[Split, str]:
        self._split_of[digest] = split
        self._counts.update({f"{split}_stories": 1, f"{split}_bytes": len(story.encode("utf-8"))})
        return split, story


def _mojibake(text: str) -> str:
    """Undo text that was written as UTF-8 and read as something else (â€™ for ’). Nothing else is touched."""
    if text.isascii():
        return text
    import ftfy

    return ftfy.fix_encoding(_LOST_QUOTE.sub('"', text))


def _unicode_form(text: str) -> str:
    """NFC: one way to write é, not two."""
    return unicodedata.normalize("NFC", text)


def _quotes_and_dashes(text: str) -> str:
    """Curly quotes, long dashes and the one-character ellipsis, as a keyboard writes them."""
    return text.translate(_TYPOGRAPHY)


def _unseen_characters(text: str) -> str:
    """Remove what nobody can see."""
    return _UNSEEN.sub("", text)


def _white_space(text: str) -> str:
    """One kind of line end and of space, no runs of spaces, at most one empty line, nothing at the edges."""
    text = _ODD_SPACE.sub(" ", _LINE_END.sub("\n", text))
    for run, shorter in (("  ", " "), (" \n", "\n"), ("\n ", "\n"), ("\n\n\n", "\n\n")):
        while run in text:
            text = text.replace(run, shorter)
    return text.strip()


_REPAIRS: dict[str, Callable[[str], str]] = {
    "mojibake": _mojibake,
    "unicode_form": _unicode_form,
    "quotes_and_dashes": _quotes_and_dashes,
    "unseen_characters": _unseen_characters,
    "white_space": _white_space,
}


def _repair(text: str) -> tuple[str, set[str]]:
    """The repaired text and the names of the repairs that changed it.

    Goes round until nothing changes, because one repair can uncover work for an earlier one: a control
    character in the middle of mojibake, for example. None makes work for itself, so it ends.
    """
    done: set[str] = set()
    changed = True
    while changed:
        changed = False
        for name, repair in _REPAIRS.items():
            repaired = repair(text)
            if repaired != text:
                text, changed = repaired, True
                done.add(name)
    return text, done
