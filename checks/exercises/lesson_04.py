"""Lesson 04, embeddings: one-hot rows, softmax, the loss of a bigram table, neighbours, a map."""

from typing import Any

import numpy as np

from checks.axes import FROM_THE_BACK, AnyAxes, any_axes
from checks.exercise import Exercise, Finding, Questions
from checks.student import Student


class OneHot(AnyAxes):
    """`one_hot(tokens, vocab_size)` is a single 1.0 in each row of zeros."""

    id, title, points, asks_for = "04.1", "One-hot rows", 2, ("one_hot",)
    hints = (
        "For token 2 and a vocabulary of 5: which of the places 0, 1, 2, 3, 4 get a 1? Say it as a comparison.",
        "`torch.arange(vocab_size)` are all places. `tokens[..., None]` has one more dimension, so that comparing "
        "the two gives a row for each token.",
        "`tokens[..., None] == torch.arange(vocab_size)` is True and False. What is asked for instead?",
    )
    mistakes = {
        "The 1 stands one place too far: ids are counted from 0, so token 0 has its 1 in the first column.": dict(
            shift=1
        ),
        "Rows and columns are exchanged: the last dimension is the vocabulary.": dict(transposed=True),
        "You added the rows of a sentence up (a bag of words): each token keeps a row of its own.": dict(
            bag=True
        ),
        "Your numbers are whole (or True and False); a product with a table needs float32: add .float().": dict(
            dtype="whole numbers"
        ),
        "Your numbers are float64; a table is float32, and torch does not multiply the two: add .float().": dict(
            dtype="float64"
        ),
        "Ones and zeros are exchanged: 1 stands where the token is, 0 elsewhere.": dict(inverted=True),
        FROM_THE_BACK: (
            "def one_hot(tokens, vocab_size):\n"
            "    batch, time = tokens.shape\n"
            "    return torch.eye(vocab_size)[tokens].view(batch, time, vocab_size)\n"
        ),
    }
    axes = (2, 1, 3)

    def questions(self, rng: np.random.Generator, axes: int = 2) -> Questions:
        """A batch of sentences, one sentence, more: with a token that comes twice, the first id and the last but one."""
        vocab_size = int(rng.integers(7, 12))
        leading = rng.integers(2, 4, size=axes - 1)
        tokens = rng.integers(0, vocab_size - 1, size=(*leading, int(rng.integers(4, 7))))
        tokens[..., :3] = (0, 3, 0)
        tokens[..., -1] = vocab_size - 2
        return {"tokens": tokens, "vocab_size": vocab_size}

    def probe(self, student: Student, questions: Questions) -> dict[str, Any]:
        """The rows, and what kind of numbers they are."""
        with any_axes(questions["tokens"], usual=2):
            result = student.one_hot(student.tensor(questions["tokens"]), questions["vocab_size"])
        rows = student.array(result)
        dtype = str(result.dtype).removeprefix("torch.") if rows.dtype == np.float64 else "whole numbers"
        return {"rows": rows.astype(np.float64), "dtype": dtype}

    def expected(
        self,
        questions: Questions,
        shift: int = 0,
        transposed: bool = False,
        bag: bool = False,
        dtype: str = "float32",
        inverted: bool = False,
    ) -> dict[str, Any]:
        """Rows of the identity matrix."""
        size = questions["vocab_size"]
        rows = np.roll(np.eye(size), shift, axis=1)[questions["tokens"]]  # (..., vocab_size)
        rows = rows.swapaxes(-1, -2) if transposed else rows
        rows = rows.sum(axis=-2) if bag else rows
        return {"rows": 1 - rows if inverted else rows, "dtype": dtype}

    def judge(self, questions: Questions, answer: Any) -> Any:
        """Names the shape or the kind of numbers where the machinery would say `key 'rows'` or `key 'dtype'`."""
        found = super().judge(questions, answer)
        if found is None or self.mistake_in(questions, answer):
            return found
        wanted = (*questions["tokens"].shape, questions["vocab_size"])
        shape, dtype = answer["rows"].shape, answer["dtype"]
        if shape != wanted:
            sentence = "The shape is not that of tokens with vocab_size behind it."
            return Finding(sentence, str(wanted), str(shape))
        if dtype != "float32":
            return Finding(
                f"Your numbers are {dtype}, a table's are float32: add .float().", "float32", dtype
            )
        return found


