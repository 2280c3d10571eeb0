"""T5: one stack reads the whole question in both directions, another writes the answer (Raffel et al. 2020).

Distance is told by a learned number that is added to the scores, one for each bucket of distances and each head.
Scores are not divided by sqrt(head_dim): T5 starts with smaller weights instead.
Shapes: batch B, question length S, answer length T, embed_dim D, num_heads H, head_dim E, vocab_size V.
"""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from slmlib.config.base import Config, below_one, raise_all
from slmlib.model.norms import RMSNorm


@dataclass(frozen=True)
class EncoderDecoderConfig(Config):
    """The shape of a T5. ChatLM-mini-Chinese is 10 + 10 layers of 768 with a vocabulary of 29,298."""

    vocab_size: int
    """How many different tokens there are."""
    embed_dim: int = 128
    """Width of both residual streams (D)."""
    num_layers: int = 4
    """Blocks in the encoder, and as many in the decoder."""
    num_heads: int = 2
    """How many queries look at once (H)."""
    head_dim: int = 64
    """Length of one head's query and key (E)."""
    ffn_dim: int = 512
    """Hidden width of the feed-forward layers; their bend is ReLU."""
    num_buckets: int = 32
    """How many different distances are told apart, in both directions together where both can be seen."""
    max_distance: int = 128
    """All distances from here on are one bucket."""
    norm_eps: float = 1e-6
    """Added inside the norm's square root."""
    tie_embeddings: bool = True
    """Whether the logits reuse the embedding table; they are then divided by sqrt(embed_dim)."""

    def __post_init__(self) -> None:
        super().__post_init__()
        sizes = ("vocab_size", "embed_dim", "num_layers", "num_heads", "head_dim", "ffn_dim")
        raise_all(
            self,
            *below_one(self, *sizes),
            (
                self.num_buckets < 4 or self.num_buckets % 4 != 0 or self.max_distance <= self.num_buckets,
                f"num_buckets must be a multiple of 4 and below max_distance; they are {self.num_buckets} and "
                f"{self.max_distance}.",
            ),
            (not self.norm_eps > 0, f"norm_eps must be above 0; it is {self.norm_eps}."),
        )


def bucket(distance: Tensor, both_ways: bool, num_buckets: int = 32, max_distance: int = 128) -> Tensor:
    """In which bucket a distance (key's place minus query's place) falls; any shape, integers.

    Half of the buckets are for one distance each, the others grow like a logarithm up to max_distance. Where a
    query sees both ways, the later keys have buckets of their own; where it does not, they are as near as itself.
    """
    first = torch.zeros_like(distance)
    if both_ways:
        num_buckets //= 2
        first = (distance > 0) * num_buckets
        steps = distance.abs()
    else:
        steps = (-distance).clamp(min=0)
    exact = num_buckets // 2
    growth = (steps.clamp(min=1) / exact).log() / math.log(max_distance / exact)
    far = (exact + (growth * (num_buckets - exact)).long()).clamp(max=num_buckets - 1)
    return first + torch.where(steps < exact, steps, far)


class DistanceBias(nn.Module):
    """What is added to the scores for each distance: computed once, used by all layers of a stack."""

    def __init__(self, config: EncoderDecoderConfig, both_ways: bool):
        super().__init__()
        self.config, self.both_ways = config, both_ways
        self.table = nn.Embedding(config.num_buckets, config.num_heads)

    def forward(self, time: int, device: torch.device) -> Tensor:
        """(1, H, T, T); -inf where a query must not look."""
        places = torch.arange(time, device=device)
        distance = places[None] - places[:, None]  # (T, T), key minus query
        found = bucket(distance, self.both_ways, self.config.num_buckets, self.config.max_distance)
        bias = self.table(found).permute(2, 0, 1)[None]  # (T, T, H) -> (1, H, T, T)
        return bias if self.both_ways else bias.masked_fill(distance > 0, float("-inf"))


class CrossAttention(nn.Module):
    """Queries from one stream, keys and values from the same or another one; no biases, no scale."""

    def __init__(self, config: EncoderDecoderConfig):
        super().__init__()
        self.num_heads, inner = config.num_heads, config.num_heads * config.head_dim
        self.query, self.key, self.value = (nn.Linear(config.embed_dim, inner, bias=False) for _ in range(3))
        self.output = nn.Linear(inner, config.embed_dim, bias=False)

    def forward(self, x: Tensor, source: Tensor, mask: Tensor) -> Tensor:
        """x: (B, T, D), source: (B, S, D), mask: (1 or B, 1 or H, T, S) is added to the scores. Returns (B, T, D)."""
        q, k, v = (
            part.unflatten(-1, (self.num_heads, -1)).transpose(1, 2)
            for part in (self.query(x), self.key(source), self.value(source))
        )  # (B, H, T, E), (B, H, S, E) twice
        mixed = F.scaled_dot_product_attention(q, k, v, attn_mask=mask.to(q.dtype), scale=1.0)
        return self.output(mixed.transpose(1, 2).flatten(2))  # (B, T, H * E) -> (B, T, D)


