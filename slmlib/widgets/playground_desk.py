"""The desk of the playground: settings, Write and Stop, and the thread that writes.

Writing happens beside the notebook's own thread, so that Stop and the sliders answer at any moment.
"""

import html
import threading
import time
from contextlib import closing
from typing import TYPE_CHECKING, Any

from slmlib.config import Sampling
from slmlib.errors import SlmError
from slmlib.widgets.base import WHOLE_NAME, slider
from slmlib.widgets.playground_drafts import Draft, Writer

if TYPE_CHECKING:
    import ipywidgets

MOST = 4
"""So many continuations fit beside one another."""

REDRAW = 0.08
"""Seconds between two drawings of a growing text."""


class Desk:
    """Field, sliders and buttons over a draft, and the thread that writes the next one."""

    def __init__(self, writer: Writer, draft: Draft, start: Sampling):
        """draft: what lies on the desk at first. start: where the sliders stand."""
        import ipywidgets

        self.writer = writer
        self.thread: threading.Thread | None = None
        self._stop = threading.Event()
        self.prompt = ipywidgets.Textarea(
            value=draft.prompt,
            description="Beginning",
            rows=2,
            style=WHOLE_NAME,
            layout={"width": "100%", "max_width": "704px"},
        )
        context = writer.model.config.context_length
        self.count = slider("Continuations", MOST, len(draft.rows), lowest=1)
        self.dials = {
            "temperature": _dial("Temperature", start.temperature, 0.0, 2.0, 0.1),
            "top_p": _dial("top-p (1: all)", start.top_p, 0.05, 1.0, 0.05),
            "top_k": slider("top-k (0: all)", max(100, start.top_k), start.top_k),
            "min_p": _dial("min-p (0: all)", start.min_p, 0.0, 0.5, 0.01),
            "repetition_penalty": _dial("Repetition penalty", start.repetition_penalty, 1.0, 2.0, 0.05),
            "max_tokens": slider("Length in tokens", context, min(start.max_tokens, context), lowest=1),
            "seed": slider("Seed", max(100, start.seed), start.seed),
        }
        sliders = [self.count, *self.dials.values()]
        for one in sliders:
            one.layout = {"width": "340px", "max_width": "100%"}
        # Never disabled: a button that is loses the keyboard's focus.
        self.write = ipywidgets.Button(
            description="Write", tooltip="Write with these settings", icon="pencil", button_style="primary"
        )
        self.stop = ipywidgets.Button(
            description="Stop", tooltip="Stop writing and keep what there is", icon="stop"
        )
        self.write.on_click(self._on_write)
        self.stop.on_click(self._on_stop)
        self.status = ipywidgets.HTML()
        self.growing = ipywidgets.HTML()
        self.paper = ipywidgets.VBox([writer.look(draft)])
        rows = {"flex_flow": "row wrap"}
        self.box = ipywidgets.VBox(
            [
                self.prompt,
                ipywidgets.Box(sliders, layout=rows),
                ipywidgets.Box(
                    [self.write, self.stop, self.status], layout={**rows, "align_items": "center"}
                ),
                self.paper,
            ]
        )
        self._say("Press Write.")

    def _on_write(self, _: Any) -> None:
        """Stop what is being written, take the settings, begin anew."""
        self._finish()
        try:
            sampling = Sampling(**{name: dial.value for name, dial in self.dials.items()})
        except SlmError as error:
            self._say(str(error))
            return
        self.thread = threading.Thread(
            target=self._work, args=(self.prompt.value, sampling, self.count.value), daemon=True
        )
        self.thread.start()

    def _on_stop(self, _: Any) -> None:
        self._stop.set()
        if self.thread is None or not self.thread.is_alive():
            self._say("Nothing is being written.")

    def _finish(self) -> None:
        """Wait until the writing thread has put down its pen."""
        self._stop.set()
        if self.thread is not None:
            self.thread.join()
        self._stop.clear()

    def _work(self, prompt: str, sampling: Sampling, count: int) -> None:
        self._say("Writing. Press Stop to end it here.")
        try:
            started = drawn = time.perf_counter()
            draft: Draft | None = None
            with closing(self.writer.write(prompt, sampling, count)) as steps:
                for draft in steps:
                    now = time.perf_counter()
                    if now - drawn >= REDRAW or self.growing not in self.paper.children:
                        drawn = now
                        self._grow(draft)
                    if self._stop.is_set():
                        break
            assert draft is not None
            seconds = time.perf_counter() - started
            self.writer.measure(draft)
            self._lay(self.writer.look(draft))
            written = sum(map(len, draft.rows))
            self._say(
                f"{'Stopped' if self._stop.is_set() else 'Done'}: {written:,} tokens in {seconds:.1f} s, "
                f"{written / max(seconds, 1e-9):,.0f} a second."
            )
        except SlmError as error:
            self._say(str(error))
        except Exception as error:  # a thread's traceback would end where no reader looks
            self._say(f"Writing failed. {type(error).__name__}: {error}")

    def _grow(self, draft: Draft) -> None:
        self.growing.value = self.writer.texts(draft).html
        if self.growing not in self.paper.children:
            self._lay(self.growing)

    def _lay(self, sheet: "ipywidgets.Widget") -> None:
        """Replace what lies on the paper; old sheets are closed, so that nothing piles up in the page."""
        old = self.paper.children
        self.paper.children = (sheet,)
        for one in old:
            if one is not self.growing:
                for child in one.children:
                    child.close()
                one.close()

    def _say(self, text: str) -> None:
        self.status.value = f'<span role="status">{html.escape(text)}</span>'


def _dial(
    description: str, value: float, lowest: float, highest: float, step: float
) -> "ipywidgets.FloatSlider":
    import ipywidgets

    return ipywidgets.FloatSlider(
        value=value,
        min=lowest,
        max=max(highest, value),
        step=step,
        description=description,
        readout_format=".2f",
        style=WHOLE_NAME,
    )
