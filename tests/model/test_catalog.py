"""Rows that are no decoder: published sizes, against the formulas, our models and transformers' classes."""

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from slmlib.config import EncoderDecoderConfig, LanguageModelConfig, MambaConfig
from slmlib.errors import ConfigError
from slmlib.model.counts import cache_bytes, count_parameters, flops_per_token, training_memory
from slmlib.model.encoder_decoder import EncoderDecoder
from slmlib.model.families import CATALOG, FAMILIES, family
from slmlib.model.family_card import card, listing
from slmlib.model.mamba import Mamba
from slmlib.model.memory import kept_for_backward
from tests.export.test_against_transformers import theirs_for as their_decoder
from tests.model.test_encoder_decoder import theirs_for as their_t5

PUBLISHED = {
    "mamba-130m": 129_135_360,
    "mamba-370m": 371_516_416,
    "mamba-790m": 793_204_224,
    "mamba-1.4b": 1_372_178_432,
    "mamba-2.8b": 2_768_345_600,
    "t5-small": 60_506_624,
    "t5-base": 222_903_552,
    "chatlm-mini-chinese": 187_692_288,
}
MODELS = {MambaConfig: Mamba, EncoderDecoderConfig: EncoderDecoder}
SMALL = {
    "mamba": MambaConfig(97, context_length=64, embed_dim=40, num_layers=3, state_dim=6),
    "t5": EncoderDecoderConfig(97, context_length=64, embed_dim=40, num_layers=3, ffn_dim=72),
    "t5, untied": EncoderDecoderConfig(97, embed_dim=40, num_layers=3, tie_embeddings=False),
}


def size(model: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


def theirs_for(config: LanguageModelConfig) -> torch.nn.Module:
    if isinstance(config, EncoderDecoderConfig):
        return their_t5(config)
    from slmlib.export.huggingface import architecture_for

    return their_decoder(config, architecture_for(config))


def test_no_row_is_forgotten():
    assert {name for name in CATALOG if name not in FAMILIES} == PUBLISHED.keys()


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_row_has_the_published_number_of_parameters(name):
    config = CATALOG[name].config
    with torch.device("meta"):
        found = size(MODELS[type(config)](config)), size(theirs_for(config))
    assert found == (PUBLISHED[name], PUBLISHED[name])
    assert count_parameters(config) == PUBLISHED[name]
    assert f"{PUBLISHED[name]:,}" in card(name, CATALOG[name])
    assert f"{PUBLISHED[name]:,}" in listing()


@pytest.mark.parametrize("config", SMALL.values(), ids=SMALL)
def test_every_part_is_counted(config):
    assert count_parameters(config) == size(MODELS[type(config)](config))
    assert count_parameters(config.change({"num_layers": 5})) == size(
        MODELS[type(config)](config.change({"num_layers": 5}))
    )


def run(config: LanguageModelConfig, model: torch.nn.Module) -> torch.Tensor:
    tokens = torch.zeros(2, config.context_length, dtype=torch.int64)
    return model(tokens, tokens) if isinstance(model, EncoderDecoder) else model(tokens)


@pytest.mark.parametrize("name", ["mamba", "t5"])
def test_flops_equal_a_count_of_the_products_torch_runs(name):
    config = SMALL[name]
    model = MODELS[type(config)](config)
    from torch.nn.attention import SDPBackend, sdpa_kernel

    with torch.no_grad(), sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        run(config, model)
    ours = flops_per_token(config, training=False) * 2 * 64
    if name == "mamba":  # torch counts no scan
        ours -= 6 * 3 * config.inner_dim * config.state_dim * 2 * 64
    else:  # and the whole square of the answer's attention
        ours += 3 * 4 * config.num_heads * config.head_dim * 32 * 2 * 64
    assert counter.get_total_flops() == pytest.approx(ours, rel=0.01)


@pytest.mark.parametrize("name", ["mamba", "t5"])
def test_the_estimate_of_what_training_keeps_is_near(name):
    config = SMALL[name].change({"vocab_size": 10})
    model = MODELS[type(config)](config)
    kept = kept_for_backward(lambda: run(config, model).sum(), model.parameters())
    assert kept == pytest.approx(training_memory(config, micro_batch_size=2).activations, rel=0.25)


def test_a_mamba_remembers_the_same_of_any_text():
    config = SMALL["mamba"]
    state = Mamba(config).new_cache(torch.zeros(1, dtype=torch.int64))
    assert cache_bytes(config, 10) == cache_bytes(config, 10**6) == state.hidden.nbytes + state.recent.nbytes
    assert "as for any number of tokens" in card("mamba-130m", CATALOG["mamba-130m"])
    assert "as for any number" not in card("t5-small", CATALOG["t5-small"])


def test_a_row_that_is_no_decoder_says_so():
    with pytest.raises(ConfigError, match=r"Mamba 130M is no decoder\. catalogued\('mamba-130m'\)\.config"):
        family("mamba-130m")
