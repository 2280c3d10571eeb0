"""Attention: every token asks a question, looks back, and takes a mixture of the answers.

Shapes: batch B, time T, embed_dim D, num_heads H, num_kv_heads K, head_dim E, keys S (= T, or more with
a cache).
"""

from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from slmlib.config import ModelConfig
from slmlib.model.cache import KVCache
from slmlib.model.norms import RMSNorm
from slmlib.model.positions import alibi_bias, angles_at, rotate


@dataclass
class AttentionInputs:
    """What one forward pass may see beside the stream, worked out once for all layers (`build_attention_inputs`)."""

    cos: Tensor | None
    """RoPE's cosines, (1 or B, 1, T, E / 2) or fewer pairs; None without RoPE."""
    sin: Tensor | None
    """RoPE's sines, same shape."""
    mask: Tensor | None
    """Added to the scores, (1 or B, 1 or H, T, S): -inf where a query must not look. None: plain causal."""
    window_masks: dict[int, Tensor] = field(default_factory=dict)
    """The same mask for layers with a window, by its width; without those wider than what there is to see."""
    unfused: bool = False
    """Whether attention is written out as two matrix products and a softmax instead of torch's fused kernel: the
    same numbers, and sooner on a CPU with a short context (see `slmlib.training.speed`). Needs an explicit mask."""


def build_attention_inputs(
    config: ModelConfig, positions: Tensor, cache: KVCache | None = None, explicit: bool = False
) -> AttentionInputs:
    """Work out angles and mask for queries at `positions`.

    positions: (1 or B, T), counted from the first real token of each row; negative for padding.
    explicit: build the mask even where plain causal attention would do.
    """
    cos: Tensor | None = None
    sin: Tensor | None = None
    mask: Tensor | None = None
    if isinstance(cache, KVCache) and not cache.ragged:
        cos, sin = cache.next_angles(positions.shape[1])
    elif config.position == "rope":
        cos, sin = angles_at(config, positions)
    seen = positions.shape[1] + (0 if cache is None else cache.length)
    widths = {width for width in config.windows if 0 < width < seen}
    # Unpadded rows need no mask before anything was read, nor for a single token, which may see all there is.
    plain = cache is None or (not cache.ragged and (cache.length == 0 or positions.shape[1] == 1))
    if plain and not widths and config.position != "alibi" and not explicit:
        return AttentionInputs(cos, sin, None)
    keys = positions
    if cache is not None:
        keys = torch.arange(seen, device=positions.device) - cache.padding[:, None]
    query_positions, key_positions = positions[:, None, :, None], keys[:, None, None, :]
    # A padding query sees only itself: its output is never read, but softmax over nothing would be NaN.
    past = key_positions <= query_positions  # (B, 1, T, S)
    allowed = past & ((key_positions >= 0) | (key_positions == query_positions))  # (B, 1, T, S)
    bias = alibi_bias(positions, keys, config.num_heads) if config.position == "alibi" else 0.0
    mask = torch.where(allowed, bias, float("-inf"))  # (B, 1 or H, T, S)
    distance = query_positions - key_positions  # (B, 1, T, S)
    window_masks = {width: mask.masked_fill(distance >= width, float("-inf")) for width in widths}
    return AttentionInputs(cos, sin, mask, window_masks)


