"""Plots about making things: baking, building, planting, giving."""

from slmlib.storyworld.library import plot
from slmlib.storyworld.tale import Tale


@plot(weight=6)
def bake_cake(tale: Tale) -> None:
    """A cake for somebody loved goes wrong; the second one, made together, is right."""
    tale.family("parent", only="mom mommy dad daddy grandma grandpa")
    tale.friend()
    tale.paragraph("wish")
    tale.choose("mistake", ("salt", "smoke", "flat"))
    tale.tags.add(tale.cast["mistake"])
    tale.paragraph("bakes")
    tale.tell_or_not("passing.inside", 1, 1)
    tale.tell("goes_wrong")
    tale.feel("hero", "sad", "the cake was spoiled")
    tale.paragraph("friend_comes", "second_cake")
    tale.paragraph("gives")
    tale.feel("parent", "surprised", "got a cake")
    tale.tell("tastes")
    tale.end(
        "a spoiled cake", "friend", "they baked a second one together", "working together, trying, asking"
    )


@plot(weight=6, place="outside")
def build_it(tale: Tale) -> None:
    """Something is built with care, falls down, and is built again, better, with a friend."""
    sand = tale.library.places_for(tale.hero.kind, "sand")
    ideas = (
        "tower of stones",
        "little house of sticks",
        "bridge over the puddle",
        "fort of branches",
        *(("sandcastle",) if sand else ()),
    )
    tale.choose("work", ideas, (3, 3, 2, 3, 5)[: len(ideas)])
    if tale.cast["work"] == "sandcastle":
        tale.cast["place"] = tale.choose("place", sand)
        tale.go()
        tale.set_weather()
        tale.paragraph("scene.go")
    else:
        tale.scene()
    tale.paragraph("builds")
    tale.world.feel(tale.hero, "proud", "built something")
    tale.tell("falls")
    tale.feel("hero", "sad", "the work fell down")
    tale.friend()
    tale.paragraph("meet.comes", "friend_says")
    tale.detour("friend")
    tale.paragraph("together", "done")
    tale.feel("hero", "proud", "built it again, better")
    tale.end("what was built fell down", "friend", "they built it again together", "working together, trying")


@plot(weight=6)
def plant_seed(tale: Tale) -> None:
    """A seed needs water, sun and patience; in the end it gives more than was hoped for."""
    tale.choose(
        "plant",
        ("sunflower", "pumpkin", "apple tree", "strawberry plant", "bean", "tomato plant"),
        (5, 4, 3, 3, 2, 2),
    )
    tale.family("parent", only="mom mommy dad daddy grandma grandpa")
    tale.paragraph("gets_seed", "plants")
    tale.feel("hero", "excited", "planted a seed")
    tale.paragraph("nothing_yet")
    tale.tell("impatient")
    tale.paragraph("weather_helps", "sprout")
    tale.world.feel(tale.hero, "happy", "the seed came up")
    tale.paragraph("grown")
    tale.tell("shares_it")
    tale.end("a seed takes long to grow", "parent", "waited and watered", "patience, care")


@plot(weight=5)
def giant_root(tale: Tale) -> None:
    """Something enormous grows in the ground; one after another they pull; the smallest makes the difference."""
    tale.choose("plant", ("turnip", "carrot", "pumpkin", "beet", "radish"), (4, 5, 2, 1, 1))
    tale.paragraph("finds", "pulls_alone")
    tale.friend("friend")
    tale.friend("second")
    tale.friend("third", group="animal", size="tiny")
    tale.paragraph("friend_pulls", "second_pulls")
    tale.tell("laugh_at_third")
    tale.paragraph("third_pulls")
    for role in ("hero", "third"):
        tale.world.feel(tale.who(role), "proud", "they pulled it out together")
    tale.tell("feast")
    tale.end("too heavy for one", "third", "everyone pulled, even the smallest", "working together, helping")


@plot(weight=6)
def handmade_gift(tale: Tale) -> None:
    """No money for a birthday present; what is made with love is the best of all."""
    tale.family("parent")
    tale.paragraph("birthday", "no_money")
    tale.feel("hero", "worried", "had no gift")
    tale.friend()
    tale.paragraph("friend_idea")
    tale.choose(
        "gift",
        (
            "a card with a big red heart",
            "a necklace of shells",
            "a picture of the whole family",
            "a crown of flowers",
            "a little boat of bark",
            "a song",
        ),
    )
    tale.paragraph("makes")
    tale.tell("ready")
    tale.paragraph("gives")
    tale.feel("parent", "happy", "got a gift made with love")
    tale.tell("best_gift")
    tale.end("had no money for a gift", "friend", "made one", "kindness, imagination")


@plot(weight=4)
def snowman(tale: Tale) -> None:
    """A snowman is not finished without something; a friend gives up something dear, for a while."""
    tale.world.weather = "snowy"
    tale.tags.update(("snow", "day"))
    tale.paragraph("snow", "rolls_balls")
    tale.friend()
    scarf = tale.thing("scarf", "worn warm soft", owner="friend")
    tale.paragraph("looks_cold", "friend_gives")
    tale.world.lose(scarf)
    tale.feel("hero", "happy", "the snowman was finished")
    tale.paragraph("night", "morning")
    tale.world.find(scarf, tale.who("friend"))
    tale.end(
        "an unfinished snowman",
        "friend",
        "the friend lent something warm",
        "sharing, imagination, friendship",
    )


@plot(weight=4, hero="child")
def painted_wall(tale: Tale) -> None:
    """Paint goes where it should not; telling the truth and washing puts it right."""
    tale.choose("color", ("red", "blue", "green", "yellow", "purple"))
    tale.choose(
        "subject",
        ("a long dragon", "a house with a garden", "a huge sun", "a rocket", "a row of cats", "a rainbow"),
    )
    tale.family("parent", only="mom mommy dad daddy grandma")
    tale.paragraph("paints")
    tale.world.feel(tale.hero, "happy", "painted a picture")
    tale.tell("comes_in")
    tale.feel("parent", "angry", "there was paint on the wall")
    tale.paragraph("explains")
    tale.feel("hero", "sorry", "had painted the wall")
    tale.tell("wash")
    tale.paragraph("paper")
    tale.end("painted the wall", "parent", "washed it and got paper", "listening, honesty, imagination")
