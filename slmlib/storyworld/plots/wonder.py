"""Plots with a little magic, a wish, or a long way to go."""

from slmlib.storyworld.library import plot
from slmlib.storyworld.tale import Tale


@plot(weight=5)
def wish_on_star(tale: Tale) -> None:
    """A wish for a friend, spoken to a star; in the morning there is one, found by walking."""
    tale.tags.add("night")
    tale.paragraph("lonely_night")
    tale.feel("hero", "lonely", "had nobody to play with")
    tale.tell("star", "wish")
    tale.tags.discard("night")
    tale.paragraph("morning")
    tale.place("outside")
    tale.go()
    tale.friend()
    tale.paragraph("finds_friend", "friend_wished_too")
    tale.feel("hero", "happy", "the wish came true")
    tale.tell("evening")
    tale.end("nobody to play with", "friend", "made a wish, and went out to look", "friendship, bravery")


@plot(weight=5)
def magic_pebble(tale: Tale) -> None:
    """Three wishes; two are wasted; the third must put it right."""
    tale.choose("magic", ("stone", "shell", "bell", "lamp", "feather", "ring"), (4, 3, 2, 2, 2, 2))
    tale.paragraph("finds", "three_wishes")
    tale.feel("hero", "excited", "had three wishes")
    tale.choose("wish", ("cake", "bigger", "snow"))
    tale.tags.add(tale.cast["wish"])
    tale.paragraph("first_wish", "too_far")
    tale.feel("hero", "worried", "the wish had gone wrong")
    tale.tell("second_wish")
    tale.friend()
    tale.paragraph("one_left", "last_wish")
    tale.feel("friend", "happy", "the last wish was for somebody else")
    tale.end("wishes that went wrong", "friend", "gave the last wish away", "kindness, enough")


@plot(weight=5, hero="child")
def monkey_business(tale: Tale) -> None:
    """At the zoo a monkey takes something; it will only trade."""
    stolen = tale.thing("stolen", "worn carried", owner="hero")
    tale.family("parent", only="mom mommy dad daddy grandma grandpa uncle aunt")
    monkeys = [kind for kind in tale.library.animals if kind.noun == "monkey"]
    tale.paragraph("zoo")
    tale.add("monkey", monkeys[0])
    tale.paragraph("grabs")
    tale.world.grab(stolen, tale.who("monkey"))
    tale.feel("hero", "surprised", "a monkey took something")
    tale.tell("copies")
    tale.paragraph("begs")
    tale.tell("idea")
    tale.paragraph("trade")
    tale.give_back("stolen")
    tale.feel("hero", "happy", "got it back")
    tale.tell("goodbye")
    tale.end("a monkey took something", "parent", "made a trade", "imagination, patience")


@plot(weight=5, place="outside grass")
def picnic_rain(tale: Tale) -> None:
    """A fine picnic, then clouds; the day is saved by somebody who has a dry place."""
    tale.scene()
    tale.friend()
    tale.paragraph("meet.known", "unpack")
    tale.thing("treat", "food sweet", owner="hero")
    tale.tell("treat")
    tale.paragraph("clouds")
    tale.world.weather = "rainy"
    tale.feel("hero", "sad", "the picnic was spoiled")
    tale.friend("host", group="animal", size="small big")
    tale.paragraph("host_calls", "inside")
    tale.tell("share")
    tale.paragraph("rainbow")
    tale.feel("hero", "happy", "the picnic was saved", say=False)
    tale.end("rain on the picnic", "host", "somebody shared a dry place", "kindness, friendship, sharing")


