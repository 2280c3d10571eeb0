"""Our tokenizer as Hugging Face's tokenizer.json, and back where theirs is one of ours."""

from typing import Any

from slmlib.errors import DataError
from slmlib.text.bpe import BYTE_ALPHABET, NUM_BYTES
from slmlib.text.tokenizer import END_OF_TEXT, Tokenizer


def to_hf_tokenizer(tokenizer: Tokenizer) -> dict[str, Any]:
    """The content of tokenizer.json: the same ids for the same text, with end-of-text in front.

    The end-of-text token is there because every story in training followed one, so every prompt does.
    """
    pieces = _printable(tokenizer.merges)
    special = tokenizer.special_tokens
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    begin = {"SpecialToken": {"id": END_OF_TEXT, "type_id": 0}}
    first, second = ({"Sequence": {"id": name, "type_id": 0}} for name in "AB")
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [
            dict(
                id=i,
                content=name,
                single_word=False,
                lstrip=False,
                rstrip=False,
                normalized=False,
                special=True,
            )
            for name, i in special.items()
        ],
        "normalizer": None,
        "pre_tokenizer": byte_level,  # its regular expression is GPT-2's, and ours
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [begin, first],
            "pair": [begin, first, second],
            "special_tokens": {
                END_OF_TEXT: {"id": END_OF_TEXT, "ids": [tokenizer.end_of_text], "tokens": [END_OF_TEXT]}
            },
        },
        "decoder": byte_level,
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": None,
            "continuing_subword_prefix": None,
            "end_of_word_suffix": None,
            "fuse_unk": False,
            "byte_fallback": False,
            "ignore_merges": False,
            "vocab": {piece: index for index, piece in enumerate(pieces)} | special,
            "merges": [[pieces[first], pieces[second]] for first, second in tokenizer.merges],
        },
    }


def from_hf_tokenizer(content: Any, vocab_size: int) -> Tokenizer:
    """Our tokenizer for their tokenizer.json, if it does the same: byte-level BPE as in GPT-2.

    vocab_size: of the model; rows that no token uses get names like <|unused-0|>. Raises DataError for a
    tokenizer that splits otherwise, changes the text first, or numbers its tokens otherwise.
    """
    if not isinstance(content, dict) or not isinstance(content.get("model"), dict):
        raise _foreign("it is not a tokenizer.json")
    model, before = content["model"], content.get("pre_tokenizer") or {}
    if model.get("type", "BPE") != "BPE" or model.get("byte_fallback") or model.get("unk_token"):
        raise _foreign("it is not a byte-level BPE")
    if (
        before.get("type") != "ByteLevel"
        or before.get("add_prefix_space")
        or not before.get("use_regex", True)
    ):
        raise _foreign("it does not split text as GPT-2 does")
    if content.get("normalizer"):
        raise _foreign("it changes the text before splitting it")
    ids: dict[str, int] = {character: index for index, character in enumerate(BYTE_ALPHABET)}
    merges = []
    for index, merge in enumerate(model.get("merges", [])):
        first, second = merge.split(" ") if isinstance(merge, str) else merge
        if first not in ids or second not in ids:
            raise _foreign(f"merge {index} joins tokens that do not exist there")
        merges.append((ids[first], ids[second]))
        ids[first + second] = NUM_BYTES + index
    special = {token["content"]: token["id"] for token in content.get("added_tokens", [])}
    vocab = model.get("vocab", {})
    if any(vocab.get(piece) != index for piece, index in ids.items()):
        raise _foreign("its tokens are not numbered bytes first, then merges")
    names = [name for name, _ in sorted(special.items(), key=lambda item: item[1])]
    last = len(ids) + len(names)
    if [special[name] for name in names] != list(range(len(ids), last)) or vocab_size < last:
        raise _foreign("its special tokens are not numbered after the merges")
    names += [f"<|unused-{index}|>" for index in range(vocab_size - last)]
    return Tokenizer(tuple(merges), tuple(names))


def _printable(merges: tuple[tuple[int, int], ...]) -> list[str]:
    """Bytes and merged tokens, in printable characters."""
    pieces = list(BYTE_ALPHABET)
    for first, second in merges:
        pieces.append(pieces[first] + pieces[second])
    return pieces


def _foreign(reason: str) -> DataError:
    return DataError(
        f"The tokenizer cannot be one of slmlib's: {reason}.",
        "In Python, slmlib.export.folders.read_model gives the model alone; take AutoTokenizer for its text.",
    )
