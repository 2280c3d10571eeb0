"""Every switch does something: flipped alone, with the same weights, it moves the logits far above tolerance."""

from dataclasses import fields, replace

import pytest
import torch

from slmlib.config import ModelConfig
from slmlib.errors import ConfigError
from slmlib.model.decoder import Decoder
from tests.model.tiny import random_decoder, random_tokens

TOLERANCE = 1e-5
SIZES = dict(vocab_size=97, context_length=64, embed_dim=48, num_layers=4, num_heads=6)
NOT_SWITCHES = {
    *("vocab_size", "context_length", "embed_dim", "num_layers", "num_heads", "num_kv_heads", "head_dim"),
    *("ffn_dim", "layer_heads", "layer_ffn_dims"),  # sizes: their tensors have other shapes
    *("dropout", "init_std", "initialization"),  # training only
}
FLIPS = {
    "block_repeat": [({}, 2)],
    "block": [({}, kind) for kind in ("post_norm", "output_norm", "parallel", "parallel_one_norm")],
    "norm": [({}, "layernorm")],
    "norm_gain": [(dict(norm_gain=True), False)],
    "norm_bias": [(dict(norm="layernorm", norm_gain=True, norm_bias=True), False)],
    "norm_eps": [({}, 1e-4), (dict(norm="layernorm"), 1e-4)],
    "embedding_norm": [({}, False)],
    "final_norm": [({}, False)],
    "position": [({}, other) for other in ("learned", "sinusoidal", "alibi", "none")],
    "rope_theta": [({}, 500.0)],
    "rope_pairs": [({}, "interleaved")],
    "rope_dim": [({}, 2), (dict(rope_pairs="interleaved"), 4)],
    "rope_scaling": [(dict(rope_scaling=4.0, rope_scaling_context=16), 2.0)],
    "rope_scaling_context": [(dict(rope_scaling=4.0, rope_scaling_context=16), 20)],
    "rope_scaling_kind": [(dict(rope_scaling=4.0, rope_scaling_context=16), "yarn")],
    "windows": [({}, (7,)), ({}, (0, 7)), (dict(windows=(7,)), (8,)), (dict(position="alibi"), (7,))],
    "attention_scale": [({}, 1.0), (dict(position="alibi"), 0.3)],
    "clip_qkv": [({}, 0.2), (dict(qk_norm=False), 0.2)],
    "qk_norm": [({}, False)],
    "qk_norm_gain": [(dict(qk_norm_gain=True), False)],
    "qk_norm_over": [({}, "projection")],
    "activation": [({}, "gelu"), (dict(activation="gelu"), "gelu_tanh"), (dict(gated=True), "silu")],
    "gated": [(dict(gated=True, activation="silu"), False)],
    "qkv_bias": [(dict(qkv_bias=True), False)],
    "output_bias": [(dict(output_bias=True), False)],
    "ffn_bias": [(dict(ffn_bias=True), False), (dict(ffn_bias=True, gated=True), False)],
    "tie_embeddings": [({}, False)],
    "head_bias": [(dict(head_bias=True), False), (dict(head_bias=True, tie_embeddings=False), False)],
    "embedding_scale": [(dict(embedding_norm=False), 12.0), (dict(position="learned"), 2.0)],
    "residual_scale": [
        (dict(block=kind), 0.5)
        for kind in ("pre_norm", "post_norm", "output_norm", "parallel", "parallel_one_norm")
    ],
    "logit_scale": [({}, 0.5)],
}
CASES = [(name, base, value) for name, flips in FLIPS.items() for base, value in flips]


def test_no_switch_is_forgotten():
    assert {field.name for field in fields(ModelConfig)} == FLIPS.keys() | NOT_SWITCHES


@pytest.mark.parametrize(("name", "base", "value"), CASES, ids=str)
@torch.no_grad()
def test_a_switch_flipped_alone_moves_the_logits(name, base, value):
    config = ModelConfig(**SIZES | base)
    model, tokens = random_decoder(config), random_tokens()
    flipped = random_decoder(replace(config, **{name: value}))
    theirs = flipped.state_dict()
    shared = {key: tensor for key, tensor in model.state_dict().items() if key in theirs}
    if name == "tie_embeddings":
        del shared["head.weight"]  # untied, it is a table of its own
    flipped.load_state_dict(shared, strict=False)
    assert (model(tokens) - flipped(tokens)).abs().max() > 5 * TOLERANCE


USELESS = [
    dict(position="alibi", rope_dim=4),
    dict(position="learned", rope_scaling=2.0, rope_scaling_context=10),
    dict(rope_scaling=2.0),
    dict(rope_scaling_context=10),
    dict(rope_scaling_kind="yarn"),
    dict(position="alibi", rope_scaling_kind="yarn"),
    dict(qk_norm=False, qk_norm_gain=True),
    dict(qk_norm=False, qk_norm_over="projection"),
    dict(windows=(64,)),
    dict(windows=(0,)),
    dict(windows=(0, 0, 0, 0, 7)),
    dict(embedding_scale=2.0),
    dict(position="alibi", embedding_scale=2.0),
    dict(norm="layernorm", norm_bias=True),
]


@pytest.mark.parametrize("switches", USELESS, ids=str)
def test_a_switch_that_would_do_nothing_is_refused(switches):
    with pytest.raises(ConfigError):
        ModelConfig(**SIZES | switches)


@pytest.mark.parametrize(
    "switches", [dict(block="parallel"), dict(block_repeat=2), dict(layer_heads=(2, 2, 6, 4))], ids=str
)
def test_dropout_is_in_every_kind_of_block(switches):
    config = ModelConfig(**SIZES | switches, dropout=0.4)
    model, tokens = random_decoder(config), random_tokens()
    with torch.no_grad():
        assert torch.equal(model(tokens), model(tokens))
        model.train()
        assert not torch.equal(model(tokens), model(tokens))


@torch.no_grad()
def test_only_the_last_logits_are_the_last_of_all():
    model, tokens = random_decoder(ModelConfig(**SIZES, head_bias=True, logit_scale=0.5)), random_tokens()
    last = model(tokens, last_only=True)
    assert last.shape == (2, 1, 97)
    torch.testing.assert_close(last, model(tokens)[:, -1:], atol=1e-6, rtol=0)


def test_making_a_seeded_model_leaves_torchs_own_randomness_alone():
    before = torch.get_rng_state()
    Decoder(ModelConfig(**SIZES), seed=3)
    assert torch.equal(before, torch.get_rng_state())
