"""Bytes kept for the backward pass, on operations whose needs are known."""

import pytest
import torch
import torch.nn.functional as F

from slmlib.model.memory import kept_for_backward


def test_exp_keeps_its_result_and_square_its_input():
    x = torch.randn(10, 3, requires_grad=True)
    assert kept_for_backward(lambda: x.exp()) == 10 * 3 * 4
    assert kept_for_backward(lambda: x.square()) == 10 * 3 * 4
    assert kept_for_backward(lambda: x.square(), given=[x]) == 0
    assert kept_for_backward(lambda: x + 1) == 0


def test_views_of_one_memory_count_once():
    x = torch.randn(4, 6, requires_grad=True)
    y = x * 2
    first, second = y.chunk(2, dim=1)
    assert kept_for_backward(lambda: first * second) == 4 * 6 * 4


def test_attention_by_hand_keeps_a_square_and_the_fused_one_does_not():
    def needed(time: int, fused: bool) -> int:
        q, k, v = (torch.randn(1, 2, time, 16, requires_grad=True) for _ in range(3))
        if fused:
            return kept_for_backward(
                lambda: F.scaled_dot_product_attention(q, k, v, is_causal=True), (q, k, v)
            )
        return kept_for_backward(lambda: (q @ k.transpose(-2, -1)).softmax(-1) @ v, (q, k, v))

    assert needed(64, fused=False) == 2 * 64 * 64 * 4
    assert needed(128, fused=False) == 4 * needed(64, fused=False)
    assert needed(128, fused=True) == 2 * needed(64, fused=True)


def test_without_gradients_there_is_nothing_to_count():
    with pytest.raises(AssertionError, match="no gradient"):
        kept_for_backward(lambda: torch.ones(3).exp())
