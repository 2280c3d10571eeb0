"""The one source of chance. Whoever needs a decision asks a chooser, and the chooser remembers what it cost.

Every kind of chooser runs the same storytelling code:

- `Seeded` draws from a stream of random numbers that depends on nothing but (seed, index);
- `Following` repeats decisions that are given as numbers, and says when they run out.

Weights are whole numbers, so that sums are exact and the same story comes out on every machine.
"""

import math
import random
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, TypeVar

Option = TypeVar("Option")


@dataclass(frozen=True, slots=True)
class Choice:
    """One decision: what was asked, which option was taken, and how many there were."""

    name: str
    position: int
    count: int
    log_probability: float


class Chooser:
    """Decides, and adds up the log-probability (nats) of everything it decided."""

    def __init__(self, width: Callable[[str], int] | None = None):
        """width: how many options each question keeps, counted from the first; a narrower world is a sub-world."""
        self.width = width
        self.choices: list[Choice] = []

    @property
    def log_probability(self) -> float:
        """ln of the probability of all decisions so far, in nats."""
        return math.fsum(choice.log_probability for choice in self.choices)

    def choose(self, name: str, options: Sequence[Option], weights: Sequence[int] | None = None) -> Option:
        """Take one of `options` with a chance proportional to its weight (equal when there are no weights).

        A single option is no decision and is not recorded. An empty list is an error of the plot.
        """
        if self.width is not None:
            keep = self.width(name)
            options, weights = options[:keep], weights and weights[:keep]
        count = len(options)
        if count == 1:
            return options[0]
        if not count:
            raise LookupError(f"There is nothing to choose for {name!r}.")
        if weights is not None and len(weights) != count:
            raise ValueError(f"{name!r} has {count} options and {len(weights)} weights.")
        bounds = list(accumulate(weights)) if weights is not None else range(1, count + 1)
        position = self.pick(options, bounds)
        weight = bounds[position] - (bounds[position - 1] if position else 0)
        self.choices.append(Choice(name, position, count, math.log(weight / bounds[-1])))
        return options[position]

    def pick(self, options: Sequence[Any], bounds: Sequence[int]) -> int:
        """The position of the option taken; `bounds` are the running sums of the weights."""
        raise NotImplementedError


class Seeded(Chooser):
    """Draws. `random.Random(int).random()` is promised by Python to be the same everywhere and forever."""

    def __init__(self, seed: int, index: int, width: Callable[[str], int] | None = None):
        super().__init__(width)
        self._uniform = random.Random((seed << 64) | index).random

    def pick(self, options: Sequence[Any], bounds: Sequence[int]) -> int:
        """A position drawn in proportion to its weight."""
        return bisect_right(bounds, int(self._uniform() * bounds[-1]))


class Undecided(Exception):
    """A `Following` chooser met a question after its last given decision; `positions` are open."""

    def __init__(self, positions: list[int]):
        super().__init__(f"{len(positions)} options are open")
        self.positions = positions


class Following(Chooser):
    """Repeats given positions; at the first question after them asks `after`, or raises `Undecided`."""

    def __init__(
        self,
        positions: Sequence[int],
        width: Callable[[str], int] | None = None,
        after: Chooser | None = None,
        possible: Callable[[Any], bool] = lambda option: True,
    ):
        """possible: tells which options are worth following when `Undecided` lists them."""
        super().__init__(width)
        self.positions, self.after, self.possible = positions, after, possible

    def pick(self, options: Sequence[Any], bounds: Sequence[int]) -> int:
        """The next given position."""
        step = len(self.choices)
        if step < len(self.positions):
            return min(self.positions[step], len(bounds) - 1)
        if self.after is None:
            raise Undecided([position for position, option in enumerate(options) if self.possible(option)])
        return self.after.pick(options, bounds)
