"""Whose rows these are; nothing is graded here."""

import os
import zipfile
from dataclasses import replace

import pytest

from checks.building.build import Lesson
from checks.bundle import write_bundle
from checks.grading import finding
from checks.grading.batch import _known, _results, _sorted_out, _unfinished, _with_due
from checks.grading.copies import with_copies
from checks.grading.finding import Submission, find
from checks.grading.gradebook import write_canvas, write_moodle
from checks.grading.grades import Grades
from checks.grading.pages import class_page, page_names, write_pages
from checks.grading.people import missing, newest_only, with_bundles, with_doubts
from checks.grading.roster import Person, Roster
from checks.grading.rows import Batch, Row
from checks.judging import Outcome
from slmlib.errors import SlmError

from .test_finding import notebook


@pytest.fixture(autouse=True)
def here(demo):
    """The lesson of these files is the demonstration's."""


def handed_in(folder, *files, lesson="98"):
    for file in files:
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_bytes(notebook("1", slm={"lesson": lesson}))
    return [Row(one, Grades(lesson, state="waiting")) for one in find(folder)]


def students(rows):
    return sorted((row.submission.student, row.grades.state) for row in rows)


def test_a_section_is_not_one_student(tmp_path):
    rows = newest_only(handed_in(tmp_path, "section_A/ada_98.ipynb", "section_A/bob_98.ipynb"))
    assert students(rows) == [("ada", "waiting"), ("bob", "waiting")]


def test_a_file_and_a_folder_of_one_name_are_one_person(tmp_path):
    rows = newest_only(handed_in(tmp_path, "ada_98.ipynb", "ada/98_demo.ipynb"))
    assert students(rows) == [("ada", "replaced"), ("ada", "waiting")]


def test_further_tries_are_of_the_same_person(tmp_path):
    tries = (
        "ada_98.ipynb",
        "ada_98-Copy1.ipynb",
        "ada_98_v2.ipynb",
        "ada_98_final2.ipynb",
        "ada_98_new.ipynb",
    )
    assert students(newest_only(handed_in(tmp_path, *tries))) == [("ada", "replaced")] * 4 + [
        ("ada", "waiting")
    ]


def test_who_is_told_apart_in_one_lesson_is_so_in_all(tmp_path):
    rows = handed_in(tmp_path / "a", "mia_homework_98.ipynb", "mia_solution_98.ipynb")
    rows += handed_in(tmp_path / "b", "mia_homework_97.ipynb", lesson="97")
    assert students(newest_only(rows)) == [
        ("mia homework", "waiting"),
        ("mia homework", "waiting"),
        ("mia solution", "waiting"),
    ]


def test_two_of_one_name_in_different_folders_are_for_a_human_to_decide(tmp_path):
    rows = newest_only(handed_in(tmp_path, "section_A/ada_98.ipynb", "section_B/ada_98.ipynb", "bo_98.ipynb"))
    (old,) = [row for row in rows if row.grades.state == "replaced"]
    assert "section_A/ada_98.ipynb was replaced by section_B/ada_98.ipynb" in old.grades.flags[0].evidence
    page = class_page(Batch(tuple(rows), {}, ()), page_names(["ada", "bo"]))
    assert "are both this student" in page[: page.index("Not graded")]
    rows = newest_only(handed_in(tmp_path / "again", "bo_98.ipynb", "bo_98 (1).ipynb"))
    assert not any(row.grades.flags for row in rows)


