"""SentencePiece's BPE (Kudo and Richardson 2018), the tokenizer of Llama 1 and 2, as a tokenizer.json.

It has no list of merges: every token has a score, and of all neighbours whose join is a token the join of the
highest score goes first. Written as merges, a token gets one for each of the ways to cut it into two tokens. Its file,
tokenizer.model, is a message of Protocol Buffers (sentencepiece_model.proto), of which a few fields matter here.
"""

import base64
import struct
from collections.abc import Sequence
from enum import IntEnum
from pathlib import Path
from typing import Any, NamedTuple

from slmlib.errors import DataError
from slmlib.export.tokenizer_json import added_token, begin_with, bpe_model

SPACE = "▁"
_KINDS = {1: "Unigram", 2: "BPE", 3: "word", 4: "character"}
_FIX = "slmlib reads SentencePiece's BPE with byte fallback, as Llama's; for another kind, give a tokenizer.json."


class Kind(IntEnum):
    """What a piece is, as numbered in the file."""

    NORMAL, UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE = range(1, 7)


class Piece(NamedTuple):
    """A token: its text with SPACE for a space, its score, and what it is."""

    text: str
    score: float = 0.0
    kind: int = Kind.NORMAL


def read_sentencepiece(path: Path) -> dict[str, Any]:
    """The content of a tokenizer.json that does what this tokenizer.model does.

    Raises DataError for a file that is damaged, another kind than BPE, or one that drops spaces.
    """
    try:
        model = _message(path.read_bytes())
        trainer, normalizer = (_message(model.get(number, [b""])[-1]) for number in (2, 3))
        pieces = [_piece(content) for content in model[1]]
        [kind], [charsmap] = trainer.get(3, [1]), normalizer.get(2, [b""])
        [prefix], [drops_spaces] = normalizer.get(3, [1]), normalizer.get(4, [1])
        begin = trainer.get(41, [1])[-1]
    except (ValueError, LookupError, TypeError, AttributeError, struct.error) as error:
        raise DataError(f"{path.name} is no SentencePiece model ({error}).", _FIX) from None
    except OSError as error:
        raise DataError(f"{path.name} cannot be read ({error.strerror}).", "Get it anew.") from None
    if kind != 2:
        raise DataError(f"its kind is {_KINDS.get(kind, 'unknown')}.", _FIX)
    if drops_spaces:
        raise DataError("it makes one space of several.", _FIX)
    return sentencepiece_rules(pieces, begin, bool(prefix), charsmap)


def sentencepiece_rules(
    pieces: Sequence[Piece], begin: int, prefix: bool = True, charsmap: bytes = b""
) -> dict[str, Any]:
    """The content of a tokenizer.json for these tokens, in the order of their ids.

    begin: the id that a text follows. prefix: whether a space is put in front of a text. charsmap: compiled rules
    for normalising Unicode, empty for none.
    """
    vocab = {piece.text: index for index, piece in enumerate(pieces)}
    unknown = next((piece.text for piece in pieces if piece.kind == Kind.UNKNOWN), None)
    if len(vocab) < len(pieces) or unknown is None or not any(piece.kind == Kind.BYTE for piece in pieces):
        raise DataError("it has equal tokens, none for unknown text, or none for bytes.", _FIX)
    marks = (Kind.UNKNOWN, Kind.CONTROL)
    before: list[dict[str, Any]] = []
    if charsmap:
        before.append({"type": "Precompiled", "precompiled_charsmap": base64.b64encode(charsmap).decode()})
    if prefix:
        before.append({"type": "Prepend", "prepend": SPACE})
    before.append({"type": "Replace", "pattern": {"String": " "}, "content": SPACE})
    after: list[dict[str, Any]] = [
        {"type": "Replace", "pattern": {"String": SPACE}, "content": " "},
        {"type": "ByteFallback"},
        {"type": "Fuse"},
    ]
    if prefix:
        after.append({"type": "Strip", "content": " ", "start": 1, "stop": 0})
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [
            added_token(piece.text, index, special=piece.kind in marks)
            for index, piece in enumerate(pieces)
            if piece.kind in (*marks, Kind.USER_DEFINED)
        ],
        "normalizer": {"type": "Sequence", "normalizers": before},
        "pre_tokenizer": None,
        "post_processor": begin_with(pieces[begin].text, begin) if 0 <= begin < len(pieces) else None,
        "decoder": {"type": "Sequence", "decoders": after},
        "model": bpe_model(vocab, _merges(pieces), unknown),
    }


def _merges(pieces: Sequence[Piece]) -> list[tuple[str, str]]:
    """Every way to join two tokens into a third: those that make a token of a higher score first."""
    normal = {piece.text: piece.score for piece in pieces if piece.kind == Kind.NORMAL}
    ways = [
        (score, text[:at], text[at:])
        for text, score in normal.items()
        for at in range(1, len(text))
        if text[:at] in normal and text[at:] in normal
    ]
    # Of the ways to one token the library tries the first; the longer left part is transformers' choice.
    ways.sort(key=lambda way: (way[0], len(way[1]), len(way[2])), reverse=True)
    return [(left, right) for _, left, right in ways]


def _piece(content: bytes) -> Piece:
    fields = _message(content)
    [text], [score], [kind] = fields[1], fields.get(2, [0.0]), fields.get(3, [Kind.NORMAL])
    return Piece(text.decode("utf-8"), score, kind)


def _message(content: bytes) -> dict[int, list[Any]]:
    """The fields of a message of Protocol Buffers by their numbers. A field may occur several times."""
    fields: dict[int, list[Any]] = {}
    at = 0
    while at < len(content):
        value: Any
        tag, at = _varint(content, at)
        match tag & 7:
            case 0:
                value, at = _varint(content, at)
            case 1:
                [value], at = struct.unpack_from("<d", content, at), at + 8
            case 2:
                length, at = _varint(content, at)
                value, at = content[at : at + length], at + length
            case 5:
                [value], at = struct.unpack_from("<f", content, at), at + 4
            case other:
                raise ValueError(f"wire type {other}")
        fields.setdefault(tag >> 3, []).append(value)
    if at != len(content):
        raise ValueError("it breaks off")
    return fields


def _varint(content: bytes, at: int) -> tuple[int, int]:
    """A number in groups of seven bits, lowest first, and where the next field begins."""
    value = shift = 0
    while True:
        byte = content[at]
        value, shift, at = value | (byte & 127) << shift, shift + 7, at + 1
        if byte < 128:
            return value, at
