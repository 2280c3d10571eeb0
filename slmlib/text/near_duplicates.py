"""Stories that share most of their wording: MinHash and banding, in 120 bytes a story.

A story is the set of its word triples ("shingles"). Two stories are as alike as their Jaccard similarity, shared
shingles / all shingles. MinHash (Broder 1997) replaces a set by a short signature: for each of many random orders
of all shingles, which of its own comes first. Two signatures agree in one place with just that probability, so
their agreement estimates the similarity. Banding finds candidates without comparing all pairs: signatures are
cut into bands, and only stories that agree in a whole band are compared (Leskovec, Rajaraman and Ullman, "Mining
of Massive Datasets", section 3.4).

Why not a library: datasketch keeps some kilobytes a story in Python objects. Here it is a signature of 120 bytes
and a table of fixed size. When that table fills up, new entries take the places of old ones: then some pairs are
missed, but what is reported was compared and is alike.
"""

import re
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from slmlib.errors import ConfigError

BANDS, ROWS = 20, 6
"""A pair of similarity s is compared with probability 1 - (1 - s**6)**20: 0.99 for 0.77, 0.27 for 0.5."""

_WORD = re.compile(r"\w+")
_SHINGLE_WORDS = 3
_CHUNK = 2**15
_RAW = 2 * BANDS * ROWS + ROWS


class NearDuplicates:
    """Remembers stories and says of a new one whether it is nearly one of them.

    threshold: the estimated Jaccard similarity from which on two stories count as the same; below 0.7 banding
    would miss too many. slots: entries of the table for each band; 80 bytes each, taken as they are used.
    """

    def __init__(self, threshold: float = 0.8, *, slots: int = 2**21):
        if not 0.7 <= threshold <= 1:
            raise ConfigError(
                f"A near-duplicate threshold must lie between 0.7 and 1; it is {threshold}.", "Usual is 0.8."
            )
        self.threshold = threshold
        random = np.random.PCG64(0).random_raw(_RAW + _SHINGLE_WORDS)  # never changes between versions
        halves = (random[: 2 * BANDS * ROWS] >> np.uint64(32)).astype(np.uint32)
        self._multipliers = halves[: BANDS * ROWS, None] | np.uint32(1)  # (orders, 1)
        self._shifts = halves[BANDS * ROWS :, None]  # (orders, 1)
        self._band_multipliers = random[-ROWS - _SHINGLE_WORDS : -_SHINGLE_WORDS] | np.uint64(1)
        self._word_multipliers = random[-_SHINGLE_WORDS:] | np.uint64(1)
        self._slots = np.uint64(slots)
        # Which story was the last in each slot, counted from 1. Untouched pages of zeros take no memory.
        self._table = np.zeros((BANDS, slots), dtype=np.uint32)
        self._chunks: list[NDArray[np.uint8]] = []
        self.count = 0

    def seen(self, story: str) -> bool:
        """Whether the story is nearly one that came before; if not, it is remembered."""
        signature = self.signature(story)
        mixed = signature.reshape(BANDS, ROWS) * self._band_multipliers
        places = (mixed.sum(axis=1) >> np.uint64(20)) % self._slots  # (bands,)
        short = signature.astype(np.uint8)  # chance agreement rises by 1/256 only
        row = np.arange(BANDS)
        candidates = np.unique(self._table[row, places])
        for candidate in candidates[candidates > 0]:
            known = self._chunks[(candidate - 1) // _CHUNK][(candidate - 1) % _CHUNK]
            if (known == short).mean() >= self.threshold:
                return True
        if self.count % _CHUNK == 0:
            self._chunks.append(np.empty((_CHUNK, BANDS * ROWS), dtype=np.uint8))
        self._chunks[-1][self.count % _CHUNK] = short
        self.count += 1
        self._table[row, places] = self.count
        return False

    def signature(self, story: str) -> NDArray[np.uint32]:
        """The MinHash signature, (BANDS * ROWS,)."""
        # An odd multiplier makes another order of all 32-bit numbers out of each row.
        orders = self._shingle_hashes(story) * self._multipliers + self._shifts  # (orders, shingles)
        return orders.min(axis=1)

    def _shingle_hashes(self, story: str) -> NDArray[np.uint32]:
        words: list[str] = _WORD.findall(story.casefold())
        words += [""] * (_SHINGLE_WORDS - len(words))
        hashed = np.fromiter(map(crc32, map(str.encode, words)), dtype=np.uint64, count=len(words))
        total = len(words) - _SHINGLE_WORDS + 1
        combined = np.zeros(total, dtype=np.uint64)
        for place, multiplier in enumerate(self._word_multipliers):
            combined += hashed[place : place + total] * multiplier
        return (combined >> np.uint64(32)).astype(np.uint32)


def similarity(first: str, second: str) -> float:
    """The exact Jaccard similarity of two stories: what signatures estimate."""
    a, b = (_shingles(story) for story in (first, second))
    return len(a & b) / len(a | b)


def _shingles(story: str) -> set[tuple[str, ...]]:
    words = _WORD.findall(story.casefold())
    words += [""] * (_SHINGLE_WORDS - len(words))
    return {tuple(words[i : i + _SHINGLE_WORDS]) for i in range(len(words) - _SHINGLE_WORDS + 1)}
