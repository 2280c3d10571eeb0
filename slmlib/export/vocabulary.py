"""Hugging Face's tokenizer.json in and out: ours written as theirs, theirs read as one of ours."""

import json
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from slmlib.errors import DataError
from slmlib.export.sentencepiece import read_sentencepiece
from slmlib.export.tokenizer_json import added_token, begin_with, bpe_model, completed
from slmlib.files import read_json
from slmlib.text.base_tokenizer import BaseTokenizer
from slmlib.text.imported_tokenizer import ImportedTokenizer
from slmlib.text.tokenizer import END_OF_TEXT, Tokenizer, merges_in_ids, printable_tokens


def to_hf_tokenizer(tokenizer: BaseTokenizer) -> dict[str, Any]:
    """The content of tokenizer.json: the same ids for the same text.

    An imported tokenizer is written as it came. Ours puts end-of-text in front: every story in training followed
    one, so every prompt does.
    """
    if isinstance(tokenizer, ImportedTokenizer):
        rules: dict[str, Any] = json.loads(tokenizer.rules)
        return rules
    assert isinstance(tokenizer, Tokenizer)
    pieces = printable_tokens(tokenizer.merges)
    special = tokenizer.special_tokens
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [added_token(name, index) for name, index in special.items()],
        "normalizer": None,
        "pre_tokenizer": byte_level,  # its regular expression is GPT-2's, and ours
        "post_processor": begin_with(END_OF_TEXT, tokenizer.end_of_text),
        "decoder": byte_level,
        "model": bpe_model(
            {piece: index for index, piece in enumerate(pieces)} | special,
            [(pieces[first], pieces[second]) for first, second in tokenizer.merges],
        ),
    }


def read_hf_tokenizer(folder: Path, vocab_size: int) -> BaseTokenizer:
    """The tokenizer in a Hugging Face folder: tokenizer.json, or SentencePiece's tokenizer.model where it is alone.

    vocab_size: of the model. Raises DataError, with the reason, for a tokenizer that slmlib cannot be.
    """
    settings: dict[str, Any] = {}
    for name in ("config.json", "tokenizer_config.json"):
        found = read_json(folder / name) if (folder / name).is_file() else {}
        settings |= found if isinstance(found, dict) else {}
    rules, model = folder / "tokenizer.json", folder / "tokenizer.model"
    try:
        content = read_sentencepiece(model) if model.is_file() and not rules.is_file() else read_json(rules)
        return from_hf_tokenizer(content, vocab_size, settings)
    except DataError as error:
        raise DataError(
            f"The tokenizer cannot be one of slmlib's: {error.problem}",
            f"{error.fix} In Python, slmlib.export.folders.read_model gives the model alone.",
        ) from None


def from_hf_tokenizer(
    content: Any, vocab_size: int, settings: Mapping[str, Any] = MappingProxyType({})
) -> BaseTokenizer:
    """The tokenizer that the content of a tokenizer.json describes.

    GPT-2's layout becomes a `Tokenizer`, as if it had been learned here; rows of the model that no token uses get
    names like <|unused-0|>. Any other becomes an `ImportedTokenizer`. settings: of config.json and
    tokenizer_config.json, which say what begins and ends a text.
    """
    content = completed(content)
    ours = _as_ours(content, vocab_size)
    if ours is not None:
        return ours
    end = _mark("eos", content, settings)
    begin = _mark("bos", content, settings)
    if end is None:
        raise DataError(
            "nothing says which of its tokens ends a text.", "Name it as eos_token in tokenizer_config.json."
        )
    return ImportedTokenizer.from_rules(content, vocab_size, end if begin is None else begin, end)


def _as_ours(content: dict[str, Any], vocab_size: int) -> Tokenizer | None:
    """A byte-level BPE that splits as GPT-2 does, numbered bytes first, then merges, then special tokens."""
    model, split = content["model"], content["pre_tokenizer"] or {}
    if model["type"] != "BPE" or model["byte_fallback"] or model["unk_token"] or content["normalizer"]:
        return None
    if not split.items() >= {"type": "ByteLevel", "add_prefix_space": False, "use_regex": True}.items():
        return None
    merges = merges_in_ids(model["merges"])
    if len(merges) < len(model["merges"]):
        return None
    ids = {piece: index for index, piece in enumerate(printable_tokens(merges))}
    special = {token["content"]: token["id"] for token in content["added_tokens"] if token["special"]}
    names = sorted(special, key=special.__getitem__)
    if _all_ids(content) != ids | {name: len(ids) + index for index, name in enumerate(names)}:
        return None
    names += [f"<|unused-{index}|>" for index in range(vocab_size - len(ids) - len(names))]
    try:
        tokenizer = Tokenizer(merges, tuple(names))
    except DataError:  # it lacks <|endoftext|>, or has names that cannot be told apart
        return None
    return tokenizer if tokenizer.vocab_size == vocab_size else None


def _mark(kind: str, content: dict[str, Any], settings: Mapping[str, Any]) -> int | None:
    """The id of the bos or eos token: by the name in tokenizer_config.json, else by the number in config.json."""
    name, number = settings.get(f"{kind}_token"), settings.get(f"{kind}_token_id")
    name = name.get("content") if isinstance(name, dict) else name
    number = number[0] if isinstance(number, list) and number else number
    ids = _all_ids(content)
    if isinstance(name, str) and name in ids:
        return ids[name]
    if type(number) is int:
        return number
    return ids.get(END_OF_TEXT) if kind == "eos" else None


def _all_ids(content: dict[str, Any]) -> dict[str, int]:
    """The id of each token, also of those that were added later."""
    vocab = content["model"]["vocab"]
    added = {token["content"]: token["id"] for token in content["added_tokens"]}
    return (vocab if isinstance(vocab, dict) else {}) | added
