"""The same model for generation: the same numbers, laid out and called so that one token takes less time.

Shapes: batch B, time T, vocab_size V, embed_dim D, num_heads H, num_kv_heads K, head_dim E.
"""

import copy
from collections.abc import Callable
from functools import partial
from typing import Any, TypeGuard

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from slmlib.model.attention import Attention, AttentionInputs
from slmlib.model.decoder import Decoder
from slmlib.model.norms import RMSNorm
from slmlib.model.positions import half_to_interleaved, rotate

PLAIN = (nn.Linear, nn.Embedding, nn.ModuleList, nn.Identity, nn.Dropout)
"""Parts of torch's that a Decoder is made of. Whatever else somebody put in, a LoRA or an nn.Sequential, may need to be
called as a module."""


def gains_from_reader(model: nn.Module, rows: int, new_tokens: int) -> TypeGuard[Decoder]:
    """Whether generation is right and faster with a `reader`: a Decoder with no strange part and nobody listening in,
    one row on a CPU, and enough tokens to pay for the copies. Autocast does not know the reader's products."""
    if not isinstance(model, Decoder) or rows != 1 or new_tokens < 30 or model.device.type != "cpu":
        return False
    if torch.is_autocast_enabled("cpu"):
        return False
    return all(_only_forwards(part) for part in model.modules() if part is not model)


def _only_forwards(part: nn.Module) -> bool:
    """Whether calling this part does what its class's `forward` says, and nothing else."""
    known = type(part) in PLAIN or type(part).__module__.startswith("slmlib.model.")
    replaced = {"forward", "project"} & vars(part).keys()  # somebody's own function in this one part
    return known and not (replaced or part._forward_hooks or part._forward_pre_hooks)


@torch.no_grad()
def reader(model: Decoder) -> nn.Module:
    """The same model to be called for one token after another, and for nothing else. `model` stays as it is, and most
    weights are shared; the head and the projections of attention are laid out anew, which costs about 25 products of one
    token. Its cache is its own: what it remembers of a key may stand in another order than the model's.
    """
    return _plain(model)


def _plain(module: nn.Module) -> nn.Module:
    """A twin whose parts are plain functions and whose weights are plain attributes.

    A small layer takes longer to be called than to work: nn.Module looks up each part and each weight by name, and
    hooks before and after. The twin's parts run no hooks; it itself does.
    """
    twin = copy.copy(module)
    parts: dict[str, Any] = {name: _calls(part) for name, part in module.named_children()}
    if isinstance(module, Attention) and module.config.qk_norm_over == "head":
        parts["project"] = joined_projection(module)
    if isinstance(module, Decoder):
        parts["head"] = column_head(module.head)
    vars(twin).update(dict(_parameters={}, _modules={}), **module._parameters, **parts)
    return twin


def _calls(part: nn.Module) -> Any:
    """What is called instead of a part: one function, or a list of them."""
    if isinstance(part, nn.ModuleList):
        return [_calls(each) for each in part]
    if isinstance(part, nn.Linear):
        return product(part.weight, part.bias)
    if isinstance(part, RMSNorm):
        return rms_norm(part.gain, part.dim, part.eps)
    return _plain(part).forward


def product(weight: Tensor, bias: Tensor | None) -> Callable[[Tensor], Tensor]:
    """nn.Linear as the product of a matrix and a vector: (1, 1, in) -> (1, 1, out). More tokens, such as a prompt, are
    multiplied as nn.Linear does.

    Here torch has faster ways than for a product of two matrices, above all in bfloat16, where 1,536 x 384 take 71
    microseconds for 119 (Intel Xeon with AMX, one thread, torch 2.13; in float32 105 for 113). Not in float16: 276 for 86.
    """
    if weight.dtype == torch.float16:
        return partial(F.linear, weight=weight, bias=bias)

    def multiply(x: Tensor) -> Tensor:
        if x.dim() != 3 or x.numel() != weight.shape[1]:
            return F.linear(x, weight, bias)
        vector = x.view(-1)
        result = torch.mv(weight, vector) if bias is None else torch.addmv(bias, weight, vector)
        return result.view(1, 1, -1)

    return multiply


