"""Hugging Face's classes as rows of data: what each can be, and what it calls things.

A row is read in both directions. What a class fixes stands in `switches` (ours) and `fixed` (theirs), what it
leaves open in `fields`, what the two say differently in `dialects`.
"""

from dataclasses import dataclass, field
from typing import Any

from slmlib.export.dialects import (
    ATTENTION_BIAS,
    ATTENTION_SCALE,
    EXPANSION,
    GPT1_ACTIVATION,
    HIDDEN_ACTIVATION,
    INVERSE_LOGIT_SCALE,
    LAYER_TYPES,
    NEO_LAYERS,
    ROPE,
    ROPE_BY_LAYER_TYPE,
    ROTARY_DIM,
    SLIDING_WINDOW,
    Dialect,
    activation,
    rope,
)
from slmlib.export.tensors import Layout, Rule
from slmlib.model.families.row import CLASSIC, MODERN


@dataclass(frozen=True)
class Architecture:
    """One class of the library `transformers`."""

    model_type: str
    """Its name in config.json."""
    class_name: str
    """The class."""
    switches: dict[str, Any]
    """What a ModelConfig must be for this class, in what neither `fields` nor `dialects` say."""
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
    prefix: str = ""
    """What their tensors' names begin with; old files leave it out."""
    buffers: tuple[str, ...] = ()
    """Ends of names of tensors that are no weights, in old files."""


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


def _rules(prefix: str, block: str, names: dict[str, str], layout: Layout = "plain") -> tuple[Rule, ...]:
    """Rules from short names. Those that begin with a dot lie in a block; `a+b` are two of ours in one of theirs."""
    rules = []
    for ours, theirs in names.items():
        if ours.startswith("."):
            modules = tuple(f"blocks.{{layer}}{name}" for name in ours.split("+"))
            kind: Layout = "plain" if layout == "per_head" and len(modules) == 1 else layout
            rules.append(Rule(modules, f"{prefix}{block}.{{layer}}.{theirs}", kind))
        else:
            rules.append(Rule((ours,), theirs if ours == "head" else f"{prefix}{theirs}"))
    return tuple(rules)


QKV = ".attention.query+.attention.key+.attention.value"
LLAMA_NAMES = {
    "embedding": "embed_tokens",
    ".attention.query": "self_attn.q_proj",
    ".attention.key": "self_attn.k_proj",
    ".attention.value": "self_attn.v_proj",
    ".attention.output": "self_attn.o_proj",
    ".attention.query_norm": "self_attn.q_norm",
    ".attention.key_norm": "self_attn.k_norm",
    ".attention_norm": "input_layernorm",
    ".feedforward_norm": "post_attention_layernorm",
    ".feedforward.gate": "mlp.gate_proj",
    ".feedforward.up": "mlp.up_proj",
    ".feedforward.down": "mlp.down_proj",
    "final_norm": "norm",
    "head": "lm_head",
}
PHI3_NAMES = {
    ours: theirs
    for ours, theirs in LLAMA_NAMES.items()
    if not ours.startswith((".attention.", ".feedforward."))
} | {
    QKV: "self_attn.qkv_proj",
    ".attention.output": "self_attn.o_proj",
    ".feedforward.gate+.feedforward.up": "mlp.gate_up_proj",
    ".feedforward.down": "mlp.down_proj",
}
OLMO2_NAMES = LLAMA_NAMES | {
    ".attention_norm": "post_attention_layernorm",
    ".feedforward_norm": "post_feedforward_layernorm",
}
PHI_NAMES = LLAMA_NAMES | {
    ".attention.output": "self_attn.dense",
    ".feedforward.up": "mlp.fc1",
    ".feedforward.down": "mlp.fc2",
    "final_norm": "final_layernorm",
}
GPT2_NAMES = {
    "embedding": "wte",
    "position_embedding": "wpe",
    QKV: "attn.c_attn",
    ".attention.output": "attn.c_proj",
    ".attention_norm": "ln_1",
    ".feedforward_norm": "ln_2",
    ".feedforward.up": "mlp.c_fc",
    ".feedforward.down": "mlp.c_proj",
    "final_norm": "ln_f",
    "head": "lm_head",
}
NEO_NAMES = {
    "embedding": "wte",
    "position_embedding": "wpe",
    ".attention.query": "attn.attention.q_proj",
    ".attention.key": "attn.attention.k_proj",
    ".attention.value": "attn.attention.v_proj",
    ".attention.output": "attn.attention.out_proj",
    ".attention_norm": "ln_1",
    ".feedforward_norm": "ln_2",
    ".feedforward.up": "mlp.c_fc",
    ".feedforward.down": "mlp.c_proj",
    "final_norm": "ln_f",
    "head": "lm_head",
}
GPTJ_NAMES = {
    "embedding": "wte",
    ".attention.query": "attn.q_proj",
    ".attention.key": "attn.k_proj",
    ".attention.value": "attn.v_proj",
    ".attention.output": "attn.out_proj",
    ".attention_norm": "ln_1",
    ".feedforward.up": "mlp.fc_in",
    ".feedforward.down": "mlp.fc_out",
    "final_norm": "ln_f",
    "head": "lm_head",
}
NEOX_NAMES = {
    "embedding": "embed_in",
    QKV: "attention.query_key_value",
    ".attention.output": "attention.dense",
    ".attention_norm": "input_layernorm",
    ".feedforward_norm": "post_attention_layernorm",
    ".feedforward.up": "mlp.dense_h_to_4h",
    ".feedforward.down": "mlp.dense_4h_to_h",
    "final_norm": "final_layer_norm",
    "head": "lm_head",
}
MPT_NAMES = {
    "embedding": "wte",
    QKV: "attn.Wqkv",
    ".attention.output": "attn.out_proj",
    ".attention_norm": "norm_1",
    ".feedforward_norm": "norm_2",
    ".feedforward.up": "ffn.up_proj",
    ".feedforward.down": "ffn.down_proj",
    "final_norm": "norm_f",
    "head": "lm_head",
}

