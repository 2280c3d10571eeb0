"""The feed-forward layer: what each token does alone with what attention brought it."""

import torch.nn.functional as F
from torch import Tensor, nn

from slmlib.config import ModelConfig

ACTIVATIONS = {
    "gelu": F.gelu,
    "gelu_tanh": lambda x: F.gelu(x, approximate="tanh"),
    "relu2": lambda x: F.relu(x).square(),
    "silu": F.silu,
}
"""Each maps (..., ffn_dim) to the same shape. GPT-2 was trained with the tanh approximation of GELU."""


class FeedForward(nn.Module):
    """down(activation(up(x))), or with a gate down(activation(gate(x)) * up(x)) (Shazeer 2020, equation 6)."""

    def __init__(self, config: ModelConfig):
        super().__init__()
        self.gate = (
            nn.Linear(config.embed_dim, config.ffn_dim, bias=config.ffn_bias) if config.gated else None
        )
        self.up = nn.Linear(config.embed_dim, config.ffn_dim, bias=config.ffn_bias)
        self.down = nn.Linear(config.ffn_dim, config.embed_dim, bias=config.ffn_bias)
        self.activation = ACTIVATIONS[config.activation]

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, embed_dim) -> (B, T, embed_dim), each token by itself."""
        if self.gate is None:
            return self.down(self.activation(self.up(x)))
        return self.down(self.activation(self.gate(x)) * self.up(x))
