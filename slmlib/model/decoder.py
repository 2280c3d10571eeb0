"""The whole model: embed, let every block read and add to the residual stream, norm, compare with every token.

Shapes: batch B, time T, vocab_size V, embed_dim D, num_heads H. Dropout is 0 unless the config asks.
"""

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from slmlib.config import ModelConfig
from slmlib.errors import SlmError
from slmlib.model.attention import Attention, AttentionInputs, build_attention_inputs
from slmlib.model.cache import KVCache
from slmlib.model.feedforward import FeedForward
from slmlib.model.language_model import LanguageModel, evaluating
from slmlib.model.norms import build_norm
from slmlib.model.positions import sinusoidal_table


class Block(nn.Module):
    """Read the residual stream, add what was found, twice."""

    def __init__(self, config: ModelConfig, layer: int):
        super().__init__()
        config = config.for_layer(layer)
        self.attention, self.attention_norm = Attention(config, layer), build_norm(config)
        self.feedforward, self.feedforward_norm = FeedForward(config), build_norm(config)
        self.dropout, self.scale = build_dropout(config), config.residual_scale

    def forward(self, x: Tensor, attention_inputs: AttentionInputs, cache: KVCache | None = None) -> Tensor:
        """(B, T, D) -> (B, T, D)."""
        x = x + self.residual(self.attention(self.attention_norm(x), attention_inputs, cache))
        x = x + self.residual(self.feedforward(self.feedforward_norm(x)))
        return x

    def residual(self, found: Tensor) -> Tensor:
        """What is added to the stream: after dropout, and residual_scale times as large."""
        found = self.dropout(found)
        return found if self.scale == 1 else found * self.scale

    def attention_input(self, x: Tensor) -> Tensor:
        """What attention reads of the stream, (B, T, D) -> (B, T, D)."""
        return self.attention_norm(x)


class PostNormBlock(Block):
    """The first transformers normed the sum, so that nothing runs through unnormed (Vaswani et al. 2017; GPT-1)."""

    def forward(self, x: Tensor, attention_inputs: AttentionInputs, cache: KVCache | None = None) -> Tensor:
        """(B, T, D) -> (B, T, D)."""
        x = self.attention_norm(x + self.residual(self.attention(x, attention_inputs, cache)))
        x = self.feedforward_norm(x + self.residual(self.feedforward(x)))
        return x

    def attention_input(self, x: Tensor) -> Tensor:
        """Attention reads the stream as it is."""
        return x


class OutputNormBlock(Block):
    """Norm what is added, not what is read: additions of one size train steadily (OLMo 2, arXiv 2501.00656)."""

    def forward(self, x: Tensor, attention_inputs: AttentionInputs, cache: KVCache | None = None) -> Tensor:
        """(B, T, D) -> (B, T, D)."""
        x = x + self.residual(self.attention_norm(self.attention(x, attention_inputs, cache)))
        x = x + self.residual(self.feedforward_norm(self.feedforward(x)))
        return x

    def attention_input(self, x: Tensor) -> Tensor:
        """Attention reads the stream as it is."""
        return x


class ParallelBlock(Block):
    """Attention and feed-forward read the same stream, so a GPU can work on both at once (GPT-NeoX, Pythia)."""

    def forward(self, x: Tensor, attention_inputs: AttentionInputs, cache: KVCache | None = None) -> Tensor:
        """(B, T, D) -> (B, T, D)."""
        found = self.residual(self.attention(self.attention_norm(x), attention_inputs, cache))
        return x + found + self.residual(self.feedforward(self.feedforward_norm(x)))


class ParallelOneNormBlock(Block):
    """The same through one norm, which both of them read (GPT-J, Phi)."""

    def __init__(self, config: ModelConfig, layer: int):
        super().__init__(config, layer)
        del self.feedforward_norm

    def forward(self, x: Tensor, attention_inputs: AttentionInputs, cache: KVCache | None = None) -> Tensor:
        """(B, T, D) -> (B, T, D)."""
        normed = self.attention_norm(x)
        return (
            x
            + self.residual(self.attention(normed, attention_inputs, cache))
            + self.residual(self.feedforward(normed))
        )


