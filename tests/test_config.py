"""Configs: every mistake is named with what came and what would work, all of a kind at once."""

import inspect
import json
import re
import string
from dataclasses import FrozenInstanceError, fields, replace
from typing import get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from slmlib import config as room
from slmlib.config import Config, ModelConfig, Sampling, TrainConfig, base, model, training
from slmlib.errors import ConfigError, SlmError
from slmlib.model.families import FAMILIES

unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=50)
NAN, INFINITY = float("nan"), float("inf")

BAD_MODELS = [
    (dict(vocab_size=0), "vocab_size must be at least 1; it is 0."),
    (dict(context_length=0), "context_length must be at least 1; it is 0."),
    (dict(embed_dim=-4), "embed_dim must be at least 1; it is -4."),
    (dict(num_layers=10**12), "num_layers must be at most 10,000; it is 1000000000000."),
    (dict(num_layers=0), "num_layers must be at least 1; it is 0."),
    (dict(num_heads=0), "num_heads must be at least 1; it is 0."),
    (dict(dropout=1.0), "dropout must be in [0, 1); it is 1.0."),
    (dict(dropout=NAN), "dropout must be in [0, 1); it is nan."),
    (dict(norm_eps=0.0), "norm_eps must be above 0; it is 0.0."),
    (dict(init_std=-1.0), "init_std must be above 0; it is -1.0."),
    (dict(rope_theta=0.0), "rope_theta must be above 0; it is 0.0."),
    (
        dict(embed_dim=130, num_heads=4),
        "embed_dim (130) does not divide into num_heads (4) equal heads; try embed_dim 128 or 136, or give head_dim.",
    ),
    (
        dict(embed_dim=3, num_heads=4),
        "embed_dim (3) does not divide into num_heads (4) equal heads; try embed_dim 8 or 16, or give head_dim.",
    ),
    (
        dict(embed_dim=130, num_heads=4, position="none"),
        "embed_dim (130) does not divide into num_heads (4) equal heads; try embed_dim 128 or 132, or give head_dim.",
    ),
    (
        dict(num_heads=4, num_kv_heads=3),
        "num_heads (4) must be a multiple of num_kv_heads (3), so that each key serves equally many queries.",
    ),
    (dict(num_heads=4, num_kv_heads=8), "num_heads (4) must be a multiple of num_kv_heads (8)"),
    (dict(num_heads=4, num_kv_heads=-2), "num_heads (4) must be a multiple of num_kv_heads (-2)"),
    (
        dict(head_dim=-2),
        "head_dim (-2) and ffn_dim (512) must be at least 1; leave them 0 for the usual sizes.",
    ),
    (dict(ffn_dim=-1), "head_dim (64) and ffn_dim (-1) must be at least 1"),
    (dict(head_dim=33), "rope turns pairs, so head_dim must be even; it is 33 (embed_dim 128, "),
    (
        dict(position="sinusoidal", embed_dim=129, num_heads=3),
        "sinusoidal positions come in sine and cosine, so embed_dim must be even; it is 129.",
    ),
    (
        dict(position="alibi", rope_theta=500_000.0),
        "rope_theta, rope_pairs, rope_dim and rope_scaling do nothing with position='alibi'; leave them at their "
        "defaults.",
    ),
    (
        dict(position="none", rope_pairs="interleaved"),
        "rope_theta, rope_pairs, rope_dim and rope_scaling do nothing with position='none'",
    ),
    (dict(block_repeat=0), "block_repeat must be at least 1; it is 0."),
    (dict(rope_scaling=0.5), "rope_scaling must be 1 or above; it is 0.5."),
    (dict(rope_scaling=NAN), "rope_scaling must be 1 or above; it is nan."),
    (
        dict(rope_scaling_kind="yarn", rope_scaling=2.0, rope_scaling_context=9, rope_theta=0.5),
        "rope_theta must be above 1 with rope_scaling_kind='yarn'; it is 0.5.",
    ),
    (dict(clip_qkv=-1.0), "clip_qkv must be 0 or above; it is -1.0."),
    (dict(attention_scale=-1.0), "attention_scale must be 0 or above; it is -1.0."),
    (dict(embedding_scale=0.0), "embedding_scale must be above 0; it is 0.0."),
    (dict(residual_scale=-1.0), "residual_scale must be above 0; it is -1.0."),
    (dict(logit_scale=NAN), "logit_scale must be above 0; it is nan."),
    *(
        (
            dict(rope_dim=rope_dim),
            f"rope_dim must be even and below head_dim (64), or 0 for all of it; it is {rope_dim}.",
        )
        for rope_dim in (64, 33, -2)
    ),
    (
        dict(rope_scaling=2.0),
        "rope_scaling (2.0) does nothing without rope_scaling_context (0), nor that without it; give both or leave both.",
    ),
    (dict(rope_scaling_context=9), "rope_scaling (1.0) does nothing without rope_scaling_context (9)"),
    *(
        (
            dict(windows=windows),
            "windows must be at most one number a layer, each from 0 to below context_length (128), and not all 0; "
            f"they are {windows}.",
        )
        for windows in ((128,), (-1,), (0, 0), (1, 2, 3, 4, 5))
    ),
    (dict(windows=3), "windows is 3; expected a tuple of whole numbers."),
    (dict(windows=(1.0,)), "windows is (1.0,); expected a tuple of whole numbers."),
    (dict(layer_heads=(True,)), "layer_heads is (True,); expected a tuple of whole numbers."),
    *(
        (
            dict(layer_heads=heads),
            f"layer_heads must be one size for each of the 4 layers, the largest of them num_heads (2); they are {heads}.",
        )
        for heads in ((2,), (1, 1, 1, 1), (2, 2, 2, 4), (0, 1, 2, 2))
    ),
    (
        dict(layer_ffn_dims=(512, 512, 512)),
        "layer_ffn_dims must be one size for each of the 4 layers, the largest of them ffn_dim (512); they are",
    ),
    (
        dict(num_heads=4, num_kv_heads=2, layer_heads=(2, 3, 4, 4)),
        "each of layer_heads must be a multiple of num_heads / num_kv_heads (2); they are (2, 3, 4, 4).",
    ),
    (
        dict(layer_heads=(1, 1, 2, 2), position="alibi"),
        "layer_heads does not go with position='alibi', whose slopes belong to all layers.",
    ),
    (
        dict(qk_norm=False, qk_norm_gain=True),
        "qk_norm_gain and qk_norm_over do nothing with qk_norm=False; leave them at their defaults.",
    ),
    (
        dict(embedding_scale=12.0),
        "embedding_scale does nothing with embedding_norm=True: the norm takes it back.",
    ),
    (dict(block="sandwich"), "block is 'sandwich'; choose from ('pre_norm', 'post_norm', "),
    (
        dict(norm_bias=True, norm_gain=True),
        "an rmsnorm has no bias; use norm='layernorm' or norm_bias=False.",
    ),
    (dict(norm="layernorm", norm_bias=True), "norm_bias needs norm_gain=True"),
    (dict(norm="batchnorm"), "norm is 'batchnorm'; choose from ('rmsnorm', 'layernorm')."),
    (
        dict(position="rotary"),
        "position is 'rotary'; choose from ('rope', 'learned', 'sinusoidal', 'alibi', 'none').",
    ),
    (dict(activation="relu"), "activation is 'relu'; choose from ('gelu', 'gelu_tanh', 'relu2', 'silu')."),
    (dict(rope_pairs="both"), "rope_pairs is 'both'; choose from ('half', 'interleaved')."),
    (dict(initialization="xavier"), "initialization is 'xavier'; choose from ('gpt2', 'zero_output')."),
    (dict(embed_dim=128.0), "embed_dim is 128.0; expected int."),
    (dict(num_layers="4"), "num_layers is '4'; expected int."),
    (dict(num_layers=True), "num_layers is True; expected int."),
    (dict(gated=1), "gated is 1; expected bool."),
    (dict(dropout="0.1"), "dropout is '0.1'; expected float."),
    (dict(init_std=None), "init_std is None; expected float."),
    (dict(clip_qkv=INFINITY), "clip_qkv must be finite; it is inf."),
]
BAD_TRAINING = [
    (dict(batch_size=0), "batch_size must be at least 1; it is 0."),
    (dict(evaluations=0), "evaluations must be at least 1; it is 0."),
    (dict(checkpoints=0), "checkpoints must be at least 1; it is 0."),
    (dict(keep_checkpoints=0), "keep_checkpoints must be at least 1; it is 0."),
    (dict(minutes=0.0), "give a time budget or a number of steps: minutes is 0.0, total_steps 0."),
    (dict(minutes=INFINITY), "give a time budget or a number of steps: minutes is inf"),
    (dict(minutes=NAN), "give a time budget or a number of steps: minutes is nan"),
    (dict(minutes=INFINITY, total_steps=20), "minutes must be finite; it is inf."),
    (dict(gradient_clip=INFINITY), "gradient_clip must be finite; it is inf."),
    (dict(total_steps=-5), "give a time budget or a number of steps: minutes is 5.0, total_steps -5."),
    (dict(micro_batch_size=5), "batch_size (16) must be a multiple of micro_batch_size (5)."),
    (dict(micro_batch_size=-4), "batch_size (16) must be a multiple of micro_batch_size (-4)."),
    (
        dict(learning_rate=1.5),
        "learning_rate must be between 0 and 1; it is 1.5. Usual values: 1e-4 to 5e-3.",
    ),
    (dict(learning_rate=0.0), "learning_rate must be between 0 and 1; it is 0.0."),
    (dict(learning_rate=NAN), "learning_rate must be between 0 and 1; it is nan."),
    (
        dict(min_learning_rate=0.1),
        "min_learning_rate (0.1) must lie between 0 and learning_rate (0.003).",
    ),
    (dict(warmup_fraction=1.5), "warmup_fraction must be in [0, 1]; it is 1.5."),
    (
        dict(schedule="wsd", warmup_fraction=0.6, decay_fraction=0.5),
        "decay_fraction (0.5) and warmup_fraction (0.6) must together be at most 1 with schedule='wsd'.",
    ),
    (dict(decay_fraction=-0.1), "decay_fraction must be in [0, 1]; it is -0.1."),
    (dict(weight_decay=-0.1), "weight_decay must be in [0, 1); it is -0.1."),
    (dict(beta1=1.0), "beta1 and beta2 must be in [0, 1); they are 1.0 and 0.95."),
    (dict(beta2=-0.5), "beta1 and beta2 must be in [0, 1); they are 0.9 and -0.5."),
    (dict(adam_eps=0.0), "adam_eps must be above 0; it is 0.0."),
    (dict(embedding_rate_factor=0.0), "embedding_rate_factor must be between 0 and 1000; it is 0.0."),
    (dict(optimizer="sgd"), "optimizer is 'sgd'; choose from ('adamw', 'muon')."),
    *(
        (
            dict(optimizer="muon", muon_learning_rate=rate),
            f"muon_learning_rate must be between 0 and 1; it is {rate}. Usual values: 0.005 to 0.05.",
        )
        for rate in (0.0, 1.0, NAN)
    ),
    *(
        (dict(optimizer="muon", muon_momentum=keep), f"muon_momentum must be in [0, 1); it is {keep}.")
        for keep in (-0.1, 1.0, NAN)
    ),
    (dict(gradient_clip=-1.0), "gradient_clip must be 0 or above; it is -1.0."),
    (dict(threads=-1), "threads must be in [0, 4096]; it is -1."),
    (dict(threads=10**9), "threads must be in [0, 4096]; it is 1000000000."),
    (dict(seed=-1), "seed must be in [0, 2**40); it is -1."),
    (dict(seed=2**63), "seed must be in [0, 2**40); it is 9223372036854775808."),
    (dict(schedule="step"), "schedule is 'step'; choose from ('cosine', 'linear', 'wsd', 'constant')."),
    (dict(device="tpu"), "device is 'tpu'; choose from ('cpu', 'cuda', 'mps', 'auto')."),
    (dict(dtype="fp8"), "dtype is 'fp8'; choose from ('float32', 'bfloat16', 'float16', 'auto')."),
    (dict(sample_prompt=3), "sample_prompt is 3; expected str."),
    (dict(adam_eps=10**400), "expected float."),
    (dict(compile="yes"), "compile is 'yes'; choose from ('auto', 'on', 'off')."),
]
BAD_SAMPLING = [
    (dict(repetition_penalty=0.0), "repetition_penalty must be at least 0.001; it is 0.0."),
    (dict(repetition_penalty=1e-40), "repetition_penalty must be at least 0.001; it is 1e-40."),
    (dict(temperature=-0.1), "temperature must be 0 or above; it is -0.1."),
    (dict(temperature=NAN), "temperature must be 0 or above; it is nan."),
    (dict(temperature=1e-40), "temperature 1e-40 is so small that scores divided by it overflow; use 0"),
    (dict(top_k=-1), "top_k must be 0 or above; it is -1."),
    (dict(top_p=0.0), "top_p must be in (0, 1]; it is 0.0."),
    (dict(top_p=1.1), "top_p must be in (0, 1]; it is 1.1."),
    (dict(min_p=-0.1), "min_p must be in [0, 1]; it is -0.1."),
    (dict(min_p=2.0), "min_p must be in [0, 1]; it is 2.0."),
    (dict(max_tokens=0), "max_tokens must be at least 1; it is 0."),
    (dict(seed=-1), "seed must be in [0, 2**40); it is -1."),
    (dict(seed=2**63), "seed must be in [0, 2**40); it is 9223372036854775808."),
    (dict(top_k=2.5), "top_k is 2.5; expected int."),
]
BAD = [
    *((ModelConfig, dict(vocab_size=100) | values, sentence) for values, sentence in BAD_MODELS),
    *((TrainConfig, values, sentence) for values, sentence in BAD_TRAINING),
    *((Sampling, values, sentence) for values, sentence in BAD_SAMPLING),
]


