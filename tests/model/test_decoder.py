"""The whole model: it cannot see the future, starts as documented, and keeps its mode."""

import math

import pytest
import torch
import torch.nn.functional as F

from slmlib.config import ModelConfig
from slmlib.errors import SlmError
from slmlib.model.decoder import Decoder, evaluating
from slmlib.model.families import family
from slmlib.presets import PRESETS

POSITIONS = {
    "rope": dict(position="rope"),
    "rope, interleaved": dict(position="rope", rope_pairs="interleaved"),
    "learned": dict(position="learned"),
    "sinusoidal": dict(position="sinusoidal"),
    "alibi": dict(position="alibi"),
    "none": dict(position="none"),
}
each_position = pytest.mark.parametrize("position", POSITIONS.values(), ids=POSITIONS)


def random_tokens(vocab_size: int = 61, shape: tuple[int, ...] = (2, 16)) -> torch.Tensor:
    return torch.randint(vocab_size, shape, generator=torch.Generator().manual_seed(8))


@torch.no_grad()
def leak(model: Decoder) -> float:
    """How much the logits up to t change when token t + 1 changes, at the worst t."""
    tokens, worst = random_tokens(), 0.0
    before = model(tokens)
    for t in range(tokens.shape[1] - 1):
        other = tokens.clone()
        other[:, t + 1] = (other[:, t + 1] + 1) % 61
        after = model(other)
        assert (after[:, t + 1] - before[:, t + 1]).abs().max() > 1e-3, "what was changed must be read"
        worst = max(worst, (after[:, : t + 1] - before[:, : t + 1]).abs().max().item())
    return worst


@each_position
def test_no_token_sees_the_future(random_decoder, position):
    assert leak(random_decoder(**position)) < 1e-6


@each_position
def test_a_model_that_sees_the_future_would_be_caught(random_decoder, position, monkeypatch):
    causal = F.scaled_dot_product_attention

    def blind_to_masks(q, k, v, **options):
        return causal(q, k, v, enable_gqa=options["enable_gqa"])

    monkeypatch.setattr(F, "scaled_dot_product_attention", blind_to_masks)
    assert leak(random_decoder(**position)) > 1e-3


@each_position
def test_order_matters_to_every_kind_but_none(random_decoder, position):
    """The last of several tokens, in one layer: without positions, those before it are a set."""
    model = random_decoder(**position, num_layers=1)
    with torch.no_grad():
        one_way, other_way = (
            model(torch.tensor([[1, 2, 3, 4]]))[:, -1],
            model(torch.tensor([[3, 1, 2, 4]]))[:, -1],
        )
    assert ((one_way - other_way).abs().max() < 1e-5) == (position["position"] == "none")


def test_the_loss_is_the_mean_surprise(random_decoder):
    model = random_decoder()
    tokens = random_tokens(shape=(2, 9))
    with torch.no_grad():
        chances = model(tokens[:, :-1]).double().softmax(-1)
        by_hand = [
            -math.log(chances[b, t, tokens[b, t + 1]].item()) for b in range(2) for t in range(8)
        ]  # token t + 1 is the target of token t
        assert model.loss(tokens[:, :-1], tokens[:, 1:]).item() == pytest.approx(sum(by_hand) / 16, abs=1e-5)


def first_loss(config: ModelConfig) -> float:
    """The mean loss over all possible targets of a few inputs."""
    model = Decoder(config, seed=0).eval()
    with torch.inference_mode():
        logits = model(random_tokens(config.vocab_size, (1, 48))).double()
    return (logits.logsumexp(-1) - logits.mean(-1)).mean().item()


def shallow(name: str, num_layers: int) -> ModelConfig:
    return family(name).change(dict(num_layers=num_layers, tie_embeddings=True))


FIRST = {name: PRESETS[name].model for name in ("0.3M", "1M", "3M", "8M", "14M")} | {
    "34M, one layer": PRESETS["34M"].model.change({"num_layers": 1}),
    "124M, one layer": PRESETS["124M"].model.change({"num_layers": 1}),
    "gpt2, two layers": shallow("gpt2", 2),
    "llama, two layers": shallow("microllama", 2),
}


@pytest.mark.parametrize("config", FIRST.values(), ids=FIRST)
def test_the_first_loss_is_known_beforehand(config):
    assert config.tie_embeddings
    expected = math.log(config.vocab_size) + config.embed_dim * config.init_std**2 / 2
    assert abs(first_loss(config) - expected) < 0.05


STARTS = dict(vocab_size=500, embed_dim=128, num_layers=3, num_heads=2, context_length=200, norm_gain=True)


@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("initialization", ["gpt2", "zero_output"])
def test_first_values_are_those_of_the_table(initialization, tied):
    config = ModelConfig(
        **STARTS,
        position="learned",
        norm="layernorm",
        norm_bias=True,
        qkv_bias=True,
        output_bias=True,
        ffn_bias=True,
        gated=True,
        activation="silu",
        init_std=0.03,
        initialization=initialization,
        tie_embeddings=tied,
    )
    hidden, output = (0.03, 0.03 / 6**0.5) if initialization == "gpt2" else (0.6 / 128**0.5, 0.0)
    parameters = dict(Decoder(config, seed=0).named_parameters())
    assert ("head.weight" in parameters) != tied
    for name, parameter in parameters.items():
        kind = name.removesuffix(".weight").rpartition(".")[-1]
        if kind in ("gain", "bias"):
            assert (parameter == (kind == "gain")).all(), name
            continue
        expected = {
            "embedding": 0.03,
            "position_embedding": 0.03,
            "head": 0.03,
            "output": output,
            "down": output,
        }
        assert parameter.std().item() == pytest.approx(expected.get(kind, hidden), rel=0.03), name
        assert abs(parameter.mean().item()) <= 4 * parameter.std().item() / parameter.numel() ** 0.5, name


