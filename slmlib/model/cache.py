"""The memory of generation: keys and values of all tokens read so far, so that none is computed twice."""

import torch
from torch import Tensor

from slmlib.config import ModelConfig
from slmlib.errors import SlmError


class KVCache:
    """Keys and values of every layer, for a batch of sequences that grow together.

    Sequences of different lengths are aligned at their ends: `padding` says how many places at the start
    of each row are empty. Memory: 2 x num_layers x B x num_kv_heads x capacity x head_dim numbers.
    """

    def __init__(
        self, config: ModelConfig, padding: Tensor, capacity: int, dtype: torch.dtype = torch.float32
    ):
        """padding: (B,) integers on the model's device; capacity: most tokens per row, padding included."""
        shape = (config.num_layers, len(padding), config.num_kv_heads, capacity, config.head_dim)
        self.keys = torch.empty(shape, device=padding.device, dtype=dtype)  # (L, B, K, capacity, E)
        self.values = torch.empty(shape, device=padding.device, dtype=dtype)  # (L, B, K, capacity, E)
        self.padding, self.capacity, self.length = padding, capacity, 0

    def extend(self, layer: int, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """Append (B, K, T, E) keys and values to a layer; return all of them, (B, K, length + T, E).

        `length` itself grows once per forward pass, in `advance`, after every layer has been extended.
        """
        end = self.length + keys.shape[2]
        if end > self.capacity:
            raise SlmError(
                f"The cache holds {self.capacity} tokens a row, but {end} were read.",
                "Make a larger KVCache.",
            )
        self.keys[layer, :, :, self.length : end] = keys
        self.values[layer, :, :, self.length : end] = values
        return self.keys[layer, :, :, :end], self.values[layer, :, :, :end]

    def advance(self, time: int) -> None:
        """Say that `time` more tokens have gone through every layer."""
        self.length += time