@pytest.mark.parametrize(("kind", "values", "sentence"), BAD, ids=lambda value: str(value)[:60])
def test_a_bad_value_is_named_with_what_would_work(kind, values, sentence):
    for make in (lambda: kind(**values), lambda: kind.from_dict(values)):
        with pytest.raises(ConfigError) as refusal:
            make()
        assert sentence in str(refusal.value)
        assert str(refusal.value).startswith(f"{kind.__name__}: ")
        assert "\n" not in str(refusal.value)


def test_every_sentence_of_validation_is_tested_here():
    """A new rule brings its row: each line of the room that holds a problem's text is met above."""
    source = "".join(inspect.getsource(part) for part in (base, model, training))
    words = r"(must be [^;{\"(]+|must lie between|does not divide into|do nothing with|do(?:es)? not(?:hing)? [^;{\"(]+)"
    written = re.findall(
        words, "\n".join(line for line in source.splitlines() if '"' in line and '"""' not in line)
    )
    met = " ".join(sentence for _, _, sentence in BAD)
    assert [words for words in written if words.strip() not in met] == []


def test_all_problems_of_a_kind_are_told_at_once():
    with pytest.raises(ConfigError) as refusal:
        ModelConfig(vocab_size="many", gated=1, norm="none", activation="relu")
    assert [
        name for name in ("vocab_size", "gated", "norm", "activation") if name not in str(refusal.value)
    ] == []
    with pytest.raises(ConfigError) as refusal:
        ModelConfig(vocab_size=0, num_heads=0, dropout=3.0, init_std=0.0)
    assert str(refusal.value) == (
        "ModelConfig: vocab_size must be at least 1; it is 0. Also: num_heads must be at least 1; it is 0. "
        "Also: dropout must be in [0, 1); it is 3.0. Also: init_std must be above 0; it is 0.0."
    )
    with pytest.raises(ConfigError) as refusal:
        ModelConfig(vocab_size=10, embed_dim=30, num_heads=4, num_kv_heads=3, norm_bias=True)
    assert str(refusal.value).count("Also: ") == 3
    with pytest.raises(ConfigError) as refusal:
        TrainConfig(batch_size=0, learning_rate=2.0, beta1=1.0, seed=-1, threads=-1)
    assert str(refusal.value).count("Also: ") == 4
    with pytest.raises(ConfigError) as refusal:
        Sampling(temperature=-1.0, top_k=-1, top_p=0.0, min_p=2.0, max_tokens=0)
    assert str(refusal.value).count("Also: ") == 4