LLAMA_RULES = _rules("model.", "layers", LLAMA_NAMES)
GPT2_BUFFERS = (".attn.bias", ".attn.masked_bias")
NEO_BUFFERS = (".attn.attention.bias", ".attn.attention.masked_bias")
ROPE_BUFFERS = (".rotary_emb.inv_freq",)

_ARCHITECTURES = (
    Architecture(
        "gpt2",
        "GPT2LMHeadModel",
        CLASSIC,
        GPT2_FIELDS,
        _rules("transformer.", "h", GPT2_NAMES, "transposed"),
        (activation("activation_function", "gelu_new"),),
        dict(scale_attn_weights=True, scale_attn_by_inverse_layer_idx=False, add_cross_attention=False),
        GPT2_DEFAULTS,
        "transformer.",
        GPT2_BUFFERS,
    ),
    Architecture(
        "openai-gpt",
        "OpenAIGPTLMHeadModel",
        CLASSIC | dict(block="post_norm", final_norm=False),
        {ours: theirs for ours, theirs in GPT2_FIELDS.items() if ours != "ffn_dim"},
        _rules(
            "transformer.",
            "h",
            GPT2_NAMES | {"embedding": "tokens_embed", "position_embedding": "positions_embed"},
            "transposed",
        ),
        (GPT1_ACTIVATION,),
        {},
        GPT2_DEFAULTS,
        "transformer.",
        (*GPT2_BUFFERS, "position_ids"),
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
        _rules("transformer.", "h", NEO_NAMES),
        (activation("activation_function", "gelu_new"), NEO_LAYERS),
        {},
        dict(intermediate_size=0, layer_norm_epsilon=1e-5, tie_word_embeddings=True),
        "transformer.",
        NEO_BUFFERS,
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
        _rules("transformer.", "h", GPTJ_NAMES),
        (activation("activation_function", "gelu_new"), ROTARY_DIM),
        {},
        GPT2_DEFAULTS | dict(tie_word_embeddings=False),
        "transformer.",
        GPT2_BUFFERS,
    ),
    Architecture(
        "gpt_neox",
        "GPTNeoXForCausalLM",
        CLASSIC | dict(block="parallel", position="rope"),
        {ours: theirs for ours, theirs in LLAMA_FIELDS.items() if ours != "num_kv_heads"}
        | {"norm_eps": "layer_norm_eps"},
        _rules("gpt_neox.", "layers", NEOX_NAMES, "per_head"),
        (activation("hidden_act", "gelu"), rope(0.25)),
        dict(use_parallel_residual=True, attention_bias=True),
        dict(tie_word_embeddings=False, layer_norm_eps=1e-5),
        "gpt_neox.",
        (*ROPE_BUFFERS, ".attention.bias", ".attention.masked_bias"),
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
        _rules("transformer.", "blocks", MPT_NAMES),
        (EXPANSION,),
        {
            "no_bias": True,
            "attn_config.alibi": True,
            "attn_config.alibi_bias_max": 8,
            "attn_config.clip_qkv": None,
            "attn_config.qk_ln": False,
            "attn_config.softmax_scale": None,
            "attn_config.prefix_lm": False,
        },
        dict(layer_norm_epsilon=1e-5, tie_word_embeddings=True),
        "transformer.",
    ),
    Architecture(
        "llama",
        "LlamaForCausalLM",
        MODERN,
        WITH_HEAD_DIM | {"ffn_bias": "mlp_bias"},
        LLAMA_RULES,
        (HIDDEN_ACTIVATION, ATTENTION_BIAS, ROPE),
        {},
        LLAMA_DEFAULTS | dict(mlp_bias=False),
        "model.",
        ROPE_BUFFERS,
    ),
    Architecture(
        "mistral",
        "MistralForCausalLM",
        MODERN,
        WITH_HEAD_DIM,
        LLAMA_RULES,
        (HIDDEN_ACTIVATION, ROPE, SLIDING_WINDOW),
        {},
        LLAMA_DEFAULTS,
        "model.",
        ROPE_BUFFERS,
    ),
    Architecture(
        "qwen2",
        "Qwen2ForCausalLM",
        MODERN | dict(qkv_bias=True),
        WITH_EPS,
        LLAMA_RULES,
        (HIDDEN_ACTIVATION, ROPE),
        dict(use_sliding_window=False),
        LLAMA_DEFAULTS,
        "model.",
        ROPE_BUFFERS,
    ),
    Architecture(
        "qwen3",
        "Qwen3ForCausalLM",
        MODERN | dict(qk_norm=True, qk_norm_gain=True),
        WITH_HEAD_DIM,
        LLAMA_RULES,
        (HIDDEN_ACTIVATION, ATTENTION_BIAS, ROPE),
        dict(use_sliding_window=False),
        LLAMA_DEFAULTS | dict(head_dim=128),
        "model.",
        ROPE_BUFFERS,
    ),
    Architecture(
        "olmo",
        "OlmoForCausalLM",
        MODERN | dict(norm="layernorm", norm_gain=False, norm_eps=1e-5),
        LLAMA_FIELDS | {"clip_qkv": "clip_qkv"},
        LLAMA_RULES,
        (HIDDEN_ACTIVATION, ATTENTION_BIAS, ROPE),
        {},
        LLAMA_DEFAULTS | dict(clip_qkv=0.0),
        "model.",
        ROPE_BUFFERS,
    ),
    Architecture(
        "olmo2",
        "Olmo2ForCausalLM",
        MODERN | dict(block="output_norm", qk_norm=True, qk_norm_gain=True, qk_norm_over="projection"),
        WITH_EPS,
        _rules("model.", "layers", OLMO2_NAMES),
        (HIDDEN_ACTIVATION, ATTENTION_BIAS, ROPE),
        {},
        LLAMA_DEFAULTS | dict(rms_norm_eps=1e-5),
        "model.",
        ROPE_BUFFERS,
    ),
    Architecture(
        "olmo3",
        "Olmo3ForCausalLM",
        MODERN | dict(block="output_norm", qk_norm=True, qk_norm_gain=True, qk_norm_over="projection"),
        WITH_EPS,
        _rules("model.", "layers", OLMO2_NAMES),
        (HIDDEN_ACTIVATION, ATTENTION_BIAS, ROPE_BY_LAYER_TYPE, LAYER_TYPES),
        {},
        LLAMA_DEFAULTS | dict(rms_norm_eps=1e-5),
        "model.",
        ROPE_BUFFERS,
    ),
    Architecture(
        "phi",
        "PhiForCausalLM",
        CLASSIC | dict(block="parallel_one_norm", position="rope", head_bias=True),
        LLAMA_FIELDS | {"norm_eps": "layer_norm_eps"},
        _rules("model.", "layers", PHI_NAMES),
        (activation("hidden_act", "gelu_new"), rope(0.5)),
        dict(qk_layernorm=False),
        LLAMA_DEFAULTS | dict(layer_norm_eps=1e-5),
        "model.",
        ROPE_BUFFERS,
    ),
    Architecture(
        "phi3",
        "Phi3ForCausalLM",
        MODERN,
        WITH_EPS,
        _rules("model.", "layers", PHI3_NAMES),
        (HIDDEN_ACTIVATION, rope(1.0), SLIDING_WINDOW),
        {},
        LLAMA_DEFAULTS | dict(rms_norm_eps=1e-5),
        "model.",
        ROPE_BUFFERS,
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
        {},
        LLAMA_DEFAULTS | dict(mlp_bias=False, embedding_multiplier=1.0, residual_multiplier=1.0),
        "model.",
        ROPE_BUFFERS,
    ),
)

ARCHITECTURES = {architecture.model_type: architecture for architecture in _ARCHITECTURES}
"""Their model_type -> row. Where several classes can be the same model, the first one is taken."""
