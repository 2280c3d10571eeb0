"""Pictures of embeddings: what they show is said in their alt text, and words do not cover one another."""

import pytest

from slmlib.plots.embeddings import lookup_product, probability_panels, share_bars, word_map


def test_a_lookup_shows_the_rows_that_were_looked_up():
    one_hot = [[0, 0, 1], [1, 0, 0]]
    table = [[0.1, 0.2], [0.3, 0.4], [0.5, -0.6]]
    picture = lookup_product(one_hot, table, ["the", "a", "cat"], "Rows")
    assert picture.alt == "Rows. cat is row 2: 0.5, -0.6; the is row 0: 0.1, 0.2."
    bold = [text.get_text() for text in picture.figure.axes[0].texts if text.get_fontweight() == "bold"]
    # the ones, the two rows of the table that were wanted, and the result
    assert sorted(bold) == sorted(["1", "1", "0.5", "-0.6", "0.1", "0.2", "0.5", "-0.6", "0.1", "0.2"])
    assert picture.png()


def test_panels_share_one_scale_and_say_every_probability():
    picture = probability_panels(["dog", "cat"], {"cold": [0.9, 0.1], "hot": [0.6, 0.4]}, "Flat.")
    assert picture.alt == "Flat. cold: dog 90.0%, cat 10.0%; hot: dog 60.0%, cat 40.0%."
    cold, hot = picture.figure.axes
    assert cold.get_xlim() == hot.get_xlim()
    assert [text.get_text() for text in cold.get_yticklabels()] == ["dog", "cat"]


def test_a_map_names_its_groups_and_where_they_lie():
    picture = word_map(
        [(0, 0), (1, 1), (5, 5)], ["red", "blue", "dog"], ["colour", "colour", "animal"], "Near"
    )
    assert picture.alt == "Near. colour around (0.5, 0.5): red, blue; animal around (5.0, 5.0): dog."
    axes = picture.figure.axes[0]
    assert len({line.get_marker() for line in axes.get_lines()}) == 2  # not by colour alone


@pytest.mark.parametrize("count", [2, 3, 4])
def test_words_at_one_place_are_written_apart(count):
    words = ["one", "two", "three", "four"][:count]
    picture = word_map([(0.0, 0.0)] * count, words, ["all"] * count, "Crowded")
    figure = picture.figure
    figure.draw_without_rendering()
    boxes = [text.get_window_extent() for text in figure.axes[0].texts]
    assert len(boxes) == count
    for i, box in enumerate(boxes):
        assert not any(box.overlaps(other) for other in boxes[i + 1 :])


def test_shares_are_written_in_percent_of_a_short_total():
    picture = share_bars(
        {"a": (0.4, 1_310_720), "b": (0.039, 6_738_415_616)}, "Small", part="table", rest="rest"
    )
    assert picture.alt == "Small. Share of the table: a: 40.0% of 1.3M; b: 3.9% of 6.7B."
    written = [text.get_text() for text in picture.figure.axes[0].texts]
    assert {"40%", "3.9%", "1.3M", "6.7B", "table", "rest"} <= set(written)


def test_a_small_total_is_written_in_full():
    assert "12,345" in share_bars({"a": (0.5, 12_345)}, "Small", part="table", rest="rest").alt
