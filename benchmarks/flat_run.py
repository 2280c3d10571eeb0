"""Ten thousand tiny steps: does memory grow, does a step get slower?

    python benchmarks/flat_run.py --steps 10000

Resident memory and the median step time of each tenth of the run. Exit code 1 when the last tenth holds 5% more
memory than the second one, or its steps take half as long again (run it on a machine with nothing else to do).
"""

import argparse
import os
import statistics
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import torch

from slmlib.config import ModelConfig, TrainConfig
from slmlib.storyworld import stories
from slmlib.text.textfiles import write_stories
from slmlib.training.run import Wish, start_or_resume

TENTHS = 10


@dataclass(frozen=True)
class Flatness:
    """Resident bytes at the end, and median seconds of a step, of each tenth of a run."""

    steps: int
    memory: list[int]
    seconds: list[float]

    @property
    def growth(self) -> float:
        """Memory of the last tenth divided by that of the second; the first one still warms up."""
        return self.memory[-1] / self.memory[1]

    @property
    def slowdown(self) -> float:
        """The same of the step times."""
        return self.seconds[-1] / self.seconds[1]

    def __str__(self) -> str:
        rows = [
            f"{(i + 1) * self.steps // TENTHS:>8,} steps  {memory / 1e6:8.1f} MB  {seconds * 1e3:6.2f} ms a step"
            for i, (memory, seconds) in enumerate(zip(self.memory, self.seconds, strict=True))
        ]
        return "\n".join([*rows, f"memory x{self.growth:.3f}, step time x{self.slowdown:.2f}"])


def measure(folder: Path, steps: int) -> Flatness:
    """Train a tiny model for so many steps in `folder`."""
    os.environ["SLM_HOME"] = str(folder / "home")
    write_stories(folder / "stories.txt", (story.text for story in stories(0, 300, 0)))
    model = ModelConfig(vocab_size=300, context_length=16, embed_dim=16, num_layers=1, num_heads=1)
    train = TrainConfig(
        total_steps=steps,
        batch_size=2,
        evaluations=4,
        checkpoints=20,
        threads=1,
        dtype="float32",
        device="cpu",
    )
    process, times, memory, seconds = psutil.Process(), list[float](), list[int](), list[float]()
    last = time.perf_counter()

    def watch(event: dict[str, Any]) -> None:
        nonlocal last
        if event["event"] != "step":
            return
        now = time.perf_counter()
        times.append(now - last)
        last = now
        if event["step"] % max(1, steps // TENTHS) == 0:
            memory.append(process.memory_info().rss)
            seconds.append(statistics.median(times))
            times.clear()

    wish = Wish(model, train, folder / "run", str(folder / "stories.txt"))
    start_or_resume(wish, (watch,), say=lambda sentence: None, progress=False)
    return Flatness(steps, memory, seconds)


def main() -> None:
    """Print the table; exit code 1 when it is not flat."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--steps", type=int, default=10_000)
    with tempfile.TemporaryDirectory() as name:
        found = measure(Path(name), parser.parse_args().steps)
    print(found)
    if found.growth > 1.05 or found.slowdown > 1.5:
        raise SystemExit(1)


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
