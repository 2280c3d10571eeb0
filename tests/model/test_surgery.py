"""Layers copied, dropped and inherited, tokens pruned: bit for bit the old tensors in new places."""

import pytest
import torch

from slmlib.errors import ConfigError
from slmlib.model.counts import count_parameters
from slmlib.model.decoder import Decoder
from slmlib.model.families import family
from slmlib.model.surgery import keep_tokens, scale_up_depth, take_layers
from tests.model.tiny import random_decoder, random_tokens, tiny


def deep(name: str = "tinysolar-248m") -> Decoder:
    return random_decoder(tiny(family(name)).change({"num_layers": 12}))


def layer_of(model: Decoder, layer: int) -> dict[str, torch.Tensor]:
    prefix = f"blocks.{layer}."
    return {name.removeprefix(prefix): t for name, t in model.state_dict().items() if name.startswith(prefix)}


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(
        torch.equal(tensor, other[name]) for name, tensor in one.items()
    )


def test_tinysolar_grows_from_12_layers_to_16():
    small = deep()
    large = scale_up_depth(small, dropped=4)
    assert large.config.num_layers == 16
    for place, layer in enumerate([*range(8), *range(4, 12)]):
        assert same(layer_of(large, place), layer_of(small, layer))
    for name in ("embedding.weight", "head.weight", "final_norm.gain"):
        assert torch.equal(large.state_dict()[name], small.state_dict()[name])
    sizes = [count_parameters(family("tinysolar-248m").change({"num_layers": n})) for n in (10, 16)]
    assert sizes == [217_601_024, 308_839_424]  # what the course with this model prints
    assert family("solar-10.7b") == family("mistral-7b").change(
        {"num_layers": 48, "windows": [], "context_length": 4096}
    )


def test_without_anything_dropped_the_model_is_itself_twice():
    small = deep("gpt2")
    assert [same(layer_of(scale_up_depth(small, 0), 12 + i), layer_of(small, i)) for i in range(12)] == [
        True
    ] * 12


def test_taking_all_layers_changes_nothing_and_the_old_model_is_left_alone():
    small, tokens = deep(), random_tokens()
    again = take_layers(small, range(12))
    with torch.no_grad():
        before = small(tokens)
        assert torch.equal(again.eval()(tokens), before)
        for parameter in again.parameters():
            parameter.zero_()
        assert torch.equal(small(tokens), before)


def test_layers_keep_their_sizes_and_windows():
    model = random_decoder(tiny(family("openelm-270m")))
    ends = take_layers(model, [0, 3])
    assert ends.config.layer_heads == (4, 8)
    assert same(layer_of(ends, 1), layer_of(model, 3))
    windows = take_layers(random_decoder(tiny(family("olmo-3-7b"))), [3, 0, 3]).config
    assert [windows.window(layer) for layer in range(3)] == [0, 7, 0]
    repeated = take_layers(random_decoder(tiny(family("mobilellm-ls-125m"))), [0, 2])
    assert repeated.config.block_repeat == 2


@pytest.mark.parametrize(
    ("name", "changes", "layers", "found"),
    [
        ("llama-2-7b", dict(windows=(0, 8)), [0, 2], dict(windows=())),
        ("llama-2-7b", dict(windows=(0, 8)), [1, 3], dict(windows=(8,))),
        ("llama-2-7b", dict(windows=(0, 8)), [0, 1, 2, 3], dict(windows=(0, 8))),
        ("openelm-270m", {}, [0, 1], dict(num_heads=4, num_kv_heads=1, layer_heads=(), ffn_dim=128)),
        (
            "openelm-270m",
            {},
            [1, 2],
            dict(num_heads=8, num_kv_heads=2, layer_ffn_dims=(128, 240), ffn_dim=240),
        ),
        ("openelm-270m", dict(head_dim=8), [0], dict(num_heads=4, head_dim=8, layer_ffn_dims=(), ffn_dim=64)),
    ],
)
def test_what_stays_has_the_sizes_of_the_layers_that_stay(name, changes, layers, found):
    """The windows, or the widest layer, may be among those that go."""
    model, tokens = random_decoder(tiny(family(name)).change(changes)), random_tokens()
    kept = take_layers(model, layers).eval()
    assert {key: getattr(kept.config, key) for key in found} == found
    assert kept.config.head_dim == model.config.head_dim
    model.blocks = torch.nn.ModuleList(model.blocks[layer] for layer in layers)  # the same, by hand
    with torch.no_grad():
        torch.testing.assert_close(kept(tokens), model(tokens), atol=1e-6, rtol=0)


@pytest.mark.parametrize("name", ["llama-2-7b", "gpt2", "phi-1.5"])
def test_pruned_tokens_keep_their_logits(name):
    model, kept = random_decoder(tiny(family(name))), [3, 96, 0, 50, 51, 7]
    pruned, tokens = keep_tokens(model, kept), torch.tensor([[0, 5, 2, 1, 3, 4]])
    assert pruned.config.vocab_size == 6
    assert torch.equal(pruned.embedding.weight, model.embedding.weight[kept])
    assert (pruned.head.weight is pruned.embedding.weight) == model.config.tie_embeddings
    with torch.no_grad():
        theirs = model(torch.tensor(kept)[tokens])[..., kept]
        torch.testing.assert_close(pruned.eval()(tokens), theirs, atol=1e-6, rtol=0)


def test_what_cannot_be_taken_is_named():
    model = deep()
    for wrong in ([], [12], [-1]):
        with pytest.raises(ConfigError, match="layers must be among 0 to 11"):
            take_layers(model, wrong)
    for wrong in (12, -1):
        with pytest.raises(ConfigError, match="dropped must be from 0 to below num_layers"):
            scale_up_depth(model, wrong)
    for wrong in ([], [1, 1], [97], [-1]):
        with pytest.raises(ConfigError, match="tokens must be different ids from 0 to 96"):
            keep_tokens(model, wrong)
