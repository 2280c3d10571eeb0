"""Another layout of the head in memory: faster to read, and nothing else."""

import copy

import pytest
import torch

from slmlib import generation
from slmlib.config import Sampling
from slmlib.generation import generate_tokens
from slmlib.model.layout import gains_from_column_head, with_column_head


@pytest.mark.parametrize("switches", [{}, dict(tie_embeddings=False, head_bias=True)], ids=str)
def test_it_is_the_same_model_on_the_same_memory(random_decoder, switches):
    model, tokens = random_decoder(**switches), torch.arange(12)[None]
    before = copy.deepcopy(model.state_dict())
    reader = with_column_head(model)
    assert reader.head.weight.t().is_contiguous()
    with torch.no_grad():
        torch.testing.assert_close(reader(tokens), model(tokens), atol=1e-5, rtol=0)
    for name, tensor in model.named_parameters():
        assert torch.equal(tensor, before[name])
        assert tensor.is_contiguous()
        if name != "head.weight":
            assert reader.get_parameter(name) is tensor
    assert (model.head.weight is model.embedding.weight) == model.config.tie_embeddings


def test_only_where_it_pays(random_decoder):
    model = random_decoder()
    assert gains_from_column_head(model, rows=1, new_tokens=200) == torch.backends.mkl.is_available()
    assert not gains_from_column_head(model, rows=2, new_tokens=200)
    assert not gains_from_column_head(model, rows=1, new_tokens=5)
    assert not gains_from_column_head(model.bfloat16(), rows=1, new_tokens=200)
    assert not gains_from_column_head(torch.nn.Linear(2, 2), rows=1, new_tokens=200)


@pytest.mark.parametrize("seed", range(3))
def test_the_same_tokens_are_drawn(random_decoder, monkeypatch, seed):
    model, sampling = random_decoder().eval(), Sampling(max_tokens=30, seed=seed)
    drawn = []
    for wanted in (True, False):
        monkeypatch.setattr(generation, "gains_from_column_head", lambda *_, wanted=wanted: wanted)
        drawn.append(list(generate_tokens(model, [[1, 2, 3]], sampling)))
    assert drawn[0] == drawn[1]
