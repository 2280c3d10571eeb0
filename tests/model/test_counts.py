"""Counts worked out from a config equal what is really there, and what others have published."""

import pytest
import torch

from slmlib.config import ModelConfig, TrainConfig
from slmlib.errors import ConfigError
from slmlib.model.counts import (
    cache_bytes,
    count_parameters,
    flops_per_token,
    parameters_by_part,
    training_memory,
)
from slmlib.model.decoder import Decoder
from slmlib.model.families import family
from slmlib.presets import PRESETS
from slmlib.training.optimizers import build_optimizer


def really_there(config: ModelConfig) -> int:
    with torch.device("meta"):
        return sum(parameter.numel() for parameter in Decoder(config).parameters())


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
    dict(norm_gain=True, final_norm=False),
    dict(norm_gain=True, block="post_norm"),
    dict(norm_gain=True, block="parallel"),
    dict(norm_gain=True, block="parallel_one_norm"),
    dict(head_bias=True),
    dict(head_bias=True, tie_embeddings=False),
    dict(qk_norm_gain=True),
    dict(qk_norm_gain=True, qk_norm_over="projection", num_kv_heads=1),
    dict(num_heads=4, num_kv_heads=2, head_dim=8, layer_heads=(2, 4, 2), qk_norm_gain=True, qkv_bias=True),
    dict(ffn_dim=90, layer_ffn_dims=(30, 60, 90), gated=True, ffn_bias=True),
    dict(block_repeat=2),
]


@pytest.mark.parametrize("switch", SWITCHES, ids=str)
def test_every_switch_that_adds_parameters_is_counted(switch):
    sizes = dict(vocab_size=77, embed_dim=32, num_layers=3, num_heads=2, context_length=16)
    config = ModelConfig(**sizes | switch)
    assert count_parameters(config) == really_there(config)


@pytest.mark.parametrize("name", PRESETS)
def test_a_presets_name_is_its_size(name):
    size = count_parameters(PRESETS[name].model) / 1e6
    said = float(name.removesuffix("M").removeprefix("mamba-"))
    assert abs(size - said) < max(0.5, 0.1 * size) or round(size, 1) == said


def test_parts_of_gpt2():
    parts = parameters_by_part(family("gpt2"))
    assert parts["embedding"] == 50257 * 768
    assert parts["positions"] == 1024 * 768
    assert parts["head"] == 0
    assert sum(parts.values()) - parts["embedding"] - parts["positions"] == 85_056_000


@pytest.mark.parametrize(
    "switch",
    [
        dict(num_kv_heads=1),
        dict(block_repeat=3),
        dict(num_heads=4, head_dim=8, layer_heads=(2, 4), ffn_dim=60, layer_ffn_dims=(60, 30)),
    ],
    ids=str,
)
def test_flops_equal_a_count_of_the_products_torch_runs(switch):
    from torch.nn.attention import SDPBackend, sdpa_kernel
    from torch.utils.flop_counter import FlopCounterMode

    sizes = dict(vocab_size=100, embed_dim=32, num_layers=2, num_heads=2, context_length=64)
    config = ModelConfig(**sizes | switch)
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        Decoder(config)(torch.zeros(1, 64, dtype=torch.int64))
    # torch counts the whole square of attention, we count the causal half that has to be computed.
    heads = sum(config.layer_heads or [config.num_heads] * config.num_layers) * config.block_repeat
    causal_half = 4 * heads * config.head_dim * 64 // 2 * 64
    assert counter.get_total_flops() == flops_per_token(config, 64, training=False) * 64 + causal_half


def test_a_window_saves_what_lies_beyond_it():
    config = ModelConfig(vocab_size=100, embed_dim=32, num_layers=2, num_heads=2, context_length=64)
    near = config.change({"windows": (10, 0)})
    seen = sum(min(query + 1, 10) for query in range(64)) / 64  # on average; flops_per_token counts half less
    saved = flops_per_token(config, training=False) - flops_per_token(near, training=False)
    assert saved == pytest.approx(4 * 32 * (64 / 2 - (seen - 0.5)), abs=4 * 32 * 0.5)


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


def test_muon_remembers_one_number_of_a_hidden_matrix():
    config = ModelConfig(
        vocab_size=100, embed_dim=32, num_layers=2, num_heads=2, qkv_bias=True, ffn_bias=True
    )
    model = Decoder(config)
    optimizer = build_optimizer(model, TrainConfig(optimizer="muon"))
    model.loss(torch.zeros(1, 8, dtype=torch.int64), torch.zeros(1, 8, dtype=torch.int64)).backward()
    optimizer.step()
    state = [value for entry in optimizer.state.values() for name, value in entry.items() if name != "step"]
    memory = training_memory(config, micro_batch_size=1, optimizer="muon")
    assert sum(value.nbytes for value in state) == memory.optimizer
    assert memory.optimizer < training_memory(config, micro_batch_size=1).optimizer


def test_a_chunked_loss_needs_memory_for_a_chunk():
    config = ModelConfig(vocab_size=100, embed_dim=32, num_layers=2, num_heads=2)
    whole, chunked, larger = (
        training_memory(config, 4, logits_at_once=number).logits for number in (0, 6400, 10**9)
    )
    assert chunked * 8 == whole == larger


def test_cache_bytes():
    from slmlib.model.cache import KVCache

    config = ModelConfig(
        vocab_size=100, embed_dim=32, num_layers=2, num_heads=4, num_kv_heads=2, block_repeat=3
    )
    cache = KVCache(config, torch.zeros(1, dtype=torch.int64), 50)
    assert cache.keys.nbytes + cache.values.nbytes == cache_bytes(config, 50)


def test_an_unknown_family_is_named_with_those_that_sound_alike():
    with pytest.raises(
        ConfigError, match=r"no family 'pythia-160'\. Did you mean pythia-160m or .*families` lists"
    ):
        family("pythia-160")
    with pytest.raises(ConfigError, match=r"no family 'xyzzy'\. `python -m slmlib families` lists"):
        family("xyzzy")


def test_absurd_sizes_are_counted_at_once():
    """A checkpoint of a stranger may claim anything; its claim is counted before it is believed."""
    config = ModelConfig(vocab_size=10**13, num_layers=10_000, windows=(5, 0, 9), qk_norm_gain=True)
    assert count_parameters(config) > 10**15
    assert flops_per_token(config) > 10**15
    assert training_memory(config, micro_batch_size=1).total > 10**15
