"""Lesson 09, perplexity: means over tokens, effective branching, bits per byte, sliding windows. Plain Python."""

import math
from typing import Any

import numpy as np

from checks.exercise import Exercise, Finding, Questions
from checks.student import Student


class CorpusPerplexity(Exercise):
    """`corpus_perplexity(batch_losses, batch_tokens)`: the perplexity of a whole set, from its batches."""

    id, title, points, asks_for = "09.1", "Batches of different sizes", 2, ("corpus_perplexity",)
    hints = (
        "What would you have to know of each batch to get the sum over all tokens, and do its two numbers give it?",
        "Mean loss times tokens is a batch's sum. Add up the sums, divide by all tokens, and take exp once, at "
        "the very end.",
        "`nats = sum(loss * count for loss, count in zip(batch_losses, batch_tokens))`. By what do you divide, and where "
        "does `math.exp` go?",
    )
    mistakes = {
        "You average over batches, as if all were equally large: weight each mean loss by its tokens.": dict(
            weighted=False
        ),
        "You average the batches' perplexities: first the mean of the losses, then exp, once.": dict(
            exp_first=True, weighted=False
        ),
        "You average the batches' perplexities, weighted by tokens; still, exp comes last.": dict(
            exp_first=True
        ),
        "You return the mean loss; perplexity is exp of it.": dict(exponential=False),
        "You raise 2 to the loss; the losses are in nats, so it is math.exp.": dict(base=2.0),
        "You add up all surprises and do not divide by the tokens.": dict(divide=False),
    }

    def questions(self, rng: np.random.Generator) -> Questions:
        """Full batches and a short last one, whose loss is unlike the others."""
        count = int(rng.integers(3, 7))
        losses = [float(one) for one in rng.uniform(1.5, 3.0, size=count)]
        return {
            "batch_losses": [*losses, float(rng.uniform(4.0, 5.0))],
            "batch_tokens": [2048] * count + [int(rng.integers(40, 400))],
        }

    def probe(self, student: Student, questions: Questions) -> float:
        """A number."""
        return student.number(student.corpus_perplexity(**questions))

    def expected(
        self,
        questions: Questions,
        weighted: bool = True,
        exp_first: bool = False,
        exponential: bool = True,
        base: float = math.e,
        divide: bool = True,
    ) -> float:
        """In plain Python."""
        losses, counts = questions["batch_losses"], questions["batch_tokens"]
        weights = counts if weighted else [1] * len(losses)
        values = [math.exp(loss) for loss in losses] if exp_first else losses
        total = sum(value * weight for value, weight in zip(values, weights, strict=True))
        mean = total / (sum(weights) if divide else 1)
        return mean if exp_first or not exponential else base ** min(mean, 600.0)


