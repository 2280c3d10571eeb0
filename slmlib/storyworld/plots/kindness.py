"""Plots about helping those who are hurt, hungry, trapped or alone."""

from slmlib.storyworld.library import plot
from slmlib.storyworld.tale import Tale


@plot(weight=6, place="outside")
def hurt_wing(tale: Tale) -> None:
    """A small animal is hurt; it is nursed, let go although that is hard, and comes back to say thanks."""
    tale.scene()
    tale.friend("patient", group="animal", size="tiny small")
    tale.paragraph("finds")
    tale.feel("patient", "scared", "was hurt")
    tale.tell("carries")
    tale.family("parent", only="mom mommy dad daddy grandma grandpa")
    tale.paragraph("nurses")
    tale.tell("days")
    tale.paragraph("must_go", "lets_go")
    tale.feel("hero", "sad", "had to say goodbye")
    tale.paragraph("comes_back")
    tale.end("a hurt animal", "hero", "nursed it and let it go", "kindness, helping")


@plot(weight=5, hero="child")
def stray(tale: Tale) -> None:
    """A hungry animal in the rain finds a home, after a talk with somebody who has to be asked."""
    tale.world.weather = "rainy"
    tale.tags.add("rain")
    tale.paragraph("rain")
    tale.friend(
        "stray",
        group="animal",
        size="small",
        fits=lambda kind: kind.noun in ("cat", "kitten", "dog", "puppy", "bunny"),
    )
    tale.paragraph("hears")
    tale.feel("stray", "hungry", "had no home")
    tale.tell("brings_in")
    tale.family("parent", only="mom mommy dad daddy grandma")
    tale.paragraph("asks", "promise")
    promise = tale.world.promise(tale.hero, tale.who("parent"), "feed the animal every day")
    tale.paragraph("every_day")
    tale.world.settle(promise, kept=True)
    tale.feel("stray", "happy", "had a home")
    tale.end(
        "a hungry animal without a home", "hero", "took it in and cared for it", "kindness, promise, care"
    )


@plot(weight=6, hero="animal", place="outside", fits=lambda tale: tale.hero.kind.size != "big")
def thorn(tale: Tale) -> None:
    """The one whom all fear has a thorn in the foot; the small hero dares to help, and is helped in turn."""
    tale.scene()
    tale.friend("giant", group="animal", size="big", fits=lambda kind: kind.part in ("paw", "leg", "foot"))
    tale.paragraph("feared", "cries")
    tale.feel("hero", "scared", "the big animal was near")
    tale.tell("comes_closer")
    tale.paragraph("pulls_thorn")
    tale.feel("giant", "happy", "the thorn was out")
    tale.tell("thanks")
    tale.paragraph("trouble", "giant_helps")
    tale.world.feel(tale.hero, "thankful", "was saved in turn")
    tale.end(
        "a thorn in a big foot",
        "hero",
        "the small one helped the big one, and was helped",
        "kindness, bravery, helping",
    )


@plot(weight=5, place="outside")
def tiny_in_trouble(tale: Tale) -> None:
    """A tiny creature is saved without much thought; later only somebody tiny can help."""
    tale.scene()
    tale.friend(
        "tiny", group="animal", size="tiny", fits=lambda kind: kind.noun not in ("crab", "duckling", "chick")
    )
    tale.paragraph("trapped")
    tale.tell("frees")
    tale.world.feel(tale.who("tiny"), "thankful", "was set free")
    tale.tell("says_thanks")
    key = tale.thing("key", "treasure carried !light", owner="hero")
    tale.paragraph("later_loses")
    tale.world.lose(key, tale.cast["place"])
    tale.feel("hero", "worried", "could not get the thing out")
    tale.paragraph("tiny_comes")
    tale.world.find(key, tale.who("tiny"))
    tale.give_back("key")
    tale.feel("hero", "happy", "got it back")
    tale.end("something fell into a crack", "tiny", "a tiny friend could reach it", "kindness, helping")


@plot(weight=5)
def sick_friend(tale: Tale) -> None:
    """A friend is ill and cannot come; so the hero brings the fun to the bed."""
    tale.friend()
    dish = tale.thing("dish", "hot meal", owner="hero")
    tale.paragraph("waits", "hears")
    tale.feel("hero", "worried", "the friend was sick")
    tale.paragraph("cooks", "too_hot")
    tale.give("dish", "friend")
    tale.world.consume(dish, tale.who("friend"))
    tale.paragraph("cheers_up")
    tale.feel("friend", "happy", "was not alone")
    tale.tell("well_again")
    tale.end("a sick friend", "hero", "brought soup and stories", "kindness, friendship, helping")


@plot(weight=5, hero="child")
def little_shop(tale: Tale) -> None:
    """The hero sells something to buy a dream, and gives the money to somebody who needs it more."""
    tale.choose("ware", ("lemonade", "cookies", "paper stars", "flowers", "apple juice"), (5, 4, 2, 3, 2))
    dream = tale.thing("dream", "toy gift !soft", owner=None)
    tale.paragraph("dream", "sells")
    tale.paragraph("counts")
    tale.feel("hero", "excited", "had enough money for the " + dream.thing.noun)
    tale.friend("friend", group="child")
    tale.paragraph("meets_sad", "thinks")
    tale.tell("gives_money")
    tale.feel("friend", "happy", "got help")
    tale.paragraph("later")
    tale.end("somebody needed the money more", "hero", "gave it away", "kindness, sharing")


@plot(weight=4, hero="animal")
def long_winter(tale: Tale) -> None:
    """One gathers food all summer, one sings; in winter there is a knock at the door."""
    tale.friend("singer", group="animal", size="tiny small", fits=lambda kind: "afloat" not in kind.can)
    tale.paragraph("summer", "invites")
    tale.paragraph("winter", "knock")
    tale.feel("singer", "hungry", "had saved no food")
    tale.tell("decides")
    tale.paragraph("evening")
    tale.feel("hero", "happy", "was not alone in the winter")
    tale.end("no food in winter", "hero", "shared food for songs", "sharing, kindness, working together")


@plot(weight=4, place="outside")
def heavy_load(tale: Tale) -> None:
    """Somebody old has too much to carry; helping takes all afternoon and is worth it."""
    tale.family("elder", only="grandma grandpa")
    tale.scene()
    tale.paragraph("sees", "own_plan")
    tale.tell("helps")
    tale.paragraph("on_the_way", "story")
    tale.tell("arrives")
    tale.feel("elder", "happy", "got help with the load")
    tale.paragraph("reward")
    tale.world.feel(tale.hero, "proud", "carried the load")
    tale.end("a load too heavy for one", "hero", "helped to carry", "helping, kindness")
