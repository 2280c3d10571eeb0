"""Counts worked out from a config equal what is really there, and what others have published."""

import pytest
import torch

from slmlib.config import ModelConfig
from slmlib.errors import ConfigError
from slmlib.model.counts import (
    cache_bytes,
    count_parameters,
    flops_per_token,
    parameters_by_part,
    training_memory,
)
from slmlib.model.decoder import Decoder
from slmlib.model.families import FAMILIES, family
from slmlib.presets import PRESETS

PUBLISHED = {
    "gpt2": 124_439_808,
    "gpt2-medium": 354_823_168,
    "gpt2-large": 774_030_080,
    "gpt2-xl": 1_557_611_200,
    "llama-7b": 6_738_415_616,
    "llama-2-7b": 6_738_415_616,
    "llama-3-8b": 8_030_261_248,
    "tinyllama": 1_100_048_384,
    "microllama": 304_636_928,
    "tinysolar-248m": 248_013_824,
}


def really_there(config: ModelConfig) -> int:
    with torch.device("meta"):
        return sum(parameter.numel() for parameter in Decoder(config).parameters())


@pytest.mark.parametrize("name", FAMILIES)
def test_families_have_the_published_number_of_parameters(name):
    assert count_parameters(family(name)) == PUBLISHED[name] == really_there(family(name))


SWITCHES = [
    dict(position="learned"),
    dict(tie_embeddings=False),
    dict(num_kv_heads=1),
    dict(head_dim=10),
    dict(gated=True, activation="silu"),
    dict(qkv_bias=True),
    dict(output_bias=True),
    dict(ffn_bias=True),
    dict(ffn_bias=True, gated=True),
    dict(norm_gain=True),
    dict(norm="layernorm", norm_gain=True, norm_bias=True),
    dict(norm_gain=True, embedding_norm=False),
]


@pytest.mark.parametrize("switch", SWITCHES, ids=str)
def test_every_switch_that_adds_parameters_is_counted(switch):
    config = ModelConfig(vocab_size=77, embed_dim=32, num_layers=3, num_heads=2, context_length=16, **switch)
    assert count_parameters(config) == really_there(config)


@pytest.mark.parametrize("name", PRESETS)
def test_a_presets_name_is_its_size(name):
    size = count_parameters(PRESETS[name].model) / 1e6
    assert abs(size - float(name.removesuffix("M"))) < max(0.5, 0.1 * size) or round(size, 1) == float(
        name[:-1]
    )


def test_parts_of_gpt2():
    parts = parameters_by_part(family("gpt2"))
    assert parts["embedding"] == 50257 * 768
    assert parts["positions"] == 1024 * 768
    assert parts["head"] == 0
    assert sum(parts.values()) - parts["embedding"] - parts["positions"] == 85_056_000


def test_flops_equal_a_count_of_the_products_torch_runs():
    from torch.nn.attention import SDPBackend, sdpa_kernel
    from torch.utils.flop_counter import FlopCounterMode

    config = ModelConfig(
        vocab_size=100, embed_dim=32, num_layers=2, num_heads=2, context_length=64, num_kv_heads=1
    )
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        Decoder(config)(torch.zeros(1, 64, dtype=torch.int64))
    # torch counts the whole square of attention, we count the causal half that has to be computed.
    causal_half = config.num_layers * 4 * config.num_heads * config.head_dim * 64 // 2 * 64
    assert counter.get_total_flops() == flops_per_token(config, 64, training=False) * 64 + causal_half


def test_optimizer_memory_is_what_torch_allocates():
    config = ModelConfig(vocab_size=100, embed_dim=32, num_layers=2, num_heads=2)
    model = Decoder(config)
    optimizer = torch.optim.AdamW(model.parameters())
    model.loss(torch.zeros(1, 8, dtype=torch.int64), torch.zeros(1, 8, dtype=torch.int64)).backward()
    optimizer.step()
    state = [value for entry in optimizer.state.values() for name, value in entry.items() if name != "step"]
    memory = training_memory(config, micro_batch_size=1)
    assert sum(value.nbytes for value in state) == memory.optimizer
    assert sum(parameter.grad.nbytes for parameter in model.parameters()) == memory.gradients
    assert memory.total > memory.weights + memory.gradients + memory.optimizer


def test_cache_bytes():
    from slmlib.model.cache import KVCache

    config = ModelConfig(vocab_size=100, embed_dim=32, num_layers=2, num_heads=4, num_kv_heads=2)
    cache = KVCache(config, torch.zeros(1, dtype=torch.int64), 50)
    assert cache.keys.nbytes + cache.values.nbytes == cache_bytes(config, 50)


def test_an_unknown_family_is_named_with_the_known_ones():
    with pytest.raises(ConfigError, match=r"no family 'gpt5'.*gpt2-xl"):
        family("gpt5")
