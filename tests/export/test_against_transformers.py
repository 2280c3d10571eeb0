"""Every family against the class we did not write, every tensor randomised, at 1e-5 in float32.

The way there (our config and weights into theirs, strictly) and the way back (ours again, bit for bit) are
both the table's, so that what is tested here is also what `export` and `import` do.
"""

import pytest
import torch

from slmlib.config import LanguageModelConfig, ModelConfig
from slmlib.errors import CheckpointError, ConfigError, SlmError
from slmlib.export.architectures import ARCHITECTURES, Architecture
from slmlib.export.dialects import SCALINGS, share_of_a_head
from slmlib.export.huggingface import (
    architecture_for,
    from_hf_config,
    from_hf_weights,
    model_from_hf,
    to_hf_config,
    to_hf_weights,
)
from slmlib.model.decoder import Decoder
from slmlib.model.families import FAMILIES, family
from slmlib.model.language_model import LanguageModel, own_tensors
from tests.model.tiny import distinct, random_decoder, random_tokens, randomised, tiny

TOLERANCE = 1e-5
NO_CLASS = {"nanogpt", "openelm-270m"}
"""nanoGPT is GPT-2 without biases; OpenELM's uneven layers have no class. Both have tests of their own below."""
with_class = {name: config for name, config in distinct().items() if name not in NO_CLASS}
each_family = pytest.mark.parametrize("config", with_class.values(), ids=with_class)


def theirs_for(config: LanguageModelConfig, architecture: Architecture, **changes) -> torch.nn.Module:
    """Their class with the config that our table writes; nothing random is left out of its dictionary."""
    import transformers

    values = to_hf_config(config, architecture) | changes
    values = {name: value for name, value in values.items() if name not in ("architectures", "model_type")}
    kind = getattr(transformers, architecture.class_name)
    tokens = dict(
        bos_token_id=None, eos_token_id=None, pad_token_id=None
    )  # theirs lie beyond a tiny vocabulary
    return kind(kind.config_class(**values | tokens, attn_implementation="eager")).eval()


def filled(theirs: torch.nn.Module, ours: LanguageModel, architecture: Architecture) -> torch.nn.Module:
    """Their class with our weights, strictly: only a tied head may be missing."""
    weights = to_hf_weights(ours.config, architecture, own_tensors(ours))
    missing, unexpected = theirs.load_state_dict(weights, strict=False)
    assert unexpected == []
    assert missing == (["lm_head.weight"] if ours.config.tie_embeddings else [])
    theirs.tie_weights()
    return theirs


@torch.no_grad()
def largest_difference(ours: torch.nn.Module, theirs: torch.nn.Module) -> float:
    tokens = random_tokens()
    return (ours(tokens) - theirs(tokens).logits).abs().max().item()


@each_family
def test_logits_are_theirs(config):
    architecture = architecture_for(config)
    ours = random_decoder(config)
    theirs = filled(theirs_for(config, architecture), ours, architecture)
    assert largest_difference(ours, theirs) < TOLERANCE
    # And the way back, from what they would save. A repeated block comes back as several.
    values = to_hf_config(config, architecture)
    again = model_from_hf(values, theirs.state_dict())
    assert largest_difference(again, theirs) < TOLERANCE
    if config.block_repeat == 1 and config.rope_pairs == again.config.rope_pairs:
        for name, tensor in ours.state_dict().items():
            assert torch.equal(tensor, again.state_dict()[name]), name


