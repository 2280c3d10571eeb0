"""The class list: files by any spelling of a name become its people, and who handed in nothing is a row."""

import pytest

from checks.grading.finding import Submission, find
from checks.grading.grades import Grades
from checks.grading.people import missing, with_doubts
from checks.grading.roster import Person, Roster
from checks.grading.rows import Row
from slmlib.errors import SlmError

LIST = "Name,Login,ID\nAda Lovelace,al1815,4711\nBob Müller,bm@example.org,4712\nEve,,4713\n"


@pytest.fixture
def roster(tmp_path):
    (tmp_path / "class.csv").write_text(LIST, encoding="utf-8-sig")
    return Roster.read(tmp_path / "class.csv")


@pytest.mark.parametrize(
    ("file", "student", "number"),
    [
        ("lovelace_ada_02.ipynb", "Ada Lovelace", "4711"),
        ("lovelaceada_9_90210_02_tokenizer.ipynb", "Ada Lovelace", "9"),  # the platform's own number
        ("nobody_4711_90210_02_tokenizer.ipynb", "Ada Lovelace", "4711"),
        ("section_A/al1815/my try.ipynb", "Ada Lovelace", "4711"),
        ("al1815/bpe_02.ipynb", "Ada Lovelace", "4711"),
        ("BOB-MULLER_02.ipynb", "Bob Müller", "4712"),
        ("bm_02.ipynb", "Bob Müller", "4712"),
        ("4712/02_tokenizer.ipynb", "Bob Müller", "4712"),
        ("B_M_4712/02_tokenizer.ipynb", "Bob Müller", "4712"),
        ("tokenizer-al1815/02_tokenizer.ipynb", "Ada Lovelace", "4711"),  # GitHub Classroom
        ("ada_02.ipynb", "ada", ""),
        ("Bob Müller_4711_assignsubmission_file_/02_tokenizer.ipynb", "Bob Müller", "4711"),
        (
            "Mallory X_4711_assignsubmission_file_/02_tokenizer.ipynb",
            "Mallory X",
            "4711",
        ),  # not the roster's number
    ],
)
def test_any_spelling_is_recognised_and_no_guess_is_made(tmp_path, roster, file, student, number):
    folder = tmp_path / "submissions"
    (folder / file).parent.mkdir(parents=True)
    (folder / file).write_text("{}")
    (one,) = map(roster.recognise, find(folder))
    assert (one.student, one.person) == (student, number)


def test_names_of_two_people_of_the_list_are_for_a_human_to_decide(tmp_path, roster):
    for file in ("al1815/bm_02.ipynb", "al1815/scratch_03.ipynb", "eve/eve_02.ipynb"):
        (tmp_path / "in" / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "in" / file).write_text("{}")
    two, same, one = map(roster.recognise, find(tmp_path / "in"))
    assert [flag.evidence for flag in two.doubts] == ["The folder is called al1815, the file bm_02.ipynb."]
    assert (one.student, one.doubts) == ("Ada Lovelace", ()), "the list knows only one of its names"
    assert (same.student, same.doubts) == ("Eve", ())


def test_the_list_says_whose_a_folder_is_that_is_called_after_a_login(tmp_path, roster):
    inside = "lovelaceada_4711_90210_02.ipynb"
    for file in ("al1815/02.ipynb", f"al1815/{inside}", f"Mallory X/{inside}", "Mallory X/mallory_02.ipynb"):
        (tmp_path / "in" / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "in" / file).write_text("{}")
    found = {one.file: one for one in find(tmp_path / "in")}
    doubted = {file: bool(one.doubts) for file, one in found.items()}
    assert doubted[f"al1815/{inside}"]
    doubted = {file: bool(roster.recognise(one).doubts) for file, one in found.items()}
    assert not doubted[f"al1815/{inside}"]
    assert doubted[f"Mallory X/{inside}"]


def test_namesakes_are_told_apart_by_the_number_of_canvas(tmp_path):
    text = "Name,Login,ID\nAnna M\u00fcller,am456,4711\nam123,am123,4712\n"
    (tmp_path / "class.csv").write_text(text, encoding="utf-8")
    roster = Roster.read(tmp_path / "class.csv")
    folder = tmp_path / "in"
    folder.mkdir()
    for number in (4711, 4712):
        (folder / f"mulleranna_{number}_90210_02_tokenizer.ipynb").write_text("{}")
    found = {one.person: (one.student, one.doubts) for one in map(roster.recognise, find(folder))}
    assert found == {"4711": ("Anna M\u00fcller", ()), "4712": ("am123", ())}


def test_who_handed_in_nothing_at_all_is_a_row_and_a_stranger_a_decision(roster):
    rows = [
        Row(Submission("Eve", "eve.ipynb", ""), Grades("02")),
        Row(Submission("Mallory", "m", ""), Grades("02")),
    ]
    found = missing(rows, ["02"], roster)
    assert [(row.submission.student, row.submission.person) for row in found] == [
        ("Ada Lovelace", "4711"),
        ("Bob Müller", "4712"),
    ]
    flags = {row.submission.student: row.grades.flags for row in with_doubts([*rows, *found], roster)}
    assert [student for student, found in flags.items() if found] == ["Mallory"]
    assert not any(row.grades.flags for row in with_doubts(rows, Roster()))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
@pytest.mark.parametrize("between", [",", ";", "\t"])
def test_a_roster_is_read_as_spreadsheets_save_it(tmp_path, encoding, between):
    (tmp_path / "class.csv").write_text(LIST.replace(",", between), encoding=encoding)
    assert Roster.read(tmp_path / "class.csv").people[1] == Person("Bob Müller", "bm@example.org", "4712")


def test_the_export_of_canvas_is_a_roster(tmp_path):
    path = tmp_path / "canvas.csv"
    path.write_text('Student,ID,SIS Login ID,02\n    Points Possible,,,5\n"Lovelace, Ada",4711,al1815,\n')
    assert Roster.read(path).people == (Person("Lovelace, Ada", "al1815", "4711"),)


@pytest.mark.parametrize(
    ("text", "words"),
    [("", "lists nobody"), ("who\nada\n", "lists nobody"), ("name\nada\nada\n", "ada twice")],
)
def test_what_is_no_roster_is_said(tmp_path, text, words):
    (tmp_path / "class.csv").write_text(text)
    with pytest.raises(SlmError, match=words):
        Roster.read(tmp_path / "class.csv")
    with pytest.raises(SlmError, match="cannot be read"):
        Roster.read(tmp_path / "missing.csv")
