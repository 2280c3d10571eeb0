"""Measures of stories: counted by hand, and against what torch and Python find by themselves."""

import math

import numpy as np
import pytest
import torch

from slmlib.quality import (
    MEASURES,
    NGrams,
    Reference,
    copied_words,
    distinct_n,
    longest_copy,
    measure,
    quotes,
    words_of,
)

STORIES = [
    'One day, Lily saw a dog. The dog saw Lily. "Hello," said Lily.',
    "One day, Lily saw a cat. She and Lily ran to the park.",
    "The park was big, and Lily ran. But Lily was sad.",
]


@pytest.fixture(scope="module")
def reference():
    return Reference.of(STORIES)


def test_words_are_kept_whole_and_without_punctuation():
    assert words_of("Lily's café-bar, “no” 3 cats!") == ["Lily's", "café", "bar", "no", "cats"]


def test_distinct_n_is_what_torch_counts():
    row = torch.tensor(np.random.default_rng(0).integers(0, 4, size=60))
    words = [str(int(one)) for one in row]
    for n in (1, 2, 3):
        grams = row.unfold(0, n, 1)
        assert distinct_n(words, n) == pytest.approx(len(grams.unique(dim=0)) / len(grams))
    assert distinct_n(["a"], 2) == 1.0


@pytest.mark.parametrize(
    ("story", "counted"),
    [("no quotes", (0, 0)), ('"a" "b', (2, 1)), ('"a\n"b"', (2, 1)), ("“curly”", (1, 1)), ('"\n"', (2, 0))],
)
def test_quotes_close_in_their_line(story, counted):
    assert quotes(story) == counted


def test_a_table_of_ngrams_answers_as_a_set_does():
    rng = np.random.default_rng(1)
    stories = [[f"w{k}" for k in rng.integers(0, 5, size=length)] for length in (30, 2, 0, 50)]
    grams = {tuple(words[i : i + 3]) for words in stories for i in range(len(words) - 2)}
    table = NGrams(stories, 3)
    assert len(table) == len(grams)
    for _ in range(300):
        gram = tuple(f"w{k}" for k in rng.integers(0, 6, size=3))
        assert (gram in table) == (gram in grams)
    assert ("w0", "w1") not in table
    assert "w0" not in table


def test_ngrams_do_not_run_into_the_next_story():
    table = NGrams([["a", "b"], ["c", "d"]], 2)
    assert ("b", "c") not in table
    assert ("a", "b") in table


def test_ngrams_of_nothing():
    assert len(NGrams([], 3)) == 0
    assert ("a", "b", "c") not in NGrams([["a"]], 3)


def test_all_words_of_a_copy_are_marked():
    assert copied_words(list("xabcdy"), {("a", "b", "c"), ("b", "c", "d")}, 3) == [False, *[True] * 4, False]


def test_the_longest_copy_is_found_wherever_it_begins():
    text = " one day lily saw a dog "
    assert longest_copy(["one", "day", "lily", "ran", "and", "lily", "saw", "a", "dog", "today"], text) == [
        "lily",
        "saw",
        "a",
        "dog",
    ]
    assert longest_copy(["lil"], text) == []
    assert longest_copy([], text) == []


def test_names_are_written_large_inside_sentences(reference):
    assert reference.names == {"Lily"}
    assert "lily" in reference.known
    assert "dog" in reference.known
    assert "sad" not in reference.known


def test_real_stories_measure_well_and_noise_does_not(reference):
    own = measure(STORIES, reference)
    assert set(own) == set(MEASURES)
    assert own["word order"] == own["closed quotes"] == own["copied"] == 1.0
    noise = measure(["zxc vbn zxc vbn zxc vbn zxc vbn", 'qwe "rty'], reference)
    assert noise["real words"] == noise["word order"] == noise["copied"] == noise["closed quotes"] == 0.0
    assert noise["repetition"] == pytest.approx(3 / 5)
    assert math.isnan(noise["names kept"])


def test_shares_are_of_all_stories_together(reference):
    """The mean of the stories' shares would be 1/2."""
    assert measure(['"a" "a" "a"', '"a'], reference)["closed quotes"] == pytest.approx(3 / 4)


def test_a_thread_is_a_rare_word_that_comes_back(monkeypatch):
    monkeypatch.setattr("slmlib.quality._COMMON", 1)
    reference = Reference.of(["the frog and the frog the the boat the boat saw saw"])
    assert reference.common == {"the"}
    assert measure(["the frog saw the frog boat"], reference)["thread"] == pytest.approx(1 / 2)
