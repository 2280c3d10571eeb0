"""Lesson 01: undo mojibake, tidy, precision and recall, shingles, MinHash. Plain Python and numpy, no torch."""

import re
import unicodedata
from typing import Any

import numpy as np

from checks.exercise import Exercise, Questions
from checks.student import Student

NAMES = ("Zoë", "Lily", "Ben", "Mia", "Tom", "José", "Sue", "Max")


def pick(rng: np.random.Generator, options: tuple[str, ...]) -> str:
    """One of the options."""
    return options[int(rng.integers(len(options)))]


class UndoMojibake(Exercise):
    """`fix_mojibake(text)` turns UTF-8 that was read as Windows-1252 back, and touches nothing else."""

    id, title, points, asks_for = "01.1", "Undo mojibake", 2, ("fix_mojibake",)

    hints = (
        "Mojibake was made in two steps: `encode` with one codec, `decode` with another. Which steps go back?",
        '`"â€™".encode("cp1252")` gives the bytes back. What are these bytes, read as UTF-8?',
        "Wrap the two steps in `try`. Text that is not mojibake fails in one of them with a `UnicodeError`: "
        "then return it unchanged.",
    )

    mistakes = {
        "You go the wrong way round: encoding as UTF-8 and decoding as cp1252 is how mojibake is made.": dict(
            backwards=True
        ),
        "You encode as latin-1, which has no € and no ™: use cp1252, the codec that made the mess.": dict(
            codec="latin-1"
        ),
        'errors="ignore" throws letters away: a healthy é must survive.': dict(errors="ignore"),
        'errors="replace" puts � or ? where a healthy letter stood.': dict(errors="replace"),
        "You replace only â€™. The same accident befell every character that is not ASCII.": dict(
            only_apostrophe=True
        ),
        "Text that cannot be turned back must come back as it is, not empty.": dict(give_up=""),
    }

    def questions(self, rng: np.random.Generator) -> Questions:
        """Mojibake and healthy text, in any order."""
        name, other = pick(rng, NAMES), pick(rng, NAMES)
        healthy = [
            f"{name} and {other} ran home.",
            "“It’s a café,” said Mom.",  # bytes of cp1252, but not of UTF-8
            "Привет, сказал кот.",  # not even in cp1252
            f"naïve {other}",
        ]
        broken = [
            f"It’s {name}’s hat.",
            "The café was open — at last…",
            f"“No, {other}!",  # the closing quote has a byte that cp1252 does not know
            f"piñata for {other}",
        ]
        texts = healthy + [text.encode("utf-8").decode("cp1252") for text in broken]
        return {"texts": [texts[i] for i in rng.permutation(len(texts))]}

    def probe(self, student: Student, questions: Questions) -> list[str]:
        """One text after the other."""
        return [student.text(student.fix_mojibake(text)) for text in questions["texts"]]

    def expected(self, questions: Questions, **switches: Any) -> list[str]:
        """In plain Python."""
        return [unbroken(text, **switches) for text in questions["texts"]]


def unbroken(
    text: str,
    backwards: bool = False,
    codec: str = "cp1252",
    errors: str = "strict",
    only_apostrophe: bool = False,
    give_up: str | None = None,
) -> str:
    """The text turned back; each usual mistake with one switch."""
    if only_apostrophe:
        return text.replace("â€™", "’")
    try:
        if backwards:
            return text.encode("utf-8").decode(codec)
        return text.encode(codec, errors).decode("utf-8", errors)
    except UnicodeError:
        return text if give_up is None else give_up


class Tidy(Exercise):
    """`tidy(text)` writes the same story in one way: NFC, straight quotes, single spaces."""

    id, title, points, asks_for = "01.2", "One way to write it", 2, ("tidy",)

    hints = (
        "Four steps, one line each. In which order do they not disturb one another?",
        "`text.splitlines()` gives the lines, whatever divides them; `line.split()` gives the words of a line, "
        'whatever white space divides them; `" ".join(...)` puts them back.',
        r'NFC, then `.translate(TYPOGRAPHY)`, then the lines; last `re.sub(r"\n{3,}", "\n\n", text).strip()`.',
    )

    mistakes = {
        "Nothing brings the text to NFC: e followed by a combining accent stays two characters.": dict(
            form=""
        ),
        "NFKC changes what is written: 5² becomes 52. Use NFC.": dict(form="NFKC"),
        "Your text is decomposed (NFD): é became two characters. NFC composes.": dict(form="NFD"),
        "The line ends are gone: split into lines first, and join the words of each line.": dict(
            one_line=True
        ),
        'replace("  ", " ") once turns four spaces into two; a run must become one space.': dict(once=True),
        "Only ordinary spaces are joined: a tab or a no-break space (U+00A0) is white space too.": dict(
            spaces_only=True
        ),
        "Apostrophes are still curly: ‘ and ’ become '.": dict(keep="‘’"),
        "Dashes are still long: – and — become -.": dict(keep="–—"),
        "More than one empty line in a row is left between paragraphs.": dict(blank_lines=True),
        "White space is left at the beginning or the end of the text.": dict(strip=False),
    }

    def questions(self, rng: np.random.Generator) -> Questions:
        """Texts in which each rule is needed."""
        name = pick(rng, ("Lily", "Ben", "Mia", "Tom"))
        return {
            "texts": [
                f"\n\n“It’s   {name}’s caf\u0065\u0301,”\tsaid Mom.  \nThen –\u00a0at last — he\u00a0\u00a0ran…\n\n\n\nThe end.\n",
                f"  Zoë and {name} wrote ‘5² = 25’    on the wall.\r\n \r\n \r\nA\u030angstro\u0308m    laughed. ",
            ]
        }

    def probe(self, student: Student, questions: Questions) -> list[str]:
        """One text after the other."""
        return [student.text(student.tidy(text)) for text in questions["texts"]]

    def expected(self, questions: Questions, **switches: Any) -> list[str]:
        """In plain Python."""
        return [tidied(text, **switches) for text in questions["texts"]]