class Softmax(AnyAxes):
    """`softmax(logits, temperature)` along the last axis, for scores of any size."""

    id, title, points, asks_for = "04.2", "Softmax with temperature", 3, ("softmax",)
    atol = 1e-4  # beside 2,000 float32 has steps of 1e-4, and taking the logarithm of the sum off first is right, too
    hints = (
        "Scores of 1000 must not overflow. What may be taken off a whole row without changing its probabilities?",
        "`scaled.amax(dim=-1, keepdim=True)` is the largest of each row, kept as a column so that it can be subtracted. "
        "What is done to the scores before that?",
        "After `powers = (scaled - scaled.amax(dim=-1, keepdim=True)).exp()`, each row is divided by its own sum. "
        "Along which axis is that, and how does the sum stay a column?",
    )
    mistakes = {
        "You multiply by the temperature: divide, or hot becomes cold.": dict(multiply=True),
        "The temperature does nothing: divide the scores by it before exp.": dict(ignore=True),
        "exp overflows for large scores (inf, then nan): subtract the largest score of each row first.": dict(
            naive=True
        ),
        "You subtract the largest score of all: in the other rows every exp is then 0, and 0 / 0 is nan. Each row "
        "has its own largest: amax(dim=-1, keepdim=True).": dict(largest_of_all=True),
        "The sum runs over the wrong axis: each row of the last axis must sum to 1.": dict(axis=-2),
        "The sum runs over dim=0, the first axis; the scores of one row lie along the last one: dim=-1.": dict(
            axis=0
        ),
        "You divide by the sum of everything: each row has its own sum.": dict(axis=None),
        "These are the powers, not yet divided by their sum.": dict(divided=False),
        "These are logarithms of probabilities; leave out the log.": dict(log=True),
        FROM_THE_BACK: "def softmax(logits, temperature):\n    return (logits / temperature).softmax(dim=2)\n",
    }

    def questions(self, rng: np.random.Generator, axes: int = 3) -> Questions:
        """Several rows, one with very large scores; temperatures by which float32 divides without rounding."""
        leading = (2, 2, 3)[-(axes - 1) :]
        logits = rng.normal(size=(*leading, int(rng.integers(4, 8)))) * 2
        logits[(1,) * len(leading)] += 1000.0
        return {
            "logits": logits.astype(np.float32).astype(float),
            "temperature": float(rng.choice([0.5, 2.0, 4.0])),
        }

    def probe(self, student: Student, questions: Questions) -> np.ndarray:
        """Probabilities."""
        with any_axes(questions["logits"]):
            return student.array(
                student.softmax(student.tensor(questions["logits"]), questions["temperature"])
            )

    def expected(
        self,
        questions: Questions,
        multiply: bool = False,
        ignore: bool = False,
        naive: bool = False,
        largest_of_all: bool = False,
        axis: int | None = -1,
        divided: bool = True,
        log: bool = False,
    ) -> np.ndarray:
        """The slides' formula in float64."""
        logits, tau = questions["logits"], questions["temperature"]
        scaled = logits if ignore else logits * tau if multiply else logits / tau
        if naive or largest_of_all:
            with np.errstate(all="ignore"):
                scaled = scaled - scaled.max() if largest_of_all else scaled
                powers = np.exp(scaled.astype(np.float32)).astype(float)
                return powers / powers.sum(axis=-1, keepdims=True)
        powers = np.exp(scaled - scaled.max(axis=axis, keepdims=True))
        result = powers / powers.sum(axis=axis, keepdims=True) if divided else powers
        return np.log(result) if log else result

    def mistake_in(self, questions: Questions, answer: Any) -> str | None:
        """A sum over the wrong axis shows in what sums to 1, whatever was subtracted before."""
        found = super().mistake_in(questions, answer)
        if found or not isinstance(answer, np.ndarray) or answer.shape != questions["logits"].shape:
            return found
        for sentence, mistake in self.mistakes.items():
            axes = [mistake["axis"]] if isinstance(mistake, dict) and "axis" in mistake else []
            if any(np.allclose(answer.sum(axis=axis), 1.0, atol=1e-4) for axis in axes):
                return sentence
        return None


