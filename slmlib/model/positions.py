"""How a model that sees a set learns that it is a sequence.

Two ways add something to the embedding (sinusoidal, and learned, whose table is a weight and lives in `decoder`), one
turns queries and keys (RoPE), one prefers near tokens (ALiBi).
Shapes: batch B, time T, embed_dim D, heads H, head_dim E, keys S.
"""

import math

import torch
from torch import Tensor

from slmlib.config import ModelConfig


def sinusoidal_table(positions: Tensor, embed_dim: int) -> Tensor:
    """Sine and cosine of each position at wavelengths from 2 pi to 10,000 x 2 pi (Vaswani et al. 2017, 3.5).

    positions: (..., T) integers. Returns (..., T, embed_dim); sine at even places, cosine at odd ones.
    """
    frequencies = torch.arange(0, embed_dim, 2, device=positions.device) / embed_dim  # (D / 2,)
    angles = positions[..., None] * torch.exp(-math.log(10_000.0) * frequencies)  # (..., T, D / 2)
    return torch.stack((angles.sin(), angles.cos()), dim=-1).flatten(-2)  # (..., T, D)


def rope_angles(
    positions: Tensor,
    head_dim: int,
    theta: float = 10_000.0,
    scaling: float = 1.0,
    scaling_context: int = 0,
    scaling_kind: str = "llama3",
) -> tuple[Tensor, Tensor]:
    """Cosine and sine of the angle by which RoPE turns each pair (Su et al. 2021, section 3.2.2).

    positions: (..., T) integers. head_dim: how many numbers of a head are turned. Returns two float32 tensors
    (..., T, head_dim / 2). Pair i turns by position x theta^(-2i / head_dim): the first pair fastest, the last
    one hardly at all. scaling, scaling_context: see `slow_down`, or with scaling_kind `yarn` see `yarn`, which
    also makes cosine and sine larger.
    """
    exponents = torch.arange(0, head_dim, 2, device=positions.device, dtype=torch.float32) / head_dim
    speeds = theta**-exponents  # (E / 2,), in radians per token
    size = 1.0
    if scaling != 1 and scaling_kind == "yarn":
        speeds, size = yarn(speeds, theta, scaling, scaling_context), 0.1 * math.log(scaling) + 1
    elif scaling != 1:
        speeds = slow_down(speeds, scaling, scaling_context)
    angles = positions[..., None].float() * speeds  # (..., T, E / 2)
    return angles.cos() * size, angles.sin() * size


def angles_at(config: ModelConfig, positions: Tensor) -> tuple[Tensor, Tensor]:
    """The angles of a model with RoPE. positions: (1 or B, T). Returns cosine and sine, (1 or B, 1, T, E / 2) each or
    fewer pairs: one row for all heads."""
    cos, sin = rope_angles(
        positions,
        config.rope_dim or config.head_dim,
        config.rope_theta,
        config.rope_scaling,
        config.rope_scaling_context,
        config.rope_scaling_kind,
    )
    return cos[:, None], sin[:, None]


def slow_down(speeds: Tensor, scaling: float, context_length: int) -> Tensor:
    """Llama 3.1's way to read further than it was trained for (Dubey et al. 2024; the numbers are from its code).

    Pairs that turned at least four times within the old context keep their speed: they tell near from far.
    Those that never came round once turn `scaling` times slower, so that they see no angle they have not met.
    In between there is a straight mixture. speeds: any shape, radians per token.
    """
    turns = speeds * context_length / (2 * math.pi)
    kept = ((turns - 1) / (4 - 1)).clamp(0, 1)
    return speeds * kept + speeds / scaling * (1 - kept)


def yarn(speeds: Tensor, theta: float, scaling: float, context_length: int) -> Tensor:
    """YaRN's way (Peng et al. 2023, arXiv 2309.00071, section 3.2; rounded to whole pairs as in its code).

    As `slow_down`, with 32 turns instead of four, and the mixture is straight in the number of the pair. Its other
    half is in `rope_angles`: queries and keys grow by 0.1 ln(scaling) + 1, which sharpens attention over more
    tokens (section 3.4). speeds: (E / 2,), radians per token.
    """
    width = 2 * len(speeds)

    def pair_that_turns(turns: int) -> float:
        return width * math.log(context_length / (2 * math.pi * turns)) / (2 * math.log(theta))

    first, last = max(math.floor(pair_that_turns(32)), 0), min(math.ceil(pair_that_turns(1)), width - 1)
    pairs = torch.arange(len(speeds), device=speeds.device)
    kept = 1 - ((pairs - first) / (last - first or 0.001)).clamp(0, 1)
    return speeds * kept + speeds / scaling * (1 - kept)


def rotate(x: Tensor, cos: Tensor, sin: Tensor, pairs: str = "half") -> Tensor:
    """Turn each pair of numbers in x by its angle. After this q . k depends only on the distance.

    x: (B, H, T, E); cos, sin: broadcastable to (B, H, T, E / 2). Returns (B, H, T, E) in x's dtype.
    With angles for fewer pairs, only the first numbers of each head are turned.
    pairs: `half` turns (i, i + E / 2) together, `interleaved` (2i, 2i + 1). The two differ by a fixed
    permutation of the E numbers, so weights can be converted from one to the other.
    """
    width = 2 * cos.shape[-1]
    if width < x.shape[-1]:
        return torch.cat((rotate(x[..., :width], cos, sin, pairs), x[..., width:]), dim=-1)
    if pairs == "half":
        first, second = x.float().chunk(2, dim=-1)  # (B, H, T, E / 2) each
        return torch.cat((first * cos - second * sin, second * cos + first * sin), dim=-1).type_as(x)
    first, second = x.float().unflatten(-1, (-1, 2)).unbind(-1)  # (B, H, T, E / 2) each
    turned = torch.stack(
        (first * cos - second * sin, second * cos + first * sin), dim=-1
    )  # (B, H, T, E / 2, 2)
    return turned.flatten(-2).type_as(x)


def half_to_interleaved(head_dim: int) -> Tensor:
    """The permutation between the two conventions: `x[..., half_to_interleaved(E)]` turns `half` order
    into `interleaved` order. Returns (head_dim,) integers."""
    return torch.arange(head_dim).view(2, head_dim // 2).T.flatten()  # 0, E/2, 1, E/2 + 1, ...


def alibi_slopes(num_heads: int) -> Tensor:
    """How steeply each head prefers near tokens (Press et al. 2022, section 3): a geometric series from
    2^(-8 / H). When H is no power of two, the rest comes from the series for twice as many heads.

    Returns (num_heads,) float32.
    """
    power = 2 ** math.floor(math.log2(num_heads))
    slopes = [2 ** (-8 * (head + 1) / power) for head in range(power)]
    between = [2 ** (-4 * (head + 1) / power) for head in range(0, 2 * power, 2)]
    return torch.tensor(slopes + between[: num_heads - power])


def alibi_bias(queries: Tensor, keys: Tensor, num_heads: int) -> Tensor:
    """What ALiBi adds to the attention scores: minus slope x distance.

    queries: (B, T) positions, keys: (B, S) positions. Returns (B, H, T, S) float32; keys in the future
    would be favoured, so the causal mask must follow.
    """
    distance = (queries[:, None, :, None] - keys[:, None, None, :]).float()  # (B, 1, T, S)
    return -alibi_slopes(num_heads).to(queries.device)[None, :, None, None] * distance
