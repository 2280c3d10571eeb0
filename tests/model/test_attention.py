"""Attention against torch's own, against explicit loops, and the map of who looks at whom."""

import copy

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from slmlib.model.attention import build_attention_inputs

POSITIONS = {
    "rope": dict(position="rope"),
    "rope, interleaved": dict(position="rope", rope_pairs="interleaved"),
    "learned": dict(position="learned"),
    "sinusoidal": dict(position="sinusoidal"),
    "alibi": dict(position="alibi"),
    "none": dict(position="none"),
}
each_position = pytest.mark.parametrize("position", POSITIONS.values(), ids=POSITIONS)
BARE = dict(position="none", qk_norm=False)


def random_stream(embed_dim: int = 48, time: int = 11) -> torch.Tensor:
    return torch.randn(2, time, embed_dim, generator=torch.Generator().manual_seed(5))  # (B, T, D)


def attend(model, x: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        return model.blocks[0].attention(
            x, build_attention_inputs(model.config, torch.arange(x.shape[1])[None])
        )


@pytest.mark.parametrize("bias", [True, False])
def test_it_is_torchs_multihead_attention(random_decoder, bias):
    model = random_decoder(**BARE, qkv_bias=bias, output_bias=bias)
    ours, x = model.blocks[0].attention, random_stream()
    theirs = nn.MultiheadAttention(48, 6, bias=bias, batch_first=True)
    kinds = ("weight", "bias") if bias else ("weight",)
    weights = {}
    for kind in kinds:
        parts = [getattr(part, kind) for part in (ours.query, ours.key, ours.value)]
        weights |= {f"in_proj_{kind}": torch.cat(parts), f"out_proj.{kind}": getattr(ours.output, kind)}
    theirs.load_state_dict(weights)
    future = torch.ones(11, 11, dtype=torch.bool).triu(1)
    with torch.no_grad():
        expected, _ = theirs(x, x, x, attn_mask=future, need_weights=False)
    torch.testing.assert_close(attend(model, x), expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize("num_kv_heads", [1, 2, 3, 6])
@pytest.mark.parametrize("head_dim", [8, 10])
def test_grouped_queries_are_torchs_attention_over_repeated_keys(random_decoder, num_kv_heads, head_dim):
    model = random_decoder(**BARE, num_kv_heads=num_kv_heads, head_dim=head_dim)
    ours, x = model.blocks[0].attention, random_stream()
    q, k, v = (
        part(x).unflatten(-1, (-1, head_dim)).transpose(1, 2) for part in (ours.query, ours.key, ours.value)
    )  # (B, H or K, T, E)
    k, v = (part.repeat_interleave(6 // num_kv_heads, dim=1) for part in (k, v))  # (B, H, T, E)
    expected = ours.output(F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).flatten(2))
    torch.testing.assert_close(attend(model, x), expected.detach(), atol=1e-5, rtol=0)


@each_position
def test_grouped_queries_equal_full_attention_with_repeated_key_weights(random_decoder, position):
    grouped = random_decoder(**position, num_kv_heads=2)
    full = random_decoder(**position)
    weights = grouped.state_dict()
    for name, weight in weights.items():
        if name.endswith(("key.weight", "value.weight")):
            weights[name] = weight.unflatten(0, (2, 8)).repeat_interleave(3, dim=0).flatten(0, 1)
    full.load_state_dict(weights)
    tokens = torch.arange(20)[None] % 61
    with torch.no_grad():
        torch.testing.assert_close(full(tokens), grouped(tokens), atol=1e-5, rtol=0)


def test_queries_and_keys_are_normed_per_head_before_they_turn(random_decoder):
    model = random_decoder(qk_norm=True, norm_eps=1e-3)
    ours, x = model.blocks[0].attention, random_stream()
    q, k, _ = ours.project(x, build_attention_inputs(model.config, torch.arange(11)[None]))
    unturned = ours.project(x, build_attention_inputs(random_decoder(**BARE).config, torch.arange(11)[None]))
    norm = nn.RMSNorm(8, eps=1e-3, elementwise_affine=False)
    raw = ours.query(x).unflatten(-1, (6, 8)).transpose(1, 2)  # (B, H, T, E)
    torch.testing.assert_close(unturned[0], norm(raw), atol=1e-6, rtol=0)
    # Turning keeps lengths, so the norm is still seen afterwards.
    torch.testing.assert_close(q.norm(dim=-1), norm(raw).norm(dim=-1), atol=1e-5, rtol=0)
    assert k.norm(dim=-1).max() <= 8**0.5 + 1e-4


def test_alibi_is_its_formula_in_loops(random_decoder):
    model = random_decoder(position="alibi", num_heads=3, num_kv_heads=1, qk_norm=False)
    ours, x = model.blocks[0].attention, random_stream(time=6)
    slopes = (2**-4, 2**-8, 2**-2)  # two heads, and the third from the series for four
    q, k, v = (
        part(x).unflatten(-1, (-1, 16)) for part in (ours.query, ours.key, ours.value)
    )  # (B, T, heads, E)
    mixed = torch.zeros(2, 6, 3, 16)
    for head, slope in enumerate(slopes):
        for query in range(6):
            scores = [
                (q[:, query, head] * k[:, key, 0]).sum(-1) / 4 - slope * (query - key)
                for key in range(query + 1)
            ]
            weights = torch.stack(scores, dim=-1).softmax(dim=-1)  # (B, query + 1)
            mixed[:, query, head] = (weights[..., None] * v[:, : query + 1, 0]).sum(1)
    expected = ours.output(mixed.flatten(2))
    torch.testing.assert_close(attend(model, x), expected.detach(), atol=1e-5, rtol=0)


@each_position
@pytest.mark.parametrize("num_kv_heads", [6, 2])
def test_the_map_of_attention_is_what_the_model_computes(random_decoder, position, num_kv_heads):
    model = random_decoder(**position, num_kv_heads=num_kv_heads)
    tokens = torch.randint(61, (2, 13), generator=torch.Generator().manual_seed(6))
    heard = []  # input and output of every attention in a real forward pass
    for block in model.blocks:
        block.attention.register_forward_hook(lambda _, args, output: heard.append((args[0], output)))
    with torch.no_grad():
        model(tokens)
        outputs = list(heard)
        weights = model.attention_weights(tokens)  # (L, B, H, T, T)
        assert weights.shape == (3, 2, 6, 13, 13)
        torch.testing.assert_close(weights.sum(-1), torch.ones(3, 2, 6, 13))
        assert (weights >= 0).all()
        assert torch.equal(weights, weights.tril()), "the future is exactly 0"
        for block, layer_weights, (x, output) in zip(model.blocks, weights, outputs, strict=True):
            values = block.attention.value(x).unflatten(-1, (num_kv_heads, 8)).transpose(1, 2)  # (B, K, T, E)
            values = values.repeat_interleave(6 // num_kv_heads, dim=1)  # (B, H, T, E)
            mixed = (layer_weights @ values).transpose(1, 2).flatten(2)  # (B, T, H * E)
            torch.testing.assert_close(block.attention.output(mixed), output, atol=1e-5, rtol=0)


def test_the_map_is_the_same_in_training(random_decoder):
    tokens, model = torch.arange(9)[None], random_decoder(dropout=0.5).train()
    weights = model.attention_weights(tokens)
    assert torch.equal(weights, random_decoder().attention_weights(tokens))
    assert model.training
    assert not weights.requires_grad


@torch.no_grad()
def test_rounding_alibis_far_distances_costs_less_than_rounding_everything_else(random_decoder):
    """Beyond 256 neighbours share a number in bfloat16, but what is rounded off is small beside the weights."""
    attention = random_decoder(position="alibi", context_length=2048).blocks[0].attention
    x, attention_inputs = (
        random_stream(time=2048),
        build_attention_inputs(attention.config, torch.arange(2048)[None]),
    )
    exact = attention(x, attention_inputs)
    whole = copy.deepcopy(attention).bfloat16()(x.bfloat16(), attention_inputs)
    attention_inputs.mask = attention_inputs.mask.bfloat16().float()
    assert (attention(x, attention_inputs) - exact).norm() < 0.2 * (whole - exact).norm()


@each_position
def test_a_whole_model_in_bfloat16_runs_and_stays_near(random_decoder, position):
    model, tokens = random_decoder(**position), torch.arange(10)[None]
    with torch.no_grad():
        exact = model(tokens)
        near = model.bfloat16()(tokens)
    assert near.dtype == torch.bfloat16
    assert (near - exact).abs().max() < 0.25 * exact.abs().max()
