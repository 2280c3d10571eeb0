"""Ten broken runs: each can be told from its curves, on text that nobody chose."""

import math
from dataclasses import replace

import pytest
import torch

from checks.exercises.lesson_12 import CAUSES as ASKED
from checks.exercises.lesson_12 import KEY
from slmlib.errors import ConfigError
from slmlib.storyworld import tell
from slmlib.training.broken import GALLERY, Letters, TinyRun, train_tiny
from slmlib.training.diagnosis import CAUSES, HEALTHY, Curves, diagnose

STEPS = 100


@pytest.fixture(scope="module")
def letters():
    return Letters.of(
        (tell(seed).text for seed in range(400)), (tell(seed).text for seed in range(1000, 1040))
    )


@pytest.fixture(scope="module")
def healthy(letters):
    return train_tiny(HEALTHY, letters, STEPS)


@pytest.mark.parametrize("cause", CAUSES)
def test_each_cause_shows_in_its_curves(cause, letters, healthy):
    assert diagnose(train_tiny(cause, letters, STEPS), healthy) == cause


def test_a_healthy_run_is_healthy_and_repeatable(letters, healthy):
    before = torch.get_rng_state()
    assert train_tiny(HEALTHY, letters, STEPS) == healthy
    assert torch.equal(torch.get_rng_state(), before)
    assert diagnose(healthy, healthy) == HEALTHY
    assert healthy.training[0] == pytest.approx(math.log(256), abs=0.1)


def test_a_loss_that_is_no_number_is_a_rate_too_high(healthy):
    lost = replace(healthy, training=[*healthy.training[:-1], math.nan])
    assert diagnose(lost, healthy) == "learning rate x100"


def test_the_gallery_and_the_exercise_have_the_same_key():
    assert GALLERY == KEY
    assert set(CAUSES) == set(ASKED) == set(GALLERY.values())


def test_an_unknown_cause_and_too_little_text_are_refused(letters):
    with pytest.raises(ConfigError, match="no cause 'bad luck'"):
        train_tiny("bad luck", letters)
    with pytest.raises(ConfigError, match="too little text"):
        Letters.of(["short"], ["shorter"])


def test_a_sum_of_gradients_is_four_times_their_mean(letters):
    norms = [TinyRun(cause, letters, 10).train_step(0)[1] for cause in (HEALTHY, "accumulation not averaged")]
    assert norms[1] / norms[0] == pytest.approx(4, rel=1e-3)


def test_curves_know_their_end():
    curves = Curves([5.0] * 18 + [1.0, 3.0], [1.0] * 20, [0, 20], [5.0, 2.0], [2.0, 2.5], 0.0, 5.5)
    assert curves.last_training == 2.0
    assert curves.spread == 0.5
