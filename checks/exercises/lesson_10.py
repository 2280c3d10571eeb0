"""Lesson 10, generation: temperature, drawing, top-p, repetition penalty, left padding and the KV cache."""

from typing import Any

import numpy as np

from checks.exercise import Exercise, Finding, Questions
from checks.student import Student


def softmax(scores: np.ndarray, axis: int = -1) -> np.ndarray:
    """In float64, safe for large scores."""
    exponentials = np.exp(scores - scores.max(axis=axis, keepdims=True))
    return exponentials / exponentials.sum(axis=axis, keepdims=True)


class Temperature(Exercise):
    """`with_temperature(logits, temperature)` returns probabilities."""

    id, title, points, asks_for = "10.1", "Temperature", 2, ("with_temperature",)
    hints = (
        "Which of the two makes differences between scores larger: dividing them by 0.5, or multiplying by 0.5?",
        "First divide the logits by the temperature, then `.softmax(dim=-1)`. What must not be divided by?",
        "For 0: `F.one_hot(logits.argmax(), len(logits)).float()`. Else the two steps of the hint before, in one line.",
    )
    mistakes = {
        "You multiply by the temperature; divide, so that a low one makes the likely likelier.": dict(
            multiply=True
        ),
        "You divide after the softmax, so the probabilities no longer sum to 1: divide the logits before it.": dict(
            after=True
        ),
        "The temperature changes nothing in your version: all results are those of temperature 1.": dict(
            ignore=True
        ),
        "Temperature 0 must mean the likeliest token with probability 1; yours divides by 0 and gives NaN.": dict(
            zero="nan"
        ),
        "With temperature 0 you return ordinary probabilities; the likeliest token must have probability 1.": dict(
            zero="plain"
        ),
        "With temperature 0 you return the token's number or its score; asked for are probabilities, "
        "1 at its place and 0 elsewhere.": lambda questions: [
            np.array(float(np.argmax(questions["logits"]))) if one == 0 else row
            for one, row in zip(questions["temperatures"], Temperature().expected(questions), strict=True)
        ],
    }

    def questions(self, rng: np.random.Generator) -> Questions:
        """Scores of some tokens, the largest not in the first place; several temperatures."""
        logits = rng.normal(size=int(rng.integers(6, 12))) * 2
        largest = int(np.argmax(logits))
        logits[[largest, -2]] = logits[[-2, largest]]
        return {"logits": logits, "temperatures": [0.5, 1.7, 0.0]}

    def probe(self, student: Student, questions: Questions) -> list[np.ndarray]:
        """Probabilities for each temperature."""
        return [
            student.array(student.with_temperature(student.tensor(questions["logits"]), temperature))
            for temperature in questions["temperatures"]
        ]

    def expected(
        self,
        questions: Questions,
        multiply: bool = False,
        after: bool = False,
        ignore: bool = False,
        zero: str = "greedy",
    ) -> list[np.ndarray]:
        """One row a temperature."""
        logits, rows = questions["logits"], []
        for temperature in questions["temperatures"]:
            if ignore:
                rows.append(softmax(logits))
            elif temperature == 0:
                greedy = np.eye(len(logits))[np.argmax(logits)]
                rows.append({"greedy": greedy, "plain": softmax(logits), "nan": greedy * np.nan}[zero])
            elif after:
                rows.append(softmax(logits) / temperature)
            else:
                rows.append(softmax(logits * temperature if multiply else logits / temperature))
        return rows