def test_one_mistake_is_one_sentence():
    """Sizes that cannot be worked out because of it are not complained about as well."""
    for mistake in (dict(embed_dim=30, num_heads=4), dict(embed_dim=3, num_heads=4)):
        with pytest.raises(ConfigError) as refusal:
            ModelConfig(10, **mistake)
        assert "Also" not in str(refusal.value)
    with pytest.raises(ConfigError) as refusal:
        TrainConfig(batch_size=0)
    assert "Also" not in str(refusal.value)


def test_whole_numbers_serve_as_float():
    assert ModelConfig(100, dropout=0, rope_theta=10_000).dropout == 0
    assert TrainConfig.from_dict({"minutes": 3}).minutes == 3


@unhurried
@given(st.integers(1, 300), st.integers(1, 20), st.sampled_from(["rope", "alibi"]))
def test_the_widths_it_proposes_work(embed_dim, num_heads, position):
    sizes = dict(vocab_size=10, num_heads=num_heads, position=position)
    if embed_dim % num_heads:
        with pytest.raises(ConfigError) as refusal:
            ModelConfig(**sizes, embed_dim=embed_dim)
        for proposal in re.search(r"try embed_dim (\d+) or (\d+)", str(refusal.value)).groups():
            assert ModelConfig(**sizes, embed_dim=int(proposal)).embed_dim == int(proposal)


