"""What a person sees in a terminal while a model trains: a table that grows, one line that moves, a closing card.

Each measurement of the validation set is a row that stays. Below the last one a line shows the step that runs now.
Where nobody watches (a file, a pipe, TERM=dumb) the moving line is left out, and a row comes at every tenth of
the way instead. Colours follow NO_COLOR; without UTF-8 the bar is drawn in ASCII: rich sees to both.
"""

import shlex
import time
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text

from slmlib.evaluation import Evaluation
from slmlib.shell import near, this_python
from slmlib.training.checkpoint import checkpoint_folders
from slmlib.training.logs import Event
from slmlib.training.run import Result
from slmlib.training.trainer import spread
from slmlib.utilization import model_flops_utilization

COLUMNS = ("step", "train loss", "valid loss", "perplexity", "bits per byte", "tokens/s", "time")
NARROWEST = 8
"""Characters of a column at least; with two between them the table fits into 80."""
REDRAW_SECONDS = 0.25
"""The moving line is drawn between two steps, at most this often: no thread takes time from the training."""
NOTEWORTHY = 0.02
"""A number of steps that changes by less than this share is not spoken of."""


class TerminalProgress:
    """An observer of the trainer that draws what happens.

    As a context manager it gives the terminal back as it was, however the training ends.
    """

    def __init__(self, console: Console | None = None) -> None:
        """console: where to draw; stdout, unless a test says otherwise."""
        self.console = console or Console(highlight=False)
        self.is_live = self.console.is_terminal and not self.console.is_dumb_terminal
        self.line = Progress(
            TextColumn("step {task.completed:,} of {task.total:,}"),
            BarColumn(bar_width=None),
            TextColumn("{task.fields[now]}"),
            TimeRemainingColumn(compact=True),
            TextColumn("left"),
            console=self.console,
            auto_refresh=False,
            expand=True,
            transient=True,
            disable=not self.is_live,
        )
        self.task = self.line.add_task("training", total=None, now="")
        self.losses: list[float] = []
        self.evaluations = 1
        self.speed, self.drawn, self.tenths, self.has_header = 0, 0.0, frozenset[int](), False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.line.stop()

    def __call__(self, event: Event) -> None:
        """Show one event of the trainer."""
        kind = event["event"]
        if kind == "start":
            self._start(event)
        elif kind == "step":
            self._step(event)
        elif kind == "evaluation":
            self._row(event)
        elif kind == "plan":
            self._plan(event)
        elif kind == "warning":
            self.say(f"Warning, step {event['step']:,}: {event['text']}", "yellow")
        elif kind == "story":
            self.say(f"\n--- a story {event['name']} training ---", "bold")
            self.say(f"{event['text']}\n")
        elif kind == "end":
            self.line.stop()

    def _start(self, event: Event) -> None:
        total, self.evaluations = event["decided"]["total_steps"], event["decided"]["evaluations"]
        self._expect(total)
        done = event["step"]
        what = f"{total - done:,} of {total:,} steps are left" if done else f"Training for {total:,} steps"
        self.say(f"{what}. Ctrl-C saves; the same command goes on.")
        self.line.update(self.task, completed=done)
        self.line.start()

    def _plan(self, event: Event) -> None:
        total, planned = event["total_steps"], event["planned"]
        self._expect(total)
        if abs(total - planned) > NOTEWORTHY * planned:
            self.say(f"The pace is known by now: it will be {total:,} steps, not {planned:,}.")

    def _expect(self, total: int) -> None:
        """Count up to so many steps."""
        if not self.is_live:
            self.tenths = spread(total, 10) - spread(total, self.evaluations)
        self.line.update(self.task, total=total)

    def _step(self, event: Event) -> None:
        self.losses.append(event["loss"])
        self.speed = event["tokens_per_second"]
        if time.monotonic() - self.drawn > REDRAW_SECONDS:
            now = f"loss {event['loss']:.3f}  {self.speed:,} tokens/s"
            self.line.update(self.task, completed=event["step"], now=now, refresh=True)
            self.drawn = time.monotonic()
        if event["step"] in self.tenths:
            self._row(event)

    def _row(self, event: Event) -> None:
        """A row of the table; a step's row has no measurement, the first one no training loss."""
        if not self.has_header:
            self.say("  ".join(f"{name:>{_width(name)}}" for name in COLUMNS), "bold")
            self.has_header = True
        measured = event["event"] == "evaluation"
        cells = (
            f"{event['step']:,}",
            f"{sum(self.losses) / len(self.losses):.4f}" if self.losses else "",
            f"{event['loss']:.4f}" if measured else "",
            f"{event['perplexity']:,.2f}" if measured else "",
            f"{event['bits_per_byte']:.4f}" if measured else "",
            f"{self.speed:,}" if self.losses else "",
            str(timedelta(seconds=round(event["seconds"]))),
        )
        self.losses = []
        self.say("  ".join(f"{cell:>{_width(name)}}" for cell, name in zip(cells, COLUMNS, strict=True)))

    def say(self, text: str, style: str = "") -> None:
        """Print above the moving line; lines are broken only where a person reads them in a window."""
        self.console.print(Text(text, style), soft_wrap=not self.is_live)


