"""The tokenizer: text to token ids and back, byte for byte.

Ids 0-255 are the single bytes, then come the merges in the order they were learned, then the special tokens.
So the merges and the names of the special tokens are all there is to store; everything else follows.
Encoding runs through a `tiktoken.Encoding` built from them.
"""

import os
import re
from collections.abc import Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from slmlib.errors import DataError
from slmlib.text.base_tokenizer import (
    AGAIN,
    VERSION,
    BaseTokenizer,
    disallowed_special,
    require_unicode,
)
from slmlib.text.bpe import (
    BYTE_ALPHABET,
    BYTE_OF_ID,
    NUM_BYTES,
    SPLIT_PATTERN,
    TieBreak,
    train_bpe,
)
from slmlib.text.gpt2 import gpt2_merges

if TYPE_CHECKING:
    import tiktoken

END_OF_TEXT = "<|endoftext|>"

# tiktoken's regular expression engine overflows its stack on a run of some 500,000 white-space characters.
_TOO_MUCH_SPACE = 100_000


@dataclass(frozen=True, repr=False)
class Tokenizer(BaseTokenizer):
    """A byte-level BPE tokenizer that never changes after it was made.

    merges: pairs of ids; pair number k makes token 256 + k.
    special_names: the special tokens, in the order of their ids, which follow the merges.

    Raises DataError for merges that name tokens not made yet, or make the same bytes twice, and for
    special tokens that are unprintable, part of one another, or lack `<|endoftext|>`.
    """

    FORMAT = "slmlib tokenizer"

    merges: tuple[tuple[int, int], ...]
    special_names: tuple[str, ...] = (END_OF_TEXT,)

    def __post_init__(self) -> None:
        for index, pair in enumerate(self.merges):
            if not all(0 <= part < NUM_BYTES + index for part in pair):
                raise DataError(
                    f"Merge {index} joins tokens {pair[0]} and {pair[1]}, but only {NUM_BYTES + index} tokens exist there.",
                    "Give the merges in the order they were learned.",
                )
        for name in self.special_names:
            if not name.isprintable() or sum(name in other for other in self.special_names) != 1:
                raise DataError(
                    f"The special token {name!r} is unprintable or part of another one in {list(self.special_names)}.",
                    "Choose names like <|endoftext|> that cannot be confused.",
                )
        if len(self._id_of_bytes) < NUM_BYTES + len(self.merges):
            raise DataError(
                "Two merges make the same token.", "Train the tokenizer again, or take a whole file."
            )
        if END_OF_TEXT not in self.special_names:
            raise DataError(
                f"The special tokens {list(self.special_names)} lack {END_OF_TEXT}.",
                "Add it: it marks where one story ends.",
            )

    def __repr__(self) -> str:
        return f"Tokenizer(vocab_size={self.vocab_size}, fingerprint={self.fingerprint[:12]!r})"

    @classmethod
    def train(
        cls,
        texts: Iterable[str],
        vocab_size: int,
        special_tokens: Sequence[str] = (END_OF_TEXT,),
        *,
        tie_break: TieBreak = "smaller_ids",
        progress: bool = False,
    ) -> Self:
        """Learn a tokenizer of `vocab_size` tokens from texts; see `slmlib.text.bpe.train_bpe`.

        It comes out smaller when the texts hold too few different words for so many tokens.
        """
        merges = train_bpe(texts, vocab_size, special_tokens, tie_break=tie_break, progress=progress)
        return cls(tuple(merges), tuple(special_tokens))

    @property
    def vocab_size(self) -> int:
        return NUM_BYTES + len(self.merges) + len(self.special_names)

    @property
    def special_tokens(self) -> dict[str, int]:
        first = NUM_BYTES + len(self.merges)
        return {name: first + index for index, name in enumerate(self.special_names)}

    @property
    def end_of_text(self) -> int:
        """The id of `<|endoftext|>`, which follows every story."""
        return self.special_tokens[END_OF_TEXT]

    @property
    def begin_of_text(self) -> int:
        """The id of `<|endoftext|>` too: every story follows the end of the one before it."""
        return self.end_of_text

    def encode(self, text: str, allowed_special: Collection[str] = ()) -> list[int]:
        self._require_known(allowed_special)
        self._refuse_unusable(text, allowed_special)
        if allowed_special:
            return self._encoding.encode(text, allowed_special=set(allowed_special), disallowed_special=())
        return self._encoding.encode_ordinary(text)

    def encode_batch(self, texts: Sequence[str]) -> list[list[int]]:
        for text in texts:
            self._refuse_unusable(text, ())
        return self._encoding.encode_ordinary_batch(list(texts), num_threads=os.cpu_count() or 1)

    def encode_row(self, texts: Sequence[str]) -> NDArray[np.uint32]:
        # Joined texts go through tiktoken in large pieces, which is twice as fast as `encode_batch`.
        for text in texts:
            self._refuse_unusable(text, ())
        pieces = [
            "".join(text + END_OF_TEXT for text in texts[i : i + 128]) for i in range(0, len(texts), 128)
        ]

        def encode_piece(piece: str) -> NDArray[np.uint32]:
            return self._encoding.encode_to_numpy(piece, allowed_special={END_OF_TEXT}, disallowed_special=())

        with ThreadPoolExecutor(os.cpu_count()) as pool:
            return np.concatenate([np.empty(0, np.uint32), *pool.map(encode_piece, pieces)])

    def _content(self) -> dict[str, Any]:
        printable = printable_tokens(self.merges)
        return {
            "format": self.FORMAT,
            "version": VERSION,
            "split_pattern": SPLIT_PATTERN,
            "special_tokens": self.special_tokens,
            "merges": [f"{printable[first]} {printable[second]}" for first, second in self.merges],
        }

    @classmethod
    def _from_content(cls, content: dict[str, Any]) -> Self:
        if content.get("split_pattern") != SPLIT_PATTERN:
            raise DataError("it splits text in a way that this slmlib does not know.", AGAIN)
        merges, special_tokens = content.get("merges"), content.get("special_tokens")
        if not isinstance(merges, list) or not all(isinstance(line, str) for line in merges):
            raise DataError("its merges are missing or not a list of text.", AGAIN)
        if not isinstance(special_tokens, dict):
            raise DataError("its special tokens are missing.", AGAIN)
        first = NUM_BYTES + len(merges)
        if list(special_tokens.values()) != list(range(first, first + len(special_tokens))):
            raise DataError(
                f"the ids of its special tokens do not follow one another from {first} on.", AGAIN
            )
        return cls(_parse_merges(merges), tuple(special_tokens))

    def _refuse_unusable(self, text: str, allowed_special: Collection[str]) -> None:
        """DataError for text that has no honest encoding."""
        for name in self.special_tokens:
            if name not in allowed_special and name in text:
                raise disallowed_special(name, text)
        require_unicode(text)  # tiktoken would silently replace what UTF-8 cannot write
        if len(text) > _TOO_MUCH_SPACE and re.search(rf"\s{{{_TOO_MUCH_SPACE}}}", text):
            raise DataError(
                f"The text contains more than {_TOO_MUCH_SPACE:,} white-space characters in a row.",
                "It is probably not a text; clean it with slmlib.text.cleaning.clean_text.",
            )

    @cached_property
    def _bytes_of_id(self) -> list[bytes]:
        tokens = [bytes([byte]) for byte in BYTE_OF_ID]
        for first, second in self.merges:
            tokens.append(tokens[first] + tokens[second])
        return tokens + [name.encode("utf-8") for name in self.special_names]

    @cached_property
    def _id_of_bytes(self) -> dict[bytes, int]:
        ordinary = self._bytes_of_id[: NUM_BYTES + len(self.merges)]
        return {token: index for index, token in enumerate(ordinary)}

    @cached_property
    def _encoding(self) -> "tiktoken.Encoding":
        import tiktoken

        return tiktoken.Encoding(
            "slmlib",
            pat_str=SPLIT_PATTERN,
            mergeable_ranks=self._id_of_bytes,
            special_tokens=self.special_tokens,
            explicit_n_vocab=self.vocab_size,
        )