def test_unknown_and_missing_fields_are_named():
    with pytest.raises(
        ConfigError, match=r"ModelConfig has no field embed_dmi, layers\. It has: vocab_size, "
    ):
        ModelConfig.from_dict({"vocab_size": 5, "layers": 3, "embed_dmi": 4})
    with pytest.raises(ConfigError, match=r"ModelConfig lacks vocab_size\."):
        ModelConfig.from_dict({"embed_dim": 128})
    for kind in (ModelConfig, TrainConfig):
        with pytest.raises(ConfigError, match=f"{kind.__name__} is made of names and values, not of a list"):
            kind.from_dict([1])
    with pytest.raises(ConfigError, match="has no field 1"):
        ModelConfig.from_dict({1: 2})


def test_a_config_cannot_change_after_it_was_checked():
    with pytest.raises(FrozenInstanceError):
        Sampling().top_k = -1


def test_a_typo_in_replace_or_change_is_not_swallowed():
    config = ModelConfig(100)
    with pytest.raises(TypeError, match="embed_dmi"):
        replace(config, embed_dmi=64)
    with pytest.raises(ConfigError, match="no field embed_dmi"):
        config.change({"embed_dmi": 64})
    with pytest.raises(ConfigError, match="num_layers must be at least 1"):
        replace(config, num_layers=0)


