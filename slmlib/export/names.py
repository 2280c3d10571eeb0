"""What Hugging Face's classes call the parts of a model: our module -> theirs, one table a house."""

from slmlib.export.tensors import Layout, Rule


def rules(prefix: str, block: str, names: dict[str, str], layout: Layout = "plain") -> tuple[Rule, ...]:
    """Rules from short names. Those that begin with a dot lie in a block; `a+b` are two of ours in one of theirs."""
    found = []
    for ours, theirs in names.items():
        if ours.startswith("."):
            modules = tuple(f"blocks.{{layer}}{name}" for name in ours.split("+"))
            kind: Layout = "plain" if layout == "per_head" and len(modules) == 1 else layout
            found.append(Rule(modules, f"{prefix}{block}.{{layer}}.{theirs}", kind))
        else:
            found.append(Rule((ours,), theirs if ours == "head" else f"{prefix}{theirs}"))
    return tuple(found)


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
NANOCHAT_NAMES = LLAMA_NAMES | {".feedforward.up": "mlp.fc1", ".feedforward.down": "mlp.fc2"}
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
MAMBA_NAMES = {
    "embedding": "embeddings",
    ".norm": "norm",
    ".mixer.input": "mixer.in_proj",
    ".mixer.conv": "mixer.conv1d",
    ".mixer.select": "mixer.x_proj",
    ".mixer.step": "mixer.dt_proj",
    ".mixer.decay_log": "mixer.A_log",
    ".mixer.skip": "mixer.D",
    ".mixer.output": "mixer.out_proj",
    "final_norm": "norm_f",
}

LLAMA_RULES = rules("model.", "layers", LLAMA_NAMES)
GPT2_BUFFERS = (".attn.bias", ".attn.masked_bias")
NEO_BUFFERS = (".attn.attention.bias", ".attn.attention.masked_bias")
ROPE_BUFFERS = (".rotary_emb.inv_freq",)
