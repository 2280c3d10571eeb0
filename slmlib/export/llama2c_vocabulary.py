"""Tokenizers as llama2.c's tokenizer.bin, and back.

    int32 length of the longest token; then for each token: float32 score, int32 length, its bytes

run.c has no split pattern and no list of merges. It starts from single characters (a character that is no token
from its bytes, byte b being token b + 3) and joins, again and again, the two neighbours whose join has the
highest score: that is SentencePiece, and Llama's own tokenizer, or another one of that layout, goes out and in with the
same ids. Ours goes too, with minus a merge's rank as its score: BPE over the whole text at once. What that changes:

- run.c puts a space before every prompt, so that its "Once" is our " Once".
- Merges may cross the borders of GPT-2's split pattern. In ` 'the` our quotation mark stays with its space, while
  run.c may join `'t`. Most prose comes out equal; some quotation marks, apostrophes and runs of spaces do not.
- Token 1 begins every prompt and ends every text: here it is end-of-text. run.c's chat mode and `<unk>` have no
  counterpart; tokens 0 and 2, reserved for them by Llama's tokenizer, are ordinary ones.
- A byte that is only part of a character is not printed by run.c.

So the ids differ from ours; `ids_in_file` says how.
"""

import math
import struct
from pathlib import Path

from slmlib.errors import DataError
from slmlib.export.sentencepiece import SPACE, Kind, Piece, sentencepiece_rules
from slmlib.files import atomic_write
from slmlib.text.base_tokenizer import BaseTokenizer
from slmlib.text.bpe import BYTE_OF_ID, NUM_BYTES
from slmlib.text.imported_tokenizer import ImportedTokenizer
from slmlib.text.tokenizer import Tokenizer

_BEGIN = 1
_LENGTH, _TOKEN = struct.Struct("<i"), struct.Struct("<fi")
_NEVER = -1e10
"""A score that no join of run.c ever takes: for special tokens."""
_LLAMAS_BYTES = [b"<0x%02X>" % value for value in range(NUM_BYTES)]
_LLAMAS_MARKS = [b"<unk>", b"\n<s>\n", b"\n</s>\n"]


def ids_in_file(tokenizer: BaseTokenizer) -> list[int]:
    """Our id of each token of tokenizer.bin, in its order: end-of-text at 1, byte b at b + 3, the rest around.

    Raises DataError for a tokenizer without two more tokens to fill places 0 and 2, and for an imported one that
    is not laid out as Llama's.
    """
    if isinstance(tokenizer, ImportedTokenizer):
        bytes_at_3 = [tokenizer.piece(token).encode("utf-8") for token in range(3, 3 + NUM_BYTES)]
        if bytes_at_3 != _LLAMAS_BYTES or tokenizer.begin_of_text != _BEGIN:
            raise DataError(
                "llama2.c cannot read with this tokenizer: it is not laid out as Llama's.",
                "Export a Hugging Face folder instead.",
            )
        return list(range(tokenizer.vocab_size))
    last = tokenizer.end_of_text
    rest = [token for token in range(NUM_BYTES, tokenizer.vocab_size) if token != last]
    if len(rest) < 2:
        raise DataError(
            f"llama2.c needs at least {NUM_BYTES + 3} tokens; this tokenizer has {tokenizer.vocab_size}.",
            "Train one with a few merges.",
        )
    by_value = sorted(range(NUM_BYTES), key=BYTE_OF_ID.__getitem__)
    return [rest[0], last, rest[1], *by_value, *rest[2:]]


def write_tokenizer(path: Path | str, tokenizer: BaseTokenizer) -> None:
    """Write tokenizer.bin, whole or not at all."""
    order = ids_in_file(tokenizer)
    if isinstance(tokenizer, ImportedTokenizer):
        entries = _llamas_entries(tokenizer)
    else:
        assert isinstance(tokenizer, Tokenizer)
        entries = _our_entries(tokenizer)
    with atomic_write(path) as file:
        file.write(_LENGTH.pack(max(len(content) for _, content in entries)))
        for score, content in (entries[token] for token in order):
            file.write(_TOKEN.pack(score, len(content)) + content)


def read_tokenizer(path: Path | str, vocab_size: int) -> tuple[BaseTokenizer, list[int]]:
    """The tokenizer of a file like those above, and our id of each of its tokens.

    vocab_size: of the model; the file does not say it. Raises DataError for a file that is missing, damaged, or
    neither Llama's nor a byte-level BPE with end-of-text.
    """
    path = Path(path)
    entries = _entries(path, vocab_size)
    if [content for _, content in entries[3 : 3 + NUM_BYTES]] == _LLAMAS_BYTES:
        return _llamas(entries, path), list(range(vocab_size))
    places = {content: place for place, (_, content) in enumerate(entries)}
    if len(places) < vocab_size:
        raise _foreign(path, "two of its tokens are the same bytes")
    if any(bytes([value]) not in places for value in range(NUM_BYTES)):
        raise _foreign(path, "it lacks some of the 256 single bytes")
    longer = [(score, place) for place, (score, content) in enumerate(entries) if len(content) > 1]
    if not all(math.isfinite(score) for score, _ in longer):
        raise _foreign(path, "its scores are no ranks")
    special = [place for score, place in longer if score <= _NEVER]
    ranked = [place for score, place in sorted(longer, reverse=True) if score > _NEVER]
    if len({entries[place][0] for place in ranked}) < len(ranked):
        raise _foreign(path, "some of its merges have the same score")
    merges = _merges([entries[place][1] for place in ranked], path)
    try:
        names = tuple(entries[place][1].decode("utf-8") for place in special)
        tokenizer = Tokenizer(tuple(merges), names)
    except (UnicodeDecodeError, DataError) as error:
        raise _foreign(path, str(error).rstrip(".")) from None
    ours = [places[bytes([value])] for value in BYTE_OF_ID] + ranked + special
    return tokenizer, sorted(range(vocab_size), key=ours.__getitem__)


