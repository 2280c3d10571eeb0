"""Lesson 02, the tokenizer: count pairs, merge, train, encode, decode. All in plain Python."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import regex

from checks.exercise import Exercise, Finding, Questions
from checks.plain import brief, same
from checks.student import Student
from slmlib.text.bpe import BYTE_OF_ID

Pair = tuple[int, int]

PATTERN = regex.compile(r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+")


class CountPairs(Exercise):
    """`count_pairs(ids)` counts the neighbours in one list of ids."""

    id, title, points, asks_for = "02.1", "Count pairs", 1, ("count_pairs",)
    hints = (
        "Write `[4, 4, 4]` on paper and draw a bow over each two neighbours. How many bows are there?",
        "`zip(ids, ids[1:])` walks over all neighbours, left and right together.",
        "Start with an empty dict; for each pair, `counts[pair] = counts.get(pair, 0) + 1`.",
    )
    mistakes = {
        "You step over two ids at a time; neighbours overlap: in [4, 4, 4] the pair (4, 4) occurs twice.": dict(
            step=2
        ),
        "You leave out the last pair.": dict(drop_last=True),
        "You leave out the first pair.": dict(drop_first=True),
        "You note each pair only once, however often it occurs.": dict(once=True),
        "You count (a, b) and (b, a) as the same pair; the order matters.": dict(sort=True),
        "You count single ids, not pairs of neighbours.": lambda questions: {
            one: questions["ids"].count(one) for one in questions["ids"]
        },
    }

    def questions(self, rng: np.random.Generator) -> Questions:
        """Few different ids, so that pairs repeat; a run of three, and pairs in both orders."""
        ids = [int(one) for one in rng.integers(0, 4, size=12)]
        return {"ids": [9, 5, *ids, 2, 2, 2, 3, 2, 3, 7, 8]}

    def probe(self, student: Student, questions: Questions) -> Any:
        """The dict, as it is."""
        return student.value(student.count_pairs(questions["ids"]), dict)

    def expected(
        self,
        questions: Questions,
        step: int = 1,
        drop_last: bool = False,
        drop_first: bool = False,
        once: bool = False,
        sort: bool = False,
    ) -> dict[Pair, int]:
        """Pair -> how often."""
        ids = questions["ids"]
        found = list(zip(ids[::step], ids[1::step], strict=False))[drop_first or None :]
        found = found[:-1] if drop_last else found
        found = [(min(pair), max(pair)) for pair in found] if sort else found
        return {pair: 1 if once else found.count(pair) for pair in found}


class Merge(Exercise):
    """`merge(ids, pair, new_id)` replaces every occurrence of the pair."""

    id, title, points, asks_for = "02.2", "Merge a pair", 2, ("merge",)
    hints = (
        "Walk from left to right with a position you move yourself. How far does it move after a match?",
        "A `while place < len(ids)` loop: on a match append `new_id` and go on by 2, else append `ids[place]` "
        "and go on by 1.",
        "Compare `tuple(ids[place : place + 2]) == pair`: a slice never runs over the end of the list.",
    )
    mistakes = {
        "After a match you move on by one: the second half of the pair is used or kept again.": dict(
            advance=1
        ),
        "You merge only the first occurrence of the pair.": dict(only_first=True),
        "You also merge the pair in the other order, (b, a).": dict(either_order=True),
        "You lose the last id of the list when it is not part of a pair.": dict(drop_last=True),
        "You merge from right to left; in a run of three equal ids the first two belong together.": dict(
            backwards=True
        ),
        "You put the new id in front of the pair instead of in its place.": dict(insert=True),
        "When the pair ends the list, its second half stays.": dict(keep_last=True),
        "Nothing was merged. A slice is a list, and a list is never equal to a tuple: compare "
        "tuple(ids[i : i + 2]) with the pair.": lambda questions: {
            name: list(questions[name]) for name in ("different", "equal", "short")
        },
    }
    calls = (("different", "pair"), ("equal", "equal_pair"), ("short", "pair"))
    """Which list is asked with which pair."""

    def questions(self, rng: np.random.Generator) -> Questions:
        """A pair of two different ids, met in both orders and at the end; a pair of equal ids with a run of three."""
        filler = [int(one) for one in rng.integers(0, 9, size=6)]
        first, second = (int(one) for one in rng.choice(np.arange(10, 20), size=2, replace=False))
        return {
            "different": [first, second, *filler, second, first, second, 8, first, second],
            "pair": (first, second),
            "equal": [*filler[:3], first, first, first, 7, first, first, 3],
            "equal_pair": (first, first),
            "short": [first],
            "new_id": int(rng.integers(256, 300)),
        }

    def questions_in_round(self, rng: np.random.Generator, number: int) -> Questions:
        """The shortest list has one id in the first round; then none, which breaks what is told by name before."""
        questions = self.questions(rng)
        return questions if number == 0 else questions | {"short": []}

    def probe(self, student: Student, questions: Questions) -> Any:
        """All lists."""
        return {
            name: student.value(
                student.merge(list(questions[name]), questions[pair], questions["new_id"]), list
            )
            for name, pair in self.calls
        }

    def expected(self, questions: Questions, **switches: Any) -> dict[str, list[int]]:
        """All lists, merged."""
        return {
            name: merged(questions[name], questions[pair], questions["new_id"], **switches)
            for name, pair in self.calls
        }


def merged(
    ids: Sequence[int],
    pair: Pair,
    new_id: int,
    advance: int = 2,
    only_first: bool = False,
    either_order: bool = False,
    drop_last: bool = False,
    backwards: bool = False,
    insert: bool = False,
    keep_last: bool = False,
) -> list[int]:
    """The right answer with the defaults; each usual mistake with one switch turned."""
    if backwards:
        return merged(list(ids)[::-1], (pair[1], pair[0]), new_id)[::-1]
    result: list[int] = []
    place = 0
    while place < len(ids) - (drop_last or keep_last):
        here = tuple(ids[place : place + 2])
        found = here == pair or (either_order and here == pair[::-1])
        if found and not (only_first and new_id in result):
            result += [new_id, *here] if insert else [new_id]
            place += advance
        else:
            result.append(ids[place])
            place += 1
    return result + list(ids[-1:]) if keep_last else result


class Train(Exercise):
    """`train_bpe(words, counts, num_merges)` learns merges from words and how often each occurs."""

    id, title, points, asks_for = "02.3", "Train", 3, ("train_bpe",)
    hints = (
        "What changes after each merge, and what must therefore be counted again before the next one?",
        "Keep `rows`, one list of ids for each word. In each round: add up `count_pairs(row)` over all rows, each "
        "times its word's count; choose a pair; merge it in every row.",
        "`best = min(totals, key=lambda pair: (-totals[pair], pair))` takes the highest count and, among "
        "equals, the smaller pair.",
        "Merge number `k` makes id `256 + k`. When `totals` is empty there is nothing left to merge: stop.",
    )
    mistakes = {
        "You count every word once; a word that occurs five times counts five times.": dict(weighted=False),
        "Among equally frequent pairs you do not take the smaller one.": dict(tie="greater"),
        "Among equally frequent pairs you take the one that was seen first, not the smaller one.": dict(
            tie="first"
        ),
        "You take the most frequent pairs of the untouched text; after each merge, count again.": dict(
            recount=False
        ),
        "Your merges run across the borders of words.": dict(joined=True),
        "Your new ids do not start at 256, the first id after the bytes.": dict(first_id=257),
        "You make one merge too few.": lambda questions: {
            "long": expected_merges(questions)[:-1],
            "short": expected_merges(questions | questions["short"]),
        },
        "You take the least frequent pair.": dict(least=True),
        "You begin with the values of the bytes, as word.encode() gives them; to_ids(word) gives their ids.": dict(
            raw=True
        ),
        "With one word of two letters there is one merge to make, and then no pair is left: stop there, "
        "however many merges were asked for.": lambda questions: {
            "long": expected_merges(questions),
            "short": "ValueError: min() arg is an empty sequence",
        },
    }

    def questions(self, rng: np.random.Generator) -> Questions:
        """Words over four letters, drawn until every mistake above gives an answer of its own."""
        while True:
            letters = rng.permutation(list("abcdefghijklmnopqrstuvwxyz"))[:4]
            words = sorted(
                {"".join(rng.choice(letters, size=rng.integers(2, 6))) for _ in range(7)},
                key=lambda word: rng.random(),
            )
            counts = [int(one) for one in rng.integers(1, 5, size=len(words))]
            questions = {"words": [f" {word}" for word in words], "counts": counts, "num_merges": 5}
            questions["short"] = {"words": ["".join(letters[:2])], "counts": [3], "num_merges": 9}
            right = expected_merges(questions)
            across = right != expected_merges(questions, joined=True)  # in the short case it always shows
            if across and _all_differ(self, questions) and len(right) == 5:
                return questions

    def probe(self, student: Student, questions: Questions) -> Any:
        """Several words, then one that has nothing left after a merge. Pairs as tuples: a list of lists says the same."""
        short = questions.pop("short")

        def merges(asked: Questions) -> Any:
            found = student.value(student.train_bpe(*asked.values()), list)
            return [tuple(pair) if isinstance(pair, (list, tuple)) else pair for pair in found]

        answer = {"long": merges(questions)}
        try:
            answer["short"] = merges(short)
        except (ValueError, IndexError, KeyError, StopIteration) as error:  # the largest of nothing
            answer["short"] = f"{type(error).__name__}: {error}"
        return answer

    def expected(self, questions: Questions, **switches: Any) -> dict[str, list[Pair]]:
        """The merges, in order."""
        return {
            "long": expected_merges(questions, **switches),
            "short": expected_merges(questions | questions["short"], **switches),
        }

    def judge(self, questions: Questions, answer: Any) -> Any:
        """Whatever goes wrong only where nothing is left to merge has one cause."""
        right, short = self.expected(questions), answer["short"]
        goes_on = isinstance(short, str) or short[:1] == right["short"] != short
        if goes_on and same(right["long"], answer["long"]):
            return Finding(list(self.mistakes)[-1], brief(right["short"]), brief(short))
        return super().judge(questions, answer)

    def mistake_in(self, questions: Questions, answer: Any) -> str | None:
        """Who also forgets to stop still hears first what is wrong with the merges."""
        found = super().mistake_in(questions, answer)
        if found or not isinstance(answer["short"], str):
            return found
        for sentence, mistake in list(self.mistakes.items())[:-1]:
            if same(self.wrong_answer(questions, mistake)["long"], answer["long"]):
                return sentence
        return None


def expected_merges(
    questions: Questions,
    weighted: bool = True,
    tie: str = "smaller",
    recount: bool = True,
    joined: bool = False,
    first_id: int = 256,
    least: bool = False,
    raw: bool = False,
) -> list[Pair]:
    """The merges with the defaults; each usual mistake with one switch turned."""
    words, counts = questions["words"], questions["counts"]
    if joined:
        text = "".join(word * count for word, count in zip(words, counts, strict=True))
        words, counts = [text], [1]
    rows = [list(word.encode("utf-8")) if raw else to_ids(word) for word in words]
    merges: list[Pair] = []
    totals: dict[Pair, int] = {}
    while len(merges) < questions["num_merges"]:
        if recount or not totals:
            totals = {}
            for row, count in zip(rows, counts, strict=True):
                for pair in pairwise(row):
                    totals[pair] = totals.get(pair, 0) + (count if weighted else 1)
        if not totals:
            break
        best = (min if least else max)(totals.values())
        equals = [pair for pair, count in totals.items() if count == best]
        chosen = {"smaller": min(equals), "greater": max(equals), "first": equals[0]}[tie]
        if not recount:
            del totals[chosen]
        rows = [merged(row, chosen, first_id + len(merges)) for row in rows]
        merges.append(chosen)
    return merges


class Encode(Exercise):
    """`encode(text, merges)` cuts new text with merges learned before."""

    id, title, points, asks_for = "02.4", "Encode", 3, ("encode",)
    hints = (
        "A word has a few pairs, and there may be 50,000 merges. Which of the two do you go through, again and again?",
        "Give each known pair its rank, once: `rank = {pair: number for number, pair in enumerate(merges)}`. In each "
        "word, look for the pair of neighbours with the lowest rank.",
        "For each word of `split_words(text)`: `row = to_ids(word)`; while some pair of `row` has a rank, merge "
        "the one of lowest rank into `256 + rank`; then add `row` to the result.",
    )
    mistakes = {
        "You merge the leftmost pair you know; the pair that was learned first goes first.": dict(
            order="leftmost"
        ),
        "You start with the merge learned last; the pair that was learned first goes first.": dict(
            order="latest"
        ),
        "You stop after one merge a word; go on until no pair is known.": dict(once=True),
        "You merge across the borders of words: split the text first.": dict(split=False),
        "You lose the spaces: split_words(text) keeps each space with its word, text.split() does not.": dict(
            spaces=False
        ),
        "Your ids do not start as to_ids gives them: the raw values of the bytes are another numbering.": dict(
            raw=True
        ),
        "You take the longest known piece from the left (as WordPiece does) instead of replaying merges.": dict(
            longest=True
        ),
    }

    def questions(self, rng: np.random.Generator) -> Questions:
        """Merges learned from random words, and a text over the same letters with an emoji in it."""
        while True:
            letters = rng.permutation(list("abcdefghijklmnopqrstuvwxyz"))[:3]

            def word() -> str:
                return "".join(rng.choice(letters, size=rng.integers(2, 7)))  # noqa: B023

            words = [f"{' ' if rng.random() < 0.7 else ''}{word()}" for _ in range(9)]
            counts = [int(one) for one in rng.integers(1, 6, size=len(words))]
            merges = expected_merges({"words": words, "counts": counts, "num_merges": 12})
            # Some merges across a border, so that forgetting to split shows.
            border = (to_ids(str(letters[0]))[0], to_ids(" ")[0])
            text = " ".join(word() for _ in range(9)) + f" {letters[0]} {letters[0]} é🐌!"
            questions = {"text": text, "merges": [*merges, border]}
            if len(merges) == 12 and _all_differ(self, questions):
                return questions

    def probe(self, student: Student, questions: Questions) -> Any:
        """A list of ids."""
        return student.value(student.encode(questions["text"], list(questions["merges"])), list)

    def expected(
        self,
        questions: Questions,
        order: str = "first",
        once: bool = False,
        split: bool = True,
        spaces: bool = True,
        raw: bool = False,
        longest: bool = False,
    ) -> list[int]:
        """The ids."""
        text, merges = questions["text"], questions["merges"]
        words = PATTERN.findall(text) if split else [text]
        words = words if spaces else text.split()
        rank = {tuple(pair): number for number, pair in enumerate(merges)}
        ids: list[int] = []
        for word in words:
            row = list(word.encode("utf-8")) if raw else to_ids(word)
            if longest:
                ids += _longest(word.encode("utf-8"), pieces(merges))
                continue
            while known := [pair for pair in pairwise(row) if pair in rank]:
                chosen = {
                    "first": min(known, key=rank.__getitem__),
                    "latest": max(known, key=rank.__getitem__),
                    "leftmost": known[0],
                }[order]
                row = merged(row, chosen, 256 + rank[chosen])
                if once:
                    break
            ids += row
        return ids


class Decode(Exercise):
    """`decode(ids, merges)` gives the text back."""

    id, title, points, asks_for = "02.5", "Decode", 2, ("decode",)
    hints = (
        "`é` is two bytes. What can you say about one of them alone?",
        "`pieces_of(merges)` lists the bytes of every token. Join first, turn bytes into text once, at the end.",
        'b"".join(...) of the pieces, then `.decode("utf-8", errors="replace")`.',
    )
    mistakes = {
        "You decode each token by itself: a character cut in two becomes � twice. Join the bytes first.": dict(
            one_by_one=True
        ),
        "You put spaces between the tokens; a token brings its own space.": dict(glue=b" "),
        "You read the bytes as Latin-1; they are UTF-8.": dict(encoding="latin-1"),
        "You drop what is not UTF-8 (errors='ignore'); errors='replace' shows that something was there.": dict(
            errors="ignore"
        ),
        "You take id 0 for byte 0: pieces_of(merges) knows which byte each id is.": dict(raw=True),
    }

    def questions(self, rng: np.random.Generator) -> Questions:
        """Ids of a text with characters of two to four bytes, cut off inside the last one."""
        letters = [str(one) for one in rng.permutation(list("abcdefgh"))[:4]]
        words = [f" {letters[0]}{letters[1]}{letters[2]}", f" {letters[0]}{letters[1]}é"]
        merges = expected_merges({"words": words, "counts": [3, 2], "num_merges": 3})
        text = "".join(str(one) for one in rng.choice(words, size=4)) + " naïve 🐌 " + str(rng.choice(words))
        ids: list[int] = Encode().expected({"text": text, "merges": merges})
        return {"ids": ids + to_ids("雪")[: int(rng.integers(1, 3))], "merges": merges}

    def probe(self, student: Student, questions: Questions) -> Any:
        """A string."""
        return student.text(student.decode(list(questions["ids"]), list(questions["merges"])))

    def expected(
        self,
        questions: Questions,
        one_by_one: bool = False,
        glue: bytes = b"",
        encoding: str = "utf-8",
        errors: str = "replace",
        raw: bool = False,
    ) -> str:
        """The text."""
        table = pieces(questions["merges"])
        if raw:
            table[:256] = [bytes([byte]) for byte in range(256)]
        found = [table[one] for one in questions["ids"]]
        if one_by_one:
            return "".join(piece.decode(encoding, errors) for piece in found)
        return glue.join(found).decode(encoding, errors)


def to_ids(text: str) -> list[int]:
    """The bytes of a text, each as its id in GPT-2's numbering."""
    return [BYTE_OF_ID.index(byte) for byte in text.encode("utf-8")]


def pieces(merges: Sequence[Pair]) -> list[bytes]:
    """The bytes of every token."""
    found = [bytes([byte]) for byte in BYTE_OF_ID]
    for first, second in merges:
        found.append(found[first] + found[second])
    return found


def _longest(word: bytes, table: Sequence[bytes]) -> list[int]:
    """Greedy: the longest piece that the rest of the word begins with."""
    ids: list[int] = []
    while word:
        best = max(
            (one for one, piece in enumerate(table) if word.startswith(piece)),
            key=lambda one: len(table[one]),
        )
        ids.append(best)
        word = word[len(table[best]) :]
    return ids


def _all_differ(exercise: Exercise, questions: Questions) -> bool:
    """Whether the right answer and every mistake's are all different."""
    answers = [exercise.expected(questions)]
    answers += [
        exercise.wrong_answer(questions, mistake)
        for mistake in exercise.mistakes.values()
        if not isinstance(mistake, str)
    ]
    return not any(same(one, other) for place, one in enumerate(answers) for other in answers[:place])
