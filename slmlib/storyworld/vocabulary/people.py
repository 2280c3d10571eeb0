"""Children, grown-ups and names."""

from slmlib.storyworld.vocabulary.kinds import Kind, Name

CHILDREN = (
    Kind(
        "girl", "child", "she", ("climb", "dig", "jump"), ("town",), "small", "bread", part="knee", weight=30
    ),
    Kind("boy", "child", "he", ("climb", "dig", "jump"), ("town",), "small", "bread", part="knee", weight=30),
)

FAMILY: dict[str, tuple[str, int]] = {
    "mom": ("she", 10),
    "mommy": ("she", 3),
    "dad": ("he", 6),
    "daddy": ("he", 2),
    "grandma": ("she", 4),
    "grandpa": ("he", 3),
    "aunt": ("she", 1),
    "uncle": ("he", 1),
}
"""One's own people: pronoun and weight."""

GROWN_UPS = (
    Kind("teacher", "grown-up", "she", homes=("school",), weight=5),
    Kind("doctor", "grown-up", "she", homes=("town",), weight=3),
)


def _names(pronoun: str, weighted: str) -> tuple[Name, ...]:
    """Read `Lily*40 Mia*20 Ada`: names with the weights of a real corpus, so that some are common."""
    parts = (word.partition("*") for word in weighted.split())
    return tuple(Name(text, pronoun, int(weight or 4)) for text, _, weight in parts)


CHILD_NAMES = _names(
    "she",
    "Lily*60 Sue*30 Lucy*25 Mia*24 Amy*20 Anna*18 Sara*14 Sally*10 Jane*9 Emma*8 Molly*8 Ella*7 Jill*6 "
    "Mary*6 Kate Lisa Tina Jenny Sophie Ann Jen Nina Rosa Zoe Ada Clara Grace Julie Eva Nora Maya Ruby Alice "
    "Betty Emily Hannah Susie Wendy Sarah*8 Lila*8 Polly Ellie",
) + _names(
    "he",
    "Tim*60 Tom*40 Max*28 Ben*26 Bob*16 Sam*16 Jack*12 Timmy*12 John*9 Leo*8 Joe*7 Billy*7 Fred*5 Mark*5 "
    "Andy Jim Pete Jake Danny Alex Peter Bobby Luke Nick Oscar Adam Henry Charlie Eric Noah David Paul Toby "
    "George Harry Dan Ned Owen Tommy*6 Mike*5 Jimmy*5",
)

ANIMAL_NAMES = _names(
    "he",
    "Spot*14 Buddy*9 Bobo*8 Benny*6 Fin*5 Ollie*5 Rusty Pip Teddy Bruno Felix Chip Nutty Barnaby Sunny Speedy "
    "Hoppy Rex Otto Percy Duke Jasper Gus Archie Momo Zip Milo Bongo Fuzzy Sammy Freddy Tiny Remy*5 Spike Hugo",
) + _names(
    "she",
    "Fluffy*9 Bella*7 Mimi*6 Luna*6 Daisy*6 Lola Lulu Pippa Coco Honey Rosie Dotty Tilly Hazel Mindy "
    "Penny Nibbles Ginger Misty Snowy Bonnie Trixie Henny Pearl Winnie Pinky Millie Cleo Dora Bubbles Whiskers*5",
)