@pytest.mark.parametrize(
    ("name", "model_type"),
    [
        ("phi-3-mini", "phi3"),
        ("phi-4", "phi3"),
        ("llama-3-8b", "mistral"),
        ("llama-2-7b", "granite"),
        ("olmo-2-1b", "olmo3"),
    ],
)
def test_a_model_can_be_several_classes(name, model_type):
    config = tiny(family(name))
    ours, architecture = random_decoder(config), architecture_for(config, model_type)
    assert largest_difference(ours, filled(theirs_for(config, architecture), ours, architecture)) < TOLERANCE
    weights = to_hf_weights(config, architecture, own_tensors(ours))
    again = from_hf_weights(config, architecture, weights)
    assert all(torch.equal(again[name], tensor) for name, tensor in own_tensors(ours).items())


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("llama-2-7b", dict(qkv_bias=True, output_bias=True, ffn_bias=True)),
        ("llama-2-7b", dict(head_dim=20, tie_embeddings=True)),
        ("gpt2", dict(ffn_dim=72, tie_embeddings=False)),
        ("gpt2", dict(activation="gelu")),
        ("gpt2", dict(activation="relu2")),
        ("gpt-neo-125m", dict(windows=(7, 0, 0, 7))),
        ("gpt-j-6b", dict(rope_dim=0)),
        ("pythia-160m", dict(rope_dim=0, rope_theta=500.0)),
        ("pythia-160m", dict(embed_dim=264, rope_dim=30)),  # int(44 * (30 / 44)) is 29
        ("phi-1.5", dict(embed_dim=200, num_heads=2, num_kv_heads=2, num_layers=2, rope_dim=58)),  # of 100
        ("phi-1.5", dict(num_kv_heads=2)),
        ("qwen3-0.6b", dict(rope_scaling=4.0, rope_scaling_context=16, rope_scaling_kind="yarn")),
        ("llama-2-7b", dict(rope_scaling=8.0, rope_scaling_context=16, rope_scaling_kind="yarn")),
        ("qwen3-0.6b", dict(qkv_bias=True, output_bias=True)),
        ("olmo-3-7b", dict(num_kv_heads=2, windows=(3, 0))),
        ("minicpm-2b", dict(attention_scale=0.3)),
        ("mobilellm-ls-125m", dict(windows=(), block_repeat=3)),
        ("openelm-270m", dict(layer_heads=(), layer_ffn_dims=())),  # even, it is Qwen3 (tied, no bias)
    ],
    ids=str,
)
def test_members_nobody_published(name, changes):
    config = tiny(family(name)).change(changes)
    ours, architecture = random_decoder(config), architecture_for(config)
    assert largest_difference(ours, filled(theirs_for(config, architecture), ours, architecture)) < TOLERANCE


@pytest.mark.parametrize(
    "switches",
    [
        {},
        dict(num_kv_heads=2),
        dict(rope_theta=500.0, rope_pairs="interleaved"),
        dict(tie_embeddings=False, qkv_bias=True, output_bias=True, ffn_dim=80),
    ],
    ids=str,
)
def test_our_own_models_are_nanochats(switches):
    """The shape of the presets, and of the model that comes with the package, has a class too."""
    sizes = dict(vocab_size=97, context_length=64, embed_dim=48, num_layers=3, num_heads=6)
    ours = random_decoder(ModelConfig(**sizes | switches))
    architecture = architecture_for(ours.config)
    assert architecture.model_type == "nanochat"
    theirs = filled(theirs_for(ours.config, architecture), ours, architecture)
    assert largest_difference(ours, theirs) < TOLERANCE
    again = model_from_hf(to_hf_config(ours.config, architecture), theirs.state_dict())
    assert largest_difference(again, theirs) < TOLERANCE


def test_every_preset_has_a_class():
    from slmlib.presets import PRESETS

    assert {architecture_for(preset.model).model_type for preset in PRESETS.values()} == {"nanochat", "mamba"}


def test_even_openelm_is_qwen3():
    even = tiny(family("openelm-270m")).change({"layer_heads": (), "layer_ffn_dims": ()})
    assert architecture_for(even).model_type == "qwen3"


def test_nanogpt_is_gpt2_with_biases_of_zero():
    config = tiny(family("nanogpt"))
    with_biases = config.change(
        dict(norm_bias=True, qkv_bias=True, output_bias=True, ffn_bias=True)
    )  # GPT-2's class has no way to leave them out
    ours, architecture = random_decoder(config), architecture_for(with_biases)
    model = Decoder(with_biases)  # starts with biases of zero
    model.load_state_dict(ours.state_dict(), strict=False)
    assert (
        largest_difference(ours, filled(theirs_for(with_biases, architecture), model, architecture))
        < TOLERANCE
    )


