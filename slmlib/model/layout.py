"""The same model for generation: the same numbers, laid out and called so that one token takes less time.

While one token runs through the model its stream is a vector, (D,).
Shapes: vocab_size V, embed_dim D, num_heads H, num_kv_heads K, head_dim E, tokens read so far S.
"""

import copy
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeGuard, TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from slmlib.config import ModelConfig
from slmlib.model.attention import Attention, AttentionInputs
from slmlib.model.cache import KVCache
from slmlib.model.decoder import BLOCKS, Decoder
from slmlib.model.feedforward import FeedForward
from slmlib.model.language_model import read_rows
from slmlib.model.norms import LayerNorm, RMSNorm
from slmlib.model.positions import half_to_interleaved, rotate

Part = TypeVar("Part", bound=nn.Module)
KNOWN = (
    *(nn.Linear, nn.Embedding, nn.ModuleList, nn.Identity, nn.Dropout),
    *(Decoder, Attention, FeedForward, RMSNorm, LayerNorm, *BLOCKS.values()),
)
"""Parts whose work on one token is known here. Whatever else somebody put in, a LoRA or an nn.Sequential, may need
to be called as a module. (What somebody changes in one of these classes itself, a reader may not notice.)"""


def gains_from_reader(model: nn.Module, rows: int, new_tokens: int) -> TypeGuard[Decoder]:
    """Whether generation is right and faster with a `reader`: a Decoder with no strange part and nobody listening in,
    one row on a CPU, and enough tokens to pay for the copies. Autocast does not know the reader's products."""
    if not isinstance(model, Decoder) or rows != 1 or new_tokens < 30 or model.device.type != "cpu":
        return False
    if torch.is_autocast_enabled("cpu") or torch.nn.modules.module._has_any_global_hook():
        return False
    return all(_is_known(part) for part in model.modules())


def _is_known(part: nn.Module) -> bool:
    """Whether the work of this part is known here: nothing of its class is replaced in it, and nobody is listening."""
    replaced = any(hasattr(type(part), name) for name in vars(part))
    if type(part) not in KNOWN or replaced or part._forward_hooks or part._forward_pre_hooks:
        return False
    return not isinstance(part, Attention) or _is_as_configured(part)


def _is_as_configured(attention: Attention) -> bool:
    """Whether its parts, which a reader joins, are those that its config asks for."""
    config = attention.config
    projections = attention.query, attention.key, attention.value
    norms = (attention.query_norm, attention.key_norm) if config.qk_norm else ()
    return (
        all(type(part) is nn.Linear for part in (*projections, attention.output))
        and all((part.bias is not None) == config.qkv_bias for part in projections)
        and all(type(norm) is RMSNorm and norm.eps == config.norm_eps for norm in norms)
        and all((norm.gain is not None) == config.qk_norm_gain for norm in norms)
    )


@torch.no_grad()
def reader(model: Decoder) -> Callable[[Sequence[Sequence[int]], KVCache], Tensor]:
    """What reads for the model, as `read_rows` does: first a prompt, with an empty cache, then one token after
    another, in a single row. It returns the logits after the last token, (1, V).

    `model` stays as it is, and most weights are shared; the head and the projections of attention are laid out anew,
    which takes as long as a few tokens. From the prompt on the cache is the reader's own: it may remember the
    numbers of a key in another order than the model.
    """
    twin, order = _plain(model), kept_order(model.config)

    def read(rows: Sequence[Sequence[int]], cache: KVCache) -> Tensor:
        if cache.length == 0:
            logits = read_rows(model, rows, cache)
            if order is not None:
                for keys in cache.keys.narrow(3, 0, cache.length):  # (1, K, S, E)
                    keys.copy_(keys[..., order])
            return logits
        ((token,),) = rows
        x, attention_inputs = twin.with_positions(twin.embedding(token), 1, cache)
        x = x.flatten()  # (D,) already, but for sines, which come as (1, 1, D)
        x = twin.through_blocks(x, attention_inputs, cache)
        cache.advance(1)
        return twin.logits(x)

    return read


def _plain(module: Part) -> Part:
    """A twin whose parts are plain functions and whose weights are plain attributes.

    A small layer takes longer to be called than to work: nn.Module looks up each part and each weight by name, and
    hooks before and after.
    """
    twin = copy.copy(module)
    parts: dict[str, Any] = dict.fromkeys(module._modules)
    parts |= {name: _calls(part) for name, part in module.named_children()}
    if isinstance(module, Decoder):
        parts["head"] = column_head(module.head)
    vars(twin).update(dict(_parameters={}, _modules={}), **module._parameters, **parts)
    return twin


def _calls(part: nn.Module) -> Any:
    """What is called instead of a part: one function, or a list of them."""
    if isinstance(part, nn.ModuleList):
        return [_calls(each) for each in part]
    if isinstance(part, nn.Embedding):
        return partial(row_of, part.weight)
    if isinstance(part, nn.Linear):
        return product(part.weight, part.bias)
    if isinstance(part, RMSNorm):
        return rms_norm(part.gain, part.dim, part.eps)
    if isinstance(part, Attention):
        return one_token_attention(part)
    return _plain(part).forward


def row_of(table: Tensor, place: int | Tensor) -> Tensor:
    """The embedding of one token or of its position, (D,)."""
    return table[int(place)]


def product(weight: Tensor, bias: Tensor | None) -> Callable[[Tensor], Tensor]:
    """nn.Linear as the product of a matrix and a vector: (in,) -> (out,).

    Here torch has faster ways than for a product of two matrices, above all in bfloat16, where 1,536 x 384 take 71
    microseconds for 119 (Intel Xeon with AMX, one thread, torch 2.13; in float32 105 for 113). Not in float16: 276
    for 86.
    """
    if weight.dtype == torch.float16:
        return partial(F.linear, weight=weight, bias=bias)
    return partial(torch.mv, weight) if bias is None else partial(torch.addmv, bias, weight)


