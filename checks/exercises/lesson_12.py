"""Lesson 12, training dynamics: measures of stories, the size of updates, and ten broken runs."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from checks.exercise import Exercise, Finding, Questions
from checks.student import Student

WORDS = ("the", "cat", "sat", "on", "mat", "and", "dog", "ran", "to", "Lily", "big", "red", "ball")


class DistinctN(Exercise):
    """`distinct_n(words, n)`: different n-grams as a share of all."""

    id, title, points, asks_for = "12.1", "Distinct n-grams", 2, ("distinct_n",)
    hints = (
        'Write down the pairs of ["a", "b", "a", "b"]. How many are there, and how many different ones?',
        "The n-gram that starts at place i is `tuple(words[i : i + n])`. Which is the last i that has n words left?",
        "`grams = [tuple(words[i : i + n]) for i in range(len(words) - n + 1)]`. How many are they, how many are "
        "different (`set`), and what if there is none?",
    )
    mistakes = {
        "You divide by the number of words; divide by the number of n-grams, which is n - 1 smaller.": dict(
            by="words"
        ),
        "You leave out the last n-gram: there are len(words) - n + 1 of them.": dict(last=False),
        "Your n-grams do not overlap; one starts at every word.": dict(overlap=False),
        "You count single words; n-grams are n words in a row.": dict(single=True),
        "The order inside an n-gram is lost (a set, or sorted): 'the dog' and 'dog the' are different.": dict(
            order=False
        ),
        "You return the share of repeated n-grams; the different ones are asked for.": dict(rest=True),
        "You count only n-grams that occur exactly once; each different one counts, however often it occurs.": dict(
            once=True
        ),
        "For a text with no n-gram at all, return 1.0: nothing was repeated.": dict(empty=0.0),
    }

    def questions(self, rng: np.random.Generator) -> Questions:
        """Words with repetitions, pairs in both orders, and a text that is too short."""
        n = int(rng.integers(2, 4))
        some = [WORDS[i] for i in rng.integers(0, len(WORDS), size=int(rng.integers(6, 10)))]
        phrase = ["dog", "the", "red"][:n]
        words = phrase + some + phrase + phrase[::-1] + ["end"] + some[:4] + ["last"]
        return {"texts": [words, ["the"]], "n": n}

    def probe(self, student: Student, questions: Questions) -> list[float]:
        """A number for each text."""
        return [student.number(student.distinct_n(list(text), questions["n"])) for text in questions["texts"]]

    def expected(self, questions: Questions, **switches: Any) -> list[float]:
        """One text after the other."""
        return [_distinct(text, questions["n"], **switches) for text in questions["texts"]]


def _distinct(
    words: list[str],
    n: int,
    by: str = "grams",
    last: bool = True,
    overlap: bool = True,
    single: bool = False,
    order: bool = True,
    rest: bool = False,
    once: bool = False,
    empty: float = 1.0,
) -> float:
    length = 1 if single else n
    starts = range(0, len(words) - length + 1 - (not last), 1 if overlap else n)
    grams = [tuple(words[i : i + length]) for i in starts]
    if not grams:
        return empty
    grams = grams if order else [tuple(sorted(gram)) for gram in grams]
    different = sum(grams.count(gram) == 1 for gram in grams) if once else len(set(grams))
    share = different / (len(words) if by == "words" else len(grams))
    return 1 - share if rest else share


class Quotes(Exercise):
    """`quotes(story)`: how many quotation marks open, and how many of them are closed in their line."""

    id, title, points, asks_for = "12.2", "Closed quotes", 2, ("quotes",)
    hints = (
        "A line has three marks. Which of them open, which close?",
        "In each line the first mark opens, the second closes, the third opens, and so on. A new line begins with "
        "nothing open. `story.splitlines()` gives the lines.",
        "`marks = line.count('\"')`. Of 4 marks 2 open and 2 close; of 3 marks 2 open and 1 closes. `//` can say both.",
    )
    mistakes = {
        "You count over the whole story; a mark left open is not closed by one in the next line.": dict(
            lines=False
        ),
        "You count every mark as opened; every second one closes.": dict(every=True),
        "You return (closed, opened); opened comes first.": dict(swap=True),
        "You leave the mark that is never closed out of the opened ones; it opened.": dict(pairs=True),
        "You look at the first line only.": dict(first=True),
        "You count lines; a line may open several quotations.": dict(per_line=True),
    }

    def questions(self, rng: np.random.Generator) -> Questions:
        """A story with whole, broken and no quotations, and several in a line."""
        whole = ['"Hello," she said. "Come in!"', 'Tom said, "No." Then "Yes," and "Maybe."']
        broken = ['"I see a dog', 'She said, "Look! "There it is," and ran', 'Sam asked, "Why']
        plain = ["They went home.", "It rained."]
        lines = [
            whole[int(rng.integers(2))],
            broken[0],
            broken[int(rng.integers(1, 3))],
            *plain,
            whole[1],
        ]
        order = rng.permutation(len(lines))
        story = [lines[i] for i in order if lines[i]]
        # Two lines with an odd number of marks, so that counting over the story hides both; one plain line first
        # would make `first line only` (0, 0), which is a wrong answer too.
        return {"stories": ["\n".join(story), "\n".join([whole[0], broken[0], plain[0]])]}

    def probe(self, student: Student, questions: Questions) -> list[list[int]]:
        """Two whole numbers for each story."""
        answers = []
        for story in questions["stories"]:
            pair = student.value(student.quotes(story), tuple, list)
            answers.append([int(part) if isinstance(part, (int, float)) else -1 for part in pair])
        return answers

    def expected(self, questions: Questions, **switches: Any) -> list[list[int]]:
        """One story after the other."""
        return [_quotes(story, **switches) for story in questions["stories"]]


def _quotes(
    story: str,
    lines: bool = True,
    every: bool = False,
    swap: bool = False,
    pairs: bool = False,
    first: bool = False,
    per_line: bool = False,
) -> list[int]:
    rows = story.splitlines() if lines else [story]
    rows = rows[:1] if first else rows
    marks = [row.count('"') for row in rows]
    opened = sum(marks) if every else sum((count + 1) // 2 for count in marks)
    closed = sum(count // 2 for count in marks)
    if pairs:
        opened = closed
    if per_line:
        opened, closed = (
            sum(count > 0 for count in marks),
            sum(count > 0 and count % 2 == 0 for count in marks),
        )
    return [closed, opened] if swap else [opened, closed]


class CopiedWords(Exercise):
    """`copied_words(words, seen, n)`: for each word whether it stands in an n-gram of the training text."""

    id, title, points, asks_for = "12.3", "Copied words", 3, ("copied_words",)
    hints = (
        "Five words in a row were copied, and n is 3. How many n-grams hit, and how many words are copied?",
        "Start with `[False] * len(words)`. An n-gram that was seen marks all of its n words, not only the first.",
        "For each start, `if tuple(words[start : start + n]) in seen:`. Which places of your list become True then? Give "
        "a slice as many values as it is long.",
    )
    mistakes = {
        "You mark only the first word of a copied n-gram; all n of them were copied.": dict(mark="first"),
        "You mark only the last word of a copied n-gram; all n of them were copied.": dict(mark="last"),
        "You leave out the last n-gram: there are len(words) - n + 1 starts.": dict(last=False),
        "You ask whether each single word occurs in the training text; n in a row are asked for.": dict(
            single=True
        ),
        "You look only at every n-th start; a copy may begin at any word.": dict(overlap=False),
        "True and False are the wrong way round: True means copied.": dict(negated=True),
    }

    def questions(self, rng: np.random.Generator) -> Questions:
        """A text of own and copied words; a copy that begins at no multiple of n and one at the very end."""
        n = int(rng.integers(3, 5))
        source = [f"{WORDS[i]}{int(k)}" for k, i in enumerate(rng.integers(0, len(WORDS), size=24))]
        own = [f"own{int(k)}" for k in range(6)]
        begin = int(rng.integers(2, 6))
        words = [
            *own[: n + 1],
            *source[begin : begin + n + 1],
            own[4],
            source[20],
            own[5],
            *source[12 : 12 + n],
        ]
        grams = [tuple(source[i : i + n]) for i in range(len(source) - n + 1)]
        return {"words": words, "source": source, "grams": [list(gram) for gram in grams], "n": n}

    def probe(self, student: Student, questions: Questions) -> list[bool]:
        """One truth a word."""
        seen = {tuple(gram) for gram in questions["grams"]}
        found = student.copied_words(list(questions["words"]), seen, questions["n"])
        return [bool(one) for one in student.value(found, list)]

    def expected(
        self,
        questions: Questions,
        mark: str = "all",
        last: bool = True,
        single: bool = False,
        overlap: bool = True,
        negated: bool = False,
    ) -> list[bool]:
        """By going over the starts."""
        words, n = questions["words"], questions["n"]
        if single:
            return [word in questions["source"] for word in words]
        seen = {tuple(gram) for gram in questions["grams"]}
        copied = [False] * len(words)
        for start in range(0, len(words) - n + 1 - (not last), 1 if overlap else n):
            if tuple(words[start : start + n]) in seen:
                places = {"all": range(start, start + n), "first": [start], "last": [start + n - 1]}[mark]
                for place in places:
                    copied[place] = True
        return [not one for one in copied] if negated else copied

    def judge(self, questions: Questions, answer: Any) -> Any:
        """Says how many answers there must be before it looks at them."""
        if len(answer) != len(questions["words"]):
            return Finding(
                "Return one True or False for each word.",
                str(len(questions["words"])),
                f"{len(answer)} values",
            )
        return super().judge(questions, answer)


class UpdateRatio(Exercise):
    """`update_ratio(before, after)`: the size of a step beside the size of the weights."""

    id, title, points, asks_for = "12.4", "Update to weight", 2, ("update_ratio",)
    hints = (
        "A weight goes from 2.000 to 2.002. By which part of itself did it change?",
        "The size of a tensor is its norm, the root of the sum of squares: `x.norm()`. The update is what was added.",
        "`(after - before).norm()`, divided by the norm of one of the two: which one? Then `.item()`.",
    )
    mistakes = {
        "You divide by the weights after the step; divide by those before it.": dict(by="after"),
        "You divide by the update; the update stands above, the weights below.": dict(inverse=True),
        "The root is missing: a norm is the root of the sum of squares.": dict(root=False),
        "You subtract the norms; first subtract the tensors, then take the norm.": dict(tensors_first=False),
        "You add up absolute values; a norm squares, adds, and takes the root.": dict(absolute=True),
        "std() subtracts the mean first, so an update that moves all weights alike counts for nothing; use norm().": (
            dict(std=True)
        ),
        "You return the norm of the update alone; divide by that of the weights.": dict(divide=False),
    }

    def questions(self, rng: np.random.Generator) -> Questions:
        """A matrix whose entries do not average to zero, and an update that does not either."""
        before = rng.normal(0.5, 1.0, size=(int(rng.integers(3, 6)), 4))
        return {"before": before, "after": before + rng.normal(0.05, 0.1, size=before.shape)}

    def probe(self, student: Student, questions: Questions) -> float:
        """A number."""
        before, after = (student.tensor(questions[name]) for name in ("before", "after"))
        return student.number(student.update_ratio(before, after))

    def expected(
        self,
        questions: Questions,
        by: str = "before",
        inverse: bool = False,
        root: bool = True,
        tensors_first: bool = True,
        absolute: bool = False,
        std: bool = False,
        divide: bool = True,
    ) -> float:
        """In float64."""
        before, after = (np.asarray(questions[name], dtype=np.float64) for name in ("before", "after"))

        def size(tensor: np.ndarray) -> float:
            if absolute:
                return float(np.abs(tensor).sum())
            if std:
                return float(tensor.std(ddof=1))
            squares = float((tensor**2).sum())
            return squares**0.5 if root else squares

        update = size(after - before) if tensors_first else abs(size(after) - size(before))
        weights = size(after if by == "after" else before)
        if not divide:
            return update
        return weights / update if inverse else update / weights


LR, WARM, MASK, SHIFT, INIT, FP16, VOCAB, LEAK, MODE, ACCUMULATION = CAUSES = (
    "learning rate x100",
    "no warm-up",
    "no mask",
    "targets not shifted",
    "bad initialization",
    "fp16 without scaler",
    "vocabulary off by one",
    "validation leaked",
    "evaluated in training mode",
    "accumulation not averaged",
)

KEY = {
    "A": SHIFT,
    "B": LR,
    "C": ACCUMULATION,
    "D": MASK,
    "E": INIT,
    "F": MODE,
    "G": FP16,
    "H": WARM,
    "I": VOCAB,
    "J": LEAK,
}

LOOK_AGAIN = {
    "A": "Run A: the training loss is near zero before the healthy run knows anything. Which task needs no learning?",
    "B": "Run B: look at how high the loss climbs, and whether it ever comes back.",
    "C": "Run C: both losses are those of a healthy run. Only one column differs, by a round factor, from step one.",
    "D": "Run D: at first like the healthy run, then the training loss falls to almost nothing. What did it find?",
    "E": "Run E: the first loss, before any step was made, is far above a uniform guess. What exists before a step?",
    "F": "Run F: the same weights measured five times give five numbers. What is drawn at random in a model?",
    "G": "Run G: nearly all entries of its gradient are exactly zero. Who turns small numbers into zeros?",
    "H": "Run H: it starts well, jumps up within the first steps, then recovers. What should the first steps be like?",
    "I": "Run I: its training loss is the healthy one to the last digit; only the measuring text seems foreign.",
    "J": "Run J: it does better on text it should never have seen than on its training text.",
}


def _swapped(first: str, second: str) -> dict[str, str]:
    """The key with two letters' causes exchanged."""
    return KEY | {first: KEY[second], second: KEY[first]}


