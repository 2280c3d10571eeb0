"""The world refuses what cannot be."""

import pytest

from slmlib.storyworld.catalog import full_library
from slmlib.storyworld.vocabulary.places import PLACES
from slmlib.storyworld.world import Character, ImpossibleEvent, Item, World

KINDS = {kind.noun: kind for kind in (*full_library().animals, *full_library().children)}
THINGS = {thing.noun: thing for thing in full_library().things}
PLACE = {place.noun: place for place in PLACES}


def scene() -> tuple[World, Character, Character, Item]:
    world = World()
    lily, tim = Character("lily", KINDS["girl"], "Lily", "she"), Character("tim", KINDS["boy"], "Tim", "he")
    ball = Item("ball", THINGS["ball"])
    world.characters += [lily, tim]
    world.appear(ball, lily, lily)
    return world, lily, tim, ball


def test_a_fish_cannot_climb_or_go_to_the_park():
    world, *_ = scene()
    fish = Character("fish", KINDS["fish"])
    with pytest.raises(ImpossibleEvent, match="A fish cannot climb"):
        world.act(fish, "climb")
    with pytest.raises(ImpossibleEvent, match="cannot go to the park"):
        world.arrive(fish, PLACE["park"])
    world.arrive(fish, PLACE["lake"])


def test_nobody_can_lend_a_lake():
    world, lily, tim, _ = scene()
    with pytest.raises(ImpossibleEvent, match="nobody can lend a lake"):
        world.lend(PLACE["lake"], lily, tim)


def test_things_pass_from_hand_to_hand_only_when_they_can():
    world, lily, tim, ball = scene()
    with pytest.raises(ImpossibleEvent, match="does not hold"):
        world.give(ball, tim, lily)
    world.lend(ball, lily, tim)
    assert (ball.holder, ball.owner) == (tim, lily)
    with pytest.raises(ImpossibleEvent, match="cannot give away"):
        world.give(ball, tim, tim)
    world.give_back(ball, tim)
    with pytest.raises(ImpossibleEvent, match="no other owner"):
        world.give_back(ball, lily)
    world.lose(ball)
    with pytest.raises(ImpossibleEvent, match="nobody can lose it"):
        world.lose(ball)
    world.find(ball, tim)
    with pytest.raises(ImpossibleEvent, match="not lost"):
        world.find(ball, lily)
    world.grab(ball, lily)
    with pytest.raises(ImpossibleEvent, match="no other holds it"):
        world.grab(ball, lily)


def test_broken_eaten_felt_and_promised():
    world, lily, tim, ball = scene()
    with pytest.raises(ImpossibleEvent, match="not broken"):
        world.mend(ball, lily)
    world.damage(ball, tim)
    with pytest.raises(ImpossibleEvent, match="broken already"):
        world.damage(ball, tim)
    with pytest.raises(ImpossibleEvent, match="cannot be eaten"):
        world.consume(ball, lily)
    soup = Item("soup", THINGS["soup"])
    world.appear(soup, lily, lily)
    world.consume(soup, lily)
    with pytest.raises(ImpossibleEvent, match="cannot be eaten"):
        world.consume(soup, lily)
    with pytest.raises(ImpossibleEvent, match="no reason"):
        world.feel(lily, "sad", "")
    promise = world.promise(lily, tim, "come back")
    world.settle(promise, kept=False)
    with pytest.raises(ImpossibleEvent, match="only once"):
        world.settle(promise, kept=True)
    assert [event["event"] for event in world.events][-2:] == ["promise", "break promise"]


def test_the_vocabulary_makes_sense():
    for kind in full_library().animals:
        assert kind.homes, kind
        assert "afloat" not in kind.can or "swim" in kind.can, kind
        assert not {"afloat", "climb"} <= {*kind.can}, f"a {kind.noun} cannot climb"
    for thing in full_library().things:
        assert thing.looks, thing
        assert thing.uses, thing
        assert "food" in thing.tags or "hot" not in thing.tags, thing
    assert len({place.noun for place in PLACES}) == len(PLACES)
    assert len({thing.noun for thing in full_library().things}) == len(full_library().things)
