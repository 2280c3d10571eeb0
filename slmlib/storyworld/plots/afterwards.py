"""Small plots that follow a story about two friends: kindness returned, passed on, or simply enjoyed."""

from slmlib.storyworld.library import plot
from slmlib.storyworld.tale import Tale


def friends(tale: Tale) -> bool:
    """Whether there is a friend with whom the story can go on."""
    return "friend" in tale.cast and bool(tale.who("friend").name)


@plot(when="afterwards", weight=3, fits=friends)
def favor_returned(tale: Tale) -> None:
    """Now the friend is in trouble, and the hero does not think twice."""
    tale.choose(
        "trouble",
        (
            "a broken door",
            "an empty cupboard",
            "a lost mitten",
            "a bad cold",
            "a leaky roof",
            "too much work",
            "a flat tire",
            "a fear of the dark",
            "a bad dream",
        ),
    )
    tale.paragraph("trouble")
    tale.world.feel(tale.who("friend"), "worried", "had " + tale.cast["trouble"])
    tale.tell("helps")
    tale.feel("friend", "happy", "was helped in turn", say=False)


@plot(when="afterwards", weight=2, fits=friends)
def thank_you_gift(tale: Tale) -> None:
    """The friend brings a present the next day."""
    tale.thing("present", "gift carried !light", owner="friend")
    tale.paragraph("brings")
    tale.give("present", "hero")
    tale.tell("joy")
    tale.feel("hero", "happy", "got a present", say=False)


@plot(when="afterwards", weight=2, fits=friends)
def passed_on(tale: Tale) -> None:
    """Somebody else needs help, and now the hero knows how."""
    tale.friend("stranger")
    tale.paragraph("meets")
    tale.world.feel(tale.who("stranger"), "sad", "needed help")
    tale.tell("helps")


@plot(when="afterwards", weight=2, fits=friends)
def supper_together(tale: Tale) -> None:
    """The friend is asked to stay for supper."""
    tale.family("cook", only="mom mommy dad daddy grandma grandpa")
    tale.thing("meal", "hot meal", owner="cook")
    tale.paragraph("invites")
    tale.tell("eats")
    tale.world.consume(tale.cast["meal"], tale.hero)


@plot(when="afterwards", weight=2, fits=friends)
def secret_place(tale: Tale) -> None:
    """The two find a place that only they know."""
    tale.paragraph("finds", "makes_it_theirs")
    tale.world.feel(tale.hero, "happy", "had a secret with a friend")


@plot(when="afterwards", weight=2, fits=friends)
def told_again(tale: Tale) -> None:
    """The story grows every time it is told."""
    tale.paragraph("tells", "grows")
