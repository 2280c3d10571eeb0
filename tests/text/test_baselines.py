"""Baselines: against the same sums done slowly, in plain Python."""

import itertools
import math
from collections import Counter

import pytest

from slmlib.errors import DataError
from slmlib.text.baselines import BIGRAM, UNIFORM, UNIGRAM, baseline_losses
from slmlib.text.stream import TokenStream
from slmlib.text.tokenizer import Tokenizer


@pytest.fixture
def streams(tmp_path, stories, tokenizer):
    train = TokenStream.write(tmp_path / "train.bin", stories[:6], tokenizer)
    valid = TokenStream.write(tmp_path / "valid.bin", stories[6:], tokenizer)
    return train, valid


def slowly(train: list[int], valid: list[int], vocab_size: int) -> dict[str, float]:
    """Dictionaries instead of arrays."""
    counts, pairs = Counter(train), Counter(itertools.pairwise(train))
    unigram = {token: (counts[token] + 1) / (len(train) + vocab_size) for token in range(vocab_size)}
    sums = Counter()
    for before, after in itertools.pairwise(valid):
        followers = {pair: count for pair, count in pairs.items() if pair[0] == before}
        chance = unigram[after]
        if followers:
            share = len(followers) / (len(followers) + sum(followers.values()))
            seen = followers.get((before, after), 0) / sum(followers.values())
            chance = share * unigram[after] + (1 - share) * seen
        sums[UNIGRAM] -= math.log(unigram[after])
        sums[BIGRAM] -= math.log(chance)
    return {
        UNIFORM: math.log(vocab_size),
        UNIGRAM: sums[UNIGRAM] / (len(valid) - 1),
        BIGRAM: sums[BIGRAM] / (len(valid) - 1),
    }


def test_equal_to_the_slow_sums(streams, tokenizer):
    train, valid = streams
    expected = slowly(train.tokens.tolist(), valid.tokens.tolist(), tokenizer.vocab_size)
    assert baseline_losses(train, valid) == pytest.approx(expected, rel=1e-12)


def test_each_guess_knows_more_than_the_last(streams):
    losses = baseline_losses(streams[0], streams[0])
    assert losses[UNIFORM] > losses[UNIGRAM] > losses[BIGRAM]


def test_a_token_never_seen_is_not_impossible(tmp_path):
    bytes_only = Tokenizer(())
    train = TokenStream.write(tmp_path / "train.bin", ["aaaa"], bytes_only)
    valid = TokenStream.write(tmp_path / "valid.bin", ["xyz"], bytes_only)
    expected = slowly(train.tokens.tolist(), valid.tokens.tolist(), bytes_only.vocab_size)
    assert baseline_losses(train, valid) == pytest.approx(expected, rel=1e-12)


def test_another_vocabulary_is_refused(streams, tmp_path):
    other = TokenStream.write(tmp_path / "other.bin", ["abc"], Tokenizer(()))
    with pytest.raises(DataError, match="other of 257"):
        baseline_losses(streams[0], other)
