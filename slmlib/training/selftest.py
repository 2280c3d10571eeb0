"""Three seconds of training on a device, compared with the CPU: in `doctor`, and before a long run.

`devices.self_test` asks in a moment whether a device multiplies rightly at all. Here a small decoder goes forward and
backward again and again, in float32 and in the number format of the run. That also finds what happens only
sometimes: memory that flips bits, a chip that is too hot, a kernel that is wrong for one shape.
"""

import time
from dataclasses import dataclass

import torch
from torch import Tensor

from slmlib.config import ModelConfig, TrainConfig
from slmlib.devices import SELF_TEST_TOLERANCE, Device
from slmlib.errors import ConfigError
from slmlib.model.decoder import Decoder

SECONDS = 3.0
"""How long the test takes."""

LONG_MINUTES, LONG_STEPS = 10.0, 2000
"""A run that is planned for at least so long is worth three seconds of testing."""

TOLERANCE = {"float32": SELF_TEST_TOLERANCE, "bfloat16": 0.2, "float16": 0.1}
"""Largest accepted gradient difference in each number format; 8 bits of bfloat16 give about 0.03."""

_SHAPE = ModelConfig(vocab_size=512, context_length=64, embed_dim=64, num_layers=2, num_heads=2)
_BATCHES, _ROWS = 3, 4


@dataclass(frozen=True)
class SelfTest:
    """What three seconds of forward and backward passes showed."""

    device: Device
    passes: int
    """How many forward and backward passes were compared."""
    differences: dict[str, float]
    """For each number format: the largest gradient difference, as a share of the largest gradient."""

    @property
    def problem(self) -> str:
        """What is wrong, in a sentence; "" when nothing is."""
        for dtype, difference in self.differences.items():
            if not difference < TOLERANCE[dtype]:
                return (
                    f"In {self.passes} passes {self.device.name} once gave {dtype} gradients that differ by "
                    f"{difference:.1e} from the CPU's (relative; up to {TOLERANCE[dtype]:g} is rounding)."
                )
        return ""

    def __str__(self) -> str:
        told = ", ".join(f"{dtype} {difference:.0e}" for dtype, difference in self.differences.items())
        return f"in {self.passes} passes gradients differ from float32 on the CPU by at most: {told}"


def run_self_test(device: Device, seconds: float = SECONDS) -> SelfTest:
    """Compare forward and backward passes on the device with the CPU in float32 until the time is over."""
    generator = torch.Generator().manual_seed(0)
    batches = torch.randint(
        _SHAPE.vocab_size, (_BATCHES, _ROWS, _SHAPE.context_length + 1), generator=generator
    )
    cpu = Device("cpu", "", "float32", "")
    reference = [_gradients(Decoder(_SHAPE, seed=0), batch, cpu) for batch in batches]
    model = Decoder(_SHAPE, seed=0).to(device.type)
    formats = [Device(device.type, device.name, "float32", ""), device]
    worst: dict[str, float] = {each.dtype: 0.0 for each in formats}
    passes, started = 0, time.perf_counter()
    while passes < 2 * _BATCHES or time.perf_counter() - started < seconds:
        each, exact = formats[passes % 2], reference[passes // 2 % _BATCHES]
        found = _gradients(model, batches[passes // 2 % _BATCHES], each)
        difference = ((found - exact).abs().max() / exact.abs().max()).item()
        worst[each.dtype] = max(worst[each.dtype], difference if difference == difference else float("inf"))
        passes += 1
    return SelfTest(device, passes, worst)


def require_healthy(train: TrainConfig, device: Device, seconds: float = SECONDS) -> str:
    """Test the device before a long run and say what was found; "" before a short one.

    Raises ConfigError when float32 is wrong: then nothing on this device can be trusted. When only the lower
    number format is, the sentence is a warning.
    """
    if train.total_steps < LONG_STEPS and (train.total_steps or train.minutes < LONG_MINUTES):
        return ""
    found = run_self_test(device, seconds)
    if not found.differences["float32"] < TOLERANCE["float32"]:
        raise ConfigError(found.problem, "Do not train on it: update driver and torch, or use --device cpu.")
    return (
        f"Warning: {found.problem} Consider --dtype float32."
        if found.problem
        else f"Self-test passed: {found}."
    )


def _gradients(model: Decoder, batch: Tensor, device: Device) -> Tensor:
    """All gradients of one batch's loss as one row on the CPU."""
    tokens = batch.to(model.device)
    model.zero_grad(set_to_none=True)
    with device.autocast():
        loss = model.loss(tokens[:, :-1], tokens[:, 1:])
    loss.backward()
    rows = [parameter.grad.flatten() for parameter in model.parameters() if parameter.grad is not None]
    return torch.cat(rows).float().cpu()
