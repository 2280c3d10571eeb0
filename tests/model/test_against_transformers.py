"""The decoder against the classes we did not write, every tensor randomised, at 1e-5 in float32."""

import pytest
import torch

from slmlib.config import ModelConfig
from slmlib.model.decoder import Decoder
from slmlib.model.families import family

TOLERANCE = 1e-5

BLOCK_NAMES_LLAMA = {
    "attention.query": "self_attn.q_proj",
    "attention.key": "self_attn.k_proj",
    "attention.value": "self_attn.v_proj",
    "attention.output": "self_attn.o_proj",
    "attention_norm": "input_layernorm",
    "feedforward_norm": "post_attention_layernorm",
    "feedforward.gate": "mlp.gate_proj",
    "feedforward.up": "mlp.up_proj",
    "feedforward.down": "mlp.down_proj",
}
BLOCK_NAMES_GPT2 = {
    "attention.output": "attn.c_proj",
    "attention_norm": "ln_1",
    "feedforward_norm": "ln_2",
    "feedforward.up": "mlp.c_fc",
    "feedforward.down": "mlp.c_proj",
}


def small(name: str, **changes) -> ModelConfig:
    small_sizes = dict(vocab_size=97, context_length=64, embed_dim=48, num_layers=4, num_heads=6)
    return family(name).change({"num_kv_heads": 0, "head_dim": 0, "ffn_dim": 0} | small_sizes | changes)


@torch.no_grad()
def randomise(model: torch.nn.Module) -> None:
    """Zero biases and unit gains would hide mistakes."""
    torch.manual_seed(0)
    for parameter in model.parameters():
        parameter.copy_(torch.randn_like(parameter) * 0.12 + (1.0 if parameter.dim() == 1 else 0.0))


def largest_difference(ours: Decoder, theirs: torch.nn.Module, weights: dict[str, torch.Tensor]) -> float:
    ours.load_state_dict(weights)
    tokens = torch.randint(0, 97, (2, 40), generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        return (ours(tokens) - theirs(tokens).logits).abs().max().item()


def llama_pair(config: ModelConfig, **theirs_only):
    from transformers import LlamaConfig, LlamaForCausalLM

    theirs = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=config.vocab_size,
            hidden_size=config.embed_dim,
            intermediate_size=config.ffn_dim,
            num_hidden_layers=config.num_layers,
            num_attention_heads=config.num_heads,
            num_key_value_heads=config.num_kv_heads,
            head_dim=config.head_dim,
            rms_norm_eps=config.norm_eps,
            rope_parameters={"rope_type": "default", "rope_theta": config.rope_theta},
            tie_word_embeddings=False,
            attn_implementation="eager",
            **theirs_only,
        )
    ).eval()
    randomise(theirs)
    source = theirs.state_dict()
    weights = {
        "embedding.weight": source["model.embed_tokens.weight"],
        "head.weight": source["lm_head.weight"],
    }
    weights["final_norm.gain"] = source["model.norm.weight"]
    for layer in range(config.num_layers):
        for our_name, their_name in BLOCK_NAMES_LLAMA.items():
            suffix = "gain" if our_name.endswith("norm") else "weight"
            weights[f"blocks.{layer}.{our_name}.{suffix}"] = source[
                f"model.layers.{layer}.{their_name}.weight"
            ]
    return Decoder(config).eval(), theirs, weights


def gpt2_pair(config: ModelConfig, **theirs_only):
    from transformers import GPT2Config, GPT2LMHeadModel

    theirs = GPT2LMHeadModel(
        GPT2Config(
            vocab_size=config.vocab_size,
            n_positions=config.context_length,
            n_embd=config.embed_dim,
            n_layer=config.num_layers,
            n_head=config.num_heads,
            layer_norm_epsilon=config.norm_eps,
            attn_implementation="eager",
            **theirs_only,
        )
    ).eval()
    randomise(theirs)
    source = {name.removeprefix("transformer."): tensor for name, tensor in theirs.state_dict().items()}
    weights = {
        "embedding.weight": source["wte.weight"],
        "head.weight": source["wte.weight"],
        "position_embedding.weight": source["wpe.weight"],
        "final_norm.gain": source["ln_f.weight"],
        "final_norm.bias": source["ln_f.bias"],
    }
    for layer in range(config.num_layers):
        theirs_at, ours_at = f"h.{layer}.", f"blocks.{layer}."
        for part, weight, bias in zip(
            ("query", "key", "value"),
            source[theirs_at + "attn.c_attn.weight"].chunk(3, dim=1),
            source[theirs_at + "attn.c_attn.bias"].chunk(3),
            strict=True,
        ):
            weights[f"{ours_at}attention.{part}.weight"], weights[f"{ours_at}attention.{part}.bias"] = (
                weight.T,
                bias,
            )
        for our_name, their_name in BLOCK_NAMES_GPT2.items():
            norm = our_name.endswith("norm")
            weight = source[f"{theirs_at}{their_name}.weight"]
            weights[f"{ours_at}{our_name}." + ("gain" if norm else "weight")] = weight if norm else weight.T
            weights[f"{ours_at}{our_name}.bias"] = source[f"{theirs_at}{their_name}.bias"]
    return Decoder(config).eval(), theirs, weights


@pytest.mark.parametrize(("kv_heads", "theta"), [(6, 10_000.0), (2, 500_000.0), (1, 10_000.0)])
def test_llama(kv_heads, theta):
    assert (
        largest_difference(*llama_pair(small("llama-2-7b", num_kv_heads=kv_heads, rope_theta=theta)))
        < TOLERANCE
    )


def test_llama_with_a_head_dim_of_its_own():
    assert largest_difference(*llama_pair(small("llama-2-7b", head_dim=16))) < TOLERANCE


def test_gpt2():
    assert largest_difference(*gpt2_pair(small("gpt2"))) < TOLERANCE


@pytest.mark.parametrize(
    "wrong",
    [dict(activation="gelu"), dict(norm_eps=1e-6)],
    ids=["exact instead of tanh GELU", "another epsilon"],
)
def test_the_smallest_mistakes_are_far_above_the_tolerance(wrong):
    _, theirs, weights = gpt2_pair(small("gpt2"))
    assert largest_difference(Decoder(small("gpt2", **wrong)).eval(), theirs, weights) > 5 * TOLERANCE


def test_another_pair_convention_is_seen_and_a_permutation_mends_it():
    from slmlib.model.positions import half_to_interleaved

    config = small("llama-2-7b")
    _, theirs, weights = llama_pair(config)
    interleaved = Decoder(small("llama-2-7b", rope_pairs="interleaved")).eval()
    assert largest_difference(interleaved, theirs, weights) > 100 * TOLERANCE
    order = half_to_interleaved(config.head_dim)
    for name, weight in weights.items():
        if name.endswith(("query.weight", "key.weight")):
            heads = weight.view(-1, config.head_dim, config.embed_dim)  # (heads, head_dim, embed_dim)
            weights[name] = heads[:, order].reshape(weight.shape)
    assert largest_difference(interleaved, theirs, weights) < TOLERANCE