class Layer(nn.Module):
    """Read the stream, add what was found: twice in the encoder, three times in the decoder."""

    def __init__(self, config: EncoderDecoderConfig, crossing: bool):
        super().__init__()
        width, eps = config.embed_dim, config.norm_eps
        self.attention, self.attention_norm = CrossAttention(config), RMSNorm(width, eps=eps)
        self.crossing = CrossAttention(config) if crossing else None
        self.crossing_norm = RMSNorm(width, eps=eps) if crossing else None
        self.up, self.down = (
            nn.Linear(*size, bias=False) for size in ((width, config.ffn_dim), (config.ffn_dim, width))
        )
        self.feedforward_norm = RMSNorm(width, eps=eps)

    def forward(
        self, x: Tensor, mask: Tensor, source: Tensor | None = None, source_mask: Tensor | None = None
    ) -> Tensor:
        """x: (B, T, D) -> (B, T, D). source: (B, S, D), what the encoder made of the question."""
        normed = self.attention_norm(x)
        x = x + self.attention(normed, normed, mask)
        if self.crossing is not None and self.crossing_norm is not None:
            assert source is not None
            assert source_mask is not None
            x = x + self.crossing(self.crossing_norm(x), source, source_mask)
        return x + self.down(F.relu(self.up(self.feedforward_norm(x))))


class EncoderDecoder(nn.Module):
    """Question (B, S) and answer so far (B, T) to logits for the answer's next tokens (B, T, V)."""

    def __init__(self, config: EncoderDecoderConfig, seed: int | None = None):
        """With a seed the first weights are the same on every machine; without one torch's state decides."""
        super().__init__()
        self.config = config
        device = torch.empty(0).device
        with torch.device("meta"):  # shapes without numbers: init_encoder_decoder decides all of them
            self.embedding = nn.Embedding(config.vocab_size, config.embed_dim)
            self.encoder_bias, self.decoder_bias = DistanceBias(config, True), DistanceBias(config, False)
            self.encoder = nn.ModuleList(Layer(config, crossing=False) for _ in range(config.num_layers))
            self.decoder = nn.ModuleList(Layer(config, crossing=True) for _ in range(config.num_layers))
            self.encoder_norm, self.decoder_norm = (
                RMSNorm(config.embed_dim, eps=config.norm_eps) for _ in range(2)
            )
            self.head = nn.Linear(config.embed_dim, config.vocab_size, bias=False)
        self.to_empty(device=device)
        if config.tie_embeddings:
            self.head.weight = self.embedding.weight
        init_encoder_decoder(self, None if seed is None else torch.Generator().manual_seed(seed))

    def encode(self, source: Tensor, real: Tensor) -> Tensor:
        """source: (B, S) tokens; real: (B, S), False for padding. Returns (B, S, D)."""
        x = self.embedding(source)
        mask = self.encoder_bias(source.shape[1], source.device) + hide(real)  # (B, H, S, S)
        for layer in self.encoder:
            x = layer(x, mask)
        return self.encoder_norm(x)

    def decode(self, target: Tensor, memory: Tensor, real: Tensor) -> Tensor:
        """target: (B, T) tokens, the first one a mark to begin with; memory, real: of the question. (B, T, V)."""
        x, source_mask = self.embedding(target), hide(real)  # (B, T, D), (B, 1, 1, S)
        mask = self.decoder_bias(target.shape[1], target.device)  # (1, H, T, T)
        for layer in self.decoder:
            x = layer(x, mask, memory, source_mask)
        x = self.decoder_norm(x)
        return self.head(x * self.config.embed_dim**-0.5 if self.config.tie_embeddings else x)

    def forward(self, source: Tensor, target: Tensor, real: Tensor | None = None) -> Tensor:
        """source: (B, S), target: (B, T) tokens; real: (B, S), False for padding. Returns logits (B, T, V)."""
        real = torch.ones_like(source, dtype=torch.bool) if real is None else real
        return self.decode(target, self.encode(source, real), real)

    @torch.no_grad()
    def answer(
        self, source: Tensor, begin: int, end: int, max_tokens: int, real: Tensor | None = None
    ) -> Tensor:
        """The likeliest next token, again and again. source: (B, S). Returns (B, at most max_tokens); a row that
        has ended goes on with `end`. The question is read once; the answer is read again at every step."""
        real = torch.ones_like(source, dtype=torch.bool) if real is None else real
        memory = self.encode(source, real)
        target = torch.full((len(source), 1), begin, device=source.device)
        ended = torch.zeros(len(source), dtype=torch.bool, device=source.device)
        while target.shape[1] <= max_tokens and not ended.all():
            token = self.decode(target, memory, real)[:, -1].argmax(-1).masked_fill(ended, end)  # (B,)
            target, ended = torch.cat((target, token[:, None]), dim=1), ended | (token == end)
        return target[:, 1:]


def hide(real: Tensor) -> Tensor:
    """(B, S), False for padding, to a mask that is added to scores, (B, 1, 1, S)."""
    return torch.zeros(real.shape, device=real.device).masked_fill(~real, float("-inf"))[:, None, None]


@torch.no_grad()
def init_encoder_decoder(model: EncoderDecoder, generator: torch.Generator | None = None) -> None:
    """Set every tensor's first value as T5's code does: deviations 1 / sqrt(inputs), queries divided by
    sqrt(head_dim) more, which is why scores need no scale; gains 1, the embedding of size 1."""
    config = model.config
    for name, parameter in model.named_parameters():
        if name.endswith("gain"):
            parameter.fill_(1.0)
        elif name.startswith(("embedding", "head")):
            parameter.normal_(
                0.0, 1.0 if "embedding" in name else config.embed_dim**-0.5, generator=generator
            )
        elif name.endswith("table.weight"):
            parameter.normal_(0.0, config.embed_dim**-0.5, generator=generator)
        else:
            more = config.head_dim**-0.5 if name.endswith("query.weight") else 1.0
            parameter.normal_(0.0, more * parameter.shape[1] ** -0.5, generator=generator)
