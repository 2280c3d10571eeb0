"""The same model for generation: a prompt is read by torch, then one token after another by numpy.

While one token runs through the model its stream is a vector, (D,). Shapes: vocab_size V, embed_dim D.
"""

import copy
from collections.abc import Sequence
from typing import Any, TypeGuard, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from slmlib.model import in_numpy
from slmlib.model.attention import Attention
from slmlib.model.cache import KVCache
from slmlib.model.decoder import BLOCKS, Decoder
from slmlib.model.feedforward import FeedForward
from slmlib.model.language_model import read_rows
from slmlib.model.norms import LayerNorm, RMSNorm

Part = TypeVar("Part", bound=nn.Module)
KNOWN = (
    *(nn.Linear, nn.Embedding, nn.ModuleList, nn.Identity, nn.Dropout),
    *(Decoder, Attention, FeedForward, RMSNorm, LayerNorm, *BLOCKS.values()),
)
"""Parts whose work on one token is known here. Whatever else somebody put in, a LoRA or an nn.Sequential, may need
to be called as a module. (What somebody changes in one of these classes itself, a reader may not notice.)"""


def gains_from_reader(model: nn.Module, rows: int, new_tokens: int) -> TypeGuard[Decoder]:
    """Whether generation is right and faster with a `Reader`: a Decoder with no strange part, nothing to drop and
    nobody listening in, one row on a CPU, and enough tokens to pay for the copies. Autocast does not know numpy, and
    who counts or times torch's operations sees none of numpy's."""
    if not isinstance(model, Decoder) or rows != 1 or new_tokens < 30 or model.device.type != "cpu":
        return False
    if torch.is_autocast_enabled("cpu") or torch.nn.modules.module._has_any_global_hook():
        return False
    return model.config.position != "sinusoidal" and all(_is_known(part) for part in model.modules())


def _is_known(part: nn.Module) -> bool:
    """Whether the work of this part is known here: nothing of its class is replaced in it, nobody is listening, and it
    drops nothing."""
    replaced = any(hasattr(type(part), name) for name in vars(part))
    if type(part) not in KNOWN or replaced or part._forward_hooks or part._forward_pre_hooks:
        return False
    if isinstance(part, nn.Dropout):
        return not (part.training and part.p)
    return not isinstance(part, Attention) or _is_as_configured(part)


def _is_as_configured(attention: Attention) -> bool:
    """Whether its parts, which a reader joins, are those that its config asks for."""
    config = attention.config
    projections = attention.query, attention.key, attention.value
    norms = (attention.query_norm, attention.key_norm) if config.qk_norm else ()
    return (
        not (attention.training and config.dropout)
        and all(type(part) is nn.Linear for part in (*projections, attention.output))
        and all((part.bias is not None) == config.qkv_bias for part in projections)
        and all(type(norm) is RMSNorm and norm.eps == config.norm_eps for norm in norms)
        and all((norm.gain is not None) == config.qk_norm_gain for norm in norms)
    )


class Reader:
    """What reads for the model, as `read_rows` does: first a prompt, with an empty cache, then one token after
    another, in a single row, with the same cache.

    `model` stays as it is. In float32 about half of its weights are copied, the head and three projections of attention,
    which takes as long as a few tokens; when weights have changed, make a new reader. What follows the prompt the cache
    remembers in another order than the model, and in half precision not at all: there the reader remembers in float32.
    """

    def __init__(self, model: Decoder):
        self.model, self.twin = model, _twin(model)
        self.past: in_numpy.Past | None = None

    @torch.no_grad()
    def __call__(self, rows: Sequence[Sequence[int]], cache: KVCache) -> Tensor:
        """The logits after the last token, (1, V). rows: token ids, one row, and after the prompt one token.

        Raises ValueError for several tokens, and for a cache that is not of the prompt which was read last.
        """
        if cache.length == 0:
            self.past = None  # before another one takes its memory
            logits = read_rows(self.model, rows, cache)
            self.past = in_numpy.Past(self.model.config, cache)
            return logits
        ((token,),) = rows
        if self.past is None or cache is not self.past.cache:
            raise ValueError("A reader goes on with the cache of the prompt that it read last.")
        self.model.require_positions(cache.length + 1)
        place = self.past.next_place()
        with np.errstate(all="ignore"):  # what is not a number goes through silently, as in torch
            x = self.twin.placed(self.twin.embedding(token), place.position)  # (D,)
            x = self.twin.through_blocks(x, place, self.past)  # (D,)
            logits = self.twin.logits(x)  # (V,)
        cache.advance(1)
        return torch.from_numpy(logits)[None]


def _twin(module: Part) -> Any:
    """A copy whose parts are functions in numpy and which has no weights of its own."""
    twin = copy.copy(module)
    parts: dict[str, Any] = dict.fromkeys(module._modules)
    parts |= {name: _in_numpy(part) for name, part in module._modules.items() if part is not None}
    if isinstance(module, Decoder):
        parts["head"] = in_numpy.product(in_numpy.by_columns(module.head.weight), module.head.bias)
    if isinstance(module, FeedForward):
        parts["activation"] = in_numpy.on_tensors(module.activation)
    vars(twin).update(dict(_parameters={}, _modules={}), **parts)
    return twin


def _in_numpy(part: nn.Module) -> Any:
    """What is called instead of a part: one function, or a list of them."""
    if isinstance(part, nn.ModuleList):
        return [_in_numpy(each) for each in part]
    if isinstance(part, nn.Identity | nn.Dropout):
        return lambda x: x
    if isinstance(part, nn.Embedding):
        return in_numpy.rows_of(part)
    if isinstance(part, nn.Linear):
        return in_numpy.product(part.weight, part.bias)
    if isinstance(part, RMSNorm):
        return in_numpy.rms_norm(part)
    if isinstance(part, LayerNorm):
        return in_numpy.layer_norm(part)
    if isinstance(part, Attention):
        return in_numpy.one_token_attention(part)
    return _twin(part).forward
