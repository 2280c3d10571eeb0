"""How long a step takes: the same answer for a run and for `doctor`."""

from types import SimpleNamespace

import pytest

from slmlib.presets import PRESETS
from slmlib.training import pace
from slmlib.training.pace import seconds_of_a_step
from slmlib.training.trainer import Trainer
from tests.training.conftest import CPU


@pytest.mark.parametrize(
    ("took", "most_steps", "patience", "steps", "answer"),
    [
        ([9.0, 1.0, 2.0, 2.0], 2, 100.0, 2, 1.0),  # the first may compile: it does not count
        ([9.0, 1.0, 2.0, 2.0], 50, 3.0, 3, 1.0),
        ([9.0, 30.0, 2.0, 2.0], 50, 3.0, 3, 2.0),  # a machine that stood still for a moment
        ([9.0, 1.0, 2.0, 2.0], 50, 4.0, 4, 2.0),
        ([9.0, 1.0, 2.0], 50, 0.0, 3, 1.0),  # no patience at all is still an answer
        ([9.0] * 5 + [4.0, 1.0, 2.0, 3.0, 5.0, 6.0, 7.0, 8.0], 13, 1e9, 13, 4.0),  # the median
    ],
)
def test_the_median_of_the_later_steps_decides(world, monkeypatch, took, most_steps, patience, steps, answer):
    trainer, clock, done = world.trainer("pace"), [0.0], []
    monkeypatch.setattr(pace, "time", SimpleNamespace(perf_counter=lambda: clock[0]))

    def step(rate):
        clock[0] += took[len(done)]
        done.append(rate)

    monkeypatch.setattr(trainer, "train_step", step)
    assert seconds_of_a_step(trainer, most_steps, patience) == answer
    assert done == [0.0] * steps


def test_the_speed_is_that_of_the_trainers_own_step(monkeypatch):
    steps = []
    real = Trainer.train_step
    monkeypatch.setattr(Trainer, "train_step", lambda self, rate: steps.append(rate) or real(self, rate))
    assert pace.training_speed(PRESETS["0.3M"], CPU, seconds=0.0) > 0
    assert steps == [0.0, 0.0, 0.0]