def test_interleaved_pairs_become_halves_and_back():
    """baby-llama2's code turns other pairs than transformers' Llama: the rows of queries and keys move."""
    config = tiny(family("baby-llama2-92m"))
    architecture = ARCHITECTURES["llama"]
    ours = random_decoder(config)
    theirs = filled(theirs_for(config, architecture), ours, architecture)
    query = theirs.state_dict()["model.layers.0.self_attn.q_proj.weight"]
    assert not torch.equal(query, ours.blocks[0].attention.query.weight)
    halves = random_decoder(config.change({"rope_pairs": "half"}))
    wrong = filled(theirs_for(config, architecture), halves, architecture)
    assert largest_difference(ours, wrong) > 100 * TOLERANCE  # the same weights without moving the rows


@pytest.mark.parametrize("name", [name for name, config in FAMILIES.items() if name not in NO_CLASS])
def test_a_family_has_as_many_parameters_as_its_class(name):
    """Published shapes, on the device that holds no numbers."""
    config = family(name)
    if config.layer_heads or config.block_repeat > 1:
        pytest.skip("no class has uneven layers or shares blocks")
    with torch.device("meta"):
        theirs = theirs_for(config, architecture_for(config))
        assert sum(p.numel() for p in theirs.parameters()) == sum(
            p.numel() for p in Decoder(config).parameters()
        )


# What each class's smallest mistake does, in the config of that class.
WRONG = {
    "gpt2": [dict(activation="gelu"), dict(norm_eps=1e-6)],
    "gpt1": [dict(block="pre_norm"), dict(final_norm=True)],
    "tinystories-1m": [
        dict(attention_scale=0.0),
        dict(windows=()),
        dict(windows=(7, 0)),
        dict(windows=(0, 8)),
    ],
    "gpt-j-6b": [dict(rope_pairs="half"), dict(rope_dim=6), dict(block="pre_norm")],
    "pythia-160m": [dict(rope_dim=0), dict(activation="gelu_tanh"), dict(rope_theta=10_100.0)],
    "llama-2-7b": [dict(norm_eps=1e-6), dict(rope_theta=10_100.0)],
    "llama-3.1-8b": [
        dict(rope_scaling=1.0, rope_scaling_context=0),
        dict(rope_scaling=4.1),
        dict(rope_scaling_context=17),
    ],
    "mobilellm-ls-125m": [dict(block_repeat=1)],
    "olmo-1b": [dict(norm="rmsnorm"), dict(norm_eps=1e-6)],
    "olmo-7b-0724": [dict(clip_qkv=0.0), dict(clip_qkv=0.51)],
    "olmo-2-1b": [dict(block="post_norm"), dict(block="pre_norm"), dict(norm_eps=1e-5)],
    "olmo-3-7b": [dict(windows=(7, 7, 0, 7)), dict(windows=())],
    "qwen3-0.6b": [dict(norm_eps=1e-5), dict(rope_theta=1.01e6)],
    "minicpm-2b": [dict(embedding_scale=12.1), dict(residual_scale=0.2), dict(logit_scale=5.4)],
    "mpt-7b": [dict(position="none"), dict(activation="gelu_tanh")],
    "phi-1.5": [dict(activation="gelu"), dict(rope_dim=0)],
}
MISTAKES = [(name, wrong) for name, mistakes in WRONG.items() for wrong in mistakes]


@pytest.mark.parametrize(("name", "wrong"), MISTAKES, ids=str)
def test_a_wrong_switch_is_far_above_the_tolerance(name, wrong):
    config = tiny(family(name))
    right = random_decoder(config)
    architecture = architecture_for(config)
    theirs = filled(theirs_for(config, architecture), right, architecture)
    mistaken = Decoder(config.change(wrong)).eval()
    # What the mistake adds (a final norm) starts as nothing and is no excuse.
    mistaken.load_state_dict(right.state_dict(), strict=False)
    assert largest_difference(mistaken, theirs) > 5 * TOLERANCE


