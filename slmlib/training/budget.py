"""What a time budget has room for: how much text, how many measurements, how long the training."""

import math

from slmlib.config import LanguageModelConfig, TrainConfig
from slmlib.devices import Device
from slmlib.model.counts import flops_per_token
from slmlib.training.speed import PRODUCT_RATE

SMALLEST_TEXT = 10 * 10**6
"""Bytes of text that even the shortest run asks for: enough for a tokenizer and an honest validation set."""

STORYWORLD_SHARE, STORYWORLD_BYTES_PER_SECOND = 0.1, 1e6
"""This share of a time budget at most goes into telling StoryWorld, but for `SMALLEST_TEXT`, some ten seconds; and how
many bytes a second are told. Measured: 1.03 MB on one core, and cleaning, which follows, does 8. Stories that were told
once can be read several times."""

EVALUATION_SHARE = 0.05
"""At most this share of a time budget goes into measuring the validation set. In five minutes of 1M on two cores that is
three times and once before the first step; each further time would cost training some 1% of its steps."""

CLOSING_SHARE, CLOSING_SECONDS = 0.01, 2.0
"""What is kept of a time budget for checkpoints and stories."""

FEWEST_STEPS = 20
"""Fewer show nothing: a budget that has no room for them is overdrawn, and the run says so."""


def text_budget(model: LanguageModelConfig, train: TrainConfig, device: Device) -> int:
    """About how many bytes of text a run can read once: no use downloading more. Between 10 MB and 3 GB.

    Counts 4 bytes a token, and a device that does its matrix products at a rate typical of its kind.
    """
    tokens = train.total_steps * train.batch_size * model.context_length
    tokens = tokens or int(train.minutes * 60 * PRODUCT_RATE[device.type] / flops_per_token(model))
    megabytes = min(3000, tokens * 4 // 10**6)
    return max(SMALLEST_TEXT, megabytes * 10**6)


def storyworld_budget(train: TrainConfig) -> int | None:
    """About how many bytes of StoryWorld there is time to tell, at least 10 MB; None, for no limit, where a run was
    asked for in steps."""
    if train.total_steps:
        return None
    return max(SMALLEST_TEXT, int(STORYWORLD_SHARE * train.minutes * 60 * STORYWORLD_BYTES_PER_SECOND))


def share_budget(
    budget: float, spent: float, evaluation_seconds: float, most_evaluations: int
) -> tuple[int, float]:
    """How often the validation set is measured, and the seconds that are left for training.

    budget, spent: seconds of the whole run, and those that are gone. evaluation_seconds: of one measurement; one more
    than is returned takes place, before the first step.
    """
    affordable = int(EVALUATION_SHARE * budget / evaluation_seconds) - 1
    evaluations = max(1, min(most_evaluations, affordable))
    left = budget * (1 - CLOSING_SHARE) - CLOSING_SECONDS - spent
    # However slow the machine, half of the time belongs to training.
    return evaluations, max(budget / 2, left - (evaluations + 1) * evaluation_seconds)


def deadline_of(asked: TrainConfig, started: float, now: float) -> float:
    """When a run should be over; math.inf for one that was asked for in steps.

    started, now: when its budget began, and when its training does, in seconds of one clock. As in `share_budget`, half
    of the time belongs to training, however much is gone.
    """
    if asked.total_steps:
        return math.inf
    budget = asked.minutes * 60
    return max(started + budget * (1 - CLOSING_SHARE) - CLOSING_SECONDS, now + budget / 2)
