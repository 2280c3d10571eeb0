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
from slmlib.storyworld.template import Template
from slmlib.storyworld.vocabulary.kinds import Name


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
        """Whether the words that this option certainly tells are in the target: a cheap look ahead."""
        if target is None:
            return True
        if isinstance(option, Template):
            return all(words in target for words in option.certain)
        return not isinstance(option, Name) or option.text in target

    open_paths: list[tuple[int, ...]] = [()]
    while open_paths:
        path = open_paths.pop()
        try:
            yield write(library, Following(path, width, possible=possible), target, shape)
        except Undecided as question:
            open_paths.extend((*path, option) for option in reversed(question.positions))
        except Mismatch:
            continue


def derivations(text: str, library: Library | None = None) -> list[Story]:
    """All derivations of a text: one for a story of this world (tested), none for any other text."""
    return list(enumerate_stories(library, target=text))


def text_log_probability(text: str, library: Library | None = None) -> float:
    """ln of the probability of a text, summed over its derivations; -inf for what StoryWorld cannot tell."""
    logs = [story.log_probability for story in derivations(text, library)]
    return math.log(math.fsum(math.exp(one - max(logs)) for one in logs)) + max(logs) if logs else -math.inf
