"""The ground truth of a story, as plain data that JSON can carry."""

from typing import Any

from slmlib.storyworld.tale import Tale
from slmlib.storyworld.vocabulary.kinds import Place
from slmlib.storyworld.world import Character, Item


def gather_facts(tale: Tale) -> dict[str, Any]:
    """Everything that is true of a finished tale. Ids such as `hero0` stand for characters and things."""
    world = tale.world
    return {
        "plots": list(tale.plots),
        "characters": [_character(one, world.events) for one in world.characters],
        "objects": [_item(one) for one in world.items],
        "places": list(dict.fromkeys(event["place"] for event in world.events if event["event"] == "arrive")),
        "weather": world.weather,
        "time": "night" if "night" in tale.tags else "day" if "day" in tale.tags else "",
        "problem": tale.problem,
        "helper": tale.helper,
        "resolution": tale.resolution,
        "lesson": tale.lesson,
        "promises": [
            {"who": one.who.id, "to": one.to.id, "what": one.what, "kept": one.kept} for one in world.promises
        ],
        "events": list(world.events),
        "mentions": [[one.start, one.end, one.id] for one in tale.narrator.mentions],
    }


def _character(one: Character, events: list[dict[str, Any]]) -> dict[str, Any]:
    feelings = [
        {"feeling": event["feeling"], "because": event["because"], "at": event["at"]}
        for event in events
        if event["event"] == "feel" and event["who"] == one.id
    ]
    return {
        "id": one.id,
        "name": one.name,
        "kind": "" if one.relation else one.kind.noun,
        "relation": one.relation,
        "of": one.of.id if one.of else "",
        "pronoun": one.pronoun,
        "trait": one.trait,
        "place": one.place.noun if one.place else "",
        "feelings": feelings,
    }


def _item(one: Item) -> dict[str, Any]:
    holder = one.holder
    return {
        "id": one.id,
        "noun": one.thing.noun,
        "look": one.look,
        "number": one.thing.number,
        "owner": one.owner.id if one.owner else "",
        "holder": (holder.noun if isinstance(holder, Place) else holder.id) if holder else "",
        "broken": one.broken,
        "eaten": one.gone,
    }