class Branching(Exercise):
    """`branching(probabilities)`: among how many equally likely tokens this distribution hesitates."""

    id, title, points, asks_for = "09.2", "How many ways to go on?", 2, ("branching",)
    hints = (
        "How surprising is token i, and how often does it come? What is then the mean surprise?",
        "The mean surprise is `-sum(p * ln p)`, the entropy; exp of it is the number asked for. What is 0 times "
        "the logarithm of 0 to be, for a token that never comes?",
        "`p = probabilities[probabilities > 0]` leaves the zeros out. What is the sum of `p * p.log()`, and what is still "
        "to be done with it?",
    )
    mistakes = {
        "You return the entropy; exp of it is a number of tokens.": dict(exponential=False),
        "You raise 2 to an entropy in nats: take exp, or log2 everywhere.": dict(base=2.0),
        "You count the tokens that are possible at all; a hardly possible one hardly counts.": dict(
            count=True
        ),
        "You take the mean of the surprises without weights: a likely token comes more often.": dict(
            unweighted=True
        ),
        "You look at the likeliest token only (1 / max): the others are ways to go on too.": dict(
            largest=True
        ),
        "You return 1 / sum of p squared, another count of ways (Simpson's); ours is exp of the entropy.": dict(
            simpson=True
        ),
        "0 times the logarithm of 0 gave nan: a token that never comes adds nothing. Leave out zeros first.": (
            "def branching(probabilities):\n"
            "    return (-(probabilities * probabilities.log()).sum()).exp().item()\n"
        ),
    }

    def questions(self, rng: np.random.Generator) -> Questions:
        """A die, a loaded die, and one with sides that never come up."""
        loaded = rng.dirichlet(np.full(int(rng.integers(6, 12)), 0.7))
        sides = int(rng.integers(4, 20))
        return {
            "distributions": [
                np.full(sides, 1 / sides),
                loaded,
                np.concatenate([rng.dirichlet(np.full(5, 0.8)), np.zeros(3)]),
            ]
        }

    def probe(self, student: Student, questions: Questions) -> list[float]:
        """One distribution after the other."""
        return [student.number(student.branching(student.tensor(one))) for one in questions["distributions"]]

    def expected(
        self,
        questions: Questions,
        exponential: bool = True,
        base: float = math.e,
        count: bool = False,
        unweighted: bool = False,
        largest: bool = False,
        simpson: bool = False,
    ) -> list[float]:
        """In float64."""
        answers = []
        for distribution in questions["distributions"]:
            some = distribution[distribution > 0]
            entropy = float(-np.log(some).mean() if unweighted else -(some * np.log(some)).sum())
            if count or largest or simpson:
                answers.append(
                    float(len(some) if count else 1 / some.max() if largest else 1 / (some**2).sum())
                )
            else:
                answers.append(base**entropy if exponential else entropy)
        return answers

    def judge(self, questions: Questions, answer: Any) -> Any:
        """Zeros show as nan."""
        if not all(map(math.isfinite, answer)):
            return Finding(list(self.mistakes)[-1], f"{self.expected(questions)[-1]:.3f}", str(answer[-1]))
        return super().judge(questions, answer)


class BitsPerByte(Exercise):
    """`bits_per_byte(losses, text)`: surprise in bits for each byte of the text."""

    id, title, points, asks_for = "09.3", "Bits per byte", 3, ("bits_per_byte",)
    hints = (
        "The losses are in nats, one a token. How surprised was the model by the whole text? How many nats are "
        "one bit?",
        'A bit is `math.log(2)` nats. `len(text)` counts characters; `len(text.encode("utf-8"))` counts bytes.',
        "The sum of the losses, divided twice: once to turn nats into bits, once for the bytes.",
    )
    mistakes = {
        "You divide by characters; é has two bytes in UTF-8, an emoji four: encode the text first.": dict(
            characters=True
        ),
        "You divide by tokens: that is bits per token, and depends on the tokenizer.": dict(tokens=True),
        "These are nats per byte: a bit is ln 2 nats, so divide by math.log(2).": dict(bit=1.0),
        "You multiply by ln 2; one nat is more than one bit, so divide.": dict(bit=1 / math.log(2)),
        "You start from the mean loss; the sum over all tokens is what the bytes share.": dict(mean=True),
        "You divide by bits of text (8 a byte): that is a ratio of compression, 8 times too small.": dict(
            eight=True
        ),
    }

    def questions(self, rng: np.random.Generator) -> Questions:
        """A text with characters of one to four bytes, and fewer tokens than bytes."""
        words = ["the", "café", "snail", "🐌", "naïve", "über", "little", "“Oh!”"]
        text = " ".join(words[int(one)] for one in rng.integers(0, len(words), size=12)) + " é"
        return {"losses": rng.uniform(0.01, 6.0, size=int(rng.integers(14, 20))), "text": text}

    def probe(self, student: Student, questions: Questions) -> float:
        """A number."""
        return student.number(student.bits_per_byte(student.tensor(questions["losses"]), questions["text"]))

    def expected(
        self,
        questions: Questions,
        characters: bool = False,
        tokens: bool = False,
        bit: float = math.log(2),
        mean: bool = False,
        eight: bool = False,
    ) -> float:
        """In plain Python."""
        losses, text = questions["losses"], questions["text"]
        nats = float(losses.mean() if mean else losses.sum())
        length = len(losses) if tokens else len(text) if characters else len(text.encode("utf-8"))
        return nats / bit / (length * (8 if eight else 1))


