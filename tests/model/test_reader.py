"""The model as generation calls it: faster, and nothing else."""

import copy
import itertools
import weakref
from collections import Counter

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from slmlib import generation
from slmlib.config import Sampling
from slmlib.errors import SlmError
from slmlib.generation import generate_tokens
from slmlib.model.decoder import Decoder
from slmlib.model.language_model import read_rows
from slmlib.model.norms import LayerNorm
from slmlib.model.reader import Reader, gains_from_reader
from slmlib.model.soft_mixture import put_soft_mixtures
from tests.model import tiny

SWITCHES = [
    {},
    dict(tie_embeddings=False, head_bias=True, qkv_bias=True, num_kv_heads=2),
    dict(position="learned", norm="layernorm", activation="gelu"),
    dict(position="none", embedding_norm=False, dropout=0.1),
    dict(qk_norm_over="projection", qk_norm_gain=True, clip_qkv=0.5, gated=True),
    dict(qk_norm_over="projection", qk_norm_gain=False, num_kv_heads=2),
    dict(block="parallel_one_norm", position="alibi", block_repeat=2, num_layers=2),
    dict(block="output_norm", windows=(4, 0), logit_scale=0.5),
    dict(num_kv_heads=3, qk_norm=True, qk_norm_gain=True, qkv_bias=True, norm_gain=True),
    dict(rope_pairs="interleaved", num_kv_heads=1, norm_gain=True),
    dict(rope_dim=4, qk_norm=True, qk_norm_gain=True),
    dict(layer_heads=(2, 6, 4), block_repeat=2),
    dict(rope_scaling=4.0, rope_scaling_context=16, rope_scaling_kind="yarn"),
]


def read_along(model, tokens, prompt=1):
    """The reader's logits after the prompt and after each token that follows it: (T - prompt + 1, V)."""
    read, cache = Reader(model), model.new_cache(torch.zeros(1, dtype=torch.int64))
    first = read([tokens[:prompt]], cache)
    return torch.cat([first, *(read([[token]], cache) for token in tokens[prompt:])])


@pytest.mark.parametrize("switches", SWITCHES, ids=str)
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16, torch.float16], ids=str)
def test_it_is_the_same_model_and_leaves_it_alone(random_decoder, switches, dtype):
    model, tokens = random_decoder(**switches).eval().to(dtype), list(range(12))
    before, parts = copy.deepcopy(model.state_dict()), [name for name, _ in model.named_modules()]
    with torch.no_grad():
        (expected,) = model(torch.tensor([tokens]))  # (T, V)
        tolerance = 1e-5 if dtype.itemsize > 2 else 0.05 * expected.abs().max().item()
        for prompt in (1, 5):
            found = read_along(model, tokens, prompt).to(dtype)
            torch.testing.assert_close(found, expected[prompt - 1 :], atol=tolerance, rtol=0)
        assert gains_from_reader(model, rows=1, new_tokens=200)
        assert torch.equal(model(torch.tensor([tokens]))[0], expected)
    assert [name for name, _ in model.named_modules()] == parts
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
    assert (model.head.weight is model.embedding.weight) == model.config.tie_embeddings
    model(torch.tensor([tokens])).float().sum().backward()  # and it can still be trained
    assert all(parameter.grad is not None for parameter in model.parameters())


def test_weights_that_are_not_copied_are_the_models_own(random_decoder):
    model = random_decoder()
    read = Reader(model)

    def after(token):
        return read([[token]], model.new_cache(torch.zeros(1, dtype=torch.int64)))

    with torch.no_grad():
        before = after(3)
        for block in model.blocks:
            block.feedforward.down.weight.zero_()
        assert not torch.allclose(after(3), before)
        torch.testing.assert_close(after(3), model(torch.tensor([[3]]))[0], atol=1e-5, rtol=0)


class Operations(TorchDispatchMode):
    """Counts torch's operations by name."""

    def __init__(self):
        super().__init__()
        self.counts = Counter()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.counts[func.overloadpacket.__name__] += 1
        return func(*args, **kwargs or {})