class Diagnosis(Exercise):
    """`diagnosis()`: the letter of each broken run, with its cause."""

    id, title, points, asks_for = "12.5", "Ten diagnoses", 5, ("diagnosis",)
    rounds = 1
    hints = (
        "Start with what one number gives away: the first loss, the zeros, the five measurements. That settles "
        "three runs (E, G, F).",
        "Three runs have a good training loss and a terrible validation loss: A, D and I. In one the task needs no "
        "learning, in one a cheat had to be learned, in one nothing is wrong with the training at all.",
        "What is left: B never comes back, H jumps and comes back, J is too good on validation text, C has healthy "
        "losses and a gradient norm that is too large by a whole factor.",
    )
    mistakes = {
        "Runs A and D are exchanged: copying the token in front of you is learned at once, looking at the next "
        "one with attention takes many steps.": lambda _: _swapped("A", "D"),
        "Runs D and I are exchanged: the run with the healthy training loss was trained well and measured on other "
        "ids; the one far below it has cheated in training.": lambda _: _swapped("D", "I"),
        "Runs B and H are exchanged: without a warm-up the loss jumps and comes back, with a rate far too high it "
        "stays away.": lambda _: _swapped("B", "H"),
        "Runs F and J are exchanged: a leak makes validation too good; dropout makes it differ from one "
        "measurement to the next.": lambda _: _swapped("F", "J"),
        "Runs B and G are exchanged: both end high, but only fp16 fills the gradient with exact zeros.": lambda _: (
            _swapped("B", "G")
        ),
        "Runs E and H are exchanged: a missing warm-up cannot show before the first step; bad weights do.": lambda _: (
            _swapped("E", "H")
        ),
        "Runs C and H are exchanged: a missing warm-up shows in the loss; a sum instead of a mean shows in the "
        "gradient norm alone, as AdamW does not mind.": lambda _: _swapped("C", "H"),
        "Runs A and I are exchanged: run A's training loss is near zero, run I's is healthy; wrong ids in the "
        "validation text do not touch the training loss.": lambda _: _swapped("A", "I"),
    }

    def probe(self, student: Student, questions: Questions) -> dict[str, str]:
        """Plain strings by plain strings."""
        found = student.value(student.diagnosis(), dict)
        return {str(letter): str(cause) for letter, cause in found.items()}

    def expected(self, questions: Questions) -> dict[str, str]:
        """The key."""
        return KEY

    def judge(self, questions: Questions, answer: Any) -> Finding | None:
        """Part of the points for each right letter; a clue for the first wrong one."""
        given = {letter.strip().upper(): " ".join(cause.lower().split()) for letter, cause in answer.items()}
        if missing := [letter for letter in KEY if letter not in given]:
            sentence = (
                f"There is no diagnosis for run {', '.join(missing)}: give one for each letter, A to J."
            )
            return Finding(sentence, "10 letters", f"{len(given)} letters", _share(given))
        for letter in KEY:
            if given[letter] not in CAUSES:
                sentence = (
                    f"Run {letter}: {given[letter]!r} is not one of the ten causes; copy one from the list."
                )
                return Finding(sentence, "a cause from the list", given[letter], _share(given))
        wrong = [letter for letter in KEY if given[letter] != KEY[letter]]
        if not wrong:
            return None
        found = self.mistake_in(questions, given)
        sentence = found or ""
        if found is None:
            twice = sorted({cause for cause in given.values() if list(given.values()).count(cause) > 1})
            sentence = LOOK_AGAIN[wrong[0]]
            if twice:
                sentence += f" (Each cause belongs to one run; you gave {twice[0]!r} more than once.)"
        return Finding(sentence, "10 of 10 right", f"{10 - len(wrong)} of 10 right", _share(given))


def _share(given: Mapping[str, str]) -> float:
    return sum(given.get(letter) == cause for letter, cause in KEY.items()) / len(KEY)