def _our_entries(tokenizer: Tokenizer) -> list[tuple[float, bytes]]:
    """Score and bytes of each of our tokens, by its id."""
    first_special = NUM_BYTES + len(tokenizer.merges)
    return [
        (_NEVER if token >= first_special else -max(0, token - NUM_BYTES), tokenizer.token_bytes(token))
        for token in range(tokenizer.vocab_size)
    ]


def _llamas_entries(tokenizer: ImportedTokenizer) -> list[tuple[float, bytes]]:
    """Score and text of each token, by its id: the earlier a merge makes it, the higher its score."""
    scores: dict[str, float] = {}
    for rank, (left, right) in enumerate(tokenizer.merges):
        scores.setdefault(left + right, -rank)
    pieces = [tokenizer.piece(token) or f"<unused-{token}>" for token in range(tokenizer.vocab_size)]
    texts = [piece.replace(SPACE, " ").encode("utf-8") for piece in pieces]
    scored = [(scores.get(piece, _NEVER), text) for piece, text in zip(pieces, texts, strict=True)]
    return [(_NEVER, mark) for mark in _LLAMAS_MARKS] + scored[len(_LLAMAS_MARKS) :]


def _llamas(entries: list[tuple[float, bytes]], path: Path) -> ImportedTokenizer:
    """A tokenizer laid out as Llama's. run.c ends a text at the token that begins one, and so does this."""
    try:
        texts = [content.decode("utf-8").replace(" ", SPACE) for _, content in entries]
    except UnicodeDecodeError as error:
        raise _foreign(path, str(error)) from None
    marks = [
        Piece("<unk>", kind=Kind.UNKNOWN),
        Piece("<s>", kind=Kind.CONTROL),
        Piece("</s>", kind=Kind.CONTROL),
    ]
    pieces = marks + [Piece(text, kind=Kind.BYTE) for text in texts[3 : 3 + NUM_BYTES]]
    pieces += [Piece(text, score) for text, (score, _) in zip(texts, entries, strict=True)][3 + NUM_BYTES :]
    try:
        rules = sentencepiece_rules(pieces, _BEGIN)
        return ImportedTokenizer.from_rules(rules, len(pieces), _BEGIN, _BEGIN)
    except DataError as error:
        raise _foreign(path, error.problem.rstrip(".")) from None


def _entries(path: Path, vocab_size: int) -> list[tuple[float, bytes]]:
    """Score and bytes of each token."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError(
            f"{path} cannot be read: {error.strerror}.", "Put the model's tokenizer.bin beside it."
        ) from None
    entries: list[tuple[float, bytes]] = []
    at = _LENGTH.size
    while at < len(content) and len(entries) <= vocab_size:
        score, length = _TOKEN.unpack_from(content, at) if at + _TOKEN.size <= len(content) else (0.0, 0)
        at += _TOKEN.size
        if not 1 <= length <= len(content) - at:
            raise _foreign(path, f"it breaks off or is damaged at token {len(entries)}")
        entries.append((score, content[at : at + length]))
        at += length
    if len(entries) != vocab_size:
        more = "more than" if len(entries) > vocab_size else f"{len(entries)} instead of"
        raise _foreign(path, f"it holds {more} the model's {vocab_size} tokens")
    return entries


def _merges(contents: list[bytes], path: Path) -> list[tuple[int, int]]:
    """The pairs that make these tokens, best first: each token is what earlier merges leave in two parts."""
    ids = {bytes([value]): token for token, value in enumerate(BYTE_OF_ID)}
    merges = []
    for rank, content in enumerate(contents):
        parts = [content[at : at + 1] for at in range(len(content))]
        while len(parts) > 2:
            joins = [(ids.get(parts[at] + parts[at + 1], math.inf), at) for at in range(len(parts) - 1)]
            best, at = min(joins)
            if best == math.inf:
                raise _foreign(path, f"no two tokens before it make {content!r}")
            parts[at : at + 2] = [parts[at] + parts[at + 1]]
        merges.append((ids[parts[0]], ids[parts[1]]))
        ids[content] = NUM_BYTES + rank
    return merges


def _foreign(path: Path, reason: str) -> DataError:
    return DataError(
        f"{path} cannot be one of slmlib's tokenizers: {reason}.",
        "In Python, slmlib.export.llama2c.read_llama2c gives the model alone.",
    )
