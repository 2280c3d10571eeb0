"""Design a learning-rate schedule: warm-up, shape and peak, with the rate at eight steps to compare code with.

    ScheduleDesigner(total_steps=1000)

The curve is that of `slmlib.training.schedules.learning_rate`, which the trainer uses.
"""

from dataclasses import replace
from typing import TYPE_CHECKING, get_args

from slmlib.config import Schedule, TrainConfig
from slmlib.plots.optimization import NAMES, probe_steps, schedule_curve
from slmlib.plots.table import Table
from slmlib.training.schedules import learning_rate
from slmlib.widgets.base import WHOLE_NAME, WIDE, Page, Widget, choice, slider, view

if TYPE_CHECKING:
    import ipywidgets

MOST_WARMUP = 50
"""Per cent of all steps, where it was not made with more."""

PEAKS = tuple(round(digit * 10**-power, 5) for power in (4, 3, 2) for digit in (1, 2, 3, 6))
"""Learning rates to choose beside its own, evenly spread by eye: 0.0001 to 0.06."""


class ScheduleDesigner(Widget):
    """A schedule as a curve and as numbers; live, two sliders and a menu change it (Tab and arrow keys).

    schedule: `cosine`, `linear`, `wsd` or `constant`. warmup_fraction: share of all steps. peak: the highest rate.
    Raises ConfigError for values that no run could have.
    """

    def __init__(
        self,
        total_steps: int = 1000,
        schedule: Schedule = "cosine",
        warmup_fraction: float = 0.02,
        peak: float = 3e-3,
    ):
        self.config = TrainConfig(
            total_steps=total_steps,
            schedule=schedule,
            warmup_fraction=warmup_fraction,
            learning_rate=peak,
        )

    def still(self) -> Page:
        """The schedule it was made with."""
        return self._page(self.config)

    def controls(self) -> "ipywidgets.Widget":
        """Sliders for warm-up and peak, a menu for the shape."""
        import ipywidgets

        menu = ipywidgets.Dropdown(
            options=[(NAMES[shape], shape) for shape in get_args(Schedule)],
            value=self.config.schedule,
            description="After the warm-up",
            style=WHOLE_NAME,
            layout=WIDE,
        )
        here, percent_here = self.config.learning_rate, round(100 * self.config.warmup_fraction)
        peak = choice("Peak", [(f"{one:g}", one) for one in sorted({*PEAKS, here})], here)
        percent = slider("Warm-up, per cent of all steps", max(MOST_WARMUP, percent_here), percent_here)
        return view(self._designed, warmup=percent, shape=menu, peak=peak)

    def _designed(self, warmup: int, shape: Schedule, peak: float) -> Page:
        config = replace(
            self.config,
            schedule=shape,
            warmup_fraction=warmup / 100,
            learning_rate=peak,
        )
        return self._page(config)

    @staticmethod
    def _page(config: TrainConfig) -> Page:
        picture = schedule_curve(config)
        rows = [(f"{step:,}", f"{learning_rate(step, config):.3g}") for step in probe_steps(config)]
        table = Table("The squares as numbers", ("step", "learning rate"), rows)
        return Page(picture.html() + table._repr_html_(), f"{picture!r}\n{table!r}")
