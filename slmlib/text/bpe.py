"""Training a byte-level BPE tokenizer (Sennrich et al. 2016, section 3.2; GPT-2, section 2.2).

BPE repeats one step: find the most frequent pair of neighbouring tokens and merge it into a new token.
Three ideas make that fast enough for plain Python:

- A text is first split into *pre-tokens* (words, with the space before them). Merges never cross them, so
  each different word is merged once and weighted by how often it occurs.
- The counts of pairs are kept, not recomputed: a merge only touches the words that hold its pair.
- The best pair comes from a heap. Counts in it may be out of date; one that is gets pushed back corrected.

Inside, **a token is one character**: token 300 is `chr(300)`, a word is a string, a pair is a string of two
characters, and merging a pair is `word.replace(pair, token)`: left to right, no overlaps, in C.
"""

import heapq
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Literal

import regex
from tqdm import tqdm

from slmlib.errors import DataError

TieBreak = Literal["smaller_ids", "greater_bytes"]

NUM_BYTES = 256

# Each byte as a printable character (GPT-2's `bytes_to_unicode`): printable Latin-1 stays itself, the other
# bytes follow from chr(256). The order of this alphabet is the order of the first 256 token ids.
_PRINTABLE = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
_UNPRINTABLE = [byte for byte in range(NUM_BYTES) if byte not in _PRINTABLE]
BYTE_OF_ID = bytes(_PRINTABLE + _UNPRINTABLE)
BYTE_ALPHABET = "".join(map(chr, _PRINTABLE)) + "".join(map(chr, range(256, 256 + len(_UNPRINTABLE))))
_ID_OF_BYTE = bytes(BYTE_OF_ID.index(byte) for byte in range(NUM_BYTES))

# GPT-2's split: contractions, then words, numbers and other signs with one leading space, then white space,
# whose last character is left to the word behind it. This is tiktoken's equal but faster way to write it:
# possessive quantifiers (++) never backtrack.
SPLIT_PATTERN = r"'(?:[sdmt]|ll|ve|re)| ?\p{L}++| ?\p{N}++| ?[^\s\p{L}\p{N}]++|\s++$|\s+(?!\S)|\s"

# A cut in front of white space that follows something else never changes the split, and `re` finds these
# cuts faster than `regex` finds pre-tokens. `re` wrongly takes four control characters for white space.
_CHUNK = re.compile(r"[^\S\x1c-\x1f]*[\S\x1c-\x1f]+|\s+")


def train_bpe(
    texts: Iterable[str],
    vocab_size: int,
    special_tokens: Sequence[str] = (),
    *,
    tie_break: TieBreak = "smaller_ids",
    progress: bool = False,
) -> list[tuple[int, int]]:
    """Learn the merges of a byte-level BPE vocabulary of `vocab_size` tokens.

    Ids 0-255 are the bytes in GPT-2's alphabet order (`BYTE_OF_ID`), merge number k makes token 256 + k, and
    the special tokens come last; they only take up ids here, and no merge crosses one that occurs in a text.
    Returns the merges as pairs of ids. There are vocab_size - 256 - len(special_tokens) of them, fewer when
    the texts run out of pairs.

    tie_break: which of two equally frequent pairs goes first. "smaller_ids" gives the merges of Hugging
    Face's `tokenizers`; "greater_bytes" takes the pair whose bytes are lexicographically greater (Stanford
    CS336, assignment 1).

    Raises DataError when the vocabulary cannot even hold the bytes and the special tokens.
    """
    num_merges = vocab_size - NUM_BYTES - len(special_tokens)
    if num_merges < 0:
        raise DataError(
            f"A vocabulary of {vocab_size} cannot hold 256 bytes and {len(special_tokens)} special tokens.",
            f"Ask for at least {NUM_BYTES + len(special_tokens)}.",
        )
    counts = count_pretokens(texts, special_tokens)
    words = [pretoken.encode("utf-8").translate(_ID_OF_BYTE).decode("latin-1") for pretoken in counts]
    return list(_merge(words, list(counts.values()), num_merges, tie_break, progress))


