"""The floor: no model can have a lower mean loss on these stories than the world that tells them.

The mean true negative log-likelihood of a held-out set estimates StoryWorld's entropy. A model's expected
loss is at least that (Gibbs' inequality), so on the same stories its mean can lie below only by chance, within the
sampling error.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from slmlib.errors import DataError
from slmlib.storyworld.story import Story


@dataclass(frozen=True, slots=True)
class Floor:
    """The lowest loss there is, with its sampling error."""

    stories: int
    nats_per_story: float
    """Mean of -log_probability."""
    standard_error: float
    """Of nats_per_story, in nats."""
    bits_per_byte: float
    """All bits divided by all UTF-8 bytes of the texts (no separators)."""
    bits_per_byte_error: float
    """Standard error of bits_per_byte, as that of a ratio of two means."""


def measure_floor(stories: Iterable[Story]) -> Floor:
    """The floor on these stories. At least two are needed, or there is no error to give (DataError)."""
    nats: list[float] = []
    sizes: list[int] = []
    for story in stories:
        nats.append(-story.log_probability)
        sizes.append(len(story.text.encode("utf-8")))
    count = len(nats)
    if count < 2:
        raise DataError(f"The floor needs at least 2 stories, got {count}.", "Ask for more stories.")
    mean, mean_size = math.fsum(nats) / count, sum(sizes) / count
    ratio = mean / mean_size  # nats per byte
    error = math.sqrt(math.fsum((one - mean) ** 2 for one in nats) / (count - 1) / count)
    leftover = math.fsum((one - ratio * size) ** 2 for one, size in zip(nats, sizes, strict=True))
    ratio_error = math.sqrt(leftover / (count - 1) / count) / mean_size
    return Floor(count, mean, error, ratio / math.log(2), ratio_error / math.log(2))
