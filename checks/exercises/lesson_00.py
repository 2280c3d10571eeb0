"""Lesson 00: perplexity from probabilities, and how often a run reads its corpus. Plain Python."""

import math
from typing import Any

import numpy as np

from checks.exercise import Exercise, Questions
from checks.student import Student


class Perplexity(Exercise):
    """`perplexity(probabilities)`: among how many equally likely tokens a model hesitates, on average."""

    id, title, points, asks_for = "00.1", "Perplexity", 2, ("perplexity",)

    hints = (
        "What is the surprise, minus the logarithm, of a token that was given probability 1/8? And exp of that?",
        "First the mean of all surprises, then once exp. `math.log` and `math.exp` are natural and undo each other.",
        "`math.exp(... / len(probabilities))`: what is summed above the line?",
    )

    mistakes = {
        "You left out the minus: the logarithm of a probability is negative, surprise is not.": dict(sign=1),
        "You return the mean surprise (the loss); perplexity is exp of it.": dict(exponential=False),
        "You take the mean of 1/p, which is exp first and mean afterwards. Mean of the surprises first, then exp.": (
            dict(mean_first=False)
        ),
        "You divide 1 by the mean probability; it is the logarithms that are averaged.": dict(
            of_probabilities=True
        ),
        "You add up the surprises and do not divide by how many there are.": dict(divide=False),
        "Your logarithm has base 2 and your exp base e: use math.log with math.exp.": dict(base=2),
        "Your logarithm has base 10 and your exp base e: use math.log with math.exp.": dict(base=10),
    }

    def questions(self, rng: np.random.Generator) -> Questions:
        """A uniform guess, and two lists of unequal probabilities."""
        vocabulary = int(rng.integers(5, 5000))
        some = [round(float(p), 2) for p in rng.uniform(0.01, 0.9, size=int(rng.integers(3, 9)))]
        return {"lists": [[0.5, 0.1, *some], [1 / vocabulary] * 4, [0.25]]}

    def probe(self, student: Student, questions: Questions) -> list[float]:
        """One list after the other."""
        return [student.number(student.perplexity(list(one))) for one in questions["lists"]]

    def expected(self, questions: Questions, **switches: Any) -> list[float]:
        """In plain Python."""
        return [hesitation(one, **switches) for one in questions["lists"]]


def hesitation(
    probabilities: list[float],
    sign: int = -1,
    exponential: bool = True,
    mean_first: bool = True,
    of_probabilities: bool = False,
    divide: bool = True,
    base: float = math.e,
) -> float:
    """The perplexity; each usual mistake with one switch."""
    count = len(probabilities)
    if of_probabilities:
        return count / sum(probabilities)
    if not mean_first:
        return sum(1 / p for p in probabilities) / count
    surprise = sum(sign * math.log(p, base) for p in probabilities) / (count if divide else 1)
    return math.exp(min(surprise, 700)) if exponential else surprise


ROUNDED = "Half an epoch is half an epoch: do not round (use /, and neither // nor round)."


class Epochs(Exercise):
    """`epochs(minutes, tokens_per_second, corpus_tokens)`: how often a run reads its corpus."""

    id, title, points, asks_for = "00.2", "How much will it read?", 1, ("epochs",)

    hints = (
        "How many tokens does the run read in all? In which unit is the speed?",
        "Minutes x 60 x tokens per second, then compare with the corpus.",
        "Tokens read in all, divided by `corpus_tokens`. By what must `minutes` be multiplied first?",
    )

    mistakes = {
        "The speed is per second and the time in minutes: a factor of 60 is missing.": dict(seconds=1),
        "60 seconds make a minute, 3,600 an hour: the time is given in minutes.": dict(seconds=3600),
        "Your fraction stands upside down: tokens read, divided by tokens in the corpus.": dict(inverse=True),
        "You return the tokens read; divide by the size of the corpus.": dict(divide=False),
        ROUNDED: dict(whole=True),
    }

    def questions(self, rng: np.random.Generator) -> Questions:
        """Speeds from a laptop to a GPU; never a whole number of epochs, and above two: nobody rounds to 0 or 1."""
        return {
            "minutes": float(rng.integers(10, 60)),
            "tokens_per_second": int(rng.integers(20_000, 500_000)),
            "corpus_tokens": int(rng.integers(2_000_000, 3_000_000)) * 2 + 1,
        }

    def probe(self, student: Student, questions: Questions) -> float:
        """One call."""
        return student.number(student.epochs(**questions))

    def expected(
        self,
        questions: Questions,
        seconds: int = 60,
        inverse: bool = False,
        divide: bool = True,
        whole: bool = False,
    ) -> float:
        """In plain Python."""
        read = questions["minutes"] * seconds * questions["tokens_per_second"]
        if not divide:
            return float(read)
        result = questions["corpus_tokens"] / read if inverse else read / questions["corpus_tokens"]
        return float(int(result)) if whole else float(result)

    def mistake_in(self, questions: Questions, answer: Any) -> str | None:
        """Rounded is rounded, to however many digits, and up or down."""
        right = self.expected(questions)
        rounded = answer in [math.ceil(right), *(round(right, digits) for digits in range(6))]
        return ROUNDED if rounded else super().mistake_in(questions, answer)
