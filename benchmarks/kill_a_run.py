"""Kills a training run at random moments, again and again, and compares what it ends with, bit for bit.

    python benchmarks/kill_a_run.py --kills 100

Each life of the run is a process that does what `python -m slmlib train` does: prepare or open the data, go on from
the newest good checkpoint, train, save after every step. SIGKILL leaves it no time to clean up. At the end the
weights and the optimizer's state must equal those of a run that nobody touched, and the log must hold every step once.
"""

import argparse
import multiprocessing
import os
import random
import signal
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from safetensors.torch import load_file

from slmlib.config import ModelConfig, TrainConfig
from slmlib.storyworld import stories
from slmlib.text.textfiles import write_stories
from slmlib.training.checkpoint import TEMPORARY, checkpoint_folders, newest_checkpoint
from slmlib.training.logs import read_log, series
from slmlib.training.run import Wish, start_or_resume


@dataclass(frozen=True)
class Outcome:
    """What came of it."""

    kills: int
    inside_a_save: int
    """How many of them left a half-written checkpoint behind."""
    before_the_first_step: int
    lives: int
    identical: bool
    every_step_once: bool

    def __str__(self) -> str:
        return (
            f"{self.kills} kills ({self.inside_a_save} inside a save, {self.before_the_first_step} before the first "
            f"new step), {self.lives} lives: final weights and optimizer "
            f"{'bit-identical' if self.identical else 'DIFFERENT'}, every step in the log "
            f"{'once' if self.every_step_once else 'NOT ONCE'}"
        )


def kill_again_and_again(folder: Path, kills: int, steps: int, seed: int = 0) -> Outcome:
    """Train once in peace and once under `kills` kills, both below `folder`."""
    os.environ["SLM_HOME"] = str(folder / "home")
    write_stories(folder / "stories.txt", (story.text for story in stories(0, 400, 0)))
    model = ModelConfig(
        vocab_size=300, context_length=32, embed_dim=32, num_layers=2, num_heads=2, dropout=0.1
    )
    train = TrainConfig(
        total_steps=steps,
        batch_size=4,
        checkpoints=steps,
        evaluations=4,
        threads=1,
        dtype="float32",
        device="cpu",
    )
    peace = Wish(model, train, folder / "peace", str(folder / "stories.txt"))
    start_or_resume(peace, say=lambda sentence: None, progress=False)
    killed = replace(peace, folder=folder / "killed")
    chance = random.Random(seed)
    done = inside = early = lives = 0
    while True:
        lives += 1
        before = _newest_step(killed.folder)
        life = multiprocessing.get_context("fork").Process(target=_live, args=(killed,))
        life.start()
        # Every fourth kill may come at any moment, the others after some steps: the run has to get on as well.
        goal = before if chance.random() < 0.25 else before + chance.randrange(1, max(2, steps // kills))
        while life.is_alive() and done < kills:
            if _newest_step(killed.folder) >= goal:
                time.sleep(chance.random() * 0.02)
                life.kill()
                life.join()
                if life.exitcode == -signal.SIGKILL:
                    done += 1
                    inside += any(killed.folder.glob(f"checkpoints/{TEMPORARY}*"))
                    early += _newest_step(killed.folder) == before
        life.join()
        if life.exitcode == 0:
            break
        if life.exitcode != -signal.SIGKILL:
            raise SystemExit(f"A life ended with exit code {life.exitcode}.")
    logged = series(read_log(killed.folder / "log.jsonl"), "step", "loss")[0]
    return Outcome(
        done,
        inside,
        early,
        lives,
        _identical(peace.folder, killed.folder),
        logged == list(range(1, steps + 1)),
    )


def _live(wish: Wish) -> None:
    start_or_resume(wish, say=lambda sentence: None, progress=False)


def _newest_step(folder: Path) -> int:
    return max((int(path.name[5:]) for path in checkpoint_folders(folder / "checkpoints")), default=-1)


def _identical(first: Path, second: Path) -> bool:
    ends = [newest_checkpoint(folder / "checkpoints") for folder in (first, second)]
    assert ends[0] is not None
    assert ends[1] is not None
    if ends[0].progress.history != ends[1].progress.history or ends[0].progress.step != ends[1].progress.step:
        return False
    for name in ("model.safetensors", "optimizer.safetensors"):
        ours, theirs = (load_file(end.folder / name) for end in ends if end)
        if ours.keys() != theirs.keys() or not all(torch.equal(ours[key], theirs[key]) for key in ours):
            return False
    return True


def main() -> None:
    """Say what came of it; exit code 1 when anything differs."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--steps", type=int, default=0, help="steps of the run; 0 means six a kill")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        outcome = kill_again_and_again(Path(name), arguments.kills, arguments.steps or 6 * arguments.kills)
    print(outcome)
    if not (outcome.identical and outcome.every_step_once):
        raise SystemExit(1)


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
