"""Does torch.compile with its real compiler give the same step, and is it faster?

    python benchmarks/compile_a_step.py --preset 1M --steps 20

Losses and gradients of the compiled step are compared with those of the plain one; then both train in turns, so
that a busy machine slows both down. It needs a C++ compiler on a CPU, and minutes: the tests try only `eager`.
"""

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

import torch
import tyro
from torch import Tensor

from slmlib.model.build import build_model
from slmlib.presets import preset

Loss = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class Arguments:
    """What to compile."""

    preset: str = "1M"
    """Which model and batch."""
    steps: int = 20
    """How many steps of each are timed."""
    device: str = "cpu"
    """Where to compute."""


def main(arguments: Arguments) -> None:
    """Compare, then time."""
    if arguments.device == "cpu" and not shutil.which("g++"):
        print("torch.compile needs a C++ compiler on a CPU, and there is no g++ here.")
        return
    chosen = preset(arguments.preset)
    model = build_model(chosen.model, seed=0).to(arguments.device)
    shape = (chosen.train.batch_size, chosen.model.context_length + 1)
    tokens = torch.randint(chosen.model.vocab_size, shape, generator=torch.Generator().manual_seed(1))
    tokens = tokens.to(arguments.device)
    compiled: Loss = torch.compile(model.loss, fullgraph=True)

    def step(loss_of: Loss) -> tuple[float, float]:
        """Loss, and seconds with the backward pass."""
        model.zero_grad(set_to_none=True)
        started = time.perf_counter()
        loss = loss_of(tokens[:, :-1], tokens[:, 1:])
        loss.backward()
        return loss.item(), time.perf_counter() - started

    plain_loss, _ = step(model.loss)
    plain = [parameter.grad.clone() for parameter in model.parameters() if parameter.grad is not None]
    compiled_loss, seconds = step(compiled)
    fused = [parameter.grad for parameter in model.parameters() if parameter.grad is not None]
    largest = max((one - other).abs().max().item() for one, other in zip(plain, fused, strict=True))
    print(
        f"{arguments.preset} on {arguments.device}, torch {torch.__version__}, {torch.get_num_threads()} threads"
    )
    print(f"compiled in {seconds:.0f} s; loss {compiled_loss:.6f} instead of {plain_loss:.6f}")
    print(f"gradients differ by at most {largest:.1e}")
    times = [(step(model.loss)[1], step(compiled)[1]) for _ in range(arguments.steps)]
    slow, fast = (median(part) for part in zip(*times, strict=True))
    print(
        f"forward and backward: {slow * 1000:.0f} ms plain, {fast * 1000:.0f} ms compiled, ratio {slow / fast:.2f}"
    )


if __name__ == "__main__":
    main(tyro.cli(Arguments))
