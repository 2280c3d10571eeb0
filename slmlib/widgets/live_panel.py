"""Watch a run while it trains: one more reader of what it leaves in its folder.

    Trainer(..., observers=(LivePanel(folder),))

Numbers come from the log file, stories from the checkpoints, so a closed browser tab loses nothing:
`LivePanel(folder).picture()` draws any run at any time, a finished one too.
"""

import signal
import time
from collections.abc import Mapping
from math import log
from pathlib import Path
from typing import Any

from slmlib.config import Sampling
from slmlib.errors import SlmError
from slmlib.generation import generate
from slmlib.plots import Picture, Table, training_panel
from slmlib.plots.table import spaced
from slmlib.shell import clock
from slmlib.training.checkpoint import load_checkpoint
from slmlib.training.logs import Event, read_log, series
from slmlib.widgets.base import Page, live, paragraph

SHARE = 20
"""A picture that took a second is drawn again after this many: watching may cost a twentieth of the time."""

STORY_TOKENS = 40
LIVE_DPI = 80


class LivePanel:
    """An observer for the Trainer: loss, learning rate, gradient norm, speed, a growing story, a stop button.

    folder: the run's. prompt: how the story begins. every: draw at every so many steps; 0: as often as costs
    at most a twentieth of the time. floors: name -> a loss to draw as a thin line; that of a uniform guess
    comes by itself. Where nobody watches it prints a line for every measurement and ends in a still picture.
    """

    def __init__(
        self,
        folder: Path | str,
        prompt: str = "Once upon a time",
        every: int = 0,
        floors: Mapping[str, float] | None = None,
    ):
        self.folder, self.prompt, self.every = Path(folder), prompt, every
        self.floors = dict(floors or {})
        self.stories: list[tuple[int, str]] = []
        """(step, continuation of the prompt), one for every checkpoint seen."""
        self._total = 0
        self._slot: Any = None
        self._button: Any = None
        self._draw_after = 0.0
        self._note, self._ended = "", False

    def __call__(self, event: Event) -> None:
        """Take notice of one event of the trainer."""
        kind = event["event"]
        if kind == "start":
            self._begin(event["decided"]["total_steps"])
        elif kind == "plan":
            self._total = event["total_steps"]
        elif kind == "checkpoint":
            self._tell_story(self.folder / "checkpoints" / event["folder"])
        elif kind == "evaluation" and self._slot is None:
            print(f"step {event['step']:,} of {self._total:,}: validation loss {event['loss']:.2f}")
        elif kind == "end":
            self._end(event["finished"])
        if self._slot is not None and kind in ("step", "evaluation") and self._due(event["step"]):
            started = time.perf_counter()
            self._slot.update(self.page(LIVE_DPI))
            now = time.perf_counter()
            self._draw_after = now + SHARE * (now - started)

    def picture(self) -> Picture:
        """The run so far, from its log file."""
        return training_panel(self._events(), self.floors, self._total)

    def page(self, dpi: int = 150) -> Page:
        """Picture, how far it is, and the stories so far."""
        picture, stories = self.picture(), self._stories_table()
        status = self._status()
        parts = [paragraph(status), picture.html(dpi), stories._repr_html_() if self.stories else ""]
        return Page("".join(parts), "\n".join([status, repr(picture), repr(stories) if self.stories else ""]))

    def _begin(self, total_steps: int) -> None:
        self._total = total_steps
        if not live():
            print(f"Training for {total_steps:,} steps.")
            return
        from IPython.display import display

        self._button, self._note = _stop_button()
        if self._button is not None:
            display(self._button)
            # ipykernel 7.4 hands a click to whoever spoke last through the button: the busy main thread.
            getattr(self._button.comm, "__dict__", {}).pop("_reply_subshell_id", None)
        self._slot = display(self.page(LIVE_DPI), display_id=True)

    def _end(self, finished: bool) -> None:
        from IPython.display import display

        self._ended = True
        self._note = "Finished." if finished else "Stopped and saved."
        if self._button is not None:
            self._button.close()
            self._button = None
        if self._slot is None:
            display(self.page())
        else:
            self._slot.update(self.page())
            self._slot = None

    def _due(self, step: int) -> bool:
        if self.every:
            return step % self.every == 0
        return time.perf_counter() >= self._draw_after

    def _tell_story(self, checkpoint_folder: Path) -> None:
        """Let the newest checkpoint, read back from the disk, continue the prompt."""
        try:
            checkpoint = load_checkpoint(checkpoint_folder)
        except SlmError as error:  # a panel must never stop a run
            self._note = str(error)
            return
        self.floors.setdefault("a uniform guess", log(checkpoint.model.config.vocab_size))
        sampling = Sampling(max_tokens=STORY_TOKENS, seed=1)
        text = generate(checkpoint.model, checkpoint.tokenizer, self.prompt, sampling)[0]
        new = text.removeprefix(self.prompt)
        self.stories.append((checkpoint.progress.step, spaced(new)))

    def _events(self) -> list[Event]:
        path = self.folder / "log.jsonl"
        return read_log(path) if path.exists() else []

    def _status(self) -> str:
        steps, seconds = series(self._events(), "step", "seconds")
        done = steps[-1] if steps else 0
        words = [f"Step {done:,} of {self._total:,}."] if self._total else [f"Step {done:,}."]
        if self._slot is not None and not self._ended and 0 < done < self._total:
            left = (self._total - done) * seconds[-1] / done
            words.append(f"About {clock(left)} to go.")
        return " ".join([*words, self._note]).strip()

    def _stories_table(self) -> Table:
        caption = f"The same beginning at every checkpoint: {self.prompt} ..."
        return Table(
            caption, ("step", "how the model goes on"), [(f"{step:,}", text) for step, text in self.stories]
        )


def _stop_button() -> tuple[Any, str]:
    """A button that stops the run as Kernel → Interrupt does, and what to say about it.

    A click reaches a busy kernel only through a subshell (ipykernel 7 and JupyterLab 4.4 or newer). Without
    one there is no button, and the sentence says so.
    """
    try:
        import ipywidgets
        from IPython import get_ipython

        arrives = bool(getattr(get_ipython().kernel, "_supports_kernel_subshells", False))
    except (ImportError, AttributeError):
        arrives = False
    if not arrives:
        return (
            None,
            "To stop and save: Kernel → Interrupt (a click cannot reach this kernel while a cell runs).",
        )
    button = ipywidgets.Button(
        description="Stop and save", tooltip="Finish this step, save, stop", icon="stop"
    )

    def stop(_: Any) -> None:
        button.disabled, button.description = True, "Stopping"
        signal.raise_signal(
            signal.SIGINT
        )  # Python hands it to the main thread, where the trainer waits for it

    button.on_click(stop)
    return button, "To stop and save: this button, or Kernel → Interrupt, which always works."