def test_after_the_prompt_torch_is_called_for_the_activation_alone(random_decoder):
    model = random_decoder(qk_norm=True, qk_norm_gain=True, norm_gain=True, qkv_bias=True)
    read, cache = Reader(model), model.new_cache(torch.zeros(1, dtype=torch.int64), 20)
    work = {"mm", "addmm", "mv", "add", "mul", "div", "cat", "relu"}
    with torch.inference_mode(), Operations() as operations:
        read([[0, 1, 2, 3, 4]], cache)
        assert work & set(operations.counts) > {"add", "relu"}
        operations.counts.clear()
        read([[7]], cache)
    assert work & set(operations.counts) == {"relu"}
    assert operations.counts["relu"] == model.config.num_layers


def test_in_bfloat16_a_token_is_four_products_of_a_vector_in_every_layer_and_the_head(random_decoder):
    model = random_decoder().bfloat16()
    read, cache = Reader(model), model.new_cache(torch.zeros(1, dtype=torch.int64), 20)
    with torch.inference_mode(), Operations() as operations:
        read([[0, 1, 2, 3, 4]], cache)
        assert operations.counts["mv"] == 0, "a prompt is no vector"
        read([[7]], cache)
    assert operations.counts["mv"] == 4 * model.config.num_layers + 1


@pytest.mark.parametrize("config", tiny.distinct().values(), ids=tiny.distinct())
def test_each_family_reads_token_after_token_what_it_reads_at_once(config):
    model, tokens = tiny.random_decoder(config), tiny.random_tokens(batch=1)
    with torch.inference_mode():
        assert gains_from_reader(model, rows=1, new_tokens=200)
        found = read_along(model, tokens[0].tolist(), prompt=6)
        torch.testing.assert_close(found, model(tokens)[0, 5:], atol=1e-5, rtol=0)


def test_only_where_it_pays(random_decoder):
    model = random_decoder()
    assert gains_from_reader(model, rows=1, new_tokens=200)
    assert gains_from_reader(model.bfloat16(), rows=1, new_tokens=200)
    assert not gains_from_reader(model, rows=2, new_tokens=200)
    assert not gains_from_reader(model, rows=1, new_tokens=5)
    assert not gains_from_reader(torch.nn.Linear(2, 2), rows=1, new_tokens=200)


def test_sines_and_what_is_dropped_are_left_to_the_model(random_decoder):
    assert not gains_from_reader(random_decoder(position="sinusoidal"), rows=1, new_tokens=200)
    model = random_decoder(dropout=0.1)
    assert gains_from_reader(model.eval(), rows=1, new_tokens=200)
    assert not gains_from_reader(model.train(), rows=1, new_tokens=200)
    model.eval().blocks[1].train()
    assert not gains_from_reader(model, rows=1, new_tokens=200)
    model.eval().blocks[1].attention.train()
    assert not gains_from_reader(model, rows=1, new_tokens=200)


def test_a_part_under_two_names_is_called_by_both(random_decoder):
    model, tokens = random_decoder(norm_gain=True), list(range(9))
    for block in model.blocks:
        block.feedforward_norm = block.attention_norm
    with torch.no_grad():
        expected = model(torch.tensor([tokens]))[0]
        torch.testing.assert_close(read_along(model, tokens), expected, atol=1e-5, rtol=0)


def test_it_goes_on_with_the_cache_of_its_last_prompt_only(random_decoder):
    model = random_decoder()
    read, first, second = (
        Reader(model),
        *(model.new_cache(torch.zeros(1, dtype=torch.int64)) for _ in range(2)),
    )
    read([[1, 2, 3]], first)
    read([[4, 5]], second)
    read([[6]], second)
    with pytest.raises(ValueError, match="the prompt that it read last"):
        read([[6]], first)
    assert first.length == 3
    model(torch.tensor([[1]]), fresh := model.new_cache(torch.zeros(1, dtype=torch.int64)))
    with pytest.raises(ValueError, match="the prompt that it read last"):
        Reader(model)([[6]], fresh)


