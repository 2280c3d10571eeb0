"""Holds a story's text against the world it tells of: names, pronouns, owners, places, events.

The events in the facts are played again here, by rules of their own; what the text says at each place must
agree with the state of the world at that place.
"""

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from slmlib.storyworld.proofreading import proofread
from slmlib.storyworld.story import Story
from slmlib.storyworld.vocabulary.people import ANIMAL_NAMES, CHILD_NAMES
from slmlib.storyworld.vocabulary.places import PLACES

_PRONOUNS = {
    "he": "he", "him": "he", "his": "he", "himself": "he",
    "she": "she", "her": "she", "hers": "she", "herself": "she",
}  # fmt: skip
_PRONOUN = re.compile(r"\b(" + "|".join(_PRONOUNS) + r")\b", re.IGNORECASE)
_NAMES = frozenset(name.text for name in (*CHILD_NAMES, *ANIMAL_NAMES))
_CAPITALIZED = re.compile(r"\b[A-Z][a-z]+\b")
_MOTION = re.compile(
    r"\b(?:walked|went|ran|hurried|skipped|strolled|marched|going|playing|walking|sitting|resting) (?:to|in|at|on) the ("
    + "|".join(sorted((place.noun for place in PLACES), key=len, reverse=True))
    + r")\b"
)
_CALLS = {
    "mom": "Mom",
    "mommy": "Mommy",
    "daddy": "Daddy",
    "dad": "Dad",
    "grandma": "Grandma",
    "grandpa": "Grandpa",
    "aunt": "Auntie",
    "uncle": "Uncle",
}
_ITEM_PRONOUNS = {"one": {"it"}, "mass": {"it"}, "many": {"they", "them"}}
_SENTENCE = re.compile(r"[.!?]\"?\s+(?=[\"A-Z])|\n")


def audit(story: Story) -> list[str]:
    """Everything that is wrong with a story, in words; empty when nothing is found."""
    facts = story.facts
    return [
        *proofread(story.text),
        *_mentions(story.text, facts),
        *_pronouns(story.text, facts),
        *_names(story.text, facts),
        *_places(story.text, facts),
        *_history(story.text, facts),
    ]


def _mentions(text: str, facts: dict[str, Any]) -> Iterator[str]:
    """Every mention says something that can mean the one who is meant."""
    people = {one["id"]: one for one in facts["characters"]}
    things = {one["id"]: one for one in facts["objects"]}
    for start, end, id in facts["mentions"]:
        said = text[start:end]
        bare = said.removesuffix("'s").removesuffix("'")
        if id in people:
            one = people[id]
            if said.lower() in _PRONOUNS:
                continue  # looked at by _pronouns
            fitting = {
                one["name"],
                one["kind"],
                "the " + one["kind"],
                one["kind"].capitalize(),
                one["relation"],
            }
            fitting |= {_CALLS.get(one["relation"], ""), "The " + one["kind"]}
            if bare not in fitting - {"", "the ", "The "}:
                yield f"wrong name: {said!r} stands for {id}, who is {one['name'] or one['kind'] or one['relation']}"
        elif id in things:
            one = things[id]
            if said.lower() in ("it", "they", "them"):
                if said.lower() not in _ITEM_PRONOUNS[one["number"]]:
                    yield f"wrong pronoun: {said!r} stands for {one['noun']} ({one['number']})"
            elif not said.endswith(one["noun"]):
                yield f"wrong thing: {said!r} stands for {one['noun']}"
            elif one["look"] not in said and len(said.split()) > 1 + len(one["noun"].split()):
                yield f"wrong look: {said!r} stands for a {one['look']} {one['noun']}"
        elif id not in said:
            yield f"wrong place: {said!r} stands for {id}"


def _pronouns(text: str, facts: dict[str, Any]) -> Iterator[str]:
    """Every he and she is a mention, has the right gender, and can only mean the one who is meant."""
    people = {one["id"]: one for one in facts["characters"]}
    meant = {start: id for start, _, id in facts["mentions"] if id in people}
    owners_of_relatives = {
        start
        for (start, end, id), (next_start, _, next_id) in pairwise(facts["mentions"])
        if people.get(next_id, {}).get("of") == id and text[end:next_start] == " "
    }
    breaks = [found.end() for found in _SENTENCE.finditer(text)]

    def sentence_of(position: int) -> int:
        return bisect_right(breaks, position)

    last: dict[str, tuple[int, str]] = {}  # pronoun -> sentence and id of the last mention
    first_in: dict[int, str] = {}  # sentence -> who is mentioned first in it
    latest: dict[str, int] = {}
    for start in sorted({*meant, *(found.start() for found in _PRONOUN.finditer(text))}):
        found = _PRONOUN.match(text, start)
        id, sentence = meant.get(start, ""), sentence_of(start)
        if found and not id:
            yield f"wrong pronoun: {found[0]!r} at {start} means nobody"
            continue
        gender = people[id]["pronoun"]
        if found:
            if _PRONOUNS[found[0].lower()] != gender:
                yield f"wrong pronoun: {found[0]!r} at {start} for {id}"
            if sentence - latest.get(id, -9) > 1:
                yield f"wrong pronoun: {found[0]!r} at {start}: {id} was not spoken of just before"
            before = last.get(gender)
            if before and before[1] != id and sentence - before[0] <= 1 and first_in.get(sentence) != id:
                yield f"wrong pronoun: {found[0]!r} at {start} could mean {before[1]}, not {id}"
        last[gender], latest[id] = (sentence, id), sentence
        if start not in owners_of_relatives:  # in `Tim's mom looked at her hat`, it is mom who looks
            first_in.setdefault(sentence, id)