def column_head(head: nn.Linear) -> Callable[[Tensor], Tensor]:
    """The head in float32 with its matrix laid out column by column, where Intel's library (MKL) reads it faster.

    The logits of one token are a matrix times one vector: as fast as the matrix comes out of memory. Read along
    embed_dim, 384 numbers a row, MKL gets 9 GB/s on an AMD EPYC, read along the vocabulary 20: 8.7
    against 3.5 ms at 50,304 tokens, 128 against 73 microseconds at 8,192 tokens of 128 numbers (one thread, torch
    2.13). On an Intel Xeon the two are equal, and with four rows at once on both.
    """
    weight = head.weight.detach()
    if weight.dtype != torch.float32 or not torch.backends.mkl.is_available():
        return product(weight, head.bias)
    columns = weight.t().contiguous().t()  # (V, D) as before, by its strides
    return partial(F.linear, weight=columns, bias=head.bias)


def rms_norm(gain: Tensor | None, dim: int, eps: float) -> Callable[[Tensor], Tensor]:
    """RMSNorm in four small operations, x / sqrt(sum of squares + dim x eps) x sqrt(dim) x gain, where torch's own
    takes eight on a CPU: 7 microseconds for 12 at 128 numbers."""
    # Numbers without an axis leave a float64 as it is; of another format than float32 they would slow it down.
    floor, root = torch.tensor([(dim * eps) ** 0.5, dim**0.5], dtype=torch.float32)
    scale = root if gain is None else gain.to(torch.promote_types(gain.dtype, torch.float32)) * root

    def norm(x: Tensor) -> Tensor:
        exact = torch.promote_types(x.dtype, torch.float32)
        length = torch.linalg.vector_norm(x, dim=-1, keepdim=True, dtype=exact)  # (..., 1)
        normed = x / torch.hypot(length, floor) * scale
        return _in_format(normed, x.dtype)

    return norm


def _in_format(x: Tensor, dtype: torch.dtype) -> Tensor:
    """x in that format. Asked first, as `to` takes 0.8 microseconds to find nothing to do."""
    return x if x.dtype == dtype else x.to(dtype)


def joined_projection(
    attention: Attention,
) -> Callable[[Tensor, AttentionInputs], tuple[Tensor, Tensor, Tensor]]:
    """`Attention.project` with one product for queries, keys and values, and one norm and one turn for queries and keys.

    Three small products are mostly overhead. And a pair of numbers that lie side by side is a complex number, which RoPE
    turns by one multiplication; so where a model pairs halves of a head, the rows of the joined matrix change places.
    Queries and keys change alike, so that their products stay what they were.
    """
    config = attention.config
    heads, shared, head_dim, limit = config.num_heads, config.num_kv_heads, config.head_dim, config.clip_qkv
    complex_pairs = config.position == "rope" and config.rope_dim in (0, head_dim)
    order = torch.arange(head_dim)
    if complex_pairs and config.rope_pairs == "half":
        order = half_to_interleaved(head_dim)

    def join(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        turned = [part.unflatten(0, (-1, head_dim))[:, order].flatten(0, 1) for part in (query, key)]
        return torch.cat([*turned, value])  # ((H + 2 K) * E, ...)

    parts = attention.query, attention.key, attention.value
    bias = join(*(part.bias for part in parts)) if config.qkv_bias else None
    multiply = product(join(*(part.weight for part in parts)), bias)
    if config.qk_norm:
        gains = [
            norm.gain[order].expand(count, 1, -1)
            for norm, count in ((attention.query_norm, heads), (attention.key_norm, shared))
            if norm.gain is not None
        ]
        norm_heads = rms_norm(torch.cat(gains) if gains else None, head_dim, config.norm_eps)  # (H + K, 1, E)

    def project(x: Tensor, attention_inputs: AttentionInputs) -> tuple[Tensor, Tensor, Tensor]:
        batch, time, _ = x.shape
        joined = multiply(x)  # (B, T, (H + 2 K) * E)
        if limit:
            joined = joined.clamp(-limit, limit)
        joined = joined.view(batch, time, -1, head_dim).transpose(1, 2)  # (B, H + 2 K, T, E)
        turned, v = joined.split_with_sizes((heads + shared, shared), dim=1)  # (B, H + K or K, T, E)
        if config.qk_norm:
            turned = norm_heads(turned)
        if complex_pairs:
            exact = _in_format(turned, torch.float32)
            pairs = exact.view(torch.complex64) * attention_inputs.turns  # (B, H + K, T, E / 2)
            turned = _in_format(pairs.view(torch.float32), x.dtype)  # (B, H + K, T, E)
        elif attention_inputs.cos is not None and attention_inputs.sin is not None:
            turned = rotate(turned, attention_inputs.cos, attention_inputs.sin, config.rope_pairs)
        q, k = turned.split_with_sizes((heads, shared), dim=1)  # (B, H, T, E), (B, K, T, E)
        return q, k, v

    return project