def _width(name: str) -> int:
    return max(len(name), NARROWEST)


def closing_card(result: Result) -> str:
    """The last lines of a run: how good, how fast, where it is, and what to type next."""
    trainer = result.trainer
    title = (
        f"{'Finished' if result.finished else 'Stopped and saved'}: step {trainer.step:,} of "
        f"{trainer.config.total_steps:,}" + ("" if result.trained_now else " (it was already finished)")
    )
    lines = [title, *(f"  {name:<14}  {text}" for name, text in _measured(result) + _kept(result))]
    folder = shlex.quote(near(trainer.folder))
    if not result.finished:
        return "\n".join([*lines, "The same command goes on from here."])
    return "\n".join(
        [
            *lines,
            "Next, a story of this model, and its run on a page:",
            f"  {this_python()} -m slmlib generate --model {folder}",
            f"  {this_python()} -m slmlib report {folder}",
        ]
    )


def _measured(result: Result) -> list[tuple[str, str]]:
    """How good on the validation set, against the untrained model, and how fast."""
    trainer, now = result.trainer, result.evaluation
    first = Evaluation.from_history(trainer.history[0])
    rows = [
        ("bits per byte", f"{now.bits_per_byte:.4f}", f"{first.bits_per_byte:.4f}"),
        ("perplexity", f"{now.perplexity:,.2f}", f"{first.perplexity:,.2f}"),
        ("loss", f"{now.loss:.4f}", f"{first.loss:.4f}"),
    ]
    told = [(name, f"{after:<10}  before training {before}") for name, after, before in rows]
    if (measured := int(trainer.history[-1]["step"])) != trainer.step:
        told.append(("measured", f"at step {measured:,}; stopping did not wait for another measurement"))
    tokens = trainer.step * trainer.config.batch_size * trainer.model.config.context_length
    if not trainer.seconds:
        return told
    speed = tokens / trainer.seconds
    told.append(("training", f"{trainer.seconds:,.0f} s, {tokens:,} tokens, {speed:,.0f} tokens/s"))
    if share := model_flops_utilization(
        trainer.model.config, speed, trainer.device, trainer.ranks.world_size
    ):
        told.append(("MFU", f"{share:.1%} of what {trainer.device.name} promises in {trainer.device.dtype}"))
    return told


def _kept(result: Result) -> list[tuple[str, str]]:
    """What the run took, and where it lies."""
    trainer = result.trainer
    return [
        ("peak memory", f"{trainer.device.peak_memory() / 1e6:,.0f} MB"),
        ("loss curve", near(trainer.folder / "loss.png")),
        ("checkpoints", near(trainer.folder / "checkpoints")),
    ]


def left_at_once(folder: Path) -> str:
    """What is there of a run that was broken off without saving, and what to do."""
    saved = checkpoint_folders(folder / "checkpoints")
    if not saved:
        return "Nothing was saved yet; the same command begins again."
    return f"The last checkpoint is {near(saved[-1])}; the same command goes on from there."
