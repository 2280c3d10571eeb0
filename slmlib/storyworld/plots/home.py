"""Plots about rules, truth, greed and growing up at home."""

from slmlib.storyworld.library import plot
from slmlib.storyworld.tale import Tale


@plot(weight=5)
def hot_food(tale: Tale) -> None:
    """Somebody says `wait, it is hot`; not waiting hurts; waiting pays."""
    tale.family("parent", only="mom mommy dad daddy grandma grandpa")
    tale.thing("dish", "hot meal", owner="hero")
    tale.paragraph("hungry")
    tale.feel("hero", "hungry", "had played all day")
    tale.tell("smells")
    tale.tell_or_not("passing.inside", 1, 1)
    tale.paragraph("warning", "does_not_wait")
    tale.feel("hero", "sad", "burned the tongue")
    tale.paragraph("helps", "story_while_waiting")
    tale.tell("eats")
    tale.world.consume(tale.cast["dish"], tale.hero)
    tale.end("the food was too hot", "parent", "waited until it was cool", "listening, patience")


@plot(weight=6)
def taken_treat(tale: Tale) -> None:
    """A treat is taken without asking; crumbs tell; so does the hero, in the end."""
    tale.family("parent", only="mom mommy dad daddy grandma grandpa")
    tale.choose(
        "sweet",
        ("cookies", "cupcakes", "pancakes", "muffins", "jam tarts", "sugar rolls"),
        (6, 2, 2, 2, 1, 1),
    )
    tale.paragraph("made", "do_not_eat")
    tale.tell_or_not("passing.inside", 1, 1)
    tale.tell("takes")
    tale.paragraph("finds_out")
    tale.feel("hero", "sorry", "took what was for others")
    if tale.maybe("blames another?", 2, 3):
        tale.tell("blames")
        tale.paragraph("blamed_sad")
    tale.tell("confesses")
    tale.paragraph("makes_new")
    tale.feel("hero", "happy", "put it right", say=False)
    tale.end(
        "took something without asking",
        "parent",
        "told the truth and helped to make new ones",
        "honesty, forgiving",
    )


@plot(weight=5, place="outside wild")
def false_alarm(tale: Tale) -> None:
    """Calling for help as a joke, twice; the third time it is true. Will anybody come?"""
    tale.choose("beast", ("wolf", "bear", "snake", "dragon"), (6, 3, 2, 1))
    tale.scene()
    tale.friend()
    tale.feel("hero", "bored", "nothing happened")
    tale.paragraph("first_joke", "they_run")
    tale.paragraph("second_joke")
    tale.feel("friend", "angry", "was fooled again")
    tale.paragraph("real")
    tale.feel("hero", "scared", "it was true this time")
    tale.tell("nobody_comes")
    tale.paragraph("friend_comes" if tale.maybe("friend comes?", 2, 1) else "saves_self")
    tale.tell("says_sorry")
    tale.end("called for help as a joke", "friend", "learned to call only when it is true", "honesty")


@plot(weight=6)
def too_much(tale: Tale) -> None:
    """So many good things; the hero eats and eats, and then the tummy speaks."""
    tale.choose(
        "sweet", ("berries", "candies", "cherries", "cookies", "plums", "pancakes"), (4, 4, 2, 3, 1, 2)
    )
    tale.paragraph("finds", "eats")
    tale.friend()
    tale.paragraph("asked_to_share")
    tale.tell("eats_more")
    tale.paragraph("tummy")
    tale.feel("hero", "sorry", "ate far too much")
    tale.family("parent", only="mom mommy dad daddy grandma grandpa")
    tale.tell("care")
    tale.paragraph("next_day")
    tale.feel("friend", "happy", "got some, too")
    tale.end("ate too much", "parent", "rested, and shared the rest", "enough, sharing")


@plot(weight=6)
def surprise_party(tale: Tale) -> None:
    """Everybody seems to have forgotten the birthday; everybody has not."""
    tale.friend()
    tale.family("parent", only="mom mommy dad daddy grandma")
    tale.paragraph("birthday_morning")
    tale.feel("hero", "excited", "it was a birthday")
    tale.paragraph("parent_busy", "friend_busy")
    tale.feel("hero", "lonely", "everyone had forgotten")
    tale.tell("walks_alone")
    tale.paragraph("comes_home", "surprise")
    tale.feel("hero", "surprised", "there was a party")
    tale.thing("gift", "gift carried", owner="friend")
    tale.paragraph("present")
    tale.give("gift", "hero")
    tale.tell("party")
    tale.end("a forgotten birthday", "friend", "it was a surprise party", "friendship, patience")


