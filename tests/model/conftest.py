"""A small decoder with any switches, every tensor random: zero biases and unit gains would hide mistakes."""

import pytest
import torch

from slmlib.config import ModelConfig
from slmlib.model.decoder import Decoder


@pytest.fixture
def random_decoder():
    def make(**switches) -> Decoder:
        sizes = dict(vocab_size=61, context_length=32, embed_dim=48, num_layers=3, num_heads=6)
        model = Decoder(ModelConfig(**sizes | switches)).eval()
        generator = torch.Generator().manual_seed(7)
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.normal_(1.0 if parameter.dim() == 1 else 0.0, 0.15, generator=generator)
        return model

    return make
