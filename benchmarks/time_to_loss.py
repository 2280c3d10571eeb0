"""How far does a time budget go? `python -m slmlib train` as a person starts it, the clock running from its start.

    SLM_CORPUS=/path/to/tinystories python benchmarks/time_to_loss.py --minutes 0.5 --seeds 0 1 2

Loading libraries, preparing data (with `--cold` also cleaning it and learning the tokenizer), measuring and compiling
are in the budget; the compile cache is empty. Each run is a row of benchmarks/results/time_to_loss.json, the table
stands beside it as .md; what is there already is not run again.
"""

import argparse
import math
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from slmlib.devices import choose_device
from slmlib.evaluation import Evaluation
from slmlib.files import home, read_json, write_json, write_text
from slmlib.training.checkpoint import newest_checkpoint

RESULTS = Path(__file__).resolve().parent / "results" / "time_to_loss"
SETTINGS = ("preset", "minutes", "seed", "options")


def run(
    preset: str, minutes: float, seed: int, options: list[str], cold: bool, bytes_of_file: int
) -> dict[str, Any]:
    """Train in a process of its own; what came of it. bytes_of_file: of valid.txt with all between its stories."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        # torch keeps its compiled header among the temporary files, wherever the cache is.
        environment = os.environ | {"TORCHINDUCTOR_CACHE_DIR": str(folder / "compiled"), "TMPDIR": name}
        environment["SLM_HOME"] = str(folder / "home") if cold else str(home())
        run_folder = Path(environment["SLM_HOME"]) / "runs" / f"time-to-loss-{os.getpid()}-{seed}"
        command = [sys.executable, "-m", "slmlib", "train", "--preset", preset, "--minutes", f"{minutes:g}"]
        command += ["--seed", str(seed), "--run", run_folder.name, *options]
        started = time.perf_counter()
        subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=True)
        seconds = time.perf_counter() - started
        checkpoint = newest_checkpoint(run_folder / "checkpoints")
        assert checkpoint is not None, "the run has ended without an error, so it is saved"
        progress, config = checkpoint.progress, checkpoint.model.config
    measured = Evaluation.from_history(progress.history[-1])
    tokens = progress.step * progress.decided.batch_size * config.context_length
    return {
        "preset": preset,
        "minutes": minutes,
        "seed": seed,
        "options": " ".join(options),
        "wall_seconds": round(seconds, 1),
        "training_seconds": round(progress.seconds, 1),
        "steps": progress.step,
        "tokens": tokens,
        "tokens_per_second": round(tokens / progress.seconds),
        "bits_per_byte": round(measured.bits_per_byte, 4),
        "bits_per_byte_of_file": round(measured.nats / math.log(2) / bytes_of_file, 4),
        "compile": progress.decided.compile,
        "cold": cold,
    }


def table(rows: list[dict[str, Any]]) -> str:
    """The rows as Markdown, in the order of their budgets."""
    lines = [
        "| preset | budget, s | seed | options | bits per byte | of the file | wall s | training s | tokens/s | compile |",
        "|---|---:|---:|---|---:|---:|---:|---:|---:|---|",
    ]
    for row in sorted(rows, key=lambda row: (row["minutes"], row["preset"], row["options"], row["seed"])):
        lines.append(
            f"| {row['preset']} | {60 * row['minutes']:g} | {row['seed']} | {row['options']} | "
            f"{row['bits_per_byte']:.3f} | {row['bits_per_byte_of_file']:.3f} | {row['wall_seconds']} | {row['training_seconds']} | "
            f"{row['tokens_per_second']:,} | {row['compile']} |"
        )
    return "\n".join(lines) + "\n"


def save(results: dict[str, Any]) -> None:
    """Write the rows, and the table of them."""
    write_json(RESULTS.with_suffix(".json"), results)
    text = (
        f"# How far a time budget goes\n\n{results['machine']}. {results['note']}\n\nBits per byte on the whole "
        "validation set: the loss of every token, end-of-text included, by the bytes of the stories; `of the file`: "
        "by all bytes of valid.txt, the lines between its stories included. Set-up, measuring, a cold compile and "
        "all evaluations are in the budget.\n\nWritten by `python benchmarks/time_to_loss.py`.\n\n"
        + table(results["rows"])
    )
    write_text(RESULTS.with_suffix(".md"), text)


def main() -> None:
    """Run what is not there yet, and write the table after each run."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--preset", default="1M")
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--options", default="", help="more flags of `train`, in one string")
    parser.add_argument(
        "--cold", action="store_true", help="with nothing prepared: tokenizer in the budget, too"
    )
    parser.add_argument("--note", default="", help="what a reader should know of the machine")
    arguments = parser.parse_args()
    valid = Path(os.environ.get("SLM_CORPUS", "")) / "valid.txt"
    if not valid.is_file():
        parser.error(f"SLM_CORPUS must name a folder with train.txt and valid.txt; there is no {valid}.")
    kept = RESULTS.with_suffix(".json")
    results = read_json(kept) if kept.exists() else {"rows": []}
    results["machine"] = str(choose_device())
    results["note"] = arguments.note or results.get("note", "")
    for seed in arguments.seeds:
        wanted = (arguments.preset, arguments.minutes, seed, arguments.options)
        if any(tuple(row[name] for name in SETTINGS) == wanted for row in results["rows"]):
            continue
        options, size = arguments.options.split(), valid.stat().st_size
        row = run(arguments.preset, arguments.minutes, seed, options, arguments.cold, size)
        results["rows"].append(row)
        save(results)
        print(row, flush=True)
    save(results)  # also with another note


if __name__ == "__main__":
    main()
