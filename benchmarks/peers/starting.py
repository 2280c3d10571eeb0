"""Start: how long until something happens. Each turn is a new process; the operating system has its files at hand."""

import subprocess
import sys
import time
from typing import Any

from benchmarks.peers.harness import Contestant, Row

FIRST_STEP = """
from slmlib.config import ModelConfig, TrainConfig
from slmlib.devices import choose_device
from slmlib.model.decoder import Decoder
from slmlib.training.optimizers import build_optimizer
import torch
device = choose_device("cpu")
model = Decoder(ModelConfig(vocab_size=4096), seed=0)
optimizer = build_optimizer(model, TrainConfig())
tokens = torch.randint(4096, (16, 129))
with device.autocast():
    loss = model.loss(tokens[:, :-1], tokens[:, 1:])
loss.backward()
optimizer.step()
"""

COMMANDS = {
    "import slmlib": ["-c", "import slmlib"],
    "slmlib --help": ["-m", "slmlib", "--help"],
    "slmlib generate": ["-m", "slmlib", "generate"],
    "slmlib first step": ["-c", FIRST_STEP],
    "import torch": ["-c", "import torch"],
    "import transformers": ["-c", "from transformers import AutoModelForCausalLM"],
    "import litgpt": ["-c", "import litgpt"],
    "python": ["-c", "pass"],
}
"""What is started, as arguments of Python. `python` itself is the floor."""

ROWS = [
    Row(
        "starting/all",
        "from nothing to: a module imported, help shown, a whole first story told, the first training step done",
        "s",
        tuple(COMMANDS),
        higher_is_better=False,
        turns=3,
    )
]
QUICK = Row(
    "starting/quick",
    "to try the machinery",
    "s",
    ("import slmlib", "python"),
    higher_is_better=False,
    turns=2,
)


def differs(name: str, outcome: Any, expected: Any) -> str:
    """Nothing is computed that could differ."""
    return ""


def build(name: str, work: dict[str, Any], checkouts: dict[str, str]) -> Contestant:
    """A command that was started once already."""
    contestant = Start(name)
    contestant.turn()
    return contestant


class Start(Contestant):
    """One command."""

    precision = ""
    packages = ()

    def __init__(self, name: str):
        self.name = name

    def turn(self) -> tuple[float, None]:
        """Seconds from its start to its end."""
        started = time.perf_counter()
        done = subprocess.run([sys.executable, *COMMANDS[self.name]], capture_output=True, text=True)
        seconds = time.perf_counter() - started
        if done.returncode:
            last = done.stderr.strip().splitlines()[-1]
            if "No module named" in last:
                raise ImportError(last, name=last.split("'")[1])
            raise RuntimeError(last)
        return seconds, None
