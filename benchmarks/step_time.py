"""What is each trick of slmlib/training/speed.py worth? Training steps with all of them, and without each one.

    python benchmarks/step_time.py --preset 1M

All trainers live in one process and take turns, a step each, so that whatever else the machine does meets all of them.
The quarter of the fastest steps counts. Random tokens; the table goes to benchmarks/results/step_time.md and .json.
"""

import argparse
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import torch

from slmlib.config import TrainConfig
from slmlib.devices import Device, choose_device
from slmlib.files import write_json, write_text
from slmlib.model.decoder import Decoder
from slmlib.presets import Preset, default_preset, preset
from slmlib.training.pace import RandomTokens
from slmlib.training.trainer import Trainer

RESULTS = Path(__file__).resolve().parent / "results" / "step_time"

PLAIN = {"dtype": "float32", "attention": "fused", "compile": "off", "chunked_loss": False}
WITHOUT: dict[str, dict[str, Any]] = {
    "all tricks": {},
    "without bfloat16": {"dtype": "float32"},
    "without unfused attention": {"attention": "fused"},
    "without compiled blocks": {"compile": "off"},
    "without the chunked loss": {"chunked_loss": False},
    "without Muon (AdamW)": {"optimizer": "adamw"},
    "none of them, AdamW": PLAIN | {"optimizer": "adamw"},
}


@dataclass
class Runner:
    """A trainer and the times of its steps, in seconds."""

    trainer: Trainer
    times: list[float]

    @property
    def milliseconds(self) -> float:
        """The upper end of the fastest quarter."""
        return 1e3 * sorted(self.times)[len(self.times) // 4]


def build(chosen: Preset, changes: dict[str, Any]) -> Runner:
    """A trainer with some tricks switched off, after its first step, which may compile."""
    base = replace(
        chosen.train,
        total_steps=1000,
        device="cpu",
        dtype=choose_device("cpu").dtype,
        attention="unfused",
        compile="on",
    )
    config: TrainConfig = replace(base, **changes)
    device = Device("cpu", "", config.dtype, "") if config.dtype != "auto" else choose_device("cpu")
    tokens = cast(Any, RandomTokens(chosen.model.vocab_size))
    model = Decoder(chosen.model, seed=0)
    trainer = Trainer(model, cast(Any, None), tokens, tokens, config, device, Path())
    trainer.train_step(0.0)
    return Runner(trainer, [])


def main() -> None:
    """Measure, print and write the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--preset", default=default_preset("cpu").name)
    parser.add_argument("--seconds", type=float, default=20.0, help="how long to measure, all together")
    arguments = parser.parse_args()
    chosen = preset(arguments.preset)
    runners = {name: build(chosen, changes) for name, changes in WITHOUT.items()}
    for runner in runners.values():
        runner.trainer.train_step(0.0)
    ends = time.perf_counter() + arguments.seconds
    while time.perf_counter() < ends:
        for runner in runners.values():
            started = time.perf_counter()
            runner.trainer.train_step(0.0)
            runner.times.append(time.perf_counter() - started)
    tokens = chosen.train.batch_size * chosen.model.context_length
    best = runners["all tricks"].milliseconds
    rows = {
        name: {
            "milliseconds": round(runner.milliseconds, 1),
            "tokens_per_second": round(1e3 * tokens / runner.milliseconds),
            "times_as_long": round(runner.milliseconds / best, 2),
        }
        for name, runner in runners.items()
    }
    machine = f"{choose_device('cpu')}; torch {torch.__version__}"
    lines = [
        "| | ms a step | tokens/s | times as long |",
        "|---|---:|---:|---:|",
        *(
            f"| {name} | {row['milliseconds']} | {row['tokens_per_second']:,} | {row['times_as_long']:.2f} |"
            for name, row in rows.items()
        ),
    ]
    text = (
        f"# What each trick of a training step is worth\n\nPreset {chosen.name}, {tokens:,} tokens a step, "
        f"{len(runners['all tricks'].times)} steps of each kind in turns. {machine}.\n\n"
        "Written by `python benchmarks/step_time.py`.\n\n" + "\n".join(lines) + "\n"
    )
    write_json(RESULTS.with_suffix(".json"), {"machine": machine, "preset": chosen.name, "rows": rows})
    write_text(RESULTS.with_suffix(".md"), text)
    print(text)


if __name__ == "__main__":
    main()
