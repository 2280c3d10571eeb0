"""The memory of generation: keys and values of all tokens read so far, so that none is computed twice."""

import torch
from torch import Tensor

from slmlib.config import ModelConfig
from slmlib.errors import SlmError


class KVCache:
    """Keys and values of every layer, for a batch of sequences that grow together. For inference only: it is
    written in place, which autograd does not survive.

    Sequences of different lengths are aligned at their ends: `padding` says how many places at the start
    of each row are empty. A block that runs twice remembers each run: L is num_layers x block_repeat.
    Memory: 2 x L x B x num_kv_heads x capacity x head_dim numbers.
    """

    def __init__(
        self, config: ModelConfig, padding: Tensor, capacity: int, dtype: torch.dtype = torch.float32
    ):
        """padding: (B,) integers on the model's device; capacity: most tokens per row, padding included."""
        shape = (
            config.num_layers * config.block_repeat,
            len(padding),
            config.num_kv_heads,
            capacity,
            config.head_dim,
        )
        self.keys = torch.empty(shape, device=padding.device, dtype=dtype)  # (L, B, K, capacity, E)
        self.values = torch.empty(shape, device=padding.device, dtype=dtype)  # (L, B, K, capacity, E)
        # Views of each slot, (B, K, capacity, E) twice, cut out once: a token would cut out four in every layer.
        self.slots = [(self.keys[slot], self.values[slot]) for slot in range(shape[0])]
        self.padding, self.capacity, self.length = padding, capacity, 0
        self.ragged = bool(padding.any())  # asked once: on a GPU every look at a value waits for it
        self.num_layers, self.repeat = config.num_layers, 0

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
        # OpenELM's narrow layers have fewer heads than the widest, for which there is room.
        heads = keys.shape[1]
        all_keys, all_values = self.slots[self.repeat * self.num_layers + layer]
        all_keys[:, :heads, self.length : end] = keys
        all_values[:, :heads, self.length : end] = values
        return all_keys[:, :heads, :end], all_values[:, :heads, :end]

    def advance(self, time: int) -> None:
        """Say that `time` more tokens have gone through every layer."""
        self.length += time
