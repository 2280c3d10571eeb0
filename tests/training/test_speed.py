"""No trick changes what is computed: each against the plain loss, forward and backward, in float32."""

import math
from itertools import product

import pytest
import torch
import torch.nn.functional as F

from slmlib.config import ModelConfig, TrainConfig
from slmlib.devices import Device
from slmlib.model.decoder import Decoder
from slmlib.training import speed
from slmlib.training.speed import (
    FastLoss,
    choose_tricks,
    chunked_cross_entropy,
    missing_for_compiling,
    seconds_of_steps,
)

CPU = Device("cpu", "test", "float32", "tests compare numbers")
GPU = Device("cuda", "test", "bfloat16", "only its name is used")
SMALL = dict(vocab_size=50, context_length=12, embed_dim=24, num_layers=2, num_heads=4)
SHAPES = {
    "default": {},
    "grouped": dict(num_kv_heads=2),
    "windows": dict(windows=(3, 0)),
    "alibi": dict(position="alibi", rope_theta=10_000.0),
    "learned": dict(position="learned", qk_norm=False, attention_scale=0.3),
    "head": dict(tie_embeddings=False, head_bias=True, logit_scale=0.5),
    "scaled": dict(logit_scale=0.5, block_repeat=2, dropout=0.0),
    "parallel": dict(block="parallel", gated=True, activation="silu", norm="layernorm", norm_gain=True),
}


def model_and_batch(**changes) -> tuple[Decoder, torch.Tensor, torch.Tensor]:
    """A model with no weight left at its first value, and a batch for it."""
    model = Decoder(ModelConfig(**SMALL | changes), seed=0)
    draw = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(0, 0.3, generator=draw)
    tokens = torch.randint(model.config.vocab_size, (3, 13), generator=draw)
    return model, tokens[:, :-1], tokens[:, 1:]


def loss_and_gradients(model, loss_of, inputs, targets) -> list[torch.Tensor]:
    model.zero_grad()
    loss = loss_of(inputs, targets)
    loss.backward()
    return [loss.detach(), *(parameter.grad.clone() for parameter in model.parameters())]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("attention", "chunked"), list(product(["fused", "unfused"], [False, True])))
def test_every_trick_gives_the_plain_loss_and_its_gradients(shape, attention, chunked, monkeypatch):
    monkeypatch.setitem(speed.MOST_LOGITS, "cpu", 7 * 50)  # 36 tokens in six parts, the last one shorter
    model, inputs, targets = model_and_batch(**SHAPES[shape])
    fast = FastLoss(model, TrainConfig(attention=attention, chunked_loss=chunked))
    expected = loss_and_gradients(model, model.loss, inputs, targets)
    found = loss_and_gradients(model, fast, inputs, targets)
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, atol=1e-5, rtol=1e-5)


@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor")  # torch looks at it while tracing
def test_one_compilation_serves_every_block_and_gives_the_same(monkeypatch):
    """The real compiler takes half a minute; its front end, which could change the maths, does not."""
    graphs = []

    def counting(graph, example_inputs):
        graphs.append(graph)
        return graph.forward

    monkeypatch.setattr(
        speed, "compiled_run_block", lambda: torch.compile(speed.run_block, backend=counting, dynamic=False)
    )
    torch._dynamo.reset()
    for attention in ("fused", "unfused"):
        model, inputs, targets = model_and_batch(num_layers=4)
        expected = loss_and_gradients(model, model.loss, inputs, targets)
        fast = FastLoss(model, TrainConfig(attention=attention, compile="on"))
        for one, other in zip(loss_and_gradients(model, fast, inputs, targets), expected, strict=True):
            torch.testing.assert_close(one, other, atol=1e-5, rtol=1e-5)
        another, *_ = model_and_batch(num_layers=4)  # as the model that trains after the one that was timed
        FastLoss(another, TrainConfig(attention=attention, compile="on"))(inputs, targets)
    assert len(graphs) == 2
    torch._dynamo.reset()


