"""What every tokenizer here does, whoever made it: text to token ids and back.

Two kinds exist. `slmlib.text.tokenizer.Tokenizer` is ours, learned here or GPT-2's. Models that were trained
elsewhere bring their own, `slmlib.text.imported_tokenizer.ImportedTokenizer`. Everything above this module
(streams, generation, checkpoints) uses only what stands in this file.
"""

import hashlib
import json
import operator
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from slmlib.errors import DataError, SlmError
from slmlib.files import read_json, write_json
from slmlib.text.bpe import lone_surrogate

VERSION = 1
AGAIN = "Make it anew, or take a whole copy."


class BaseTokenizer(ABC):
    """The interface. A tokenizer never changes after it was made.

    FORMAT: what a saved one calls itself.
    """

    FORMAT: ClassVar[str]

    @property
    @abstractmethod
    def vocab_size(self) -> int:
        """How many tokens there are; ids run from 0 to vocab_size - 1."""

    @property
    @abstractmethod
    def special_tokens(self) -> dict[str, int]:
        """The id of each special token."""

    @property
    @abstractmethod
    def end_of_text(self) -> int:
        """The id of the token that follows every text."""

    @property
    @abstractmethod
    def begin_of_text(self) -> int:
        """The id of the token that every text follows: for most tokenizers the end of the text before it."""

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of what the tokenizer does, as 64 hexadecimal digits: equal if and only if the ids are."""
        content = json.dumps(self._content(), ensure_ascii=True, separators=(",", ":"), sort_keys=True)
        return hashlib.sha256(content.encode("ascii")).hexdigest()

    @abstractmethod
    def encode(self, text: str, allowed_special: Collection[str] = ()) -> list[int]:
        """The token ids of a text. Special tokens in it count as such only when `allowed_special` names them.

        Raises DataError for a special token that was not allowed (a story must not end itself, nor a user
        speak for the system) and for text that is not Unicode.
        """

    @abstractmethod
    def encode_batch(self, texts: Sequence[str]) -> list[list[int]]:
        """The token ids of many texts, encoded in parallel. No special tokens are allowed in them."""

    @property
    @abstractmethod
    def _bytes_of_id(self) -> list[bytes]:
        """The bytes of each token, in the order of their ids."""

    @abstractmethod
    def _content(self) -> dict[str, Any]:
        """All that makes this tokenizer differ from another one, ready for JSON."""

    @classmethod
    @abstractmethod
    def _from_content(cls, content: dict[str, Any]) -> Self:
        """The reverse of `_content`, trusting nothing but its format and version."""

    def encode_row(self, texts: Sequence[str]) -> NDArray[np.uint32]:
        """All texts as one row of token ids, each text followed by end-of-text. In parallel, as an array.

        Where another token begins a text, it follows the end: what `begin_of_text` says holds in the row too.
        """
        between = [self.end_of_text]
        if self.begin_of_text != self.end_of_text:
            between.append(self.begin_of_text)
        rows = [np.array(ids + between, np.uint32) for ids in self.encode_batch(texts)]
        return np.concatenate([np.empty(0, np.uint32), *rows])

    def decode(self, ids: Iterable[int]) -> str:
        """The text of token ids. Bytes that are not UTF-8 (a character cut in half) become U+FFFD."""
        return self.decode_bytes(ids).decode("utf-8", errors="replace")

    def decode_bytes(self, ids: Iterable[int]) -> bytes:
        """The bytes of token ids, exactly. Accepts any iterable of integers, also a 1-D tensor or array."""
        # Walking over a tensor element by element is a hundred times slower than over a list.
        return b"".join(map(self.token_bytes, ids.tolist() if hasattr(ids, "tolist") else ids))

    def token_bytes(self, token_id: int) -> bytes:
        """The bytes that one token stands for."""
        index = operator.index(token_id)
        if not 0 <= index < self.vocab_size:
            raise DataError(
                f"Token {index} is not in this vocabulary of {self.vocab_size} tokens.",
                "It comes from another tokenizer; use the one that the ids were made with.",
            )
        return self._bytes_of_id[index]

    def save(self, path: Path | str) -> None:
        """Write one readable JSON file, whole or not at all."""
        write_json(path, {**self._content(), "fingerprint": self.fingerprint})

    @classmethod
    def load(cls, path: Path | str) -> Self:
        """Read what `save` wrote, checking everything; DataError says in one sentence what is wrong."""
        return cls.from_saved(read_saved(path), path)

    @classmethod
    def from_saved(cls, content: Any, path: Path | str) -> Self:
        """The tokenizer in the content of a file that `save` wrote, as in `load`."""
        try:
            if not isinstance(content, dict) or content.get("format") != cls.FORMAT:
                raise DataError(f'it does not say "format": "{cls.FORMAT}".', AGAIN)
            if content.get("version") != VERSION:
                raise DataError(
                    f"it has version {content.get('version')}, and this slmlib reads {VERSION}.",
                    "Update slmlib.",
                )
            tokenizer = cls._from_content(content)
            if content.get("fingerprint") != tokenizer.fingerprint:
                raise DataError(
                    "its content does not match its fingerprint, so it was damaged or edited.", AGAIN
                )
            return tokenizer
        except DataError as error:
            raise DataError(f"{path} is not a usable tokenizer: {error.problem}", error.fix) from None

    def _require_known(self, allowed_special: Collection[str]) -> None:
        """DataError when what is allowed is no special token."""
        for name in allowed_special:
            if name not in self.special_tokens:
                raise DataError(
                    f"There is no special token {name!r}.", f"Known are {sorted(self.special_tokens)}."
                )


def read_saved(path: Path | str) -> Any:
    """The content of a file that `save` wrote, still unchecked."""
    try:
        return read_json(path)
    except SlmError as error:
        raise DataError(error.problem, error.fix) from None


def require_unicode(text: str) -> None:
    """DataError for half a surrogate pair, which UTF-8 cannot write."""
    if not text.isascii():
        try:
            text.encode("utf-8")
        except UnicodeEncodeError as error:
            raise lone_surrogate(error) from None


def disallowed_special(name: str, text: str) -> DataError:
    """The sentence for a special token in a text that may not hold it."""
    where = f" at character {text.index(name)}" if name in text else ""
    return DataError(
        f"The text contains the special token {name}{where}.",
        f"Remove it, or allow it with allowed_special=[{name!r}].",
    )
