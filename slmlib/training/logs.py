"""What happened, written down as it happens.

The trainer tells every observer plain dictionaries, one an event. `JsonlLog` writes them to a file, always;
TensorBoard and Weights & Biases are two more observers. A plot or a live panel is a reader of the file, so a
closed browser tab loses nothing.
"""

import json
import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from slmlib.errors import ConfigError
from slmlib.files import atomic_write, explain_os_errors

Event = dict[str, Any]
Observer = Callable[[Event], None]
"""Gets events of these kinds: `start`, `plan`, `step`, `evaluation`, `story`, `checkpoint`, `warning`, `end`."""


LARGEST_PART = 32_000_000
"""Bytes after which a log goes on in a new file: about 200,000 steps."""


class JsonlLog:
    """Appends each event as one line of JSON. Continuing at a step forgets lines written after it.

    When the file has grown to `largest` bytes it becomes `log-0001.jsonl`, then `log-0002.jsonl` and so on, and
    a new `log.jsonl` begins; `read_log` reads them as one.
    """

    def __init__(self, path: Path, step: int = 0, largest: int = LARGEST_PART):
        """step: how many steps are done; what a killed process logged beyond them will be done again. -1: a new log,
        of which an earlier attempt's first events are no part."""
        self.path, self.largest = path, largest
        if not path.exists():
            with atomic_write(path):
                pass
        for part in reversed(_parts(path)):  # the newest first: older ones end earlier
            events = _read_part(part)
            kept = [event for event in events if event.get("step", 0) <= step]
            if part == path or len(kept) < len(events):
                with atomic_write(part) as file:
                    file.writelines(_line(event) for event in kept)
            if part != path and len(kept) == len(events):
                break

    def __call__(self, event: Event) -> None:
        with explain_os_errors(self.path):
            with open(self.path, "ab") as file:
                file.write(_line(event))
                size = file.tell()
            if size >= self.largest:
                number = len(_parts(self.path))
                os.replace(self.path, self.path.with_stem(f"{self.path.stem}-{number:04d}"))
                with atomic_write(self.path):
                    pass


def _line(event: Event) -> bytes:
    """As JSON, which has no infinite numbers: the gradient norm of a step that float16's scaler leaves out is null."""
    plain = {
        name: None if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in event.items()
    }
    return (json.dumps(plain, ensure_ascii=False) + "\n").encode()


def _parts(path: Path) -> list[Path]:
    """The files of a log, oldest first; `path` itself, which may be missing for a moment, comes last."""
    return [*sorted(path.parent.glob(f"{path.stem}-[0-9][0-9][0-9][0-9]{path.suffix}")), path]


def read_log(path: Path) -> list[Event]:
    """All whole events of a log, of all its files; a last line cut off by a kill is left out."""
    path = Path(path)
    parts = _parts(path)
    events = [event for part in parts[:-1] for event in _read_part(part)]
    try:
        events += _read_part(path)
    except FileNotFoundError:
        if len(parts) == 1:
            raise
    # The log may have begun a new file while it was read.
    return events if _parts(path) == parts else read_log(path)


def _read_part(path: Path) -> list[Event]:
    events = []
    for line in path.read_bytes().splitlines():
        try:
            event = json.loads(line)
        except ValueError:
            continue
        if isinstance(event, dict) and "event" in event:
            events.append(event)
    return events


def series(events: list[Event], kind: str, value: str) -> tuple[list[int], list[float]]:
    """Steps and values of one quantity, ready to plot: `series(events, "step", "loss")`. Null becomes NaN."""
    chosen = [event for event in events if event["event"] == kind]
    values = [math.nan if event[value] is None else event[value] for event in chosen]
    return [event["step"] for event in chosen], values


def tensorboard_log(folder: Path, step: int = 0) -> Observer:
    """An observer that writes numbers and stories for TensorBoard into `folder`.

    step: as of `JsonlLog`.
    """
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        raise ConfigError("The tensorboard package is not installed.", "pip install tensorboard.") from None
    writer = SummaryWriter(str(folder), purge_step=step + 1)

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
    """What of an event can be drawn over its steps: no clock, no yes or no, no plan."""
    if event["event"] == "plan":
        return {}
    return {
        name: value
        for name, value in event.items()
        if isinstance(value, int | float) and not isinstance(value, bool) and name not in ("step", "seconds")
    }
