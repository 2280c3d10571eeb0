"""The log-probability is that of the text: one text, one derivation, and all of them sum to one."""

import hashlib
import math
from collections import Counter, defaultdict

import pytest

from slmlib.storyworld import (
    derivations,
    enumerate_stories,
    measure_floor,
    stories,
    tell,
    text_log_probability,
)
from slmlib.storyworld.catalog import full_library
from slmlib.storyworld.choices import Following, Seeded
from slmlib.storyworld.story import write

SUB_WORLD = {"hero": 2, "opening": 2, "name": 2, "plot": 2, "ending": 3, "toy": 2, "pronoun": 2}


def width(name: str) -> int:
    """A sub-world: most questions have one answer, some have two or three."""
    return SUB_WORLD.get(name, 1)


def test_in_a_small_world_all_probabilities_sum_to_one_and_match_what_is_drawn():
    by_text: dict[str, float] = defaultdict(float)
    everything = list(enumerate_stories(width=width))
    for story in everything:
        by_text[story.text] += math.exp(story.log_probability)
    assert 500 < len(everything) < 10_000
    assert len(by_text) == len(everything), "one text, one derivation"
    assert math.fsum(by_text.values()) == pytest.approx(1.0, abs=1e-9)

    count = 4000
    drawn = Counter(write(full_library(), Seeded(5, index, width)).text for index in range(count))
    assert set(drawn) <= set(by_text)
    common = [text for text, chance in by_text.items() if chance * count >= 5]
    expected = [by_text[text] * count for text in common]
    observed = [drawn[text] for text in common]
    rest_expected, rest_observed = count - sum(expected), count - sum(observed)
    assert rest_expected >= 5
    pairs = zip([*observed, rest_observed], [*expected, rest_expected], strict=True)
    chi_square = sum((seen - due) ** 2 / due for seen, due in pairs)
    freedom = len(common)
    assert abs(chi_square - freedom) < 4 * math.sqrt(2 * freedom), f"chi-square {chi_square} for {freedom}"


def test_in_the_full_world_a_text_has_exactly_one_derivation():
    """Search all ways in which the whole world could have told this text: there is just the one it was told by."""
    for story in stories(0, 10, seed=100):
        (found,) = derivations(story.text)
        assert found.choices == story.choices


def test_the_probability_of_a_text_is_that_of_its_story():
    story = tell(0, seed=101)
    assert text_log_probability(story.text) == pytest.approx(story.log_probability, abs=1e-9)


def test_a_foreign_text_is_impossible():
    assert text_log_probability("Once upon a time, there was a computer.") == -math.inf


def test_every_choice_shows():
    """Flip any one decision, repeat all others as far as they go: the text must be another one."""
    library = full_library()
    for index in range(60):
        story = tell(index, seed=200)
        positions = [choice.position for choice in story.choices]
        for step in range(index % 3, len(positions), 3):
            flipped = [*positions]
            flipped[step] = (positions[step] + 1) % story.choices[step].count
            other = write(library, Following(flipped, after=Seeded(1, index)))
            assert other.text != story.text, f"story {index}: {story.choices[step]} does not show"


def test_no_two_stories_share_a_text_unless_they_share_all_choices():
    seen: dict[bytes, tuple] = {}
    for story in stories(0, 3000, seed=300):
        key = hashlib.sha256(story.text.encode()).digest()
        assert seen.setdefault(key, story.choices) == story.choices


def test_there_are_more_than_a_million_million_stories():
    """A world of N stories has an entropy of at most ln N; so N is at least e to the entropy."""
    floor = measure_floor(stories(0, 1000, seed=400))
    assert floor.nats_per_story - 5 * floor.standard_error > math.log(1e12)


def test_the_floor_counts_nats_and_bytes():
    some = list(stories(0, 50))
    floor = measure_floor(some)
    nats = -math.fsum(story.log_probability for story in some)
    size = sum(len(story.text.encode()) for story in some)
    assert floor.nats_per_story == pytest.approx(nats / 50)
    assert floor.bits_per_byte == pytest.approx(nats / size / math.log(2))
    assert 0 < floor.standard_error < floor.nats_per_story
    assert 0 < floor.bits_per_byte_error < floor.bits_per_byte
    with pytest.raises(ValueError, match="at least 2"):
        measure_floor(some[:1])
