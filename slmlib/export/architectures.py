"""Hugging Face's classes as rows of data: what each can be, and what it calls things.

A row is read in both directions. What a class fixes stands in `switches` (ours) and `fixed` (theirs), what it
leaves open in `fields`, what the two say differently in `dialects`.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from torch import nn

from slmlib.config import LanguageModelConfig, MambaConfig, ModelConfig
from slmlib.export.dialects import (
    ATTENTION_BIAS,
    ATTENTION_SCALE,
    AUTO_RANK,
    EXPANSION,
    GPT1_ACTIVATION,
    HIDDEN_ACTIVATION,
    INVERSE_LOGIT_SCALE,
    LAYER_TYPES,
    NEO_LAYERS,
    ROPE,
    ROPE_BY_LAYER_TYPE,
    ROTARY_DIM,
    Dialect,
    activation,
    rope,
    sliding_window,
)
from slmlib.export.names import (
    GPT2_BUFFERS,
    GPT2_NAMES,
    GPTJ_NAMES,
    LLAMA_RULES,
    MAMBA_NAMES,
    MPT_NAMES,
    NANOCHAT_NAMES,
    NEO_BUFFERS,
    NEO_NAMES,
    NEOX_NAMES,
    OLMO2_NAMES,
    PHI3_NAMES,
    PHI_NAMES,
    ROPE_BUFFERS,
    rules,
)
from slmlib.export.tensors import Pairs, Rule
from slmlib.model.decoder import Decoder
from slmlib.model.houses.row import CLASSIC, MODERN
from slmlib.model.mamba import Mamba


@dataclass(frozen=True)
class Architecture:
    """One class of the library `transformers`."""

    model_type: str
    """Its name in config.json."""
    class_name: str
    """The class."""
    switches: dict[str, Any]
    """What our config must be for this class, in what neither `fields` nor `dialects` say."""
    fields: dict[str, str]
    """Our field -> their key, for values both have."""
    rules: tuple[Rule, ...]
    """Where the tensors are."""
    dialects: tuple[Dialect, ...] = ()
    """Values that the two write differently."""
    fixed: dict[str, Any] = field(default_factory=dict)
    """Their keys (a.b lies in a) that must have these values, or be missing."""
    defaults: dict[str, Any] = field(default_factory=dict)
    """What their keys mean when they are missing."""
    pairs: Pairs = "half"
    """Which pairs its RoPE turns."""
    prefix: str = ""
    """What their tensors' names begin with; old files leave it out."""
    config_class: type[LanguageModelConfig] = ModelConfig
    """Our config."""
    model: Callable[..., nn.Module] = Decoder
    """Our model, made from a config and a seed."""
    buffers: tuple[str, ...] = ()
    """Ends of names of tensors that are no weights, in old files."""
    old_names: dict[str, str] = field(default_factory=dict)
    """What names begin with in old files -> what they begin with now."""


LLAMA_FIELDS = {
    "vocab_size": "vocab_size",
    "context_length": "max_position_embeddings",
    "embed_dim": "hidden_size",
    "num_layers": "num_hidden_layers",
    "num_heads": "num_attention_heads",
    "num_kv_heads": "num_key_value_heads",
    "ffn_dim": "intermediate_size",
    "tie_embeddings": "tie_word_embeddings",
}
WITH_EPS = LLAMA_FIELDS | {"norm_eps": "rms_norm_eps"}
WITH_HEAD_DIM = WITH_EPS | {"head_dim": "head_dim"}
LLAMA_DEFAULTS = dict(num_key_value_heads=0, head_dim=0, tie_word_embeddings=False, rms_norm_eps=1e-6)
GPT2_FIELDS = {
    "vocab_size": "vocab_size",
    "context_length": "n_positions",
    "embed_dim": "n_embd",
    "num_layers": "n_layer",
    "num_heads": "n_head",
    "ffn_dim": "n_inner",
    "norm_eps": "layer_norm_epsilon",
    "tie_embeddings": "tie_word_embeddings",
}
GPT2_DEFAULTS = dict(n_inner=0, layer_norm_epsilon=1e-5, tie_word_embeddings=True)