class Draw(Exercise):
    """`draw(chances, u)` returns the token on which u falls."""

    id, title, points, asks_for = "10.2", "Draw a token", 2, ("draw",)
    hints = (
        "With 0.25, 0.5, 0.25 the pieces end at 0.25, 0.75 and 1. On which piece does 0.3 lie? How many pieces end at or "
        "before it?",
        "`chances.cumsum(dim=0)` is the running sum. Count how many of its values are not greater than u, measured by "
        "the last of them.",
        "`running = chances.double().cumsum(dim=0)`, then `int((running <= ...).sum())`: with what do you compare, when "
        "`running[-1]` is a little less than 1?",
    )
    mistakes = {
        "You return the likeliest token, whatever u is.": dict(way="greedy"),
        "You compare u with single probabilities; compare it with their running sum (cumsum).": dict(
            way="single"
        ),
        "You are one token too far: the token is the first whose running sum is greater than u.": dict(
            way="next"
        ),
        "When u lies exactly on a border you take the token before it, even one of probability 0: "
        "its running sum must be greater than u, not equal.": dict(way="border"),
        "You sorted the tokens first and return a place in that order; return the token's own number.": dict(
            way="sorted"
        ),
        "You count from the wrong end: the pieces lie in the order of the tokens, from the left.": dict(
            way="right"
        ),
        "Rounded probabilities may sum to 0.99999, and a u just below 1 falls beyond the end: compare with u times the "
        "last running sum.": dict(way="beyond"),
    }

    def questions(self, rng: np.random.Generator) -> Questions:
        """Probabilities that sum without rounding, some 0, and numbers inside pieces and on borders."""
        parts = np.append(rng.permutation([0, 0, 1, 2, 3, 5, 9, 14, 20]), 10)
        parts = np.concatenate(([0], parts)).astype(float)  # u = 0 must not draw a token of probability 0
        chances = parts / 64
        running = chances.cumsum()
        numbers = [0.0, *(running[[3, 6]]), *(rng.integers(0, 128, size=9) * 2 + 1) / 256]
        return {"chances": chances, "numbers": [float(one) for one in numbers if one < 1]}

    def probe(self, student: Student, questions: Questions) -> list[int]:
        """A token for each number; at last one for a u beyond the sum of rounded probabilities."""
        chances = questions["chances"]
        less = np.append(chances[:-1], chances[-1] - 1e-5)
        found = []
        for some, u in [*((chances, u) for u in questions["numbers"]), (less, 1 - 4e-6)]:
            try:
                drawn = student.draw(student.tensor(some), u)
            except (IndexError, StopIteration):
                if some is chances:
                    raise
                drawn = len(chances)  # no running sum is greater
            found.append(student.integer(drawn if type(drawn) is int else int(student.number(drawn))))
        return found

    def judge(self, questions: Questions, answer: Any) -> Any:
        """The sum that is too small only when all else is right."""
        last = len(questions["chances"]) - 1
        found = super().judge(questions, [*answer[:-1], last])
        return found or (None if answer[-1] == last else list(self.mistakes)[-1])

    def expected(self, questions: Questions, way: str = "right answer") -> list[int]:
        """By the running sum."""
        chances, numbers = questions["chances"], questions["numbers"]
        running, last = chances.cumsum(), len(chances) - 1
        order = np.argsort(-chances, kind="stable")
        ways = {
            "right answer": lambda u: int((running <= u).sum()),
            "greedy": lambda u: int(chances.argmax()),
            "single": lambda u: int(np.argmax(chances > u)),
            "next": lambda u: min(int((running <= u).sum()) + 1, last),
            "border": lambda u: int((running < u).sum()),
            "sorted": lambda u: int((chances[order].cumsum() <= u).sum()),
            "right": lambda u: last - int((chances[::-1].cumsum() <= u).sum()),
        }
        return [*(ways.get(way, ways["right answer"])(u) for u in numbers), last + (way == "beyond")]