def build_dropout(config: ModelConfig) -> nn.Module:
    """Dropout, or nothing at all: asking torch to drop nothing takes longer than a small layer norm."""
    return nn.Dropout(config.dropout) if config.dropout else nn.Identity()


BLOCKS = {
    "pre_norm": Block,
    "post_norm": PostNormBlock,
    "output_norm": OutputNormBlock,
    "parallel": ParallelBlock,
    "parallel_one_norm": ParallelOneNormBlock,
}
"""What ModelConfig.block can be."""


class Decoder(LanguageModel[KVCache]):
    """A decoder-only transformer: tokens (B, T) to logits (B, T, V), each position seeing only its past."""

    config: ModelConfig

    def __init__(self, config: ModelConfig, seed: int | None = None):
        """With a seed the first weights are the same on every machine; without one torch's state decides."""
        super().__init__()
        self.config = config
        device = torch.empty(0).device
        with torch.device("meta"):  # shapes without numbers: init_weights decides all of them
            self.embedding = nn.Embedding(config.vocab_size, config.embed_dim)
            self.position_embedding = (
                nn.Embedding(config.context_length, config.embed_dim)
                if config.position == "learned"
                else None
            )
            self.embedding_norm = build_norm(config) if config.embedding_norm else nn.Identity()
            self.dropout = build_dropout(config)
            self.blocks = nn.ModuleList(
                BLOCKS[config.block](config, layer) for layer in range(config.num_layers)
            )
            self.final_norm = build_norm(config) if config.final_norm else nn.Identity()
            self.head = nn.Linear(config.embed_dim, config.vocab_size, bias=config.head_bias)
        self.to_empty(device=device)
        if config.tie_embeddings:
            self.head.weight = self.embedding.weight
        init_weights(self, None if seed is None else torch.Generator().manual_seed(seed))

    def forward(self, tokens: Tensor, cache: KVCache | None = None, last_only: bool = False) -> Tensor:
        """tokens: (B, T) integers. Returns logits (B, T, V), or with last_only those of the last one, (B, 1, V).

        With a cache, `tokens` continue what the cache has seen, and the cache grows by T.
        """
        x, attention_inputs = self.embed(tokens, cache)
        x = self.through_blocks(x, attention_inputs, cache)
        if cache is not None:
            cache.advance(tokens.shape[1])
        return self.logits(x[:, -1:] if last_only else x)

    def through_blocks(
        self, x: Tensor, attention_inputs: AttentionInputs, cache: KVCache | None = None
    ) -> Tensor:
        """The residual stream after every block: (B, T, D) -> (B, T, D)."""
        for block, repeat in self.repeated_blocks():
            if cache is not None:
                cache.repeat = repeat
            x = block(x, attention_inputs, cache)
        return x

    def logits(self, x: Tensor) -> Tensor:
        """What the residual stream says of the next token: (B, T, D) -> (B, T, V)."""
        logits = self.head(self.final_norm(x))
        return logits if self.config.logit_scale == 1 else logits * self.config.logit_scale

    def repeated_blocks(self) -> Iterator[tuple[nn.Module, int]]:
        """Each block in the order in which they work, with how often it has worked before: 0, unless repeated."""
        for block in self.blocks:
            for repeat in range(self.config.block_repeat):
                yield block, repeat

    @torch.no_grad()
    def attention_weights(self, tokens: Tensor) -> Tensor:
        """Every head's attention over the tokens: (B, T) -> (num_layers, B, H, T, T), each row sums to 1.

        A repeated block is listed once for each run. Without dropout, whatever the model's mode, and without
        gradients.
        """
        if self.config.layer_heads:
            raise SlmError("Layers with different numbers of heads do not stack.", "Ask one block at a time.")
        maps = []
        with evaluating(self):
            x, attention_inputs = self.embed(tokens, explicit_mask=True)
            for block, _ in self.repeated_blocks():
                assert isinstance(block, Block)
                maps.append(block.attention.weights(block.attention_input(x), attention_inputs))
                x = block(x, attention_inputs)
        return torch.stack(maps)

    def embed(
        self, tokens: Tensor, cache: KVCache | None = None, explicit_mask: bool = False
    ) -> tuple[Tensor, AttentionInputs]:
        """Tokens (B, T) to the residual stream (B, T, D), and what each of them may see."""
        start, time = 0 if cache is None else cache.length, tokens.shape[1]
        self.require_positions(start + time)
        if isinstance(cache, KVCache):
            positions = cache.next_positions(time)  # (1, T)
        else:  # none, or one of somebody's own, as in lesson 10
            positions = torch.arange(start, start + time, device=tokens.device)[None]  # (1, T)
        places = positions  # the same, with 0 for padding
        if cache is not None and cache.ragged:
            positions = positions - cache.padding[:, None]  # (B, T)
            places = positions.clamp(min=0)
        x = self.placed(self.embedding(tokens), places)
        return x, build_attention_inputs(self.config, positions, cache, explicit_mask)

    def require_positions(self, count: int) -> None:
        """Raise SlmError if so many tokens are more than the positions that the model has learned."""
        if self.position_embedding is not None and count > self.config.context_length:
            raise SlmError(
                f"The model has learned {self.config.context_length} positions, but position {count - 1} was asked "
                "for (counted from 0).",
                f"Give it at most {self.config.context_length} tokens, or train with position='rope'.",
            )

    def placed(self, x: Tensor, places: Tensor) -> Tensor:
        """Embeddings (B, T, D) of tokens at those places, (1 or B, T), as the first block reads them.

        A `Reader` calls this, `through_blocks` and `logits` with numpy arrays, (D,).
        """
        if self.config.embedding_scale != 1:
            x = x * self.config.embedding_scale
        if self.position_embedding is not None:
            x = x + self.position_embedding(places)  # (1 or B, T, D)
        elif self.config.position == "sinusoidal":
            # Scaled first, so that sines of size 1 do not drown embeddings of size init_std (Vaswani 2017, 3.4).
            table = sinusoidal_table(places, self.config.embed_dim)  # (1 or B, T, D)
            x = x * self.config.embed_dim**0.5 + table.type_as(x)
        return self.dropout(self.embedding_norm(x))

    def new_cache(self, padding: Tensor, capacity: int = 0) -> KVCache:
        """A memory for generation. padding: (B,) how many places at the start of each row are empty; capacity: most
        tokens a row will have, those places included; 0 means context_length."""
        capacity = capacity or self.config.context_length
        return KVCache(self.config, padding, capacity, self.embedding.weight.dtype)


