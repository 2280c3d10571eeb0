"""Plots about sharing, quarrels, envy and making friends."""

from slmlib.storyworld.library import plot
from slmlib.storyworld.tale import Tale


@plot(weight=7, place="outside")
def share_food(tale: Tale) -> None:
    """One treat, two hungry friends: the hero wants it all, and finds that half tastes better."""
    tale.scene()
    treat = tale.thing("treat", "food sweet !hot !melts", owner="hero")
    tale.paragraph("has_treat")
    tale.friend()
    tale.paragraph("meet.comes", "friend_hungry")
    tale.feel("friend", "hungry", "had eaten nothing all day")
    tale.tell("thinks")
    tale.paragraph("shares")
    tale.world.consume(treat, tale.hero)
    tale.feel("friend", "happy", "got half of the " + treat.thing.noun)
    tale.tell("returns")
    tale.end("one treat for two", "hero", "they shared it", "sharing, kindness")


@plot(weight=8, place="play")
def quarrel(tale: Tale) -> None:
    """Two want the same toy and pull; it breaks or is carried off; they make up and take turns."""
    tale.scene()
    toy = tale.thing("toy", "toy carried !outdoor", owner="hero")
    tale.friend()
    tale.paragraph("meet.known", "brings")
    tale.paragraph("pull")
    tale.feel("hero", "angry", "both wanted the toy")
    if "breakable" in toy.thing.tags and tale.maybe("toy breaks?", 1, 1):
        tale.world.damage(toy, tale.hero)
        tale.paragraph("breaks")
        tale.feel("friend", "sorry", "the toy broke")
        tale.tell("sorry", "mends")
        tale.world.mend(toy, tale.who("friend"))
    else:
        tale.paragraph("dropped")
        tale.feel("friend", "sorry", "nobody had any fun")
        tale.tell("sorry", "idea")
    tale.paragraph("turns")
    tale.world.feel(tale.hero, "happy", "they took turns")
    tale.end(
        "two wanted one toy", "friend", "they said sorry and took turns", "sharing, forgiving, friendship"
    )


@plot(weight=6, place="play")
def new_friend(tale: Tale) -> None:
    """Somebody new stands alone; the hero is brave enough to say hello."""
    tale.scene()
    tale.friend()
    tale.paragraph("alone")
    tale.world.feel(tale.who("friend"), "lonely", "was new and knew nobody")
    tale.tell("hero_shy")
    tale.world.feel(tale.hero, "shy", "had to talk to a stranger")
    tale.paragraph("says_hello")
    tale.thing("toy", "toy carried", owner="friend")
    tale.tell("shows_toy", "joke")
    tale.paragraph("meet.play")
    tale.feel("friend", "happy", "was not alone any more", say=False)
    tale.end("somebody new was alone", "hero", "the hero said hello", "friendship, kindness")


@plot(weight=6)
def broke_it(tale: Tale) -> None:
    """The hero breaks something of a friend's, wants to hide it, tells the truth, and helps to mend it."""
    tale.friend()
    toy = tale.thing("toy", "breakable", owner="friend")
    tale.paragraph("visits", "look_dont_touch")
    tale.tell("breaks")
    tale.world.damage(toy, tale.hero)
    tale.feel("hero", "scared", "broke the " + toy.thing.noun)
    if tale.maybe("hides it?", 1, 1):
        tale.paragraph("hides", "asked")
        tale.feel("hero", "sorry", "had hidden it")
    else:
        tale.paragraph("could_hide")
    tale.tell("tells_truth")
    tale.paragraph("forgives", "mends")
    tale.world.mend(toy, tale.hero)
    tale.world.feel(tale.hero, "happy", "was forgiven")
    tale.end(
        "broke what belonged to a friend",
        "friend",
        "told the truth and mended it",
        "honesty, forgiving, care",
    )


@plot(weight=5, place="outside")
def envy(tale: Tale) -> None:
    """A friend has something finer; envy stings, until each has something the other would love."""
    tale.scene()
    tale.friend()
    tale.thing("toy", "toy carried", owner="friend")
    tale.paragraph("meet.known", "friend_has")
    tale.feel("hero", "jealous", "the friend had a finer toy")
    tale.tell("says_mean")
    tale.feel("friend", "sad", "heard mean words")
    own = tale.thing("own", "toy carried", owner="hero")
    tale.paragraph("friend_wishes", "swap")
    tale.lend("toy", "hero")
    tale.lend("own", "friend")
    tale.feel("hero", "sorry", "had been mean", say=False)
    tale.paragraph("end")
    tale.give_back("toy")
    tale.give_back("own")
    assert own.owner is tale.hero
    tale.end("envied a friend", "friend", "they swapped for a day", "sharing, friendship")


@plot(weight=5, place="outside", hero="animal")
def teased(tale: Tale) -> None:
    """Others laugh at how the hero looks; the very same thing saves the day."""
    feature = tale.choose(
        "feature", ("very big ears", "a very long tail", "a very loud voice", "very big feet")
    )
    tale.tags.add(feature.split()[-1])
    tale.paragraph("feature")
    tale.scene()
    tale.friend("friend", group="animal")
    tale.paragraph("laughed_at")
    tale.feel("hero", "sad", "was laughed at")
    tale.paragraph("danger")
    tale.world.feel(tale.who("friend"), "scared", "was in danger")
    tale.tell("saves")
    tale.paragraph("sorry")
    tale.feel("hero", "proud", "saved the day")
    tale.end("was laughed at", "hero", "what was laughed at saved the day", "being yourself, kindness")


@plot(weight=5)
def borrowed(tale: Tale) -> None:
    """The hero borrows something, promises to bring it back in time, and keeps or breaks the promise."""
    tale.friend()
    tale.thing("tool", "tool carried", owner="friend")
    tale.paragraph("asks", "promises")
    promise = tale.world.promise(tale.hero, tale.who("friend"), "bring it back before supper")
    tale.lend("tool", "hero")
    tale.paragraph("uses")
    kept = tale.maybe("keeps promise?", 3, 2)
    tale.paragraph("keeps" if kept else "forgets")
    tale.world.settle(promise, kept)
    tale.give_back("tool")
    if kept:
        tale.feel("hero", "proud", "kept a promise")
    else:
        tale.feel("hero", "sorry", "broke a promise")
        tale.tell("makes_up")
    tale.end(
        "had to bring something back",
        "friend",
        "kept the promise" if kept else "broke it and made up for it",
        "promise, care",
    )


@plot(weight=4, place="play")
def left_out(tale: Tale) -> None:
    """Two play and will not let the hero in; then they need just one more."""
    tale.scene()
    tale.friend()
    tale.friend("second")
    tale.paragraph("game", "no_room")
    tale.feel("hero", "lonely", "was not allowed to play")
    tale.paragraph("trouble")
    tale.tell("hero_helps")
    tale.paragraph("invited")
    tale.feel("hero", "happy", "was asked to join")
    tale.end("was left out", "hero", "helped, and was asked to join", "friendship, kindness")
