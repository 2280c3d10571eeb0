"""What is each choice of the default recipe worth? Each one is switched off alone and trained for the same time.

    SLM_CORPUS=/path/to/tinystories python benchmarks/ablate_recipe.py --seconds 90 --loss 1.2 --seeds 3 --together 2

Each run is a process of its own with an empty compile cache: set-up, measuring and compiling are in its time budget,
as for a user. With `--together 2` two runs share the machine, each on half of its cores. A row is written to
benchmarks/results/recipe_ablation.json as soon as it is there, so the same command goes on where it stopped; `--only`
names some choices. The table stands beside it, as .md.

Time to loss: seconds from the start of the process until the mean of ten training losses in a row is below
`--loss` bits per byte. (In less than an epoch the training text is as new to the model as the validation text.)
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import replace
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import psutil
import torch

from slmlib.devices import choose_device
from slmlib.files import read_json, write_json, write_text
from slmlib.presets import default_preset, preset
from slmlib.text.prepare import prepare

RESULTS = Path(__file__).resolve().parent / "results" / "recipe_ablation"

CHOICES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "the recipe": ({}, {}),
    "AdamW instead of Muon": ({}, {"optimizer": "adamw"}),
    "compiled whatever it costs": ({}, {"compile": "on"}),
    "not compiled": ({}, {"compile": "off"}),
    "float32": ({}, {"dtype": "float32"}),
    "fused attention": ({}, {"attention": "fused"}),
    "no QK-norm": ({"qk_norm": False}, {}),
    "GELU instead of ReLU^2": ({"activation": "gelu"}, {}),
    "SwiGLU instead of ReLU^2": ({"activation": "silu", "gated": True}, {}),
    "GPT-2's first weights": ({"initialization": "gpt2"}, {}),
    "learned positions instead of RoPE": ({"position": "learned"}, {}),
    "cosine instead of stay-then-descend": ({}, {"schedule": "cosine"}),
    "vocabulary 2,048": ({"vocab_size": 2048}, {}),
    "vocabulary 8,192": ({"vocab_size": 8192}, {}),
    "context 128, as many tokens a step": ({"context_length": 128}, {"batch_size": 16}),
    "width 192": ({"embed_dim": 192, "num_heads": 3}, {}),
    "half the batch": ({}, {"batch_size": 4}),
    "twice the batch": ({}, {"batch_size": 16}),
}
"""What each run changes: of the model, of the training. All have the default preset's other values."""

SMOOTHING = 10
"""Training losses whose mean has to be below the loss asked for."""


def train_once(arguments: argparse.Namespace) -> dict[str, Any]:
    """Train in this process; the row of the table."""
    from slmlib.training.run import Wish, start_or_resume

    began = time.perf_counter() - (time.time() - psutil.Process().create_time())
    chosen, choice, loss = preset(arguments.preset), arguments.one, arguments.loss
    model_changes, train_changes = CHOICES[choice]
    model = chosen.model.change(model_changes)
    minutes, threads = arguments.seconds / 60, torch.get_num_threads() // arguments.together
    train = replace(
        chosen.train, minutes=minutes, seed=arguments.seed, threads=max(1, threads), **train_changes
    )
    recent: deque[float] = deque(maxlen=SMOOTHING)
    reached: list[float] = []
    bits_per_nat = prepared_bits_per_nat(model.vocab_size)

    def watch(event: dict[str, Any]) -> None:
        if event["event"] == "step":
            recent.append(event["loss"] * bits_per_nat)
            if not reached and len(recent) == SMOOTHING and mean(recent) < loss:
                reached.append(time.perf_counter() - began)

    with tempfile.TemporaryDirectory() as folder:
        wish = Wish(model, train, Path(folder) / "run")
        result = start_or_resume(wish, (watch,), progress=False, started=began)
    trainer = result.trainer
    tokens = trainer.config.total_steps * train.batch_size * model.context_length
    return {
        "choice": choice,
        "seed": arguments.seed,
        "seconds": arguments.seconds,
        "loss": loss,
        "bits_per_byte": round(result.evaluation.bits_per_byte, 4),
        "seconds_to_loss": round(reached[0], 1) if reached else None,
        "steps": trainer.config.total_steps,
        "tokens_per_second": round(tokens / trainer.seconds),
        "compile": trainer.config.compile,
        "wall_seconds": round(time.perf_counter() - began, 1),
    }


def prepared_bits_per_nat(vocab_size: int) -> float:
    """What turns nats per token into bits per byte, for this corpus and vocabulary; makes the data ready, too."""
    info = prepare(vocab_size=vocab_size, max_bytes=10**7, progress=False).valid.info
    return info.num_tokens / info.num_bytes / 0.6931471805599453