def column_head(head: nn.Linear) -> Callable[[Tensor], Tensor]:
    """The head, (D,) -> (1, V); in float32 with its matrix laid out column by column, where Intel's library (MKL)
    reads it faster.

    The logits of one token are a matrix times one vector: as fast as the matrix comes out of memory. Read along
    embed_dim, 384 numbers a row, MKL gets 9 GB/s on an AMD EPYC, read along the vocabulary 20: 8.7
    against 3.5 ms at 50,304 tokens, 128 against 73 microseconds at 8,192 tokens of 128 numbers (one thread, torch
    2.13). On an Intel Xeon the two are equal, and with four rows at once on both.
    """
    weight = head.weight.detach()
    if weight.dtype == torch.float32 and torch.backends.mkl.is_available():
        weight = weight.t().contiguous().t()  # (V, D) as before, by its strides
    multiply = product(weight, head.bias)
    return lambda x: multiply(x)[None]


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


def whole_heads_turn(config: ModelConfig) -> bool:
    """Whether RoPE turns all the numbers of a head."""
    return config.position == "rope" and config.rope_dim in (0, config.head_dim)


def kept_order(config: ModelConfig) -> Tensor | None:
    """Where the numbers of queries and keys come from, (E,), if a reader keeps them in another order than the model:
    with the two of a pair that RoPE turns side by side."""
    if whole_heads_turn(config) and config.rope_pairs == "half":
        return half_to_interleaved(config.head_dim)
    return None


def one_token_attention(attention: Attention) -> Callable[[Tensor, AttentionInputs, KVCache], Tensor]:
    """Attention of one token, (D,) -> (D,), with one product for queries, keys and values, and one norm and one
    turn for queries and keys.

    Three small products are mostly overhead. And a pair of numbers that lie side by side is a complex number, which
    RoPE turns by one multiplication; so where a model pairs halves of a head, the rows of the joined matrix change
    places. Queries and keys change alike, so that their products stay what they were.
    """
    config, layer = attention.config, attention.layer
    heads, shared, head_dim, limit = config.num_heads, config.num_kv_heads, config.head_dim, config.clip_qkv
    whole_turn, order = whole_heads_turn(config), kept_order(config)

    def join(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        if order is not None:
            query, key = (part.unflatten(0, (-1, head_dim))[:, order].flatten(0, 1) for part in (query, key))
        return torch.cat((query, key, value))  # ((H + 2 K) * E, ...)

    parts = attention.query, attention.key, attention.value
    bias = join(*(part.bias for part in parts)) if config.qkv_bias else None
    multiply = product(join(*(part.weight for part in parts)), bias)
    norm = joined_norm(attention, order) if config.qk_norm else None
    output = product(attention.output.weight, attention.output.bias)

    def attend(x: Tensor, attention_inputs: AttentionInputs, cache: KVCache) -> Tensor:
        joined = multiply(x)  # ((H + 2 K) * E,)
        if limit:
            joined = joined.clamp(-limit, limit)
        joined = joined.view(1, -1, 1, head_dim)  # (1, H + 2 K, 1, E)
        # Queries and keys together, (1, H + K, 1, E), and values, (1, K, 1, E).
        both, v = joined.split_with_sizes((heads + shared, shared), dim=1)
        if norm is not None:
            both = norm(both)
        if whole_turn:
            exact = _in_format(both, torch.float32)
            pairs = exact.view(torch.complex64) * attention_inputs.turns  # (1, H + K, 1, E / 2)
            both = _in_format(pairs.view(torch.float32), x.dtype)  # (1, H + K, 1, E)
        elif attention_inputs.cos is not None and attention_inputs.sin is not None:
            both = rotate(both, attention_inputs.cos, attention_inputs.sin, config.rope_pairs)
        q, k = both.split_with_sizes((heads, shared), dim=1)  # (1, H, 1, E), (1, K, 1, E)
        keys, values = cache.extend(layer, k, v)  # (1, K, S, E) each
        return output(attention.mix(q, keys, values, attention.mask(attention_inputs)).flatten())

    return attend


def joined_norm(attention: Attention, order: Tensor | None) -> Callable[[Tensor], Tensor]:
    """The norms of queries and keys at once, (1, H + K, 1, E) to the same shape; with their numbers in that order."""
    config, head_dim = attention.config, attention.config.head_dim
    counts = config.num_heads, config.num_kv_heads
    gains: list[Tensor] = []  # (H, E), (K, E), or none
    for norm, count in zip((attention.query_norm, attention.key_norm), counts, strict=True):
        if norm.gain is not None:  # one for all heads, (E,), or one for each, (H * E,)
            gain = norm.gain.view(-1, head_dim).expand(count, head_dim)
            gains.append(gain if order is None else gain[:, order])
    if config.qk_norm_over == "head":
        return rms_norm(torch.cat(gains)[:, None] if gains else None, head_dim, config.norm_eps)
    lengths = [count * head_dim for count in counts]
    norms = [
        rms_norm(gains[i].flatten() if gains else None, length, config.norm_eps)
        for i, length in enumerate(lengths)
    ]

    def norm_projections(both: Tensor) -> Tensor:
        parts = both.view(-1).split(lengths)  # (H * E,), (K * E,)
        return torch.cat([norm(part) for norm, part in zip(norms, parts, strict=True)]).view(both.shape)

    return norm_projections