def test_unfused_attention_drops_weights_in_training_only():
    model, inputs, targets = model_and_batch(dropout=0.5)
    fast = FastLoss(model.train(), TrainConfig(attention="unfused"))
    torch.manual_seed(0)
    first = fast(inputs, targets).item()
    assert fast(inputs, targets).item() != first
    torch.manual_seed(0)
    assert fast(inputs, targets).item() == first
    assert fast(inputs, targets).item() != model.eval().loss(inputs, targets).item()
    assert fast(inputs, targets).item() == pytest.approx(model.loss(inputs, targets).item(), abs=1e-5)


@pytest.mark.parametrize("most_logits", [1, 8 * 20, 10**9])
def test_chunked_cross_entropy_is_torchs(most_logits):
    draw = torch.Generator().manual_seed(0)
    hidden, weight = (torch.randn(size, 6, generator=draw).requires_grad_() for size in (37, 20))
    targets = torch.randint(20, (37,), generator=draw)
    found = chunked_cross_entropy(hidden, weight, targets, 0.7, most_logits)
    expected = F.cross_entropy(0.7 * hidden @ weight.T, targets)
    for one, other in zip(
        torch.autograd.grad(3 * found, (hidden, weight)),
        torch.autograd.grad(3 * expected, (hidden, weight)),
        strict=True,
    ):
        torch.testing.assert_close(one, other, atol=1e-6, rtol=1e-5)
    torch.testing.assert_close(found, expected, atol=1e-6, rtol=1e-6)


def test_a_target_that_seems_impossible_has_a_finite_loss():
    """softmax is 0 in float32 for a score 200 below the best one; the gradient is what it should be."""
    weight = torch.tensor([[200.0], [0.0]], requires_grad=True)
    loss = chunked_cross_entropy(torch.ones(1, 1, requires_grad=True), weight, torch.tensor([1]))
    assert loss.item() == pytest.approx(87.5, abs=0.1)
    (gradient,) = torch.autograd.grad(loss, weight)
    assert gradient.flatten().tolist() == pytest.approx([1.0, -1.0])


def test_inside_autocast_the_products_are_in_its_dtype():
    draw = torch.Generator().manual_seed(0)
    hidden, weight = (torch.randn(size, 32, generator=draw).requires_grad_() for size in (64, 20))
    targets = torch.randint(20, (64,), generator=draw)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        coarse = chunked_cross_entropy(hidden, weight, targets)
        expected = F.cross_entropy(F.linear(hidden, weight).float(), targets)
    exact = chunked_cross_entropy(hidden, weight, targets)
    assert coarse.item() == pytest.approx(expected.item(), abs=5e-4)  # 64 probabilities with 8 bits each
    assert 0 < abs(coarse.item() - exact.item()) < 1e-2
    for one, other in zip(
        torch.autograd.grad(coarse, (hidden, weight)),
        torch.autograd.grad(exact, (hidden, weight)),
        strict=True,
    ):
        assert one.dtype is torch.float32
        torch.testing.assert_close(one, other, atol=1e-3, rtol=5e-2)


@pytest.mark.parametrize("score", [6.0, 7.0, 12.0])
def test_in_bfloat16_a_confident_token_is_not_taken_for_a_certain_one(score):
    """1 - p is far below what bfloat16 can tell apart from 1, and pulls all the same."""
    weight = torch.tensor([[score], [0.0]], requires_grad=True)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = chunked_cross_entropy(torch.ones(1, 1, requires_grad=True), weight, torch.tensor([0]))
    (gradient,) = torch.autograd.grad(loss, weight)
    doubt = 1 / (1 + math.exp(score))
    assert loss.item() == pytest.approx(-math.log1p(-doubt), rel=0.01)
    assert gradient.flatten().tolist() == pytest.approx([-doubt, doubt], rel=0.01)


