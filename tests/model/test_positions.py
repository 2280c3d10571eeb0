"""Each way of telling order, against the published code and the formulas of the papers."""

import math

import pytest
import torch

from slmlib.model.positions import (
    alibi_bias,
    alibi_slopes,
    half_to_interleaved,
    rope_angles,
    rotate,
    sinusoidal_table,
)

HEADS = [1, 2, 3, 4, 6, 8, 12, 16, 25, 40]


def random_heads(seed: int = 0) -> torch.Tensor:
    return torch.randn(2, 3, 20, 16, generator=torch.Generator().manual_seed(seed))  # (B, H, T, E)


def test_the_sinusoidal_table_is_the_formula_of_vaswani_et_al():
    table = sinusoidal_table(torch.tensor([[0, 1, 7, 500]]), 10)
    assert table.shape == (1, 4, 10)
    for row, position in zip(table[0], (0, 1, 7, 500), strict=True):
        for pair in range(5):
            angle = position / 10_000 ** (2 * pair / 10)
            assert row[2 * pair].item() == pytest.approx(math.sin(angle), abs=1e-4)
            assert row[2 * pair + 1].item() == pytest.approx(math.cos(angle), abs=1e-4)


@pytest.mark.parametrize("theta", [10_000.0, 500_000.0])
def test_half_rope_is_llamas(theta):
    from transformers import LlamaConfig
    from transformers.models.llama.modeling_llama import LlamaRotaryEmbedding, apply_rotary_pos_emb

    q, k, positions = random_heads(0), random_heads(1), torch.arange(5, 25)[None]
    config = LlamaConfig(
        hidden_size=48, num_attention_heads=3, rope_parameters={"rope_type": "default", "rope_theta": theta}
    )
    theirs = apply_rotary_pos_emb(q, k, *LlamaRotaryEmbedding(config)(q, positions))
    cos, sin = rope_angles(positions, 16, theta)
    for ours, expected in zip((rotate(q, cos, sin), rotate(k, cos, sin)), theirs, strict=True):
        torch.testing.assert_close(ours, expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize("kind", ["llama3", "yarn"])
@pytest.mark.parametrize(("theta", "context"), [(10_000.0, 64), (10_000.0, 2048), (500_000.0, 8192)])
@pytest.mark.parametrize("scaling", [4.0, 16.0])
def test_slowed_rope_is_that_of_transformers(kind, theta, context, scaling):
    from transformers import LlamaConfig
    from transformers.models.llama.modeling_llama import LlamaRotaryEmbedding

    more = dict(low_freq_factor=1.0, high_freq_factor=4.0) if kind == "llama3" else {}
    config = LlamaConfig(
        hidden_size=192,
        num_attention_heads=3,
        max_position_embeddings=int(context * scaling),
        rope_parameters=dict(
            rope_type=kind, rope_theta=theta, factor=scaling, original_max_position_embeddings=context, **more
        ),
    )
    positions = torch.arange(100)[None]
    theirs = LlamaRotaryEmbedding(config)(torch.zeros(1), positions)
    ours = rope_angles(positions, 64, theta, scaling, context, kind)
    for mine, their in zip(ours, theirs, strict=True):
        torch.testing.assert_close(mine, their[..., :32], atol=1e-5, rtol=0)
    plain, _ = rope_angles(positions, 64, theta)
    assert (ours[0] - plain).abs().max() > 1e-3


def test_interleaved_rope_is_gptjs():
    from transformers.models.gptj.modeling_gptj import apply_rotary_pos_emb, create_sinusoidal_positions

    q = random_heads()
    sin, cos = create_sinusoidal_positions(25, 16)[None, 5:25].chunk(2, dim=-1)  # (1, T, E / 2)
    theirs = apply_rotary_pos_emb(q.transpose(1, 2), sin, cos).transpose(1, 2)
    ours = rotate(q, *rope_angles(torch.arange(5, 25), 16), pairs="interleaved")
    torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=0)


def test_a_permutation_leads_from_one_pair_convention_to_the_other():
    order = half_to_interleaved(16)
    assert order[:4].tolist() == [0, 8, 1, 9]
    x, angles = random_heads(), rope_angles(torch.arange(20), 16)
    assert torch.equal(rotate(x, *angles)[..., order], rotate(x[..., order], *angles, pairs="interleaved"))


@pytest.mark.parametrize("pairs", ["half", "interleaved"])
def test_scores_under_rope_depend_only_on_the_distance(pairs):
    q, k = random_heads(0)[:, :, :1], random_heads(1)[:, :, :1]

    def score(query_at: int, key_at: int) -> torch.Tensor:
        turned_q = rotate(q, *rope_angles(torch.tensor([query_at]), 16), pairs)
        turned_k = rotate(k, *rope_angles(torch.tensor([key_at]), 16), pairs)
        return (turned_q * turned_k).sum(-1)

    for shift in (1, 17, 300):
        torch.testing.assert_close(score(9, 4), score(9 + shift, 4 + shift), atol=1e-3, rtol=0)
    assert (score(9, 4) - score(9, 5)).abs().max() > 0.1


@pytest.mark.parametrize("pairs", ["half", "interleaved"])
def test_rope_turns_without_stretching_and_keeps_the_dtype(pairs):
    x, angles = random_heads(), rope_angles(torch.arange(20), 16)
    turned = rotate(x, *angles, pairs)
    torch.testing.assert_close(turned.norm(dim=-1), x.norm(dim=-1))
    assert torch.equal(turned[:, :, 0], x[:, :, 0])  # position 0 is not turned at all
    assert rotate(x.bfloat16(), *angles, pairs).dtype == torch.bfloat16


@pytest.mark.parametrize("num_heads", HEADS)
def test_alibi_slopes_are_blooms(num_heads):
    from transformers.models.bloom.modeling_bloom import build_alibi_tensor

    theirs = build_alibi_tensor(torch.ones(1, 2), num_heads, torch.float32)[:, 0, 1]  # slope x position 1
    torch.testing.assert_close(alibi_slopes(num_heads), theirs)


@pytest.mark.parametrize("num_heads", HEADS)
def test_alibi_slopes_and_bias_are_mpts(num_heads):
    from transformers.models.mpt.modeling_mpt import build_mpt_alibi_tensor

    theirs = build_mpt_alibi_tensor(num_heads, 10)  # (H, 1, S): what the last of 10 queries adds
    ours = alibi_bias(torch.tensor([[9]]), torch.arange(10)[None], num_heads)  # (1, H, 1, S)
    torch.testing.assert_close(ours[0], theirs)
