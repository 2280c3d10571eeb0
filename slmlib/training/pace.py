"""How long a training step takes: asked before a time budget becomes steps, and by `doctor`."""

import time

from slmlib.training.trainer import Trainer


def seconds_of_a_step(trainer: Trainer, most_steps: int, patience: float) -> float:
    """Seconds of one step of this trainer, whose weights stay as they are: the rate is 0.

    Two steps at least, then until `most_steps`, or until those after the first have taken `patience` seconds on some
    rank. The median decides: what slows a step down now and then will do so in the run, too.
    """
    times: list[float] = []
    while trainer.ranks.any(
        len(times) < 2 or (len(times) < most_steps and sum(times[1:]) < patience)  # the first one may compile
    ):
        started = time.perf_counter()
        trainer.train_step(rate=0.0)
        times.append(time.perf_counter() - started)
    timed = sorted(times[min(5, len(times) // 2) :])  # the first ones allocate and choose kernels
    return timed[len(timed) // 2]
