"""How well can one guess the next token without a neural network? The lines that every loss is drawn beside.

A uniform guess knows the vocabulary, a unigram guess how frequent each token is, a bigram guess also the one token
before. A model that stays above the bigram line has not learned to look back further than one token.
"""

import math

import numpy as np
from numpy.typing import NDArray

from slmlib.errors import DataError
from slmlib.text.stream import TokenStream

UNIFORM, UNIGRAM, BIGRAM = "a uniform guess", "unigram counts", "bigram counts"
"""The names of the lines, as they stand in the plots."""


def baseline_losses(train: TokenStream, valid: TokenStream) -> dict[str, float]:
    """Mean loss on `valid`, in nats per token, of three guesses learned by counting `train`.

    Unigrams are counted with one added to each, so that none is impossible. Bigrams fall back on them by the rule
    of Witten and Bell (1991): a token after which many different ones were seen is trusted less. All tokens but
    the first of `valid` are predicted, as in `evaluate`. DataError when the two have other vocabularies.
    """
    vocab_size = train.info.vocab_size
    if valid.info.vocab_size != vocab_size:
        raise DataError(
            f"One stream has a vocabulary of {vocab_size:,} tokens, the other of {valid.info.vocab_size:,}.",
            "Write both with the same tokenizer.",
        )
    before, after = valid.tokens[:-1].astype(np.int64), valid.tokens[1:].astype(np.int64)
    counts = np.bincount(train.tokens, minlength=vocab_size)
    unigram = (counts + 1) / (counts.sum() + vocab_size)  # (vocab_size,)

    pairs, pair_counts = np.unique(_pairs(train.tokens, vocab_size), return_counts=True)
    followed = np.bincount(train.tokens[:-1], minlength=vocab_size)  # how often something came after it
    kinds = np.bincount(pairs // vocab_size, minlength=vocab_size)  # how many different tokens came after it
    wanted = before * vocab_size + after  # (num_tokens - 1,)
    place = np.minimum(np.searchsorted(pairs, wanted), len(pairs) - 1)
    seen = np.where(pairs[place] == wanted, pair_counts[place], 0)
    total = followed[before] + kinds[before]
    bigram = np.where(
        total > 0, (seen + kinds[before] * unigram[after]) / np.maximum(total, 1), unigram[after]
    )
    return {
        UNIFORM: math.log(vocab_size),
        UNIGRAM: float(-np.log(unigram[after]).mean()),
        BIGRAM: float(-np.log(bigram).mean()),
    }


def _pairs(tokens: NDArray[np.integer], vocab_size: int) -> NDArray[np.int64]:
    """Each token and the next one as a single number, (num_tokens - 1,)."""
    return tokens[:-1].astype(np.int64) * vocab_size + tokens[1:]