@pytest.mark.parametrize("name", ["minicpm-2b", "gpt1"])
def test_an_epsilon_that_a_large_stream_hides_is_seen_with_small_weights(name):
    """MiniCPM's embedding times twelve and GPT-1's unnormed sums are far larger than any epsilon."""
    config = tiny(family(name))
    differences = []
    for eps in (1e-5, 1e-6):
        ours, architecture = random_decoder(config, size=0.002), architecture_for(config)
        key = architecture.fields["norm_eps"]
        theirs = filled(theirs_for(config, architecture, **{key: eps}), ours, architecture)
        differences.append(largest_difference(ours, theirs) / theirs(random_tokens()).logits.std().item())
    assert differences[0] < TOLERANCE
    assert differences[1] > 5 * TOLERANCE


def test_the_share_of_a_head_that_turns_is_what_they_make_of_it():
    for head_dim in range(4, 257):
        for rope_dim in range(2, head_dim, 2):
            assert int(head_dim * share_of_a_head(rope_dim, head_dim)) == rope_dim
    for model_type, head_dim, rope_dim in (("gpt_neox", 44, 30), ("gpt_neox", 256, 2), ("phi", 100, 58)):
        architecture = ARCHITECTURES[model_type]
        config = ModelConfig.from_dict(
            architecture.switches | dict(vocab_size=9, embed_dim=head_dim, num_heads=1, rope_dim=rope_dim)
        )
        values = to_hf_config(config, architecture)
        assert int(head_dim * values["rope_parameters"]["partial_rotary_factor"]) == rope_dim
    values["rope_parameters"]["partial_rotary_factor"] = 0.58  # of 100: they turn 57
    with pytest.raises(ConfigError, match=r"rope_dim must be even .* it is 57"):
        from_hf_config(values)


def reading(values: dict) -> LanguageModelConfig | str:
    """The config, or why there is none."""
    try:
        return from_hf_config(values)
    except SlmError as refusal:
        return str(refusal)


@pytest.mark.parametrize("model_type", ARCHITECTURES)
def test_a_key_that_is_missing_means_what_they_mean(model_type):
    """Their default config without one key after the other: refused, or what their class makes of it."""
    import transformers

    kind = getattr(transformers, ARCHITECTURES[model_type].class_name).config_class
    full = kind(**({"final_logit_softcapping": None} if model_type == "nanochat" else {})).to_dict()
    assert not isinstance(reading(full | {"model_type": model_type}), str)
    rope, refused = full.get("rope_parameters") or {}, 0
    cases = [{name: full[name] for name in full if name != key} for key in full]
    if model_type != "olmo3":  # which holds one such dictionary for each kind of layer
        cases += [
            full | {"rope_parameters": {name: rope[name] for name in rope if name != key}} for key in rope
        ]
    for less in cases:
        ours = reading(less | {"model_type": model_type})
        refused += isinstance(ours, str) and "config.json lacks" in ours
        if not isinstance(ours, str) or "config.json lacks" not in ours:
            assert ours == reading(kind(**less).to_dict() | {"model_type": model_type})
    assert refused <= 6


@pytest.mark.parametrize(
    "wrong", [None, "linear", [], [3], {}, {"type": "yarn"}, -1, 0, 0.3, 1e400, True], ids=repr
)
@pytest.mark.parametrize("model_type", ARCHITECTURES)
def test_a_config_that_holds_anything_is_a_config_or_one_sentence(model_type, wrong):
    import transformers

    kind = getattr(transformers, ARCHITECTURES[model_type].class_name).config_class
    full = kind().to_dict() | {"final_logit_softcapping": None, "rope_scaling": None}
    for key in full:
        found = reading(full | {"model_type": model_type} | {key: wrong})
        assert not isinstance(found, str) or "\n" not in found
    assert "model_type is" in reading(wrong)


