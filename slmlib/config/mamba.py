"""The shape of a Mamba."""

import math
from dataclasses import dataclass

from slmlib.config.base import LanguageModelConfig, below_one, not_above_zero, not_finite, raise_all


@dataclass(frozen=True)
class MambaConfig(LanguageModelConfig):
    """The shape of a Mamba. mamba-130m is 24 layers of 768 with a vocabulary of 50,280."""

    kind = "mamba"
    vocab_size: int
    """How many different tokens there are."""
    context_length: int = 128
    """How many tokens are read at once in training. The model itself has no limit."""
    embed_dim: int = 128
    """Width of the residual stream (D)."""
    num_layers: int = 4
    """How many blocks are stacked; one is about half a transformer's block."""
    state_dim: int = 16
    """How many numbers each channel remembers (N)."""
    conv_width: int = 4
    """How many tokens the short convolution sees, the present one included."""
    expand: int = 2
    """How many times wider than the stream the mixer is (I / D)."""
    step_rank: int = 0
    """Through how many numbers the step sizes are computed; 0 means embed_dim / 16, rounded up."""
    norm_eps: float = 1e-5
    """Added inside the norm's square root."""
    init_std: float = 0.02
    """Standard deviation of the matrices at the start."""

    def __post_init__(self) -> None:
        super().__post_init__()
        sizes = (
            "vocab_size",
            "context_length",
            "embed_dim",
            "num_layers",
            "state_dim",
            "conv_width",
            "expand",
        )
        raise_all(
            self,
            *not_finite(self),
            *below_one(self, *sizes),
            (self.step_rank < 0, f"step_rank must be 0 or above; it is {self.step_rank}."),
            *not_above_zero(self, "norm_eps", "init_std"),
        )
        self._fill_open_sizes()

    @property
    def inner_dim(self) -> int:
        """How many channels the mixer has (I)."""
        return self.expand * self.embed_dim

    def _usual_sizes(self) -> dict[str, float]:
        return {"step_rank": math.ceil(self.embed_dim / 16)}
