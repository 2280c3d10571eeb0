"""Small plots that happen inside others: what the helper (`other`) needs first, or what comes in between."""

from slmlib.storyworld.library import plot
from slmlib.storyworld.tale import Tale


@plot(when="meanwhile", weight=3)
def hungry_helper(tale: Tale) -> None:
    """The helper is too hungry; the hero shares."""
    tale.paragraph("asks")
    tale.world.feel(tale.who("other"), "hungry", "had not eaten")
    tale.tell("shares")
    tale.feel("other", "happy", "got something to eat", say=False)


@plot(when="meanwhile", weight=2)
def splinter(tale: Tale) -> None:
    """The helper is hurt; the hero helps first."""
    tale.paragraph("hurts")
    tale.world.feel(tale.who("other"), "sad", "was hurt")
    tale.tell("pulls_out")


@plot(when="meanwhile", weight=2)
def riddle(tale: Tale) -> None:
    """The helper wants a riddle solved first."""
    tale.paragraph("asks")
    tale.choose("riddle", ("hole", "shadow", "egg", "river", "name"))
    tale.tags.add("riddle-" + tale.cast["riddle"])
    tale.tell("question", "answer")


@plot(when="meanwhile", weight=2, fits=lambda tale: "outside" in tale.tags and tale.world.weather == "sunny")
def sudden_rain(tale: Tale) -> None:
    """It starts to rain; they wait under a leaf, and go on."""
    tale.world.weather = "rainy"
    tale.paragraph("starts", "shelter")
    tale.tell("stops")
    tale.world.weather = "sunny"


@plot(when="meanwhile", weight=2)
def own_errand(tale: Tale) -> None:
    """The helper must first finish some work; two are faster."""
    tale.choose(
        "errand",
        (
            "carry some wood home",
            "water the flowers",
            "wash some carrots",
            "count the ducklings",
            "sweep the path",
            "hang up the washing",
            "pick a basket of berries",
        ),
    )
    tale.paragraph("must")
    tale.tell("together")


@plot(when="meanwhile", weight=2)
def shy_helper(tale: Tale) -> None:
    """The helper has never helped anybody and is afraid to fail."""
    tale.paragraph("afraid")
    tale.world.feel(tale.who("other"), "worried", "was afraid to fail")
    tale.tell("encourages")


@plot(when="meanwhile", weight=2)
def promise_song(tale: Tale) -> None:
    """The helper wants something in return, later; a promise is given, and kept at once."""
    tale.paragraph("wants")
    given = tale.world.promise(tale.hero, tale.who("other"), "do something in return")
    tale.tell("keeps")
    tale.world.settle(given, kept=True)
