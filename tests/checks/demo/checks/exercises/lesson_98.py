"""The demonstration's exercises: one with tensors, one with plain lists, which uses nothing but its words."""

# ruff: noqa: RUF012 - the tables of mistakes are only read
from typing import Any

import numpy as np

from checks.exercise import Exercise, Questions
from checks.student import Student


class CausalWeights(Exercise):
    """`causal_weights(queries, keys)` returns (heads, time, time) weights that never look ahead."""

    id, title, points, asks_for = "98.1", "Causal weights", 3, ("causal_weights",)

    hints = (
        "Three steps: scores, mask, softmax. Which of them must see the mask?",
        "torch.ones(time, time).triu(diagonal=1) marks the future; masked_fill can write -inf there.",
        "scores = queries @ keys.transpose(-2, -1) / head_dim**0.5, mask, then softmax over the last axis.",
    )

    mistakes = {
        "Your scores are not divided by the square root of head_dim.": dict(scale=False),
        "Nothing is masked: token 0 can already see the last token.": dict(mask=False),
        "Your mask lets each token see one step ahead (diagonal=2 instead of 1).": dict(diagonal=2),
        "The softmax runs over the queries (axis -2); each row must sum to 1.": dict(axis=-2),
        "You masked after the softmax, so the rows no longer sum to 1.": dict(mask_after=True),
    }

    def questions(self, rng: np.random.Generator) -> Questions:
        """Random queries and keys, of random sizes."""
        heads, time, head_dim = rng.integers(2, 5), rng.integers(4, 9), 2 ** rng.integers(2, 6)
        return {name: rng.normal(size=(heads, time, head_dim)) for name in ("queries", "keys")}

    def probe(self, student: Student, questions: Questions) -> np.ndarray:
        """Call it once."""
        return student.array(student.causal_weights(*map(student.tensor, questions.values())))

    def expected(self, questions: Questions, **switches: Any) -> np.ndarray:
        """In numpy float64."""
        return weights(**questions, **switches)


def weights(
    queries: np.ndarray,
    keys: np.ndarray,
    scale: bool = True,
    mask: bool = True,
    diagonal: int = 1,
    axis: int = -1,
    mask_after: bool = False,
) -> np.ndarray:
    """The right answer with the defaults; each usual mistake with one switch turned."""
    time, head_dim = queries.shape[-2:]
    scores = queries @ keys.swapaxes(-2, -1) / (head_dim**0.5 if scale else 1.0)  # (heads, time, time)
    future = np.triu(np.ones((time, time), dtype=bool), k=diagonal)
    if mask and not mask_after:
        scores = np.where(future, -np.inf, scores)
    exponentials = np.exp(scores - scores.max(axis=axis, keepdims=True))
    result = exponentials / exponentials.sum(axis=axis, keepdims=True)
    return np.where(future, 0.0, result) if mask_after else result


class CountPairs(Exercise):
    """`count_pairs(ids)` counts neighbours in a list."""

    id, title, points, asks_for = "98.2", "Count pairs", 2, ("count_pairs",)
    hints = ("zip(ids, ids[1:]) walks over neighbours.", "counts[pair] = counts.get(pair, 0) + 1")

    mistakes = {
        "You count each pair only once, however often it occurs.": dict(once=True),
        "You leave out the last pair.": dict(drop_last=True),
        "You step over two ids at a time; neighbours overlap.": lambda questions: pairs(
            questions["ids"], step=2
        ),
        "You count single ids, not pairs.": (
            "def count_pairs(ids):\n    return {(one, one): ids.count(one) for one in ids}\n"
        ),
    }

    def questions(self, rng: np.random.Generator) -> Questions:
        """Few different ids, so that pairs repeat."""
        return {"ids": [int(one) for one in rng.integers(0, 3, size=12)] + [7, 8]}

    def probe(self, student: Student, questions: Questions) -> Any:
        """A dict, as it is."""
        return student.value(student.count_pairs(questions["ids"]), dict)

    def expected(self, questions: Questions, **switches: Any) -> dict[tuple[int, int], int]:
        """In plain Python."""
        return pairs(questions["ids"], **switches)

    def judge(self, questions: Questions, answer: Any) -> Any:
        """The mistake given as code is recognised here."""
        if answer and all(type(pair) is tuple and len(set(pair)) == 1 for pair in answer):
            return "You count single ids, not pairs."
        return super().judge(questions, answer)


def pairs(
    ids: list[int], once: bool = False, drop_last: bool = False, step: int = 1
) -> dict[tuple[int, int], int]:
    """Neighbours and how often they occur."""
    found = list(zip(ids[::step], ids[1::step], strict=False))
    found = found[:-1] if drop_last else found
    return {pair: 1 if once else found.count(pair) for pair in found}
