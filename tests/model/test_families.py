"""Every family: the published size, no look into the future, a cache that changes nothing, all of it trained."""

import pytest
import torch

from slmlib.errors import SlmError
from slmlib.model.cache import KVCache
from slmlib.model.counts import count_parameters, parameters_by_part
from slmlib.model.decoder import Decoder
from slmlib.model.families import CATALOG, FAMILIES, family
from slmlib.model.houses.laboratories import openelm
from tests.model.tiny import distinct, random_decoder, random_tokens, tiny

TIED = {
    "gpt1": 116_534_784,
    "gpt2": 124_439_808,
    "gpt2-medium": 354_823_168,
    "gpt2-large": 774_030_080,
    "gpt2-xl": 1_557_611_200,
    "nanogpt": 123_587_328 + 1024 * 768,  # nanoGPT prints the count without positions
    "gpt3-small": 125_226_240,
    "gpt3-medium": 355_871_744,
    "gpt3-large": 760_300_032,
    "gpt3-xl": 1_315_723_264,
    "gpt3-2.7b": 2_651_553_280,
    "gpt3-6.7b": 6_658_404_352,
    "gpt3-175b": 174_604_259_328,
    "gpt-neo-125m": 125_198_592,
    "gpt-neo-1.3b": 1_315_575_808,
    "gpt-neo-2.7b": 2_651_307_520,
    "tinystories-1m": 3_745_984,
    "tinystories-3m": 8_278_400,
    "tinystories-8m": 19_702_528,
    "tinystories-28m": 51_987_968,
    "tinystories-33m": 68_514_048,
    "tinystories-1layer-21m": 66_155_520,
    "tinystories-2layers-33m": 78_748_672,
    "mpt-7b": 6_649_286_656,
    "llama-3.2-1b": 1_235_814_400,
    "mobilellm-125m": 124_635_456,
    "mobilellm-350m": 345_355_200,
    "mobilellm-600m": 603_188_352,
    "mobilellm-1b": 1_005_461_760,
    "mobilellm-1.5b": 1_511_188_800,
    "mobilellm-ls-125m": 124_635_456,
    "mobilellm-ls-350m": 345_355_200,
    "baby-llama2-92m": 58_479_616,
    "baby-llama2-92m-smallvocab": 36_124_672,
    "baby-llama2-218m": 218_155_008,
    "qwen1.5-0.5b": 463_987_712,
    "qwen2.5-0.5b": 494_032_768,
    "qwen3-0.6b": 596_049_920,
    "minicpm-1b": 1_360_246_272,
    "minicpm-2b": 2_724_880_896,
    "ct-llm-2b": 1_876_559_872,
    "olmo-1b": 1_176_764_416,
    "openelm-270m": 271_527_168,
    "openelm-450m": 457_179_136,
    "openelm-1.1b": 1_079_891_456,
    "openelm-3b": 3_036_647_424,
}
UNTIED = {
    "gpt-j-6b": 6_050_882_784,
    "pythia-14m": 14_067_712,
    "pythia-31m": 30_494_720,
    "pythia-70m": 70_426_624,
    "pythia-160m": 162_322_944,
    "pythia-410m": 405_334_016,
    "pythia-1b": 1_011_781_632,
    "pythia-1.4b": 1_414_647_808,
    "pythia-2.8b": 2_775_208_960,
    "pythia-6.9b": 6_857_302_016,
    "pythia-12b": 11_846_072_320,
    "llama-7b": 6_738_415_616,
    "llama-2-7b": 6_738_415_616,
    "llama-2-13b": 13_015_864_320,
    "llama-2-70b": 68_976_648_192,
    "llama-3-8b": 8_030_261_248,
    "llama-3-70b": 70_553_706_496,
    "llama-3.1-8b": 8_030_261_248,
    "mistral-7b": 7_241_732_096,
    "solar-10.7b": 10_731_524_096,
    "tinyllama": 1_100_048_384,
    "microllama": 304_636_928,
    "tinysolar-248m": 248_013_824,
    "mini-llm": 1_431_996_416,
    "pangu-pi-1b": 951_983_872,
    "olmo-7b": 6_888_095_744,
    "olmo-7b-0724": 6_888_095_744,
    "olmo-2-1b": 1_484_916_736,
    "olmo-3-7b": 7_298_011_136,
    "phi-1-small": 356_794_368,
    "phi-1.5": 1_418_270_720,
    "phi-2": 2_779_683_840,
    "phi-3-mini": 3_821_079_552,
    "phi-4": 14_659_507_200,
}
OTHER_WAY = {
    "gpt2": 163_037_184,
    "pythia-160m": 123_689_472,
    "tinysolar-248m": 215_245_824,
    "baby-llama2-92m": 91_653_632,  # so the project's "92M" counts the embedding twice
    "baby-llama2-218m": 284_503_040,  # and its "218M" once
    "qwen1.5-0.5b": 619_570_176,
    "olmo-1b": 1_279_787_008,
    "ct-llm-2b": 2_133_985_280,
}
"""The same models with the head untied instead of tied, or the other way round."""