class Attention(nn.Module):
    """Causal grouped-query attention (Vaswani et al. 2017, section 3.2; Ainslie et al. 2023)."""

    def __init__(self, config: ModelConfig, layer: int):
        super().__init__()
        self.config, self.layer = config, layer
        self.window = config.window(layer)
        inner, shared = config.num_heads * config.head_dim, config.num_kv_heads * config.head_dim
        self.query = nn.Linear(config.embed_dim, inner, bias=config.qkv_bias)
        self.key = nn.Linear(config.embed_dim, shared, bias=config.qkv_bias)
        self.value = nn.Linear(config.embed_dim, shared, bias=config.qkv_bias)
        self.output = nn.Linear(inner, config.embed_dim, bias=config.output_bias)
        if config.qk_norm:
            whole = config.qk_norm_over == "projection"
            self.query_norm, self.key_norm = (
                RMSNorm(config.head_dim * (heads if whole else 1), config.qk_norm_gain, config.norm_eps)
                for heads in (config.num_heads, config.num_kv_heads)
            )

    def forward(self, x: Tensor, attention_inputs: AttentionInputs, cache: KVCache | None = None) -> Tensor:
        """x: (B, T, D) -> (B, T, D)."""
        q, k, v = self.project(x, attention_inputs)
        if cache is not None:
            k, v = cache.extend(self.layer, k, v)  # (B, K, S, E)
        mask = self.mask(attention_inputs)
        if attention_inputs.unfused:
            weights = F.dropout(self.weights_from(q, k, mask), self.config.dropout, self.training)
            mixed = weights.type_as(v) @ self.repeat_kv(v)  # (B, H, T, E)
        else:
            # enable_gqa lets one key serve H / K queries without copying it in memory. In half precision the mask is
            # rounded too: what ALiBi says of far tokens is off by at most 1 part in 256, where weights are small.
            mixed = F.scaled_dot_product_attention(
                q,
                k,
                v,
                attn_mask=None if mask is None else mask.to(q.dtype),
                is_causal=mask is None and q.shape[2] > 1,
                scale=self.config.attention_scale or None,  # None means 1 / sqrt(head_dim)
                dropout_p=self.config.dropout if self.training else 0.0,
                enable_gqa=self.config.num_kv_heads < self.config.num_heads,
            )  # (B, H, T, E)
        return self.output(mixed.transpose(1, 2).flatten(2))  # (B, T, H * E) -> (B, T, D)

    def weights(self, x: Tensor, attention_inputs: AttentionInputs) -> Tensor:
        """Who looks at whom: (B, T, D) -> (B, H, T, T), each row sums to 1. `attention_inputs` needs an explicit mask."""
        q, k, _ = self.project(x, attention_inputs)
        return self.weights_from(q, k, self.mask(attention_inputs))

    def weights_from(self, q: Tensor, k: Tensor, mask: Tensor | None) -> Tensor:
        """Queries (B, H, T, E) and keys (B, K, S, E) to weights (B, H, T, S): each row sums to 1."""
        scale = self.config.attention_scale or self.config.head_dim**-0.5
        scores = scale * q @ self.repeat_kv(k).transpose(-2, -1)  # (B, H, T, S)
        assert mask is not None
        return (scores + mask).softmax(dim=-1)

    def repeat_kv(self, x: Tensor) -> Tensor:
        """One copy of a key or value for each query that shares it: (B, K, S, E) -> (B, H, S, E)."""
        sharing = self.config.num_heads // self.config.num_kv_heads
        return x if sharing == 1 else x.repeat_interleave(sharing, dim=1)

    def mask(self, attention_inputs: AttentionInputs) -> Tensor | None:
        """The mask of this layer's window; None means plain causal attention."""
        return attention_inputs.window_masks.get(self.window, attention_inputs.mask)

    def project(self, x: Tensor, attention_inputs: AttentionInputs) -> tuple[Tensor, Tensor, Tensor]:
        """Queries (B, H, T, E), keys and values (B, K, T, E), normed and turned as the config asks."""
        head_dim, limit = self.config.head_dim, self.config.clip_qkv
        q, k, v = self.query(x), self.key(x), self.value(x)  # (B, T, H * E), (B, T, K * E) twice
        if limit:
            q, k, v = (part.clamp(-limit, limit) for part in (q, k, v))
        if self.config.qk_norm and self.config.qk_norm_over == "projection":
            q, k = self.query_norm(q), self.key_norm(k)
        batch, time, _ = x.shape
        q, k, v = (
            part.view(batch, time, -1, head_dim).transpose(1, 2) for part in (q, k, v)
        )  # (B, H or K, T, E)
        if self.config.qk_norm and self.config.qk_norm_over == "head":
            q, k = self.query_norm(q), self.key_norm(k)
        if attention_inputs.cos is not None and attention_inputs.sin is not None:
            q, k = (
                rotate(part, attention_inputs.cos, attention_inputs.sin, self.config.rope_pairs)
                for part in (q, k)
            )
        return q, k, v
