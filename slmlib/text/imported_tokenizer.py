"""Tokenizers of models that were trained elsewhere, as their makers published them.

Pythia, Llama, Qwen or Phi each split, normalise and number text in their own way, all of which their tokenizer.json
says to the library `tokenizers`. That library does the encoding here too, so the ids are theirs by construction;
this file adds what a model of slmlib needs around them: where a text begins and ends, the bytes of every single
token, and a file for the checkpoint. Two ways of spelling tokens are known:

    byte-level       GPT-2's printable characters, one a byte (Pythia, OLMo, Llama 3, Qwen, Phi)
    SentencePiece    characters, "▁" for a space, and <0xE2> for the bytes of rare ones (Llama 1 and 2, Mistral)
"""

import json
import operator
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from slmlib.errors import DataError
from slmlib.text.base_tokenizer import (
    AGAIN,
    VERSION,
    BaseTokenizer,
    disallowed_special,
    read_saved,
    require_unicode,
)
from slmlib.text.bpe import BYTE_ALPHABET, BYTE_OF_ID
from slmlib.text.tokenizer import Tokenizer

if TYPE_CHECKING:
    import tokenizers

_BYTE_OF_CHARACTER = dict(zip(BYTE_ALPHABET, BYTE_OF_ID, strict=True))
_BYTE_PIECE = re.compile("<0x([0-9A-F]{2})>")
_SPELLED = {
    "byte-level": {byte: character for character, byte in _BYTE_OF_CHARACTER.items()},
    "SentencePiece": {byte: f"<0x{byte:02X}>" for byte in range(256)},
}
"""How each kind of tokenizer writes each byte."""
_BYTES_OF_TEXT = sorted({*range(256)} - {0xC0, 0xC1, 0xF1, 0xF2, *range(0xF5, 0x100)})
"""Those that UTF-8 needs for the characters that are assigned; some published tokenizers lack the others."""
_PROBE = "Once upon a time, 2 cats sat.\nThe end."


