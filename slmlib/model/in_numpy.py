"""The parts of a decoder for one token at a time, in numpy: what `reader` puts in the place of torch's.

One token of a small model is a hundred tiny operations on vectors, and torch spends most of that time on being called:
to add two vectors of 128 numbers takes it 2.2 microseconds, numpy 0.6 (Intel Xeon, torch 2.13, numpy 2.4). How many
threads numpy's products use is not torch's to say: all cores, or what OMP_NUM_THREADS was when the process began.
Shapes: vocab_size V, embed_dim D, num_heads H, num_kv_heads K, head_dim E, keys S, slots of a cache L.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from slmlib.config import ModelConfig
from slmlib.model.attention import Attention
from slmlib.model.cache import KVCache
from slmlib.model.norms import LayerNorm, RMSNorm
from slmlib.model.positions import alibi_slopes, half_to_interleaved

Array = NDArray[Any]
"""float64 for a model of that format, else float32."""
Function = Callable[[Array], Array]


def as_array(tensor: Tensor) -> Array:
    """The tensor's numbers: in float32 and float64 its own memory, which may be written to; else a float32 copy."""
    return tensor.detach().to(torch.promote_types(tensor.dtype, torch.float32)).numpy()


def rows_of(table: nn.Embedding) -> Callable[[int], Array]:
    """The embedding of a token or of its position, (D,)."""
    weight = table.weight.detach()
    if weight.dtype.itemsize < 4:  # a table of half the bytes stays one
        return lambda place: as_array(weight[place])
    return as_array(weight).__getitem__


def product(weight: Tensor, bias: Tensor | None) -> Function:
    """nn.Linear for one vector: (in,) -> (out,)."""
    if weight.dtype.itemsize < 4:
        return half_product(weight.detach(), bias)
    matrix = as_array(weight)
    if bias is None:
        return matrix.dot
    addition = as_array(bias)
    return lambda x: matrix.dot(x) + addition


def half_product(weight: Tensor, bias: Tensor | None) -> Function:
    """The same in bfloat16 or float16, by torch, as numpy knows no half precision; a vector of float32 goes in and out.

    In bfloat16 a matrix times a vector is faster than F.linear, which multiplies matrices: 1,536 x 384 take 71
    microseconds for 119 (Intel Xeon with AMX, one thread, torch 2.13). Not in float16: 276 for 86.
    """
    if weight.dtype == torch.float16:
        multiply = partial(F.linear, weight=weight, bias=bias)
    else:
        multiply = partial(torch.mv, weight) if bias is None else partial(torch.addmv, bias, weight)
    return lambda x: multiply(torch.from_numpy(x).to(weight.dtype)).float().numpy()


def by_columns(weight: Tensor) -> Tensor:
    """A copy of a matrix (out, in) that lies in memory column by column; one in half precision as it is.

    A matrix times one vector takes as long as the matrix takes to come out of memory, and read along its longer side
    it comes faster: with 50,304 x 384 numbers in 8.2 instead of 9.9 ms, with 1,152 x 384 in 204 instead of 236
    microseconds, with 128 x 512 in no less (Intel Xeon of 2 GHz, one thread, numpy 2.4).
    """
    return weight.t().contiguous().t() if weight.dtype.itemsize >= 4 else weight


def on_tensors(function: Callable[[Tensor], Tensor]) -> Function:
    """A function of torch, such as an activation, for arrays."""
    return lambda x: function(torch.from_numpy(x)).numpy()


def rms_norm(norm: RMSNorm) -> Function:
    """RMSNorm for one vector: (dim,) -> (dim,)."""
    gain = None if norm.gain is None else as_array(norm.gain)

    def normed(x: Array) -> Array:
        x = x / np.sqrt(x.dot(x) / norm.dim + norm.eps)
        return x if gain is None else x * gain

    return normed


def layer_norm(norm: LayerNorm) -> Function:
    """LayerNorm for one vector: (dim,) -> (dim,)."""
    gain, bias = (None if part is None else as_array(part) for part in (norm.gain, norm.bias))

    def normed(x: Array) -> Array:
        x = x - x.sum() / norm.dim
        x = x / np.sqrt(x.dot(x) / norm.dim + norm.eps)
        if gain is not None:
            x = x * gain
        return x if bias is None else x + bias

    return normed


class Place(NamedTuple):
    """What a token may use beside the stream, worked out once for all layers."""

    position: int
    """How many tokens were read before it."""
    turns: Array | None
    """RoPE's cosine and sine as one complex number for each pair, (E / 2,) or fewer; None without RoPE."""
    bias: Array | None
    """What ALiBi adds to the scores, (K, H / K, S); None without ALiBi."""