class SlidingWindows(Exercise):
    """`sliding_windows(num_tokens, context_length, stride)`: each target once, with much to look back at."""

    id, title, points, asks_for = "09.4", "Sliding windows", 3, ("sliding_windows",)
    hints = (
        "`new` is not always `stride`: at which two windows is it something else?",
        "Windows begin at 0, stride, 2 * stride, ... and end at `min(begin + context_length, num_tokens - 1)`. "
        "New is what lies behind the end of the window before.",
        "Keep `before = 0`, the end of the window before. In a loop: find `end`, append `(begin, end, end - before)`, set "
        "`before = end`. When is the loop over?",
    )
    by_case = True
    mistakes = {
        "You count all targets of every window, so those in the overlap count twice: only the new ones.": dict(
            count_all=True
        ),
        "In the first window everything is new, not only the last `stride` targets.": dict(first=True),
        "The last targets are left out: a last window may have fewer new ones than the others.": dict(
            drop=True
        ),
        "Your windows do not overlap: they begin `stride` tokens apart, not context_length.": dict(
            apart=True
        ),
        "The last input has no target: with num_tokens tokens there are num_tokens - 1 targets.": dict(end=0),
        "You go on after the end is reached, with windows that have nothing new.": dict(beyond=True),
        "When a full window ends with the last target, you add one more, which has nothing new: stop there.": dict(
            one_more=True
        ),
        "A text shorter than one window gets none: its only window is as short as the text.": dict(
            short=False
        ),
    }

    def questions(self, rng: np.random.Generator) -> Questions:
        """Three texts: one leaves a part of a stride at the end, one fits exactly, one is shorter than a window."""
        stride = int(rng.integers(3, 6))
        context_length = int(rng.integers(2 * stride, 4 * stride))
        fits = context_length + stride * int(rng.integers(4, 9)) + 1
        texts = (
            fits + int(rng.integers(1, stride)),
            fits,
            int(rng.integers(stride + 2, context_length + 1)),
        )
        return {
            "cases": [
                {"num_tokens": num_tokens, "context_length": context_length, "stride": stride}
                for num_tokens in texts
            ]
        }

    def probe(self, student: Student, questions: Questions) -> list[list[list[int]]]:
        """For each text its windows, as lists of three whole numbers."""
        answers = [student.value(student.sliding_windows(**case), list) for case in questions["cases"]]
        return [[[student.integer(one) for one in window] for window in windows] for windows in answers]

    def expected(self, questions: Questions, **switches: Any) -> list[list[list[int]]]:
        """Text by text."""
        return [self.windows_of(**case, **switches) for case in questions["cases"]]

    def windows_of(
        self,
        num_tokens: int,
        context_length: int,
        stride: int,
        count_all: bool = False,
        first: bool = False,
        drop: bool = False,
        apart: bool = False,
        end: int = 1,
        beyond: bool = False,
        one_more: bool = False,
        short: bool = True,
    ) -> list[list[int]]:
        """In plain Python."""
        last = num_tokens - end
        if not short and last < context_length:
            return []
        windows: list[list[int]] = []
        before = 0
        for begin in range(0, last, context_length if apart else stride):
            stop = min(begin + context_length, last)
            if (stop == before and not beyond) or (drop and stop < begin + context_length):
                break
            new = stop - begin if count_all else stop - before
            windows.append([begin, stop, stride if first and begin == 0 else new])
            before = stop
        if one_more and windows[-1][1] - windows[-1][0] == context_length:
            windows.append([windows[-1][0] + stride, last, 0])
        return windows
