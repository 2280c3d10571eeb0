"""Mamba against transformers' class, against itself step by step, and with a memory that does not grow."""

import pytest
import torch

from slmlib.config import MambaConfig, Sampling
from slmlib.errors import ConfigError
from slmlib.export.architectures import ARCHITECTURES
from slmlib.generation import generate_tokens
from slmlib.model.mamba import Mamba, selective_scan
from tests.export.test_against_transformers import filled, theirs_for
from tests.model.tiny import random_tokens, randomised

SMALL = dict(vocab_size=97, embed_dim=40, num_layers=3, state_dim=6)


def random_mamba(**switches) -> Mamba:
    model = randomised(Mamba(MambaConfig(**SMALL | switches)), size=0.2)
    assert isinstance(model, Mamba)
    return model


@pytest.mark.parametrize("switches", [{}, dict(conv_width=3, expand=3, step_rank=5)], ids=str)
@torch.no_grad()
def test_logits_are_theirs(switches):
    ours, tokens = random_mamba(**switches), random_tokens()
    theirs = filled(theirs_for(ours.config, ARCHITECTURES["mamba"]), ours, ARCHITECTURES["mamba"])
    assert (ours(tokens) - theirs(tokens).logits).abs().max() < 1e-5


@pytest.mark.parametrize("wrong", [dict(norm_eps=1e-3), "decay", "gate"], ids=str)
@torch.no_grad()
def test_mistakes_are_seen(wrong, monkeypatch):
    ours, tokens = random_mamba(), random_tokens()
    before = ours(tokens)
    if wrong == "decay":
        for block in ours.blocks:
            block.mixer.decay_log += 0.01
    elif wrong == "gate":
        for block in ours.blocks:
            block.mixer.skip *= 1.01
    else:
        other = Mamba(MambaConfig(**SMALL | wrong)).eval()
        other.load_state_dict(ours.state_dict())
        ours = other
    assert (ours(tokens) - before).abs().max() > 5e-5


@pytest.mark.parametrize("pieces", [[1] * 24, [10, 1, 1, 12], [2, 22]], ids=str)
@torch.no_grad()
def test_step_by_step_is_the_whole_scan(pieces):
    model, tokens = random_mamba(), random_tokens(time=24)
    state = model.new_cache(torch.zeros(2, dtype=torch.int64))
    told = torch.cat([model(piece, state) for piece in tokens.split(pieces, dim=1)], dim=1)
    torch.testing.assert_close(told, model(tokens), atol=1e-5, rtol=0)


@torch.no_grad()
def test_rows_of_different_lengths_are_each_as_if_alone():
    model, tokens, padding = random_mamba(), random_tokens(3, 20), [0, 7, 2]
    state = model.new_cache(torch.tensor(padding))
    together = torch.cat([model(piece, state) for piece in tokens.split([5, 14, 1], dim=1)], dim=1)
    for row, empty in enumerate(padding):
        alone = model(tokens[row : row + 1, empty:])
        torch.testing.assert_close(together[row : row + 1, empty:], alone, atol=1e-5, rtol=0)


@torch.no_grad()
def test_the_memory_does_not_grow():
    model = random_mamba()
    state = model.new_cache(torch.zeros(1, dtype=torch.int64))
    sizes = []
    for _ in range(3):
        model(random_tokens(1, 30), state)
        sizes.append(state.hidden.nbytes + state.recent.nbytes)
    assert len(set(sizes)) == 1
    assert state.length == 90


def test_it_generates_with_and_without_its_memory_alike():
    """Also past context_length, which is a habit of training and no limit."""
    model, greedy = random_mamba(context_length=8), Sampling(temperature=0.0, max_tokens=12)
    prompts = [[1, 2, 3, 4, 5], [10, 11]]
    with_state, without = (
        list(generate_tokens(model, prompts, greedy, use_cache=use)) for use in (True, False)
    )
    assert with_state == without
    for row, prompt in enumerate(prompts):
        alone = [tokens[0] for tokens in generate_tokens(model, [prompt], greedy)]
        assert alone == [tokens[row] for tokens in with_state]


@torch.no_grad()
def test_no_token_sees_the_future():
    model, tokens = random_mamba(), random_tokens(time=16)
    before = model(tokens)
    for t in range(15):
        other = tokens.clone()
        other[:, t + 1] = (other[:, t + 1] + 1) % 97
        moved = (model(other) - before).abs()
        assert moved[:, : t + 1].max() < 1e-6
        assert moved[:, t + 1].max() > 1e-3


def test_the_scan_is_its_formula_in_loops():
    generator = torch.Generator().manual_seed(0)
    x, steps = (torch.rand(1, 5, 2, generator=generator) for _ in range(2))
    write, read = (torch.randn(1, 5, 3, generator=generator) for _ in range(2))
    decay = -torch.rand(2, 3, generator=generator)
    outputs, last = selective_scan(x, steps, decay, write, read)
    for channel in range(2):
        hidden = [0.0, 0.0, 0.0]
        for t in range(5):
            step = steps[0, t, channel].item()
            for n in range(3):
                forget = torch.tensor(step * decay[channel, n].item()).exp().item()
                hidden[n] = forget * hidden[n] + step * x[0, t, channel].item() * write[0, t, n].item()
            expected = sum(hidden[n] * read[0, t, n].item() for n in range(3))
            assert outputs[0, t, channel].item() == pytest.approx(expected, abs=1e-5)
        assert last[0, channel].tolist() == pytest.approx(hidden, abs=1e-5)


def test_every_parameter_learns_and_a_seed_decides_them():
    config = MambaConfig(**SMALL)
    model, tokens = Mamba(config, seed=0), random_tokens(4, 17)
    model.loss(tokens[:, :-1], tokens[:, 1:]).backward()
    assert all(parameter.grad is not None and parameter.grad.any() for parameter in model.parameters())
    first, again, other = (Mamba(config, seed).state_dict() for seed in (3, 3, 4))
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["embedding.weight"], other["embedding.weight"])
    steps = torch.nn.functional.softplus(model.blocks[0].mixer.step.bias)
    assert steps.min() * 1.001 >= 1e-3
    assert steps.max() <= 0.1 * 1.001


@torch.no_grad()
def test_bfloat16_stays_near():
    model, tokens = random_mamba(), random_tokens()
    exact = model(tokens)
    near = model.bfloat16()(tokens)
    assert near.dtype == torch.bfloat16
    assert (near - exact).abs().max() < 0.25 * exact.abs().max()


def test_a_shape_that_cannot_be_is_refused():
    with pytest.raises(
        ConfigError, match=r"state_dim must be at least 1; it is 0\. Also: step_rank must be 0 or"
    ):
        MambaConfig(10, state_dim=0, step_rank=-1)
    assert MambaConfig(10, embed_dim=40).step_rank == 3
    config = MambaConfig(10, embed_dim=40)
    assert MambaConfig.from_dict(config.to_dict()) == config


def test_a_derived_size_follows_the_others():
    config = MambaConfig(10, embed_dim=40)
    assert config.change({"embed_dim": 100}).step_rank == 7
    assert MambaConfig(10, embed_dim=40, step_rank=5).change({"embed_dim": 100}).step_rank == 5


@torch.no_grad()
def test_it_is_one_graph_for_torch_compile():
    model, tokens = random_mamba(num_layers=1), random_tokens(time=8)
    torch._dynamo.reset()
    compiled = torch.compile(model, backend="eager", fullgraph=True)
    torch.testing.assert_close(compiled(tokens), model(tokens), atol=1e-6, rtol=0)
