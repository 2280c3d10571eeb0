"""A story and what is true of it; and how to get story number `index` of a seed."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from slmlib.errors import DataError
from slmlib.storyworld.catalog import full_library
from slmlib.storyworld.choices import Choice, Chooser, Seeded
from slmlib.storyworld.facts import gather_facts
from slmlib.storyworld.library import Library
from slmlib.storyworld.page import Page
from slmlib.storyworld.shape import tell_story
from slmlib.storyworld.tale import Tale


@dataclass(frozen=True, slots=True)
class Story:
    """A story that knows the truth about itself."""

    text: str
    facts: dict[str, Any]
    """JSON-ready: characters, places, objects, events, problem, helper, resolution, lesson, mentions."""
    log_probability: float
    """ln of the probability that StoryWorld tells exactly this text, in nats."""
    choices: tuple[Choice, ...]
    """The decisions that led to it, in order."""
    seed: int | None = None
    index: int | None = None


def tell(index: int, seed: int = 0) -> Story:
    """Story number `index` of `seed`: always the same, on every machine, whatever was told before.

    index, seed: whole numbers from 0 on (index below 2**64); DataError for others.
    """
    if seed < 0 or not 0 <= index < 2**64:
        raise DataError(
            f"Expected seed from 0 on and index from 0 to 2**64 - 1, got {seed} and {index}.",
            "Use whole numbers that are not negative.",
        )
    story = write(full_library(), Seeded(seed, index))
    return Story(story.text, story.facts, story.log_probability, story.choices, seed, index)


def stories(start: int, stop: int, seed: int = 0, progress: bool = False) -> Iterator[Story]:
    """Stories start to stop - 1 of `seed`. A shard may begin anywhere; `progress` shows a bar."""
    numbers = range(start, stop)
    if progress:
        from tqdm import tqdm

        numbers = tqdm(numbers, desc="StoryWorld", unit=" stories")
    for index in numbers:
        yield tell(index, seed)


def write(
    library: Library,
    chooser: Chooser,
    target: str | None = None,
    shape: Callable[[Tale], None] = tell_story,
) -> Story:
    """Tell a story with any library, chooser and shape: the one place where all of them come together.

    target: the text that must come out; Mismatch is raised as soon as it cannot.
    """
    page = Page(target)
    tale = Tale(library, chooser, page)
    shape(tale)
    return Story(page.finish(), gather_facts(tale), chooser.log_probability, tuple(chooser.choices))