class BigramLoss(Exercise):
    """`bigram_loss(table, inputs, targets)`: look up, softmax, minus log of the targets, mean."""

    id, title, points, asks_for = "04.3", "The loss of a bigram table", 3, ("bigram_loss",)
    hints = (
        "Which row of the table answers for the first input? Which number of that row belongs to its target?",
        "`table[inputs]` are the scores, (num_tokens, vocab_size). After softmax, "
        "`probabilities[torch.arange(len(targets)), targets]` picks one number from each row.",
        "After the picking come a logarithm, a mean and a minus. In which order?",
    )
    mistakes = {
        "Inputs and targets are exchanged: the row is that of the input, the column that of the target.": dict(
            exchanged=True
        ),
        "The sign is missing: logarithms of probabilities are negative, a loss is positive.": dict(sign=1.0),
        "You added the losses up; the mean is asked for.": dict(total=True),
        "You took the mean of the probabilities first; take the logarithm of each, then the mean.": dict(
            mean_first=True
        ),
        "You took logarithms to base 2 (bits); nats are natural logarithms.": dict(base=2.0),
        "There is no softmax: these are minus the scores themselves.": dict(scores_only=True),
        "The softmax runs over the batch: the scores of one row must give 1 together.": dict(axis=0),
        "You return the mean probability of the targets; the loss is minus its logarithm, token by token.": dict(
            no_log=True
        ),
        "You take the columns of all targets in every row; one number from each row is wanted: "
        "chances[torch.arange(len(targets)), targets].": dict(all_columns=True),
        "You return a Python number; leave out .item(), or nothing can be differentiated.": (
            "def bigram_loss(table, inputs, targets):\n"
            "    return torch.nn.functional.cross_entropy(table[inputs], targets).item()\n"
        ),
        "Your tensor cannot be differentiated: on the way the numbers left torch and came back.": (
            "def bigram_loss(table, inputs, targets):\n"
            "    return torch.tensor(torch.nn.functional.cross_entropy(table[inputs], targets).item())\n"
        ),
    }

    def questions(self, rng: np.random.Generator) -> Questions:
        """A random table, and pairs that are not symmetric."""
        size = int(rng.integers(5, 9))
        count = int(rng.integers(6, 12))
        inputs, targets = rng.integers(0, size, size=(2, count))
        inputs[:3], targets[:3] = (0, 1, 2), (1, 2, 4)
        return {"table": rng.normal(size=(size, size)) * 2, "inputs": inputs, "targets": targets}

    def stage(self) -> dict[str, Any]:
        """The student's own softmax may be used."""
        import torch

        return {"softmax": lambda logits, temperature=1.0: torch.softmax(logits / temperature, dim=-1)}

    def probe(self, student: Student, questions: Questions) -> float:
        """A number, from a table that learns."""
        inputs, targets = student.tensor(questions["inputs"]), student.tensor(questions["targets"])
        table = student.tensor(questions["table"], learns=True)
        return student.scalar(student.bigram_loss(table, inputs, targets))

    def expected(
        self,
        questions: Questions,
        exchanged: bool = False,
        sign: float = -1.0,
        total: bool = False,
        mean_first: bool = False,
        base: float = np.e,
        scores_only: bool = False,
        axis: int = -1,
        no_log: bool = False,
        all_columns: bool = False,
    ) -> float:
        """In float64."""
        table, inputs, targets = questions.values()
        if exchanged:
            inputs, targets = targets, inputs
        scores = table[inputs]  # (num_tokens, vocab_size)
        powers = np.exp(scores - scores.max(axis=axis, keepdims=True))
        probabilities = powers / powers.sum(axis=axis, keepdims=True)
        rows = np.arange(len(targets))
        chosen = probabilities[:, targets] if all_columns else probabilities[rows, targets]
        if scores_only:
            return float(-scores[rows, targets].mean())
        if no_log:
            return float(chosen.mean())
        if mean_first:
            return float(-np.log(chosen.mean()))
        logs = sign * np.log(chosen) / np.log(base)
        return float(logs.sum() if total else logs.mean())


