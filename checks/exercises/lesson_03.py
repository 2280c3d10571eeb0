"""Lesson 03, the token stream: padding, one long row, windows and their order."""

from typing import Any

import numpy as np

from checks.exercise import Exercise, Finding, Questions
from checks.student import Student


class PaddingShare(Exercise):
    """`padding_share(lengths, batch_size)` says which part of the padded batches is padding."""

    id, title, points, asks_for = "03.1", "The waste of padding", 2, ("padding_share",)
    hints = (
        "A batch of stories of 3, 5 and 4 tokens: how many cells has its rectangle, and how many are filled?",
        "Walk over `range(0, len(lengths), batch_size)`; a batch is `lengths[first : first + batch_size]`, and "
        "its rectangle has `max(batch) * len(batch)` cells.",
        "Add up the cells of all rectangles, then `1 - sum(lengths) / cells`.",
    )
    mistakes = {
        "You pad every story to the longest of all; each batch only needs its own longest.": dict(
            longest_of_all=True
        ),
        "You divide the padding by the real tokens; divide it by all cells of the rectangles.": dict(
            of_tokens=True
        ),
        "You average the shares of the batches; batches with more cells count for more.": dict(mean=True),
        "You leave out the last batch when it is not full.": dict(drop_last=True),
        "You fill the last batch up to batch_size rows; it may have fewer.": dict(full_last=True),
        "You return the share of real tokens; the padding is the rest.": dict(rest=True),
    }

    def questions_in_round(self, rng: np.random.Generator, number: int) -> Questions:
        """Stories of very different lengths; the last batch is not full, but in round 1 it is."""
        batch_size = int(rng.integers(3, 6))
        rest = 0 if number == 1 else int(rng.integers(1, batch_size))
        count = batch_size * int(rng.integers(2, 5)) + rest
        lengths = [int(one) for one in rng.integers(5, 400, size=count)]
        lengths[-1] = 450  # the last batch matters
        return {"lengths": lengths, "batch_size": batch_size}

    def probe(self, student: Student, questions: Questions) -> float:
        """A number."""
        return student.number(student.padding_share(**questions))

    def expected(
        self,
        questions: Questions,
        longest_of_all: bool = False,
        of_tokens: bool = False,
        mean: bool = False,
        drop_last: bool = False,
        full_last: bool = False,
        rest: bool = False,
    ) -> float:
        """Padding cells by all cells."""
        lengths, size = questions["lengths"], questions["batch_size"]
        batches = [lengths[first : first + size] for first in range(0, len(lengths), size)]
        batches = batches[:-1] if drop_last and len(batches[-1]) < size else batches
        cells = [
            (max(lengths) if longest_of_all else max(batch)) * (size if full_last else len(batch))
            for batch in batches
        ]
        tokens = [sum(batch) for batch in batches]
        if mean:
            return float(np.mean([1 - one / other for one, other in zip(tokens, cells, strict=True)]))
        if rest:
            return sum(tokens) / sum(cells)
        return (sum(cells) - sum(tokens)) / (sum(tokens) if of_tokens else sum(cells))


class BuildStream(Exercise):
    """`build_stream(stories, end_of_text)` joins stories into one long row."""

    id, title, points, asks_for = "03.2", "One long row", 2, ("build_stream",)
    hints = (
        "How would a model learn to end the very last story?",
        "Collect everything in one Python list: `row += story`, then `row.append(end_of_text)`. Turn it into a "
        "tensor once, at the end.",
        "`torch.tensor(row, dtype=torch.long)`: one dimension, whole numbers.",
    )
    mistakes = {
        "end_of_text stands before each story; it says that a story is over, so it comes after.": dict(
            place="before"
        ),
        "end_of_text is missing after the last story: it ends every story, not only those before another.": dict(
            place="between"
        ),
        "There is no end_of_text between the stories: the model could not tell where one ends.": dict(
            place="nowhere"
        ),
        "end_of_text stands only at the very end; every story needs one.": dict(place="end"),
        "The dtype is a fraction (float); ids are whole numbers: dtype=torch.long.": dict(whole=False),
        "The stories come in another order than they were given.": dict(backwards=True),
    }

    def questions(self, rng: np.random.Generator) -> Questions:
        """Several stories of different lengths, none alike."""
        lengths = rng.integers(2, 7, size=int(rng.integers(3, 6)))
        stories = [[int(one) for one in rng.integers(0, 250, size=length)] for length in lengths]
        stories[0][0], stories[-1][0] = 251, 252
        return {"stories": stories, "end_of_text": 256}

    def probe(self, student: Student, questions: Questions) -> dict[str, Any]:
        """The row, and whether its numbers are whole."""
        row = student.array(student.build_stream(**questions))
        return {"tokens": row.astype(np.int64), "whole": row.dtype == np.int64}

    def expected(
        self, questions: Questions, place: str = "after", whole: bool = True, backwards: bool = False
    ) -> dict[str, Any]:
        """As a numpy array."""
        end, row = questions["end_of_text"], []
        for story in questions["stories"][:: -1 if backwards else 1]:
            row += [end] * (place == "before") + story + [end] * (place in ("after", "between"))
        row = row[:-1] if place == "between" else row
        return {"tokens": np.array(row + [end] * (place == "end")), "whole": whole}

    def judge(self, questions: Questions, answer: Any) -> Any:
        """Says `a row` where the machinery would say `key 'tokens'`."""
        found = super().judge(questions, answer)
        if isinstance(found, Finding) and answer["tokens"].ndim != 1:
            shape = answer["tokens"].shape
            return Finding("The result is not one long row.", "1 dimension", f"shape {shape}")
        return found


