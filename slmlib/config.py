"""Every number a run depends on, as frozen dataclasses: for the model, for the training, for telling stories.

A config is checked the moment it is made: first types and choices, then each value, then how they fit
together. All problems of such a stage are told at once, each with what was expected, what came, and the
likeliest fix; nothing is allocated before that. `to_dict` and `from_dict` are the only road to and from JSON.
"""

from copy import copy
from dataclasses import MISSING, asdict, dataclass, fields
from typing import Any, Literal, Self, get_args, get_origin

from slmlib.errors import ConfigError

Norm = Literal["rmsnorm", "layernorm"]
Position = Literal["rope", "learned", "sinusoidal", "alibi", "none"]
Activation = Literal["gelu", "gelu_tanh", "relu2", "silu"]
Schedule = Literal["cosine", "linear", "wsd", "constant"]
DeviceType = Literal["cpu", "cuda", "mps"]
DType = Literal["float32", "bfloat16", "float16"]


class Config:
    """What all configs share: a round trip through plain dictionaries, with typos named."""

    def to_dict(self) -> dict[str, Any]:
        """Plain data, ready for JSON."""
        return asdict(self)  # type: ignore[call-overload]

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """The config described by `values`. Unknown and missing fields are named in one ConfigError."""
        known = {field.name: field for field in fields(cls)}  # type: ignore[arg-type]
        unknown = sorted(set(values) - set(known))
        if unknown:
            raise ConfigError(
                f"{cls.__name__} has no field {', '.join(unknown)}.",
                f"It has: {', '.join(known)}. The file may come from another version of slmlib.",
            )
        missing = [name for name, field in known.items() if name not in values and field.default is MISSING]
        if missing:
            raise ConfigError(f"{cls.__name__} lacks {', '.join(missing)}.", "Give the missing values.")
        return cls(**values)

    def __post_init__(self) -> None:
        """Refuse values of another type, and choices that do not exist."""
        _raise_all(self, *_mistyped(self), *_choices(self))