each_distinct = pytest.mark.parametrize("config", distinct().values(), ids=distinct())


def really_there(name: str) -> int:
    with torch.device("meta"):
        return sum(parameter.numel() for parameter in Decoder(family(name)).parameters())


@pytest.mark.parametrize("name", FAMILIES)
def test_a_family_has_the_published_number_of_parameters(name):
    published = TIED.get(name) or UNTIED[name]
    assert count_parameters(family(name)) == published == really_there(name)
    assert family(name).tie_embeddings == (name in TIED)


@pytest.mark.parametrize("name", OTHER_WAY)
def test_a_head_tied_the_other_way_explains_the_other_numbers_one_reads(name):
    config = family(name)
    assert count_parameters(config.change({"tie_embeddings": not config.tie_embeddings})) == OTHER_WAY[name]


def test_numbers_that_papers_print_about_parts():
    minicpm = {"minicpm-1b": 1_247_442_432, "minicpm-2b": 2_442_057_984}  # table 2: without embedding
    for name, size in minicpm.items():
        assert count_parameters(family(name)) - parameters_by_part(family(name))["embedding"] == size
    qwen = parameters_by_part(family("qwen1.5-0.5b"))
    assert qwen["embedding"] == 155_582_464
    assert parameters_by_part(family("olmo-1b"))["norms"] == 0
    # The number on GPT-J's card counts norms and biases once for each of 8 shards.
    gptj = family("gpt-j-6b")
    assert count_parameters(gptj) + 7 * (28 * 3 + 2) * 4096 + 8 * 4096 == 6_053_381_344


def test_tinystories_names_count_ten_thousand_tokens():
    """The paper kept the 10,000 most frequent tokens, and its models' names are sizes with those."""
    sizes = {"tinystories-1m": 1_071_232, "tinystories-28m": 30_589_952, "tinystories-33m": 36_417_024}
    for name, size in sizes.items():
        config = family(name).change({"vocab_size": 10_000, "context_length": 512})
        assert count_parameters(config) == size


def test_openelm_grows_from_layer_to_layer():
    config = family("openelm-270m")
    assert config.layer_heads == (12,) * 5 + (16,) * 7 + (20,) * 4
    assert config.layer_ffn_dims[:3] == (768, 1024, 1280)
    assert config.layer_ffn_dims[-1] == 4 * 1280
    assert count_parameters(openelm(16, 1280, 64, vocab_size=32128)) == 271_691_008
    model = Decoder(tiny(config))
    assert [block.attention.query.out_features for block in model.blocks] == [32, 32, 64, 64]
    assert [block.attention.key.out_features for block in model.blocks] == [8, 8, 16, 16]
    assert [block.feedforward.up.out_features for block in model.blocks] == [64, 128, 240, 256]
    with pytest.raises(SlmError, match="do not stack"):
        model.attention_weights(random_tokens())


def test_a_row_says_what_was_new():
    for name, row in CATALOG.items():
        assert name == name.lower()
        assert 2018 <= row.year <= 2026
        assert row.new
        assert not row.new.endswith(".")
        assert row.source
        assert row.title


@torch.no_grad()
def leak(model: Decoder) -> float:
    """How much the logits up to t change when token t + 1 changes, at the worst t."""
    tokens, worst = random_tokens(time=16), 0.0
    before = model(tokens)
    for t in range(tokens.shape[1] - 1):
        other = tokens.clone()
        other[:, t + 1] = (other[:, t + 1] + 1) % 97
        after = model(other)
        assert (after[:, t + 1] - before[:, t + 1]).abs().max() > 1e-3, "what was changed must be read"
        worst = max(worst, (after[:, : t + 1] - before[:, : t + 1]).abs().max().item())
    return worst


@each_distinct
def test_no_family_sees_the_future(config):
    assert leak(random_decoder(config)) < 1e-6


@each_distinct
@torch.no_grad()
def test_reading_with_a_cache_gives_the_same_logits(config):
    model, tokens = random_decoder(config), random_tokens(time=24)
    cache, padding = KVCache(config, torch.tensor([0, 5]), 24), [0, 5]
    pieces = [model(tokens[:, start:end], cache) for start, end in ((0, 12), (12, 13), (13, 17), (17, 24))]
    together = torch.cat(pieces, dim=1)
    for row, empty in enumerate(padding):
        alone = model(tokens[row : row + 1, empty:])
        torch.testing.assert_close(together[row : row + 1, empty:], alone, atol=1e-5, rtol=0)


@each_distinct
def test_a_family_generates_with_and_without_a_cache_alike(config):
    from slmlib.config import Sampling
    from slmlib.generation import generate_tokens

    model, greedy = random_decoder(config), Sampling(temperature=0.0, max_tokens=12)
    prompts = [[1, 2, 3, 4, 5, 6, 7, 8, 9], [10, 11]]
    with_cache, without = (
        list(generate_tokens(model, prompts, greedy, use_cache=use)) for use in (True, False)
    )
    assert with_cache == without
    assert len(with_cache) == 12


