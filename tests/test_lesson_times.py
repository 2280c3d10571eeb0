"""What the lessons cost in time: written when they are built, told by doctor."""

import json

import pytest

from slmlib.lesson_times import LessonTime, LessonTimes

SLOW, FAST = LessonTime(90.0, 10_000, "a slow machine"), LessonTime(30.0, 20_000, "a fast machine")


def test_a_row_written_is_a_row_read_beside_the_others(tmp_path):
    path = tmp_path / "seconds.json"
    LessonTimes.read(path).record("08", SLOW, path)
    LessonTimes.read(path).record("03", FAST, path)
    LessonTimes.read(path).record("08", FAST, path)
    assert LessonTimes.read(path).by_lesson == {"03": FAST, "08": FAST}
    assert list(json.loads(path.read_text())) == ["03", "08"]


@pytest.mark.parametrize(
    "content",
    ["", "[]", "[1]", "{", '{"08": 3}', '{"08": {"seconds": 1}}', '{"08": {"seconds": "1"}}', "null"],
)
def test_an_unusable_file_is_as_good_as_none(tmp_path, content):
    path = tmp_path / "seconds.json"
    path.write_text(content)
    assert LessonTimes.read(path).in_words() == "not measured"
    assert LessonTimes.read(tmp_path / "missing.json").in_words() == "not measured"


def test_another_machine_is_told_what_to_expect():
    assert SLOW.here(5_000) == 180.0
    assert SLOW.here(None) == 90.0
    said = LessonTimes({"03": FAST, "08": SLOW}).in_words(5_000)
    assert said == (
        "03 to 08 computed for 2 min where they were built (a slow machine), the longest, 08, for 90 s; "
        "at this machine's speed about 5 min"  # 30 x 4 + 90 x 2 = 300 seconds
    )
