"""Pages, templates and pronouns: the small machinery of good English."""

import pytest

from slmlib.errors import SlmError
from slmlib.storyworld.catalog import full_library
from slmlib.storyworld.choices import Seeded
from slmlib.storyworld.narrator import Language, Narrator
from slmlib.storyworld.page import Mismatch, Page, right_articles
from slmlib.storyworld.template import compile_template
from slmlib.storyworld.vocabulary.kinds import Name
from slmlib.storyworld.vocabulary.people import CHILDREN
from slmlib.storyworld.world import Character, Item

CLASSES = {"glad": "happy*3 glad", "wow": "Wow!, Oh my!"}
THINGS = {thing.noun: thing for thing in full_library().things}


def say(*templates: str, **cast) -> str:
    phrases = {str(n): (compile_template(text, str(n), CLASSES),) for n, text in enumerate(templates)}
    language = Language(phrases, (Name("Lily", "she"), Name("Tim", "he")), (), (("shy", 1),))
    page = Page()
    cast.setdefault("hero", person("hero", "girl", "Ann"))
    narrator = Narrator(language, Seeded(0, 0), page, cast, set())
    for key in phrases:
        narrator.tell(key)
    return page.finish()


def person(id: str, kind: str, name: str) -> Character:
    found = next(one for one in CHILDREN if one.noun == kind)
    return Character(id, found, name, found.pronoun, introduced=True)


@pytest.mark.parametrize(
    ("given", "right"),
    [
        ("a owl and a cat", "an owl and a cat"),
        ("A old hat, a hour", "An old hat, an hour"),
        ("a unicorn, a useful one-eyed cat", "a unicorn, a useful one-eyed cat"),
        ("a one-eyed cat and a ugly umbrella", "a one-eyed cat and an ugly umbrella"),
        ("banana apple", "banana apple"),
    ],
)
def test_articles(given, right):
    assert right_articles(given) == right
    page = Page()
    for piece in given.replace(" ", " |").split("|"):
        page.write(piece)
    assert page.text == right, "also when the words come one by one"


def test_a_page_with_a_target_stops_at_the_first_difference():
    page = Page("an owl flew")
    page.write("a ")
    page.write("owl ")
    with pytest.raises(Mismatch):
        page.write("sat")
    with pytest.raises(Mismatch):
        Page("longer than this").finish()


def test_pronouns_are_said_only_where_they_are_clear():
    ann, bob, eve = person("a", "girl", "Ann"), person("b", "boy", "Bob"), person("e", "girl", "Eve")
    assert say("{Ann} hugged {bob.his} dog.", ann=ann, bob=bob) == "Ann hugged Bob's dog."
    assert say("{Ann} hugged {bob} and {bob.his} dog.", ann=ann, bob=bob) == "Ann hugged Bob and his dog."
    assert say("{Ann} gave {eve} {eve.his} hat.", ann=ann, eve=eve) == "Ann gave Eve Eve's hat."
    assert say("{Ann} gave {eve} {ann.his} hat.", ann=ann, eve=eve) == "Ann gave Eve her hat."
    assert say("{Ann} sat. {Bob} ran. It rained. {ann.he} sang.", ann=ann, bob=bob).endswith("Ann sang.")


def test_things_agree_in_number_and_are_described_once():
    ball, boots = Item("x", THINGS["ball"]), Item("y", THINGS["boots"])
    text = say("{Toy} {toy.was} there. {Toy} {toy.was} mine. I want {toy.it}.", toy=boots)
    assert text.startswith("Some ")
    assert text.endswith("boots were there. The boots were mine. I want them.")
    text = say("I saw {toy}. {Toy} {toy.is} nice. Take {toy.it}.", toy=ball)
    assert text.endswith("ball. The ball is nice. Take it.")


def test_relatives_are_their_and_then_mom():
    tim = person("t", "boy", "Tim")
    mom = Character("mom1", tim.kind, pronoun="she", relation="mom", of=tim, introduced=True)
    assert say("{Mom} sang.", mom=mom, tim=tim) == "Tim's mom sang."
    assert say("{Tim} hugged {mom}.", mom=mom, tim=tim) == "Tim hugged his mom."
    assert say("{Mom} sang.", "The sun shone.", "The end came with {mom}.", mom=mom, tim=tim).endswith(
        "with Mom."
    )


@pytest.mark.parametrize("wrong", ["a [b", "a b]", "{hero..x}", "{", "[:nosuchclass]"])
def test_bad_templates_are_refused_in_one_sentence(wrong):
    with pytest.raises(SlmError, match=r"Template|word class"):
        compile_template(wrong, "test", CLASSES)


def test_a_role_that_nobody_plays_is_named():
    with pytest.raises(SlmError, match="Nobody plays 'villain'"):
        say("{Villain} came.")
