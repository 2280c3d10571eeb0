"""The memory of generation: keys and values of all tokens read so far, so that none is computed twice."""

import torch
from torch import Tensor

from slmlib.config import ModelConfig
from slmlib.errors import SlmError
from slmlib.model.positions import angles_at


class KVCache:
    """Keys and values of every layer, for a batch of sequences that grow together. For inference only: it is
    written in place, and no gradient reaches what it remembers.

    Sequences of different lengths are aligned at their ends: `padding` says how many places at the start
    of each row are empty. A block that runs twice remembers each run: L is num_layers x block_repeat.
    Memory: 2 x L x B x num_kv_heads x capacity x head_dim numbers, and for each of its places an int64 and, with RoPE
    and no padding, at most head_dim float32 numbers.
    """

    def __init__(
        self, config: ModelConfig, padding: Tensor, capacity: int, dtype: torch.dtype = torch.float32
    ):
        """padding: (B,) integers on the model's device; capacity: most tokens per row, padding included."""
        slots = config.num_layers * config.block_repeat  # L
        shape = (slots, len(padding), config.num_kv_heads, capacity, config.head_dim)
        self.keys = torch.empty(shape, device=padding.device, dtype=dtype)  # (L, B, K, capacity, E)
        self.values = torch.empty(shape, device=padding.device, dtype=dtype)  # (L, B, K, capacity, E)
        self.padding, self.capacity, self.length = padding, capacity, 0
        self.ragged = bool(padding.any())  # asked once: on a GPU every look at a value waits for it
        self.num_layers, self.repeat = config.num_layers, 0
        self.positions = torch.arange(capacity, device=padding.device)[None]  # (1, capacity)
        # Worked out once: these ten small operations would cost every token as much as half a layer. Rows that are
        # padded differently need angles of their own.
        self.angles: tuple[Tensor, Tensor] | None = None  # (1, 1, capacity, E / 2) twice, float32
        if config.position == "rope" and not self.ragged:
            self.angles = angles_at(config, self.positions)

    def extend(self, layer: int, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """Append (B, K, T, E) keys and values to a layer; return all of them, (B, K, length + T, E).

        `length` itself grows once per forward pass, in `advance`, after every layer has been extended.
        """
        end = self.end(keys.shape[2])
        slot = self.repeat * self.num_layers + layer
        heads = keys.shape[1]  # OpenELM's narrow layers have fewer than the widest, for which there is room
        all_keys, all_values = self.keys[slot, :, :heads], self.values[slot, :, :heads]
        all_keys[:, :, self.length : end] = keys.detach()
        all_values[:, :, self.length : end] = values.detach()
        return all_keys[:, :, :end], all_values[:, :, :end]

    def end(self, time: int) -> int:
        """The length after `time` more tokens, for which there must be room."""
        end = self.length + time
        if end > self.capacity:
            raise SlmError(
                f"The cache holds {self.capacity} tokens a row, but {end} were read.",
                "Make a larger KVCache.",
            )
        return end

    def next_positions(self, time: int) -> Tensor:
        """The positions of the next `time` tokens, (1, time), as if no row were padded."""
        return self.positions[:, self.length : self.end(time)]

    def next_angles(self, time: int) -> tuple[Tensor, Tensor] | tuple[None, None]:
        """RoPE's cosines and sines of those positions, (1, 1, time, E / 2) each, or None twice without RoPE."""
        if self.angles is None:
            return None, None
        (cos, sin), end = self.angles, self.end(time)
        return cos[:, :, self.length : end], sin[:, :, self.length : end]

    def advance(self, time: int) -> None:
        """Say that `time` more tokens have gone through every layer."""
        self.length += time
