"""Lesson 05, positions: sines and cosines, turned pairs, two conventions, and a preference for what is near."""

import numpy as np

from checks.axes import FROM_THE_BACK, AnyAxes, any_axes
from checks.exercise import Exercise, Finding, Questions
from checks.student import Student, means


class Sinusoidal(Exercise):
    """`sinusoidal(positions, embed_dim)` is the table of Vaswani et al."""

    id, title, points, asks_for = "05.1", "Sines and cosines", 3, ("sinusoidal",)
    hints = (
        "For embed_dim 4 and position 1: which two frequencies are there, and what are the four numbers?",
        "`frequencies = 10000.0 ** -(torch.arange(0, embed_dim, 2) / embed_dim)`; the angles are "
        "`positions[:, None] * frequencies`, (time, embed_dim / 2).",
        "`torch.stack((angles.sin(), angles.cos()), dim=...).flatten(-2)` puts sine and cosine in turns, if the new "
        "axis stands in the right place. Where?",
    )
    mistakes = {
        "Sine and cosine are exchanged: the sine stands at the even places.": dict(exchanged=True),
        "All sines come first, then all cosines; here they take turns: sine at 2i, cosine at 2i + 1.": dict(
            halves=True
        ),
        "Your frequencies fall half as fast: the exponent of pair i is 2i / embed_dim, not i / embed_dim.": dict(
            exponent=0.5
        ),
        "Each place has a frequency of its own; sine and cosine of a pair share one.": dict(own=True),
        "Your frequencies grow: divide the position by 10000^(2i / embed_dim).": dict(exponent=-1.0),
        "You count positions from 1; use them as they are given.": dict(first=1),
        "The base is 10,000.": dict(base=1000.0),
    }
    atol = 1e-4  # float32 angles of some hundred radians

    def questions(self, rng: np.random.Generator) -> Questions:
        """Positions in no order, one of them 0."""
        positions = np.concatenate(([0, 1], rng.choice(np.arange(2, 200), size=4, replace=False)))
        return {"positions": positions, "embed_dim": 2 * int(rng.integers(3, 7))}

    def probe(self, student: Student, questions: Questions) -> np.ndarray:
        """The table."""
        positions = student.tensor(questions["positions"])
        return student.array(student.sinusoidal(positions, questions["embed_dim"]))

    def expected(
        self,
        questions: Questions,
        exchanged: bool = False,
        halves: bool = False,
        exponent: float = 1.0,
        own: bool = False,
        first: int = 0,
        base: float = 10_000.0,
    ) -> np.ndarray:
        """By the formula, number by number."""
        positions, size = questions["positions"] + first, questions["embed_dim"]
        place = np.arange(size)
        pair = place if own else place % (size // 2) if halves else place // 2
        step = 1 if own else 2
        angles = positions[:, None] * base ** (-exponent * step * pair / size)
        is_sine = (place < size // 2) if halves else place % 2 == 0
        return np.where(is_sine != exchanged, np.sin(angles), np.cos(angles))


def turned(
    x: np.ndarray,
    positions: np.ndarray,
    theta: float = 10_000.0,
    pairs: str = "half",
    sign: float = 1.0,
    exponent: float = 1.0,
    first: int = 0,
    stretch: bool = False,
    one_angle: bool = False,
) -> np.ndarray:
    """RoPE with complex numbers: (..., time, head_dim), positions (time,)."""
    half = x.shape[-1] // 2
    order = (
        np.arange(2 * half).reshape(2, half) if pairs == "half" else np.arange(2 * half).reshape(half, 2).T
    )
    steps = np.zeros(half) if one_angle else np.arange(half) / half
    angles = sign * (positions[:, None] + first) * theta ** (-exponent * steps)
    numbers = (x[..., order[0]] + 1j * x[..., order[1]]) * np.exp(1j * angles)
    if stretch:  # the second number of a pair keeps the first one's sign in front of the sine
        a, b = x[..., order[0]], x[..., order[1]]
        numbers = (a * np.cos(angles) - b * np.sin(angles)) + 1j * (b * np.cos(angles) - a * np.sin(angles))
    result = np.empty_like(x)
    result[..., order[0]], result[..., order[1]] = numbers.real, numbers.imag
    return result


class Rope(AnyAxes):
    """`rope(x, positions, theta)` turns the pairs (i, i + head_dim / 2)."""

    id, title, points, asks_for = "05.2", "Turn the pairs", 4, ("rope",)
    hints = (
        "Turn the point (1, 0) by a quarter of a circle, anticlockwise: where is it? Do your two lines say (0, 1)?",
        "`first, second = x.chunk(2, dim=-1)`; `angles = positions[:, None] * theta ** -(torch.arange(half) / half)`, "
        "(time, half), where `half = head_dim // 2`.",
        "The new first half is `first * cos - second * sin`. What is the new second half, and what puts them together?",
    )
    mistakes = {
        "The pairs turn the wrong way round: (first cos - second sin, second cos + first sin).": dict(
            sign=-1.0
        ),
        "You turn neighbours (2i, 2i + 1); here pair i is (i, i + head_dim / 2).": dict(pairs="interleaved"),
        "Your angles fall half as fast: pair i turns by theta^(-2i / head_dim) at each step.": dict(
            exponent=0.5
        ),
        "Your angles grow with i: pair 0 is the fastest, and the exponent is negative.": dict(exponent=-1.0),
        "You count positions from 1; use them as they are given.": dict(first=1),
        "Both lines have a minus: the second is second cos + first sin. Yours changes the length of the pair.": dict(
            stretch=True
        ),
        "All pairs turn by the same angle; pair i turns by position x theta^(-2i / head_dim).": dict(
            one_angle=True
        ),
        FROM_THE_BACK: (
            "def rope(x, positions, theta=10_000.0):\n"
            "    half = x.shape[2] // 2\n"
            "    angles = positions[:, None] * theta ** -(torch.arange(half) / half)\n"
            "    first, second = x.chunk(2, dim=2)\n"
            "    cos, sin = angles.cos(), angles.sin()\n"
            "    return torch.cat((first * cos - second * sin, second * cos + first * sin), dim=2)\n"
        ),
    }
    atol = 1e-4

    def questions(self, rng: np.random.Generator, axes: int = 3) -> Questions:
        """Two heads (or none, or a batch of them) at positions in no order, and a theta that is not always the usual one."""
        time, half = int(rng.integers(4, 7)), int(rng.integers(3, 6))
        positions = np.concatenate(([0], rng.choice(np.arange(1, 100), size=time - 1, replace=False)))
        theta = float(rng.choice([500.0, 10_000.0, 500_000.0]))
        x = rng.normal(size=(*(3, 2)[4 - axes :], time, 2 * half))
        return {"x": x, "positions": positions, "theta": theta}

    def probe(self, student: Student, questions: Questions) -> np.ndarray:
        """The turned rows."""
        x, positions = student.tensor(questions["x"]), student.tensor(questions["positions"])
        with any_axes(questions["x"]):
            return student.array(student.rope(x, positions, questions["theta"]))

    def expected(
        self,
        questions: Questions,
        pairs: str = "half",
        sign: float = 1.0,
        exponent: float = 1.0,
        first: int = 0,
        stretch: bool = False,
        one_angle: bool = False,
    ) -> np.ndarray:
        """With complex numbers."""
        return turned(
            questions["x"],
            questions["positions"],
            questions["theta"],
            pairs=pairs,
            sign=sign,
            exponent=exponent,
            first=first,
            stretch=stretch,
            one_angle=one_angle,
        )


NOT_SQUARE = (
    "A weight need not be square: its rows are num_heads * head_dim (weight.shape[0]), its columns embed_dim "
    "(weight.shape[1])."
)


class ToHalf(Exercise):
    """`to_half(weight, num_heads)` reorders the rows of a query or key projection."""

    id, title, points, asks_for = "05.3", "From one convention to the other", 3, ("to_half",)
    hints = (
        "With head_dim 6, which rows of an interleaved head are the first numbers of their pairs? Where do they go?",
        "`weight.view(num_heads, head_dim // 2, 2, embed_dim)` gives heads, pairs, first or second, columns. "
        "In `half` order, what comes before what?",
        "After the `view`, two axes change places; then `.reshape(weight.shape)`. Which two?",
    )
    mistakes = {
        "This is the way back, from half to interleaved.": dict(back=True),
        "You sorted over all heads together: every head has its own pairs, and keeps its place.": dict(
            heads=False
        ),
        "You reordered the columns; the numbers of a query are the rows of the weight.": dict(columns=True),
        "Nothing has moved.": dict(still=True),
        "First and second numbers are exchanged: the even rows come first.": dict(odd_first=True),
        NOT_SQUARE: (
            "def to_half(weight, num_heads):\n"
            "    head_dim = weight.shape[1] // num_heads\n"
            "    pairs = weight.view(num_heads, head_dim // 2, 2, weight.shape[1])\n"
            "    return pairs.transpose(1, 2).reshape(weight.shape)\n"
        ),
    }

    def questions_in_round(self, rng: np.random.Generator, number: int) -> Questions:
        """A few heads; first as many columns as rows, so that a mistake of axis runs through; then more."""
        heads, head_dim = int(rng.integers(2, 4)), 2 * int(rng.integers(3, 5))
        size = heads * head_dim
        return {"weight": rng.normal(size=(size, size + 2 * heads * number)), "num_heads": heads}

    def probe(self, student: Student, questions: Questions) -> np.ndarray:
        """The new weight."""
        rows, columns = questions["weight"].shape
        fix = f"Here a weight has {rows} rows and {columns} columns."
        with means(NOT_SQUARE, fix, when=rows < columns):
            return student.array(student.to_half(student.tensor(questions["weight"]), questions["num_heads"]))

    def expected(
        self,
        questions: Questions,
        back: bool = False,
        heads: bool = True,
        columns: bool = False,
        still: bool = False,
        odd_first: bool = False,
    ) -> np.ndarray:
        """By a list of row numbers."""
        weight, num_heads = questions["weight"], questions["num_heads"] if heads else 1
        head_dim = len(weight) // num_heads
        one = [*range(odd_first, head_dim, 2), *range(1 - odd_first, head_dim, 2)]
        one = np.argsort(one).tolist() if back else one
        order = [head * head_dim + row for head in range(num_heads) for row in one]
        if still:
            return weight
        return weight[:, order] if columns else weight[order]


class Alibi(Exercise):
    """`alibi(num_heads, time)`: what is added to the scores, minus slope times distance, and the mask."""

    id, title, points, asks_for = "05.4", "A preference for what is near", 3, ("alibi",)
    hints = (
        "Head 0 of 8 has slope 1/2. What is added for a key 3 tokens back? And for one that lies ahead?",
        "`slopes = 2.0 ** (-8 * torch.arange(1, num_heads + 1) / num_heads)`; "
        "`distance = places[:, None] - places` is (time, time), queries by keys.",
        "`-slopes[:, None, None] * distance` has one table for each head. Where is `distance` that of a key in the "
        "future? `masked_fill` puts `float('-inf')` there.",
    )
    mistakes = {
        "The sign is wrong: yours prefers what is far away.": dict(sign=1.0),
        "The future is not hidden: put -inf where a key lies after its query.": dict(mask=False),
        "The future is hidden by 0, which means no change at all: use -inf.": dict(hidden=0.0),
        "Your slopes begin with 1; the first is 2^(-8 / num_heads).": dict(first=0),
        "All heads have the same slope; each has its own.": dict(same=True),
        "Queries and keys are exchanged: rows are queries, columns are keys.": dict(transposed=True),
        "The slopes are those of 8 heads: the exponent of head h (from 1) is -8 h / num_heads.": dict(
            eight=True
        ),
        "Each token is hidden from itself, too: only later keys are.": dict(itself=True),
    }

    def questions(self, rng: np.random.Generator) -> Questions:
        """A power of two of heads, not 8."""
        return {"num_heads": int(rng.choice([2, 4, 16])), "time": int(rng.integers(5, 9))}

    def probe(self, student: Student, questions: Questions) -> np.ndarray:
        """The bias; -inf as a large negative number, which can be compared."""
        bias = student.array(student.alibi(questions["num_heads"], questions["time"])).astype(float)
        return np.where(np.isneginf(bias), HIDDEN, bias)

    def expected(
        self,
        questions: Questions,
        sign: float = -1.0,
        mask: bool = True,
        hidden: float = -1e9,
        first: int = 1,
        same: bool = False,
        transposed: bool = False,
        eight: bool = False,
        itself: bool = False,
    ) -> np.ndarray:
        """In float64; HIDDEN stands for -inf."""
        heads, time = questions["num_heads"], questions["time"]
        slopes = 2.0 ** (-8.0 * (np.arange(heads) + first) / (8 if eight else heads))
        slopes = np.full(heads, slopes[0]) if same else slopes
        distance = (np.arange(time)[:, None] - np.arange(time)).astype(float)
        bias = sign * slopes[:, None, None] * distance  # (heads, time, time)
        bias = np.where((distance < itself) & mask, hidden, bias)
        return bias.swapaxes(1, 2) if transposed else bias

    def judge(self, questions: Questions, answer: np.ndarray) -> str | Finding | None:
        """Shows -inf as itself."""
        found = super().judge(questions, answer)
        if isinstance(found, Finding):
            show = {name: text.replace("-1e+09", "-inf").replace("-1000000000.0", "-inf") for name, text in
                    (("expected", found.expected), ("got", found.got))}  # fmt: skip
            return Finding(found.sentence, show["expected"], show["got"])
        return found


HIDDEN = -1e9