@torch.no_grad()
def init_weights(model: Decoder, generator: torch.Generator | None = None) -> None:
    """Set every tensor's first value; all of it is decided here.

    | tensor                                  | `gpt2`                            | `zero_output`         |
    |-----------------------------------------|-----------------------------------|-----------------------|
    | embedding, position embedding           | N(0, init_std)                    | N(0, init_std)        |
    | query, key, value, gate, up             | N(0, init_std)                    | N(0, 0.6 / sqrt(D))   |
    | attention output, down                  | N(0, init_std / sqrt(2 x layers)) | 0                     |
    | head, unless tied                       | N(0, init_std)                    | N(0, init_std)        |
    | biases; gains of norms                  | 0; 1                              | 0; 1                  |

    `gpt2`: Radford et al. 2019, section 2.3. With a tied head and inputs of unit size, the logits have
    variance D x init_std^2, so the first loss is ln V + D x init_std^2 / 2. With `zero_output` one logit, that
    of the input token itself, is D x init_std: keep exp of it far below V by a smaller init_std when D is large.
    """
    config = model.config
    hidden_std, output_std = (
        (config.init_std, config.init_std / (2 * config.num_layers) ** 0.5)
        if config.initialization == "gpt2"
        else (0.6 / config.embed_dim**0.5, 0.0)
    )
    for name, parameter in model.named_parameters():
        if name.endswith("bias"):
            parameter.zero_()
        elif name.endswith("gain"):
            parameter.fill_(1.0)
        elif "embedding" in name or name.startswith("head"):
            parameter.normal_(0.0, config.init_std, generator=generator)
        elif name.endswith(("output.weight", "down.weight")):
            parameter.normal_(0.0, output_std, generator=generator)
        else:
            parameter.normal_(0.0, hidden_std, generator=generator)