def tidied(
    text: str,
    form: Any = "NFC",
    keep: str = "",
    one_line: bool = False,
    once: bool = False,
    spaces_only: bool = False,
    blank_lines: bool = False,
    strip: bool = True,
) -> str:
    """The tidy text; each usual mistake with one switch."""
    if form:
        text = unicodedata.normalize(form, text)
    for old, new in (("“”", '"'), ("‘’", "'"), ("–—", "-"), ("…", "...")):
        if old != keep:
            text = re.sub(f"[{old}]", new, text)
    if one_line:
        return " ".join(text.split())
    lines = text.splitlines()
    if once:
        lines = [re.sub(r"[^\S ]", " ", line).strip().replace("  ", " ") for line in lines]
    elif spaces_only:
        lines = [re.sub(" +", " ", line).strip(" ") for line in lines]
    else:
        lines = [" ".join(line.split()) for line in lines]
    text = "\n".join(lines)
    if not blank_lines:
        text = re.sub(r"\n{3,}", "\n\n", text)
    return text.strip() if strip else text


class PrecisionAndRecall(Exercise):
    """`precision_and_recall(found, planted)`: how many alarms were right, how much of the dirt was found."""

    id, title, points, asks_for = "01.3", "Precision and recall", 1, ("precision_and_recall",)

    hints = (
        "Both are shares of something. `found & planted` is on top in both: what is below?",
        "Precision asks about the alarms: divide by `len(found)`. Recall asks about the dirt: `len(planted)`.",
        "`len(found & planted) / len(found) if found else 1.0`, and the same with `planted`.",
    )

    mistakes = {
        "Precision and recall are swapped: precision divides by what was found, recall by what was planted.": dict(
            swapped=True
        ),
        "You divide by the union. That is the Jaccard similarity; precision divides by what was found.": dict(
            union=True
        ),
        "You return counts; a share lies between 0 and 1.": dict(counts=True),
        "With no alarm there is no false alarm, and with no dirt none was missed: 1.0, not 0.0.": dict(
            empty=0.0
        ),
    }

    def questions(self, rng: np.random.Generator) -> Questions:
        """A fair case, and the two empty ones."""
        planted = [int(i) for i in rng.choice(100, size=12, replace=False)]
        found = planted[: int(rng.integers(4, 8))] + [100 + i for i in range(int(rng.integers(9, 14)))]
        return {"cases": [[found, planted], [[], planted], [found[-3:], []]]}

    def probe(self, student: Student, questions: Questions) -> list[Any]:
        """One case after the other."""
        answers = []
        for found, planted in questions["cases"]:
            answer = student.value(student.precision_and_recall(set(found), set(planted)), tuple, list)
            answers.append([student.number(part) for part in answer])
        return answers

    def expected(self, questions: Questions, **switches: Any) -> list[Any]:
        """In plain Python."""
        return [shares(set(found), set(planted), **switches) for found, planted in questions["cases"]]


def shares(
    found: set[int],
    planted: set[int],
    swapped: bool = False,
    union: bool = False,
    counts: bool = False,
    empty: float = 1.0,
) -> list[float]:
    """Precision and recall; each usual mistake with one switch."""
    right = len(found & planted)
    below = [found | planted] * 2 if union else [found, planted]
    if counts:
        return [float(right), float(right)]
    both = [right / len(part) if part else empty for part in below]
    return both[::-1] if swapped else both


