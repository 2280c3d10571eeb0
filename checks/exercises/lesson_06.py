"""Lesson 06, attention: scores, causal weights, the mixture, heads, the whole layer, and the test for a leak.

All answers are worked out in numpy with float64; torch is only met inside a probe.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from checks.axes import FROM_THE_BACK, AnyAxes, any_axes
from checks.exercise import Exercise, Questions
from checks.student import Student, Trouble

Array = NDArray[np.float64]


def softmax(scores: Array, axis: int = -1) -> Array:
    """exp, divided by its sum along `axis`."""
    exponentials = np.exp(scores - scores.max(axis=axis, keepdims=True))
    return np.asarray(exponentials / exponentials.sum(axis=axis, keepdims=True))


def future(time: int, diagonal: int = 1) -> NDArray[np.bool_]:
    """True where the key (column) comes after the query (row)."""
    return np.triu(np.ones((time, time), dtype=bool), k=diagonal)


class OfVectors(AnyAxes):
    """An exercise on queries, keys and perhaps values."""

    names: tuple[str, ...] = ("queries", "keys")

    def questions(self, rng: np.random.Generator, axes: int = 3) -> Questions:
        """A few heads (or none, or a batch of them), (..., time, head_dim) with time below head_dim."""
        leading = rng.integers(2, 4, size=axes - 2)
        time, head_dim = int(rng.integers(4, 7)), int(rng.choice([9, 16]))
        return {name: rng.normal(size=(*leading, time, head_dim)) for name in self.names}

    def probe(self, student: Student, questions: Questions) -> np.ndarray:
        """The function that is asked for, called once."""
        with any_axes(questions["queries"]):
            return student.array(getattr(student, self.asks_for[0])(*map(student.tensor, questions.values())))


class Scores(OfVectors):
    """`attention_scores(queries, keys)`: every query with every key, scaled."""

    id, title, points, asks_for = "06.1", "Scores", 2, ("attention_scores",)
    hints = (
        "The score of query i and key j is one dot product. How do you get all of them with one matrix product?",
        "`queries @ keys.transpose(-2, -1)` has a row for each query and a column for each key. What is left to do?",
        "Divide it by the square root of a size. Of which axis: how many tokens there are, or how long a query is?",
    )
    mistakes = {
        "Your scores are not divided by the square root of head_dim.": dict(power=0.0),
        "You divide by head_dim; divide by its square root.": dict(power=1.0),
        "You multiply by the square root of head_dim; divide by it.": dict(power=-0.5),
        "You divide by the square root of the number of tokens; it is head_dim, the length of a query, that counts.": (
            dict(by_time=True)
        ),
        "Rows and columns are swapped: row i must hold the scores of query i (queries first, then keys).": dict(
            swap=True
        ),
        "These are already weights: the softmax belongs to the next exercise.": dict(soft=True),
        FROM_THE_BACK: (
            "def attention_scores(queries, keys):\n"
            "    return queries @ keys.transpose(1, 2) / queries.shape[-1] ** 0.5\n"
        ),
    }

    def expected(
        self,
        questions: Questions,
        power: float = 0.5,
        by_time: bool = False,
        swap: bool = False,
        soft: bool = False,
    ) -> Array:
        """(..., time, time)."""
        queries, keys = questions["queries"], questions["keys"]
        time, head_dim = queries.shape[-2:]
        scores = queries @ keys.swapaxes(-2, -1) / (time if by_time else head_dim) ** power
        scores = scores.swapaxes(-2, -1) if swap else scores
        return softmax(scores) if soft else scores


def weights(
    queries: Array,
    keys: Array,
    scale: bool = True,
    mask: bool = True,
    diagonal: int = 1,
    axis: int = -1,
    mask_after: bool = False,
    zeros: bool = False,
    past: bool = False,
) -> Array:
    """Causal attention weights with the defaults; each usual mistake with one switch turned."""
    time, head_dim = queries.shape[-2:]
    scores = queries @ keys.swapaxes(-2, -1) / (head_dim**0.5 if scale else 1.0)  # (..., time, time)
    hidden = future(time).T if past else future(time, diagonal)
    if mask and not mask_after:
        scores = np.where(hidden, 0.0 if zeros else -np.inf, scores)
    result = softmax(scores, axis)
    return np.where(hidden, 0.0, result) if mask_after else result


class CausalWeights(OfVectors):
    """`causal_weights(queries, keys)`: scores, mask, softmax."""

    id, title, points, asks_for = "06.2", "Causal weights", 3, ("causal_weights",)
    hints = (
        "Three steps: scores, mask, softmax. Before which of the other two must the mask be applied?",
        "`torch.ones(time, time, dtype=torch.bool, device=queries.device).triu(diagonal=1)` marks the future, on the "
        "device where the queries are; `scores.masked_fill(future, -math.inf)` hides it.",
        "Scores from `attention_scores(queries, keys)`, `masked_fill` with the future, then `.softmax(dim=-1)`.",
    )
    mistakes = {
        "Your scores are not divided by the square root of head_dim.": dict(scale=False),
        "Nothing is masked: token 0 can already see the last token.": dict(mask=False),
        "Your mask also hides each token from itself (diagonal=0 instead of 1); row 0 then has nothing left and "
        "becomes NaN.": dict(diagonal=0),
        "Your mask lets each token see one step ahead (diagonal=2 instead of 1).": dict(diagonal=2),
        "Your mask hides the past and shows the future: triu marks what lies above the diagonal, tril below.": dict(
            past=True
        ),
        "The softmax runs over the queries (dim=-2); each row, not each column, must sum to 1.": dict(
            axis=-2
        ),
        "You masked after the softmax, so the rows no longer sum to 1.": dict(mask_after=True),
        "You put 0 where the future is; exp(0) is 1, so it still gets weight. Put -inf.": dict(zeros=True),
        FROM_THE_BACK: (
            "def causal_weights(queries, keys):\n"
            "    time = queries.shape[1]\n"
            "    future = torch.ones(time, time, dtype=torch.bool).triu(1)\n"
            "    return attention_scores(queries, keys).masked_fill(future, -math.inf).softmax(dim=-1)\n"
        ),
    }

    def expected(self, questions: Questions, **switches: Any) -> Array:
        """(..., time, time)."""
        return weights(**questions, **switches)


class Mix(OfVectors):
    """`attend(queries, keys, values)`: what each token takes with it."""

    id, title, points, asks_for = "06.3", "Mix", 2, ("attend",)
    hints = (
        "Row t of the weights says how much of each value goes into the mixture of token t. Which product adds "
        "them up?",
        "A matrix product: weights (heads, time, time) times values (heads, time, head_dim).",
        "`causal_weights(queries, keys)` are the weights. On which side of `@` do they stand?",
    )
    mistakes = {
        "You mix the keys; keys only decide the weights, it is the values that are mixed.": dict(keys=True),
        "The weights are transposed: token t must take from the tokens it looks at, not from those that look at it.": (
            dict(swap=True)
        ),
        "You mix with the masked scores themselves; the softmax is missing.": dict(soft=False),
        "Nothing is masked: the first token's mixture holds later values.": dict(mask=False),
        "You take the plain mean of all tokens so far; the weights should decide.": dict(mean=True),
        "You return the values unchanged: nothing was taken from other tokens.": dict(nothing=True),
        FROM_THE_BACK: (
            "def attend(queries, keys, values):\n"
            "    heads, time, head_dim = values.shape\n"
            "    return (causal_weights(queries, keys) @ values).view(heads, time, head_dim)\n"
        ),
    }
    names = ("queries", "keys", "values")

    def expected(
        self,
        questions: Questions,
        keys: bool = False,
        swap: bool = False,
        soft: bool = True,
        mask: bool = True,
        mean: bool = False,
        nothing: bool = False,
    ) -> Array:
        """(..., time, head_dim)."""
        asking, asked, values = (questions[name] for name in ("queries", "keys", "values"))
        time, head_dim = asking.shape[-2:]
        if nothing:
            return np.asarray(values)
        if soft:
            shares = weights(asking, asked, mask=mask)
        else:
            shares = np.where(future(time), 0.0, asking @ asked.swapaxes(-2, -1) / head_dim**0.5)
        if mean:
            shares = np.broadcast_to(~future(time) / np.arange(1, time + 1)[:, None], shares.shape)
        return np.asarray((shares.swapaxes(-2, -1) if swap else shares) @ (asked if keys else values))


class SplitAndMerge(Exercise):
    """`split_heads(x, num_heads)` and `merge_heads(x)`: one long vector a token, or several short ones."""

    id, title, points, asks_for = "06.4", "Split and merge", 3, ("split_heads", "merge_heads")
    hints = (
        "Take one token's vector of 6 numbers and 2 heads: which numbers belong to head 0? Only then think of the "
        "axes.",
        "`x.view(batch, time, num_heads, head_dim)` cuts each token's vector. Then swap two axes. Merging does the "
        "same backwards.",
        "Split: `.view(batch, time, num_heads, -1).transpose(1, 2)`. Merge: `.transpose(1, 2).flatten(2)`.",
    )
    mistakes = {
        "split_heads has the right shape but mixes tokens: cut the last axis first (view), then swap the axes "
        "(transpose).": dict(split="straight"),
        "split_heads gives head h every num_heads-th number; a head gets neighbours: the first head_dim numbers "
        "are head 0.": dict(split="strided"),
        "split_heads returns (batch, time, heads, head_dim); swap time and heads: .transpose(1, 2).": dict(
            split="no swap"
        ),
        "merge_heads has the right shape but mixes tokens: swap time and heads back before you join the last two "
        "axes.": dict(merge="straight"),
        "merge_heads lays the heads' numbers in turns; put whole heads one after the other.": dict(
            merge="strided"
        ),
        "merge_heads adds the heads up; they are joined one behind the other.": dict(merge="sum"),
        "Both have the right shape and mix tokens: a view straight to the shape cuts across them. Between cutting "
        "and joining, two axes change places: .transpose(1, 2).": dict(split="straight", merge="straight"),
    }

    def questions(self, rng: np.random.Generator) -> Questions:
        """Sizes that are all different, so that no mistake hides behind equal ones."""
        batch, time, num_heads, head_dim = 2, int(rng.choice([5, 7])), int(rng.choice([3, 4])), 6
        return {
            "x": rng.normal(size=(batch, time, num_heads * head_dim)),
            "num_heads": num_heads,
            "heads": rng.normal(size=(batch, num_heads, time, head_dim)),
        }

    def probe(self, student: Student, questions: Questions) -> dict[str, np.ndarray]:
        """Each by itself, so that two mistakes cannot undo one another."""
        split = student.split_heads(student.tensor(questions["x"]), questions["num_heads"])
        split = student.array(split)
        return {
            "split": split,
            "merged": student.array(student.merge_heads(student.tensor(questions["heads"]))),
        }

    def expected(self, questions: Questions, split: str = "", merge: str = "") -> dict[str, Array]:
        """(batch, heads, time, head_dim) and (batch, time, embed_dim)."""
        x, heads, num_heads = questions["x"], questions["heads"], questions["num_heads"]
        batch, time, embed_dim = x.shape
        cut = x.reshape(batch, time, num_heads, -1)  # (batch, time, heads, head_dim)
        splits = {
            "": cut.swapaxes(1, 2),
            "straight": x.reshape(batch, num_heads, time, -1),
            "strided": x.reshape(batch, time, -1, num_heads).transpose(0, 3, 1, 2),
            "no swap": cut,
        }
        merged = {
            "": heads.swapaxes(1, 2).reshape(batch, time, embed_dim),
            "straight": heads.reshape(batch, time, embed_dim),
            "strided": heads.transpose(0, 2, 3, 1).reshape(batch, time, embed_dim),
            "sum": heads.sum(axis=1),
        }
        return {"split": splits[split], "merged": merged[merge]}

    def mistake_in(self, questions: Questions, answer: Any) -> str | None:
        """Of two wrong halves, the first that can be named by itself."""
        right = self.expected(questions)
        answers = [answer, *(right | {half: answer[half]} for half in right)]
        found = (super(SplitAndMerge, self).mistake_in(questions, one) for one in answers)
        return next((sentence for sentence in found if sentence), None)


class MultiHead(Exercise):
    """`multi_head_attention(...)`: the whole layer, from the residual stream back to it."""

    id, title, points, asks_for = "06.5", "The whole layer", 4, ("multi_head_attention",)
    hints = (
        "Five steps. Which three of the four matrices are used before the heads are split, and which after they are "
        "merged?",
        "`split_heads(x @ w_query.T, num_heads)` are the queries; keys and values likewise. `attend` works for all "
        "heads and rows at once.",
        "`merge_heads(attend(queries, keys, values))` are the merged heads. Which matrix is left, and how is it applied?",
    )
    mistakes = {
        "The last step is missing: multiply the merged heads by w_output.T.": dict(project=False),
        "Multiply by the transposed weights, x @ w.T: nn.Linear keeps its weights as (outputs, inputs).": dict(
            transpose=False
        ),
        "The heads are never split: one large head instead of num_heads small ones.": dict(one=True),
        "The heads are split with the wrong axes: (batch, heads, time, head_dim) straight from a view mixes tokens.": (
            dict(straight=True)
        ),
        "The heads are merged without swapping time and heads back: tokens get mixed.": dict(
            merge_straight=True
        ),
        "Your scores are divided by the square root of embed_dim; each head has only head_dim numbers.": dict(
            scale_by_embed=True
        ),
        "Nothing is masked: each token sees the whole row.": dict(mask=False),
        "Queries and keys are swapped: row t holds how well key t fits each query; it must hold how well each key "
        "fits query t.": dict(swap=True),
        "You mix x itself instead of the values x @ w_value.T.": dict(plain_values=True),
    }

    def questions(self, rng: np.random.Generator) -> Questions:
        """A batch of two rows, three heads."""
        num_heads, head_dim, time = 3, int(rng.choice([4, 6])), int(rng.choice([5, 7]))
        size = num_heads * head_dim
        names = ("w_query", "w_key", "w_value", "w_output")
        return {
            "x": rng.normal(size=(2, time, size)),
            **{name: rng.normal(size=(size, size)) / size**0.4 for name in names},
            "num_heads": num_heads,
        }

    def probe(self, student: Student, questions: Questions) -> np.ndarray:
        """One call."""
        *arrays, num_heads = questions.values()
        return student.array(student.multi_head_attention(*map(student.tensor, arrays), num_heads))

    def expected(
        self,
        questions: Questions,
        project: bool = True,
        transpose: bool = True,
        one: bool = False,
        straight: bool = False,
        merge_straight: bool = False,
        scale_by_embed: bool = False,
        mask: bool = True,
        swap: bool = False,
        plain_values: bool = False,
    ) -> Array:
        """(batch, time, embed_dim)."""
        x, num_heads = questions["x"], 1 if one else questions["num_heads"]
        batch, time, size = x.shape

        def linear(inputs: Array, name: str) -> Array:
            matrix = questions[name]
            return np.asarray(inputs @ (matrix.T if transpose else matrix))

        def split(inputs: Array) -> Array:
            if straight:
                return inputs.reshape(batch, num_heads, time, -1)
            return inputs.reshape(batch, time, num_heads, -1).swapaxes(1, 2)

        q, k = split(linear(x, "w_query")), split(linear(x, "w_key"))
        v = split(x if plain_values else linear(x, "w_value"))  # (batch, heads, time, head_dim)
        if swap:
            q, k = k, q
        scores = q @ k.swapaxes(-2, -1) / (size if scale_by_embed else q.shape[-1]) ** 0.5
        shares = softmax(np.where(future(time), -np.inf, scores) if mask else scores)
        mixed = shares @ v
        merged = (mixed if merge_straight else mixed.swapaxes(1, 2)).reshape(batch, time, size)
        return linear(merged, "w_output") if project else merged


FAINT = 5e-7
"""So small a part of a later token moves an output by less than 1e-5."""
NO_SUCH_ID = "You changed a token to an id that does not exist: ids go from 0 to vocab_size - 1."


class LooksAhead(Exercise):
    """`looks_ahead(function, tokens, vocab_size)`: whether any output depends on a later token."""

    id, title, points, asks_for = "06.6", "The leak test", 3, ("looks_ahead",)
    hints = (
        "If token 5 is changed, which outputs may move and which must not?",
        "For every place t from 1 on: a copy of the tokens in which all from t on are others. Compare the outputs "
        "before t with those of the unchanged tokens.",
        "`other = tokens.clone()`, `other[t:] = (other[t:] + 1) % vocab_size`, then "
        "`torch.allclose(function(other)[:t], function(tokens)[:t], atol=1e-5)` must hold for every t.",
    )
    mistakes = {
        "You always find a leak: compare only the outputs before the changed token; the others may move.": dict(
            always=True
        ),
        "You only change the last token: a leak between two earlier ones stays unseen.": dict(last=True),
        "You only look at the very first output; any other may look ahead too.": dict(first=True),
        "You only look at the output just before the changed token; a leak can reach further back.": dict(
            near=True
        ),
        "It is the other way round: True means that some output moved which must not.": dict(inverse=True),
        "Differences below 1e-5 come from rounding and are no leak: torch.allclose(..., atol=1e-5), not "
        "torch.equal.": dict(exact=True),
        "You change tokens to 0, and so a token that is 0 already stays as it is: (changed + 1) % vocab_size is always "
        "another one.": dict(zero=True),
        NO_SUCH_ID: (
            "def looks_ahead(function, tokens, vocab_size):\n"
            "    return any(\n"
            "        not torch.allclose(\n"
            "            function(torch.cat((tokens[:t], tokens[t:] + 1)))[:t], function(tokens)[:t], atol=1e-5\n"
            "        )\n"
            "        for t in range(1, len(tokens))\n"
            "    )\n"
        ),
    }

    def questions(self, rng: np.random.Generator) -> Questions:
        """Functions as tables: sees[i][t, s] says how much output t of function i depends on token s."""
        time = int(rng.integers(6, 9))
        causal = np.tril(np.ones((time, time)))
        sees = np.array([causal] * 9)
        sees[1] = 1.0  # everyone sees everyone
        sees[2, 1, 3] = 1.0  # two steps ahead, in the middle
        sees[3, 2, time - 1] = 1.0  # far ahead, to the last token
        sees[4] = np.eye(time)  # each sees only itself
        sees[5, 2, 3] = 1.0  # one step ahead, in the middle
        sees[6, 0, 1] = 1.0  # only the first output looks ahead
        sees[7, 1, time - 1] = FAINT  # as little as rounding does
        sees[8, 1, time - 2] = 1.0  # only to a token that is 0
        tokens = rng.integers(1, 999, size=time)
        tokens[-2:] = (0, 999)  # the first and the last id there is
        return {"sees": sees, "tokens": tokens, "vocab_size": 1000}

    def probe(self, student: Student, questions: Questions) -> list[bool]:
        """Each function, asked for."""
        import torch

        generator = torch.Generator().manual_seed(0)
        table = torch.randn(questions["vocab_size"], 4, generator=generator)
        found = []
        for sees in questions["sees"]:
            strength = student.tensor(sees)  # (time, time)

            def function(tokens: Any, strength: Any = strength) -> Any:
                if not 0 <= int(tokens.min()) <= int(tokens.max()) < len(table):
                    raise Trouble(NO_SUCH_ID, "The remainder keeps them there: (changed + 1) % vocab_size.")
                return strength @ table[tokens]  # (time, 4)

            tokens = student.tensor(questions["tokens"])
            result = student.looks_ahead(function, tokens, questions["vocab_size"])
            found.append(bool(student.value(result, bool)))
        return found

    def expected(
        self,
        questions: Questions,
        always: bool = False,
        last: bool = False,
        first: bool = False,
        near: bool = False,
        inverse: bool = False,
        exact: bool = False,
        zero: bool = False,
    ) -> list[bool]:
        """From the tables."""
        found = []
        for sees in questions["sees"]:
            ahead = np.triu(sees, k=1) > (0.0 if exact else FAINT)
            if zero:
                ahead = ahead[:, questions["tokens"] != 0]
            if last:
                ahead = ahead[:, -1:]
            if first:
                ahead = ahead[:1]
            if near:
                ahead = ahead.diagonal(1)
            found.append(bool(always or ahead.any()) != inverse)
        return found
