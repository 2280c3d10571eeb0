"""Plots about being afraid, trying, and trying again."""

from slmlib.storyworld.library import plot
from slmlib.storyworld.tale import Tale
from slmlib.storyworld.vocabulary.skills import SKILLS


@plot(weight=8, place="outside")
def learn_skill(tale: Tale) -> None:
    """Wanting to be able to do something, failing, getting good advice, practising, succeeding."""
    group = tale.hero.kind.group
    skills = [
        skill
        for skill in SKILLS
        if skill.group in ("any", group) and (not skill.part or skill.part == tale.hero.kind.part)
    ]
    skill = tale.choose("skill", skills, [one.weight for one in skills])
    tale.paragraph("wants")
    tale.scene()
    tale.paragraph("first_try")
    tale.feel("hero", "sad", "could not " + skill.base)
    tale.friend()
    tale.paragraph("meet.comes", "advice")
    tale.paragraph("again", "again_two")
    tale.tell("success")
    tale.feel("hero", "proud", "could " + skill.base)
    tale.end("could not " + skill.base, "friend", "practised until it worked", "trying")


@plot(weight=7)
def night_noise(tale: Tale) -> None:
    """A strange noise in the dark turns out to be something small that needs help."""
    tale.paragraph("night", "noise")
    tale.tags.discard("outside")
    tale.tags.add("night")
    tale.feel("hero", "scared", "heard a noise in the dark")
    tale.tell("imagines")
    tale.thing("lamp", "light-giving tool", owner="hero")
    tale.paragraph("goes_to_look")
    tale.friend("visitor", group="animal", size="tiny small", fits=lambda kind: "home" not in kind.can)
    tale.tell("finds")
    tale.world.feel(tale.hero, "surprised", "it was only a small animal")
    tale.paragraph("helps_visitor")
    tale.tell("sleeps")
    tale.world.feel(tale.hero, "brave", "there was nothing to fear")
    tale.end("a noise in the dark", "hero", "went to look and found a small animal", "bravery, kindness")


@plot(weight=5)
def thunder(tale: Tale) -> None:
    """A storm frightens the hero; somebody loved makes it small with a game."""
    tale.world.weather = "stormy"
    tale.tags.add("storm")
    tale.paragraph("storm")
    tale.feel("hero", "scared", "the thunder was loud")
    tale.family("parent", only="mom mommy dad daddy grandma grandpa")
    tale.paragraph("comes", "explains")
    tale.tell("game")
    tale.paragraph("over")
    tale.feel("hero", "happy", "the storm was over")
    tale.end("a thunderstorm", "parent", "counting made the thunder small", "bravery")


@plot(weight=4, hero="child")
def doctor(tale: Tale) -> None:
    """A visit to the doctor that was feared, and was not so bad."""
    reason = tale.choose(
        "reason", ("had a bad cough", "had a sore ear", "had a fever", "needed a shot", "had a red throat")
    )
    tale.family("parent", only="mom mommy dad daddy grandma")
    tale.paragraph("reason")
    tale.feel("hero", "scared", "had to see the doctor because " + reason)
    tale.grown_up("doctor", "doctor")
    tale.thing("toy", "soft gift toy", owner="hero")
    tale.paragraph("there")
    tale.tell_or_not("passing.inside", 1, 1)
    tale.tell("toy_first")
    tale.paragraph("hero_turn")
    tale.feel("hero", "proud", "had been brave")
    tale.tell("reward")
    tale.end("was afraid of the doctor", "doctor", "the toy went first", "bravery")


@plot(weight=4, place="play", hero="child")
def big_slide(tale: Tale) -> None:
    """The slide is very high; a friend's hand makes it possible."""
    tale.choose("high", ("slide", "climbing wall", "rope bridge", "swing", "diving board"), (6, 2, 2, 3, 1))
    tale.scene()
    tale.paragraph("looks_up")
    tale.feel("hero", "scared", "it was so high")
    tale.friend(group="child")
    tale.paragraph("meet.comes", "friend_says")
    tale.paragraph("goes")
    tale.feel("hero", "proud", "dared to do it")
    tale.tell("again")
    tale.end("was afraid of a high place", "friend", "a friend held hands", "bravery, trying")


@plot(weight=6, place="outside grass", hero="animal")
def race(tale: Tale) -> None:
    """The quick one boasts and rests; the slow one keeps going. Or the quick one turns back to help."""
    tale.scene()
    tale.friend(
        "rival", group="animal", size="small big", fits=lambda kind: bool({"jump", "fly"} & {*kind.can})
    )
    tale.paragraph("boasts", "starts")
    if tale.maybe("rival sleeps?", 1, 1):
        tale.paragraph("rival_rests", "keeps_going")
        tale.tell("wins")
        tale.feel("rival", "surprised", "lost the race")
        tale.paragraph("after_win")
        lessons = "trying"
    else:
        tale.paragraph("rival_falls", "stops")
        tale.tell("finish_together")
        tale.feel("rival", "sorry", "had boasted")
        tale.paragraph("after_together")
        lessons = "kindness, friendship"
    tale.world.feel(tale.hero, "happy", "ran a good race")
    tale.end("a race against a boaster", "hero", "kept going, or turned back to help", lessons)


@plot(weight=4, hero="child")
def on_stage(tale: Tale) -> None:
    """Before the show the words are gone; a small trick brings them back."""
    tale.choose(
        "act",
        (
            "sing a song",
            "dance",
            "say a poem",
            "play the flute",
            "be a tree in the play",
            "tell a funny story",
        ),
    )
    tale.paragraph("show")
    tale.feel("hero", "worried", "everyone would look")
    tale.family("parent", only="mom mommy dad daddy grandma grandpa")
    tale.paragraph("advice")
    tale.paragraph("begins", "frozen")
    tale.tell("remembers")
    tale.feel("hero", "proud", "did it")
    tale.tell("applause")
    tale.end("stage fright", "parent", "looked at one friendly face", "bravery, trying")
