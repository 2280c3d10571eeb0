"""The same model for generation: the same numbers, laid out and called so that one token takes less time."""

import copy
from collections.abc import Callable
from functools import partial
from typing import Any, TypeGuard

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from slmlib.model.attention import Attention
from slmlib.model.decoder import Decoder

PLAIN = (nn.Linear, nn.Embedding, nn.ModuleList, nn.Identity, nn.Dropout)
"""Parts of torch's that a Decoder is made of. Whatever else somebody put in, a LoRA or an nn.Sequential, may need to be
called as a module."""


def gains_from_reader(model: nn.Module, rows: int, new_tokens: int) -> TypeGuard[Decoder]:
    """Whether generation is right and faster with a `reader`: a Decoder with no strange part and nobody listening in,
    one row on a CPU, and enough tokens to pay for the copies."""
    if not isinstance(model, Decoder) or rows != 1 or new_tokens < 30 or model.device.type != "cpu":
        return False
    return all(_only_forwards(part) for part in model.modules() if part is not model)


def _only_forwards(part: nn.Module) -> bool:
    """Whether calling this part does what its class's `forward` says, and nothing else."""
    known = type(part) in PLAIN or type(part).__module__.startswith("slmlib.model.")
    return known and not (part._forward_hooks or part._forward_pre_hooks)


@torch.no_grad()
def reader(model: Decoder) -> nn.Module:
    """The same model to be called for one token after another, and for nothing else. `model` stays as it is, its weights
    are shared; new are a head and the projections of attention, which cost about 25 products of one token."""
    return _plain(model)


def _plain(module: nn.Module) -> nn.Module:
    """A twin whose parts are plain functions and whose weights are plain attributes.

    A small layer takes longer to be called than to work: nn.Module looks up each part and each weight by name, and
    hooks before and after. The twin's parts run no hooks; it itself does.
    """
    twin = copy.copy(module)
    parts: dict[str, Any] = {name: _calls(part) for name, part in module.named_children()}
    if isinstance(module, Attention):
        parts["joined"] = join_projections(module)
    if isinstance(module, Decoder):
        parts["head"] = column_head(module.head)
    vars(twin).update(dict(_parameters={}, _modules={}), **module._parameters, **parts)
    return twin


def _calls(part: nn.Module) -> Any:
    """What is called instead of a part: one function, or a list of them."""
    return [_calls(each) for each in part] if isinstance(part, nn.ModuleList) else _plain(part).forward


def join_projections(attention: Attention) -> Callable[[Tensor], Tensor]:
    """Queries, keys and values in one product, (B, T, D) -> (B, T, (H + 2 K) * E): three small ones are mostly overhead."""
    parts = [attention.query, attention.key, attention.value]
    biases = tuple(part.bias for part in parts if part.bias is not None)
    return partial(
        F.linear,
        weight=torch.cat([part.weight for part in parts]),  # ((H + 2 K) * E, D)
        bias=torch.cat(biases) if biases else None,
    )


def column_head(head: nn.Linear) -> Callable[[Tensor], Tensor]:
    """The same head with its matrix laid out column by column, where that is read faster: float32 by MKL.

    The logits of one token are a matrix times one vector: as fast as the matrix comes out of memory. Read along
    embed_dim, 384 numbers a row, Intel's library (MKL) gets 9 GB/s on an AMD EPYC, read along the vocabulary 20: 8.7
    against 3.5 ms at 50,304 tokens, 128 against 73 microseconds at 8,192 tokens of 128 numbers (one thread, torch
    2.13). On an Intel Xeon the two are equal, and with four rows at once on both.
    """
    weight = head.weight.detach()
    if weight.dtype == torch.float32 and torch.backends.mkl.is_available():
        weight = weight.t().contiguous().t()  # (V, D) as before, by its strides
    return partial(F.linear, weight=weight, bias=head.bias)