def test_beyond_the_learned_positions_there_is_a_sentence(random_decoder):
    model = random_decoder(position="learned")
    most = model.config.context_length
    read, cache = Reader(model), model.new_cache(torch.zeros(1, dtype=torch.int64), most + 1)
    read([list(range(most))], cache)
    with pytest.raises(SlmError, match=f"has learned {most} positions, but position {most} was asked for"):
        read([[1]], cache)


def test_when_the_window_moves_on_the_cache_before_is_gone(random_decoder, monkeypatch):
    model, living = random_decoder().eval(), []
    new_cache = model.new_cache

    def count(padding, capacity=0):
        cache = new_cache(padding, capacity)
        living.append(weakref.ref(cache))
        return cache

    monkeypatch.setattr(type(model), "new_cache", lambda self, *arguments: count(*arguments))
    alive = []
    monkeypatch.setattr(
        "slmlib.model.reader.read_rows",
        lambda *arguments: alive.append(sum(one() is not None for one in living)) or read_rows(*arguments),
    )
    most = model.config.context_length
    assert len(list(generate_tokens(model, [[1, 2, 3]], Sampling(max_tokens=2 * most)))) == 2 * most
    assert len(alive) > 2
    assert set(alive) == {1}


def test_what_is_not_a_number_goes_through_without_a_word(random_decoder, recwarn):
    model = random_decoder()
    with torch.no_grad():
        model.blocks[0].feedforward.up.weight.fill_(float("inf"))
    assert read_along(model, [1, 2, 3]).isnan().all()
    assert not recwarn.list


def test_there_must_be_room_for_a_token(random_decoder):
    model = random_decoder()
    read, cache = Reader(model), model.new_cache(torch.zeros(1, dtype=torch.int64), 4)
    read([[1, 2, 3]], cache)
    read([[4]], cache)
    with pytest.raises(SlmError, match="holds 4 tokens"):
        read([[5]], cache)


def test_a_soft_mixture_reads_for_itself(random_decoder):
    """It mixes over time, and is no layer for a vector."""
    model = random_decoder()
    put_soft_mixtures(model, num_experts=3, expert_dim=16)
    assert not gains_from_reader(model, rows=1, new_tokens=200)


def test_after_its_prompt_it_reads_one_token_at_a_time(random_decoder):
    """Its cache is no longer the model's: several tokens more would be misread."""
    model = random_decoder()
    read, cache = Reader(model), model.new_cache(torch.zeros(1, dtype=torch.int64))
    with torch.no_grad():
        read([[1, 2, 3]], cache)
        with pytest.raises(ValueError, match="too many values"):
            read([[4, 5]], cache)


@pytest.mark.parametrize("use_cache", [True, False])
def test_generation_reads_with_it_where_tokens_are_remembered(random_decoder, use_cache):
    model, sampling = random_decoder().bfloat16(), Sampling(max_tokens=30, temperature=0.0)
    with Operations() as operations:
        assert len(list(generate_tokens(model, [[1, 2, 3]], sampling, use_cache=use_cache))) == 30
    assert (operations.counts["mv"] > 29 * 4 * model.config.num_layers) == use_cache


@pytest.mark.parametrize(
    "part", ["output", "value", "bias", "query_norm", "key_norm", "eps", "gain", "global hook"]
)
def test_attention_with_other_parts_than_its_config_asks_for_reads_for_itself(random_decoder, part):
    model = random_decoder(qk_norm=True, qk_norm_gain=True)
    attention, width = model.blocks[1].attention, model.config.embed_dim
    handle = None
    if part == "eps":
        attention.key_norm.eps = 0.5
    elif part == "bias":
        attention.key = torch.nn.Linear(width, width)
    elif part == "gain":
        attention.key_norm.gain = None
    elif part == "global hook":
        handle = torch.nn.modules.module.register_module_forward_hook(lambda *_: None)
    elif "norm" in part:
        setattr(attention, part, LayerNorm(model.config.head_dim))
    else:
        setattr(attention, part, torch.nn.Sequential(torch.nn.Linear(width, width), torch.nn.Identity()))
    try:
        assert not gains_from_reader(model, rows=1, new_tokens=200)
    finally:
        if handle is not None:
            handle.remove()
    assert len(list(generate_tokens(model.eval(), [[1, 2, 3]], Sampling(max_tokens=30)))) == 30


