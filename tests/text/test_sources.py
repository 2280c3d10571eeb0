"""Every kind of file a stranger may bring gives the same stories, or one sentence that names the place."""

import csv
import gzip
import io
import json

import pyarrow as arrow
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from slmlib.errors import DataError
from slmlib.text.corpus import open_corpus
from slmlib.text.textfiles import layout_of, read_stories

STORIES = ["Tom saw a cat.", 'Mia said, "Stop!"\nThen she ran.', "Drei Bären, schön; und gut.", "The end."]


def as_csv(rows: list[list[str]], delimiter: str = ",") -> bytes:
    file = io.StringIO()
    csv.writer(file, delimiter=delimiter).writerows(rows)
    return file.getvalue().encode()


def as_parquet(**columns) -> bytes:
    file = io.BytesIO()
    parquet.write_table(arrow.table(columns), file)
    return file.getvalue()


def as_jsonl(*values) -> bytes:
    return "".join(json.dumps(value) + "\n" for value in values).encode()


NOT_UTF8 = arrow.Array.from_buffers(
    arrow.string(), 1, [None, arrow.py_buffer(b"\0\0\0\0\2\0\0\0"), arrow.py_buffer(b"a\xff")]
)

MADE = {
    "marked.txt": "\n<|endoftext|>\n".join(STORIES).encode(),
    "rows.jsonl": as_jsonl(*({"text": story, "id": 1} for story in STORIES)),
    "texts.jsonl": as_jsonl(*STORIES),
    "comma.csv": as_csv([["id", "text"], *(["1", story] for story in STORIES)]),
    "semicolon.csv": as_csv([["story", "id"], *([story, "1"] for story in STORIES)], ";"),
    "tab.csv": as_csv([["id", "text"], *(["1", story] for story in STORIES)], "\t"),
    "table.parquet": as_parquet(id=[1, 2, 3, 4], text=STORIES),
}


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gz"])
@pytest.mark.parametrize("name", MADE)
def test_every_format_gives_the_same_stories(tmp_path, name, packed):
    path = tmp_path / (name + ".gz" * packed)
    path.write_bytes(gzip.compress(MADE[name]) if packed else MADE[name])
    corpus = open_corpus(str(path))
    assert list(corpus.train()) == STORIES
    assert list(corpus.train()) == STORIES
    assert ("column" in corpus.why) == (not name.endswith(".txt"))


def test_a_folder_of_every_format(tmp_path):
    for name, content in MADE.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "valid.jsonl").write_bytes(as_jsonl("For validation."))
    corpus = open_corpus(str(tmp_path))
    assert list(corpus.train()) == STORIES * len(MADE)
    assert list(corpus.valid()) == ["For validation."]


@pytest.mark.parametrize("name", MADE)
def test_capital_letters_in_an_ending_mean_the_same(tmp_path, name):
    (tmp_path / name.upper()).write_bytes(MADE[name])
    (tmp_path / f"{name.upper()}.GZ").write_bytes(gzip.compress(MADE[name]))
    assert list(open_corpus(str(tmp_path)).train()) == STORIES * 2
    assert list(open_corpus(str(tmp_path / f"{name.upper()}.GZ")).train()) == STORIES


def test_hidden_files_of_a_folder_are_passed_over(tmp_path):
    (tmp_path / "a.txt").write_bytes(MADE["marked.txt"])
    (tmp_path / "._a.txt").write_bytes(b"\0\5\x16\7\0\2\0\0Mac OS X")
    assert list(open_corpus(str(tmp_path)).train()) == STORIES


def test_two_tables_can_be_read_in_turns(tmp_path):
    """The limit of the csv module is one for the whole process."""
    long = "Tom ran. " * 20_000
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_bytes(as_csv([["text"], ["Tom ran."], [long]]))
    first, second = (read_stories(tmp_path / name) for name in ("a.csv", "b.csv"))
    assert next(first) == next(second) == "Tom ran."
    assert list(first) == list(second) == [long]


# --- .txt: a story a line, or not ---


@pytest.mark.parametrize(
    ("content", "layout", "count"),
    [
        ("Tom ran.\nMia sat.\nBen hid.\n", "lines", 3),
        ("Tom ran.\r\nMia sat.\r\n", "lines", 2),
        ("Tom ran.\nMia sat.\n<|endoftext|>", "marked", 1),  # one mark overrules the guess
        ("Once upon a\ntime there was\na cat named Tom.\n", "whole", 1),  # wrapped lines
        ("A first paragraph.\n\nA second one.\n", "whole", 1),
        ("Only one line.", "whole", 1),
        ("Tom ran.\n" * 20 + "The end\n", "lines", 21),  # the cleaner removes the unfinished one
    ],
)
def test_how_a_text_file_is_divided(tmp_path, content, layout, count):
    path = tmp_path / "a.txt"
    path.write_bytes(content.encode())
    assert layout_of(path) == layout
    assert len(list(read_stories(path))) == count