class Shingles(Exercise):
    """`shingles(text, size)` and `jaccard(first, second)`: how much of two stories is the same."""

    id, title, points, asks_for = "01.4", "Shingles and Jaccard", 2, ("shingles", "jaccard")

    hints = (
        "How many runs of 3 words are there in a text of 5 words? Write them down.",
        "`words[i : i + size]` for i in `range(len(words) - size + 1)`; a tuple can be in a set, a list cannot.",
        "`{tuple(words[i : i + size]) for i in ...}` and `len(first & second) / len(first | second)`.",
    )

    mistakes = {
        "The last shingle is missing: a text of n words has n - size + 1 of them.": dict(drop_last=True),
        "Your shingles do not overlap: the next one begins one word later, not `size` words.": dict(
            stride=True
        ),
        "Upper and lower case count as different: lower the text first.": dict(lower=False),
        "Your shingles are runs of letters, not of words.": dict(letters=True),
        "Your shingles are single words: `size` has no effect.": dict(single=True),
        "You divide by the smaller set. That is the overlap coefficient; Jaccard divides by the union.": dict(
            below="smaller"
        ),
        "You divide by the sum of both sizes, which counts what is shared twice; the union counts it once.": dict(
            below="sum"
        ),
    }

    def questions(self, rng: np.random.Generator) -> Questions:
        """Two stories that share a beginning; words repeat, so that sets and lists differ."""
        first, second = (str(one) for one in rng.choice(("Lily", "Ben", "Mia", "Tom"), size=2, replace=False))
        start = f"The cat sat and the cat sat and {first} saw the cat"
        return {
            "texts": [
                f"{start} run to the big red ball",
                f"{start.replace('The', 'the')} and {second} ran home too",
            ],
            "size": int(rng.integers(2, 5)),
        }

    def probe(self, student: Student, questions: Questions) -> dict[str, Any]:
        """The shingles in order, and how similar the student's own sets are."""
        found = [student.shingles(text, questions["size"]) for text in questions["texts"]]
        plain = [sorted(student.value(list(one), list), key=str) for one in found]
        return {"shingles": plain, "similarity": student.number(student.jaccard(*found))}

    def expected(self, questions: Questions, below: str = "union", **switches: Any) -> dict[str, Any]:
        """In plain Python."""
        first, second = (runs(text, questions["size"], **switches) for text in questions["texts"])
        sizes = {
            "union": len(first | second),
            "smaller": min(len(first), len(second)),
            "sum": len(first) + len(second),
        }
        return {
            "shingles": [sorted(one, key=str) for one in (first, second)],
            "similarity": len(first & second) / sizes[below],
        }


def runs(
    text: str,
    size: int,
    lower: bool = True,
    letters: bool = False,
    single: bool = False,
    stride: bool = False,
    drop_last: bool = False,
) -> set[tuple[str, ...]]:
    """The shingles; each usual mistake with one switch."""
    text = text.lower() if lower else text
    words = list(text) if letters else text.split()
    size = 1 if single else size
    count = len(words) - size + (0 if drop_last else 1)
    return {tuple(words[i : i + size]) for i in range(0, count, size if stride else 1)}


class MinHash(Exercise):
    """`signature(ids, a, b)`: the smallest value of each hash function over all shingles of a story."""

    id, title, points, asks_for = "01.5", "A MinHash signature", 2, ("signature",)

    hints = (
        "There are `len(ids)` x `len(a)` values. Which one of each hash function stays?",
        "`a[:, None] * ids + b[:, None]` has one row for each hash function and one column for each shingle.",
        "After `% PRIME`, `.min(axis=...)` leaves one number for each hash function. Which axis must go, rows or columns?",
    )

    mistakes = {
        "You keep the largest value; any extreme would do, but then both sides must agree: keep the smallest.": dict(
            largest=True
        ),
        "The minimum runs over the hash functions; it must run over the shingles, one number for each function.": dict(
            axis=0
        ),
        "Without % PRIME the order of the shingles hardly changes between functions: take the remainder.": dict(
            remainder=False
        ),
        "b is not added.": dict(shift=False),
        "You return where the minimum stands (argmin), not the minimum.": dict(position=True),
        "You return one number for the whole story; a signature has one for each hash function.": (
            "def signature(ids, a, b):\n    return ((a[:, None] * ids + b[:, None]) % PRIME).min(keepdims=True)[0]\n"
        ),
    }

    def questions(self, rng: np.random.Generator) -> Questions:
        """More shingles than functions, so that the axes cannot be confused."""
        functions = int(rng.integers(4, 8))
        return {
            "ids": rng.integers(0, PRIME, size=functions + int(rng.integers(5, 20))),
            "a": rng.integers(1, PRIME, size=functions),
            "b": rng.integers(0, PRIME, size=functions),
        }

    def probe(self, student: Student, questions: Questions) -> np.ndarray:
        """Copies of the arrays, as the lesson has them."""
        return student.array(
            student.signature(*(questions[name].copy() for name in ("ids", "a", "b"))), numpy=True
        )

    def expected(
        self,
        questions: Questions,
        largest: bool = False,
        axis: int = 1,
        remainder: bool = True,
        shift: bool = True,
        position: bool = False,
    ) -> np.ndarray:
        """In numpy int64."""
        values = questions["a"][:, None] * questions["ids"] + (questions["b"][:, None] if shift else 0)
        values = values % PRIME if remainder else values
        if position:
            return values.argmin(axis=axis)
        return values.max(axis=axis) if largest else values.min(axis=axis)

    def judge(self, questions: Questions, answer: Any) -> Any:
        """The mistake given as code is recognised by its shape."""
        if answer.size == 1:
            return list(self.mistakes)[-1]
        return super().judge(questions, answer)

    def stage(self) -> dict[str, Any]:
        """The lesson's prime."""
        return {"PRIME": PRIME}


PRIME = 2**31 - 1