@pytest.mark.parametrize("kind", ["yarn", "llama3"])
def test_a_scaled_rope_that_does_not_say_its_context_means_the_models(kind):
    config = tiny(family("llama-2-7b"))
    scaled = dict(rope_scaling=4.0, rope_scaling_context=config.context_length, rope_scaling_kind=kind)
    config, architecture = config.change(scaled), ARCHITECTURES["llama"]
    ours = random_decoder(config)
    their_rope = dict(rope_theta=10_000.0, rope_type=kind, factor=4.0) | SCALINGS[kind]
    theirs = filled(theirs_for(config, architecture, rope_parameters=dict(their_rope)), ours, architecture)
    assert largest_difference(ours, theirs) < TOLERANCE
    values = to_hf_config(config, architecture) | {"rope_parameters": dict(their_rope)}
    assert from_hf_config(values) == config
    del their_rope["factor"]
    with pytest.raises(CheckpointError, match="without a factor"):
        from_hf_config(values | {"rope_parameters": their_rope})


@pytest.mark.parametrize("model_type", ARCHITECTURES)
def test_a_config_of_their_own_making_is_understood(model_type):
    """Their default config, as they would save it, and random weights, as they would save them."""
    import transformers

    architecture = ARCHITECTURES[model_type]
    kind = getattr(transformers, architecture.class_name)
    sizes = ("vocab_size", "embed_dim", "num_layers", "num_heads", "context_length")
    small = dict(zip(sizes, (97, 48, 3, 6, 64), strict=True))
    changes = {architecture.fields[name]: size for name, size in small.items() if name in architecture.fields}
    changes |= {
        key: value
        for ours, value in (("ffn_dim", 72), ("num_kv_heads", 2), ("head_dim", 8))
        if (key := architecture.fields.get(ours))
    }
    extra = dict(
        nanochat=dict(final_logit_softcapping=None),  # slmlib has no soft cap
        gptj=dict(rotary_dim=4),
        gpt_neo=dict(attention_types=[[["global", "local"], 1], [["local"], 1]]),
    )
    changes |= dict(bos_token_id=None, eos_token_id=None, pad_token_id=None) | extra.get(model_type, {})
    theirs = randomised(kind(kind.config_class(**changes, attn_implementation="eager")))
    values = theirs.config.to_dict() | {"model_type": model_type}
    ours = model_from_hf(values, theirs.state_dict())
    assert largest_difference(ours, theirs) < TOLERANCE


def test_older_files_say_the_same_in_other_words():
    llama = to_hf_config(tiny(family("llama-3.1-8b")), ARCHITECTURES["llama"])
    rope = llama.pop("rope_parameters")
    old = llama | {"rope_theta": rope.pop("rope_theta"), "rope_scaling": rope}
    assert from_hf_config(old) == from_hf_config(
        llama | {"rope_parameters": rope | {"rope_theta": 500_000.0}}
    )
    pythia = to_hf_config(tiny(family("pythia-160m")), ARCHITECTURES["gpt_neox"])
    del pythia["rope_parameters"]
    assert from_hf_config(pythia | {"rotary_pct": 0.5, "rotary_emb_base": 10000}).rope_dim == 4
    gpt2 = {
        "model_type": "gpt2",
        "vocab_size": 97,
        "n_positions": 64,
        "n_embd": 48,
        "n_layer": 4,
        "n_head": 6,
    }
    assert from_hf_config(gpt2) == tiny(family("gpt2")).change({"ffn_dim": 192})
    config, architecture = tiny(family("gpt2")), ARCHITECTURES["gpt2"]
    ours = random_decoder(config)
    weights = {
        name.removeprefix("transformer."): tensor
        for name, tensor in to_hf_weights(config, architecture, own_tensors(ours)).items()
    }
    weights |= {"h.0.attn.bias": torch.ones(1, 1, 4, 4), "lm_head.weight": weights["wte.weight"].clone()}
    again = from_hf_weights(config, architecture, {name: t.half().float() for name, t in weights.items()})
    assert again.keys() == own_tensors(ours).keys()


def test_the_published_files_of_pythia_have_another_name_for_the_head():
    config, architecture, weights = weights_of("pythia-160m")
    published = {
        name.replace("lm_head.", "embed_out.").removeprefix("gpt_neox."): tensor
        for name, tensor in weights.items()
    }
    assert "embed_out.weight" in published
    again = from_hf_weights(config, architecture, published)
    for name, tensor in from_hf_weights(config, architecture, weights).items():
        assert torch.equal(again[name], tensor)


