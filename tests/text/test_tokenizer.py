import dataclasses
import json

import numpy as np
import pytest
import regex
import tiktoken
import torch
from hypothesis import given
from hypothesis import strategies as st

from slmlib.errors import DataError
from slmlib.text.bpe import BYTE_OF_ID
from slmlib.text.tokenizer import END_OF_TEXT, Tokenizer

unicode_text = st.text(st.characters(exclude_categories=("Cs",)))


def naive_encode(tokenizer, text):
    """Apply the merges one after the other, as they were learned, to each pre-token."""
    pattern = r"""'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"""
    ids = []
    for pretoken in regex.findall(pattern, text):
        word = [BYTE_OF_ID.index(byte) for byte in pretoken.encode()]
        for index, pair in enumerate(tokenizer.merges):
            place = 0
            while place < len(word) - 1:
                if (word[place], word[place + 1]) == pair:
                    word[place : place + 2] = [256 + index]
                place += 1
        ids += word
    return ids


@given(unicode_text)
def test_round_trip_byte_for_byte(tokenizer, text):
    ids = tokenizer.encode(text)
    assert tokenizer.decode(ids) == text
    assert tokenizer.decode_bytes(ids) == text.encode()
    assert all(0 <= index < tokenizer.vocab_size for index in ids)


@given(st.text("TheOnceuponatim catsd'.,!\n 1é", max_size=60))
def test_encoding_applies_the_merges_in_order(tokenizer, text):
    assert tokenizer.encode(text) == naive_encode(tokenizer, text)


@given(st.lists(unicode_text, max_size=6))
def test_many_texts_at_once_are_the_same_as_one_by_one(tokenizer, texts):
    one_by_one = [tokenizer.encode(text) for text in texts]
    assert tokenizer.encode_batch(texts) == one_by_one
    row = tokenizer.encode_row(texts)
    assert row.dtype == np.uint32
    assert row.tolist() == [index for ids in one_by_one for index in [*ids, tokenizer.end_of_text]]


def test_a_row_longer_than_one_piece(tokenizer, stories):
    texts = stories * 50
    expected = [index for ids in tokenizer.encode_batch(texts) for index in [*ids, tokenizer.end_of_text]]
    assert tokenizer.encode_row(texts).tolist() == expected


def test_the_ids(tokenizer):
    assert tokenizer.vocab_size == 320
    assert tokenizer.special_tokens == {END_OF_TEXT: 319}
    assert tokenizer.end_of_text == 319
    assert len(tokenizer.merges) == 320 - 256 - 1
    assert [tokenizer.token_bytes(index) for index in range(256)] == [bytes([byte]) for byte in BYTE_OF_ID]
    first, second = tokenizer.merges[0]
    assert tokenizer.token_bytes(256) == tokenizer.token_bytes(first) + tokenizer.token_bytes(second)
    assert tokenizer.token_bytes(319) == END_OF_TEXT.encode()


def test_tensors_and_arrays_decode_too(tokenizer):
    ids = tokenizer.encode("The cat was happy.")
    assert tokenizer.decode(torch.tensor(ids)) == "The cat was happy."
    assert tokenizer.decode(np.array(ids, dtype=np.uint16)) == "The cat was happy."
    assert tokenizer.token_bytes(torch.tensor(ids[0])) == tokenizer.token_bytes(ids[0])


def test_half_a_character_decodes_to_the_replacement_character(tokenizer):
    half = [BYTE_OF_ID.index(byte) for byte in "é".encode()][:1]
    assert tokenizer.decode([*tokenizer.encode("a"), *half]) == "a\ufffd"
    assert tokenizer.decode_bytes(half) == b"\xc3"


@pytest.mark.parametrize("wrong", [320, -1, 10**9])
def test_an_id_outside_the_vocabulary_is_refused(tokenizer, wrong):
    with pytest.raises(DataError, match=f"Token {wrong} is not in this vocabulary of 320"):
        tokenizer.decode([1, wrong])


def test_special_tokens_in_text_are_refused_unless_allowed(tokenizer):
    text = f"The end.{END_OF_TEXT}Once"
    for encode in (
        tokenizer.encode,
        lambda text: tokenizer.encode_batch(["a", text]),
        lambda text: tokenizer.encode_row([text]),
    ):
        with pytest.raises(DataError, match=r"special token <\|endoftext\|> at character 8"):
            encode(text)
    ids = tokenizer.encode(text, allowed_special=[END_OF_TEXT])
    assert ids == [*tokenizer.encode("The end."), 319, *tokenizer.encode("Once")]
    assert tokenizer.decode(ids) == text
    with pytest.raises(DataError, match="no special token '<pad>'"):
        tokenizer.encode("x", allowed_special=["<pad>"])


def test_allowing_one_special_token_does_not_allow_another(stories):
    tokenizer = Tokenizer.train(stories, 300, ["<user>", END_OF_TEXT])
    assert tokenizer.special_tokens == {"<user>": 298, END_OF_TEXT: 299}
    with pytest.raises(DataError, match="<user>"):
        tokenizer.encode(f"<user>{END_OF_TEXT}", allowed_special=[END_OF_TEXT])


def test_half_a_surrogate_pair_is_refused_in_words(tokenizer):
    for encode in (
        tokenizer.encode,
        lambda text: tokenizer.encode_batch([text]),
        lambda text: tokenizer.encode_row([text]),
    ):
        with pytest.raises(DataError, match=r"half a surrogate pair \(U\+DC80\) at character 2"):
            encode("ab\udc80")


