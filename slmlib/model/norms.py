"""Norms keep the residual stream at a size the next layer can work with."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from slmlib.config import ModelConfig


class RMSNorm(nn.Module):
    """Divide by the root mean square over the last axis (Zhang and Sennrich 2019, equation 4).

    `gain` is learned, or None. Shapes: (..., dim) -> (..., dim).
    """

    def __init__(self, dim: int, gain: bool = True, eps: float = 1e-5):
        super().__init__()
        self.dim, self.eps = dim, eps
        self.gain = nn.Parameter(torch.ones(dim)) if gain else None

    def forward(self, x: Tensor) -> Tensor:
        return F.rms_norm(x, (self.dim,), self.gain, self.eps)

    def extra_repr(self) -> str:
        return f"{self.dim}, gain={self.gain is not None}, eps={self.eps}"


class LayerNorm(nn.Module):
    """Subtract the mean, divide by the standard deviation over the last axis (Ba et al. 2016).

    `gain` and `bias` are learned, or None. Shapes: (..., dim) -> (..., dim).
    """

    def __init__(self, dim: int, gain: bool = True, bias: bool = True, eps: float = 1e-5):
        super().__init__()
        self.dim, self.eps = dim, eps
        self.gain = nn.Parameter(torch.ones(dim)) if gain else None
        self.bias = nn.Parameter(torch.zeros(dim)) if bias else None

    def forward(self, x: Tensor) -> Tensor:
        return F.layer_norm(x, (self.dim,), self.gain, self.bias, self.eps)

    def extra_repr(self) -> str:
        return f"{self.dim}, gain={self.gain is not None}, bias={self.bias is not None}, eps={self.eps}"


def build_norm(config: ModelConfig) -> nn.Module:
    """The norm a config asks for, over the residual stream (embed_dim)."""
    if config.norm == "rmsnorm":
        return RMSNorm(config.embed_dim, config.norm_gain, config.norm_eps)
    return LayerNorm(config.embed_dim, config.norm_gain, config.norm_bias, config.norm_eps)