def test_sizes_left_open_get_their_usual_values():
    config = ModelConfig(100, embed_dim=192, num_heads=3)
    assert (config.num_kv_heads, config.head_dim, config.ffn_dim) == (3, 64, 768)
    assert ModelConfig(100, embed_dim=192, num_heads=3, gated=True).ffn_dim == 512
    assert ModelConfig(100, embed_dim=2, num_heads=1, gated=True).ffn_dim == 16


def test_sizes_left_open_follow_a_change_and_chosen_ones_stay():
    config = ModelConfig(100, embed_dim=128, num_heads=2)
    wider = config.change(dict(embed_dim=256, num_heads=4))
    assert (wider.num_kv_heads, wider.head_dim, wider.ffn_dim) == (4, 64, 1024)
    assert config.change(dict(gated=True)).ffn_dim == 336
    assert config.change(dict(num_kv_heads=1)).change(dict(num_heads=4)).num_kv_heads == 1
    chosen = ModelConfig(100, embed_dim=128, num_heads=2, num_kv_heads=1, head_dim=32, ffn_dim=100)
    wider = chosen.change(dict(embed_dim=256, num_heads=4))
    assert (wider.num_kv_heads, wider.head_dim, wider.ffn_dim) == (1, 32, 100)
    assert config.change({}) == config


