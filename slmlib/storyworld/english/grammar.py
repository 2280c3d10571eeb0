"""The grammar that is data: pronouns, agreement in number, possessives."""

from slmlib.storyworld.page import right_articles

PRONOUNS = {
    "he": {"he": "he", "she": "she"},
    "him": {"he": "him", "she": "her"},
    "his": {"he": "his", "she": "her"},
}
"""Form in a template, then the pronoun of the character."""

NUMBER_FORMS = {
    "it": {"one": "it", "many": "them", "mass": "it"},
    "they": {"one": "it", "many": "they", "mass": "it"},
    "was": {"one": "was", "many": "were", "mass": "was"},
    "is": {"one": "is", "many": "are", "mass": "is"},
    "this": {"one": "this", "many": "these", "mass": "this"},
    "that": {"one": "that", "many": "those", "mass": "that"},
    "s": {"one": "s", "many": "", "mass": "s"},
}
"""Form in a template, then the number of the thing."""

CALLS = {
    "mom": "Mom",
    "mommy": "Mommy",
    "daddy": "Daddy",
    "dad": "Dad",
    "grandma": "Grandma",
    "grandpa": "Grandpa",
    "aunt": "Auntie",
    "uncle": "Uncle",
}
"""How one calls one's own people."""


SIZES_BEFORE_COLOR = ("", "big", "little", "new", "pretty", "old", "small", "shiny")
SIZE_WEIGHTS = (12, 4, 3, 3, 2, 2, 2, 2)
"""What may stand before a color, `a big red ball`, and how often."""


def possessive(name: str) -> str:
    """`Lily's`; also `Whiskers's` and `boss's` are right, but children's books write `Whiskers'`."""
    return name + ("'" if name.endswith("s") else "'s")


def indefinite(noun: str, number: str) -> str:
    """`a red ball`, `an orange ball`, `some red boots`, `some hot soup`."""
    return right_articles(("a " if number == "one" else "some ") + noun)
