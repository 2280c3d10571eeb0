"""Tasks whose inputs may have any number of axes in front, `(..., time, head_dim)`: a promise that has to be asked for."""

from contextlib import AbstractContextManager
from typing import Any

import numpy as np

from checks.exercise import Exercise, Finding, Questions
from checks.student import means

FROM_THE_BACK = (
    "Count axes from the back, -1 for the last, -2 for the one before: in front there may be more or fewer."
)
"""The usual mistake of every such exercise."""


class AnyAxes(Exercise):
    """Asks with another number of axes in each round. Write `questions(rng, axes)`, and in `probe` call `any_axes`."""

    axes: tuple[int, ...] = (3, 2, 4)
    """How many axes an input has, by round. In the first as many as in the lesson: other mistakes show there."""

    def questions(self, rng: np.random.Generator, axes: int = 3) -> Questions:
        """Fresh inputs with that many axes."""
        raise NotImplementedError(f"Exercise {self.id} has no questions.")

    def questions_in_round(self, rng: np.random.Generator, number: int) -> Questions:
        """With as many axes as this round asks."""
        return self.questions(rng, self.axes[number])

    def judge(self, questions: Questions, answer: Any) -> str | Finding | None:
        """An array with one axis too many or too few is the usual mistake, where it had the right number before."""
        found = super().judge(questions, answer)
        right = self.expected(questions)
        if isinstance(answer, np.ndarray) and answer.ndim != right.ndim != self.axes[0]:
            return Finding(FROM_THE_BACK, f"shape {right.shape}", f"shape {answer.shape}")
        return found


def any_axes(given: np.ndarray, usual: int = 3) -> AbstractContextManager[None]:
    """For a probe: code that breaks in here on other than the usual number of axes, `axes[0]`, counts from the front."""
    axes = "1 axis" if given.ndim == 1 else f"{given.ndim} axes"
    return means(FROM_THE_BACK, f"Here an input has {axes}.", when=given.ndim != usual)
