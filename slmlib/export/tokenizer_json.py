"""The parts of Hugging Face's tokenizer.json that tokenizers of different kinds share."""

import json
from collections.abc import Sequence
from typing import Any

from slmlib.errors import DataError


def added_token(name: str, token_id: int, special: bool = True) -> dict[str, Any]:
    """A token that is cut out of the text before anything else happens to it, and stands for its name."""
    return dict(
        id=token_id,
        content=name,
        single_word=False,
        lstrip=False,
        rstrip=False,
        normalized=False,
        special=special,
    )


def begin_with(name: str, token_id: int) -> dict[str, Any]:
    """The post_processor that puts a special token in front of what is encoded."""
    begin = {"SpecialToken": {"id": name, "type_id": 0}}
    first, second = ({"Sequence": {"id": which, "type_id": 0}} for which in "AB")
    return {
        "type": "TemplateProcessing",
        "single": [begin, first],
        "pair": [begin, first, second],
        "special_tokens": {name: {"id": name, "ids": [token_id], "tokens": [name]}},
    }


def bpe_model(
    vocab: dict[str, int], merges: Sequence[tuple[str, str]], unknown: str | None = None
) -> dict[str, Any]:
    """BPE with these tokens and these merges, best first.

    unknown: given for SentencePiece, which falls back to bytes (<0xE2>) for characters that are no tokens, and to
    this token where a byte is none.
    """
    return {
        "type": "BPE",
        "dropout": None,
        "unk_token": unknown,
        "continuing_subword_prefix": None,
        "end_of_word_suffix": None,
        "fuse_unk": unknown is not None,
        "byte_fallback": unknown is not None,
        "ignore_merges": False,
        "vocab": vocab,
        "merges": [list(pair) for pair in merges],
    }


def completed(content: Any) -> dict[str, Any]:
    """A tokenizer.json with every setting written out and each merge as a pair, as the newest library writes it.

    Raises DataError for what is none.
    """
    import tokenizers

    try:
        text = tokenizers.Tokenizer.from_str(json.dumps(content)).to_str()
    except Exception as error:  # the library knows only this kind
        raise DataError(f"it is no tokenizer.json ({error}).", "Get it anew.") from None
    whole: dict[str, Any] = json.loads(text)
    return whole