class TopP(Exercise):
    """`top_p(chances, p)` keeps the smallest set of likeliest tokens with at least probability p."""

    id, title, points, asks_for = "10.3", "Top-p", 3, ("top_p",)
    hints = (
        "Sort the probabilities, the largest first. For each token: how much do all likelier ones have together? When "
        "is that enough already?",
        "`ordered, order = chances.sort(descending=True)`; `ordered.cumsum(dim=0) - ordered` is what comes before "
        "each. Keep a token while that is `< p`.",
        "To put the kept ones back: `kept = torch.zeros_like(chances)`, "
        "`kept[order] = torch.where(before < p, ordered, 0.0)`. What is missing, so that they are probabilities again?",
    )
    by_case = True
    mistakes = {
        "You leave out the token that crosses the line: what is left has less than p together.": dict(
            crossing=False
        ),
        "You keep one token too many: stop as soon as there is at least p.": dict(extra=1),
        "When the likeliest tokens have exactly p together you keep one more: at least p is enough.": dict(
            at_least=False
        ),
        "The kept probabilities do not sum to 1: divide them by their sum.": dict(normed=False),
        "You add up in the order of the vocabulary; sort first, the likeliest in front.": dict(
            order="vocabulary"
        ),
        "You sorted the least likely to the front, and keep the tail: sort descending.": dict(
            order="ascending"
        ),
        "Right probabilities at the wrong places: they are still sorted; put each back to its own token.": dict(
            back=False
        ),
    }

    def questions(self, rng: np.random.Generator) -> Questions:
        """Probabilities none of which has much, not sorted, and p in the middle of a step; and p at the end of one.

        The second ones are fractions whose sums are exact in any order.
        """
        parts = rng.permutation(np.linspace(1.0, 3.0, 10) + rng.uniform(0, 0.1, size=10))
        chances = parts / parts.sum()
        steps = np.sort(chances)[::-1].cumsum()
        kept = int(rng.integers(4, 8))
        order = np.argsort(-chances)
        if order[0] == 0:  # sorted order and vocabulary order must differ from the first token on
            chances[[0, 5]] = chances[[5, 0]]
        inside = {"chances": chances, "p": float((steps[kept - 2] + steps[kept - 1]) / 2)}
        return {"cases": [inside, {"chances": rng.permutation([32, 16, 10, 6]) / 64, "p": 0.75}]}

    def probe(self, student: Student, questions: Questions) -> list[np.ndarray]:
        """New probabilities for each case."""
        return [
            student.array(student.top_p(student.tensor(case["chances"]), case["p"]))
            for case in questions["cases"]
        ]

    def expected(self, questions: Questions, **switches: Any) -> list[np.ndarray]:
        """Case by case."""
        return [self.nucleus(**case, **switches) for case in questions["cases"]]

    def nucleus(
        self,
        chances: np.ndarray,
        p: float,
        crossing: bool = True,
        extra: int = 0,
        at_least: bool = True,
        normed: bool = True,
        order: str = "descending",
        back: bool = True,
    ) -> np.ndarray:
        """By sorting."""
        places = {
            "descending": np.argsort(-chances),
            "ascending": np.argsort(chances),
            "vocabulary": np.arange(len(chances)),
        }[order]
        ordered = chances[places]
        before = ordered.cumsum() - ordered
        count = int((before < p if at_least else before <= p).sum()) + extra - (not crossing)
        ordered = np.where(np.arange(len(ordered)) < count, ordered, 0.0)
        kept = np.zeros_like(chances)
        kept[places] = ordered
        kept = kept if back else ordered
        return kept / kept.sum() if normed else kept