@dataclass(frozen=True)
class ModelConfig(Config):
    """The shape of one decoder-only transformer. Published families are rows of these values."""

    vocab_size: int
    """How many different tokens there are: rows of the embedding table and columns of the logits."""
    context_length: int = 128
    """How many tokens the model sees at once in training (T). Learned positions end here."""
    embed_dim: int = 128
    """Width of the residual stream (D): the length of the vector that stands for a token."""
    num_layers: int = 4
    """How many blocks are stacked."""
    num_heads: int = 2
    """How many queries look back at once (H)."""
    num_kv_heads: int = 0
    """How many keys and values they share (K, grouped-query attention); 0 means num_heads."""
    head_dim: int = 0
    """Length of one head's query and key (E); 0 means embed_dim / num_heads."""
    ffn_dim: int = 0
    """Hidden width of the feed-forward layer; 0 means 4 x embed_dim, or 8/3 x embed_dim when gated, so
    that both cost the same number of parameters (Shazeer 2020, arXiv 2002.05202)."""
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
    position: Position = "rope"
    """How the model knows order: turn queries and keys (`rope`), add a vector (`learned`, `sinusoidal`),
    favour near tokens (`alibi`), or leave it to the causal mask (`none`)."""
    rope_theta: float = 10_000.0
    """The base of RoPE's wavelengths (Su et al. 2021, section 3.2.2): larger reaches farther."""
    rope_pairs: Literal["half", "interleaved"] = "half"
    """Which two numbers RoPE turns together: (i, i + E/2) as in Llama and NeoX, or (2i, 2i + 1) as in GPT-J."""
    qk_norm: bool = True
    """Whether queries and keys are RMS-normed per head before they meet (Henry et al. 2020; Qwen3)."""
    activation: Activation = "relu2"
    """The bend in the feed-forward layer; `relu2` is the square of ReLU (So et al. 2021, Primer)."""
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
    dropout: float = 0.0
    """Share of activations set to zero in training; 0 for runs of a few epochs."""
    init_std: float = 0.02
    """Standard deviation of the embeddings at the start."""
    initialization: Literal["gpt2", "zero_output"] = "zero_output"
    """`gpt2`: init_std everywhere, residual outputs divided by sqrt(2 x num_layers). `zero_output`:
    0.6 / sqrt(inputs) and residual outputs zero, so that every block starts as the identity."""

    def __post_init__(self) -> None:
        super().__post_init__()
        _raise_all(
            self,
            *_below_one(self, "vocab_size", "context_length", "embed_dim", "num_layers", "num_heads"),
            (not 0 <= self.dropout < 1, f"dropout must be in [0, 1); it is {self.dropout}."),
            (not self.norm_eps > 0, f"norm_eps must be above 0; it is {self.norm_eps}."),
            (not self.init_std > 0, f"init_std must be above 0; it is {self.init_std}."),
            (not self.rope_theta > 0, f"rope_theta must be above 0; it is {self.rope_theta}."),
        )
        divides = self.head_dim != 0 or self.embed_dim % self.num_heads == 0
        for name, usual in self._usual_sizes().items():
            object.__setattr__(self, name, getattr(self, name) or int(usual))
        _raise_all(
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
            (
                divides and self.position == "rope" and self.head_dim % 2 == 1,
                f"rope turns pairs, so head_dim must be even; it is {self.head_dim}.",
            ),
            (
                self.position == "sinusoidal" and self.embed_dim % 2 == 1,
                f"sinusoidal positions come in sine and cosine, so embed_dim must be even; it is {self.embed_dim}.",
            ),
            (
                self.position != "rope" and (self.rope_theta != 10_000.0 or self.rope_pairs != "half"),
                f"rope_theta and rope_pairs do nothing with position={self.position!r}; leave them at their defaults.",
            ),
            (
                self.norm_bias and self.norm == "rmsnorm",
                "an rmsnorm has no bias; use norm='layernorm' or norm_bias=False.",
            ),
            (
                self.norm_bias and not self.norm_gain,
                "norm_bias needs norm_gain=True: torch's LayerNorm has a bias only beside a gain.",
            ),
        )

    def change(self, changes: dict[str, Any]) -> "ModelConfig":
        """The same shape with some values changed. A derived size (num_kv_heads, head_dim, ffn_dim) that had
        its usual value and is not among the changes follows the new sizes."""
        return ModelConfig.from_dict(self.with_open_sizes().to_dict() | changes)

    def with_open_sizes(self) -> "ModelConfig":
        """A copy in which each derived size with its usual value is 0 again: not for building a model, but
        as defaults (of flags, of `change`) that follow when other sizes change."""
        open_sizes = copy(self)
        for name, usual in self._usual_sizes().items():
            if getattr(self, name) == usual:
                object.__setattr__(open_sizes, name, 0)
        return open_sizes

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