def test_a_gate_that_was_taken_out_is_no_gate(random_decoder):
    model, tokens = random_decoder(gated=True), list(range(9))
    for block in model.blocks:
        block.feedforward.gate = None
    with torch.no_grad():
        expected = model(torch.tensor([tokens]))[0]
        torch.testing.assert_close(read_along(model, tokens), expected, atol=1e-5, rtol=0)


def test_under_autocast_the_model_itself_generates(random_decoder):
    model, sampling = random_decoder(), Sampling(max_tokens=30)
    with torch.autocast("cpu", torch.bfloat16):
        assert len(list(generate_tokens(model, [[1, 2, 3]], sampling))) == 30


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("temperature", [0, 0.8])
def test_the_same_tokens_are_drawn(random_decoder, monkeypatch, seed, temperature):
    model, sampling = random_decoder().eval(), Sampling(max_tokens=30, seed=seed, temperature=temperature)
    drawn = []
    for wanted in (True, False):
        monkeypatch.setattr(generation, "gains_from_reader", lambda *_, wanted=wanted: wanted)
        drawn.append(list(generate_tokens(model, [[1, 2, 3]], sampling)))
    assert drawn[0] == drawn[1]


class Opposite(torch.nn.Linear):
    """As an adapter does: a Linear that answers something else."""

    def forward(self, x):
        return -super().forward(x)


class Least(Decoder):
    """Somebody's own model, made of known parts."""

    def forward(self, tokens, cache=None, last_only=False):
        return -super().forward(tokens, cache, last_only)


@pytest.mark.parametrize(
    "strange",
    ["subclass", "sequential", "hook", "pre-hook", "own forward", "own embed", "own model", "hooked model"],
)
def test_a_part_that_is_more_than_its_forward_is_called_as_a_module(random_decoder, strange):
    """A reader would call around it: generation with 30 tokens must give what a forward pass gives."""
    model = random_decoder().eval()
    attention, feedforward = model.blocks[0].attention, model.blocks[0].feedforward
    if strange == "subclass":
        opposite = Opposite(*attention.value.weight.T.shape, bias=False)
        opposite.weight = attention.value.weight
        attention.value = opposite
    elif strange == "sequential":
        model.blocks[0].feedforward = torch.nn.Sequential(feedforward)
    elif strange == "own forward":
        norm, forward = model.final_norm, model.final_norm.forward
        norm.forward = lambda x: -forward(x)
    elif strange == "own embed":
        embed = model.embed

        def reversed_embed(tokens, cache=None, explicit_mask=False):
            x, attention_inputs = embed(tokens, cache, explicit_mask)
            return -x, attention_inputs

        model.embed = reversed_embed
    elif strange == "own model":
        model.__class__ = Least
    elif strange == "hooked model":
        model.register_forward_hook(lambda module, inputs, output: -output)
    elif strange == "hook":
        feedforward.register_forward_hook(lambda module, inputs, output: -9 * output)
    else:
        feedforward.register_forward_pre_hook(lambda module, inputs: (-9 * inputs[0],))
    assert not gains_from_reader(model, rows=1, new_tokens=200)
    greedy, tokens = Sampling(temperature=0.0, max_tokens=30), [1, 2, 3]
    for (token,) in itertools.islice(generate_tokens(model, [tokens], greedy), 10):
        with torch.no_grad():
            assert token == model(torch.tensor([tokens]))[0, -1].argmax().item()
        tokens.append(token)