def test_a_head_dim_without_which_the_heads_would_not_fit_can_be_changed_too():
    for sizes in (dict(embed_dim=50, num_heads=4, head_dim=12), dict(embed_dim=20, num_heads=4, head_dim=16)):
        config = ModelConfig(100, **sizes)
        assert config.change({"num_layers": 2}) == replace(config, num_layers=2)


@pytest.mark.parametrize("name", FAMILIES)
def test_open_sizes_closed_again_give_the_same_config(name):
    config = FAMILIES[name]
    assert ModelConfig.from_dict(config.with_open_sizes().to_dict()) == config
    assert config.change({}) == config
    usual = config.head_dim * config.num_heads == config.embed_dim
    assert (config.with_open_sizes().head_dim == 0) == usual
    assert (config.with_open_sizes().num_kv_heads == 0) == (config.num_kv_heads == config.num_heads)


def fractions(low: float, high: float, **options) -> st.SearchStrategy[float]:
    return st.floats(low, high, **options)


@st.composite
def model_configs(draw) -> ModelConfig:
    heads = draw(st.integers(1, 8))
    norm, position = (
        draw(st.sampled_from(get_args(room.Norm))),
        draw(st.sampled_from(get_args(room.Position))),
    )
    gain = draw(st.booleans())
    flags = ("embedding_norm", "final_norm", "gated", "qkv_bias", "output_bias", "ffn_bias", "head_bias")
    context_length, num_layers = draw(st.integers(1, 10**5)), draw(st.integers(1, 100))
    windows = draw(st.lists(st.integers(0, context_length - 1), max_size=min(4, num_layers)))
    qk_norm = draw(st.booleans())
    return ModelConfig(
        vocab_size=draw(st.integers(1, 10**6)),
        context_length=context_length,
        embed_dim=2 * heads * draw(st.integers(1, 100)),
        num_layers=num_layers,
        block=draw(st.sampled_from(get_args(room.BlockKind))),
        block_repeat=draw(st.integers(1, 3)),
        windows=tuple(windows) if any(windows) else (),
        qk_norm=qk_norm,
        qk_norm_gain=qk_norm and draw(st.booleans()),
        residual_scale=draw(fractions(0.1, 10.0)),
        tie_embeddings=draw(st.booleans()),
        num_heads=heads,
        num_kv_heads=draw(st.sampled_from([0, *(kv for kv in range(1, heads + 1) if heads % kv == 0)])),
        head_dim=2 * draw(st.integers(0, 100)),
        ffn_dim=draw(st.integers(0, 10**4)),
        norm=norm,
        norm_gain=gain,
        norm_bias=gain and norm == "layernorm" and draw(st.booleans()),
        norm_eps=draw(fractions(1e-12, 1.0)),
        position=position,
        rope_theta=draw(fractions(1.0, 1e7)) if position == "rope" else 10_000.0,
        rope_pairs=draw(st.sampled_from(["half", "interleaved"])) if position == "rope" else "half",
        activation=draw(st.sampled_from(get_args(room.Activation))),
        dropout=draw(fractions(0.0, 1.0, exclude_max=True)),
        init_std=draw(fractions(1e-6, 10.0)),
        initialization=draw(st.sampled_from(["gpt2", "zero_output"])),
        **{flag: draw(st.booleans()) for flag in flags},
    )


