import unicodedata

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from slmlib.errors import DataError
from slmlib.text import cleaning
from slmlib.text.cleaning import Cleaner, CleaningReport, clean_text, is_complete
from slmlib.text.textfiles import read_stories

mojibake = st.text("âÃ€œ™˜”“¦©¨\x9d\x80\x85 \xa0\xad\x00a.ï»¿¿½\u0301", max_size=12)
everything = st.text(st.characters(), max_size=30)  # also control characters and halves of surrogate pairs


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("A plain story.", "A plain story."),
        ("cafe\u0301", "café"),  # NFC
        ("ｆｕｌｌ ﬁ ²", "ｆｕｌｌ ﬁ ²"),  # not NFKC: no character is replaced by a similar one
        ("Iâ€™m hereâ€¦", "I'm here..."),
        ("naÃ¯ve cafÃ©", "naïve café"),
        ("â€œStop!â€\x9d he said.", '"Stop!" he said.'),
        ("â€œStop!â€ he said. â€œWhy?â€", '"Stop!" he said. "Why?"'),  # TinyStories: the last byte was lost
        (
            "&amp; &lt;b&gt; LOUD ﬀ",
            "&amp; &lt;b&gt; LOUD ﬀ",
        ),  # only mojibake, not everything that ftfy can do
        ("“Hi,” said Tom’s ‘cat’.", "\"Hi,\" said Tom's 'cat'."),
        ("one–two—three−four‐five", "one-two-three-four-five"),
        ("wait…", "wait..."),
        ("a\x00b\x07c\x1fd\x7fe", "abcde"),
        ("soft\u00adhyphen zero\u200bwidth \ufeffmark half\ud800pair", "softhyphen zerowidth mark halfpair"),
        ("family 👩\u200d👧 and क्\u200dष", "family 👩\u200d👧 and क्\u200dष"),  # joiners carry meaning
        ("a\tb\u00a0c\u3000d  e", "a b c d e"),
        ("one\r\ntwo\rthree\u2028four", "one\ntwo\nthree\nfour"),
        ("one \n two\n\n\n\nthree\n \n \nfour", "one\ntwo\n\nthree\n\nfour"),
        ("\n  edges \n", "edges"),
        (" \t\n", ""),
        ("他说：“你好！”", '他说："你好！"'),
        ("¡Hola! Él dijo: «sí»", "¡Hola! Él dijo: «sí»"),
    ],
)
def test_repairs(raw, clean):
    assert clean_text(raw) == clean


@given(st.one_of(everything, mojibake, st.text("\r\n \t\x0b\x1c.a", max_size=12)))
def test_cleaning_twice_is_cleaning_once(text):
    once = clean_text(text)
    assert clean_text(once) == once
    assert unicodedata.is_normalized("NFC", once)
    assert once == once.strip()
    once.encode("utf-8")
    assert not any(unicodedata.category(character) in ("Cc", "Cs") for character in once.replace("\n", ""))


@given(st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), max_size=20))
def test_ascii_letters_are_never_lost(text):
    text = unicodedata.normalize("NFC", text)  # c and a cedilla become one letter, the kelvin sign a K
    assume("Ì" not in text)  # may begin the mojibake of such a cedilla

    def letters(text):
        return [character for character in text if character.isascii() and character.isalnum()]

    assert letters(clean_text(text)) == letters(text)


def test_no_repair_makes_work_for_itself():
    # The control character hides mojibake until it is removed.
    assert clean_text("caf\u00c3\x01\u00a9") == "café"


@pytest.mark.parametrize(
    "story",
    [
        "The end.",
        "Stop!",
        "Why?",
        'He said, "Yes."',
        "He said 'yes'",
        "(The end.)",
        "«Oui»",
        "完。",
        "他说“好”",
        "ठीक है।",
    ],
)
def test_complete_stories(story):
    assert is_complete(story)


@pytest.mark.parametrize(
    "story", ["", "She went to the", "and then,", "The End", "so:", "a 7", "wait -", "end. And"]
)
def test_truncated_stories(story):
    assert not is_complete(story)