_ARCHITECTURES = (
    Architecture(
        "gpt2",
        "GPT2LMHeadModel",
        CLASSIC,
        GPT2_FIELDS,
        rules("transformer.", "h", GPT2_NAMES, "transposed"),
        (activation("activation_function", "gelu_new"),),
        fixed=dict(scale_attn_weights=True, scale_attn_by_inverse_layer_idx=False, add_cross_attention=False),
        defaults=GPT2_DEFAULTS,
        prefix="transformer.",
        buffers=GPT2_BUFFERS,
    ),
    Architecture(
        "openai-gpt",
        "OpenAIGPTLMHeadModel",
        CLASSIC | dict(block="post_norm", final_norm=False),
        {ours: theirs for ours, theirs in GPT2_FIELDS.items() if ours != "ffn_dim"},
        rules(
            "transformer.",
            "h",
            GPT2_NAMES | {"embedding": "tokens_embed", "position_embedding": "positions_embed"},
            "transposed",
        ),
        (GPT1_ACTIVATION,),
        defaults=GPT2_DEFAULTS,
        prefix="transformer.",
        buffers=(*GPT2_BUFFERS, "position_ids"),
    ),
    Architecture(
        "gpt_neo",
        "GPTNeoForCausalLM",
        CLASSIC | dict(qkv_bias=False, attention_scale=1.0),
        {
            "vocab_size": "vocab_size",
            "context_length": "max_position_embeddings",
            "embed_dim": "hidden_size",
            "num_layers": "num_layers",
            "num_heads": "num_heads",
            "ffn_dim": "intermediate_size",
            "norm_eps": "layer_norm_epsilon",
            "tie_embeddings": "tie_word_embeddings",
        },
        rules("transformer.", "h", NEO_NAMES),
        (activation("activation_function", "gelu_new"), NEO_LAYERS),
        defaults=dict(intermediate_size=0, layer_norm_epsilon=1e-5, tie_word_embeddings=True),
        prefix="transformer.",
        buffers=NEO_BUFFERS,
    ),
    Architecture(
        "gptj",
        "GPTJForCausalLM",
        CLASSIC
        | dict(
            block="parallel_one_norm",
            position="rope",
            rope_pairs="interleaved",
            qkv_bias=False,
            output_bias=False,
            head_bias=True,
        ),
        GPT2_FIELDS,
        rules("transformer.", "h", GPTJ_NAMES),
        (activation("activation_function", "gelu_new"), ROTARY_DIM),
        defaults=GPT2_DEFAULTS | dict(tie_word_embeddings=False),
        pairs="interleaved",
        prefix="transformer.",
        buffers=GPT2_BUFFERS,
    ),
    Architecture(
        "gpt_neox",
        "GPTNeoXForCausalLM",
        CLASSIC | dict(block="parallel", position="rope"),
        {ours: theirs for ours, theirs in LLAMA_FIELDS.items() if ours != "num_kv_heads"}
        | {"norm_eps": "layer_norm_eps"},
        rules("gpt_neox.", "layers", NEOX_NAMES, "per_head"),
        (activation("hidden_act", "gelu"), rope(0.25)),
        fixed=dict(use_parallel_residual=True, attention_bias=True),
        defaults=dict(tie_word_embeddings=False, layer_norm_eps=1e-5),
        prefix="gpt_neox.",
        buffers=(*ROPE_BUFFERS, ".attention.bias", ".attention.masked_bias"),
        old_names={"embed_out.": "lm_head."},  # all of Pythia's
    ),
    Architecture(
        "mpt",
        "MptForCausalLM",
        CLASSIC
        | dict(
            norm_bias=False,
            position="alibi",
            activation="gelu",
            qkv_bias=False,
            output_bias=False,
            ffn_bias=False,
        ),
        {
            "vocab_size": "vocab_size",
            "context_length": "max_seq_len",
            "embed_dim": "d_model",
            "num_layers": "n_layers",
            "num_heads": "n_heads",
            "norm_eps": "layer_norm_epsilon",
            "tie_embeddings": "tie_word_embeddings",
        },
        rules("transformer.", "blocks", MPT_NAMES),
        (EXPANSION,),
        fixed={
            "no_bias": True,
            "attn_config.alibi": True,
            "attn_config.alibi_bias_max": 8,
            "attn_config.clip_qkv": None,
            "attn_config.qk_ln": False,
            "attn_config.softmax_scale": None,
            "attn_config.prefix_lm": False,
        },
        defaults=dict(layer_norm_epsilon=1e-5, tie_word_embeddings=True),
        prefix="transformer.",
    ),
    Architecture(
        "llama",
        "LlamaForCausalLM",
        MODERN,
        WITH_HEAD_DIM | {"ffn_bias": "mlp_bias"},
        LLAMA_RULES,
        (HIDDEN_ACTIVATION, ATTENTION_BIAS, ROPE),
        defaults=LLAMA_DEFAULTS | dict(mlp_bias=False),
        prefix="model.",
        buffers=ROPE_BUFFERS,
    ),
    Architecture(
        "mistral",
        "MistralForCausalLM",
        MODERN,
        WITH_HEAD_DIM,
        LLAMA_RULES,
        (HIDDEN_ACTIVATION, ROPE, sliding_window(4096)),
        defaults=LLAMA_DEFAULTS | dict(num_key_value_heads=8),
        prefix="model.",
        buffers=ROPE_BUFFERS,
    ),
    Architecture(
        "qwen2",
        "Qwen2ForCausalLM",
        MODERN | dict(qkv_bias=True),
        WITH_EPS,
        LLAMA_RULES,
        (HIDDEN_ACTIVATION, ROPE),
        fixed=dict(use_sliding_window=False),
        defaults=LLAMA_DEFAULTS,
        prefix="model.",
        buffers=ROPE_BUFFERS,
    ),
    Architecture(
        "qwen3",
        "Qwen3ForCausalLM",
        MODERN | dict(qk_norm=True, qk_norm_gain=True),
        WITH_HEAD_DIM,
        LLAMA_RULES,
        (HIDDEN_ACTIVATION, ATTENTION_BIAS, ROPE),
        fixed=dict(use_sliding_window=False),
        defaults=LLAMA_DEFAULTS | dict(head_dim=128),
        prefix="model.",
        buffers=ROPE_BUFFERS,
    ),
    Architecture(
        "olmo",
        "OlmoForCausalLM",
        MODERN | dict(norm="layernorm", norm_gain=False, norm_eps=1e-5),
        LLAMA_FIELDS | {"clip_qkv": "clip_qkv"},
        LLAMA_RULES,
        (HIDDEN_ACTIVATION, ATTENTION_BIAS, ROPE),
        defaults=LLAMA_DEFAULTS | dict(clip_qkv=0.0),
        prefix="model.",
        buffers=ROPE_BUFFERS,
    ),
    Architecture(
        "olmo2",
        "Olmo2ForCausalLM",
        MODERN | dict(block="output_norm", qk_norm=True, qk_norm_gain=True, qk_norm_over="projection"),
        WITH_EPS,
        rules("model.", "layers", OLMO2_NAMES),
        (HIDDEN_ACTIVATION, ATTENTION_BIAS, ROPE),
        defaults=LLAMA_DEFAULTS | dict(rms_norm_eps=1e-5),
        prefix="model.",
        buffers=ROPE_BUFFERS,
    ),
    Architecture(
        "olmo3",
        "Olmo3ForCausalLM",
        MODERN | dict(block="output_norm", qk_norm=True, qk_norm_gain=True, qk_norm_over="projection"),
        WITH_EPS,
        rules("model.", "layers", OLMO2_NAMES),
        (HIDDEN_ACTIVATION, ATTENTION_BIAS, ROPE_BY_LAYER_TYPE, LAYER_TYPES),
        defaults=LLAMA_DEFAULTS | dict(rms_norm_eps=1e-5),
        prefix="model.",
        buffers=ROPE_BUFFERS,
    ),
    Architecture(
        "phi",
        "PhiForCausalLM",
        CLASSIC | dict(block="parallel_one_norm", position="rope", head_bias=True),
        LLAMA_FIELDS | {"norm_eps": "layer_norm_eps"},
        rules("model.", "layers", PHI_NAMES),
        (activation("hidden_act", "gelu_new"), rope(0.5)),
        fixed=dict(qk_layernorm=False),
        defaults=LLAMA_DEFAULTS | dict(layer_norm_eps=1e-5),
        prefix="model.",
        buffers=ROPE_BUFFERS,
    ),
    Architecture(
        "phi3",
        "Phi3ForCausalLM",
        MODERN,
        WITH_EPS,
        rules("model.", "layers", PHI3_NAMES),
        (HIDDEN_ACTIVATION, rope(1.0), sliding_window(0)),
        defaults=LLAMA_DEFAULTS | dict(rms_norm_eps=1e-5),
        prefix="model.",
        buffers=ROPE_BUFFERS,
    ),
    Architecture(
        "granite",
        "GraniteForCausalLM",
        MODERN,
        WITH_EPS
        | {
            "ffn_bias": "mlp_bias",
            "embedding_scale": "embedding_multiplier",
            "residual_scale": "residual_multiplier",
        },
        LLAMA_RULES,
        (HIDDEN_ACTIVATION, ATTENTION_BIAS, ROPE, INVERSE_LOGIT_SCALE, ATTENTION_SCALE),
        defaults=LLAMA_DEFAULTS | dict(mlp_bias=False, embedding_multiplier=1.0, residual_multiplier=1.0),
        prefix="model.",
        buffers=ROPE_BUFFERS,
    ),
    Architecture(
        "nanochat",
        "NanoChatForCausalLM",
        {},  # what ModelConfig is when nothing is said
        {ours: theirs for ours, theirs in WITH_EPS.items() if ours != "head_dim"},
        rules("model.", "layers", NANOCHAT_NAMES),
        (activation("hidden_act", "relu2"), ATTENTION_BIAS, ROPE),
        fixed=dict(final_logit_softcapping=None),
        defaults=LLAMA_DEFAULTS | dict(final_logit_softcapping=15.0),
        pairs="backwards",
        prefix="model.",
    ),
    Architecture(
        "mamba",
        "MambaForCausalLM",
        {},
        {
            "vocab_size": "vocab_size",
            "context_length": "max_position_embeddings",  # for us: their class has no use for it
            "embed_dim": "hidden_size",
            "num_layers": "num_hidden_layers",
            "state_dim": "state_size",
            "conv_width": "conv_kernel",
            "expand": "expand",
            "norm_eps": "layer_norm_epsilon",
        },
        rules("backbone.", "layers", MAMBA_NAMES),
        (AUTO_RANK,),
        fixed=dict(hidden_act="silu", use_bias=False, use_conv_bias=True, tie_word_embeddings=True),
        defaults=dict(
            max_position_embeddings=2048, expand=2, conv_kernel=4, state_size=16, layer_norm_epsilon=1e-5
        ),
        prefix="backbone.",
        config_class=MambaConfig,
        model=Mamba,
    ),
)

ARCHITECTURES = {architecture.model_type: architecture for architecture in _ARCHITECTURES}
"""Their model_type -> row. Where several classes can be the same model, the first one is taken."""
