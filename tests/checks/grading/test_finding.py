"""Who handed in what, from names alone; and files, read without trust."""

import errno
import io
import json
import os
import zipfile
from pathlib import Path

import pytest

from checks.grading import finding
from checks.grading.finding import find
from checks.grading.naming import attempt_in, lesson_in, names_another_lesson, without_lesson
from checks.grading.reading import Unreadable, read_notebook
from slmlib.errors import SlmError

NAMES = {
    "ada_08.ipynb": ("ada", 1, False, ""),
    "08_training_loop_ada_lovelace.ipynb": ("ada lovelace", 1, False, ""),
    "ada/08_training_loop.ipynb": ("ada", 1, False, ""),
    "08/ada.ipynb": ("ada", 1, False, ""),
    "lesson_08/ada/final.ipynb": ("ada", 1, False, ""),
    "ada_08 (1).ipynb": ("ada", 2, False, ""),
    "ada_08.ipynb.txt": ("ada", 1, False, ""),
    "lovelaceada_4711_90210_08_training_loop.ipynb": ("lovelaceada", 1, False, "4711"),
    "lovelaceada_LATE_4711_90210_08_training_loop-2.ipynb": ("lovelaceada", 3, True, "4711"),
    "Ada Lovelace_77_assignsubmission_file_/08_training_loop.ipynb": ("Ada Lovelace", 1, False, "77"),
    "Ada Lovelace_77_assignsubmission_file/sub/x.ipynb": ("Ada Lovelace", 1, False, "77"),
    "ada_02_20261130_final.ipynb": ("ada 20261130", 1, False, ""),
    "ada_02_1931_final.ipynb": ("ada", 1, False, "02"),  # no day: numbers of Canvas
    "08_training_loop.ipynb": ("08_training_loop", 1, False, ""),
    "Data_03.ipynb": ("Data", 1, False, ""),
    "ada-08.ipynb": ("ada", 1, False, ""),
    "ada-02-1.ipynb": ("ada", 2, False, ""),
    "ada_08-10.ipynb": ("ada", 11, False, ""),
    "section_A/ada_02.ipynb": ("ada", 1, False, ""),
    "fall.2026/ada_02.ipynb": ("ada", 1, False, ""),
    "week2/ada/02_tokenizer.ipynb": ("ada", 1, False, ""),
    "group 3/ada/02_tokenizer.ipynb": ("ada", 1, False, ""),
    "ada/week2/02_tokenizer.ipynb": ("ada", 1, False, ""),
    "ada/02_tokenizer_v2.ipynb": ("ada", 1, False, ""),
    "ada/tokenizer/my attempt.ipynb": ("ada", 1, False, ""),
    "ada/bpe.ipynb": ("ada", 1, False, ""),
    "ada/02_bpe.ipynb": ("ada", 1, False, ""),
    "02_ada.ipynb": ("ada", 1, False, ""),
    "group 3/02_tokenizer.ipynb": ("group 3", 1, False, ""),
    "李雷/08.ipynb": ("李雷", 1, False, ""),
    "parth_02.ipynb": ("parth", 1, False, ""),
    "PARTH/02_tokenizer.ipynb": ("PARTH", 1, False, ""),
    "sectionA/ada/02.ipynb": ("ada", 1, False, ""),
    "labs/section-b/02_ada.ipynb": ("ada", 1, False, ""),
    "ada/02_tokenizer_2026-10-30.ipynb": ("ada", 1, False, ""),
    "ada/02_tokenizer_2026-10.ipynb": ("ada", 1, False, ""),
    "ada/2026-10-30_02_tokenizer-1.ipynb": ("ada", 2, False, ""),
    "ada_02_2026_fall.ipynb": ("ada 2026 fall", 1, False, ""),
    "ada_12_2026_fall.ipynb": ("ada 2026 fall", 1, False, ""),
    "ada_02_1130_tokenizer.ipynb": ("ada 1130", 1, False, ""),
    "ada_08_late.ipynb": ("ada", 1, False, ""),
    "ada_08_corrected.ipynb": ("ada", 1, False, ""),
    "zoe\u0308_08.ipynb": ("zo\u00eb", 1, False, ""),  # as macOS writes it
}


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("name", NAMES)
def test_the_student_is_read_from_the_names(tmp_path, name, packed):
    if packed:
        with zipfile.ZipFile(tmp_path / "export.zip", "w") as archive:
            archive.writestr(name, "{}")
        (one,) = find(tmp_path / "export.zip")
    else:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("{}")
        (one,) = find(tmp_path)
    assert (one.student, one.attempt, one.late, one.person) == NAMES[name]
    assert one.read() == b"{}"