@plot(weight=5)
def cannot_sleep(tale: Tale) -> None:
    """Sleep will not come; one thing after another is tried; the last one works."""
    tale.family("parent", only="mom mommy dad daddy grandma grandpa")
    tale.tags.add("night")
    tale.paragraph("bedtime")
    tale.tell("awake")
    tale.paragraph("first_idea", "second_idea")
    tale.feel("hero", "tired", "it was so late")
    tale.tell("calls")
    tale.paragraph("parent_idea")
    tale.tell("asleep")
    tale.end("could not sleep", "parent", "a quiet song or thought brought sleep", "patience, imagination")


@plot(weight=4)
def new_baby(tale: Tale) -> None:
    """The new baby gets all the love, it seems; until only the hero can make it laugh."""
    tale.choose("baby", ("brother", "sister"))
    tale.tags.add(tale.cast["baby"])
    tale.family("parent", only="mom mommy dad daddy")
    tale.paragraph("arrives")
    tale.tell_or_not("passing.inside", 1, 1)
    tale.feel("hero", "jealous", "the baby got all the attention")
    tale.tell("tries_to_be_seen")
    tale.paragraph("cries", "nothing_helps")
    tale.paragraph("hero_tries")
    tale.feel("hero", "proud", "made the baby laugh")
    tale.tell("parent_says")
    tale.end(
        "was jealous of a baby",
        "parent",
        "the baby laughed only for the hero",
        "kindness, being yourself, helping",
    )


@plot(weight=4, hero="child")
def first_day(tale: Tale) -> None:
    """The first day of school is long at the door and short at the end."""
    tale.family("parent", only="mom mommy dad daddy grandma")
    tale.grown_up("teacher", "teacher")
    tale.paragraph("morning")
    tale.feel("hero", "shy", "everything was new", say=False)
    tale.tell("holds_hand")
    token = tale.thing("token", "carried small treasure", owner="parent")
    tale.paragraph("goodbye")
    tale.give("token", "hero")
    assert token.owner is tale.hero
    tale.paragraph("inside")
    tale.friend(group="child")
    tale.tell("meets", "play_together")
    tale.paragraph("pick_up")
    tale.feel("hero", "happy", "the first day was good")
    tale.end("the first day of school", "friend", "found a friend", "bravery, friendship")


@plot(weight=5)
def rainy_day(tale: Tale) -> None:
    """It rains and there is nothing to do, until an ordinary thing becomes a ship."""
    tale.world.weather = "rainy"
    tale.tags.add("rain")
    tale.paragraph("rain")
    tale.feel("hero", "bored", "it rained all day")
    tale.friend()
    tale.tell_or_not("passing.inside", 1, 1)
    tale.paragraph("friend_comes", "finds_box")
    tale.choose(
        "vessel", ("ship", "rocket", "train", "submarine", "castle", "hot-air balloon"), (5, 5, 3, 2, 3, 2)
    )
    tale.tell("becomes")
    tale.paragraph("voyage", "danger")
    tale.tell("solved")
    tale.paragraph("back")
    tale.feel("hero", "happy", "the day had been an adventure", say=False)
    tale.end(
        "nothing to do on a rainy day", "friend", "a box became a whole world", "imagination, friendship"
    )


@plot(weight=4, hero="child")
def lost_tooth(tale: Tale) -> None:
    """A tooth is loose, then gone, then really gone; a letter saves the night."""
    tale.family("parent", only="mom mommy dad daddy grandma")
    tale.paragraph("loose")
    tale.feel("hero", "worried", "a tooth was loose")
    tale.tell("explains")
    tale.paragraph("falls_out", "loses_it")
    tale.feel("hero", "sad", "the tooth was lost")
    tale.paragraph("letter")
    tale.tell("night")
    tale.paragraph("morning")
    tale.feel("hero", "happy", "got a coin and an answer")
    tale.end("lost the lost tooth", "parent", "wrote a letter", "honesty, asking")


@plot(weight=4)
def messy_room(tale: Tale) -> None:
    """Nothing can be found in the mess; cleaning up turns into a treasure hunt."""
    tale.family("parent", only="mom mommy dad daddy grandma")
    toy = tale.thing("toy", "carried gift !food", owner="hero")
    tale.tell_or_not("passing.inside", 1, 2)
    tale.paragraph("mess", "wants")
    tale.tell("cannot_find")
    tale.feel("hero", "angry", "could not find the " + toy.thing.noun)
    tale.paragraph("parent_says", "cleans")
    tale.tell("treasures")
    tale.paragraph("found")
    tale.feel("hero", "happy", "found it and had a tidy room")
    tale.end("a messy room", "parent", "cleaned up and found everything", "care, listening")