@dataclass(frozen=True, repr=False)
class ImportedTokenizer(BaseTokenizer):
    """A tokenizer.json of Hugging Face's as one of ours.

    rules: the content of tokenizer.json, as JSON; make one from it with `from_rules`.
    size: the model's vocabulary; rows of the model that no token uses stand for no text.
    begin, end: the ids that a text follows, and that follow a text.

    Raises DataError for a tokenizer that is no BPE which can spell every byte, that has more tokens than `size`,
    or that does not give a plain text back.
    """

    FORMAT = "slmlib imported tokenizer"

    rules: str
    size: int
    begin: int
    end: int

    def __post_init__(self) -> None:
        model = self._parsed["model"]
        kind = model.get("type", "BPE")
        if kind != "BPE" or not self._spelling:
            told = "BPE over whole characters" if kind == "BPE" else kind
            raise DataError(
                f"its kind is {told}.",
                "slmlib reads byte-level BPE, and SentencePiece's BPE with byte fallback.",
            )
        known = self._backend.get_vocab(with_added_tokens=False)
        spelled = _SPELLED[self._spelling]
        lost = [spelled[byte] for byte in _BYTES_OF_TEXT if spelled[byte] not in known]
        if lost:
            raise DataError(
                f"bytes of text are no tokens of it ({len(lost)}, {lost[-1]!r} among them): it would drop them.",
                "Take one that was trained with all bytes in its alphabet.",
            )
        if model.get("dropout"):
            raise DataError("it leaves out merges at random (BPE dropout).", "Set model.dropout to null.")
        last = max([self.begin, self.end, *self._backend.get_vocab().values()])
        if last >= self.size or min(self.begin, self.end) < 0:
            raise DataError(
                f"its tokens go up to {last}, and the model has {self.size} from 0 on.",
                "Take the tokenizer that the model was trained with.",
            )
        told = self.decode(self.encode(_PROBE))
        if told.lstrip(" ") != _PROBE:
            raise DataError(f"it reads {_PROBE!r} and gives {told!r} back.", "Take one that loses no text.")

    def __repr__(self) -> str:
        return f"ImportedTokenizer(vocab_size={self.size}, fingerprint={self.fingerprint[:12]!r})"

    @classmethod
    def from_rules(cls, content: Any, size: int, begin: int, end: int) -> Self:
        """From the parsed content of tokenizer.json. Cutting and padding, settings of a batch, are left out."""
        if not isinstance(content, dict) or not isinstance(content.get("model"), dict):
            raise DataError("it is not a tokenizer.json.", AGAIN)
        plain = content | {"truncation": None, "padding": None}
        return cls(json.dumps(plain, ensure_ascii=False, sort_keys=True), size, begin, end)

    @property
    def vocab_size(self) -> int:
        return self.size

    @property
    def begin_of_text(self) -> int:
        return self.begin

    @property
    def end_of_text(self) -> int:
        return self.end

    @cached_property
    def special_tokens(self) -> dict[str, int]:
        added = self._backend.get_added_tokens_decoder().items()
        return {token.content: index for index, token in added if token.special}

    @property
    def merges(self) -> list[tuple[str, str]]:
        """The pairs of tokens that become one, best first, spelled as in `piece`."""
        return [(first, second) for first, second in self._parsed["model"]["merges"]]

    def piece(self, token_id: int) -> str:
        """How tokenizer.json writes a token; empty for a row of the model that no token uses."""
        return self._backend.id_to_token(token_id) or ""

    def encode(self, text: str, allowed_special: Collection[str] = ()) -> list[int]:
        self._require_known(allowed_special)
        require_unicode(text)
        ids: list[int] = self._backend.encode(text, add_special_tokens=False).ids
        self._refuse_specials(text, ids, allowed_special)
        return ids

    def encode_batch(self, texts: Sequence[str]) -> list[list[int]]:
        for text in texts:
            require_unicode(text)
        rows = [found.ids for found in self._backend.encode_batch_fast(list(texts), add_special_tokens=False)]
        for text, ids in zip(texts, rows, strict=True):
            self._refuse_specials(text, ids, ())
        return rows

    def decode(self, ids: Iterable[int]) -> str:
        """The text of token ids, as their library tells it: without the space that SentencePiece puts in front.

        What continues a text keeps that space: it is in `decode_bytes`.
        """
        listed = ids.tolist() if hasattr(ids, "tolist") else ids
        known = [operator.index(token) for token in listed if self.token_bytes(token)]
        text: str = self._backend.decode(known, skip_special_tokens=False)
        return text

    def _refuse_specials(self, text: str, ids: list[int], allowed_special: Collection[str]) -> None:
        """DataError for a special token that was not allowed."""
        if not self._names_of_specials.keys().isdisjoint(ids):
            for name in (self._names_of_specials[token] for token in ids if token in self._names_of_specials):
                if name not in allowed_special:
                    raise disallowed_special(name, text)

    def _content(self) -> dict[str, Any]:
        return {
            "format": self.FORMAT,
            "version": VERSION,
            "vocab_size": self.size,
            "begin_of_text": self.begin,
            "end_of_text": self.end,
            "rules": self._parsed,
        }

    @classmethod
    def _from_content(cls, content: dict[str, Any]) -> Self:
        size, begin, end = (content.get(name) for name in ("vocab_size", "begin_of_text", "end_of_text"))
        if not (type(size) is type(begin) is type(end) is int):
            raise DataError("its sizes are missing or no numbers.", AGAIN)
        return cls.from_rules(content.get("rules"), size, begin, end)

    @cached_property
    def _parsed(self) -> dict[str, Any]:
        parsed: dict[str, Any] = json.loads(self.rules)
        return parsed

    @cached_property
    def _backend(self) -> "tokenizers.Tokenizer":
        import tokenizers

        try:
            return tokenizers.Tokenizer.from_str(self.rules)
        except Exception as error:  # it has only this one kind
            raise DataError(f"the library tokenizers refuses it ({error}).", AGAIN) from None

    @cached_property
    def _spelling(self) -> str:
        """How tokens spell bytes; empty for tokens that are characters."""
        if {"ByteLevel"} <= _parts(self._parsed.get("pre_tokenizer")) & _parts(self._parsed.get("decoder")):
            return "byte-level"
        if self._parsed["model"].get("byte_fallback") and "ByteFallback" in _parts(
            self._parsed.get("decoder")
        ):
            return "SentencePiece"
        return ""

    @cached_property
    def _bytes_of_id(self) -> list[bytes]:
        spell = _byte_level if self._spelling == "byte-level" else _sentencepiece
        return [spell(self.piece(index)) for index in range(self.size)]

    @cached_property
    def _names_of_specials(self) -> dict[int, str]:
        return {index: name for name, index in self.special_tokens.items()}


def load_tokenizer(path: Path | str) -> BaseTokenizer:
    """Read a tokenizer of either kind that was saved here; DataError says in one sentence what is wrong."""
    content = read_saved(path)
    imported = isinstance(content, dict) and content.get("format") == ImportedTokenizer.FORMAT
    return (ImportedTokenizer if imported else Tokenizer).from_saved(content, path)


def _parts(component: Any) -> set[str]:
    """The types of a component of tokenizer.json and, for a sequence, of what it holds."""
    if not isinstance(component, dict):
        return set()
    inner = [part for value in component.values() if isinstance(value, list) for part in value]
    return {str(component.get("type"))}.union(*map(_parts, inner))


def _byte_level(piece: str) -> bytes:
    """The bytes of a token in GPT-2's alphabet. An added token may have other characters: it stands for itself."""
    if all(character in _BYTE_OF_CHARACTER for character in piece):
        return bytes(_BYTE_OF_CHARACTER[character] for character in piece)
    return piece.encode("utf-8")


def _sentencepiece(piece: str) -> bytes:
    """The bytes of a token of SentencePiece."""
    byte = _BYTE_PIECE.fullmatch(piece)
    return bytes([int(byte[1], 16)]) if byte else piece.replace("▁", " ").encode("utf-8")
