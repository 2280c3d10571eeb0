"""Muon against torch's, against a decomposition in float64 and against a loop by hand; and in the trainer."""

import json
from copy import deepcopy

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from slmlib.config import TrainConfig
from slmlib.errors import CheckpointError, ConfigError
from slmlib.files import sha256_file, write_json
from slmlib.model.decoder import Decoder
from slmlib.training.checkpoint import load_checkpoint, load_optimizer, step_folder
from slmlib.training.muon import BAND, COEFFICIENTS, FAINTEST, MuonWithAdamW, orthogonalize, shape_factor
from slmlib.training.optimizers import build_optimizer
from slmlib.training.schedules import build_scheduler, learning_rate

SHAPES = [(24, 24), (40, 10), (10, 40), (1, 7)]
MUON = dict(optimizer="muon", muon_learning_rate=0.02)


def random_matrix(rows: int, cols: int, weakest: float, seed: int = 0) -> torch.Tensor:
    """Random directions; the singular values reach evenly from 1 down to `weakest` of the Frobenius norm."""
    draw = np.random.default_rng(seed)
    left, _, right = np.linalg.svd(draw.standard_normal((rows, cols)), full_matrices=False)
    strengths = np.geomspace(1, weakest, len(left[0]) if rows <= cols else len(right))
    for _ in range(20):  # the norm depends on the weakest one, which depends on the norm
        strengths[-1] = weakest * np.linalg.norm(strengths) if len(strengths) > 1 else 1
    return torch.from_numpy(3 * (left * strengths) @ right).float()


def by_decomposition(matrix: np.ndarray, rounds: int = 5) -> np.ndarray:
    """The polynomial on the singular values themselves, in float64."""
    a, b, c = COEFFICIENTS
    left, x, right = np.linalg.svd(matrix.astype(np.float64), full_matrices=False)
    x = x / max(np.linalg.norm(x), 1e-7)
    for _ in range(rounds):
        x = a * x + b * x**3 + c * x**5
    return (left * x) @ right


@pytest.mark.parametrize("shape", SHAPES[:3])
def test_singular_values_come_near_one_however_far_apart_they_were(shape):
    matrix = random_matrix(*shape, weakest=FAINTEST * 1.001)
    before = torch.linalg.svdvals(matrix.double())
    assert before.max() / before.min() > 100
    after = torch.linalg.svdvals(orthogonalize(matrix).double())
    assert BAND[0] <= after.min()
    assert after.max() <= BAND[1]
    fewer = torch.linalg.svdvals(orthogonalize(matrix, rounds=3).double())
    assert fewer.min() < 0.2  # five rounds are needed
    coarse = torch.linalg.svdvals(orthogonalize(matrix, torch.bfloat16).double())
    assert BAND[0] - 0.1 < coarse.min() <= coarse.max() < BAND[1] + 0.1


def test_the_band_is_what_the_polynomial_does():
    x = np.linspace(FAINTEST, 1, 1_000_001)
    a, b, c = COEFFICIENTS
    for _ in range(5):
        x = a * x + b * x**3 + c * x**5
    assert (np.floor(x.min() * 100) / 100, np.ceil(x.max() * 100) / 100) == BAND


@pytest.mark.parametrize("shape", SHAPES)
def test_orthogonalize_is_the_polynomial_on_the_singular_values(shape):
    matrix = random_matrix(*shape, weakest=0.01)
    kept = matrix.clone()
    found = orthogonalize(matrix)
    assert found.shape == matrix.shape
    assert found.dtype is torch.float32
    np.testing.assert_allclose(found.numpy(), by_decomposition(matrix.numpy()), atol=1e-5)
    assert torch.equal(matrix, kept)
    torch.testing.assert_close(orthogonalize(1000 * matrix), found, atol=1e-5, rtol=0)


def test_a_gradient_of_zero_moves_nothing():
    assert torch.equal(orthogonalize(torch.zeros(3, 5)), torch.zeros(3, 5))