def test_a_folder_that_holds_several_names_is_nobody(tmp_path):
    files = ("mit_6.5940/ada.ipynb", "mit_6.5940/bob.ipynb", "late/carol.ipynb", "dan/bpe.ipynb")
    for name in (*files, "dan/02_pairs.ipynb", "dan/03_row.ipynb"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("{}")
    assert [one.student for one in find(tmp_path)] == ["ada", "bob", "carol", "dan", "dan", "dan"]


FOLDERS = {
    # A folder that is all that names one of its files is a person, for its other files as well.
    ("ada/corrected_02.ipynb", "ada/03_embeddings.ipynb"): ["ada", "ada?"],
    ("ada/corrected_02.ipynb", "bob/02_tokenizer.ipynb"): ["ada?", "bob"],
    ("ada/scratch_02.ipynb", "ada/backup_02.ipynb", "bob/02_tokenizer.ipynb"): ["backup?", "bob", "scratch?"],
    # Several names in one folder, or one name in several: nobody can know.
    ("ada/corrected_02.ipynb", "ada/better_03.ipynb"): ["better?", "corrected?"],
    ("ada/corrected_02.ipynb", "bob/corrected_02.ipynb"): ["ada?", "bob?"],
    # What stands in everybody's folder names nobody.
    ("ada/corrected_02.ipynb", "bob/corrected_02.ipynb", "eve/corrected_02.ipynb"): ["ada", "bob", "eve"],
    ("ada/for-students/lessons/02_tokenizer.ipynb", "bob/for-students/lessons/02_tokenizer.ipynb"): [
        "ada",
        "bob",
    ],
    ("TA Kim/ada_02.ipynb", "TA Kim/bob_02.ipynb", "TA Lee/ada_02.ipynb", "TA Lee/eve_02.ipynb"): [
        "ada",
        "ada",
        "bob",
        "eve",
    ],
    # Numbers, logins, initials; the names of tasks, and of further tries.
    ("12/02_tokenizer.ipynb", "23/02_tokenizer.ipynb"): ["12", "23"],
    ("week1/12/02_tokenizer.ipynb", "week1/23/02_tokenizer.ipynb"): ["12", "23"],
    ("hw_1_02_ada.ipynb", "hw_1_02_bob.ipynb", "ada_2026_03_02_tokenizer.ipynb"): ["ada", "ada 2026", "bob"],
    ("Ada Low/alow_02.ipynb", "Bob Byte/bbyte_02.ipynb", "Eve Evil/02_tokenizer.ipynb"): [
        "Ada Low",
        "Bob Byte",
        "Eve Evil",
    ],
    ("Ada Low/02_tokenizer_AL.ipynb", "Bob Byte/02_tokenizer-Copy1.ipynb"): ["Ada Low", "Bob Byte"],
    ("hw1-ada/02_tokenizer.ipynb", "hw2-ada/03_embeddings.ipynb", "tokenizer-bob/02.ipynb"): [
        "ada",
        "ada",
        "bob",
    ],
    # One name each in folder and file: the file's, and nothing to confuse it with.
    ("s1/ada_02.ipynb", "s2/bob_02.ipynb", "s1/ada_03.ipynb"): ["ada", "ada", "bob"],
    ("cs101/ada_02.ipynb", "cs101/bob_02.ipynb", "cs102/eve_02.ipynb"): ["ada", "bob", "eve"],
    ("lab02/ada_02.ipynb", "lab03/ada_03.ipynb", "hw 4/bob_04.ipynb"): ["ada", "ada", "bob"],
    ("ada/ada_02.ipynb", "bob/02_tokenizer.ipynb", "bob/03_row.ipynb"): ["ada", "bob", "bob"],
    # Names that begin as a group's does.
    tuple(f"cs101/{name}_02.ipynb" for name in ("ANDAY", "PARTH", "dayo", "hwa", "parthi", "unity")): [
        "ANDAY",
        "dayo",
        "hwa",
        "PARTH",
        "parthi",
        "unity",
    ],
}


@pytest.mark.parametrize("files", FOLDERS)
def test_a_folder_and_a_file_of_two_names_are_for_a_human_to_decide(tmp_path, files):
    for name in files:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("{}")
    assert [one.student + "?" * len(one.doubts) for one in find(tmp_path)] == FOLDERS[files]


def test_a_zip_of_the_class_inside_the_folder_is_nobody(tmp_path):
    with zipfile.ZipFile(tmp_path / "handed_in_on_monday.zip", "w") as archive:
        for name in ("ada_02.ipynb", "bob_02.ipynb"):
            archive.writestr(name, "{}")
    assert [one.student for one in find(tmp_path)] == ["ada", "bob"]


def test_a_number_equal_to_the_lesson_is_no_attempt():
    assert attempt_in("ada-98.ipynb", "98") == 1
    assert attempt_in("ada-98.ipynb", "02") == 99
    assert attempt_in("98_demo-98.ipynb", "98") == 99
    assert attempt_in("x/ada-1.ipynb", "01") == 2


def test_a_file_named_after_another_lesson():
    others = ("06_attention", "ada_06")
    own = ("student07_02_tokenizer", "hw06_02_ada", "2026-06-02_ada", "group_03_02", "hw06_ada", "ada")
    assert [name for name in (*others, *own) if names_another_lesson(f"{name}.ipynb", "02")] == list(others)


def test_a_name_without_its_lesson():
    told = {
        "ada 02": "ada",
        "02 tokenizer ada": "ada",
        "student 2 02": "student 2",
        "ada 2": "ada",
        "02": "02",
    }
    assert {name: without_lesson(name, "02") for name in told} == told


def test_a_zip_of_one_student_names_the_student(tmp_path):
    with zipfile.ZipFile(tmp_path / "ada.zip", "w") as archive:
        archive.writestr("08_training_loop.ipynb", "{}")
        archive.writestr("__MACOSX/._08_training_loop.ipynb", "rubbish")
        archive.writestr(".ipynb_checkpoints/08_training_loop-checkpoint.ipynb", "{}")
    assert [one.student for one in find(tmp_path)] == ["ada"]


def test_a_zip_that_was_uploaded_again_is_of_the_same_student(tmp_path):
    for name in ("ada.zip", "ada (1).zip"):
        with zipfile.ZipFile(tmp_path / name, "w") as archive:
            archive.writestr("08_training_loop.ipynb", "{}")
    assert {(one.student, one.told_by) for one in find(tmp_path)} == {("ada", "ada")}


class FromMacOS(zipfile.ZipInfo):
    """An entry whose name is UTF-8, which its head does not say."""

    def _encodeFilenameFlags(self):
        return self.filename.encode("utf-8"), self.flag_bits & ~0x800


def test_an_umlaut_in_a_zip_is_the_one_on_the_disk(tmp_path):
    with zipfile.ZipFile(tmp_path / "class.zip", "w") as archive:
        archive.writestr(FromMacOS("Zo\u00eb_08.ipynb"), "{}")
    (tmp_path / "Zo\u00eb_09.ipynb").write_text("{}")
    found = find(tmp_path)
    assert {one.student for one in found} == {"Zo\u00eb"}
    assert [one.read() for one in found] == [b"{}", b"{}"]


@pytest.mark.parametrize(
    "hidden", [".venv/lib/02_x.ipynb", ".local/share/Trash/files/02.ipynb", "node_modules/02.ipynb"]
)
def test_what_lies_in_a_hidden_folder_was_not_handed_in(tmp_path, hidden):
    (tmp_path / "ada" / hidden).parent.mkdir(parents=True)
    for name in ("ada/02_tokenizer.ipynb", f"ada/{hidden}"):
        (tmp_path / name).write_text("{}")
    with zipfile.ZipFile(tmp_path / "bob.zip", "w") as archive:
        archive.writestr("02_tokenizer.ipynb", "{}")
        archive.writestr(hidden, "{}")
    assert [one.student for one in find(tmp_path)] == ["ada", "bob"]


def test_a_zip_with_too_many_notebooks_says_so_and_other_files_do_not_count(tmp_path, monkeypatch):
    monkeypatch.setattr(finding, "MOST_ENTRIES", 3)
    with zipfile.ZipFile(tmp_path / "class.zip", "w") as archive:
        for number in range(9):
            archive.writestr(f"a/{number}.html", "")
        for student in ("ada", "bob", "carol"):
            archive.writestr(f"{student}/02_tokenizer.ipynb", "{}")
    assert [one.student for one in find(tmp_path / "class.zip")] == ["ada", "bob", "carol"]
    with zipfile.ZipFile(tmp_path / "class.zip", "a") as archive:
        archive.writestr("dave/02_tokenizer.ipynb", "{}")
    *others, last = sorted(find(tmp_path / "class.zip"), key=lambda one: bool(one.problem))
    assert [one.student for one in others] == ["ada", "bob", "carol"]
    assert last.problem == "The zip holds more than 3 files to grade; the others were not looked at."


@pytest.mark.parametrize("packed", [False, True])
def test_a_notebook_that_was_compressed_alone_is_read(tmp_path, packed):
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr("08_training_loop.ipynb", "{}")
    if packed:
        with zipfile.ZipFile(tmp_path / "class.zip", "w") as archive:
            archive.writestr("ada_08.ipynb.zip", inner.getvalue())
    else:
        (tmp_path / "ada_08.ipynb.zip").write_bytes(inner.getvalue())
    (one,) = find(tmp_path)
    assert (one.student, one.read()) == ("ada", b"{}")


def test_the_order_does_not_depend_on_the_disk(tmp_path):
    for name in ("b_02.ipynb", "A_02.ipynb", "c/02.ipynb", "a_03.ipynb"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("{}")
    assert [one.file for one in find(tmp_path)] == ["A_02.ipynb", "a_03.ipynb", "b_02.ipynb", "c/02.ipynb"]


def test_what_is_no_notebook_is_named(tmp_path):
    for name in ("ada_02.ipynb", "ada_02.py", "bob/bob_02.rar", ".DS_Store", ".ipynb_checkpoints/x.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("{}")
    with zipfile.ZipFile(tmp_path / "class.zip", "w") as archive:
        archive.writestr("eve/02.html", "")
    skipped = []
    assert [one.student for one in find(tmp_path, skipped.append)] == ["ada"]
    assert skipped == ["ada_02.py", "bob/bob_02.rar", "class.zip!eve/02.html"]


def test_nothing_to_grade_is_said(tmp_path):
    with pytest.raises(SlmError, match="no notebook"):
        find(tmp_path)
    with pytest.raises(SlmError, match="no folder"):
        find(tmp_path / "missing")


def test_a_file_that_may_not_be_read_is_a_sentence(tmp_path):
    (tmp_path / "ada_02.ipynb").write_text("{}")
    (one,) = find(tmp_path)
    os.remove(tmp_path / "ada_02.ipynb")
    with pytest.raises(Unreadable, match="cannot be read"):
        one.read()


def test_a_folder_that_may_only_be_listed_is_a_row_for_each_file(tmp_path, monkeypatch):
    for name in ("ada_02.ipynb", "bob/02_tokenizer.ipynb", "bob/more"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("{}")
    look = Path.stat

    def refused(self, **options):
        if self.parent.name == "bob":  # as in a folder of the mode 0744; root may enter it all the same
            raise PermissionError(errno.EACCES, "Permission denied", str(self))
        return look(self, **options)

    monkeypatch.setattr(Path, "stat", refused)
    assert [(one.file, one.problem) for one in find(tmp_path)] == [
        ("ada_02.ipynb", ""),
        ("bob/02_tokenizer.ipynb", "It cannot be looked at (Permission denied)."),
        ("bob/more", "It cannot be looked at (Permission denied)."),
    ]


def test_the_lesson_in_a_name():
    assert lesson_in("ada_08.ipynb") == "08"
    assert lesson_in("x/2024_ada.ipynb") == ""
    assert lesson_in("08/ada.ipynb") == ""


def notebook(*sources, **metadata):
    cells = [{"cell_type": "code", "source": source, "metadata": {}} for source in sources]
    return json.dumps({"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}).encode()


def test_the_lesson_is_what_the_metadata_say_else_what_the_cells_check():
    assert read_notebook(notebook("1", slm={"lesson": "06"})).lesson == "06"
    assert read_notebook(notebook("check('02.1')", 'check("02.2")', 'check("03.1")')).lesson == "02"
    assert read_notebook(notebook("1")).lesson == ""


def test_another_language_is_a_remark():
    read = read_notebook(notebook("1", kernelspec={"language": "R", "name": "ir"}))
    assert "another language (R)" in read.remarks[0]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"),
        (b"{", "not valid JSON"),
        (b"[]", "without cells"),
        (b'{"cells": 3}', "without cells"),
        (b'{"cells": []}', "not one code cell"),
        (b'{"a": 1' + b"0" * 5000 + b"}", "not valid JSON"),
        (b" " * (64 * 2**20 + 1), "MB"),
    ],
)
def test_what_is_no_notebook_is_said(data, words):
    with pytest.raises(Unreadable, match=words):
        read_notebook(data)


def damaged_zip(name: str, content: bytes, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip whose list of contents is whole and whose compressed bytes are not: not zipfile's error, but its method's."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", method) as archive:
        archive.writestr(name, content)
    data = bytearray(packed.getvalue())
    start = 30 + len(name)  # what stands before an entry has 30 bytes and its name
    place = start + 9 * (method == zipfile.ZIP_LZMA)  # behind the head of LZMA's own
    data[place : place + 4] = b"\xff" * 4
    return bytes(data)


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_notebook_in_a_damaged_zip_cannot_be_read(tmp_path, method):
    (tmp_path / "ada.zip").write_bytes(damaged_zip("02_tokenizer.ipynb", b"{}" * 2000, method))
    (one,) = find(tmp_path)
    with pytest.raises(Unreadable, match="cannot be read"):
        one.read()


def test_a_damaged_zip_in_the_zip_of_the_class_is_one_row_and_the_others_stay(tmp_path):
    (tmp_path / "class.zip").write_bytes(damaged_zip("bob/bob.zip", b"PK" * 2000))
    (tmp_path / "ada_02.ipynb").write_text("{}")
    problems = {one.student: one.problem for one in find(tmp_path)}
    assert problems["ada"] == ""
    assert "The zip cannot be opened" in problems["bob"]
