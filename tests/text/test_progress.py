"""The bar over stories: it ends at its end, whatever was guessed beforehand."""

import pytest

from slmlib.text.progress import story_bar


@pytest.mark.parametrize("guess", [None, 5, 20, 100])
def test_the_bar_ends_full_and_every_story_passes(capsys, guess):
    assert list(story_bar(["0123456789", "ünd"], "reading", guess, True)) == ["0123456789", "ünd"]
    last = capsys.readouterr().err.rstrip().rpartition("\r")[2]
    assert "100%" in last
    assert "14.0/14.0" in last


def test_no_bar_where_none_is_wanted(capsys):
    assert list(story_bar(["once"], "reading", 4, False)) == ["once"]
    assert capsys.readouterr().err == ""
