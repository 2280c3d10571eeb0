"""How a model that sees a set learns that it is a sequence.

Two ways add something to the embedding (learned, sinusoidal), one turns queries and keys (RoPE), one
prefers near tokens (ALiBi). Shapes: batch B, time T, embed_dim D, heads H, head_dim E, keys S.
"""

import math

import torch
from torch import Tensor


def sinusoidal_table(positions: Tensor, embed_dim: int) -> Tensor:
    """Sine and cosine of each position at wavelengths from 2 pi to 10,000 x 2 pi (Vaswani et al. 2017, 3.5).

    positions: (..., T) integers. Returns (..., T, embed_dim); sine at even places, cosine at odd ones.
    """
    frequencies = torch.arange(0, embed_dim, 2, device=positions.device) / embed_dim  # (D / 2,)
    angles = positions[..., None] * torch.exp(-math.log(10_000.0) * frequencies)  # (..., T, D / 2)
    return torch.stack((angles.sin(), angles.cos()), dim=-1).flatten(-2)  # (..., T, D)


def rope_angles(positions: Tensor, head_dim: int, theta: float = 10_000.0) -> tuple[Tensor, Tensor]:
    """Cosine and sine of the angle by which RoPE turns each pair (Su et al. 2021, section 3.2.2).

    positions: (..., T) integers. Returns two float32 tensors (..., T, head_dim / 2). Pair i turns by
    position x theta^(-2i / head_dim): the first pair fastest, the last one hardly at all.
    """
    exponents = torch.arange(0, head_dim, 2, device=positions.device, dtype=torch.float32) / head_dim
    angles = positions[..., None].float() * theta**-exponents  # (..., T, E / 2)
    return angles.cos(), angles.sin()


def rotate(x: Tensor, cos: Tensor, sin: Tensor, pairs: str = "half") -> Tensor:
    """Turn each pair of numbers in x by its angle. After this q . k depends only on the distance.

    x: (B, H, T, E); cos, sin: broadcastable to (B, H, T, E / 2). Returns (B, H, T, E) in x's dtype.
    pairs: `half` turns (i, i + E / 2) together, `interleaved` (2i, 2i + 1). The two differ by a fixed
    permutation of the E numbers, so weights can be converted from one to the other.
    """
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
