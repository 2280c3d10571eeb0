"""The exhibit: the leak test that every causal block passes, and that this one fails."""

import torch

from slmlib.model.decoder import Decoder
from slmlib.model.soft_mixture import STEEL, SoftMixture, put_soft_mixtures
from tests.model.test_families import leak
from tests.model.tiny import random_decoder, randomised, tiny


def test_a_soft_mixture_leaks_the_future_and_a_feed_forward_layer_does_not():
    model = random_decoder(tiny(STEEL))
    assert leak(model) < 1e-6
    put_soft_mixtures(model, num_experts=3, expert_dim=20)
    for block in model.blocks:
        randomised(block.feedforward, size=0.7)
    assert leak(model) > 1e-4


def test_steel_llm_has_the_published_number_of_parameters():
    with torch.device("meta"):
        model = Decoder(STEEL)
        put_soft_mixtures(model, num_experts=6, expert_dim=448)
        assert sum(parameter.numel() for parameter in model.parameters()) == 1_122_922_770


@torch.no_grad()
def test_it_is_the_papers_algorithm_in_loops():
    layer = randomised(SoftMixture(8, 3, 5), size=0.5)
    x = torch.randn(1, 4, 8, generator=torch.Generator().manual_seed(2))
    tokens = [token / token.norm() for token in x[0]]
    slots = [layer.scale * slot / slot.norm() for slot in layer.slots.T]
    scores = torch.tensor([[(token @ slot).item() for slot in slots] for token in tokens])  # (T, X)
    dispatch = scores.exp() / scores.exp().sum(0)
    combine = scores.exp() / scores.exp().sum(1, keepdim=True)
    answers = []
    for i, expert in enumerate(layer.experts):
        answers.append(expert(sum(dispatch[t, i] * tokens[t] for t in range(4))))
    for t in range(4):
        expected = sum(combine[t, i] * answers[i] for i in range(3))
        torch.testing.assert_close(layer(x)[0, t], expected, atol=1e-5, rtol=0)
