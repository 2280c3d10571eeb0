"""Plots about things and people that are lost, stuck, and found again."""

from slmlib.storyworld.library import plot
from slmlib.storyworld.tale import Tale


@plot(weight=8, place="outside")
def lost_toy(tale: Tale) -> None:
    """A dear thing is gone; a friend helps to look; it was somewhere silly all the time."""
    toy = tale.thing("toy", "carried !food", owner="hero")
    tale.paragraph("loves")
    tale.scene()
    tale.paragraph("gone")
    tale.world.lose(toy)
    tale.feel("hero", "sad", "lost the " + toy.thing.noun)
    tale.tell("searches")
    tale.friend()
    tale.paragraph("meet.comes", "asks")
    tale.detour("friend")
    tale.paragraph("found")
    tale.world.find(toy, tale.hero)
    tale.feel("hero", "happy", "found the " + toy.thing.noun)
    tale.tell("meet.thanks")
    tale.end("a lost " + toy.thing.noun, "friend", "found it", "care, helping")


@plot(weight=7, place="trees")
def stuck_high(tale: Tale) -> None:
    """The wind takes something up into a tree; whoever can climb or fly brings it down."""
    toy = tale.thing("toy", "flies carried", owner="hero")
    tale.scene()
    tale.paragraph("plays", "blown")
    tale.world.lose(toy, tale.cast["place"])
    tale.feel("hero", "sad", "the toy was stuck in a tree")
    tale.paragraph("tries")
    ability = tale.choose("ability", ("climb", "fly"))
    friend = tale.friend(can=ability, group="animal")
    tale.paragraph("meet.comes", "asks")
    tale.detour("friend")
    tale.world.act(friend, ability)
    tale.paragraph("helped_by_" + ability)
    tale.world.find(toy, friend)
    tale.give_back("toy")
    tale.feel("hero", "happy", "got the toy back")
    tale.tell("meet.thanks")
    tale.end(
        "a toy stuck in a tree",
        "friend",
        "a friend who can " + ability + " brought it down",
        "asking, helping",
    )


@plot(weight=5, place="water")
def fell_in_water(tale: Tale) -> None:
    """Something falls into the water; a friend who swims fetches it."""
    toy = tale.thing("toy", "carried !paper !food !flies !light", owner="hero")
    tale.scene()
    tale.paragraph("falls")
    tale.world.lose(toy, tale.cast["place"])
    tale.feel("hero", "worried", "the toy was in the water")
    tale.tell("tries")
    friend = tale.friend(can="swim", group="animal")
    tale.paragraph("meet.comes", "asks")
    tale.detour("friend")
    tale.world.act(friend, "swim")
    tale.paragraph("fetches")
    tale.world.find(toy, friend)
    tale.give_back("toy")
    tale.feel("hero", "happy", "got the toy back")
    tale.tell("meet.thanks")
    tale.end("a toy in the water", "friend", "a friend swam for it", "care, helping, asking")


@plot(weight=4, place="soil")
def in_a_hole(tale: Tale) -> None:
    """Something rolls into a deep hole; a friend who digs gets it out."""
    toy = tale.thing("toy", "rolls carried", owner="hero")
    tale.scene()
    tale.paragraph("rolls")
    tale.world.lose(toy, tale.cast["place"])
    tale.tell("tries")
    tale.feel("hero", "sad", "the toy was in a deep hole")
    friend = tale.friend(can="dig", group="animal")
    tale.paragraph("meet.comes", "asks")
    tale.detour("friend")
    tale.world.act(friend, "dig")
    tale.paragraph("digs")
    tale.world.find(toy, friend)
    tale.give_back("toy")
    tale.feel("hero", "happy", "got the toy back")
    tale.tell("meet.play")
    tale.end("a toy in a hole", "friend", "a friend dug it out", "asking, helping")


@plot(weight=7, place="outside")
def not_mine(tale: Tale) -> None:
    """The hero finds a fine thing, would love to keep it, and gives it back to who lost it."""
    tale.scene()
    friend = tale.friend()
    treasure = tale.add_found("treasure", "treasure", owner="friend")
    tale.paragraph("finds")
    tale.world.find(treasure, tale.hero)
    tale.tell("wants_it")
    tale.paragraph("sees_owner")
    tale.feel("friend", "sad", "lost the " + treasure.thing.noun, say=False)
    tale.tell("decides")
    tale.give_back("treasure")
    tale.feel("friend", "happy", "got it back")
    tale.paragraph("reward")
    tale.world.feel(tale.hero, "proud", "gave it back")
    tale.end("found what another had lost", "hero", "gave it back", "honesty, kindness")
    assert friend.name


@plot(weight=6, place="outside !home")
def lost_way(tale: Tale) -> None:
    """Following something pretty too far, the hero is lost; somebody shows the way home."""
    tale.scene()
    tale.paragraph("follows")
    tale.world.feel(tale.hero, "curious", "saw something pretty")
    tale.paragraph("lost")
    tale.feel("hero", "scared", "did not know the way home")
    tale.friend(group="animal")
    tale.paragraph("meet.comes", "asks")
    tale.detour("friend")
    tale.paragraph("shows_way")
    tale.family("parent", only="mom mommy dad daddy grandma grandpa")
    tale.tell("home")
    tale.world.feel(tale.hero, "happy", "was home again")
    tale.end("lost the way", "friend", "a friend showed the way home", "home, listening")


@plot(weight=5, place="outside")
def lost_baby(tale: Tale) -> None:
    """A small animal cannot find its mother; the hero looks with it until they find her."""
    tale.scene()
    tale.friend("baby", group="animal", size="tiny small", fits=lambda kind: kind.pronoun != "he")
    tale.paragraph("hears")
    tale.world.feel(tale.who("baby"), "scared", "could not find its mother")
    tale.tell("promises")
    promise = tale.world.promise(tale.hero, tale.who("baby"), "find the mother")
    tale.paragraph("search_one")
    tale.tell("search_two")
    tale.paragraph("mother")
    tale.world.settle(promise, kept=True)
    tale.narrator.paragraph()  # the mother was spoken of last: here `she` would not be the hero
    tale.feel("hero", "happy", "the baby was safe")
    tale.end(
        "a baby without its mother", "hero", "they looked until they found the mother", "kindness, helping"
    )