class Windows(Exercise):
    """`get_windows(tokens, starts, context_length)` cuts inputs, and targets one further on."""

    id, title, points, asks_for = "03.3", "Windows and their targets", 3, ("get_windows",)
    hints = (
        "The window begins at 10 and is 4 long. Which positions are its inputs? Which token is to be guessed "
        "after the last of them, and where is it?",
        "Inputs of one window: `tokens[start : start + context_length]`. Its targets: the same, begun one later.",
        "`torch.stack([...])` over all starts makes the rows of one tensor; do it once for inputs, once for "
        "targets.",
    )
    mistakes = {
        "The targets are the inputs: a model would only have to copy. Shift them by one.": dict(shift=0),
        "The targets are shifted the wrong way: each is the token before its input, which was seen already.": dict(
            shift=-1
        ),
        "The targets are shifted by two; the very next token is asked for.": dict(shift=2),
        "The last target is the window's first token again (roll): it must be the token after the window.": dict(
            roll=True
        ),
        "Your windows begin one after the other from the first start; each has a start of its own.": dict(
            consecutive=True
        ),
        "You swapped the two: return inputs first, then targets.": dict(swap=True),
    }

    def questions(self, rng: np.random.Generator) -> Questions:
        """A row of different tokens and starts in no order; the last window ends where the row does."""
        context_length = int(rng.integers(3, 7))
        tokens = rng.permutation(np.arange(100, 160))
        starts = rng.choice(np.arange(1, 50), size=4, replace=False)
        return {
            "tokens": tokens,
            "starts": np.append(starts, len(tokens) - context_length - 1),
            "context_length": context_length,
        }

    def probe(self, student: Student, questions: Questions) -> dict[str, np.ndarray]:
        """Both tensors."""
        tokens, starts = student.tensor(questions["tokens"]), student.tensor(questions["starts"])
        result = student.get_windows(tokens, starts, questions["context_length"])
        pair = result if isinstance(result, (tuple, list)) and len(result) == 2 else (result, result)
        return {"inputs": student.array(pair[0]), "targets": student.array(pair[1])}

    def expected(
        self,
        questions: Questions,
        shift: int = 1,
        roll: bool = False,
        consecutive: bool = False,
        swap: bool = False,
    ) -> dict[str, np.ndarray]:
        """By positions."""
        tokens, starts, length = questions["tokens"], questions["starts"], questions["context_length"]
        if consecutive:
            starts = starts[0] + length * np.arange(len(starts))
        places = starts[:, None] + np.arange(length)  # (batch, time)
        inputs = tokens[places % len(tokens)]
        targets = np.roll(inputs, -1, axis=1) if roll else tokens[(places + shift) % len(tokens)]
        return dict(zip(("inputs", "targets"), (targets, inputs) if swap else (inputs, targets), strict=True))