def run_apart(choice: str, seed: int, arguments: argparse.Namespace) -> dict[str, Any]:
    """The same in a process of its own, with nothing compiled yet."""
    with tempfile.TemporaryDirectory() as cache:
        command = [
            sys.executable,
            __file__,
            "--one",
            choice,
            "--seed",
            str(seed),
            "--preset",
            arguments.preset,
        ]
        command += ["--seconds", str(arguments.seconds), "--loss", str(arguments.loss)]
        command += ["--together", str(arguments.together)]
        done = subprocess.run(
            [*arguments.under.split(), *command],
            env=os.environ | {"TORCHINDUCTOR_CACHE_DIR": cache},
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
    row: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return row


def table(rows: list[dict[str, Any]]) -> str:
    """Means over the seeds with standard deviations, the best first after the recipe itself."""
    lines = [
        "| choice | bits per byte | against the recipe | seconds to loss | tokens/s | seeds |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    by_choice = {choice: [row for row in rows if row["choice"] == choice] for choice in CHOICES}
    by_choice = {choice: found for choice, found in by_choice.items() if found}
    means = {choice: mean(row["bits_per_byte"] for row in found) for choice, found in by_choice.items()}
    base = means.get("the recipe", float("nan"))
    for choice in sorted(by_choice, key=lambda name: (name != "the recipe", means[name])):
        found = by_choice[choice]
        reached = [row["seconds_to_loss"] for row in found if row["seconds_to_loss"] is not None]
        cells = (
            choice,
            spread([row["bits_per_byte"] for row in found], 3),
            "" if choice == "the recipe" else f"{means[choice] - base:+.3f}",
            spread(reached, 1) if len(reached) == len(found) else "not in all runs" if reached else "never",
            f"{mean(row['tokens_per_second'] for row in found):,.0f}",
            str(len(found)),
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def spread(numbers: list[float], digits: int) -> str:
    """Mean ± standard deviation; of a single number nothing is known about its spread."""
    told = f"{mean(numbers):.{digits}f}"
    return f"{told} ± {stdev(numbers):.{digits}f}" if len(numbers) > 1 else told


def main() -> None:
    """Train what is not in the results yet, and write the table anew after each run."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=90.0, help="time budget of each run")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--loss", type=float, default=1.2, help="bits per byte for the time to loss")
    parser.add_argument("--preset", default=default_preset("cpu").name)
    parser.add_argument("--only", nargs="+", choices=CHOICES, default=list(CHOICES), metavar="CHOICE")
    parser.add_argument(
        "--together", type=int, default=1, help="runs at the same time, each on its share of cores"
    )
    parser.add_argument("--under", default="", help="a command to run each training under, such as `nice`")
    parser.add_argument("--note", default="", help="what a reader of the table should know of the machine")
    parser.add_argument("--one", choices=CHOICES, help=argparse.SUPPRESS)
    parser.add_argument("--seed", type=int, default=0, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        print(json.dumps(train_once(arguments)))
        return
    kept = RESULTS.with_suffix(".json")
    settings = {name: getattr(arguments, name) for name in ("seconds", "loss", "preset", "together")}
    results = read_json(kept) if kept.exists() else {"rows": []}
    if any(results.get(name, value) != value for name, value in settings.items()):
        sys.exit(f"{kept} was made with other settings; move it away or use the same ones: {settings}.")
    vocab_size = preset(arguments.preset).model.vocab_size
    for choice in arguments.only:
        prepared_bits_per_nat(CHOICES[choice][0].get("vocab_size", vocab_size))  # not in anybody's budget
    done = {(row["choice"], row["seed"]) for row in results["rows"]}
    # All choices once before the second seed: a broken-off table is fair.
    left = [(choice, seed) for seed in range(arguments.seeds) for choice in arguments.only]
    left = [one for one in left if one not in done]
    results |= {
        "machine": str(choose_device()),
        "note": arguments.note or results.get("note", ""),
        **settings,
    }
    with ThreadPoolExecutor(arguments.together) as pool:
        runs = [pool.submit(run_apart, choice, seed, arguments) for choice, seed in left]
        try:
            for finished in as_completed(runs):
                results["rows"].append(finished.result())
                write_json(kept, results)
                write_text(RESULTS.with_suffix(".md"), page(results))
                print(results["rows"][-1], flush=True)
        except BaseException:
            pool.shutdown(
                wait=False, cancel_futures=True
            )  # else all that is left would be trained for nothing
            raise


def page(results: dict[str, Any]) -> str:
    """The whole page: what was run, where, and the table."""
    cores = (
        "" if results["together"] == 1 else f" {results['together']} runs at a time shared the cores evenly."
    )
    return (
        f"# What each choice of the recipe is worth\n\nPreset {results['preset']}, {results['seconds']:g} s for each "
        f"run, set-up and compiling included; loss {results['loss']:g} bits per byte. {results['machine']}.{cores} "
        f"{results['note']}\n\nWritten by `python benchmarks/ablate_recipe.py`; ± is the standard deviation over the "
        f"seeds.\n\n{table(results['rows'])}"
    )


if __name__ == "__main__":
    main()