class RepetitionPenalty(Exercise):
    """`penalize(logits, seen, penalty)` makes tokens that occurred less likely."""

    id, title, points, asks_for = "10.4", "Repetition penalty", 2, ("penalize",)
    hints = (
        "A token with logit -4 was seen. Is it less likely with -2 or with -8?",
        "`torch.where(logits > 0, ..., ...)` divides the positive ones and multiplies the others.",
        "A second `torch.where(seen, lowered, logits)` leaves the unseen tokens as they are.",
    )
    mistakes = {
        "You divide negative logits too, which makes those tokens more likely: multiply them.": dict(
            negative="divide"
        ),
        "You reward repetition: positive logits are multiplied and negative ones divided. Do it the other way.": dict(
            swap=True
        ),
        "You change all tokens; only those that were seen are punished.": dict(everyone=True),
        "You change the tokens that were not seen, and leave the seen ones as they are.": dict(unseen=True),
        "You leave negative logits as they are; a seen token with a negative one is multiplied.": dict(
            negative="leave"
        ),
        "You subtract the penalty; Keskar et al. divide by it, and negative logits are multiplied.": dict(
            subtract=True
        ),
    }

    def questions(self, rng: np.random.Generator) -> Questions:
        """Positive and negative scores, half of each seen."""
        logits = np.concatenate((rng.uniform(0.5, 5, size=6), rng.uniform(-5, -0.5, size=6)))
        seen = np.tile([True, False], 6)
        order = rng.permutation(12)
        return {"logits": logits[order], "seen": seen[order], "penalty": float(rng.uniform(1.2, 2.0))}

    def probe(self, student: Student, questions: Questions) -> np.ndarray:
        """New logits."""
        logits, seen = student.tensor(questions["logits"]), student.tensor(questions["seen"])
        return student.array(student.penalize(logits, seen, questions["penalty"]))

    def expected(
        self,
        questions: Questions,
        negative: str = "multiply",
        swap: bool = False,
        everyone: bool = False,
        unseen: bool = False,
        subtract: bool = False,
    ) -> np.ndarray:
        """By sign."""
        logits, seen, penalty = questions["logits"], questions["seen"], questions["penalty"]
        below = {"multiply": logits * penalty, "divide": logits / penalty, "leave": logits}[negative]
        lowered = np.where(logits > 0, logits / penalty, below)
        if swap:
            lowered = np.where(logits > 0, logits * penalty, logits / penalty)
        if subtract:
            lowered = logits - penalty
        seen = np.ones_like(seen) if everyone else ~seen if unseen else seen
        return np.where(seen, lowered, logits)