def test_with_zero_output_every_block_is_the_identity_at_the_start():
    model = Decoder(ModelConfig(**STARTS), seed=0)
    x, attention_inputs = model.embed(random_tokens(500))
    for block in model.blocks:
        assert torch.equal(block(x, attention_inputs), x)
    gpt2 = Decoder(ModelConfig(**STARTS, initialization="gpt2"), seed=0)
    assert not torch.equal(gpt2.blocks[0](x, attention_inputs), x)


def test_a_seed_decides_all_weights():
    config = PRESETS["0.3M"].model
    first, again, other = (Decoder(config, seed).state_dict() for seed in (3, 3, 4))
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["embedding.weight"], other["embedding.weight"])
    torch.manual_seed(0)
    before = torch.get_rng_state()
    Decoder(config, 3)
    torch.manual_seed(1)
    assert all(torch.equal(first[name], tensor) for name, tensor in Decoder(config, 3).state_dict().items())
    torch.set_rng_state(before)
    unseeded = Decoder(config).state_dict()
    torch.set_rng_state(before)
    assert all(torch.equal(unseeded[name], tensor) for name, tensor in Decoder(config).state_dict().items())


@pytest.mark.parametrize("tied", [True, False])
def test_a_tied_head_is_the_embedding_itself(tied):
    model = Decoder(ModelConfig(vocab_size=20, tie_embeddings=tied))
    assert (model.head.weight is model.embedding.weight) == tied
    assert (model.head.weight.data_ptr() == model.embedding.weight.data_ptr()) == tied


def test_dropout_is_active_in_training_only(random_decoder):
    model, still, tokens = random_decoder(dropout=0.3), random_decoder(), random_tokens()
    with torch.no_grad():
        assert torch.equal(model(tokens), model(tokens))
        assert torch.equal(model(tokens), still(tokens))
        model.train()
        assert not torch.equal(model(tokens), model(tokens))
        still.train()
        assert torch.equal(still(tokens), still(tokens))


def test_every_place_of_dropout_drops(random_decoder, monkeypatch):
    """Embedding, attention weights, and what each half of a block adds."""
    rates = []
    dropout, attention = F.dropout, F.scaled_dot_product_attention

    def noted_dropout(x, p, *rest):
        rates.append(p)
        return dropout(x, p, *rest)

    def noted_attention(*args, dropout_p, **options):
        rates.append(dropout_p)
        return attention(*args, dropout_p=dropout_p, **options)

    monkeypatch.setattr(F, "dropout", noted_dropout)
    monkeypatch.setattr(F, "scaled_dot_product_attention", noted_attention)
    random_decoder(dropout=0.3, num_layers=2).train()(random_tokens())
    assert rates == [0.3] * (1 + 2 * 3)


@pytest.mark.parametrize("training", [True, False])
def test_evaluating_gives_the_mode_back_also_after_an_error(random_decoder, training):
    model = random_decoder(dropout=0.3).train(training)
    with evaluating(model):
        assert not any(module.training for module in model.modules())
    assert all(module.training == training for module in model.modules())
    with pytest.raises(KeyError), evaluating(model):
        raise KeyError
    assert all(module.training == training for module in model.modules())
    frozen = model.blocks[0].train(not training)
    with evaluating(model):
        assert not any(module.training for module in model.modules())
    own = set(frozen.modules())
    assert all((module.training == training) == (module not in own) for module in model.modules())


def test_positions_that_were_not_learned_are_refused_in_one_sentence(random_decoder):
    model = random_decoder(position="learned")
    assert model(random_tokens(shape=(1, 32))).shape == (1, 32, 61)
    with pytest.raises(SlmError, match=r"learned 32 positions, but position 32 was asked for") as refusal:
        model(random_tokens(shape=(1, 33)))
    assert "\n" not in str(refusal.value)
    assert "at most 32 tokens" in refusal.value.fix


@pytest.mark.parametrize("position", ["rope", "sinusoidal", "alibi", "none"])
def test_other_positions_reach_past_the_training_length(random_decoder, position):
    assert random_decoder(position=position)(random_tokens(shape=(1, 40))).isfinite().all()


def test_every_parameter_gets_a_gradient(random_decoder):
    """In the fullest model there is; a part that is not connected would stay as it was drawn."""
    model = random_decoder(
        position="learned",
        norm="layernorm",
        norm_gain=True,
        norm_bias=True,
        qkv_bias=True,
        output_bias=True,
        ffn_bias=True,
        gated=True,
        tie_embeddings=False,
        num_kv_heads=2,
    )
    tokens = random_tokens(shape=(4, 33))
    model.loss(tokens[:, :-1], tokens[:, 1:]).backward()
    assert [name for name, parameter in model.named_parameters() if parameter.grad is None] == []
    assert all(parameter.grad.isfinite().all() and parameter.grad.any() for parameter in model.parameters())