def weights() -> list[torch.nn.Parameter]:
    draw = torch.Generator().manual_seed(0)
    shapes = [*SHAPES, (12,), (9, 6)]  # the last two are AdamW's
    return [torch.nn.Parameter(torch.randn(shape, generator=draw) / 5) for shape in shapes]


def ours(parameters, dtype=torch.float32) -> MuonWithAdamW:
    return MuonWithAdamW(
        [
            {"params": parameters[:-2], "lr": 0.02, "weight_decay": 0.3, "rule": "muon"},
            {"params": parameters[-2:], "lr": 0.003, "weight_decay": 0.1},
        ],
        momentum=0.9,
        betas=(0.8, 0.9),
        eps=1e-8,
        dtype=dtype,
    )


def theirs(parameters) -> tuple[torch.optim.Muon, torch.optim.AdamW]:
    return (
        torch.optim.Muon(parameters[:-2], lr=0.02, weight_decay=0.3, momentum=0.9),
        torch.optim.AdamW(parameters[-2:], lr=0.003, weight_decay=0.1, betas=(0.8, 0.9), eps=1e-8),
    )


def gradients(parameters, step: int) -> None:
    draw = torch.Generator().manual_seed(step)
    for parameter in parameters:
        parameter.grad = torch.randn(parameter.shape, generator=draw)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_it_is_torchs_muon_beside_torchs_adamw(monkeypatch, dtype):
    """torch multiplies in bfloat16 whatever comes; for float32 its one conversion is turned off."""
    if dtype is torch.float32:
        monkeypatch.setattr(torch.Tensor, "bfloat16", torch.Tensor.float)
    mine, other = weights(), weights()
    optimizer, references = ours(mine, dtype), theirs(other)
    for step in range(8):
        for parameters in (mine, other):
            gradients(parameters, step)
        if step == 4:  # the learning rate moves, as a schedule moves it
            for group in [*optimizer.param_groups, *(g for r in references for g in r.param_groups)]:
                group["lr"] *= 0.5
        for moving in (optimizer, *references):
            moving.step()
    for found, expected, start in zip(mine, other, weights(), strict=True):
        torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)
        assert (found - start).abs().max() > 1e-3
    assert all(torch.equal(found, expected) for found, expected in zip(mine[-2:], other[-2:], strict=True))


@pytest.mark.parametrize("shape", SHAPES)
def test_momentum_scale_and_decay_by_hand(shape):
    draw = np.random.default_rng(1)
    start = draw.standard_normal(shape)
    weight, mean = start.copy(), np.zeros(shape)
    parameter = torch.nn.Parameter(torch.from_numpy(start).float())
    other = torch.nn.Parameter(torch.ones(2))
    optimizer = MuonWithAdamW(
        [{"params": [parameter], "lr": 0.1, "weight_decay": 0.2, "rule": "muon"}, {"params": [other]}], 0.8
    )
    for step in range(4):
        gradient = random_matrix(*shape, weakest=0.05, seed=step).numpy()
        parameter.grad = torch.from_numpy(gradient)
        optimizer.step()
        mean = 0.8 * mean + 0.2 * gradient
        update = by_decomposition(0.8 * mean + 0.2 * gradient)
        weight = (1 - 0.1 * 0.2) * weight - 0.1 * np.sqrt(max(1, shape[0] / shape[1])) * update
        np.testing.assert_allclose(parameter.detach().numpy(), weight, atol=1e-5)
    assert optimizer.state[parameter]["step"] == 4
    assert torch.equal(other, torch.ones(2))  # it has no gradient


def test_the_shape_factor():
    assert [shape_factor(*shape) for shape in ((8, 8), (2, 8), (32, 8))] == [1.0, 1.0, 2.0]


def test_torchs_own_way_of_saving_goes_on_with_the_same_bits():
    first, second = weights(), weights()
    one, two = ours(first), ours(second)
    for step in range(3):
        gradients(first, step)
        one.step()
    with torch.no_grad():
        for copy, original in zip(second, first, strict=True):
            copy.copy_(original)
    two.load_state_dict(deepcopy(one.state_dict()))  # torch shares its tensors otherwise
    for step in range(3, 6):
        for parameters, optimizer in ((first, one), (second, two)):
            gradients(parameters, step)
            optimizer.step()
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