class Nearest(Exercise):
    """`nearest(table, token, count)`: ids by cosine, the most similar first, without the token itself."""

    id, title, points, asks_for = "04.4", "Nearest neighbours", 3, ("nearest",)
    hints = (
        "Who is always most similar to a token, with a cosine of exactly 1?",
        "Divide each row by its length, `table / table.norm(dim=1, keepdim=True)`; then dot products are cosines.",
        "`similarity = units @ units[token]` and `similarity.topk(count).indices`. What must happen to "
        "`similarity[token]` in between?",
    )
    mistakes = {
        "The token is its own nearest neighbour here: leave it out.": dict(itself=True),
        "These are the largest dot products: long rows win. Divide each row by its length first.": dict(
            measure="dot"
        ),
        "You measured the distance; the cosine compares directions only, whatever the lengths.": dict(
            measure="distance"
        ),
        "These are the least similar ones: the largest cosine comes first.": dict(farthest=True),
        "The right tokens, but the least similar of them comes first.": dict(backwards=True),
        "The columns were divided by their length; each row (dim=1) is one token.": dict(measure="columns"),
        "These are the cosines themselves; the ids of the tokens are asked for: take .indices of topk.": dict(
            cosines=True
        ),
        "`nearest` returned all that topk gives: values and indices.": (
            "def nearest(table, token, count):\n"
            "    return torch.cosine_similarity(table, table[token], dim=1).topk(count)\n"
        ),
    }

    def questions(self, rng: np.random.Generator) -> Questions:
        """Rows of very different lengths, so that the measures disagree."""
        while True:
            table = (
                rng.normal(size=(30, 6)) * rng.uniform(0.2, 5.0, size=(30, 1)) * rng.uniform(0.3, 3.0, size=6)
            )
            questions = {"table": table, "token": int(rng.integers(30)), "count": 5}
            answers = [
                self.expected(questions).tolist(),
                *(
                    self.wrong_answer(questions, mistake).tolist()
                    for mistake in self.mistakes.values()
                    if not isinstance(mistake, str)
                ),
            ]
            if all(answers.count(answer) == 1 for answer in answers):
                return questions

    def probe(self, student: Student, questions: Questions) -> np.ndarray:
        """Ids."""
        table = student.tensor(questions["table"])
        return student.array(student.nearest(table, questions["token"], questions["count"]))

    def expected(
        self,
        questions: Questions,
        itself: bool = False,
        measure: str = "cosine",
        farthest: bool = False,
        backwards: bool = False,
        cosines: bool = False,
    ) -> np.ndarray:
        """By a full sort."""
        table, token, count = questions.values()
        units = table / np.linalg.norm(table, axis=1, keepdims=True)
        similarity = units @ units[token]
        if measure == "dot":
            similarity = table @ table[token]
        if measure == "distance":
            similarity = -np.linalg.norm(table - table[token], axis=1)
        if measure == "columns":
            scaled = table / np.linalg.norm(table, axis=0)
            similarity = scaled @ scaled[token]
        order = np.argsort(similarity if farthest else -similarity)
        found = order[:count] if itself else order[order != token][:count]
        if cosines:
            return similarity[found]
        return found[::-1] if backwards else found


class Map(Exercise):
    """`map_2d(rows)`: places on the plane of the two largest principal components."""

    id, title, points, asks_for = "04.5", "Two directions", 3, ("map_2d",)
    hints = (
        "What does the first direction show if the whole cloud lies far from zero, and you forget to centre it?",
        "`centred = rows - rows.mean(dim=0)`; the third result of `torch.linalg.svd(centred, full_matrices=False)` "
        "has the directions as rows.",
        "`_, _, directions = torch.linalg.svd(...)`: a place is a centred row times each of the first two directions. "
        "Which shape must the right side of `@` have?",
    )
    mistakes = {
        "The mean was not taken off: then the first direction points from zero to the middle of the cloud.": dict(
            centre="none"
        ),
        "You took the mean of each row; take the mean over all words, one for each column (dim=0).": dict(
            centre="rows"
        ),
        "These are columns of U: all directions get the same spread. Multiply by the singular values, or project.": dict(
            result="u"
        ),
        "These are the two directions themselves; the places are the centred rows times them.": dict(
            result="directions"
        ),
        "These are the directions of the smallest spread; svd puts the largest first.": dict(result="last"),
        "You projected on columns of Vᵀ; the directions are its rows.": dict(result="columns"),
        "The two coordinates are exchanged: the direction of the largest spread comes first.": dict(
            result="exchanged"
        ),
    }

    def questions(self, rng: np.random.Generator) -> Questions:
        """A long cloud, away from zero."""
        spread = np.array([5.0, 3.0, 1.5, 1.0, 0.5])
        turn, _ = np.linalg.qr(rng.normal(size=(5, 5)))
        return {
            "rows": rng.normal(size=(int(rng.integers(12, 20)), 5)) * spread @ turn + rng.normal(size=5) * 4
        }

    def probe(self, student: Student, questions: Questions) -> np.ndarray:
        """Places."""
        return mirrored(student.array(student.map_2d(student.tensor(questions["rows"]))))

    def expected(self, questions: Questions, centre: str = "columns", result: str = "places") -> np.ndarray:
        """In float64."""
        rows = questions["rows"]
        if centre == "columns":
            rows = rows - rows.mean(axis=0)
        if centre == "rows":
            rows = rows - rows.mean(axis=1, keepdims=True)
        u, _, directions = np.linalg.svd(rows, full_matrices=False)
        answers = {
            "places": rows @ directions[:2].T,
            "u": u[:, :2],
            "directions": directions[:2],
            "last": rows @ directions[-2:].T,
            "columns": rows @ directions[:, :2],
            "exchanged": (rows @ directions[:2].T)[:, ::-1],
        }
        return mirrored(answers[result])

    atol = 1e-4  # float32 singular vectors of a cloud of size 10


def mirrored(places: np.ndarray) -> np.ndarray:
    """Each column with the sign that makes its largest entry positive; other shapes as they are."""
    if places.ndim != 2 or not places.size:
        return places
    largest = np.abs(places).argmax(axis=0)
    return places * np.where(places[largest, np.arange(places.shape[1])] < 0, -1.0, 1.0)