@st.composite
def train_configs(draw) -> TrainConfig:
    micro, schedule = draw(st.integers(1, 64)), draw(st.sampled_from(get_args(room.Schedule)))
    muon = draw(st.booleans())
    return TrainConfig(
        optimizer="muon" if muon else "adamw",
        muon_learning_rate=draw(fractions(1e-4, 0.99)) if muon else 0.01,
        muon_momentum=draw(fractions(0.0, 0.99)) if muon else 0.95,
        minutes=draw(fractions(0.01, 1e6)),
        total_steps=draw(st.integers(0, 10**9)),
        batch_size=micro * draw(st.integers(1, 64)),
        micro_batch_size=draw(st.sampled_from([0, micro])),
        learning_rate=draw(fractions(1e-3, 0.99)),
        min_learning_rate=draw(fractions(0.0, 1e-3)),
        schedule=schedule,
        # Only wsd's two shares must find room beside each other.
        warmup_fraction=draw(fractions(0.0, 0.5 if schedule == "wsd" else 1.0)),
        decay_fraction=draw(fractions(0.0, 0.5)),
        seed=draw(st.integers(0, 2**40 - 1)),
        device=draw(st.sampled_from(["auto", *get_args(room.DeviceType)])),
        dtype=draw(st.sampled_from(["auto", *get_args(room.DType)])),
        compile=draw(st.sampled_from(["auto", "on", "off"])),
        attention=draw(st.sampled_from(["auto", "fused", "unfused"])),
        chunked_loss=draw(st.booleans()),
        sample_prompt=draw(st.text(string.printable + "é🦊\u2028", max_size=20)),
    )


@unhurried
@given(st.one_of(model_configs(), train_configs(), st.builds(Sampling, top_p=fractions(0.01, 1.0))))
def test_a_config_survives_json(config: Config):
    again = type(config).from_dict(json.loads(json.dumps(config.to_dict())))
    assert again == config
    assert again.to_dict() == config.to_dict()


@unhurried
@given(model_configs())
def test_open_sizes_always_close_to_the_same_config(config: ModelConfig):
    assert config.change({}) == config
    assert config.change({"num_layers": config.num_layers + 1}) == replace(
        config, num_layers=config.num_layers + 1
    )


@unhurried
@given(
    st.sampled_from([ModelConfig, TrainConfig, Sampling]),
    st.data(),
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-3, 3),
        st.floats(),
        st.text(max_size=3),
        st.lists(st.integers(), max_size=1),
    ),
)
def test_whatever_a_file_holds_the_answer_is_a_config_or_one_sentence(kind, data, value):
    name = data.draw(st.sampled_from([field.name for field in fields(kind)]))
    required = {"vocab_size": 100} if kind is ModelConfig else {}
    try:
        kind.from_dict(required | {name: value})
        answer = name
    except ConfigError as error:
        answer = str(error)
    assert name in answer


@pytest.mark.parametrize("kind", [ModelConfig, TrainConfig, Sampling])
def test_every_field_explains_itself(kind):
    """The command line takes its help from these sentences."""

    source = inspect.getsource(kind)
    for field in fields(kind):
        after = source.split(f"\n    {field.name}: ")[1].split("\n", 1)[1].lstrip()
        assert after.startswith('"""'), field.name


def test_an_error_is_its_problem_and_its_fix():
    error = SlmError("It broke.", "Mend it.")
    assert (str(error), error.problem, error.fix) == ("It broke. Mend it.", "It broke.", "Mend it.")
    assert str(SlmError("It broke.")) == "It broke."
