"""Finds slips of grammar in a story's text alone: it knows nothing of how the text was made.

The rules here are written independently of the narrator (a/an is decided by its own word lists), so that a
mistake there does not hide itself here.
"""

import re
from collections.abc import Iterator

FEWEST_WORDS, MOST_WORDS, FEWEST_PARAGRAPHS = 60, 300, 3

_ARTICLE = re.compile(r"\b(an?) ([A-Za-z]+)", re.IGNORECASE)
_SOUNDS_LIKE_A_VOWEL = frozenset({"hour", "hours", "honest", "heir", "honor"})
_SOUNDS_LIKE_A_CONSONANT = ("one", "once", "uni", "use", "usu", "eu", "ew", "u-")
_DOUBLED = re.compile(r"\b([A-Za-z']+) \1\b", re.IGNORECASE)
_LEFT_OVER = re.compile(r"[{}\[\]|*_<>]")
_BAD_SPACING = re.compile(
    r"  | [,.!?;:]|[,.!?;:][A-Za-z]|\( | \)|\.\.(?!\.)|,,|[,;:]\.|\.,|!\.|\?\.|\.!|\.\?"
)
_SENTENCE_END = (".", "!", "?", '."', '!"', '?"', '..."')


def proofread(text: str) -> list[str]:
    """What is wrong with the grammar of a text, in words; empty when nothing is."""
    problems = [*_articles(text), *_doubled_words(text), *_marks(text)]
    for number, paragraph in enumerate(text.split("\n"), 1):
        problems += [f"paragraph {number}: {problem}" for problem in _paragraph(paragraph)]
    words, paragraphs = len(text.split()), text.count("\n") + 1
    if not FEWEST_WORDS <= words <= MOST_WORDS:
        problems.append(f"{words} words, expected {FEWEST_WORDS} to {MOST_WORDS}")
    if paragraphs < FEWEST_PARAGRAPHS:
        problems.append(f"only {paragraphs} paragraphs")
    return problems


def _articles(text: str) -> Iterator[str]:
    for article, word in _ARTICLE.findall(text):
        lower = word.lower()
        vowel = lower in _SOUNDS_LIKE_A_VOWEL or (
            lower[0] in "aeiou" and not lower.startswith(_SOUNDS_LIKE_A_CONSONANT)
        )
        if article.lower() != ("an" if vowel else "a"):
            yield f"a/an: {article} {word}"


def _doubled_words(text: str) -> Iterator[str]:
    for found in _DOUBLED.finditer(text):
        yield f"doubled word: {found[0]}"


def _marks(text: str) -> Iterator[str]:
    for found in _LEFT_OVER.finditer(text):
        yield f"left-over mark: {found[0]}"
    for found in _BAD_SPACING.finditer(text):
        yield f"spacing: {text[max(0, found.start() - 10) : found.end() + 10]!r}"


def _paragraph(paragraph: str) -> Iterator[str]:
    if not paragraph:
        yield "empty"
        return
    parts = paragraph.split('"')
    if len(parts) % 2 == 0:
        yield "unbalanced quotes"
        return
    for position, part in enumerate(parts):
        if position % 2:  # inside quotes
            goes_on = parts[position - 1].endswith(", ")
            if not part or (part[0].islower() and not goes_on) or part[0] == " " or part[-1] not in ".,!?":
                yield f"quote begins or ends badly: {part!r}"
            if re.search(r"[.!?] [a-z]", part):
                yield f"capital letter missing: {part!r}"
        else:
            if position and part and part[0] != " ":
                yield f"no space after a quote: {part!r}"
            if position < len(parts) - 1 and part and part[-1] != " ":
                yield f"no space before a quote: {part!r}"
            body = part if position == 0 else part[1:] if not part[1:2].islower() else ""
            if re.search(r"[.!?] [a-z]", part) or (position == 0 and body[:1].islower()):
                yield f"capital letter missing: {part!r}"
            if (
                position
                and part[1:2].isupper() is False
                and part[1:2].islower() is False
                and part not in ("", " ")
            ):
                yield f"strange start after a quote: {part!r}"
    for position in range(1, len(parts) - 1, 2):
        after = parts[position + 1]
        if parts[position].endswith(",") and not re.match(
            r" [a-z]| [A-Z]\w+ (?:\w+ed|said|thought|told)\b", after
        ):
            yield f"a quote ends with a comma, but no speaker follows: {after!r}"
        if parts[position].endswith(".") and re.match(r" (?:said|asked|cried|called) ", after):
            yield f"a quote ends with a full stop before its speaker: {after!r}"
    if not paragraph.endswith(_SENTENCE_END):
        yield f"no sentence end: {paragraph[-20:]!r}"