def _names(text: str, facts: dict[str, Any]) -> Iterator[str]:
    """No name appears in the text that nobody bears, and two people never share one."""
    names = [one["name"] for one in facts["characters"] if one["name"]]
    if len(set(names)) < len(names):
        yield f"two people share a name: {names}"
    covered = {start for start, _, _ in facts["mentions"]}
    for found in _CAPITALIZED.finditer(text):
        if found[0] in _NAMES and found[0] not in names:
            yield f"wrong name: nobody is called {found[0]}"
        elif found[0] in names and found.start() not in covered:
            yield f"a name that is no mention: {found[0]} at {found.start()}"


def _places(text: str, facts: dict[str, Any]) -> Iterator[str]:
    """Nobody goes to, or plays at, a place where the world knows nobody to be."""
    arrivals = [(event["at"], event["place"]) for event in facts["events"] if event["event"] == "arrive"]
    nouns = {place.noun for place in PLACES}
    for start, _, id in facts["mentions"]:
        if id in nouns and not any(at <= start and place == id for at, place in arrivals):
            yield f"wrong place: {id} at {start}, where nobody is"
    for found in _MOTION.finditer(text):
        if found[1] not in {place for _, place in arrivals} and found[1] not in ("zoo", "kitchen", "school"):
            yield f"wrong place: {found[0]!r}, but the story is at {[place for _, place in arrivals]}"


def _history(text: str, facts: dict[str, Any]) -> Iterator[str]:
    """The events can happen in this order, and `Lily's ball` is Lily's at that moment."""
    owner: dict[str, str] = {}
    holder: dict[str, str] = {}
    known = {one["id"] for one in facts["characters"]}
    open_promises: dict[tuple[str, str], int] = defaultdict(int)
    owners_at: list[tuple[int, dict[str, str]]] = []
    for event in facts["events"]:
        kind, what, who = event["event"], event.get("what", ""), event.get("who", "")
        if who and who not in known:
            yield f"event {kind} of unknown {who}"
        if kind == "appear":
            owner[what], holder[what] = event["owner"], event["place"]
        elif kind in ("give", "lend", "give back"):
            if holder.get(what) != who:
                yield f"{who} gives {what} without holding it"
            holder[what] = event["to"]
            if kind == "give":
                owner[what] = event["to"]
            elif kind == "give back" and owner.get(what) != event["to"]:
                yield f"{what} goes back to {event['to']}, who does not own it"
        elif kind == "lose":
            if holder.get(what) != who:
                yield f"{who} loses {what} without holding it"
            holder[what] = ""
        elif kind == "find":
            if holder.get(what) in known:
                yield f"{who} finds {what}, which {holder[what]} holds"
            holder[what] = who
        elif kind == "grab":
            holder[what] = who
        elif kind == "feel" and not event["because"]:
            yield f"{who} feels {event['feeling']} for no reason"
        elif kind == "promise":
            open_promises[who, what] += 1
        elif kind in ("keep promise", "break promise"):
            open_promises[who, what] -= 1
        owners_at.append((event["at"], dict(owner)))
    for (who, what), count in open_promises.items():
        if count:
            yield f"the promise of {who} ({what}) was never kept or broken, or more than once"
    for one in facts["objects"]:
        if one["owner"] != owner.get(one["id"], ""):
            yield f"owner of {one['id']} is {one['owner']}, the events say {owner.get(one['id'])}"
    yield from _owners_in_text(text, facts, owners_at)


def _owners_in_text(
    text: str, facts: dict[str, Any], owners_at: list[tuple[int, dict[str, str]]]
) -> Iterator[str]:
    things = {one["id"] for one in facts["objects"]}
    mentions = facts["mentions"]
    for (start, end, who), (next_start, next_end, what) in pairwise(mentions):
        if what in things and who not in things and text[end:next_start] == " ":
            said = text[start:end].lower()
            if said.endswith(("'s", "'")) or said in ("his", "her"):
                owner = [state.get(what, "") for at, state in owners_at if at <= next_start]
                if not owner or owner[-1] != who:
                    yield f"wrong owner: {text[start:next_end]!r}, but it belongs to {owner[-1] if owner else 'nobody'}"