class Past:
    """The keys and values of a cache, which has read the prompt of one row, as arrays; and what positions need."""

    def __init__(self, config: ModelConfig, cache: KVCache):
        self.cache, self.repeat = cache, 0
        self.keys = as_array(cache.keys[:, 0])  # (L, K, capacity, E)
        self.values = as_array(cache.values[:, 0])  # (L, K, capacity, E)
        read = self.keys[:, :, : cache.length]
        read[:] = read[..., pairs_side_by_side(config).numpy()]
        self.turns: Array | None = None
        if cache.angles is not None:
            cos, sin = (angles[0, 0].numpy().astype(self.keys.dtype) for angles in cache.angles)
            self.turns = cos + 1j * sin  # (capacity, E / 2)
        self.bias: Array | None = None
        if config.position == "alibi":
            distances = torch.arange(cache.capacity).flip(0)
            bias = -alibi_slopes(config.num_heads)[:, None] * distances  # (H, capacity)
            self.bias = bias.view(config.num_kv_heads, -1, cache.capacity).numpy()  # (K, H / K, capacity)

    def next_place(self) -> Place:
        """Where the next token stands. Raises SlmError if there is no room for it."""
        position, end = self.cache.length, self.cache.end(1)
        return Place(
            position,
            None if self.turns is None else self.turns[position],
            None if self.bias is None else self.bias[..., -end:],
        )


def pairs_side_by_side(config: ModelConfig) -> Tensor:
    """Where the numbers of a query or key come from, (E,), so that two which RoPE turns together lie side by side.

    Such a pair is a complex number, which one multiplication turns. Queries and keys change alike, so their
    products stay what they were.
    """
    order = torch.arange(config.head_dim)
    if config.position == "rope" and config.rope_pairs == "half":
        turned = config.rope_dim or config.head_dim
        order[:turned] = half_to_interleaved(turned)
    return order


def one_token_attention(attention: Attention) -> Callable[[Array, Place, Past], Array]:
    """Attention of one token, (D,) -> (D,), with one product for queries, keys and values, and one norm and one turn
    for queries and keys."""
    config, layer = attention.config, attention.layer
    heads, shared, head_dim, limit = config.num_heads, config.num_kv_heads, config.head_dim, config.clip_qkv
    order = pairs_side_by_side(config)
    window = config.window(layer)
    scale = config.attention_scale or head_dim**-0.5

    def joined(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        query, key = (part.unflatten(0, (-1, head_dim))[:, order].flatten(0, 1) for part in (query, key))
        return torch.cat((query, key, value))  # ((H + 2 K) * E, ...)

    parts = attention.query, attention.key, attention.value
    bias = joined(*(part.bias for part in parts)) if config.qkv_bias else None
    multiply = product(by_columns(joined(*(part.weight for part in parts))), bias)
    norm = joined_norm(attention, order) if config.qk_norm else None
    output = product(attention.output.weight, attention.output.bias)

    def attend(x: Array, place: Place, past: Past) -> Array:
        qkv = multiply(x)  # ((H + 2 K) * E,)
        if limit:
            qkv = qkv.clip(-limit, limit)
        qkv = qkv.reshape(-1, head_dim)  # (H + 2 K, E)
        qk, v = qkv[: heads + shared], qkv[heads + shared :]  # (H + K, E), (K, E)
        if norm is not None:
            qk = norm(qk)
        if place.turns is not None:
            pairs = qk[:, : 2 * len(place.turns)].view(place.turns.dtype)  # (H + K, E / 2)
            pairs *= place.turns
        slot, end = past.repeat * config.num_layers + layer, place.position + 1
        keys, values = past.keys[slot, :shared], past.values[slot, :shared]  # (K, capacity, E)
        keys[:, place.position], values[:, place.position] = qk[heads:], v
        first = max(0, end - window) if window else 0
        q = qk[:heads].reshape(shared, -1, head_dim)  # (K, H / K, E)
        scores = q @ keys[:, first:end].transpose(0, 2, 1) * scale  # (K, H / K, S)
        if place.bias is not None:
            scores += place.bias[..., first:]
        weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
        mixed = weights @ values[:, first:end] / weights.sum(axis=-1, keepdims=True)  # (K, H / K, E)
        return output(mixed.reshape(-1))

    return attend


def joined_norm(attention: Attention, order: Tensor) -> Function:
    """The norms of queries and keys at once, (H + K, E) to the same shape; with their numbers in that order."""
    config, norms = attention.config, (attention.query_norm, attention.key_norm)
    heads, head_dim = config.num_heads, config.head_dim
    gains = [  # one for all heads, (E,), or one for each, (H * E,)
        norm.gain.view(-1, head_dim).expand(count, head_dim)[:, order]
        for norm, count in zip(norms, (heads, config.num_kv_heads), strict=True)
        if norm.gain is not None
    ]
    gain = as_array(torch.cat(gains)) if gains else None  # (H + K, E)
    ones = as_array(attention.output.weight.new_ones(head_dim))  # numpy's fastest sum is a product

    def normed(qk: Array) -> Array:
        mean_squares = (qk * qk) @ ones / head_dim  # (H + K,)
        if config.qk_norm_over == "projection":
            mean_squares[:heads] = mean_squares[:heads].mean()
            mean_squares[heads:] = mean_squares[heads:].mean()
        qk = qk / np.sqrt(mean_squares + config.norm_eps)[:, None]
        return qk if gain is None else qk * gain

    return normed
