"""How good are stories, in numbers? Measures of text alone: no model, no judge, nothing that needs a network.

    reference = Reference.of(read_stories("train.txt"))
    measure(stories, reference)

Each measure is a share from 0 to 1, counted over all stories together. None of them says that a story is good:
they say which kind of mistake is gone. Compare each with its value on as many real stories of the same length: of
more stories, fewer pairs are distinct.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import compress

import numpy as np
from numpy.typing import NDArray

_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
_CAPITAL_INSIDE = re.compile(r"(?<=[a-z,] )[A-Z][^\W\d_]+")
_COMMON = 150
"""So many of the most frequent words carry grammar rather than a story."""


def words_of(text: str) -> list[str]:
    """The words of a text as they are written, without punctuation: `Lily's` is one word."""
    return _WORD.findall(text)


def distinct_n(words: Sequence[str], n: int) -> float:
    """How many of the n-grams are different, as a share of all (after Li et al. 2016, arXiv 1510.03055).

    1.0 when there is no n-gram at all. Falls with the length of the text: compare equal lengths only.
    """
    grams = _ngrams(words, n)
    return len(set(grams)) / len(grams) if grams else 1.0


def quotes(story: str) -> tuple[int, int]:
    """How many quotation marks open, and how many of these are closed in the same line."""
    opened = closed = 0
    for line in story.replace("“", '"').replace("”", '"').splitlines():
        marks = line.count('"')
        opened += (marks + 1) // 2
        closed += marks // 2
    return opened, closed


def copied_words(words: Sequence[str], seen: "NGrams | set[tuple[str, ...]]", n: int) -> list[bool]:
    """For each word whether it stands in some n-gram that occurs in `seen`."""
    copied = [False] * len(words)
    for start, gram in enumerate(_ngrams(words, n)):
        if gram in seen:
            copied[start : start + n] = [True] * n
    return copied


def longest_copy(words: Sequence[str], text: str) -> list[str]:
    """The longest run of words that stands in `text`, words separated by one space there and at both ends.

    Python's own substring search does the work: a few milliseconds a word on 10 MB.
    """
    best: list[str] = []
    for start in range(len(words)):
        while start + len(best) < len(words):
            longer = list(words[start : start + len(best) + 1])
            if f" {' '.join(longer)} " not in text:
                break
            best = longer
    return best


class NGrams:
    """All n-grams of a text, to be asked `("once", "upon", "a") in grams`.

    Kept as sorted 64-bit fingerprints, 8 bytes each: of ten million n-grams about one question in two million
    million finds a wrong one.
    """

    def __init__(self, stories: Iterable[Sequence[str]], n: int):
        """stories: the words of each; an n-gram never runs from one story into the next."""
        self.n = n
        self._ids: dict[str, int] = {}
        row = [-1]  # -1 stands between stories
        for words in stories:
            row += [self._ids.setdefault(word, len(self._ids)) for word in words]
            row.append(-1)
        ids = np.array(row, dtype=np.int64)
        random = np.random.Generator(np.random.PCG64(0))
        self._words = random.integers(2**64, size=len(self._ids) + 1, dtype=np.uint64)
        inside = np.ones(max(0, len(ids) - n + 1), dtype=bool)
        for place in range(n):
            inside &= ids[place : place + len(inside)] >= 0
        self._seen = np.unique(self._fingerprints(ids)[inside])

    def __contains__(self, gram: object) -> bool:
        if not isinstance(gram, tuple) or len(gram) != self.n or any(word not in self._ids for word in gram):
            return False
        wanted = self._fingerprints(np.array([self._ids[word] for word in gram]))[0]
        place = int(np.searchsorted(self._seen, wanted))
        return place < len(self._seen) and bool(self._seen[place] == wanted)

    def __len__(self) -> int:
        return len(self._seen)

    def _fingerprints(self, ids: NDArray[np.int64]) -> NDArray[np.uint64]:
        """One number for each n-gram of a row of ids, (len(ids) - n + 1,)."""
        values = self._words[ids]
        count = max(0, len(ids) - self.n + 1)
        result = np.zeros(count, dtype=np.uint64)
        for place in range(self.n):
            result = result * np.uint64(0x9E3779B97F4A7C15) + values[place : place + count]
        return result


@dataclass(frozen=True)
class Reference:
    """What the measures know of the training stories."""

    known: frozenset[str]
    """Words, in small letters, that occur at least twice."""
    common: frozenset[str]
    """The most frequent words: they carry grammar, not a story."""
    names: frozenset[str]
    """Words that are written with a capital letter in the middle of sentences."""
    triples: NGrams
    """All three words in a row, in small letters."""
    eights: NGrams
    """All eight words in a row, in small letters."""

    @classmethod
    def of(cls, stories: Iterable[str]) -> "Reference":
        """Read the training stories once: about a second for each megabyte."""
        inside: Counter[str] = Counter()
        small: Counter[str] = Counter()
        counts: Counter[str] = Counter()
        rows = []
        for story in stories:
            inside.update(_CAPITAL_INSIDE.findall(story))
            words = words_of(story)
            small.update(word for word in words if word[0].islower())
            lowered = [word.lower() for word in words]
            counts.update(lowered)
            rows.append(lowered)
        names = {name for name, count in inside.items() if count >= 3 and count > small[name.lower()]}
        return cls(
            known=frozenset(word for word, count in counts.items() if count > 1),
            common=frozenset(word for word, _ in counts.most_common(_COMMON)),
            names=frozenset(names),
            triples=NGrams(rows, 3),
            eights=NGrams(rows, 8),
        )


MEASURES = {
    "real words": "words that the training text has more than once",
    "word order": "three words in a row that occur there too",
    "closed quotes": "opened quotation marks that are closed in the same line",
    "names kept": "mentions of a name, after the first, that repeat an earlier name of the story",
    "thread": "rarer words of the second half that the first half knows",
    "repetition": "four words in a row that the story had before",
    "distinct pairs": "pairs of words, over all stories, that are different",
    "copied": "words inside eight in a row that occur in the training text",
}
"""The measures by name, each with what it is the share of."""


def measure(stories: Sequence[str], reference: Reference) -> dict[str, float]:
    """Every measure of MEASURES over all stories together; NaN where there was nothing to count."""
    counts = {name: [0, 0] for name in MEASURES}

    def count(name: str, hits: int, of: int) -> None:
        counts[name][0] += hits
        counts[name][1] += of

    pairs: list[tuple[str, ...]] = []
    for story in stories:
        written = words_of(story)
        words = [word.lower() for word in written]
        count("real words", sum(word in reference.known for word in words), len(words))
        triples = _ngrams(words, 3)
        count("word order", sum(gram in reference.triples for gram in triples), len(triples))
        opened, closed = quotes(story)
        count("closed quotes", closed, opened)
        names = [word for word in written if word in reference.names]
        count("names kept", len(names) - len(set(names)), max(0, len(names) - 1))
        is_rare = [word in reference.known and word not in reference.common for word in words]
        half = len(words) // 2
        told = set(compress(words[:half], is_rare[:half]))
        later = list(compress(words[half:], is_rare[half:]))
        count("thread", sum(word in told for word in later), len(later))
        fours = _ngrams(words, 4)
        count("repetition", len(fours) - len(set(fours)), len(fours))
        pairs += _ngrams(words, 2)
        count("copied", sum(copied_words(words, reference.eights, 8)), len(words))
    count("distinct pairs", len(set(pairs)), len(pairs))
    return {name: hits / of if of else float("nan") for name, (hits, of) in counts.items()}


def _ngrams(words: Sequence[str], n: int) -> list[tuple[str, ...]]:
    return [tuple(words[start : start + n]) for start in range(len(words) - n + 1)]