@each_distinct
def test_every_parameter_learns(config):
    model, tokens = random_decoder(config).train(), random_tokens(4, 33)
    model.loss(tokens[:, :-1], tokens[:, 1:]).backward()
    silent = [name for name, p in model.named_parameters() if p.grad is None or not p.grad.any()]
    assert silent == []


@each_distinct
@torch.no_grad()
def test_a_family_runs_in_bfloat16_and_stays_near(config):
    model, tokens = random_decoder(config), random_tokens()
    exact = model(tokens)
    near = model.bfloat16()(tokens)
    assert near.dtype == torch.bfloat16
    assert (near - exact).abs().max() < 0.25 * exact.abs().max()


def switches(config):
    """What is on and what is off: families that only have other numbers run through the same lines."""
    kinds = {bool: bool, float: bool, int: lambda number: min(number, 2)}  # as 1 block repeats nothing
    values = {name: kinds.get(type(value), str)(value) for name, value in config.to_dict().items()}
    return values | {"num_kv_heads": config.num_kv_heads not in (0, config.num_heads)}


ONE_OF_EACH_KIND = {str(switches(config)): name for name, config in reversed(distinct().items())}.values()


@pytest.mark.parametrize("name", ONE_OF_EACH_KIND)
@torch.no_grad()
def test_a_family_is_one_graph_for_torch_compile(name):
    """`eager` runs what was traced as it stands: what is tried is that there is nothing Dynamo must break at."""
    model, tokens = random_decoder(tiny(family(name))), random_tokens()
    torch._dynamo.reset()
    compiled = torch.compile(model, backend="eager", fullgraph=True)
    torch.testing.assert_close(compiled(tokens), model(tokens), atol=1e-6, rtol=0)


@pytest.fixture(scope="module")
def one_process_group(tmp_path_factory):
    """DistributedDataParallel with one process: what is tried is that every family can be wrapped."""
    store = tmp_path_factory.mktemp("group") / "store"
    torch.distributed.init_process_group("gloo", init_method=f"file://{store}", rank=0, world_size=1)
    yield
    torch.distributed.destroy_process_group()


@each_distinct
def test_a_family_learns_the_same_inside_distributed_data_parallel(one_process_group, config):
    tokens = random_tokens(2, 17)
    plain, wrapped = random_decoder(config).train(), random_decoder(config).train()
    parallel = torch.nn.parallel.DistributedDataParallel(wrapped)
    for model in (plain, parallel):
        logits = model(tokens[:, :-1])
        torch.nn.functional.cross_entropy(logits.flatten(0, 1), tokens[:, 1:].flatten()).backward()
    for one, other in zip(plain.parameters(), wrapped.parameters(), strict=True):
        torch.testing.assert_close(one.grad, other.grad)


@pytest.mark.parametrize("name", ["mobilellm-ls-125m", "gpt1", "olmo-3-7b", "tinystories-1m"])
def test_the_map_of_attention_follows_windows_and_repeats(name):
    config = tiny(family(name))
    model, tokens = random_decoder(config), random_tokens(time=20)
    weights = model.attention_weights(tokens)  # (L, B, H, T, T)
    assert len(weights) == config.num_layers * config.block_repeat
    for layer, layer_weights in enumerate(weights):
        width = config.window(layer // config.block_repeat) or 20
        assert (layer_weights.tril(-width) == 0).all()
        assert (layer_weights.tril().triu(1 - width) > 0).sum() == 2 * config.num_heads * sum(
            min(row + 1, width) for row in range(20)
        )


@torch.no_grad()
def test_a_token_beyond_the_window_has_no_influence_in_one_layer():
    config = tiny(family("tinystories-1m")).change({"num_layers": 1, "windows": (7,)})
    model, tokens = random_decoder(config), random_tokens(1, 20)
    other = tokens.clone()
    other[0, 4] = (other[0, 4] + 1) % 97
    moved = (model(other) - model(tokens)).abs().amax(-1)[0]
    assert (moved[4:11] > 1e-4).all()
    assert moved[:4].max() == moved[11:].max() == 0.0


@torch.no_grad()
def test_a_block_that_runs_twice_is_two_equal_blocks():
    config = tiny(family("mobilellm-ls-125m"))
    shared, tokens = random_decoder(config), random_tokens()
    plain = Decoder(config.change({"block_repeat": 1, "num_layers": 2 * config.num_layers})).eval()
    weights = {}
    for name, tensor in shared.state_dict().items():
        block, layer, *rest = name.split(".")
        layers = [str(2 * int(layer) + run) for run in (0, 1)] if block == "blocks" else [layer]
        weights |= {".".join((block, place, *rest)): tensor for place in layers}
    plain.load_state_dict(weights)
    assert torch.equal(shared(tokens), plain(tokens))
    assert count_parameters(config) == count_parameters(config.change({"block_repeat": 1}))
