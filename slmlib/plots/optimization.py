"""Pictures of optimization: the learning rate over a run."""

from slmlib.config import TrainConfig
from slmlib.plots.charts import number
from slmlib.plots.picture import Picture
from slmlib.plots.style import BLUE, GREY, ORANGE, new_axes
from slmlib.training.schedules import learning_rate, warmup_end

NAMES = {
    "cosine": "a cosine",
    "linear": "a straight line down",
    "wsd": "stay, then a straight line down",
    "constant": "stay",
}
"""What follows the warm-up, for people."""


def probe_steps(config: TrainConfig) -> list[int]:
    """Eight steps that show a schedule's shape: the warm-up's begin, middle and end, then evenly to the last one.

    Without a warm-up of at least 2 steps all eight are spread evenly; a run of fewer steps gives fewer.
    """
    last = config.total_steps - 1
    warmup = warmup_end(config)
    if warmup < 2:
        return sorted({round(last * i / 7) for i in range(8)})
    return sorted({0, warmup // 2, *(warmup + round((last - warmup) * i / 5) for i in range(6))})


def schedule_curve(config: TrainConfig) -> Picture:
    """The learning rate of every step, with the steps of `probe_steps` marked. config: needs total_steps."""
    total, peak = config.total_steps, config.learning_rate
    rates = [learning_rate(step, config) for step in range(total)]
    warmup = warmup_end(config)
    rise = f"{warmup:,} step{'' if warmup == 1 else 's'} of warm-up, then " if warmup else "No warm-up, "
    message = f"{rise}{NAMES[config.schedule]}: on average {sum(rates) / total / peak:.0%} of the peak"
    figure, axes = new_axes(message, "step", "learning rate", size=(7, 3.2))
    axes.plot(range(total), rates, color=BLUE, linewidth=1.8)
    probes = probe_steps(config)
    axes.plot(probes, [rates[step] for step in probes], color=ORANGE, marker="s", linestyle="", markersize=5)
    axes.axvspan(0, warmup, color=GREY, alpha=0.12, linewidth=0)
    axes.set_xlim(-0.02 * total, 1.02 * total)
    axes.set_ylim(0, 1.1 * peak)
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.ticklabel_format(axis="y", style="sci", scilimits=(-3, -3), useMathText=True)
    said = ", ".join(f"step {step:,} {number(rates[step])}" for step in probes)
    return Picture(figure, f"{message}. Squares mark {said}. The warm-up has a grey ground.")
