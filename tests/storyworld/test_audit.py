"""The audit finds planted errors of every kind; otherwise its silence would mean nothing."""

import copy
import re
from dataclasses import replace
from itertools import pairwise

import pytest

from slmlib.storyworld import Story, audit, stories
from slmlib.storyworld.proofreading import proofread


def replaced(story: Story, start: int, end: int, words: str) -> Story:
    """The story with one stretch of text replaced, and everything after it moved along in the facts."""
    shift = len(words) - (end - start)
    facts = copy.deepcopy(story.facts)
    for mention in facts["mentions"]:
        if mention[0] >= end:
            mention[0] += shift
        if mention[1] >= end:
            mention[1] += shift
    for event in facts["events"]:
        event["at"] += shift if event["at"] >= end else 0
    return replace(story, text=story.text[:start] + words + story.text[end:], facts=facts)


def first_match(pattern: str, seed: int = 50) -> tuple[Story, re.Match]:
    for story in stories(0, 500, seed):
        found = re.search(pattern, story.text)
        if found:
            return story, found
    raise AssertionError(f"no story has {pattern}")


@pytest.mark.parametrize(
    ("pattern", "words", "complaint"),
    [
        (r"\ba (?=[bcdfg])", "an ", "a/an"),
        (r"\ban (?=[aeo])", "a ", "a/an"),
        (r"\bwas (?=very)", "was was ", "doubled word"),
        (r'(?<=\w[.!?])"', "", "unbalanced quotes"),
        (r"\. (?=[A-Z])", ".  ", "spacing"),
        (r"\. The (?=\w)", ". the ", "capital letter"),
        (r"\.\n", "\n", "no sentence end"),
        (r"\bvery ", "{very} ", "left-over mark"),
    ],
)
def test_planted_slips_of_grammar(pattern, words, complaint):
    story, found = first_match(pattern)
    broken = replaced(story, found.start(), found.end(), words)
    assert any(complaint in problem for problem in audit(broken)), audit(broken)


def test_too_short_and_too_long():
    assert any("words, expected" in problem for problem in proofread("Too short.\nBy far.\nThe end."))
    assert any(
        "words, expected" in problem for problem in proofread("\n".join(["So it went on and on. " * 30] * 4))
    )


def mentions_of(story: Story, wanted: str) -> list[tuple[int, int, str]]:
    return [
        (start, end, id)
        for start, end, id in story.facts["mentions"]
        if re.fullmatch(wanted, story.text[start:end])
    ]


def test_every_wrong_pronoun_is_found():
    turned = {"he": "she", "she": "he", "his": "her", "He": "She", "She": "He", "His": "Her"}
    tested = 0
    for story in stories(0, 30, seed=51):
        for start, end, _ in mentions_of(story, "|".join(turned)):
            broken = replaced(story, start, end, turned[story.text[start:end]])
            assert any("wrong pronoun" in problem for problem in audit(broken))
            tested += 1
    assert tested > 50


def test_a_pronoun_that_could_mean_another_is_found():
    story = next(
        story
        for story in stories(0, 500, seed=52)
        if len({one["pronoun"] for one in story.facts["characters"]}) == 1
        and len(story.facts["characters"]) > 1
    )
    hits = tested = 0
    for start, end, id in mentions_of(story, r"[A-Z][a-z]+"):
        one = next((c for c in story.facts["characters"] if c["id"] == id), None)
        if one and one["name"] == story.text[start:end] and start > 200:
            broken = replaced(story, start, end, one["pronoun"].capitalize())
            hits += any("could mean" in problem or "not spoken of" in problem for problem in audit(broken))
            tested += 1
    assert hits > tested / 2


def test_every_wrong_name_is_found():
    tested = 0
    for story in stories(0, 30, seed=53):
        people = [one for one in story.facts["characters"] if one["name"]]
        for start, end, id in mentions_of(story, "|".join(one["name"] for one in people)):
            for name in {"Zebulon", *(one["name"] for one in people if one["id"] != id)}:
                assert any("wrong name" in problem for problem in audit(replaced(story, start, end, name)))
                tested += 1
    assert tested > 200
    story, found = first_match(r"The end\.")
    stranger = "Nobody saw Lily." if "Lily" not in story.text else "Nobody saw Tim."
    if stranger[11:-1] not in [one["name"] for one in story.facts["characters"]]:
        assert any(
            "wrong name" in one for one in audit(replaced(story, found.start(), found.end(), stranger))
        )


def test_a_wrong_owner_is_found():
    tested = 0
    for story in stories(0, 400, seed=54):
        things = {one["id"] for one in story.facts["objects"]}
        people = {one["id"]: one for one in story.facts["characters"] if one["name"]}
        mentions = story.facts["mentions"]
        for (start, end, who), (item_start, _, what) in pairwise(mentions):
            said = story.text[start:end].lower()
            owned = said.endswith(("'s", "'")) or said in ("his", "her")
            if what in things and who in people and owned and story.text[end:item_start] == " ":
                for other in people.values():
                    if other["id"] != who:
                        broken = replaced(story, start, end, other["name"] + "'s")
                        next(m for m in broken.facts["mentions"] if m[0] == start)[2] = other["id"]
                        assert any("wrong owner" in problem for problem in audit(broken))
                        tested += 1
    assert tested > 0


def test_a_wrong_place_is_found():
    tested = 0
    for story in stories(0, 60, seed=55):
        places = story.facts["places"]
        for start, end, id in story.facts["mentions"]:
            if id in places:
                other = "desert" if tested % 2 else "lake" if id != "lake" else "park"
                said = story.text[start:end].replace(id, other)
                assert any("wrong place" in problem for problem in audit(replaced(story, start, end, said)))
                tested += 1
    assert tested > 20
    story, found = first_match(r"The end\.")
    place = "jungle" if "jungle" not in story.facts["places"] else "beach"
    broken = replaced(story, found.start(), found.end(), f"They walked to the {place}.")
    assert any("wrong place" in problem for problem in audit(broken))


@pytest.mark.parametrize(
    ("kind", "change", "complaint"),
    [
        ("give back", {"who": "nobody"}, "without holding it"),
        ("feel", {"because": ""}, "for no reason"),
        ("keep promise", {"event": "arrive", "place": "park"}, "never kept or broken"),
        ("appear", {"owner": "friend9"}, "the events say"),
        ("find", {"event": "lose"}, "without holding it"),
    ],
)
def test_an_impossible_history_is_found(kind, change, complaint):
    for story in stories(0, 600, seed=56):
        facts = copy.deepcopy(story.facts)
        event = next((event for event in facts["events"] if event["event"] == kind), None)
        if event:
            event.update(change)
            assert any(complaint in problem for problem in audit(replace(story, facts=facts)))
            return
    raise AssertionError(f"no story has an event {kind}")
