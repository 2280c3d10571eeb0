"""Chance: the same everywhere, exact in its weights, replayable."""

import math

import pytest

from slmlib.storyworld.choices import Following, Seeded, Undecided


def test_the_stream_is_the_same_everywhere_and_forever():
    chooser = Seeded(seed=7, index=3)
    drawn = [chooser.choose("number", range(1000)) for _ in range(6)]
    assert drawn == [Seeded(7, 3).choose("number", range(1000)), *drawn[1:]]
    assert drawn == GOLDEN, "the random stream changed: every stored seed would tell another story"


GOLDEN = [498, 34, 715, 362, 297, 521]


def test_seed_and_index_never_collide():
    pairs = [(seed, index) for seed in range(20) for index in range(20)]
    streams = {tuple(Seeded(*pair).choose("n", range(2**30)) for _ in range(3)) for pair in pairs}
    assert len(streams) == len(pairs)


def test_weights_are_kept_and_log_probabilities_exact():
    count, taken = 20_000, 0
    chooser = Seeded(0, 0)
    for _ in range(count):
        taken += chooser.choose("coin", ("heads", "tails"), (3, 1)) == "heads"
    assert abs(taken / count - 0.75) < 4 * math.sqrt(0.75 * 0.25 / count)
    expected = taken * math.log(0.75) + (count - taken) * math.log(0.25)
    assert chooser.log_probability == pytest.approx(expected, abs=1e-6)


def test_one_option_is_no_choice_and_none_is_an_error():
    chooser = Seeded(0, 0)
    assert chooser.choose("only", ["x"]) == "x"
    assert chooser.choices == []
    with pytest.raises(LookupError, match="nothing to choose for 'empty'"):
        chooser.choose("empty", [])
    with pytest.raises(ValueError, match="3 options and 2 weights"):
        chooser.choose("uneven", "abc", (1, 2))


def test_following_repeats_and_then_asks():
    seeded = Seeded(1, 2)
    first = [seeded.choose("letter", "abcdef", (1, 2, 3, 4, 5, 6)) for _ in range(5)]
    following = Following([choice.position for choice in seeded.choices])
    assert [following.choose("letter", "abcdef", (1, 2, 3, 4, 5, 6)) for _ in range(5)] == first
    assert following.log_probability == seeded.log_probability
    with pytest.raises(Undecided) as question:
        following.choose("letter", "abc")
    assert question.value.positions == [0, 1, 2]


def test_a_narrow_width_keeps_the_first_options():
    chooser = Seeded(0, 0, width=lambda name: 2)
    assert {chooser.choose("letter", "abcdef") for _ in range(50)} == {"a", "b"}
    assert all(choice.log_probability == math.log(0.5) for choice in chooser.choices)
