"""Every way a text can come about: the same storytelling code, run under all decisions that fit.

`derivations` finds all decisions that lead to a given text, so its exact probability is their sum;
`enumerate_stories` finds all texts of a world narrow enough to be listed.
"""

import math
from collections.abc import Callable, Iterator
from typing import Any

from slmlib.storyworld.catalog import full_library
from slmlib.storyworld.choices import Following, Undecided
from slmlib.storyworld.library import Library
from slmlib.storyworld.page import Mismatch
from slmlib.storyworld.shape import tell_story
from slmlib.storyworld.story import Story, write
from slmlib.storyworld.tale import Tale
from slmlib.storyworld.template import Literal, Template
from slmlib.storyworld.vocabulary.kinds import Kind, Name, Place, Thing


def enumerate_stories(
    library: Library | None = None,
    width: Callable[[str], int] | None = None,
    target: str | None = None,
    shape: Callable[[Tale], None] = tell_story,
) -> Iterator[Story]:
    """Every story of a world, each decision sequence once; the full world is far too big without a `width`.

    width: how many options each question keeps (see `Chooser`); target: only stories with this text.
    """
    library = library or full_library()

    def possible(option: Any) -> bool:
        """Whether the words that this option tells are in the target: a cheap look ahead.

        Whoever and whatever is chosen is told by its noun. A plot that hid a choice would here lose the true
        derivation of its own stories, and the test that looks for exactly one would fail.
        """
        return target is None or all(words in target for words in certain_words(option))

    open_paths: list[tuple[int, ...]] = [()]
    while open_paths:
        path = open_paths.pop()
        try:
            yield write(library, Following(path, width, possible=possible), target, shape)
        except Undecided as question:
            open_paths.extend((*path, option) for option in reversed(question.positions))
        except Mismatch:
            continue


def certain_words(option: Any) -> tuple[str, ...]:
    """Words that must appear in the text when this option is taken; maybe none."""
    if isinstance(option, Template):
        return option.certain
    if isinstance(option, Name):
        return (option.text,)
    if isinstance(option, Kind):
        return () if option.group == "child" else (option.noun,)
    if isinstance(option, Thing | Place):
        return (option.noun,)
    if isinstance(option, tuple) and len(option) == 1 and isinstance(option[0], Literal):
        return (option[0].text[1:-2],)  # the first letter may become a capital, a final `a` become `an`
    return ()


def derivations(text: str, library: Library | None = None) -> list[Story]:
    """All derivations of a text: one for a story of this world (tested), none for any other text."""
    return list(enumerate_stories(library, target=text))


def text_log_probability(text: str, library: Library | None = None) -> float:
    """ln of the probability of a text, summed over its derivations; -inf for what StoryWorld cannot tell."""
    logs = [story.log_probability for story in derivations(text, library)]
    return math.log(math.fsum(math.exp(one - max(logs)) for one in logs)) + max(logs) if logs else -math.inf
