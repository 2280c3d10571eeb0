"""Attention: every token asks a question, looks back, and takes a mixture of the answers.

Shapes: batch B, time T, embed_dim D, num_heads H, num_kv_heads K, head_dim E, keys S (= T, or more with
a cache).
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from slmlib.config import ModelConfig
from slmlib.model.cache import KVCache
from slmlib.model.positions import alibi_bias, rope_angles, rotate


@dataclass
class Sight:
    """What one forward pass may see, the same for every layer: worked out once, in `look`."""

    cos: Tensor | None
    """RoPE's cosines, (1 or B, 1, T, E / 2); None without RoPE."""
    sin: Tensor | None
    """RoPE's sines, same shape."""
    mask: Tensor | None
    """Added to the scores, (1 or B, 1 or H, T, S): -inf where a query must not look. None: plain causal."""


def look(
    config: ModelConfig, positions: Tensor, cache: KVCache | None = None, explicit: bool = False
) -> Sight:
    """Work out angles and mask for queries at `positions`.

    positions: (1 or B, T), counted from the first real token of each row; negative for padding.
    explicit: build the mask even where plain causal attention would do.
    """
    cos = sin = mask = None
    if config.position == "rope":
        cos, sin = (part[:, None] for part in rope_angles(positions, config.head_dim, config.rope_theta))
    plain = cache is None or (cache.length == 0 and not cache.padding.any())
    if plain and config.position != "alibi" and not explicit:
        return Sight(cos, sin, None)
    keys = positions
    if cache is not None:
        keys = (
            torch.arange(cache.length + positions.shape[1], device=positions.device) - cache.padding[:, None]
        )
    queries_, keys_ = positions[:, None, :, None], keys[:, None, None, :]
    # A padding query sees only itself: its output is never read, but softmax over nothing would be NaN.
    allowed = (keys_ <= queries_) & ((keys_ >= 0) | (keys_ == queries_))  # (B, 1, T, S)
    scores = alibi_bias(positions, keys, config.num_heads) if config.position == "alibi" else 0.0
    mask = torch.where(allowed, scores, float("-inf"))  # (B, 1 or H, T, S)
    return Sight(cos, sin, mask)


class Attention(nn.Module):
    """Causal grouped-query attention (Vaswani et al. 2017, section 3.2; Ainslie et al. 2023)."""

    def __init__(self, config: ModelConfig, layer: int):
        super().__init__()
        self.config, self.layer = config, layer
        self.query = nn.Linear(config.embed_dim, config.num_heads * config.head_dim, bias=config.qkv_bias)
        self.key = nn.Linear(config.embed_dim, config.num_kv_heads * config.head_dim, bias=config.qkv_bias)
        self.value = nn.Linear(config.embed_dim, config.num_kv_heads * config.head_dim, bias=config.qkv_bias)
        self.output = nn.Linear(config.num_heads * config.head_dim, config.embed_dim, bias=config.output_bias)

    def forward(self, x: Tensor, sight: Sight, cache: KVCache | None = None) -> Tensor:
        """x: (B, T, D) -> (B, T, D)."""
        q, k, v = self.project(x, sight)
        if cache is not None:
            k, v = cache.extend(self.layer, k, v)  # (B, K, S, E)
        # enable_gqa lets one key serve H / K queries without copying it in memory.
        mixed = F.scaled_dot_product_attention(
            q,
            k,
            v,
            attn_mask=None if sight.mask is None else sight.mask.to(q.dtype),
            is_causal=sight.mask is None,
            dropout_p=self.config.dropout if self.training else 0.0,
            enable_gqa=self.config.num_kv_heads < self.config.num_heads,
        )  # (B, H, T, E)
        return self.output(mixed.transpose(1, 2).flatten(2))  # (B, T, H * E) -> (B, T, D)

    def weights(self, x: Tensor, sight: Sight) -> Tensor:
        """Who looks at whom: (B, T, D) -> (B, H, T, T), each row sums to 1. `sight` needs an explicit mask."""
        q, k, _ = self.project(x, sight)
        k = k.repeat_interleave(self.config.num_heads // self.config.num_kv_heads, dim=1)  # (B, H, T, E)
        scores = q @ k.transpose(-2, -1) / self.config.head_dim**0.5  # (B, H, T, T)
        return (scores + sight.mask).softmax(dim=-1)

    def project(self, x: Tensor, sight: Sight) -> tuple[Tensor, Tensor, Tensor]:
        """Queries (B, H, T, E), keys and values (B, K, T, E), normed and turned as the config asks."""
        batch, time, _ = x.shape
        head_dim = self.config.head_dim
        q = self.query(x).view(batch, time, self.config.num_heads, head_dim).transpose(1, 2)  # (B, H, T, E)
        k = self.key(x).view(batch, time, self.config.num_kv_heads, head_dim).transpose(1, 2)  # (B, K, T, E)
        v = (
            self.value(x).view(batch, time, self.config.num_kv_heads, head_dim).transpose(1, 2)
        )  # (B, K, T, E)
        if self.config.qk_norm:
            q, k = (F.rms_norm(part, (head_dim,), eps=self.config.norm_eps) for part in (q, k))
        if sight.cos is not None and sight.sin is not None:
            q, k = (rotate(part, sight.cos, sight.sin, self.config.rope_pairs) for part in (q, k))
        return q, k, v