def test_what_was_assumed_is_said_and_changes_the_fingerprint(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("Tom ran.\nMia sat.\n")
    lines = open_corpus(str(path))
    assert "a.txt: each line is a story (there is no <|endoftext|>" in lines.why
    path.write_text("Tom ran\nMia sat\n")
    assert "a.txt: it is one story" in open_corpus(str(path)).why


@pytest.mark.parametrize("place", [0, 2**16 - 5, 2**16 + 2**20 - 7, 3_000_000])
def test_a_mark_is_found_wherever_it_stands(tmp_path, place):
    text = "Tom ran.\n" * 400_000
    (tmp_path / "a.txt").write_text(text[:place] + "<|endoftext|>" + text[place:])
    assert layout_of(tmp_path / "a.txt") == "marked"


@pytest.mark.parametrize("name", ["a.jsonl", "a.csv", "a.parquet"])
def test_a_mark_inside_a_row_divides_stories_as_it_does_in_text(tmp_path, name):
    text = "One.\n<|endoftext|>\nTwo.<|endoftext|>"
    content = {"jsonl": as_jsonl(text), "csv": as_csv([["text"], [text]]), "parquet": as_parquet(text=[text])}
    (tmp_path / name).write_bytes(content[name.partition(".")[2]])
    assert list(read_stories(tmp_path / name)) == ["One.", "Two."]


# --- columns ---


def test_a_column_is_named_after_the_path(tmp_path, monkeypatch):
    (tmp_path / "a.csv").write_bytes(as_csv([["title", "body"], ["T", "Tom ran."]]))
    with pytest.raises(DataError, match=r"2 columns of text.*write a\.csv#title") as error:
        open_corpus(str(tmp_path / "a.csv"))
    assert "title, body" in str(error.value)
    monkeypatch.setenv("SLM_CORPUS", f"{tmp_path / 'a.csv'}#body")
    body = open_corpus()
    assert list(body.train()) == ["Tom ran."]
    title = open_corpus(f"{tmp_path / 'a.csv'}#title")
    assert list(title.train()) == ["T"]
    assert title.fingerprint != body.fingerprint
    with pytest.raises(DataError, match=r"no column 'boddy'. It has: title, body"):
        open_corpus(f"{tmp_path / 'a.csv'}#boddy")


def test_a_file_that_really_has_such_a_name_comes_first(tmp_path):
    (tmp_path / "a#b.txt").write_text("Tom ran.")
    assert list(open_corpus(str(tmp_path / "a#b.txt")).train()) == ["Tom ran."]


def test_columns_of_numbers_hold_no_stories(tmp_path):
    (tmp_path / "a.parquet").write_bytes(as_parquet(number=[1, 2], words=["Tom ran.", "Mia sat."]))
    assert list(read_stories(tmp_path / "a.parquet")) == ["Tom ran.", "Mia sat."]
    with pytest.raises(DataError, match=r"'number' .* holds no text"):
        open_corpus(f"{tmp_path / 'a.parquet'}#number")


def test_categories_are_text_when_their_values_are(tmp_path):
    path = tmp_path / "a.parquet"
    texts, lists = arrow.array(STORIES).dictionary_encode(), [[story] for story in STORIES]
    path.write_bytes(
        as_parquet(number=arrow.array([1, 2, 3, 4]).dictionary_encode(), story=texts, lists=lists)
    )
    assert list(read_stories(path)) == STORIES
    for column in ("number", "lists"):
        with pytest.raises(DataError, match="holds no text"):
            list(read_stories(path, column))


# --- damage ---


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("cut.jsonl", as_jsonl({"text": "A."}, {"text": "Bcd."})[:-5], r"Line 2 of .*cut\.jsonl is not JSON"),
        ("number.jsonl", as_jsonl({"text": "A."}, 3), "Line 2 .* neither a text nor an object"),
        ("null.jsonl", as_jsonl({"text": "A."}, {"text": None}), "Line 2 .* no text in the column 'text'"),
        ("other.jsonl", as_jsonl({"text": "A."}, {"story": "B."}), "Line 2 .* no text in the column 'text'"),
        ("mixed.jsonl", as_jsonl("A.", {"text": "B."}), "Line 2 .* no text in the column ''"),
        ("deep.jsonl", b"[" * 100_000, "Line 1 .* is not JSON"),
        ("empty.jsonl", b"\n\n", "is empty"),
        ("ragged.csv", b"id,text\n1,Tom, ran.\n", "has 3 cells, the header has 2"),
        ("cut.csv", b'id,text\n1,A.\n2,"Tom', "Line 3 .* is not CSV.*cut off"),
        ("short.csv", b"id,text\n1,A.\n2", "line 3 .* has 1 cells"),
        ("headless.csv", b"Once upon a time there was a cat.\nTom ran.\n", "does not begin with the names"),
        ("latin.csv", "text\nschön".encode("latin-1"), "byte 0xf6 is not UTF-8"),
        ("null.csv", b"text\x00\nA.", "NUL bytes|is not CSV"),
        ("cut.parquet", MADE["table.parquet"][:-9], "not a whole Parquet file"),
        ("latin.parquet", as_parquet(text=NOT_UTF8), "not a whole Parquet file .*utf-8"),
        ("null.parquet", as_parquet(text=["A.", None]), "Row 2 .* no text in the column 'text'"),
        ("not.csv.gz", b"text", "cannot be read"),
        ("cut.parquet.gz", gzip.compress(MADE["table.parquet"], mtime=0)[:-9], "not a whole Parquet file"),
    ],
)
def test_a_damaged_file_is_refused_by_name_and_place(tmp_path, name, content, sentence):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=sentence) as error:
        list(open_corpus(str(tmp_path / name)).train())
    assert name in str(error.value)
    assert "\n" not in str(error.value)


@settings(max_examples=40, deadline=None)
@given(data=st.data(), name=st.sampled_from(sorted(MADE)))
def test_any_damage_is_a_sentence_or_text_never_a_traceback(tmp_path_factory, data, name):
    """A flipped byte of text may still be text; of a Parquet file's pages too. It must never be anything else."""
    content = bytearray(MADE[name])
    place = data.draw(st.integers(0, len(content) - 1))
    if data.draw(st.booleans()):
        content[place] ^= data.draw(st.integers(1, 255))
    else:
        del content[place:]
    path = tmp_path_factory.mktemp("damaged") / name
    path.write_bytes(content)
    try:
        stories = list(open_corpus(str(path)).train())
    except DataError as error:
        stories = [str(error)]
    assert all(isinstance(story, str) for story in stories)