def test_a_closure_is_called_with_gradients_on():
    parameters = weights()

    def closure() -> float:
        loss = sum(parameter.square().sum() for parameter in parameters)
        loss.backward()
        return loss.item()

    assert ours(parameters).step(closure) > 0


@pytest.mark.parametrize("shape", [(3,), (2, 3, 4)])
def test_what_is_no_matrix_is_refused(shape):
    odd, other = torch.nn.Parameter(torch.zeros(shape)), torch.nn.Parameter(torch.zeros(1))
    with pytest.raises(ConfigError, match=r"not a weight of shape \(\d.*AdamW"):
        MuonWithAdamW([{"params": [odd], "rule": "muon"}, {"params": [other]}])


# --- in the trainer ---


def test_muon_moves_exactly_the_hidden_matrices(world):
    changes = dict(norm_gain=True, qkv_bias=True, ffn_bias=True, tie_embeddings=False, position="learned")
    model = Decoder(world.model_config.change(changes), seed=0)
    optimizer = build_optimizer(model, world.config(**MUON, embedding_rate_factor=3.0))
    names = {parameter: name for name, parameter in model.named_parameters()}
    moved = {names[p] for group in optimizer.groups_of("muon") for p in group["params"]}
    parts = [f"attention.{name}.weight" for name in ("query", "key", "value", "output")] + [
        "feedforward.up.weight",
        "feedforward.down.weight",
    ]
    assert moved == {f"blocks.{layer}.{part}" for layer in range(2) for part in parts}
    assert sum(len(group["params"]) for group in optimizer.param_groups) == len(names)
    decay_and_rate = [(group["weight_decay"], group["lr"]) for group in optimizer.param_groups]
    assert decay_and_rate == [(0.1, 3e-2), (0.1, 0.02), (0.0, 1e-2)]


def test_a_model_of_other_names_has_an_optimizer_too(world):
    model = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Linear(4, 3))  # no table among its weights
    moved = {
        p for group in build_optimizer(model, world.config(**MUON)).param_groups for p in group["params"]
    }
    assert moved == set(model.parameters())


def test_the_default_is_adamw_alone_as_before(world):
    optimizer = build_optimizer(Decoder(world.model_config, seed=0), world.config())
    assert type(optimizer) is torch.optim.AdamW
    assert TrainConfig().optimizer == "adamw"


def test_its_rate_rises_and_falls_with_the_other(world):
    trainer = world.trainer("rates", **MUON)
    scheduler = build_scheduler(build_optimizer(trainer.model, trainer.config), trainer.config)
    for step in range(12):
        trainer.train_step(learning_rate(step, trainer.config))
        trainer.step += 1
        rates = [group["lr"] for group in trainer.optimizer.param_groups]
        assert rates == pytest.approx(scheduler.get_last_lr())
        assert rates[1] == pytest.approx(2 * rates[0])
        scheduler.optimizer.step()
        scheduler.step()


def test_the_products_follow_the_runs_number_format(world):
    for dtype, expected in (
        ("float32", torch.float32),
        ("bfloat16", torch.bfloat16),
        ("float16", torch.float32),
    ):
        optimizer = build_optimizer(Decoder(world.model_config, seed=0), world.config(**MUON, dtype=dtype))
        assert optimizer.dtype is expected
        assert all(p.dtype is torch.float32 for group in optimizer.param_groups for p in group["params"])


def after_three_steps(world, **changes) -> torch.Tensor:
    trainer = world.trainer("switch", **MUON | changes)
    for step in range(3):
        trainer.train_step(learning_rate(step, trainer.config))
        trainer.step += 1
    return trainer.model.blocks[0].attention.query.weight.detach().clone()


def test_every_switch_does_something(world):
    base = after_three_steps(world)
    assert torch.equal(after_three_steps(world), base)
    switches = (
        dict(optimizer="adamw", muon_learning_rate=0.01),
        dict(muon_learning_rate=0.03),
        dict(muon_momentum=0.5),
        dict(weight_decay=0.0),
        dict(dtype="bfloat16"),  # the device of these tests stays float32, so only Muon hears of it
    )
    for switch in switches:
        assert not torch.equal(after_three_steps(world, **switch), base), switch