@dataclass(frozen=True)
class TrainConfig(Config):
    """How a model is trained. A run stores these values and a resumed run repeats them."""

    minutes: float = 5.0
    """Time budget; a measured speed turns it into total_steps once, before step 0."""
    total_steps: int = 0
    """Number of optimizer steps; 0 means as many as fit into `minutes`."""
    batch_size: int = 16
    """Windows of context_length tokens per optimizer step, over all devices together."""
    micro_batch_size: int = 0
    """Windows that go through the model at once; 0 means the whole batch. Gradients are accumulated."""
    learning_rate: float = 3e-3
    """The highest learning rate, reached after the warm-up."""
    embedding_rate_factor: float = 1.0
    """The embedding tables and the head learn this many times as fast as the other matrices."""
    min_learning_rate: float = 0.0
    """The learning rate of the last step."""
    schedule: Schedule = "linear"
    """After the warm-up: `cosine` or `linear` descent, `wsd` (stay, then descend linearly), or `constant`."""
    warmup_fraction: float = 0.02
    """Share of all steps spent rising from 0 to learning_rate."""
    decay_fraction: float = 0.5
    """With `wsd`: share of all steps, at the end, spent descending."""
    weight_decay: float = 0.1
    """AdamW's decoupled decay (Loshchilov and Hutter 2019), on matrices only: not on norms and biases."""
    beta1: float = 0.9
    """Memory of AdamW's gradient mean."""
    beta2: float = 0.95
    """Memory of AdamW's squared-gradient mean; 0.999 needs a longer warm-up."""
    adam_eps: float = 1e-8
    """Added to AdamW's denominator."""
    gradient_clip: float = 1.0
    """Longest allowed gradient (L2 norm over all parameters); 0 turns clipping off."""
    evaluations: int = 8
    """How many times the whole validation set is measured, the last step included."""
    checkpoints: int = 8
    """How many times the run is saved, the last step included."""
    keep_checkpoints: int = 2
    """How many of the newest checkpoints stay; the best one stays too."""
    seed: int = 0
    """Decides the first weights, the order of the windows and the dropout."""
    device: DeviceType | Literal["auto"] = "auto"
    """Where to compute; `auto` takes SLM_DEVICE if set, then CUDA, then the CPU."""
    dtype: DType | Literal["auto"] = "auto"
    """Numbers inside matrix products; weights and optimizer state stay float32."""
    threads: int = 0
    """CPU threads inside torch; 0 means as many as torch takes by itself."""
    compile: bool = False
    """Whether torch.compile fuses the model first: slow to start, faster afterwards."""
    tensorboard: bool = False
    """Whether to log to TensorBoard as well (needs the tensorboard package)."""
    wandb: bool = False
    """Whether to log to Weights & Biases as well (needs the wandb package; WANDB_MODE=offline works)."""
    sample_prompt: str = "Once upon a time"
    """How the story before and the story after begin."""

    def __post_init__(self) -> None:
        super().__post_init__()
        _raise_all(
            self,
            *_below_one(self, "batch_size", "evaluations", "checkpoints", "keep_checkpoints"),
            (
                self.total_steps < 0 or (self.total_steps == 0 and not 0 < self.minutes < float("inf")),
                f"give a time budget or a number of steps: minutes is {self.minutes}, total_steps {self.total_steps}.",
            ),
            (
                self.micro_batch_size < 0 or self.batch_size % (self.micro_batch_size or 1) != 0,
                f"batch_size ({self.batch_size}) must be a multiple of micro_batch_size ({self.micro_batch_size}).",
            ),
            (
                not 0 < self.learning_rate < 1,
                f"learning_rate must be between 0 and 1; it is {self.learning_rate}. Usual values: 1e-4 to 5e-3.",
            ),
            (
                not 0 <= self.min_learning_rate <= self.learning_rate,
                f"min_learning_rate ({self.min_learning_rate}) must lie between 0 and learning_rate "
                f"({self.learning_rate}).",
            ),
            (
                not 0 < self.embedding_rate_factor < 1000,
                f"embedding_rate_factor must be between 0 and 1000; it is {self.embedding_rate_factor}.",
            ),
            (
                not 0 <= self.warmup_fraction <= 1,
                f"warmup_fraction must be in [0, 1]; it is {self.warmup_fraction}.",
            ),
            (
                not 0 <= self.decay_fraction <= 1 - self.warmup_fraction,
                f"decay_fraction ({self.decay_fraction}) and warmup_fraction ({self.warmup_fraction}) must be at "
                "least 0 and together at most 1.",
            ),
            (not 0 <= self.weight_decay < 1, f"weight_decay must be in [0, 1); it is {self.weight_decay}."),
            (
                not (0 <= self.beta1 < 1 and 0 <= self.beta2 < 1),
                f"beta1 and beta2 must be in [0, 1); they are {self.beta1} and {self.beta2}.",
            ),
            (not self.adam_eps > 0, f"adam_eps must be above 0; it is {self.adam_eps}."),
            (not self.gradient_clip >= 0, f"gradient_clip must be 0 or above; it is {self.gradient_clip}."),
            (self.threads < 0, f"threads must be 0 or above; it is {self.threads}."),
            (self.seed < 0, f"seed must be 0 or above; it is {self.seed}."),
        )