@plot(weight=5, place="outside")
def strange_egg(tale: Tale) -> None:
    """An egg alone; it is kept warm; what comes out belongs to somebody."""
    tale.choose(
        "shell",
        (
            "blue with white spots",
            "as green as grass",
            "brown and warm",
            "as big as a melon",
            "white as snow",
        ),
    )
    tale.scene()
    tale.paragraph("finds", "keeps_warm")
    tale.feel("hero", "curious", "wondered what was in the egg")
    tale.tell("guesses")
    tale.paragraph("cracks")
    tale.friend(
        "chick",
        group="animal",
        can="fly",
        size="tiny small",
        fits=lambda kind: kind.noun not in ("bee", "butterfly", "ladybug"),
    )
    tale.tell("hatches")
    tale.world.feel(tale.who("chick"), "happy", "was born warm and safe")
    tale.paragraph("mother_comes", "thanks")
    tale.feel("hero", "proud", "kept the egg safe")
    tale.tell("every_spring")
    tale.end("an egg all alone", "hero", "kept it warm until its mother came", "care, patience, kindness")


@plot(weight=4)
def sad_moon(tale: Tale) -> None:
    """Trying to catch the moon for somebody; it cannot be had, but it can be given."""
    tale.family("elder", only="grandma grandpa mom")
    tale.tags.add("night")
    tale.paragraph("elder_sad", "wants_moon")
    tale.paragraph("tree", "too_far")
    tale.friend(
        "owl",
        group="animal",
        fits=lambda kind: kind.noun in ("owl", "bear", "mouse", "cat", "frog", "rabbit"),
    )
    tale.tell("owl_says")
    tale.paragraph("bucket", "carries")
    tale.feel("elder", "happy", "was given the moon")
    tale.tell("end")
    tale.end(
        "wanted to give somebody the moon",
        "owl",
        "caught its picture in a bucket of water",
        "kindness, imagination",
    )


@plot(weight=5, place="outside")
def treasure_map(tale: Tale) -> None:
    """A map leads over three stations to a chest; in it is not gold."""
    tale.scene()
    tale.friend()
    tale.paragraph("meet.known", "map")
    tale.feel("hero", "excited", "had a treasure map")
    tale.paragraph("first_step", "second_step")
    tale.detour("friend")
    tale.paragraph("dig")
    tale.choose(
        "chest",
        (
            "a note that said: the treasure is the one who came with you",
            "two wooden swords and two paper crowns",
            "a bag of seeds and a letter",
            "old photos of happy faces",
            "a hundred shiny marbles",
        ),
    )
    tale.tell("open")
    tale.feel("hero", "surprised", "there was no gold in the chest")
    tale.paragraph("happy_anyway")
    tale.end(
        "the search for a treasure", "friend", "found something better than gold", "friendship, imagination"
    )


@plot(weight=4, place="outside")
def echo(tale: Tale) -> None:
    """Somebody behind the hill shouts mean things back; a kind word comes back kind."""
    tale.scene()
    tale.paragraph("calls", "answer")
    tale.feel("hero", "angry", "somebody was shouting back")
    tale.tell("worse")
    tale.family("parent", only="mom mommy dad daddy grandma grandpa")
    tale.paragraph("tells_parent", "advice")
    tale.paragraph("calls_again")
    tale.feel("hero", "happy", "the answer was kind")
    tale.end("an angry voice behind the hill", "parent", "kind words came back kind", "kindness")


@plot(weight=4, hero="animal")
def little_boat(tale: Tale) -> None:
    """Out too far in a boat made of bark; each friend gives a bit of what they have, and it comes home."""
    tale.friend("friend", can="swim")
    tale.paragraph("builds_boat", "promise")
    promise = tale.world.promise(tale.hero, tale.who("friend"), "stay near the shore")
    tale.paragraph("too_far")
    tale.world.settle(promise, kept=False)
    tale.feel("hero", "scared", "the boat drifted away")
    tale.paragraph("calls_friend")
    tale.world.act(tale.who("friend"), "swim")
    tale.tell("push_home")
    tale.paragraph("sorry")
    tale.feel("friend", "happy", "everyone was safe", say=False)
    tale.end(
        "broke a promise and drifted off",
        "friend",
        "a friend swam and pushed the boat home",
        "promise, listening",
    )
