"""Norms, activations and the feed-forward layer against torch and transformers."""

import pytest
import torch
from torch import nn

from slmlib.config import ModelConfig
from slmlib.model.counts import parameters_by_part
from slmlib.model.feedforward import ACTIVATIONS, FeedForward
from slmlib.model.norms import LayerNorm, RMSNorm, build_norm


@torch.no_grad()
def randomise(module: nn.Module) -> nn.Module:
    generator = torch.Generator().manual_seed(3)
    for parameter in module.parameters():
        parameter.normal_(0.5 if parameter.dim() == 1 else 0.0, 0.3, generator=generator)
    return module


def random_input(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(4)) * 3 + 1


@pytest.mark.parametrize("eps", [1e-5, 0.5])
@pytest.mark.parametrize("gain", [True, False])
def test_rmsnorm(gain, eps):
    ours, theirs = randomise(RMSNorm(20, gain, eps)), nn.RMSNorm(20, eps, elementwise_affine=gain)
    if gain:
        theirs.load_state_dict({"weight": ours.gain})
    x = random_input(2, 5, 20)
    torch.testing.assert_close(ours(x), theirs(x), atol=1e-6, rtol=0)
    by_hand = x / (x.square().mean(-1, keepdim=True) + eps).sqrt() * (ours.gain if gain else 1)
    torch.testing.assert_close(ours(x), by_hand, atol=1e-5, rtol=0)


@pytest.mark.parametrize("eps", [1e-5, 0.5])
@pytest.mark.parametrize(("gain", "bias"), [(True, True), (True, False), (False, False)])
def test_layernorm(gain, bias, eps):
    ours = randomise(LayerNorm(20, gain, bias, eps))
    theirs = nn.LayerNorm(20, eps, elementwise_affine=gain, bias=bias)
    named = {"weight": ours.gain, "bias": ours.bias}
    theirs.load_state_dict({name: value for name, value in named.items() if value is not None})
    x = random_input(2, 5, 20)
    torch.testing.assert_close(ours(x), theirs(x), atol=1e-6, rtol=0)


def test_a_norm_of_nothing_is_nothing():
    assert torch.equal(RMSNorm(4, gain=False)(torch.zeros(1, 4)), torch.zeros(1, 4))


@pytest.mark.parametrize(
    "switches",
    [
        dict(norm="rmsnorm", norm_gain=True, norm_eps=1e-3),
        dict(norm="rmsnorm"),
        dict(norm="layernorm", norm_gain=True, norm_bias=True),
        dict(norm="layernorm", norm_gain=True),
    ],
    ids=str,
)
def test_a_config_gets_the_norm_it_asks_for(switches):
    norm = build_norm(ModelConfig(vocab_size=10, **switches))
    assert isinstance(norm, RMSNorm if switches["norm"] == "rmsnorm" else LayerNorm)
    assert (norm.gain is not None) == switches.get("norm_gain", False)
    assert (getattr(norm, "bias", None) is not None) == switches.get("norm_bias", False)
    assert norm.eps == switches.get("norm_eps", 1e-5)
    assert norm.dim == 128
    assert f"gain={norm.gain is not None}" in repr(norm)
    assert f"eps={norm.eps}" in repr(norm)


@pytest.mark.parametrize(
    ("name", "theirs"),
    [
        ("gelu", nn.GELU()),
        ("gelu_tanh", nn.GELU(approximate="tanh")),
        ("silu", nn.SiLU()),
        ("relu2", lambda x: torch.where(x > 0, x * x, 0.0)),
    ],
)
def test_activations(name, theirs):
    x = torch.linspace(-6, 6, 1001)
    torch.testing.assert_close(ACTIVATIONS[name](x), theirs(x), atol=1e-6, rtol=1e-6)


def test_every_activation_that_a_config_allows_exists():
    from typing import get_args

    from slmlib.config import Activation

    assert set(ACTIVATIONS) == set(get_args(Activation))


@pytest.mark.parametrize("bias", [True, False])
def test_swiglu_is_llamas(bias):
    from transformers import LlamaConfig
    from transformers.models.llama.modeling_llama import LlamaMLP

    config = ModelConfig(
        vocab_size=10, embed_dim=24, gated=True, activation="silu", ffn_bias=bias, ffn_dim=40
    )
    ours = randomise(FeedForward(config))
    theirs = LlamaMLP(LlamaConfig(hidden_size=24, num_attention_heads=4, intermediate_size=40, mlp_bias=bias))
    theirs.load_state_dict(
        {name.replace(".", "_proj."): tensor for name, tensor in ours.state_dict().items()}
    )
    x = random_input(2, 5, 24)
    torch.testing.assert_close(ours(x), theirs(x), atol=1e-5, rtol=0)


def test_without_a_gate_it_is_two_layers_and_a_bend():
    ours = randomise(FeedForward(ModelConfig(vocab_size=10, embed_dim=24, ffn_bias=True)))
    relu = nn.ReLU()
    x = random_input(2, 5, 24)
    torch.testing.assert_close(ours(x), ours.down(relu(ours.up(x)) ** 2), atol=1e-5, rtol=0)
    assert ours.gate is None


@pytest.mark.parametrize("embed_dim", [64, 128, 384, 768, 4096])
def test_a_gate_costs_nothing_when_ffn_dim_is_left_to_the_rule(embed_dim):
    plain = parameters_by_part(ModelConfig(vocab_size=10, embed_dim=embed_dim))["feedforward"]
    gated = ModelConfig(vocab_size=10, embed_dim=embed_dim, gated=True, activation="silu")
    assert gated.ffn_dim % 16 == 0
    # The nearest multiple of 16 is at most 8 away from 8/3 x embed_dim.
    assert abs(parameters_by_part(gated)["feedforward"] / plain - 1) <= 8 / (embed_dim * 8 / 3) + 1e-9