class EpochStarts(Exercise):
    """`epoch_starts(num_tokens, context_length, generator)`: each window once, in random order."""

    id, title, points, asks_for = "03.4", "Every token once", 3, ("epoch_starts",)
    may_change_inputs = True  # a generator moves on when it is used
    hints = (
        "With 9 tokens and windows of 4: which windows do not overlap, and does each have a token after its last?",
        "There are `(num_tokens - 1) // context_length` windows; window number n begins at "
        "`n * context_length`.",
        "`torch.randperm(count, generator=generator)` puts the window numbers into random order.",
    )
    mistakes = {
        "The last window has no token after it for its last target: one token must be left over.": (
            "import torch\ndef epoch_starts(num_tokens, context_length, generator):\n"
            "    n = num_tokens // context_length\n"
            "    return torch.randperm(n, generator=generator) * context_length\n"
        ),
        "These are the numbers of the windows; window n begins at n * context_length.": (
            "import torch\ndef epoch_starts(num_tokens, context_length, generator):\n"
            "    n = (num_tokens - 1) // context_length\n"
            "    return torch.randperm(n, generator=generator)\n"
        ),
        "The windows are all there, but in the order of the text: shuffle them.": (
            "import torch\ndef epoch_starts(num_tokens, context_length, generator):\n"
            "    n = (num_tokens - 1) // context_length\n"
            "    return torch.arange(n) * context_length\n"
        ),
        "Some windows come twice and others never: draw without putting back (randperm, not randint).": (
            "import torch\ndef epoch_starts(num_tokens, context_length, generator):\n"
            "    n = (num_tokens - 1) // context_length\n"
            "    return torch.randint(n, (n,), generator=generator) * context_length\n"
        ),
        "Your windows overlap: they may begin only at multiples of context_length.": (
            "import torch\ndef epoch_starts(num_tokens, context_length, generator):\n"
            "    n = (num_tokens - 1) // context_length\n"
            "    return torch.randint(num_tokens - context_length, (n,), generator=generator)\n"
        ),
        "The same seed gives another order: hand the generator on, randperm(..., generator=generator).": (
            "import torch\ndef epoch_starts(num_tokens, context_length, generator):\n"
            "    n = (num_tokens - 1) // context_length\n"
            "    return torch.randperm(n) * context_length\n"
        ),
        "The last window is missing: 9 tokens hold two windows of 4, and a token after them. Take 1 off before you "
        "divide, (num_tokens - 1) // context_length.": (
            "import torch\ndef epoch_starts(num_tokens, context_length, generator):\n"
            "    n = num_tokens // context_length - 1\n"
            "    return torch.randperm(n, generator=generator) * context_length\n"
        ),
    }

    def questions_in_round(self, rng: np.random.Generator, number: int) -> Questions:
        """First a whole number of windows, where the last one lacks its target; then 1 or 2 tokens more, where none does."""
        context_length = int(rng.integers(4, 9))
        return {
            "num_tokens": context_length * int(rng.integers(30, 60)) + number,
            "context_length": context_length,
            "seed": int(rng.integers(1000)),
        }

    def probe(self, student: Student, questions: Questions) -> dict[str, np.ndarray]:
        """The starts for one seed, twice, and for another seed."""
        import torch

        sizes, seed = (questions["num_tokens"], questions["context_length"]), questions["seed"]

        def starts(seed: int) -> np.ndarray:
            generator = torch.Generator().manual_seed(seed)
            return student.array(student.epoch_starts(*sizes, generator))

        return {"first": starts(seed), "again": starts(seed), "other": starts(seed + 1)}

    def judge(self, questions: Questions, answer: Any) -> Finding | None:
        """There are many right orders, so it looks at what must hold for all."""
        length = questions["context_length"]
        right = length * np.arange((questions["num_tokens"] - 1) // length)
        starts = answer["first"]
        names = list(self.mistakes)
        if starts.ndim != 1 or starts.dtype != np.int64:
            got = f"shape {starts.shape}, {starts.dtype}"
            return Finding("The starts are one row of whole numbers.", "1 dimension, int64", got)
        found, count = "", f"{len(right)} starts, 0 to {right[-1]}"
        got = f"{len(starts)} starts, {starts.min()} to {starts.max()}" if len(starts) else "none"
        if len(starts) == len(right) + 1 and np.array_equal(
            np.sort(starts), length * np.arange(len(right) + 1)
        ):
            found = names[0]
        elif np.array_equal(np.sort(starts), np.arange(len(right))):
            found = names[1]
        elif np.array_equal(starts, right):
            found = names[2]
        elif len(starts) and (starts % length).any():
            found = names[4]
        elif len(np.unique(starts)) < len(starts):
            found = names[3]
        elif np.array_equal(np.sort(starts), right[:-1]):
            found = names[6]
        elif not np.array_equal(np.sort(starts), right):
            found = "These are not all the windows of the row, each once."
        elif not np.array_equal(starts, answer["again"]):
            found = names[5]
        elif np.array_equal(starts, answer["other"]):
            found = "Two seeds give the same order: does your order come from the generator?"
        return Finding(found, count, got) if found else None
