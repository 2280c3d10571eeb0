"""What happened, written down as it happens.

The trainer tells every observer plain dictionaries, one an event. `JsonlLog` writes them to a file, always;
TensorBoard and Weights & Biases are two more observers. A plot or a live panel is a reader of the file, so a
closed browser tab loses nothing.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from slmlib.errors import ConfigError
from slmlib.files import atomic_write, explain_os_errors

Event = dict[str, Any]
Observer = Callable[[Event], None]
"""Gets events of these kinds: `start`, `step`, `evaluation`, `story`, `checkpoint`, `warning`, `end`."""


class JsonlLog:
    """Appends each event as one line of JSON. Continuing at a step forgets lines written after it."""

    def __init__(self, path: Path, step: int = 0):
        """step: how many steps are done; what a killed process logged beyond them will be done again."""
        self.path = path
        if path.exists():
            kept = [event for event in read_log(path) if event.get("step", 0) <= step]
            with atomic_write(path) as file:
                file.writelines(_line(event) for event in kept)
        else:
            with atomic_write(path):
                pass

    def __call__(self, event: Event) -> None:
        with explain_os_errors(self.path), open(self.path, "ab") as file:
            file.write(_line(event))


def _line(event: Event) -> bytes:
    return (json.dumps(event, ensure_ascii=False) + "\n").encode()


def read_log(path: Path) -> list[Event]:
    """All whole events of a log file; a last line cut off by a kill is left out."""
    events = []
    for line in Path(path).read_bytes().splitlines():
        try:
            events.append(json.loads(line))
        except ValueError:
            continue
    return events


def series(events: list[Event], kind: str, value: str) -> tuple[list[int], list[float]]:
    """Steps and values of one quantity, ready to plot: `series(events, "step", "loss")`."""
    chosen = [event for event in events if event["event"] == kind]
    return [event["step"] for event in chosen], [event[value] for event in chosen]


def tensorboard_log(folder: Path) -> Observer:
    """An observer that writes numbers and stories for TensorBoard into `folder`."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        raise ConfigError("The tensorboard package is not installed.", "pip install tensorboard.") from None
    writer = SummaryWriter(str(folder))

    def observe(event: Event) -> None:
        for name, value in _numbers(event).items():
            writer.add_scalar(f"{event['event']}/{name}", value, event["step"])
        if event["event"] == "story":
            writer.add_text(event["name"], event["text"], event["step"])
        if event["event"] == "end":
            writer.close()
        elif event["event"] != "step":
            writer.flush()

    return observe


def wandb_log(folder: Path, config: dict[str, Any]) -> Observer:
    """An observer that writes to Weights & Biases; with WANDB_MODE=offline into `folder` only."""
    try:
        import wandb
    except ImportError:
        raise ConfigError("The wandb package is not installed.", "pip install wandb.") from None
    run = wandb.init(project="slmlib", name=folder.name, dir=str(folder), config=config)

    def observe(event: Event) -> None:
        numbers = {f"{event['event']}/{name}": value for name, value in _numbers(event).items()}
        if numbers:
            run.log(numbers, step=event["step"])
        if event["event"] == "end":
            run.finish()

    return observe


def _numbers(event: Event) -> dict[str, float]:
    return {
        name: value
        for name, value in event.items()
        if isinstance(value, int | float) and name not in ("step", "time")
    }
