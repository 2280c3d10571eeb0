"""The shape of an encoder-decoder."""

from dataclasses import dataclass

from slmlib.config.base import LanguageModelConfig, below_one, not_above_zero, not_finite, raise_all


@dataclass(frozen=True)
class EncoderDecoderConfig(LanguageModelConfig):
    """The shape of a T5. ChatLM-mini-Chinese is 10 + 10 layers of 768 with a vocabulary of 29,298."""

    kind = "encoder_decoder"
    position = "buckets"
    vocab_size: int
    """How many different tokens there are."""
    context_length: int = 512
    """How many tokens of question and of answer are read at once in training. The model itself has no limit."""
    embed_dim: int = 128
    """Width of both residual streams (D)."""
    num_layers: int = 4
    """Blocks in the encoder, and as many in the decoder."""
    num_heads: int = 2
    """How many queries look at once (H)."""
    head_dim: int = 64
    """Length of one head's query and key (E)."""
    ffn_dim: int = 512
    """Hidden width of the feed-forward layers; their activation is ReLU."""
    num_buckets: int = 32
    """How many different distances are told apart, in both directions together where both can be seen."""
    max_distance: int = 128
    """All distances from here on are one bucket."""
    norm_eps: float = 1e-6
    """Added inside the norm's square root."""
    tie_embeddings: bool = True
    """Whether the logits reuse the embedding table; they are then divided by sqrt(embed_dim)."""

    def __post_init__(self) -> None:
        super().__post_init__()
        sizes = (
            "vocab_size",
            "context_length",
            "embed_dim",
            "num_layers",
            "num_heads",
            "head_dim",
            "ffn_dim",
        )
        raise_all(
            self,
            *not_finite(self),
            *below_one(self, *sizes),
            (
                self.num_buckets < 4 or self.num_buckets % 4 != 0 or self.max_distance <= self.num_buckets,
                f"num_buckets must be a multiple of 4 and below max_distance; they are {self.num_buckets} and "
                f"{self.max_distance}.",
            ),
            *not_above_zero(self, "norm_eps"),
        )
