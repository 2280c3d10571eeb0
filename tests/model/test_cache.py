"""Reading token by token with a memory gives the logits of reading everything again."""

import pytest
import torch

from slmlib.errors import SlmError
from slmlib.model.attention import build_attention_inputs
from slmlib.model.cache import KVCache

POSITIONS = {
    "rope": dict(position="rope"),
    "rope, interleaved": dict(position="rope", rope_pairs="interleaved"),
    "learned": dict(position="learned"),
    "sinusoidal": dict(position="sinusoidal"),
    "alibi": dict(position="alibi"),
    "none": dict(position="none"),
}
each_position = pytest.mark.parametrize("position", POSITIONS.values(), ids=POSITIONS)


def random_tokens(batch: int, time: int) -> torch.Tensor:
    return torch.randint(61, (batch, time), generator=torch.Generator().manual_seed(9))


@torch.no_grad()
def read_in_pieces(model, tokens: torch.Tensor, pieces: list[int], padding: list[int]) -> torch.Tensor:
    """Logits of all tokens (B, T, V), read `pieces` tokens at a time; the last number repeats."""
    cache = KVCache(model.config, torch.tensor(padding), tokens.shape[1])
    logits, start = [], 0
    while start < tokens.shape[1]:
        size = pieces[min(len(logits), len(pieces) - 1)]
        logits.append(model(tokens[:, start : start + size], cache))
        start += size
    assert cache.length == tokens.shape[1]
    return torch.cat(logits, dim=1)


@each_position
@pytest.mark.parametrize("num_kv_heads", [6, 2])
@pytest.mark.parametrize("pieces", [[1], [7, 1], [5, 1, 4, 3, 1], [24]], ids=str)
def test_cached_logits_are_the_uncached_ones(random_decoder, position, num_kv_heads, pieces):
    model = random_decoder(**position, num_kv_heads=num_kv_heads)
    tokens = random_tokens(2, 24)
    with torch.no_grad():
        expected = model(tokens)
    torch.testing.assert_close(read_in_pieces(model, tokens, pieces, [0, 0]), expected, atol=1e-5, rtol=0)


@each_position
@pytest.mark.parametrize("pieces", [[12, 1], [24], [3, 2, 1]], ids=str)
def test_rows_of_different_lengths_are_each_as_if_alone(random_decoder, position, pieces):
    model = random_decoder(**position, num_kv_heads=2)
    tokens, padding = random_tokens(4, 24), [0, 5, 11, 1]
    together = read_in_pieces(model, tokens, pieces, padding)
    for row, empty in enumerate(padding):
        with torch.no_grad():
            alone = model(tokens[row : row + 1, empty:])
        torch.testing.assert_close(together[row : row + 1, empty:], alone, atol=1e-5, rtol=0)


@each_position
def test_what_stands_in_the_padding_does_not_matter(random_decoder, position):
    model = random_decoder(**position)
    tokens, padding = random_tokens(2, 12), [4, 0]
    other = tokens.clone()
    other[0, :4] = 60 - other[0, :4]
    first, second = (read_in_pieces(model, rows, [9, 1], padding) for rows in (tokens, other))
    assert torch.equal(first[0, 4:], second[0, 4:])
    assert first.isfinite().all()


@each_position
def test_even_padding_has_something_to_look_at(random_decoder, position):
    """Not every kernel of torch survives a softmax over nothing."""
    config = random_decoder(**position).config
    cache, positions = KVCache(config, torch.tensor([4, 0]), 12), torch.arange(9) - torch.tensor([[4], [0]])
    mask = build_attention_inputs(config, positions, cache).mask  # (B, 1 or H, T, S)
    assert mask.isfinite().any(-1).all()
    assert not mask[0, :, 4:, :4].isfinite().any(), "real tokens never look at padding"


def test_a_full_cache_refuses_in_one_sentence_and_stays_usable(random_decoder):
    model = random_decoder()
    cache = KVCache(model.config, torch.zeros(1, dtype=torch.int64), capacity=6)
    tokens = random_tokens(1, 7)
    with torch.no_grad():
        model(tokens[:, :4], cache)
        with pytest.raises(
            SlmError, match=r"holds 6 tokens a row, but 7 were read\. Make a larger KVCache\."
        ):
            model(tokens[:, 4:], cache)
        assert cache.length == 4
        torch.testing.assert_close(
            model(tokens[:, 4:6], cache), model(tokens[:, :6])[:, 4:], atol=1e-5, rtol=0
        )


class OwnCache:
    """As somebody writes it in lesson 10: what it says there is all that a Decoder needs."""

    def __init__(self):
        self.kept, self.length, self.padding, self.ragged = {}, 0, torch.zeros(1, dtype=torch.int64), False

    def extend(self, layer, keys, values):
        if layer in self.kept:
            keys, values = (
                torch.cat(pair, dim=2) for pair in zip(self.kept[layer], (keys, values), strict=True)
            )
        self.kept[layer] = keys, values
        return keys, values

    def advance(self, time):
        self.length += time


@each_position
def test_a_decoder_takes_a_cache_of_ones_own(random_decoder, position):
    model, tokens, cache = random_decoder(**position), random_tokens(1, 9), OwnCache()
    with torch.no_grad():
        found = torch.cat([model(piece, cache) for piece in tokens.split([4, 1, 1, 3], dim=1)], dim=1)
        torch.testing.assert_close(found, model(tokens), atol=1e-5, rtol=0)


def test_a_pass_that_broke_off_leaves_no_trace(random_decoder):
    """What was cut out for its four tokens is not what the next pass, of one token, writes to."""
    model, tokens = random_decoder(), random_tokens(1, 9)
    cache = KVCache(model.config, torch.zeros(1, dtype=torch.int64), capacity=9)

    def fail(*_):
        raise KeyboardInterrupt

    with torch.no_grad():
        model(tokens[:, :5], cache)
        handle = model.blocks[-1].register_forward_hook(fail)
        with pytest.raises(KeyboardInterrupt):
            model(tokens[:, 5:9], cache)
        handle.remove()
        torch.testing.assert_close(
            model(tokens[:, 5:6], cache), model(tokens[:, :6])[:, -1:], atol=1e-5, rtol=0
        )


def test_a_cache_may_be_tried_with_gradients_on(random_decoder):
    """As in a notebook, where nobody has said no_grad yet."""
    model, tokens = random_decoder(), random_tokens(1, 9)
    cache = KVCache(model.config, torch.zeros(1, dtype=torch.int64), capacity=9)
    found = model(tokens, cache)
    torch.testing.assert_close(found, model(tokens), atol=1e-5, rtol=0)


@pytest.mark.parametrize("capacity", [32, 40])
def test_learned_positions_end_with_a_cache_too(random_decoder, capacity):
    model = random_decoder(position="learned")
    cache = KVCache(model.config, torch.zeros(1, dtype=torch.int64), capacity)
    with torch.no_grad():
        model(random_tokens(1, 32), cache)
    with pytest.raises(SlmError, match="learned 32 positions, but position 32 was asked for"):
        model(random_tokens(1, 1), cache)
