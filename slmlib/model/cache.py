"""The memory of generation: keys and values of all tokens read so far, so that none is computed twice."""

from collections.abc import Sequence

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
        shape = (2 * slots, len(padding), config.num_kv_heads, capacity, config.head_dim)
        self.memory = torch.empty(shape, device=padding.device, dtype=dtype)
        self.keys, self.values = self.memory[:slots], self.memory[slots:]  # (L, B, K, capacity, E) each
        self.padding, self.capacity, self.length = padding, capacity, 0
        self.ragged = bool(padding.any())  # asked once: on a GPU every look at a value waits for it
        self.num_layers, self.repeat = config.num_layers, 0
        # Of each slot, where they differ: OpenELM's narrow layers have fewer than the widest, for which there is room.
        self.heads: list[int] | None = None
        if config.layer_heads:
            heads = [config.for_layer(layer).num_kv_heads for layer in range(config.num_layers)]
            self.heads = heads * config.block_repeat * 2
        # Where the next keys of each slot go, then where its values go, (B, K, T, E) each; and the same with all that
        # was read before, (B, K, length + T, E). They were cut out for this length and this T.
        self.new: Sequence[Tensor] = ()
        self.past: Sequence[Tensor] = ()
        self.cut_at = (-1, -1)
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
        time = keys.shape[2]
        if self.cut_at != (self.length, time):
            self._cut(time)
        key = self.repeat * self.num_layers + layer
        value = key + len(self.keys)
        if torch.is_grad_enabled():  # asked first, as detach takes a microsecond
            keys, values = keys.detach(), values.detach()
        self.new[key].copy_(keys)
        self.new[value].copy_(values)
        return self.past[key], self.past[value]

    def _cut(self, time: int) -> None:
        """Cut out `new` and `past` for all layers at once: four cuts in every layer would cost a small model more."""
        end = self.end(time)
        self.new = self.memory.narrow(3, self.length, time).unbind()
        self.past = self.memory.narrow(3, 0, end).unbind()
        if self.heads is not None:
            self.new, self.past = (
                [part[:, :count] for part, count in zip(parts, self.heads, strict=True)]
                for parts in (self.new, self.past)
            )
        self.cut_at = self.length, time

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