@dataclass(frozen=True)
class Sampling(Config):
    """How the next token is chosen. The filters apply in the order in which they stand here."""

    repetition_penalty: float = 1.0
    """Tokens that occurred before have positive scores divided, negative ones multiplied, by this
    (Keskar et al. 2019, section 4.1); 1 turns it off."""
    temperature: float = 0.8
    """Scores are divided by it: below 1 bolder, above 1 more adventurous, 0 always the likeliest token."""
    top_k: int = 0
    """Only the k likeliest tokens stay; 0 keeps all (Fan et al. 2018)."""
    top_p: float = 1.0
    """Only the smallest set of likeliest tokens with at least this probability stays (Holtzman et al. 2020)."""
    min_p: float = 0.0
    """Only tokens with at least this share of the likeliest one's probability stay (Nguyen et al. 2024)."""
    max_tokens: int = 256
    """Stop after this many new tokens, if the story has not ended itself."""
    seed: int = 0
    """Row i of a batch draws from seed + i, so a row does not depend on its neighbours."""

    def __post_init__(self) -> None:
        super().__post_init__()
        _raise_all(
            self,
            (
                not self.repetition_penalty > 0,
                f"repetition_penalty must be above 0; it is {self.repetition_penalty}.",
            ),
            (not self.temperature >= 0, f"temperature must be 0 or above; it is {self.temperature}."),
            (
                0 < self.temperature < 1e-3,
                f"temperature {self.temperature} is so small that scores divided by it overflow; use 0 for the "
                "likeliest token.",
            ),
            (self.top_k < 0, f"top_k must be 0 or above; it is {self.top_k}."),
            (not 0 < self.top_p <= 1, f"top_p must be in (0, 1]; it is {self.top_p}."),
            (not 0 <= self.min_p <= 1, f"min_p must be in [0, 1]; it is {self.min_p}."),
            (self.max_tokens < 1, f"max_tokens must be at least 1; it is {self.max_tokens}."),
            (self.seed < 0, f"seed must be 0 or above; it is {self.seed}."),
        )


def _mistyped(config: Config) -> list[tuple[bool, str]]:
    """One problem for each field whose value is not of its type. Whole numbers serve as float, not as bool."""
    problems = []
    for field in fields(config):  # type: ignore[arg-type]
        value, expected = getattr(config, field.name), field.type
        if expected in (int, float, bool, str):
            fits = isinstance(value, (int, float) if expected is float else expected)
            wrong = not fits or (isinstance(value, bool) and expected is not bool)
            problems.append((wrong, f"{field.name} is {value!r}; expected {expected.__name__}."))
    return problems


def _below_one(config: Config, *names: str) -> list[tuple[bool, str]]:
    """One problem for each field that counts something and is below 1."""
    return [
        (getattr(config, name) < 1, f"{name} must be at least 1; it is {getattr(config, name)}.")
        for name in names
    ]


def _choices(config: Config) -> list[tuple[bool, str]]:
    """One problem for each field whose value is not among the choices its type names."""
    problems = []
    for field in fields(config):  # type: ignore[arg-type]
        choices = _literals(field.type)
        value = getattr(config, field.name)
        problems.append(
            (bool(choices) and value not in choices, f"{field.name} is {value!r}; choose from {choices}.")
        )
    return problems


def _literals(annotation: Any) -> tuple[Any, ...]:
    """The values that a Literal, or a union of Literals, allows; empty for other types."""
    if get_origin(annotation) is Literal:
        return get_args(annotation)
    return tuple(value for part in get_args(annotation) for value in _literals(part))


def _raise_all(config: Config, *problems: tuple[bool, str]) -> None:
    """One ConfigError that tells every problem at once."""
    found = [sentence for wrong, sentence in problems if wrong]
    if found:
        raise ConfigError(f"{type(config).__name__}: " + " Also: ".join(found))
