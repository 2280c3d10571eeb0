"""The trainer against Hugging Face's, and against the slow way that anyone can check by eye."""

import json
from collections import Counter
from itertools import pairwise

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from slmlib.errors import DataError
from slmlib.text.bpe import BYTE_ALPHABET, BYTE_OF_ID, count_pretokens, train_bpe

# GPT-2's pattern as published, not as we write it.
GPT2_PATTERN = r"""'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"""

few_letters = st.text("ab c", max_size=40)
assigned = st.characters(exclude_categories=("Cs", "Cn", "Co"))
any_text = st.text(assigned, max_size=30)
awkward = st.text("ab'sl 1é.\t\n\x0b\x1c\x1f\x85\xa0\u2028\u3000中😀", max_size=40)


def hugging_face_merges(texts, vocab_size):
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    tokenizer.train_from_iterator(
        texts, trainers.BpeTrainer(vocab_size=vocab_size, initial_alphabet=alphabet, show_progress=False)
    )
    model = json.loads(tokenizer.to_str())["model"]
    return [(model["vocab"][first], model["vocab"][second]) for first, second in model["merges"]]


def merge_everywhere(word, pair, token):
    merged, place = [], 0
    while place < len(word):
        found = tuple(word[place : place + 2]) == pair
        merged.append(token if found else word[place])
        place += 2 if found else 1
    return merged


def naive_merges(texts, num_merges, tie_break, special_tokens=()):
    """Count every pair anew before every merge."""
    parts = texts
    for special in special_tokens:
        parts = [part for text in parts for part in text.split(special)]
    pretokens = Counter(pretoken for part in parts for pretoken in regex.findall(GPT2_PATTERN, part))
    words = [([BYTE_OF_ID.index(byte) for byte in word.encode()], count) for word, count in pretokens.items()]
    token_bytes, merges = [bytes([byte]) for byte in BYTE_OF_ID], []
    while len(merges) < num_merges:
        counts = Counter()
        for word, count in words:
            for pair in pairwise(word):
                counts[pair] += count
        if not counts:
            break
        if tie_break == "smaller_ids":
            best = min(counts, key=lambda pair: (-counts[pair], pair))
        else:
            best = max(counts, key=lambda pair: (counts[pair], token_bytes[pair[0]], token_bytes[pair[1]]))
        words = [(merge_everywhere(word, best, 256 + len(merges)), count) for word, count in words]
        merges.append(best)
        token_bytes.append(token_bytes[best[0]] + token_bytes[best[1]])
    return merges


def test_the_byte_alphabet_is_gpt2s():
    from transformers.convert_slow_tokenizer import bytes_to_unicode

    assert bytes_to_unicode() == dict(zip(BYTE_OF_ID, BYTE_ALPHABET, strict=True))
    assert list(bytes_to_unicode()) == list(BYTE_OF_ID)


def test_by_hand():
    # a-b occurs 3 times, b-c twice. Of aaaaa first aa aa a is left, where both pairs occur once.
    a, b, c = (BYTE_OF_ID.index(byte) for byte in b"abc")
    assert train_bpe(["abc", "abc", "ab"], 256 + 9) == [(a, b), (256, c)]
    assert train_bpe(["aaaaa"], 256 + 9) == [(a, a), (256, a), (256, 257)]


def test_the_real_corpus_gives_hugging_faces_merges(real_stories):
    # The merges of a smaller vocabulary are the first ones of a larger one.
    merges = train_bpe(real_stories, 8193, ["<|endoftext|>"])
    assert len(merges) == 8192 - 256
    assert merges == hugging_face_merges(real_stories, 8192)


@given(st.lists(st.one_of(few_letters, any_text, awkward), max_size=6))
def test_small_texts_give_hugging_faces_merges(texts):
    assert train_bpe(texts, 300) == hugging_face_merges(texts, 300)


@given(
    st.lists(st.one_of(few_letters, any_text, awkward), max_size=5),
    st.sampled_from(["smaller_ids", "greater_bytes"]),
)
def test_equal_to_the_naive_way(texts, tie_break):
    assert train_bpe(texts, 256 + 30, tie_break=tie_break) == naive_merges(texts, 30, tie_break)


def test_the_tie_rules_differ():
    texts = ["ab", "cd"]
    a, b, c, d = (BYTE_OF_ID.index(byte) for byte in b"abcd")
    assert train_bpe(texts, 257, tie_break="smaller_ids") == [(a, b)]
    assert train_bpe(texts, 257, tie_break="greater_bytes") == [(c, d)]


def test_a_longer_token_is_greater_than_its_beginning():
    # CS336 compares pairs of bytes objects: (b"ab", b"x") comes after (b"a", b"x") and before (b"b", b"x").
    texts = ["ab"] * 9 + ["abx", "ax", "ax", "abx", "ayy", "byy"]
    assert train_bpe(texts, 262, tie_break="greater_bytes") == naive_merges(texts, 6, "greater_bytes")


@given(st.lists(awkward, max_size=4))
def test_words_are_split_as_gpt2_does(texts):
    expected = Counter(pretoken for text in texts for pretoken in regex.findall(GPT2_PATTERN, text))
    assert count_pretokens(texts) == expected


@given(
    st.lists(
        st.lists(st.sampled_from(["ab", " ", "a", "<s>", "<s>x", "b "]), max_size=12).map("".join), max_size=3
    )
)
def test_no_merge_crosses_a_special_token(texts):
    specials = ["<s>x", "<s>"]
    assert train_bpe(texts, 280, specials[::-1]) == naive_merges(texts, 280 - 258, "smaller_ids", specials)


def test_special_tokens_take_ids_but_no_merges():
    texts = ["one two three one two one"]
    assert len(train_bpe(texts, 262)) == 6
    assert train_bpe(texts, 262, ["<a>", "<b>"]) == train_bpe(texts, 260)


def test_it_stops_when_there_is_nothing_left_to_merge():
    assert train_bpe([], 400) == []
    assert train_bpe(["a b c"], 400) == [(BYTE_OF_ID.index(32), BYTE_OF_ID.index(ord(x))) for x in "bc"]


def test_a_generator_is_enough_and_progress_changes_nothing(capsys):
    texts = ["low lower lowest", "new newer newest"]
    assert train_bpe((text for text in texts), 270, progress=True) == train_bpe(texts, 270)
    assert "learning merges" in capsys.readouterr().err


def test_a_vocabulary_without_room_is_refused():
    with pytest.raises(DataError, match="256 cannot hold 256 bytes and 1 special"):
        train_bpe(["text"], 256, ["<|endoftext|>"])


def test_half_a_surrogate_pair_is_refused_in_words():
    with pytest.raises(DataError, match=r"half a surrogate pair \(U\+D83D\)"):
        train_bpe(["fine", "not \ud83d fine"], 300)