class LeftPadding(Exercise):
    """`left_padded(prompts, filler)` returns tokens and a mask."""

    id, title, points, asks_for = "10.5", "Left padding and its mask", 3, ("left_padded",)
    hints = (
        "A row has 2 places of padding and 3 tokens. At which columns may its last token look? And its first?",
        "With `place = torch.arange(longest)`: causal is `place[None, :] <= place[:, None]`, real keys are "
        "`place[None, :] >= padding[:, None]`. What are their shapes?",
        "`causal & real[:, None, :]` lets tokens look at real ones. Then `|` something from `torch.eye(longest, "
        "dtype=torch.bool)`: for which places, and why?",
    )
    mistakes = {
        "You pad on the right: the last column would be padding for the shorter prompts. Put the filler in front.": dict(
            side="right"
        ),
        "Your mask lets real tokens look at padding.": dict(hide=False),
        "Your mask lets tokens look ahead: a key may not stand after its query.": dict(causal=False),
        "A padding place may look at nothing in your mask; attention by hand gives NaN there (0/0; "
        "F.scaled_dot_product_attention gives zeros). Let each place see itself.": dict(itself=False),
        "Your mask is the other way round: True must mean that the query may look.": dict(invert=True),
        "In your mask rows are keys and columns are queries: swap the last two axes.": dict(transpose=True),
        "No token sees itself in your mask; only earlier ones are allowed.": dict(strictly=True),
        "You recognize padding by its number; a real token may have the same one. Count places.": dict(
            by_number=True
        ),
    }

    def questions(self, rng: np.random.Generator) -> Questions:
        """Three prompts of different lengths; two of them hold the filler as a token, one at its beginning."""
        lengths = rng.permutation([2, 4, int(rng.integers(5, 8))])
        prompts = [[int(one) for one in rng.integers(1, 90, size=length)] for length in lengths]
        prompts[int(np.argmin(lengths))][0] = prompts[int(np.argmax(lengths))][2] = 99
        return {"prompts": prompts, "filler": 99}

    def probe(self, student: Student, questions: Questions) -> dict[str, np.ndarray]:
        """Tokens and mask."""
        result = student.left_padded(**questions)
        pair = result if isinstance(result, (tuple, list)) and len(result) == 2 else (result, result)
        return {"tokens": student.array(pair[0]), "mask": student.array(pair[1])}

    def expected(
        self,
        questions: Questions,
        side: str = "left",
        hide: bool = True,
        causal: bool = True,
        itself: bool = True,
        invert: bool = False,
        transpose: bool = False,
        strictly: bool = False,
        by_number: bool = False,
    ) -> dict[str, np.ndarray]:
        """By places."""
        prompts, filler = questions["prompts"], questions["filler"]
        longest = max(map(len, prompts))
        rows = [[filler] * (longest - len(one)) for one in prompts]
        pairs = list(zip(rows, prompts, strict=True))
        tokens = np.array([one + empty if side == "right" else empty + one for empty, one in pairs])
        place = np.arange(longest)
        allowed = np.ones((len(prompts), longest, longest), dtype=bool)
        if causal:
            allowed &= place[None, :] <= place[:, None]
        if hide:
            real = tokens != filler if by_number else _real(prompts, left=side == "left")
            allowed &= real[:, None, :]
        if itself:
            allowed |= np.eye(longest, dtype=bool)
        if strictly:
            allowed &= ~np.eye(longest, dtype=bool)
        allowed = allowed.swapaxes(1, 2) if transpose else allowed
        return {"tokens": tokens, "mask": ~allowed if invert else allowed}

    def judge(self, questions: Questions, answer: Any) -> Any:
        """What a padding place sees beside itself is nobody's business, as long as it sees something."""
        tokens, mask = answer["tokens"], answer["mask"]
        wanted = self.expected(questions)
        if tokens.shape != wanted["tokens"].shape:
            return Finding(
                "The tokens are not (batch, time).", str(wanted["tokens"].shape), str(tokens.shape)
            )
        if mask.dtype != np.bool_ or mask.shape != wanted["mask"].shape:
            sentence = "The mask is a boolean tensor of shape (batch, time, time)."
            return Finding(sentence, f"{wanted['mask'].shape}, bool", f"{mask.shape}, {mask.dtype}")
        real = _real(questions["prompts"])
        same_tokens = np.array_equal(tokens, wanted["tokens"])
        if same_tokens and mask.any(axis=2).all() and np.array_equal(mask[real], wanted["mask"][real]):
            return None
        return super().judge(questions, answer)


def _real(prompts: list[list[int]], left: bool = True) -> np.ndarray:
    """Which places of the batch hold a token of a prompt, (batch, time)."""
    lengths = np.array([len(prompt) for prompt in prompts])[:, None]
    place = np.arange(lengths.max())[None, :]
    return np.asarray(place >= lengths.max() - lengths if left else place < lengths)


