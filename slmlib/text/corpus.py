"""Where stories come from: a local path, TinyStories, or StoryWorld, which needs nothing at all."""

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Protocol

from slmlib.errors import DataError
from slmlib.storyworld import stories
from slmlib.text.textfiles import TextFiles, limited
from slmlib.text.tinystories import TinyStories, hub_refusal, in_datasets_cache

_STORYWORLD_BYTES = 10_000_000
_STORYWORLD_SEED = 0


class Source(Protocol):
    """What a place that stories come from can do."""

    def train(self) -> Iterator[str]:
        """The training stories, raw."""

    def valid(self) -> Iterator[str] | None:
        """The validation stories, raw; None when the place has no such split."""

    def num_bytes(self) -> int | None:
        """About how much text there is, None when that is not known beforehand."""

    def fingerprint(self) -> str:
        """A hash of all that decides which stories come."""


@dataclass(frozen=True)
class Corpus:
    """A source of stories and how it came to be chosen.

    name: for tables and file names. why: a sentence for the person who waits. max_bytes: how much training
    text to take at most, None for all.
    """

    name: str
    why: str
    source: Source
    max_bytes: int | None = None

    def train(self) -> Iterator[str]:
        """The raw training stories. Each call starts at the first one again."""
        return limited(self.source.train(), self.max_bytes)

    def valid(self) -> Iterator[str] | None:
        """The raw validation stories, None when the corpus has none of its own."""
        return self.source.valid()

    @property
    def expected_bytes(self) -> int | None:
        """About how much text will come, for progress bars; None when that is not known beforehand."""
        return min(
            (size for size in (self.source.num_bytes(), self.max_bytes) if size is not None), default=None
        )

    @property
    def fingerprint(self) -> str:
        """SHA-256 that changes when the stories do."""
        return hashlib.sha256(f"{self.source.fingerprint()} {self.max_bytes}".encode()).hexdigest()


def open_corpus(
    source: str = "auto",
    *,
    max_bytes: int | None = None,
    max_storyworld_bytes: int | None = None,
    progress: bool = False,
) -> Corpus:
    """Choose a corpus. Nothing is downloaded or generated before its stories are asked for.

    source: "tinystories", "storyworld", the path of a .txt, .jsonl, .csv or .parquet file, of one of these with
    .gz, or of a folder of these (`stories.csv#body` also names the column), or "auto": the path in SLM_CORPUS if
    set, else TinyStories if it is stored here or the Hub offers it, else StoryWorld. max_bytes: how much
    training text is needed at most, None for no limit. max_storyworld_bytes: the same for StoryWorld, of which a
    megabyte takes a second to tell.

    Raises DataError when the path holds no text, or is empty.
    """
    if max_bytes is not None and max_bytes < 1:
        raise DataError(f"max_bytes is {max_bytes}.", "Ask for at least one byte of text, or leave it out.")
    if not source:
        raise DataError(
            "The name of the corpus is empty.",
            "Give a path, tinystories, storyworld or auto; a variable of the shell that is not set is empty.",
        )
    path = os.environ.get("SLM_CORPUS", "") if source == "auto" else source
    tinystories = TinyStories(max_bytes, progress=progress)
    told = min((limit for limit in (max_bytes, max_storyworld_bytes) if limit is not None), default=None)
    if source == "tinystories":
        return Corpus("TinyStories", "TinyStories was asked for.", tinystories, max_bytes)
    if source == "storyworld":
        return Corpus("StoryWorld", "StoryWorld was asked for.", StoryWorld(told), told)
    if path:
        why = f"SLM_CORPUS points to {path}." if source == "auto" else f"The path {path} was asked for."
        files = TextFiles.find(path)
        why = f"{why} {files.assumed()}".strip()
        return Corpus(os.path.basename(os.path.normpath(path)), why, files, max_bytes)
    if folder := tinystories.cached():
        why = f"SLM_CORPUS is not set, and TinyStories is stored in {folder}."
    elif in_datasets_cache():
        why = "SLM_CORPUS is not set, and the datasets library has TinyStories stored."
    elif not (refusal := hub_refusal()):
        why = "SLM_CORPUS is not set, and the Hugging Face Hub has TinyStories."
    else:
        why = (
            f"SLM_CORPUS is not set, TinyStories is not stored here, and {refusal}. "
            "To get TinyStories later, begin a new run with --corpus tinystories."
        )
        return Corpus("StoryWorld", why, StoryWorld(told), told)
    return Corpus("TinyStories", why, tinystories, max_bytes)


class StoryWorld:
    """Simulated stories as a source: the same ones every time, on any machine, with no network."""

    def __init__(self, max_bytes: int | None = None):
        self.max_bytes = max_bytes or _STORYWORLD_BYTES

    def train(self) -> Iterator[str]:
        """Stories of the simulated world until there are enough."""
        endless = stories(0, 2**40, _STORYWORLD_SEED)
        return limited((story.text for story in endless), self.max_bytes)

    def valid(self) -> Iterator[str] | None:
        """None: the split is made by hash."""
        return None

    def num_bytes(self) -> int | None:
        """How much text is told."""
        return self.max_bytes

    def fingerprint(self) -> str:
        """SHA-256 of the first stories: another version of the world tells other ones."""
        texts = "\0".join(islice(self.train(), 200))
        return hashlib.sha256(f"{self.max_bytes} {_STORYWORLD_SEED} {texts}".encode()).hexdigest()