def test_the_report_counts_what_was_done():
    raw = [
        "Itâ€™s “fine”.",
        "cafe\u0301\x07  here.",
        " ",
        "cut off in",
        "Same.",
        "Same.",
        "Same.\n",
        "In both.",
    ]
    cleaner = Cleaner()
    kept = list(cleaner.split(raw, ["In both.", "Only here.", "Only here."]))
    assert kept == [
        ("valid", "In both."),
        ("valid", "Only here."),
        ("train", 'It\'s "fine".'),
        ("train", "café here."),
        ("train", "Same."),
    ]
    assert cleaner.report == CleaningReport(
        stories_in=11,
        bytes_in=sum(len(story.encode()) for story in [*raw, "In both.", "Only here.", "Only here."]),
        mojibake=1,
        unicode_form=1,
        quotes_and_dashes=1,
        unseen_characters=1,
        white_space=3,
        empty=1,
        truncated=1,
        duplicates=3,
        leaked=1,
        train_stories=3,
        train_bytes=len('It\'s "fine".café here.Same.'.encode()),
        valid_stories=2,
        valid_bytes=len(b"In both.Only here."),
    )
    assert cleaner.report.stories_in == 5 + 1 + 1 + 3 + 1


def test_the_report_survives_json_and_prints_as_a_table():
    report = CleaningReport(stories_in=1234, leaked=7, train_stories=5, train_bytes=2_500_000)
    assert CleaningReport.from_dict(report.to_dict()) == report
    assert "1,234" in str(report)
    assert "2.50 MB" in str(report)
    assert len({len(line) for line in str(report).splitlines()}) == 1
    for damaged in ({**report.to_dict(), "more": 1}, {"leaked": 7}, [], None):
        with pytest.raises(DataError, match="cleaning report"):
            CleaningReport.from_dict(damaged)


numbered = st.lists(st.integers(0, 60).map("Story number {}.".format), max_size=80)


@given(train=numbered, valid=st.none() | numbered)
def test_no_story_is_in_both_splits_or_twice(train, valid):
    kept = list(Cleaner().split(train, valid))
    stories = [story for _, story in kept]
    assert len(stories) == len(set(stories))
    assert set(stories) == set(train) | set(valid or [])
    if valid is not None:
        assert {story for split, story in kept if split == "valid"} == set(valid)


def test_the_split_by_hash_is_stable_and_about_one_in_twenty():
    stories = [f"Story number {number}." for number in range(10_000)]

    def valid_of(stories):
        return {story for split, story in Cleaner().split(stories) if split == "valid"}

    chosen = valid_of(stories)
    assert 400 < len(chosen) < 600
    assert valid_of(reversed(stories)) == chosen
    assert valid_of(stories[:5000]) == chosen & set(stories[:5000])
    assert {split for split, _ in Cleaner().split(stories, [])} == {"train"}  # it has a split of its own
    assert min(chosen) == "Story number 1008."


def test_the_split_by_hash_is_capped(monkeypatch):
    monkeypatch.setattr(cleaning, "VALID_BYTES", 200)
    kept = list(Cleaner().split(f"Story number {number}." for number in range(10_000)))
    size = sum(len(story) for split, story in kept if split == "valid")
    assert 150 < size <= 200
    assert len(kept) == 10_000


def test_stories_stream_through():
    def endless():
        number = 0
        while True:
            yield f"Story number {number}."
            number += 1

    assert next(Cleaner().split(endless()))[1] == "Story number 0."


def test_the_real_corpus(real_folder):
    cleaner = Cleaner()
    kept = list(
        cleaner.split(read_stories(real_folder / "train.txt"), read_stories(real_folder / "valid.txt"))
    )
    report = cleaner.report
    assert report.train_stories + report.valid_stories > 0.99 * report.stories_in
    assert report.mojibake > 0
    assert not any(mark in story for _, story in kept for mark in "â€™“”’…†")
    assert all(clean_text(story) == story for _, story in kept[:300])