class CachedAttention(Exercise):
    """`cached_attention(query, key, value, cache)`: one new token looks at everything kept."""

    id, title, points, asks_for = "10.6", "Attention with a cache", 3, ("cached_attention",)
    may_change_inputs = True  # the cache grows
    hints = (
        "Before the new token looks back: is its own key in the cache yet? It may look at itself.",
        '`cache["keys"] = torch.cat((cache["keys"], key), dim=1)`, and the same for values; the first time there is '
        "nothing to join with.",
        'Then as in lesson 06, with `cache["keys"]` and `cache["values"]` in place of all keys and values. Over which '
        "axis does the softmax run?",
    )
    mistakes = {
        "The cache forgets: after each call it holds only the newest key and value. Join them with the old.": dict(
            keep="newest"
        ),
        "The new token does not see itself: append its key and value before looking.": dict(keep="late"),
        "Your scores are not divided by the square root of head_dim.": dict(scale=False),
        "The softmax runs over the query axis (dim=-2), so all weights are 1; it runs over the keys (dim=-1).": dict(
            axis=-2
        ),
        "Keys and values stand in different orders, so weights meet the wrong values: append both at the end.": dict(
            keep="mixed"
        ),
        "Right answer, but the caller's cache did not grow: write into `cache` itself, not into a copy.": (
            "import torch\n"
            "HELD = {}\n"
            "def cached_attention(query, key, value, cache):\n"
            "    own = dict(HELD.get(id(cache), {}))\n"
            "    for name, new in (('keys', key), ('values', value)):\n"
            "        own[name] = torch.cat((own[name], new), dim=1) if name in own else new\n"
            "    HELD[id(cache)] = own\n"
            "    if key.shape[1] and own['keys'].shape[1] >= 6:\n"
            "        HELD.clear()\n"
            "    scores = query @ own['keys'].transpose(-2, -1) / query.shape[-1] ** 0.5\n"
            "    return scores.softmax(-1) @ own['values']\n"
        ),
    }

    def questions(self, rng: np.random.Generator) -> Questions:
        """Six tokens of a few heads, one after the other."""
        heads, head_dim = int(rng.integers(2, 5)), int(2 ** rng.integers(2, 5))
        return {name: rng.normal(size=(heads, 6, head_dim)) for name in ("queries", "keys", "values")}

    def probe(self, student: Student, questions: Questions) -> dict[str, Any]:
        """What each token gets, and what is in the cache at the end."""
        parts = [student.tensor(questions[name]) for name in ("queries", "keys", "values")]
        cache: dict[str, Any] = {}
        mixed = [
            student.array(
                student.cached_attention(*(part[:, time : time + 1].clone() for part in parts), cache)
            )
            for time in range(6)
        ]
        kept = {
            name: list(cache[name].shape) if hasattr(cache.get(name), "shape") else []
            for name in ("keys", "values")
        }
        return {"mixed": mixed, "kept": kept}

    def expected(
        self, questions: Questions, keep: str = "all", scale: bool = True, axis: int = -1
    ) -> dict[str, Any]:
        """Token by token, over slices of everything."""
        queries, keys, values = (questions[name] for name in ("queries", "keys", "values"))
        heads, _, head_dim = queries.shape
        mixed = []
        for time in range(6):
            first, last = (time if keep == "newest" else 0), (time if keep == "late" else time + 1)
            seen, mix = keys[:, first:last], values[:, first:last]
            if keep == "mixed":
                seen = seen[:, ::-1]
            scores = queries[:, time : time + 1] @ seen.swapaxes(-2, -1) / (head_dim**0.5 if scale else 1)
            weights = softmax(scores, axis) if scores.size else scores
            mixed.append(weights @ mix)
        length = {"newest": 1}.get(keep, 6)
        shape = [heads, length, head_dim]
        return {"mixed": mixed, "kept": {"keys": shape, "values": shape}}

    def judge(self, questions: Questions, answer: Any) -> Any:
        """The mixtures first, then whether the cache grew."""
        wanted = self.expected(questions)
        if [one.shape for one in answer["mixed"]] != [one.shape for one in wanted["mixed"]]:
            got = str(answer["mixed"][-1].shape)
            found = self.mistake_in(questions, answer)
            return Finding(
                found or "The result is not (heads, 1, head_dim).", str(wanted["mixed"][-1].shape), got
            )
        for sentence, mistake in self.mistakes.items():
            if isinstance(mistake, dict):
                wrong = self.expected(questions, **mistake)["mixed"]
                if all(
                    np.allclose(one, other, atol=1e-5)
                    for one, other in zip(wrong, answer["mixed"], strict=True)
                ):
                    return Finding(sentence)
        right = all(
            np.allclose(one, other, atol=1e-5)
            for one, other in zip(wanted["mixed"], answer["mixed"], strict=True)
        )
        if right and answer["kept"] != wanted["kept"]:
            return Finding(list(self.mistakes)[-1], str(wanted["kept"]["keys"]), str(answer["kept"]["keys"]))
        return super().judge(questions, answer)
