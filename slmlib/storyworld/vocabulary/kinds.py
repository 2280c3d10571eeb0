"""What an entry of the vocabulary is: the properties that make a story make sense."""

from dataclasses import dataclass


def words(text: str) -> tuple[str, ...]:
    """A tuple of the words in a string; commas part longer phrases."""
    return tuple(part.strip() for part in text.split(",")) if "," in text else tuple(text.split())


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of living being: a rabbit, a girl, a baker."""

    noun: str
    group: str
    """child, animal or grown-up."""
    pronoun: str = ""
    """he or she where the kind decides it (a hen, a girl); empty where the name does."""
    can: tuple[str, ...] = ()
    """What this kind is able to do that not everybody is: climb, fly, swim, dig, jump; `afloat`: only in water."""
    homes: tuple[str, ...] = ()
    """Where it may be met: home, farm, forest, pond, sea, jungle, garden, park, town."""
    size: str = "small"
    """tiny, small or big."""
    food: str = "food"
    """What it likes to eat, as it is said after `some`."""
    house: str = "house"
    """What it lives in."""
    sound: str = "Hello!"
    """What it says when it is glad."""
    part: str = "hand"
    """What hurts when it is hurt."""
    weight: int = 1
    """How common it is, beside others."""


@dataclass(frozen=True, slots=True)
class Name:
    """A first name and the pronoun that goes with it."""

    text: str
    pronoun: str
    weight: int = 1


@dataclass(frozen=True, slots=True)
class Place:
    """Somewhere to be."""

    noun: str
    into: str = "in"
    """The preposition of being there: in the forest, at the beach, on the hill."""
    tags: frozenset[str] = frozenset()
    """outside, water, trees, play, home, shop, school, wild ..."""
    sights: tuple[str, ...] = ()
    """What one sees there, as whole noun phrases."""
    weight: int = 1


@dataclass(frozen=True, slots=True)
class Thing:
    """A kind of object."""

    noun: str
    tags: frozenset[str] = frozenset()
    """toy, rolls, flies, floats, worn, food, hot, breakable, soft, gift, tool, small, big ..."""
    looks: tuple[str, ...] = ()
    """Adjectives that fit."""
    uses: tuple[str, ...] = ()
    """What one did with it, in the past tense, with `it` or `them`."""
    number: str = "one"
    """one (a ball), many (some boots) or mass (some soup)."""
    weight: int = 1


@dataclass(frozen=True, slots=True)
class Skill:
    """Something to learn."""

    base: str
    """`ride a bike`"""
    past: str
    """`rode a bike`: how it looks when it works."""
    fails: str
    """`wobbled and fell over`: how it looks at first."""
    advice: str
    """What one tells a beginner; a sentence without its full stop."""
    group: str
    """child, animal or any: who may learn it."""
    part: str
    """For animals: the part of the body it needs, or empty."""
    weight: int = 1