def gpt2() -> Tokenizer:
    """GPT-2's tokenizer, 50,257 tokens, with no network: equal in ids to `tiktoken.get_encoding("gpt2")`."""
    return Tokenizer(_parse_merges(gpt2_merges()))


def printable_tokens(merges: Sequence[tuple[int, int]]) -> list[str]:
    """Bytes and merged tokens by id, written in GPT-2's printable characters (see `BYTE_ALPHABET`)."""
    pieces = list(BYTE_ALPHABET)
    for first, second in merges:
        pieces.append(pieces[first] + pieces[second])
    return pieces


def merges_in_ids(pairs: Iterable[tuple[str, str]]) -> tuple[tuple[int, int], ...]:
    """Pairs of tokens in printable bytes, in the order they were learned, as pairs of ids: `printable_tokens` undone.

    It ends before the first pair that joins tokens which do not exist there.
    """
    ids = {character: index for index, character in enumerate(BYTE_ALPHABET)}
    merges: list[tuple[int, int]] = []
    for first, second in pairs:
        if first not in ids or second not in ids:
            break
        ids[first + second] = NUM_BYTES + len(merges)
        merges.append((ids[first], ids[second]))
    return tuple(merges)


def _parse_merges(lines: Sequence[str]) -> tuple[tuple[int, int], ...]:
    """Merges written as in GPT-2's vocab.bpe, two tokens in printable bytes with a space between, as ids."""
    merges = merges_in_ids((first, second) for first, _, second in (line.partition(" ") for line in lines))
    if len(merges) < len(lines):
        raise DataError(
            f"merge {len(merges)} ({lines[len(merges)]!r}) joins tokens that do not exist there.",
            "Make it anew.",
        )
    return merges
