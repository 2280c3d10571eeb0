"""T5: one stack reads the whole question in both directions, another writes the answer (Raffel et al. 2020).

Distance is told by a learned number that is added to the scores, one for each bucket of distances and each head.
Scores are not divided by sqrt(head_dim): T5 starts with smaller weights instead.
Shapes: batch B, question length S, answer length T, embed_dim D, num_heads H, head_dim E, vocab_size V.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from slmlib.config import EncoderDecoderConfig
from slmlib.model.norms import RMSNorm


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

    def forward(self, time: int, device: torch.device, start: int = 0) -> Tensor:
        """For queries from place `start` on, (1, H, T - start, T); -inf where a query must not look."""
        places = torch.arange(time, device=device)
        distance = places[None] - places[start:, None]  # (T - start, T), key minus query
        found = bucket(distance, self.both_ways, self.config.num_buckets, self.config.max_distance)
        bias = self.table(found).permute(2, 0, 1)[None]  # (T - start, T, H) -> (1, H, T - start, T)
        return bias if self.both_ways else bias.masked_fill(distance > 0, float("-inf"))


class AnswerCache:
    """What writing an answer remembers: of the question keys and values that never change, of the answer those
    of the tokens so far. Nothing is written in place, so training goes through it too."""

    def __init__(self, memory: Tensor, real: Tensor):
        """memory: (B, S, D), what the encoder made of the question; real: (B, S), False for padding."""
        self.memory, self.mask = memory, hide(real)  # (B, 1, 1, S)
        self.question: list[tuple[Tensor, Tensor]] = []
        self.answer: list[tuple[Tensor, Tensor]] = []
        self.length = 0

    def asked(self, layer: int, crossing: "T5Attention") -> tuple[Tensor, Tensor]:
        """The question's keys and values (B, H, S, E) for a layer, computed when it first asks."""
        if layer == len(self.question):
            self.question.append(crossing.read(self.memory))
        return self.question[layer]

    def extend(self, layer: int, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """Append (B, H, T, E) keys and values to a layer; return all of them, (B, H, length + T, E)."""
        if layer == len(self.answer):
            self.answer.append((keys, values))
        else:
            old_keys, old_values = self.answer[layer]
            self.answer[layer] = torch.cat((old_keys, keys), dim=2), torch.cat((old_values, values), dim=2)
        return self.answer[layer]


class T5Attention(nn.Module):
    """Queries from one stream, keys and values from the same or another one; no biases, no scale."""

    def __init__(self, config: EncoderDecoderConfig):
        super().__init__()
        self.num_heads, inner = config.num_heads, config.num_heads * config.head_dim
        self.query, self.key, self.value = (nn.Linear(config.embed_dim, inner, bias=False) for _ in range(3))
        self.output = nn.Linear(inner, config.embed_dim, bias=False)

    def read(self, source: Tensor) -> tuple[Tensor, Tensor]:
        """Keys and values, (B, S, D) -> (B, H, S, E) twice."""
        return self.heads(self.key(source)), self.heads(self.value(source))

    def heads(self, x: Tensor) -> Tensor:
        """(B, T, H * E) -> (B, H, T, E)."""
        return x.unflatten(-1, (self.num_heads, -1)).transpose(1, 2)

    def forward(self, x: Tensor, keys: Tensor, values: Tensor, mask: Tensor) -> Tensor:
        """x: (B, T, D), keys, values: (B, H, S, E), mask: (1 or B, 1 or H, T or 1, S) is added to the scores.
        Returns (B, T, D)."""
        q = self.heads(self.query(x))  # (B, H, T, E)
        mixed = F.scaled_dot_product_attention(q, keys, values, attn_mask=mask.to(q.dtype), scale=1.0)
        return self.output(mixed.transpose(1, 2).flatten(2))  # (B, T, H * E) -> (B, T, D)


class Layer(nn.Module):
    """Read the stream, add what was found: twice in the encoder, three times in the decoder."""

    def __init__(self, config: EncoderDecoderConfig, layer: int, crossing: bool):
        super().__init__()
        self.layer = layer
        width, eps = config.embed_dim, config.norm_eps
        self.attention, self.attention_norm = T5Attention(config), RMSNorm(width, eps=eps)
        self.crossing = T5Attention(config) if crossing else None
        self.crossing_norm = RMSNorm(width, eps=eps) if crossing else None
        self.up, self.down = (
            nn.Linear(*size, bias=False) for size in ((width, config.ffn_dim), (config.ffn_dim, width))
        )
        self.feedforward_norm = RMSNorm(width, eps=eps)

    def forward(self, x: Tensor, mask: Tensor, cache: AnswerCache | None = None) -> Tensor:
        """x: (B, T, D) -> (B, T, D). cache: in the decoder, which reads the question and its own past from it."""
        normed = self.attention_norm(x)
        keys, values = self.attention.read(normed)
        if cache is not None:
            keys, values = cache.extend(self.layer, keys, values)
        x = x + self.attention(normed, keys, values, mask)
        if cache is not None and self.crossing is not None and self.crossing_norm is not None:
            keys, values = cache.asked(self.layer, self.crossing)
            x = x + self.crossing(self.crossing_norm(x), keys, values, cache.mask)
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
            self.encoder = nn.ModuleList(
                Layer(config, layer, crossing=False) for layer in range(config.num_layers)
            )
            self.decoder = nn.ModuleList(
                Layer(config, layer, crossing=True) for layer in range(config.num_layers)
            )
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

    def ask(self, source: Tensor, real: Tensor | None = None) -> AnswerCache:
        """Read the question once. source: (B, S) tokens; real: (B, S), False for padding. Returns what an answer
        begins with."""
        real = torch.ones_like(source, dtype=torch.bool) if real is None else real
        return AnswerCache(self.encode(source, real), real)

    def decode(self, target: Tensor, cache: AnswerCache) -> Tensor:
        """target: (B, T) tokens, the very first one a mark to begin with; they continue what the cache has seen.
        Returns logits (B, T, V)."""
        x, end = self.embedding(target), cache.length + target.shape[1]  # (B, T, D)
        mask = self.decoder_bias(end, target.device, cache.length)  # (1, H, T, length + T)
        for layer in self.decoder:
            x = layer(x, mask, cache)
        cache.length = end
        x = self.decoder_norm(x)
        return self.head(x * self.config.embed_dim**-0.5 if self.config.tie_embeddings else x)

    def forward(self, source: Tensor, target: Tensor, real: Tensor | None = None) -> Tensor:
        """source: (B, S), target: (B, T) tokens; real: (B, S), False for padding. Returns logits (B, T, V)."""
        return self.decode(target, self.ask(source, real))

    @torch.no_grad()
    def answer(
        self, source: Tensor, begin: int, end: int, max_tokens: int, real: Tensor | None = None
    ) -> Tensor:
        """The likeliest next token, again and again. source: (B, S). Returns (B, at most max_tokens); a row that
        has ended goes on with `end`. Question and answer are read once."""
        cache = self.ask(source, real)
        answer = [torch.full((len(source),), begin, device=source.device)]  # (B,) each
        ended = torch.zeros(len(source), dtype=torch.bool, device=source.device)
        while len(answer) <= max_tokens and not ended.all():
            logits = self.decode(answer[-1][:, None], cache)[:, -1]  # (B, V)
            answer.append(logits.argmax(-1).masked_fill(ended, end))
            ended = ended | (answer[-1] == end)
        return torch.stack(answer[1:], dim=1)


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
