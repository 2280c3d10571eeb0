"""The device's self-test: passes here, finds what is wrong only sometimes, refuses or warns in words."""

from dataclasses import replace

import pytest
import torch

from slmlib import doctor
from slmlib.config import TrainConfig
from slmlib.devices import Device
from slmlib.errors import ConfigError
from slmlib.model.decoder import Decoder
from slmlib.training import run as run_module
from slmlib.training import selftest
from slmlib.training.selftest import TOLERANCE, SelfTest, require_healthy, run_self_test

FLOAT32 = Device("cpu", "This CPU", "float32", "")
BFLOAT16 = replace(FLOAT32, dtype="bfloat16")
LONG = TrainConfig(minutes=60)


def wrong_sometimes(monkeypatch, dtype: str, every: int) -> None:
    """One pass in so many gives another loss, where the products are of that format."""
    real, passes = Decoder.loss, [0]

    def loss(self, inputs, targets):
        lower = torch.is_autocast_enabled("cpu")
        passes[0] += 1
        return real(self, inputs, targets) * (
            3.0 if lower == (dtype != "float32") and passes[0] > 3 and passes[0] % every == 0 else 1.0
        )

    monkeypatch.setattr(Decoder, "loss", loss)


def test_it_passes_here_in_both_formats():
    found = run_self_test(BFLOAT16, seconds=0)
    assert found.problem == ""
    assert found.passes == 6
    assert found.differences["float32"] < 1e-6
    assert 1e-4 < found.differences["bfloat16"] < TOLERANCE["bfloat16"] / 2
    assert "6 passes" in str(found)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_a_mistake_in_one_pass_is_found(monkeypatch, dtype):
    wrong_sometimes(monkeypatch, dtype, every=8 if dtype == "float32" else 9)
    found = run_self_test(BFLOAT16, seconds=0)
    assert dtype in found.problem
    assert found.differences[dtype] > 1


def test_gradients_that_are_no_numbers_are_found(monkeypatch):
    monkeypatch.setattr(selftest, "_gradients", lambda model, batch, device: torch.full((3,), float("nan")))
    assert run_self_test(FLOAT32, seconds=0).problem


@pytest.mark.parametrize(
    ("train", "tested"),
    [
        (TrainConfig(minutes=5), False),
        (TrainConfig(minutes=60), True),
        (TrainConfig(minutes=60, total_steps=100), False),
        (TrainConfig(minutes=1, total_steps=100_000), True),
    ],
)
def test_only_before_a_long_run(train, tested):
    assert bool(require_healthy(train, FLOAT32, seconds=0)) == tested


def test_wrong_float32_refuses_and_a_wrong_lower_format_warns(monkeypatch):
    differences = {"float32": 1e-6, "bfloat16": 0.9}
    monkeypatch.setattr(selftest, "run_self_test", lambda device, _: SelfTest(device, 9, differences))
    assert "Warning: In 9 passes This CPU once gave bfloat16" in require_healthy(LONG, BFLOAT16)
    assert "Consider --dtype float32" in require_healthy(LONG, BFLOAT16)
    differences["float32"] = 0.5
    with pytest.raises(ConfigError, match="Do not train on it"):
        require_healthy(LONG, BFLOAT16)


def test_a_run_asks_before_it_begins(world, monkeypatch, tmp_path):
    def refuse(train, device):
        raise ConfigError("It is ill.", "Rest.")

    monkeypatch.setattr(run_module, "require_healthy", refuse)
    wish = run_module.Wish(world.model_config, replace(LONG, device="cpu"), tmp_path / "run", "nowhere.txt")
    with pytest.raises(ConfigError, match="It is ill"):
        run_module.start_or_resume(wish, say=lambda _: None)
    assert not wish.folder.exists()


def test_doctor_tells_it(monkeypatch):
    warnings: list[str] = []
    monkeypatch.setattr(doctor, "run_self_test", lambda device: SelfTest(device, 9, {"float32": 0.5}))
    assert "9 passes" in doctor._self_test(FLOAT32, warnings)
    assert "This CPU once gave float32" in warnings[0]