def test_float16_does_not_take_an_unlikely_token_for_an_impossible_one():
    weight = torch.tensor([[20.0], [0.0]], requires_grad=True)  # exp(-20) is below the smallest float16
    with torch.autocast("cpu", dtype=torch.float16):
        loss = chunked_cross_entropy(torch.ones(1, 1, requires_grad=True), weight, torch.tensor([1]))
    assert loss.item() == pytest.approx(20.0, abs=0.01)


def test_a_model_of_ones_own_is_asked_for_its_own_loss(world):
    class Other(Decoder):
        pass

    assert isinstance(world.trainer("ours").loss_of, FastLoss)
    other = Other(world.model_config, seed=0)
    assert world.trainer("theirs", model=other).loss_of == other.loss


# --- deciding ---


def test_compile_only_where_it_pays(monkeypatch):
    monkeypatch.setattr(speed, "missing_for_compiling", lambda device: [])
    model, train = ModelConfig(**SMALL), TrainConfig()
    short, told = choose_tricks(model, train, CPU, seconds=30)
    assert (short.compile, short.attention) == ("off", "unfused")
    assert told == "Speed: compile off (too short a run for it to pay), unfused attention."
    long, told = choose_tricks(model, train, CPU, seconds=300)
    assert long.compile == "on"
    assert "compile on (the run is long enough for it to pay)" in told
    asked, told = choose_tricks(model, TrainConfig(compile="on", attention="fused"), CPU, seconds=1)
    assert (asked.compile, asked.attention) == ("on", "fused")
    assert "asked for" in told
    monkeypatch.setattr(speed, "missing_for_compiling", lambda device: ["a C++ compiler"])
    assert choose_tricks(model, train, CPU, seconds=300) == (
        choose_tricks(model, TrainConfig(compile="off"), CPU, 300)[0],
        "Speed: compile off (it could not work without a C++ compiler), unfused attention.",
    )


def test_long_contexts_and_gpus_keep_the_fused_kernel():
    train = TrainConfig(compile="off")
    assert choose_tricks(ModelConfig(**SMALL), train, GPU, 1)[0].attention == "fused"
    long = ModelConfig(**SMALL | {"context_length": 1024})
    assert choose_tricks(long, train, CPU, 1)[0].attention == "fused"


def test_what_compiling_needs(monkeypatch):
    monkeypatch.setattr(speed.shutil, "which", lambda name: None)
    monkeypatch.setattr(speed.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(speed.sysconfig, "get_path", lambda name: "/nowhere")
    assert missing_for_compiling(CPU) == ["a C++ compiler", "Python.h (python3-dev)"]
    assert missing_for_compiling(GPU)[2:] == ["the triton package"]


@pytest.mark.parametrize(
    ("says", "trusted"), [("12", True), ("14.0.6", True), ("10.2.1", False), ("", False), ("of today", False)]
)
def test_only_a_compiler_of_our_time_is_spared_the_trials(says, trusted, tmp_path, monkeypatch):
    compiler = tmp_path / "my-g++"
    compiler.write_text(f"#!/bin/sh\n[ $1 = -dumpversion ] && echo '{says}'\n")
    compiler.chmod(0o755)
    monkeypatch.setenv("CXX", str(compiler))
    monkeypatch.setattr(speed.platform, "machine", lambda: "x86_64")
    assert speed.compiling_options() == ({"cpp.vec_isa_ok": True} if trusted else {})
    assert speed.compiling_options().keys() <= set(torch._inductor.list_options())
    with monkeypatch.context() as patch:  # ARM's sets are younger than its compilers
        patch.setattr(speed.platform, "machine", lambda: "aarch64")
        assert speed.compiling_options() == {}
    monkeypatch.setattr(speed.shutil, "which", lambda name: None)
    assert speed.compiling_options() == {}


def test_seconds_of_steps():
    model = ModelConfig(**SMALL)
    one, two = (seconds_of_steps(model, TrainConfig(total_steps=steps), CPU) for steps in (10, 20))
    assert two == pytest.approx(2 * one)
    assert one < 0.1