def packed(path, *names, data=None):
    """A zip with these files, as a student makes one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        for name in names:
            archive.writestr(name, data or notebook("1", slm={"lesson": "98"}))


EVE = Roster(tuple(Person(name, id=id) for name, id in (("Ada Lovelace", "4711"), ("Eve Evil", "4713"))))


@pytest.mark.parametrize("roster", [Roster(), EVE])
@pytest.mark.parametrize(
    "names",
    [
        ("lovelaceada_4711_90210_98_demo-9.ipynb",),
        ("Ada Lovelace_4711_assignsubmission_file_/98_demo (9).ipynb",),
    ],
)
def test_a_zip_that_holds_a_classmates_name_is_for_a_human_to_decide(demo, tmp_path, names, roster):
    handed_in(tmp_path, "Ada Lovelace/98_demo.ipynb")
    packed(tmp_path / "Eve Evil.zip", *names)
    rows, _ = _sorted_out(find(tmp_path), demo, [], roster)
    flags = {row.submission.file: row.grades.flags for row in with_doubts(rows, roster)}
    evidence = [flag.evidence for flag in flags[f"Eve Evil.zip!{names[0]}"]]
    assert any("The folder is called Eve Evil, the file" in one for one in evidence)


def test_two_classmates_in_one_zip_are_no_class_where_the_roster_knows_whose_zip_it_is(demo, tmp_path):
    names = ("lovelaceada_4711_90210_98_demo.ipynb", "bytebob_4712_90211_98_demo.ipynb")
    packed(tmp_path / "Eve Evil.zip", *names)
    rows, _ = _sorted_out(find(tmp_path), demo, [], EVE)
    doubts = {row.submission.student: row.submission.doubts for row in rows}
    assert "of Ada Lovelace or of Eve Evil" in doubts["Ada Lovelace"][0].evidence
    packed(tmp_path / "monday" / "class.zip", *names)
    assert not any(one.doubts for one in find(tmp_path / "monday"))


def class_in(folder, *names):
    return [
        f"{folder}/{name}_{number}_assignsubmission_file_/98.ipynb"
        for number, name in enumerate(names, 98760)
    ]


HONEST = {
    "words that Moodle writes, too": class_in("CS101-Submission 6", "Ada Low", "Bob Byte"),
    "a number that Moodle writes, too": class_in("CS101-Attention-98760", "Ada Low", "Bob Byte"),
    "one student": class_in("HA6", "Ada Low"),
    "one student a lesson": [
        f"CS101-{lesson}/Ada Low_{lesson}_assignsubmission_file_/{lesson}.ipynb" for lesson in ("06", "07")
    ],
    "one student a tutor": ["Tutor Meier/lowada_4711_90210_98.ipynb", "Tutor Wu/bytebob_4712_90211_98.ipynb"],
    "a lesson in one of two names": [
        "CS101 Fall/lowada_4711_90210_06_attention.ipynb",
        "CS101 Fall/bytebob_4712_90211_attention.ipynb",
    ],
    "a template beside its folder": [*class_in("NLP Course", "Ada Low", "Bob Byte"), "NLP Course.ipynb"],
}


@pytest.mark.parametrize("files", HONEST.values(), ids=HONEST)
@pytest.mark.parametrize("roster", [Roster(), Roster((Person("Ada Low"), Person("Bob Byte")))])
def test_a_folder_called_after_a_course_is_nobodys(tmp_path, files, roster):
    assert [row.submission.file for row in handed_in(tmp_path, *files) if row.submission.doubts] == []
    assert not any(roster.recognise(one).doubts for one in find(tmp_path))


@pytest.mark.parametrize(
    "own",
    ["evileve_4713_90212_98.ipynb", "Eve Evil_7_assignsubmission_file_/eve_98.ipynb", "Eve Evil/98.ipynb"],
)
def test_a_zip_called_after_somebody_with_a_file_of_their_own_is_for_a_human_to_decide(tmp_path, own):
    handed_in(tmp_path, own)
    packed(tmp_path / "Eve Evil.zip", "lovelaceada_4711_90210_98_demo.ipynb")
    doubts = {one.student: one.doubts for one in find(tmp_path)}
    assert "The folder is called Eve Evil, the file" in doubts["lovelaceada"][0].evidence
    # Several classmates in it make a class of it only where no student of the platform goes by its name.
    packed(
        tmp_path / "Eve Evil.zip",
        "lovelaceada_4711_90210_98_demo.ipynb",
        "bytebob_4712_90211_98_demo.ipynb",
    )
    doubts = {one.student: len(one.doubts) for one in find(tmp_path)}
    assert (doubts["lovelaceada"], doubts["bytebob"]) == ((0, 0) if own == "Eve Evil/98.ipynb" else (1, 1))


def test_what_the_platform_wrote_outside_wins(demo, tmp_path):
    inside = "Ada Lovelace_4711_assignsubmission_file_/98_demo (9).ipynb"
    for own in ("evileve_4713_90212_work.zip", "Eve Evil_77_assignsubmission_file_/98.zip"):
        packed(tmp_path / own[-8:-4] / own, inside)
        rows, _ = _sorted_out(find(tmp_path / own[-8:-4]), demo, [], EVE)
        assert [row.submission.student for row in rows] == ["Eve Evil"]
    # Neither do two names make a class of it, as they would of an instructor's folder.
    handed_in(
        tmp_path / "lab", *(f"CS_101_2026_lab/{name}_7_assignsubmission_file_/98.ipynb" for name in "ab")
    )
    found = find(tmp_path / "lab")
    assert [(one.student, len(one.doubts)) for one in found] == [("a", 1), ("b", 1)]


def test_namesakes_of_the_platform_stay_two(tmp_path):
    rows = newest_only(
        handed_in(tmp_path, *(f"Ada Low_{number}_assignsubmission_file_/98.ipynb" for number in (7, 8)))
    )
    assert students(rows) == [("Ada Low (7)", "waiting"), ("Ada Low (8)", "waiting")]


def moodle(folder, lesson, *numbers):
    files = (f"A{lesson}/Ada Low_{number}_assignsubmission_file_/{lesson}.ipynb" for number in numbers)
    return handed_in(folder / lesson, *files, lesson=lesson)


def test_a_platform_may_number_a_student_anew_in_every_lesson(tmp_path):
    rows = newest_only(moodle(tmp_path, "97", 7) + moodle(tmp_path, "98", 8))
    assert students(rows) == [("Ada Low", "waiting"), ("Ada Low", "waiting")]
    assert missing(rows, ["97", "98"], Roster()) == []
    roster = Roster((Person("Ada Low"),))
    assert not any(row.grades.flags for row in with_doubts(rows, roster))


def test_namesakes_stay_two_in_a_lesson_that_one_of_them_handed_in(tmp_path):
    rows = newest_only(moodle(tmp_path, "97", 7, 8) + moodle(tmp_path, "98", 7))
    assert [name for name, _ in students(rows)] == ["Ada Low (7)", "Ada Low (7)", "Ada Low (8)"]


def test_namesakes_of_which_the_roster_has_one_are_for_a_human_to_decide(tmp_path):
    roster = Roster((Person("Ada Low", id="9"),))
    rows = newest_only(
        [replace(row, submission=roster.recognise(row.submission)) for row in moodle(tmp_path, "98", 7, 8)]
    )
    assert missing(rows, ["98"], roster) == []
    assert all("has it once" in row.grades.flags[0].sentence for row in with_doubts(rows, roster))


def test_a_file_without_a_number_is_no_namesake_of_one_with_it(tmp_path):
    roster = Roster((Person("Ada Low", id="9"),))
    rows = moodle(tmp_path, "98", 7) + handed_in(tmp_path / "late", "ada_low_98.ipynb")
    rows = newest_only([replace(row, submission=roster.recognise(row.submission)) for row in rows])
    assert {row.submission.student for row in rows} == {"Ada Low"}


def bundle_of(folder, number):
    path = folder / f"{number}.zip"
    write_bundle(path, {"format": 1, "lesson": "98", "notebook": None, "lab": None}, {})
    return Submission("Ada Low", path.name, str(path), person=number, number=number, bundle=True, lesson="98")


def test_bundles_follow_the_same_rule(tmp_path):
    bundles = [bundle_of(tmp_path, number) for number in ("7", "8")]
    rows = with_bundles(newest_only(moodle(tmp_path, "98", 7, 8)), bundles)
    assert [row.bundle.number for row in rows] == ["7", "8"]
    alone = tmp_path / "alone"
    rows = newest_only(moodle(alone, "97", 6) + moodle(alone, "98", 7))
    rows = with_bundles(rows, bundles)
    assert [row.bundle and row.bundle.number for row in rows] == [None, "7", None]
    assert "another number" in rows[-1].grades.problem


def test_a_bundle_that_cannot_be_used_is_a_row_and_none_is_unpacked_for_its_lesson(tmp_path, monkeypatch):
    facts = {"format": 1, "notebook": None, "lab": None}
    write_bundle(tmp_path / "ada.zip", facts | {"lesson": "98"}, {"tokens.safetensors": b"x" * 4096})
    write_bundle(tmp_path / "bob.zip", facts, {})
    handed_in(tmp_path, "ada_98.ipynb")
    monkeypatch.setattr(finding, "MOST_ZIP_BYTES", 4096)
    monkeypatch.setattr(Submission, "read", None)
    bundles = [one for one in find(tmp_path) if one.bundle]
    assert [one.lesson for one in bundles] == ["98", ""]
    rows = with_bundles([], bundles)
    assert [row.grades.state for row in rows] == ["unreadable"] * 2
    assert "more than 0 MB" in rows[0].grades.problem
    assert "facts.json is not one that submit()" in rows[1].grades.problem


def test_a_team_is_not_graded_on_another_teams_bundle(tmp_path):
    def with_bundle(*names, notebook="98_team-1"):
        folder = tmp_path / "-".join(names)
        rows = handed_in(folder, f"{notebook}.ipynb")
        for name in names:
            write_bundle(
                folder / f"{name}.zip", {"format": 1, "lesson": "98", "notebook": None, "lab": None}, {}
            )
        bundles = [one for one in find(folder) if one.bundle]
        return [row.bundle and row.bundle.file for row in with_bundles(newest_only(rows), bundles)]

    assert with_bundle("98_team-1", "98_team-2") == ["98_team-1.zip", None]
    assert with_bundle("98_team-2") == [None, None]
    assert with_bundle("98_team-1", notebook="98_team") == ["98_team-1.zip"]  # its second try


def test_bundles_of_other_lessons_do_not_pass_the_filter(tmp_path):
    bundles = [bundle_of(tmp_path, "7")]
    assert [row.grades.state for row in with_bundles([], bundles, ["98"])] == ["no notebook"]
    assert with_bundles([], bundles, ["97"]) == []


def test_moodles_worksheet_of_a_lesson_has_its_own_numbers(tmp_path, demo):
    rows = []
    for lesson, number in (("97", "7"), ("98", "8")):
        one = Submission("Ada Low", f"{lesson}.ipynb", "", person=number, number=number)
        rows.append(Row(one, replace(graded("ada", 3.0).grades, lesson=lesson)))
    lesson = Lesson.read(demo, "98")
    write_moodle(Batch(tuple(rows), {"97": lesson, "98": lesson}, ()), tmp_path)
    for lesson, number in (("97", "7"), ("98", "8")):
        text = (tmp_path / f"gradebook_moodle_{lesson}.csv").read_text()
        assert f"Participant {number},Ada Low" in text


def test_the_rosters_number_is_none_of_moodles(tmp_path, demo):
    rows = [graded("Ada Low", 3.0), graded("Bob Byte", 3.0)]
    rows = [replace(row, submission=replace(row.submission, person="77")) for row in rows]
    rows[1] = replace(rows[1], submission=replace(rows[1].submission, number="8"))
    assert write_moodle(Batch(tuple(rows), {"98": Lesson.read(demo, "98")}, ()), tmp_path) == {"98": 1}
    lines = (tmp_path / "gradebook_moodle_98.csv").read_text().splitlines()
    assert [line.partition(",3,")[0] for line in lines[1:]] == [",Ada Low", "Participant 8,Bob Byte"]


def test_a_bundle_brings_its_doubts_and_its_lateness(demo, tmp_path):
    bundle = tmp_path / "bundle.zip"
    write_bundle(bundle, {"format": 1, "lesson": "98", "notebook": None, "lab": None}, {})
    handed_in(tmp_path / "in", "Ada Lovelace_77_assignsubmission_file_/98.ipynb")
    for zipped, number in (("Ada Lovelace_77_assignsubmission_file_", 1), ("Eve Evil", 9)):
        inside = f"Ada Lovelace_77_assignsubmission_file_/98_submission ({number}).zip"
        packed(tmp_path / "in" / f"{zipped}.zip", inside, data=bundle.read_bytes())
    found = [_with_due(one, one.when - 1 if one.bundle else 0.0) for one in find(tmp_path / "in")]
    rows, _ = _sorted_out([one for one in found if not one.bundle], demo, [])
    bundles = [one for one in found if one.bundle]
    (row,) = with_bundles(rows, bundles)
    assert "Eve Evil" in row.bundle.file
    assert row.submission.late
    assert "The folder is called Eve Evil" in row.submission.doubts[0].evidence
    (row,) = with_bundles(rows, [one for one in bundles if "Eve" not in one.file])
    assert row.submission.doubts == ()


NEWEST = {
    (("98_demo.ipynb", 10), ("98_demo (1).ipynb", 0)): "By its name it is older, by its time it is not",
    (("98_demo.ipynb", 0), ("98_demo (1).ipynb", 10)): "",
    (("98_demo_v2.ipynb", 0), ("98_demo_final.ipynb", 0)): "Neither name nor time says which is newer",
    (("98_demo_v2.ipynb", 10), ("98_demo_final.ipynb", 0)): "",
    # Who unpacks a class sets times anew, one after the other.
    (("98_demo.ipynb", 0.0001), ("98_demo (1).ipynb", 0)): "",
    (("98_demo_v2.ipynb", 0.0001), ("98_demo_final.ipynb", 0)): "Neither name nor time says which is newer",
}


@pytest.mark.parametrize("files", NEWEST)
def test_where_name_and_time_do_not_say_which_is_newest_a_human_decides(demo, tmp_path, files):
    handed_in(tmp_path, *(f"ada/{name}" for name, _ in files))
    for name, days in files:
        (tmp_path / "ada" / name).write_bytes(notebook(name, slm={"lesson": "98"}))
        os.utime(tmp_path / "ada" / name, (1e9 + days * 86400, 1e9 + days * 86400))
    rows, _ = _sorted_out(find(tmp_path), demo, [])
    sentences = [flag.sentence for row in rows for flag in row.grades.flags]
    assert len(sentences) == bool(NEWEST[files])
    assert all(sentence.startswith(NEWEST[files]) for sentence in sentences)


def test_which_of_two_equal_files_counts_is_no_question(demo, tmp_path):
    handed_in(tmp_path, "ada_98.ipynb", "ada_98_v2.ipynb", "bob_98.ipynb")
    packed(tmp_path / "bob_98.zip", "98_demo.ipynb")
    for path in tmp_path.iterdir():
        os.utime(path, (1e9, 1e9))
    rows, _ = _sorted_out(find(tmp_path), demo, [])
    assert [row.grades.state for row in rows].count("replaced") == 2
    assert not any(row.grades.flags for row in rows)


def test_unreadable_files_of_other_lessons_do_not_pass_the_filter(demo, tmp_path):
    for name in ("ada_02.ipynb", "bob_03.ipynb", "carol.ipynb"):
        (tmp_path / name).write_text("no notebook")
    rows, _ = _sorted_out(find(tmp_path), demo, ["03"])
    assert [row.submission.student for row in rows] == ["bob", "carol"]


def test_a_newest_file_that_cannot_be_read_is_said_and_the_older_one_counts(demo, tmp_path):
    handed_in(tmp_path, "ada_98.ipynb", "bob_98 (1).ipynb", "eve_98 (1).ipynb")
    for name in ("ada_98 (1).ipynb", "bob_98.ipynb", "eve_98 (2).ipynb", "eve_98 (3).ipynb"):
        (tmp_path / name).write_text("cut off")
    rows, _ = _sorted_out(find(tmp_path), demo, [])
    rows = [replace(row, grades=replace(row.grades, lesson="98")) for row in rows]  # 98 stands in no name
    rows = {row.submission.file: row for row in newest_only(rows)}
    assert sorted(name for name, row in rows.items() if row.counts) == [
        "ada_98.ipynb",
        "bob_98 (1).ipynb",
        "eve_98 (1).ipynb",
    ]
    newer = rows["ada_98 (1).ipynb"]
    assert newer.grades.state == "unreadable"
    assert "not valid JSON" in newer.grades.problem
    assert [flag.evidence for flag in newer.grades.flags] == ["ada_98.ipynb was graded instead."]
    assert "may be newer than the one that was graded" in newer.grades.flags[0].sentence
    assert rows["bob_98.ipynb"].grades.state == "unreadable"
    assert rows["bob_98.ipynb"].grades.flags == ()
    assert [len(rows[f"eve_98 ({number}).ipynb"].grades.flags) for number in (2, 3)] == [1, 1]


def test_of_several_files_none_of_which_can_be_read_nobody_knows_the_points(demo, tmp_path):
    for name in ("ada_02.ipynb", "ada_02 (1).ipynb"):
        (tmp_path / name).write_text("cut off")
    rows, _ = _sorted_out(find(tmp_path), demo, [])
    assert [(row.grades.state, row.counts, row.points) for row in rows] == [
        ("unreadable", True, None),
        ("unreadable", False, None),
    ]


def test_doubts_outlive_grading(demo, tmp_path):
    rows = handed_in(tmp_path, "ada/corrected_98.ipynb", "ada/98.ipynb")
    rows, _ = _sorted_out([row.submission for row in rows], demo, [])
    graded = [replace(row, grades=Grades("98")) if row.grades.state == "waiting" else row for row in rows]
    flags = {row.submission.file: row.grades.flags for row in with_doubts(graded, Roster())}
    (whose,) = flags["ada/corrected_98.ipynb"]  # and not also that it was replaced by a file of another name
    assert whose.evidence == "The folder is called ada, the file corrected_98.ipynb."
    assert flags["ada/98.ipynb"] == ()


def test_a_file_named_after_another_lesson_is_for_a_human_to_decide(demo, tmp_path, monkeypatch):
    rows = handed_in(tmp_path, "ada/06_attention.ipynb", "bob/98_demo.ipynb", "eve/my try.ipynb")
    rows, _ = _sorted_out([row.submission for row in rows], demo, [])
    assert [flag.evidence for row in rows for flag in row.submission.doubts] == [
        "The file is called 06_attention.ipynb, and it is lesson 98."
    ]


def test_the_name_of_a_zip_says_nothing_of_a_files_lesson(demo, tmp_path):
    with zipfile.ZipFile(tmp_path / "submissions_2026-11-20.zip", "w") as archive:
        archive.writestr("ada_08.ipynb", notebook("1"))
        archive.writestr("bob_08.ipynb", "no notebook")
    rows, _ = _sorted_out(find(tmp_path), demo, [])
    assert [(row.grades.state, row.grades.lesson) for row in rows] == [
        ("unknown lesson", ""),
        ("unreadable", "08"),
    ]
    assert "Lesson 08 is not one" in rows[0].grades.problem


PEOPLE_BY_NUMBER = {
    ("student-1.ipynb", "student-2.ipynb", "student-12.ipynb"): ["student 1", "student 12", "student 2"],
    ("98_team-1.ipynb", "98_team-2.ipynb"): ["team 1", "team 2"],
    ("student-98.ipynb", "student-97.ipynb"): ["student", "student 97"],
}


@pytest.mark.parametrize("files", PEOPLE_BY_NUMBER)
def test_names_that_differ_in_their_last_number_only_are_several_people(tmp_path, files):
    rows = newest_only(handed_in(tmp_path, *files))
    assert students(rows) == [(name, "waiting") for name in PEOPLE_BY_NUMBER[files]]


def test_a_name_with_and_without_a_number_is_for_a_human_to_decide(tmp_path):
    rows = newest_only(
        handed_in(tmp_path, "ada_98.ipynb", "ada_98-1.ipynb", "bo-98.ipynb", "bo-98 (1).ipynb")
    )
    assert students(rows) == [("ada", "replaced"), ("ada", "waiting"), ("bo", "replaced"), ("bo", "waiting")]
    flags = {row.submission.file: row.grades.flags for row in with_doubts(rows, Roster())}
    (flag,) = flags.pop("ada_98-1.ipynb")
    assert "a further try, or another student's?" in flag.sentence
    assert not any(flags.values())


def test_a_second_download_of_a_second_try_is_the_same_student(tmp_path):
    rows = newest_only(handed_in(tmp_path, "ada_98.ipynb", "ada_98-1.ipynb", "ada_98-1 (1).ipynb"))
    assert students(rows) == [("ada", "replaced"), ("ada", "replaced"), ("ada", "waiting")]
    rows = newest_only(
        handed_in(tmp_path / "numbers", "student-1.ipynb", "student-2.ipynb", "student-1 (1).ipynb")
    )
    assert students(rows) == [("student 1", "replaced"), ("student 1", "waiting"), ("student 2", "waiting")]


@pytest.mark.parametrize("listed", [(), (Person("team-11"),)])
def test_a_number_that_belongs_to_the_name_is_no_attempt(demo, tmp_path, listed):
    found = [row.submission for row in handed_in(tmp_path, "98_team-11.ipynb", "98_team-11 (1).ipynb")]
    rows, _ = _sorted_out(found, demo, [], Roster(listed))
    assert {row.submission.attempt: row.grades.state for row in rows} == {1: "replaced", 2: "waiting"}


@pytest.mark.parametrize("listed", [(), (Person("student-1"), Person("student-2"))])
def test_a_number_of_a_folders_name_is_none_of_the_file(demo, tmp_path, listed):
    files = (
        "student-1/98_demo.ipynb",
        "student-1/98_demo-1.ipynb",
        "student-2/98_demo.ipynb",
        "ada/98.ipynb",
    )
    found = [row.submission for row in handed_in(tmp_path, *files, "ada-98.ipynb")]
    rows, _ = _sorted_out(found, demo, [], Roster(listed))
    assert {row.submission.file: row.submission.attempt for row in rows}["student-1/98_demo-1.ipynb"] == 2
    assert [row.submission.file for row in rows if not row.counts][-1] == "student-1/98_demo.ipynb"
    assert not any(row.submission.doubts for row in rows)


def test_the_roster_is_asked_for_a_name_with_its_number_first(demo, tmp_path):
    roster = Roster(tuple(Person(f"student-{number}") for number in (1, 11, 12, 13)))
    files = ("98_student-11.ipynb", "student-12.ipynb", "student_13_98.ipynb", "student_2_98.ipynb")
    found = [row.submission for row in handed_in(tmp_path, *files)]
    rows, _ = _sorted_out(found, demo, [], roster)
    assert students(rows) == [
        ("student", "waiting"),
        ("student-11", "waiting"),
        ("student-12", "waiting"),
        ("student-13", "waiting"),
    ]


def test_a_lesson_by_any_number_and_no_other(demo):
    assert _known(["98"], demo) == ["98"]
    with pytest.raises(SlmError, match="There is no lesson 06"):
        _known(["6"], demo)


def test_results_are_moved_aside_before_anything_is_graded(tmp_path):
    said = []
    results = _results(tmp_path, False, said.append)
    assert said == []
    (results / "one.json").write_text("1")
    assert (_results(tmp_path, True, said.append) / "one.json").exists()
    _results(tmp_path, False, said.append)
    assert list(results.iterdir()) == []
    assert (tmp_path / "results.old" / "one.json").read_text() == "1"
    assert "--resume" in said[0]
    (results / "two.json").write_text("2")
    _results(tmp_path, False, said.append)
    assert (tmp_path / "results.old" / "one.json").read_text() == "1"
    assert [path.name for path in (tmp_path / "results.old1").iterdir()] == ["two.json"]
    assert "results.old1;" in said[1]


def graded(student, points, **more):
    outcomes = (
        Outcome("98.1", "Causal weights", "pass" if points else "fail", points, 3.0, "" if points else "No."),
    )
    grades = Grades("98", outcomes, **more)
    return Row(Submission(student, f"{student}.ipynb", student), grades, student)


def test_points_that_nobody_knows_are_written_as_nothing(tmp_path, demo):
    rows = [graded("ada", 3.0), Row(Submission("bob", "b", "b"), Grades("98", state="grader failed"))]
    rows += [Row(Submission("dan", "d", "d"), Grades("98", state="nothing handed in"))]
    rows += [Row(Submission("eve", "e", "e"), Grades("", state="unreadable"))]
    rows += [Row(Submission("fay", "f", "f"), _unfinished(Grades("98", state="waiting")))]
    rows += missing(rows, ["98"], Roster())
    assert [(row.submission.student, row.grades.state, row.points) for row in rows[5:]] == [
        ("eve", "unsure", None)
    ]
    batch = Batch(tuple(rows), {"98": Lesson.read(demo, "98")}, ())
    assert write_canvas(batch, tmp_path, {"98": "4711"}) == 5
    lines = (tmp_path / "gradebook_canvas.csv").read_text().splitlines()
    assert lines[0] == "Student,ID,SIS User ID,SIS Login ID,Section,98 (4711)"
    assert [line.rpartition(",")[2] for line in lines[2:]] == ["3", "", "0", "", ""]
    assert write_moodle(batch, tmp_path) == {"98": 5}
    page = class_page(batch, page_names(["ada", "bob", "dan", "eve", "fay"]))
    assert "not graded yet" in page
    assert "dan, eve (unsure: see above)" in page


def test_a_bundle_alone_may_be_of_no_other_lesson():
    for state in ("no notebook", "unreadable"):
        rows = [Row(Submission("eve", "e", "e", bundle=True), Grades("", state=state))]
        assert [row.points for row in missing(rows, ["98"], Roster())] == [0.0]


def test_only_what_may_be_a_lesson_makes_another_lesson_unsure(demo, tmp_path):
    for name, sources, metadata in (
        ("ada/Untitled.ipynb", ("import torch", "checks = 1"), {}),
        ("bob/extra.ipynb", ("1",), {"slm": {"lesson": "55"}}),
        ("eve/work.ipynb", ("x = 1", "import os\nfrom checks import check"), {}),
        ("fay/work.ipynb", ("import slmlib.models",), {}),
        ("gus/work.ipynb", ("1",), {"slm": {"code_sha256": "0"}}),
    ):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_bytes(notebook(*sources, **metadata))
    rows, _ = _sorted_out(find(tmp_path), demo, [])
    assert not any(row.counts for row in rows)
    points = {row.submission.student: row.points for row in missing(rows, ["98"], Roster())}
    assert points == {"ada": 0.0, "bob": 0.0, "eve": None, "fay": None, "gus": None}


def test_a_lesson_that_one_of_many_handed_in_is_said(demo):
    def batch(*lessons):
        rows = [graded("ada", 3.0), graded("bob", 3.0), graded("eve", 3.0)]
        stray = graded("eve", 3.0)
        rows += [replace(stray, grades=replace(stray.grades, lesson="97"))]
        rows += missing(rows, ["97"], Roster())
        return Batch(tuple(rows), dict.fromkeys(lessons, Lesson.read(demo, "98")), ())

    sentence = "Lesson 97: 1 of 3 students; the others get 0 or nothing. `--lesson 98` leaves it out."
    assert batch("97", "98").stray_lessons == [sentence]
    assert sentence in class_page(batch("97", "98"), page_names(["ada", "bob", "eve"]))
    assert batch("97").stray_lessons == []


def test_a_name_of_many_bytes_has_a_page(tmp_path):
    names = ("\U00020000" * 70, "\U00020000" * 71)
    write_pages(Batch(tuple(graded(name, 3.0) for name in names), {}, ()), tmp_path)
    assert len(list((tmp_path / "students").iterdir())) == 2


def test_who_handed_in_nothing_does_not_hide_what_could_not_be_read():
    rows = [
        Row(Submission(f"s{number}", "", ""), Grades("98", state="nothing handed in")) for number in range(9)
    ]
    rows += [Row(Submission("eve", "e.ipynb", "e"), Grades("98", state="unreadable", problem="Empty."))]
    page = class_page(Batch(tuple(rows), {}, ()), page_names([row.submission.student for row in rows]))
    first, _, second = page.partition("<caption>Nothing handed in")
    assert first.count("<tr>") == 2
    assert "Empty." in first
    assert "s0, s1, s2" in second


def test_what_earned_nothing_is_not_listed_as_copied():
    rows = [graded(name, points, answers={"98.1": "same"}) for name, points in (("ada", 3.0), ("bob", 3.0))]
    outcomes = (Outcome("98.2", "Pairs", "pass", 2.0, 2.0), *graded("x", 0.0).grades.outcomes)
    rows += [Row(Submission("eve", "e", "e"), Grades("98", outcomes, answers={"98.1": "same"}), "eve")]
    flags = {row.submission.student: len(row.grades.flags) for row in with_copies(rows)}
    assert flags == {"ada": 1, "bob": 1, "eve": 0}


def test_pages_of_an_earlier_run_are_taken_away_and_nothing_else(tmp_path):
    out, own = tmp_path / "students", "<title>Grades of my hens</title>"
    write_pages(Batch((graded("ada", 3.0), graded("bob", 3.0)), {}, ()), tmp_path)
    (out / "hens.html").write_text(own)
    write_pages(Batch((graded("bob", 3.0),), {}, ()), tmp_path)
    assert sorted(path.name for path in out.iterdir()) == ["bob.html", "hens.html"]


def test_a_page_after_resume_says_when_things_were_graded(demo):
    rows = (graded("ada", 3.0), graded("bob", 3.0))
    page = class_page(Batch(rows, {}, (), 0.3, earlier=2), page_names(["ada", "bob"]))
    assert "2 graded, all by an earlier run" in page
    page = class_page(Batch(rows, {}, (), 7.0, earlier=1), page_names(["ada", "bob"]))
    assert "2 graded, 1 of them now, in 7 seconds" in page


def test_what_was_stopped_is_no_mistake_of_the_class(demo):
    wrong = [graded("ada", 0.0), graded("bob", 0.0, stopped=("98.1",)), graded("eve", 3.0)]
    page = class_page(
        Batch(tuple(wrong), {"98": Lesson.read(demo, "98")}, ()), page_names(["ada", "bob", "eve"])
    )
    mistakes = page[page.index("Commonest mistakes") :]
    assert "<td>No.</td><td>1</td>" in mistakes


def test_small_and_capital_letters_make_no_two_people(tmp_path):
    rows = handed_in(tmp_path, "Ada_98.ipynb") + handed_in(tmp_path / "later", "ada_97.ipynb", lesson="97")
    rows = newest_only(rows)
    assert {row.submission.student for row in rows} == {"Ada"}
    assert missing(rows, ["97", "98"], Roster()) == []
    alone = Row(Submission("ADA", "", "bundle.zip", bundle=True), Grades("", state="no notebook"))
    assert missing([*rows, alone], ["97", "98"], Roster()) == []
