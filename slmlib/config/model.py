"""The shape of a decoder."""

from dataclasses import dataclass, replace
from typing import Literal

from slmlib.config.base import LanguageModelConfig, below_one, not_above_zero, not_finite, raise_all

Norm = Literal["rmsnorm", "layernorm"]
BlockKind = Literal["pre_norm", "post_norm", "output_norm", "parallel", "parallel_one_norm"]
Position = Literal["rope", "learned", "sinusoidal", "alibi", "none"]
Activation = Literal["gelu", "gelu_tanh", "relu2", "silu"]


@dataclass(frozen=True)
class ModelConfig(LanguageModelConfig):
    """The shape of one decoder-only transformer. Published families are rows of these values."""

    kind = "decoder"
    vocab_size: int
    """How many different tokens there are: rows of the embedding table and columns of the logits."""
    context_length: int = 128
    """How many tokens the model sees at once in training (T). Learned positions end here."""
    embed_dim: int = 128
    """Width of the residual stream (D): the length of the vector that stands for a token."""
    num_layers: int = 4
    """How many blocks are stacked."""
    block_repeat: int = 1
    """How many times each block runs before the next one (MobileLLM-LS: 2): depth without more parameters."""
    block: BlockKind = "pre_norm"
    """Where the norms stand and who reads what. `pre_norm`: before attention and feed-forward (GPT-2, Llama).
    `post_norm`: after each sum (GPT-1). `output_norm`: over what each adds (OLMo-2). `parallel`: both read the
    same stream (Pythia); `parallel_one_norm`: through one norm (GPT-J, Phi)."""
    num_heads: int = 2
    """How many queries look back at once (H)."""
    num_kv_heads: int = 0
    """How many keys and values they share (K, grouped-query attention); 0 means num_heads."""
    head_dim: int = 0
    """Length of one head's query and key (E); 0 means embed_dim / num_heads."""
    ffn_dim: int = 0
    """Hidden width of the feed-forward layer; 0 means 4 x embed_dim, or 8/3 x embed_dim when gated, so
    that both cost the same number of parameters (Shazeer 2020, arXiv 2002.05202)."""
    layer_heads: tuple[int, ...] = ()
    """num_heads of each layer where they differ (OpenELM); num_heads is then the largest of them, and
    num_heads / num_kv_heads holds everywhere."""
    layer_ffn_dims: tuple[int, ...] = ()
    """ffn_dim of each layer where they differ; ffn_dim is then the largest of them."""
    norm: Norm = "rmsnorm"
    """`rmsnorm` divides by the root mean square (Zhang and Sennrich 2019); `layernorm` also subtracts the mean."""
    norm_gain: bool = False
    """Whether a norm multiplies by a learned vector afterwards."""
    norm_bias: bool = False
    """Whether a layernorm adds a learned vector afterwards (GPT-2 does)."""
    norm_eps: float = 1e-5
    """Added inside the norm's square root, so that a zero vector divides by something."""
    embedding_norm: bool = True
    """Whether the embedding is normed before the first block."""
    final_norm: bool = True
    """Whether the residual stream is normed once more before the head (GPT-1 does without)."""
    position: Position = "rope"
    """How the model knows order: turn queries and keys (`rope`), add a vector (`learned`, `sinusoidal`),
    favour near tokens (`alibi`), or leave it to the causal mask (`none`)."""
    rope_theta: float = 10_000.0
    """The base of RoPE's wavelengths (Su et al. 2021, section 3.2.2): larger reaches farther."""
    rope_pairs: Literal["half", "interleaved"] = "half"
    """Which two numbers RoPE turns together: (i, i + E/2) as in Llama and NeoX, or (2i, 2i + 1) as in GPT-J."""
    rope_dim: int = 0
    """How many of a head's numbers RoPE turns, the first ones (Pythia: a quarter); 0 means all of them."""
    rope_scaling: float = 1.0
    """By how much slow turns are slowed down, to read further than the model had been trained for (Llama 3.1)."""
    rope_scaling_context: int = 0
    """The context the model had been trained for before: turns much longer than it are slowed down."""
    rope_scaling_kind: Literal["llama3", "yarn"] = "llama3"
    """How they are slowed down: as in Llama 3.1, or as in YaRN (Peng et al. 2023), with sharper attention."""
    windows: tuple[int, ...] = ()
    """How many tokens back each layer sees, itself included; 0 means all. The list repeats over the layers:
    (0, 256) is GPT-Neo's every second layer. Empty means that all layers see everything."""
    attention_scale: float = 0.0
    """What queries times keys are multiplied by; 0 means 1 / sqrt(head_dim) (GPT-Neo: 1)."""
    clip_qkv: float = 0.0
    """Queries, keys and values are cut off at plus and minus this (OLMo); 0 means they are not."""
    qk_norm: bool = True
    """Whether queries and keys are RMS-normed per head before they meet (Henry et al. 2020; Qwen3)."""
    qk_norm_gain: bool = False
    """Whether that norm multiplies by a learned vector (Qwen3)."""
    qk_norm_over: Literal["head", "projection"] = "head"
    """Whether it norms each head by itself, or all heads of a token together (OLMo-2)."""
    activation: Activation = "relu2"
    """The activation function of the feed-forward layer; `relu2` is the square of ReLU (So et al. 2021, Primer)."""
    gated: bool = False
    """Whether a second projection multiplies the first: with `silu` this is SwiGLU."""
    qkv_bias: bool = False
    """Whether the query, key and value projections add a learned vector."""
    output_bias: bool = False
    """Whether attention's output projection adds a learned vector."""
    ffn_bias: bool = False
    """Whether the feed-forward projections add learned vectors."""
    tie_embeddings: bool = True
    """Whether the logits reuse the embedding table (Press and Wolf 2017)."""
    head_bias: bool = False
    """Whether the head adds a learned vector to the logits (GPT-J, Phi)."""
    embedding_scale: float = 1.0
    """What the embedding is multiplied by (MiniCPM: 12)."""
    residual_scale: float = 1.0
    """What each addition to the residual stream is multiplied by (MiniCPM: 1.4 / sqrt(num_layers))."""
    logit_scale: float = 1.0
    """What the logits are multiplied by (MiniCPM: 256 / embed_dim)."""
    dropout: float = 0.0
    """Share of activations set to zero in training; 0 for runs of a few epochs."""
    init_std: float = 0.02
    """Standard deviation of the embeddings at the start."""
    initialization: Literal["gpt2", "zero_output"] = "zero_output"
    """`gpt2`: init_std everywhere, residual outputs divided by sqrt(2 x num_layers). `zero_output`:
    0.6 / sqrt(inputs) and residual outputs zero, so that every block starts as the identity."""

    def __post_init__(self) -> None:
        super().__post_init__()
        raise_all(
            self,
            *not_finite(self),
            *below_one(self, "vocab_size", "context_length", "embed_dim", "num_layers", "num_heads"),
            # Counting walks through the layers; a slip of the keyboard must not take days.
            (self.num_layers > 10_000, f"num_layers must be at most 10,000; it is {self.num_layers}."),
            *below_one(self, "block_repeat"),
            (not 0 <= self.dropout < 1, f"dropout must be in [0, 1); it is {self.dropout}."),
            *not_above_zero(self, "norm_eps", "init_std", "rope_theta"),
            (not self.rope_scaling >= 1, f"rope_scaling must be 1 or above; it is {self.rope_scaling}."),
            (not self.clip_qkv >= 0, f"clip_qkv must be 0 or above; it is {self.clip_qkv}."),
            (
                not self.attention_scale >= 0,
                f"attention_scale must be 0 or above; it is {self.attention_scale}.",
            ),
            *not_above_zero(self, "embedding_scale", "residual_scale", "logit_scale"),
        )
        divides = self.head_dim != 0 or self.embed_dim % self.num_heads == 0
        self._fill_open_sizes()
        raise_all(
            self,
            (not divides, self._indivisible()),
            (
                self.num_kv_heads < 1 or self.num_heads % self.num_kv_heads != 0,
                f"num_heads ({self.num_heads}) must be a multiple of num_kv_heads ({self.num_kv_heads}), "
                "so that each key serves equally many queries.",
            ),
            (
                (divides and self.head_dim < 1) or self.ffn_dim < 1,
                f"head_dim ({self.head_dim}) and ffn_dim ({self.ffn_dim}) must be at least 1; leave them 0 "
                "for the usual sizes.",
            ),
            *self._position_problems(divides),
            *self._layer_problems(),
            (
                self.norm_bias and self.norm == "rmsnorm",
                "an rmsnorm has no bias; use norm='layernorm' or norm_bias=False.",
            ),
            (
                self.norm_bias and not self.norm_gain,
                "norm_bias needs norm_gain=True: torch's LayerNorm has a bias only beside a gain.",
            ),
            (
                not self.qk_norm and (self.qk_norm_gain or self.qk_norm_over != "head"),
                "qk_norm_gain and qk_norm_over do nothing with qk_norm=False; leave them at their defaults.",
            ),
            (
                self.embedding_scale != 1
                and self.embedding_norm
                and self.position not in ("learned", "sinusoidal"),
                "embedding_scale does nothing with embedding_norm=True: the norm takes it back.",
            ),
        )

    def _position_problems(self, divides: bool) -> list[tuple[bool, str]]:
        """What cannot work about order and distance."""
        turned = self.rope_dim or self.head_dim
        return [
            (
                divides and self.position == "rope" and self.head_dim % 2 == 1 and not self.rope_dim,
                f"rope turns pairs, so head_dim must be even; it is {self.head_dim} (embed_dim {self.embed_dim}, "
                f"num_heads {self.num_heads}).",
            ),
            (
                self.position == "sinusoidal" and self.embed_dim % 2 == 1,
                f"sinusoidal positions come in sine and cosine, so embed_dim must be even; it is {self.embed_dim}.",
            ),
            (
                self.position != "rope"
                and (self.rope_theta, self.rope_pairs, self.rope_dim, self.rope_scaling)
                != (10_000.0, "half", 0, 1.0),
                f"rope_theta, rope_pairs, rope_dim and rope_scaling do nothing with position={self.position!r}; "
                "leave them at their defaults.",
            ),
            (
                self.position == "rope"
                and self.rope_dim != 0
                and not (0 < turned < self.head_dim and turned % 2 == 0),
                f"rope_dim must be even and below head_dim ({self.head_dim}), or 0 for all of it; it is "
                f"{self.rope_dim}.",
            ),
            (
                (self.rope_scaling != 1) != (self.rope_scaling_context > 0) or self.rope_scaling_context < 0,
                f"rope_scaling ({self.rope_scaling}) does nothing without rope_scaling_context "
                f"({self.rope_scaling_context}), nor that without it; give both or leave both.",
            ),
            (
                self.rope_scaling == 1 and self.rope_scaling_kind != "llama3",
                "rope_scaling_kind does nothing without rope_scaling; leave it at its default.",
            ),
            (
                self.rope_scaling_kind == "yarn" and not self.rope_theta > 1,
                f"rope_theta must be above 1 with rope_scaling_kind='yarn'; it is {self.rope_theta}.",
            ),
            (
                any(not 0 <= width < self.context_length for width in self.windows)
                or (bool(self.windows) and not any(self.windows))
                or len(self.windows) > self.num_layers,
                f"windows must be at most one number a layer, each from 0 to below context_length "
                f"({self.context_length}), and not all 0; they are {self.windows}.",
            ),
        ]

    def _layer_problems(self) -> list[tuple[bool, str]]:
        """What cannot work about layers that differ in size."""
        sharing = self.num_heads // max(1, self.num_kv_heads)
        listed = {
            "layer_heads": (self.layer_heads, self.num_heads, "num_heads"),
            "layer_ffn_dims": (self.layer_ffn_dims, self.ffn_dim, "ffn_dim"),
        }
        return [
            *(
                (
                    bool(sizes)
                    and (len(sizes) != self.num_layers or min(sizes) < 1 or max(sizes) != largest),
                    f"{name} must be one size for each of the {self.num_layers} layers, the largest of them "
                    f"{largest_name} ({largest}); they are {sizes}.",
                )
                for name, (sizes, largest, largest_name) in listed.items()
            ),
            (
                any(heads % max(1, sharing) for heads in self.layer_heads),
                f"each of layer_heads must be a multiple of num_heads / num_kv_heads ({sharing}); they are "
                f"{self.layer_heads}.",
            ),
            (
                bool(self.layer_heads) and self.position == "alibi",
                "layer_heads does not go with position='alibi', whose slopes belong to all layers.",
            ),
        ]

    def for_layer(self, layer: int) -> "ModelConfig":
        """The config that one block is built from: the same, with the sizes of that layer."""
        if not (self.layer_heads or self.layer_ffn_dims):
            return self
        heads = self.layer_heads[layer] if self.layer_heads else self.num_heads
        return replace(
            self,
            num_heads=heads,
            num_kv_heads=heads * self.num_kv_heads // self.num_heads,
            ffn_dim=self.layer_ffn_dims[layer] if self.layer_ffn_dims else self.ffn_dim,
            layer_heads=(),
            layer_ffn_dims=(),
        )

    def window(self, layer: int) -> int:
        """How many tokens back that layer sees, itself included; 0 means all of them."""
        return self.windows[layer % len(self.windows)] if self.windows else 0

    def _usual_sizes(self) -> dict[str, float]:
        """What 0 stands for in each derived size; no whole number where the heads do not divide embed_dim."""
        return {
            "num_kv_heads": self.num_heads,
            "head_dim": self.embed_dim / self.num_heads,
            "ffn_dim": self._equal_cost_ffn_dim(),
        }

    def _equal_cost_ffn_dim(self) -> int:
        """4 x embed_dim, or for three matrices instead of two 8/3 x embed_dim rounded to a multiple of 16."""
        return round(self.embed_dim * 8 / 3 / 16) * 16 or 16 if self.gated else 4 * self.embed_dim

    def _indivisible(self) -> str:
        step = self.num_heads * (2 if self.position == "rope" else 1)  # rope needs an even head_dim
        down = self.embed_dim // step * step or step
        return (
            f"embed_dim ({self.embed_dim}) does not divide into num_heads ({self.num_heads}) equal heads; "
            f"try embed_dim {down} or {down + step}, or give head_dim."
        )


def shortest_windows(widths: list[int]) -> tuple[int, ...]:
    """What to write as ModelConfig.windows, so that each layer has its window: the shortest list that, repeated, gives
    them all; none where all see everything."""
    if not any(widths):
        return ()
    for period in range(1, len(widths)):
        if all(width == widths[layer % period] for layer, width in enumerate(widths)):
            return tuple(widths[:period])
    return tuple(widths)