def test_it_learns_one_batch_by_heart(world, monkeypatch):
    model = Decoder(world.model_config.change(dict(dropout=0.0)), seed=0)
    trainer = world.trainer("heart", model=model, weight_decay=0.0, **MUON)
    batch = trainer.batch(0)
    monkeypatch.setattr(trainer, "batch", lambda step, ranks: batch)
    losses = [trainer.train_step(rate=1e-2)[0] for _ in range(100)]
    assert losses[0] > 5
    assert losses[-1] < 0.1


@pytest.fixture(scope="module")
def uninterrupted(shared_world):
    trainer = shared_world.trainer("uninterrupted-with-muon", checkpoints=12, **MUON)
    trainer.run()
    return trainer


def test_resume_at_any_step_gives_the_same_bits(world, uninterrupted):
    whole = uninterrupted.model.state_dict()
    for step in (0, 1, 5, 11):
        checkpoint = load_checkpoint(step_folder(uninterrupted.folder / "checkpoints", step))
        assert checkpoint.progress.decided.optimizer == "muon"
        resumed = world.trainer(f"resumed-{step}", resume=checkpoint, checkpoints=12, **MUON)
        resumed.run()
        assert [
            n for n, tensor in resumed.model.state_dict().items() if not torch.equal(tensor, whole[n])
        ] == []
        assert resumed.history == uninterrupted.history


def test_resume_needs_the_momentum(world, uninterrupted):
    checkpoint = load_checkpoint(step_folder(uninterrupted.folder / "checkpoints", 5))
    resumed = world.trainer("forgetful", resume=checkpoint, **MUON)
    for group in resumed.optimizer.groups_of("muon"):
        for parameter in group["params"]:
            resumed.optimizer.state[parameter]["momentum"].zero_()
    resumed.run()
    query = "blocks.0.attention.query.weight"
    assert not torch.equal(resumed.model.state_dict()[query], uninterrupted.model.state_dict()[query])


def test_the_file_holds_one_mean_of_a_hidden_matrix_and_two_of_the_rest(uninterrupted):
    newest = step_folder(uninterrupted.folder / "checkpoints", 12)
    names = set(load_file(newest / "optimizer.safetensors"))
    assert {name for name in names if name.endswith("attention.query.weight")} == {
        f"{kind}.blocks.{layer}.attention.query.weight" for layer in range(2) for kind in ("step", "momentum")
    }
    assert {name for name in names if name.endswith(".embedding.weight")} == {
        f"{kind}.embedding.weight" for kind in ("step", "exp_avg", "exp_avg_sq")
    }


def test_the_state_of_the_other_optimizer_is_refused_by_name(world, uninterrupted):
    checkpoint = load_checkpoint(step_folder(uninterrupted.folder / "checkpoints", 12))
    adamw = build_optimizer(checkpoint.model, world.config())
    with pytest.raises(CheckpointError, match=r"lacks exp_avg\.blocks.*unknown momentum\.blocks"):
        load_optimizer(checkpoint, checkpoint.model, adamw)


def test_a_checkpoint_from_before_muon_loads_as_adamw(world):
    trainer = world.trainer("old")
    trainer.run()
    newest = step_folder(trainer.folder / "checkpoints", 12)
    state = json.loads((newest / "state.json").read_text())
    for config in ("asked", "decided"):
        for name in ("optimizer", "muon_learning_rate", "muon_momentum"):
            del state["progress"][config][name]
    write_json(newest / "state.json", state)
    manifest = json.loads((newest / "manifest.json").read_text())
    write_json(newest / "manifest.json", manifest | {"state.json": sha256_file(newest / "state.json")})
    checkpoint = load_checkpoint(newest)
    assert checkpoint.progress.decided == trainer.config
    assert type(world.trainer("older", resume=checkpoint).optimizer) is torch.optim.AdamW