def weights_of(name: str) -> tuple[ModelConfig, Architecture, dict[str, torch.Tensor]]:
    config = tiny(family(name))
    architecture = architecture_for(config)
    return config, architecture, to_hf_weights(config, architecture, own_tensors(random_decoder(config)))


def test_tensors_that_do_not_fit_are_named_three_at_a_time():
    config, architecture, weights = weights_of("gpt2")
    for name in [name for name in weights if ".2." in name]:
        weights[name.replace("transformer.h.2", "transformer.h.9")] = weights.pop(name)
    weights["transformer.wpe.weight"] = weights["transformer.wpe.weight"][:5]
    with pytest.raises(CheckpointError) as refusal:
        from_hf_weights(config, architecture, weights)
    told = str(refusal.value)
    assert told.count("transformer.h.2.") == 3
    assert told.count("transformer.h.9.") == 3
    assert told.count("and more") == 2
    assert "transformer.wpe.weight (5, 48) instead of (64, 48)" in told
    assert "\n" not in told


def test_a_head_that_only_claims_to_be_tied_is_refused():
    config, architecture, weights = weights_of("gpt2")
    weights["lm_head.weight"] = weights["transformer.wte.weight"] + 0.01
    with pytest.raises(CheckpointError, match=r"lm_head\.weight is not the embedding"):
        from_hf_weights(config, architecture, weights)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (dict(model_type="bert"), "model_type is 'bert'. slmlib reads gpt2, "),
        (dict(hidden_act="relu"), "hidden_act is 'relu', which slmlib does not have."),
        (dict(rope_parameters={"rope_type": "longrope"}), "RoPE is scaled by 'longrope'"),
        (
            dict(rope_parameters={"rope_type": "yarn", "beta_fast": 16, "attention_factor": 1.0}),
            "RoPE is scaled by 'yarn' with another beta_fast, attention_factor than usual",
        ),
        (
            dict(model_type="qwen2", use_sliding_window=True),
            "use_sliding_window is True. slmlib reads only False.",
        ),
        (dict(hidden_size=None), "embed_dim"),
    ],
    ids=str,
)
def test_a_config_slmlib_cannot_be_is_refused(changes, sentence):
    values = to_hf_config(tiny(family("llama-2-7b")), ARCHITECTURES["llama"]) | changes
    with pytest.raises((CheckpointError, ConfigError)) as refusal:
        from_hf_config(values)
    assert sentence in str(refusal.value)


def test_a_config_without_a_size_is_refused():
    values = to_hf_config(tiny(family("llama-2-7b")), ARCHITECTURES["llama"])
    del values["hidden_size"]
    with pytest.raises(CheckpointError, match=r"config.json lacks hidden_size\."):
        from_hf_config(values)


def test_a_model_that_no_class_is_says_what_would_be_lost():
    with pytest.raises(ConfigError, match=r"nearest, qwen3, differs in layer_heads, layer_ffn_dims"):
        architecture_for(tiny(family("openelm-270m")))
    with pytest.raises(ConfigError, match="No class of transformers"):
        architecture_for(ModelConfig(vocab_size=97, position="alibi"))
    with pytest.raises(ConfigError, match=r"nearest, gpt2, differs in position"):
        architecture_for(tiny(family("gpt2")).change({"position": "none"}), "gpt2")
    odd = ModelConfig(vocab_size=97, embed_dim=128, num_heads=4, head_dim=33, position="alibi")
    with pytest.raises(ConfigError, match=r"nearest, \w+, differs in head_dim, position\. "):
        architecture_for(odd)
    with pytest.raises(
        ConfigError, match=r"No class of transformers is this model: .*even; it is 33 \(.*4\)\. T"
    ):
        architecture_for(odd, "llama")
    with pytest.raises(ConfigError, match="no model_type 'bert' here"):
        architecture_for(tiny(family("gpt2")), "bert")
