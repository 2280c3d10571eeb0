"""A mixture of experts that leaks the future: an exhibit, not a part to build with.

Soft mixtures (Puigcerver et al. 2023, arXiv 2308.00951) were made for pictures, where every patch may see all
others. Steel-LLM put one into a language model in place of the feed-forward layer. Each expert reads an average over
the whole sequence, so what a token gets depends on tokens after it. In training the loss looks fine, or better
than fine; in generation those tokens are not there yet. `tests/model/test_soft_mixture.py` shows the leak. No command
builds one: put it into a model of your own (`put_soft_mixtures`) to see what a leak test finds.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from slmlib.config import ModelConfig
from slmlib.model.decoder import Decoder

STEEL = ModelConfig(
    vocab_size=151936,
    context_length=2048,
    embed_dim=1792,
    num_layers=18,
    num_heads=32,
    norm_gain=True,
    norm_eps=1e-6,
    embedding_norm=False,
    rope_theta=1e6,
    qk_norm=False,
    qkv_bias=True,
    tie_embeddings=False,
    initialization="gpt2",
)
"""Steel-LLM apart from its mixtures: 6 experts 448 wide in each layer (github.com/zhanshijinwat/Steel-LLM)."""


class TwiceGated(nn.Module):
    """Steel-LLM's expert: a gate on the way up, as in SwiGLU, and another one on the way down."""

    def __init__(self, embed_dim: int, expert_dim: int):
        super().__init__()
        self.gate, self.up = (nn.Linear(embed_dim, expert_dim, bias=False) for _ in range(2))
        self.down_gate, self.down = (nn.Linear(expert_dim, embed_dim, bias=False) for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        """(..., embed_dim) -> (..., embed_dim)."""
        x = F.silu(self.gate(x)) * self.up(x)
        return F.silu(self.down_gate(x)) * self.down(x)


class SoftMixture(nn.Module):
    """Experts that each read one mixture of all tokens, and tokens that each get one mixture of all experts.

    (B, T, D) -> (B, T, D), as a feed-forward layer; but not each token by itself. X experts.
    """

    def __init__(self, embed_dim: int, num_experts: int, expert_dim: int):
        super().__init__()
        self.slots = nn.Parameter(torch.empty(embed_dim, num_experts))
        self.scale = nn.Parameter(torch.ones(1))
        self.experts = nn.ModuleList(TwiceGated(embed_dim, expert_dim) for _ in range(num_experts))
        nn.init.normal_(self.slots, std=embed_dim**-0.5)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, D) -> (B, T, D)."""
        x = F.normalize(x, dim=-1)
        scores = x @ (self.scale * F.normalize(self.slots, dim=0))  # (B, T, X)
        # Here is the leak: a softmax over time. Every slot averages over tokens that have not come yet.
        slots = scores.softmax(dim=1).transpose(1, 2) @ x  # (B, X, T) @ (B, T, D) -> (B, X, D)
        answers = torch.stack(
            [expert(slots[:, i]) for i, expert in enumerate(self.experts)], dim=1
        )  # (B, X, D)
        return scores.softmax(dim=2) @ answers  # (B, T, X) @ (B, X, D) -> (B, T, D)


def put_soft_mixtures(model: Decoder, num_experts: int, expert_dim: int) -> None:
    """Replace the feed-forward layer of every block by a soft mixture, in place."""
    for block in model.blocks:
        mixture = SoftMixture(model.config.embed_dim, num_experts, expert_dim)
        block.feedforward = mixture.to(model.device)
