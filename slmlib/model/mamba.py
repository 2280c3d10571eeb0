"""Mamba: no attention, one mixer a block, and a memory that does not grow (Gu and Dao 2023, arXiv 2312.00752).

Each of `inner` channels keeps `state_dim` numbers. A token decides how much of them is forgotten, what is written
and what is read: that choice by content is the "selective" in selective state space model.
Shapes: batch B, time T, embed_dim D, inner I = expand x D, state_dim N, vocab_size V.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from slmlib.config import MambaConfig
from slmlib.model.language_model import LanguageModel
from slmlib.model.norms import RMSNorm


class MambaState:
    """All that a Mamba remembers of what it has read: the same size after ten tokens and after ten million.

    Sequences of different lengths are aligned at their ends, as in KVCache. For inference only.
    """

    def __init__(self, config: MambaConfig, padding: Tensor):
        """padding: (B,) how many places at the start of each row are empty."""
        shape = (config.num_layers, len(padding), config.inner_dim)
        self.recent = torch.zeros(
            *shape, config.conv_width - 1, device=padding.device
        )  # (L, B, I, width - 1)
        self.hidden = torch.zeros(*shape, config.state_dim, device=padding.device)  # (L, B, I, N)
        self.padding, self.length = padding, 0


class Mixer(nn.Module):
    """A short convolution, then the selective scan, then a gate."""

    def __init__(self, config: MambaConfig, layer: int):
        super().__init__()
        self.config, self.layer = config, layer
        inner = config.inner_dim
        self.input = nn.Linear(config.embed_dim, 2 * inner, bias=False)
        self.conv = nn.Conv1d(inner, inner, config.conv_width, groups=inner)  # each channel by itself
        self.select = nn.Linear(inner, config.step_rank + 2 * config.state_dim, bias=False)
        self.step = nn.Linear(config.step_rank, inner)
        self.decay_log = nn.Parameter(torch.empty(inner, config.state_dim))
        self.skip = nn.Parameter(torch.empty(inner))
        self.output = nn.Linear(inner, config.embed_dim, bias=False)

    def forward(self, x: Tensor, alive: Tensor, state: MambaState | None = None) -> Tensor:
        """x: (B, T, D) -> (B, T, D). alive: (B or 1, T, 1), 0 where there is only padding."""
        channels, gate = self.input(x).chunk(2, dim=-1)  # (B, T, I) each
        past = self.config.conv_width - 1
        channels = (channels * alive).transpose(1, 2)  # (B, I, T)
        if state is None:
            channels = F.pad(channels, (past, 0))
        else:
            channels = torch.cat((state.recent[self.layer].to(channels.dtype), channels), dim=-1)
            state.recent[self.layer] = channels[..., channels.shape[-1] - past :]
        channels = F.silu(self.conv(channels)).transpose(1, 2) * alive  # (B, T, I)
        sizes = [self.config.step_rank, self.config.state_dim, self.config.state_dim]
        rank, write, read = self.select(channels).split(sizes, dim=-1)  # (B, T, rank), (B, T, N) twice
        steps = F.softplus(self.step(rank))  # (B, T, I), above 0
        hidden = None if state is None else state.hidden[self.layer]
        mixed, last = selective_scan(channels, steps, -self.decay_log.float().exp(), write, read, hidden)
        if state is not None:
            state.hidden[self.layer] = last
        mixed = mixed.type_as(x) + channels * self.skip
        return self.output(mixed * F.silu(gate))


def selective_scan(
    x: Tensor, steps: Tensor, decay: Tensor, write: Tensor, read: Tensor, hidden: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """The recurrence, token by token and in float32 (equation 2 of the paper, discretised as in its code).

        hidden_t = exp(step_t decay) hidden_(t-1) + step_t x_t write_t
        output_t = hidden_t . read_t

    x, steps: (B, T, I); decay: (I, N), below 0; write, read: (B, T, N); hidden: (B, I, N) to begin with, or zeros.
    Returns outputs (B, T, I) and the last hidden state (B, I, N), both float32. The loop is O(T) and plain; fast
    kernels compute the same by a parallel prefix scan.
    """
    x, steps, write, read = (part.float() for part in (x, steps, write, read))
    kept = torch.exp(steps[..., None] * decay)  # (B, T, I, N)
    written = (steps * x)[..., None] * write[:, :, None]  # (B, T, I, N)
    state = torch.zeros_like(kept[:, 0]) if hidden is None else hidden
    outputs = []
    for t in range(x.shape[1]):
        state = kept[:, t] * state + written[:, t]
        outputs.append((state * read[:, t, None]).sum(-1))  # (B, I)
    return torch.stack(outputs, dim=1), state


class MambaBlock(nn.Module):
    """Read the residual stream, add what was found: once, for there is no feed-forward layer."""

    def __init__(self, config: MambaConfig, layer: int):
        super().__init__()
        self.norm, self.mixer = RMSNorm(config.embed_dim, eps=config.norm_eps), Mixer(config, layer)

    def forward(self, x: Tensor, alive: Tensor, state: MambaState | None = None) -> Tensor:
        """(B, T, D) -> (B, T, D)."""
        return x + self.mixer(self.norm(x), alive, state)


class Mamba(LanguageModel[MambaState]):
    """A language model of Mamba blocks: tokens (B, T) to logits (B, T, V). The head is the embedding."""

    config: MambaConfig

    def __init__(self, config: MambaConfig, seed: int | None = None):
        """With a seed the first weights are the same on every machine; without one torch's state decides."""
        super().__init__()
        self.config = config
        device = torch.empty(0).device
        with torch.device("meta"):  # shapes without numbers: init_mamba decides all of them
            self.embedding = nn.Embedding(config.vocab_size, config.embed_dim)
            self.blocks = nn.ModuleList(MambaBlock(config, layer) for layer in range(config.num_layers))
            self.final_norm = RMSNorm(config.embed_dim, eps=config.norm_eps)
        self.to_empty(device=device)
        init_mamba(self, None if seed is None else torch.Generator().manual_seed(seed))

    def forward(self, tokens: Tensor, cache: MambaState | None = None, last_only: bool = False) -> Tensor:
        """tokens: (B, T) integers. Returns logits (B, T, V), or with last_only those of the last one, (B, 1, V).

        With a state, `tokens` continue what it has seen.
        """
        x = self.embedding(tokens)  # (B, T, D)
        alive = torch.ones(1, tokens.shape[1], 1, device=x.device, dtype=x.dtype)
        if cache is not None:
            places = torch.arange(cache.length, cache.length + tokens.shape[1], device=x.device)
            alive = (places >= cache.padding[:, None])[..., None].to(x.dtype)  # (B, T, 1)
        for block in self.blocks:
            x = block(x, alive, cache)
        if cache is not None:
            cache.length += tokens.shape[1]
        return F.linear(self.final_norm(x[:, -1:] if last_only else x), self.embedding.weight)

    def new_cache(self, padding: Tensor, capacity: int = 0) -> MambaState:
        """A memory for generation; padding: (B,) how many places at the start of each row are empty. It is the same for
        any number of tokens, so capacity means nothing."""
        return MambaState(self.config, padding)

    @property
    def most_tokens(self) -> None:
        """No limit: what is remembered does not grow."""
        return None


