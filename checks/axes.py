"""Tasks whose inputs may have any number of axes in front, `(..., time, head_dim)`: a promise that has to be asked for."""

from typing import Any

import numpy as np

from checks.exercise import Exercise, Questions
from checks.student import Student, means

FROM_THE_BACK = (
    "Count axes from the back, -1 for the last, -2 for the one before: in front there may be more or fewer."
)
"""The usual mistake of every such exercise."""


class AnyAxes(Exercise):
    """Asks with another number of axes in each round. A subclass writes `questions(rng, axes)`, `call` and `expected`."""

    axes: tuple[int, ...] = (3, 2, 4)
    """How many axes the first input has, by round. In the first as many as in the lesson: other mistakes show there."""

    def questions(self, rng: np.random.Generator, axes: int = 3) -> Questions:
        """Fresh inputs, the first of them an array with that many axes."""
        raise NotImplementedError(f"Exercise {self.id} has no questions.")

    def questions_in_round(self, rng: np.random.Generator, number: int) -> Questions:
        """With as many axes as this round asks."""
        return self.questions(rng, self.axes[number])

    def call(self, student: Student, questions: Questions) -> Any:
        """What `probe` is in other exercises: call the student's code, turn what it returns into plain data."""
        raise NotImplementedError(f"Exercise {self.id} calls nothing.")

    def probe(self, student: Student, questions: Questions) -> Any:
        """`call`; what ran in the first round and breaks in a later one counts axes from the front."""
        axes = next(iter(questions.values())).ndim
        with means(FROM_THE_BACK, f"Here an input has {axes} axes.", when=axes != self.axes[0]):
            return self.call(student, questions)