def test_endless_white_space_is_refused_before_tiktoken_gives_up(tokenizer):
    assert tokenizer.decode(tokenizer.encode(" " * 99_999 + "x")) == " " * 99_999 + "x"
    with pytest.raises(DataError, match="100,000 white-space characters in a row"):
        tokenizer.encode("a" + " " * 1_000_000 + "x")


def test_it_cannot_be_changed(tokenizer):
    with pytest.raises(dataclasses.FrozenInstanceError):
        tokenizer.merges = ()
    tokenizer.special_tokens["<more>"] = 5
    assert "<more>" not in tokenizer.special_tokens
    assert len(repr(tokenizer)) < 100


def test_save_and_load(tokenizer, tmp_path):
    tokenizer.save(tmp_path / "tokenizer.json")
    loaded = Tokenizer.load(tmp_path / "tokenizer.json")
    assert loaded == tokenizer
    assert loaded.fingerprint == tokenizer.fingerprint
    assert loaded.encode("The cat's naïve 😀") == tokenizer.encode("The cat's naïve 😀")
    content = json.loads((tmp_path / "tokenizer.json").read_text(encoding="utf-8"))
    assert content["merges"][0] == "h e"  # readable, as in GPT-2's vocab.bpe


def test_the_fingerprint_tells_tokenizers_apart(tokenizer, stories):
    same = Tokenizer.train(stories, 320)
    others = [
        Tokenizer(tokenizer.merges[:-1]),
        Tokenizer(tokenizer.merges, (END_OF_TEXT, "<pad>")),
        Tokenizer((*tokenizer.merges[:-2], tokenizer.merges[-1], tokenizer.merges[-2])),
    ]
    assert same.fingerprint == tokenizer.fingerprint
    assert len({other.fingerprint for other in [tokenizer, *others]}) == 4
    assert len(tokenizer.fingerprint) == 64


def remove_merges(content):
    del content["merges"]


def lose_a_merge(content):
    del content["merges"][5]


def swap_merges(content):
    content["merges"][0], content["merges"][1] = content["merges"][1], content["merges"][0]


def use_a_token_before_it_exists(content):
    content["merges"][0] = "he r"


def double_a_merge(content):
    content["merges"][-1] = content["merges"][0]


def leave_a_gap(content):
    content["special_tokens"][END_OF_TEXT] = 321


def rename_end_of_text(content):
    content["special_tokens"] = {"<eos>": 319}


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (remove_merges, "merges are missing"),
        (lose_a_merge, "do not follow one another from 318"),
        (swap_merges, "does not match its fingerprint"),
        (use_a_token_before_it_exists, "merge 0 .* joins tokens that do not exist"),
        (double_a_merge, "Two merges make the same token"),
        (leave_a_gap, "do not follow one another from 319"),
        (rename_end_of_text, r"lack <\|endoftext\|>"),
        (lambda content: content.update(version=2), "version 2, and this slmlib reads 1"),
        (lambda content: content.update(format="tokenizers"), "does not say"),
        (lambda content: content.update(split_pattern="."), "splits text in a way"),
        (lambda content: content.update(special_tokens=[END_OF_TEXT]), "special tokens are missing"),
        (lambda content: content.update(merges=[["a", "b"]]), "not a list of text"),
        (lambda content: content.pop("fingerprint"), "does not match its fingerprint"),
    ],
)
def test_a_damaged_file_is_refused_in_one_sentence(tokenizer, tmp_path, damage, sentence):
    path = tmp_path / "tokenizer.json"
    tokenizer.save(path)
    content = json.loads(path.read_text(encoding="utf-8"))
    damage(content)
    path.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(DataError, match=sentence) as caught:
        Tokenizer.load(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("content", [b"", b'{"format": "slm', b"\xff\xfe\x00", b"[1, 2]", b"null"])
def test_a_file_that_is_no_tokenizer_is_refused(tmp_path, content):
    path = tmp_path / "tokenizer.json"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"tokenizer\.json"):
        Tokenizer.load(path)
    with pytest.raises(DataError, match="There is no file"):
        Tokenizer.load(tmp_path / "missing.json")


@pytest.mark.parametrize(
    "names",
    [
        (END_OF_TEXT, ""),
        (END_OF_TEXT, END_OF_TEXT),
        (END_OF_TEXT, "a\nb"),
        (END_OF_TEXT, "\ud800"),
        (END_OF_TEXT, "text"),
    ],
)
def test_unusable_special_tokens_are_refused(names):
    with pytest.raises(DataError, match="unprintable or part of another"):
        Tokenizer((), names)


def test_merges_out_of_order_are_refused():
    with pytest.raises(DataError, match="Merge 0 joins tokens 0 and 256, but only 256 tokens exist there"):
        Tokenizer(((0, 256),))


def test_a_vocabulary_without_room_is_refused(stories):
    with pytest.raises(DataError, match="Ask for at least 257"):
        Tokenizer.train(stories, 256)
    assert Tokenizer.train(stories, 257).vocab_size == 257


def test_the_real_corpus_survives(real_stories):
    tokenizer = Tokenizer.train(real_stories[:1000], 1024)
    text = "".join(real_stories[:1000])
    ids = tokenizer.encode(text)
    assert tokenizer.decode(ids) == text
    assert len(text.encode()) / len(ids) > 3  # bytes a token: it has learned words


def test_tiktoken_does_the_encoding(tokenizer):
    assert isinstance(tokenizer._encoding, tiktoken.Encoding)
    assert tokenizer._encoding.n_vocab == tokenizer.vocab_size