@torch.no_grad()
def init_mamba(model: Mamba, generator: torch.Generator | None = None) -> None:
    """Set every tensor's first value (section 3.6 of the paper, and its code).

    Number n of a channel's state decays at speed n, step sizes are spread from 0.001 to 0.1 on a logarithmic
    scale: so the state begins with memories of many lengths.
    """
    config = model.config
    for name, parameter in model.named_parameters():
        if name.endswith("decay_log"):
            parameter.copy_(torch.arange(1, config.state_dim + 1).log().expand_as(parameter))
        elif name.endswith(("skip", "gain")):
            parameter.fill_(1.0)
        elif name.endswith("step.bias"):
            parameter.uniform_(math.log(1e-3), math.log(1e-1), generator=generator).exp_()
            parameter.copy_(parameter.expm1().log())  # softplus turns it into the step size again
        elif name.endswith("step.weight"):
            width = config.step_rank**-0.5
            parameter.uniform_(-width, width, generator=generator)
        elif "conv" in name:
            width = config.conv_width**-0.5
            parameter.uniform_(-width, width, generator=generator)
        else:
            shrink = (2 * config.num_layers) ** -0.5 if name.endswith("output.weight") else 1.0
            parameter.normal_(0.0, config.init_std * shrink, generator=generator)
