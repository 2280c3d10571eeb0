"""Near duplicates that were planted are found; stories that only sound alike stay."""

import random
from itertools import islice

import numpy as np
import pytest

from slmlib.errors import ConfigError
from slmlib.storyworld import stories as storyworld
from slmlib.text.cleaning import Cleaner
from slmlib.text.near_duplicates import BANDS, ROWS, NearDuplicates, similarity
from slmlib.text.prepare import prepare
from slmlib.text.textfiles import write_stories


@pytest.fixture(scope="module")
def originals() -> list[str]:
    return [story.text for story in islice(storyworld(0, 300, 1), 300)]


def with_changed_words(story: str, changes: int, chance: random.Random) -> str:
    """The story with some words replaced by words that no story has."""
    words = story.split()
    for place in chance.sample(range(len(words) - 1), changes):
        words[place] = f"word{chance.randrange(10**6)}"
    return " ".join(words)


def test_planted_near_duplicates_are_found_and_nothing_else(originals, capsys):
    """The truth is the exact similarity of each story with its original, not what was planted."""
    chance = random.Random(0)
    near = NearDuplicates(0.8)
    assert [near.seen(story) for story in originals].count(True) == 0
    found, truth = [], []
    for story in originals:
        for changes in (1, 2, 3, 25, 60):
            changed = with_changed_words(story, min(changes, len(story.split()) - 1), chance)
            alike = similarity(changed, story)
            if not 0.7 < alike < 0.9:  # closer to the threshold an estimate may fall on either side
                truth.append(alike > 0.8)
                found.append(near.seen(changed))
    right = sum(both for both in map(all, zip(found, truth, strict=True)))
    recall, precision = right / sum(truth), right / sum(found)
    with capsys.disabled():
        print(f"\n{sum(truth)} planted near duplicates: recall {recall:.3f}, precision {precision:.3f}")
    assert recall > 0.99
    assert precision > 0.99
    assert 300 < sum(truth) < len(truth) - 300


def test_signatures_estimate_the_exact_similarity(originals):
    chance, near = random.Random(1), NearDuplicates()
    errors = []
    for story in originals[:100]:
        changed = with_changed_words(story, chance.randrange(0, 30), chance)
        agreement = (near.signature(story) == near.signature(changed)).mean()
        errors.append(agreement - similarity(story, changed))
    assert abs(np.mean(errors)) < 0.02
    assert np.std(errors) < 1.5 * 0.5 / np.sqrt(BANDS * ROWS)


GOLDEN = [781904162, 240635263, 136821903]


def test_signatures_never_change_between_versions():
    assert NearDuplicates().signature("Tom saw a cat. The cat ran.")[:3].tolist() == GOLDEN


@pytest.mark.parametrize("story", ["", "!", "One.", "Two words.", "日本 語", "\ud800 half"])
def test_the_shortest_stories_are_only_like_themselves(story):
    near = NearDuplicates()
    assert not near.seen("Tom saw a cat and the cat ran away.")
    assert not near.seen(story)
    assert near.seen(story)


def test_a_full_table_misses_pairs_but_reports_none_that_is_not_there(originals):
    near = NearDuplicates(slots=16)
    assert not any(near.seen(story) for story in originals)
    again = [near.seen(story) for story in originals]
    assert not all(again)
    assert near._table.nbytes == BANDS * 16 * 4


def test_thresholds_that_banding_cannot_serve_are_refused():
    for wrong in (0.5, 1.5):
        with pytest.raises(ConfigError, match=r"between 0\.7 and 1"):
            NearDuplicates(wrong)


def test_the_cleaner_removes_them_only_when_asked(originals, tmp_path):
    changed = [with_changed_words(story, 1, random.Random(2)) for story in originals]
    assert Cleaner().report.near_duplicates == 0
    plain, strict = Cleaner(), Cleaner(NearDuplicates())
    kept = [list(cleaner.split(originals + changed, [])) for cleaner in (plain, strict)]
    assert [len(stories) for stories in kept] == [600, 300]
    assert strict.report.near_duplicates == 300
    assert "near duplicates" in str(strict.report)
    assert "near duplicates" not in str(plain.report)


def test_preparing_with_and_without_are_different_data(originals, tmp_path):
    changed = [with_changed_words(story, 1, random.Random(3)) for story in originals]
    write_stories(tmp_path / "a.txt", originals + changed)
    options = dict(vocab_size=300, folder=tmp_path / "data", progress=False)
    plain = prepare(str(tmp_path / "a.txt"), **options)
    strict = prepare(str(tmp_path / "a.txt"), near_duplicates=0.8, **options)
    assert [one.report.train_stories + one.report.valid_stories for one in (plain, strict)] == [600, 300]
    assert plain.folder != strict.folder