def count_pretokens(texts: Iterable[str], special_tokens: Sequence[str] = ()) -> Counter[str]:
    """How often each pre-token occurs in the texts, leaving out and never crossing special tokens."""
    chunks: Counter[str] = Counter()
    split_off_specials = special_splitter(special_tokens)
    for text in texts:
        for part in split_off_specials(text):
            chunks.update(_CHUNK.findall(part))
    pretokens: Counter[str] = Counter()
    split = regex.compile(SPLIT_PATTERN).findall
    try:
        for chunk, count in chunks.items():
            for pretoken in split(chunk):
                pretokens[pretoken] += count
        "".join(pretokens).encode("utf-8")
    except UnicodeEncodeError as error:
        raise lone_surrogate(error) from None
    return pretokens


def special_splitter(special_tokens: Sequence[str]) -> Callable[[str], list[str]]:
    """A function that cuts a text at special tokens and drops them; of two that fit, the longer one."""
    if not special_tokens:
        return lambda text: [text]
    longest_first = sorted(special_tokens, key=len, reverse=True)
    return re.compile("|".join(map(re.escape, longest_first))).split


def lone_surrogate(error: UnicodeEncodeError) -> DataError:
    """The sentence for a text that is not Unicode: UTF-8 has no bytes for half of a surrogate pair."""
    return DataError(
        f"The text holds half a surrogate pair (U+{ord(error.object[error.start]):04X}) at character {error.start}.",
        "It was damaged when it was read; read it as UTF-8, or clean it with slmlib.text.cleaning.clean_text.",
    )


def _merge(
    words: list[str], counts: list[int], num_merges: int, tie_break: TieBreak, progress: bool
) -> Iterator[tuple[int, int]]:
    """Yield the most frequent pair, merge it everywhere, and so on (see the top of this file)."""
    pair_counts: defaultdict[str, int] = defaultdict(int)
    # A list, once each: sets of the same numbers take a tenth more memory in all. A word may have lost the pair since.
    words_with: defaultdict[str, list[int]] = defaultdict(list)
    for index, word in enumerate(words):
        pairs = list(map(str.__add__, word, word[1:]))
        for pair in pairs:
            pair_counts[pair] += counts[index]
        for pair in set(pairs):
            words_with[pair].append(index)

    rank = _first_ranks(tie_break)
    heap = [(-count, rank[pair[0]] + rank[pair[1]], pair) for pair, count in pair_counts.items()]
    heapq.heapify(heap)

    for new_id in tqdm(range(NUM_BYTES, NUM_BYTES + num_merges), "learning merges", disable=not progress):
        best = _pop_most_frequent(heap, pair_counts)
        if best is None:
            return
        first, second = best[0], best[1]
        yield ord(first), ord(second)

        token = chr(new_id)
        rank[token] = token if tie_break == "smaller_ids" else rank[first][:-1] + rank[second]
        new_pairs = set()
        for index in words_with.pop(best):
            word, count = words[index], counts[index]
            merged = word.replace(best, token)
            if merged == word:
                continue
            words[index] = merged
            for pair in map(str.__add__, word, word[1:]):
                pair_counts[pair] -= count
            gained = set()
            for pair in map(str.__add__, merged, merged[1:]):
                pair_counts[pair] += count
                if token in pair:
                    gained.add(pair)
            for pair in gained:
                words_with[pair].append(index)
            new_pairs |= gained
        # Only pairs with the new token can have gained; all others are in the heap with enough already.
        for pair in new_pairs:
            heapq.heappush(heap, (-pair_counts[pair], rank[pair[0]] + rank[pair[1]], pair))


def _pop_most_frequent(heap: list[tuple[int, str, str]], pair_counts: Mapping[str, int]) -> str | None:
    """Take the best pair off the heap, or None. One whose count has fallen goes back in its right place."""
    while heap:
        negative_count, rank, pair = heapq.heappop(heap)
        count = pair_counts[pair]
        if count == -negative_count:
            return pair
        if count > 0:
            heapq.heappush(heap, (-count, rank, pair))
    return None


def _first_ranks(tie_break: TieBreak) -> dict[str, str]:
    """What a byte token is compared by among equals: of two pairs the one with the smaller string goes first.

    For "greater_bytes" every byte is turned round, and an end mark above all bytes puts a token behind those
    that it begins.
    """
    if tie_break == "smaller_ids":
        return {chr(token): chr(token) for token in range(NUM_BYTES)}
    return {chr(token): chr(255 - byte) + chr(256) for token, byte in enumerate(BYTE_OF_ID)}
