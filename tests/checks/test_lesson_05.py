"""Lesson 05's own functions against the published code of the models that use them."""

import pytest
import torch

from checks.building.mutants import solved_names
from checks.building.source import read_source
from checks.course import Course


@pytest.fixture(scope="module")
def lesson():
    """The names of lesson 05 with all exercises solved."""
    course = Course.here()
    return solved_names(course, course.exercises("05")[-1])


def test_answers_in_double_precision_run_through_the_lesson(lesson):
    """The checks accept float64; the cells that compare then stopped at the dtype."""
    asked = ("sinusoidal", "rope", "alibi")
    names = dict(lesson)
    for name in asked:
        names[name] = lambda *inputs, ours=lesson[name]: ours(*inputs).double()
    cells = [
        cell
        for cell in read_source(Course.here().source("05"))
        if cell.role == "code" and any(f"{name}(" in cell.source for name in asked)
    ]
    for cell in cells:
        exec(cell.source, names)
    assert len(cells) >= 6


def random_heads(seed: int) -> torch.Tensor:
    return torch.randn(1, 3, 20, 16, generator=torch.Generator().manual_seed(seed))  # (B, H, T, E)


def test_rope_is_llamas(lesson):
    from transformers import LlamaConfig
    from transformers.models.llama.modeling_llama import LlamaRotaryEmbedding, apply_rotary_pos_emb

    q, k, positions = random_heads(0), random_heads(1), torch.arange(20)
    config = LlamaConfig(
        hidden_size=48,
        num_attention_heads=3,
        rope_parameters={"rope_type": "default", "rope_theta": 10_000.0},
    )
    theirs = apply_rotary_pos_emb(q, k, *LlamaRotaryEmbedding(config)(q, positions[None]))
    for x, expected in zip((q, k), theirs, strict=True):
        torch.testing.assert_close(lesson["rope"](x, positions), expected, atol=1e-5, rtol=0)


def test_reordered_rows_make_of_gptjs_pairs_those_of_rope(lesson):
    from transformers.models.gptj.modeling_gptj import apply_rotary_pos_emb, create_sinusoidal_positions

    generator = torch.Generator().manual_seed(0)
    weights = torch.randn(
        2, 3 * 16, 24, generator=generator
    )  # query and key: (num_heads * head_dim, embed_dim)
    x, positions = torch.randn(20, 24, generator=generator), torch.arange(20)
    sin, cos = create_sinusoidal_positions(20, 16)[None].chunk(2, dim=-1)  # (1, T, E / 2)

    def heads(weight: torch.Tensor) -> torch.Tensor:
        return (x @ weight.T).view(20, 3, 16)  # (time, num_heads, head_dim)

    q, k = (apply_rotary_pos_emb(heads(weight)[None], sin, cos)[0].transpose(0, 1) for weight in weights)
    expected = q @ k.transpose(-2, -1)  # (num_heads, time, time)
    q, k = (
        lesson["rope"](heads(lesson["to_half"](weight, 3)).transpose(0, 1), positions) for weight in weights
    )
    torch.testing.assert_close(q @ k.transpose(-2, -1), expected, atol=1e-4, rtol=1e-5)
    q, k = (
        lesson["rope"](heads(weight).transpose(0, 1), positions) for weight in weights
    )  # left as they are
    assert (q @ k.transpose(-2, -1) - expected).abs().max() > 1


@pytest.mark.parametrize("num_heads", [1, 2, 4, 8, 16])
def test_alibi_is_mpts(lesson, num_heads):
    from transformers.models.mpt.modeling_mpt import build_mpt_alibi_tensor

    theirs = build_mpt_alibi_tensor(num_heads, 10)[:, 0]  # (H, S): what the last of 10 queries adds
    torch.testing.assert_close(lesson["alibi"](num_heads, 10)[:, -1], theirs)
