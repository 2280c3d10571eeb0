"""A class from the folder to the gradebook: who is missing, what changed, what was copied, and what goes on."""

import contextlib
import csv
import datetime
import json
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from checks.__main__ import main as checks_main
from checks.building.build import Lesson
from checks.bundle import write_bundle
from checks.course import Course
from checks.exercise import Exercise
from checks.grading import Grades, Settings, grade, rehearsal, workers
from checks.grading.batch import JUDGES, _key, _sorted_out, _stored, grade_folder
from checks.grading.cli import _moment
from checks.grading.finding import find
from checks.grading.gradebook import write_canvas, write_gradebook, write_moodle
from checks.grading.lifted import answers_in, written_by_hand
from checks.grading.pages import class_page, page_names, student_page, write_pages
from checks.grading.people import missing
from checks.grading.reading import read_notebook
from checks.grading.roster import Roster
from checks.grading.session import GradingError
from checks.grading.workers import Job, run_jobs
from checks.judging import Outcome

from ..conftest import DEMO

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))
from book import Book  # noqa: E402

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the rooms' walls are Linux'")
SETTINGS = Settings(cell_seconds=10, total_seconds=30)

OWN = """
def count_pairs(ids):
    table = {}
    for place in range(len(ids) - 1):
        pair = (ids[place], ids[place + 1])
        if pair not in table:
            table[pair] = 0
        table[pair] += 1
    return table
"""
RENAMED = OWN.replace("table", "seen").replace("place", "i").replace("    seen = {}", "    seen = {}  # mine")


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    root = tmp_path_factory.mktemp("course") / "demo"
    shutil.copytree(DEMO, root)
    return Course(root)


@pytest.fixture
def here(course, monkeypatch):
    monkeypatch.setenv("SLM_COURSE", str(course.root))
    return course


@pytest.fixture(scope="module")
def graded(course, tmp_path_factory):
    """Four students: ada and bob share an answer, carol handed in twice, dave nothing that can be read."""
    folder = tmp_path_factory.mktemp("class")
    submissions, out = folder / "submissions", folder / "grades"
    lesson = Lesson.read(course, "98")
    for name, answer in (("ada", OWN), ("bob", RENAMED), ("carol", OWN.replace("+= 1", "= 1"))):
        book = Book(lesson)
        book.write("98.2", answer)
        (submissions / name).mkdir(parents=True)
        (submissions / name / "98_demo.ipynb").write_bytes(book.bytes())
    book = Book(lesson)
    book.undo("98.1")
    (submissions / "carol" / "98_demo-1.ipynb").write_bytes(book.bytes())
    (submissions / "dave_98.ipynb").write_text("no notebook")
    said = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SLM_COURSE", str(course.root))
        batch = grade_folder(submissions, out, SETTINGS, 2, say=said.append)
    return batch, folder, said


def rows(batch, student):
    return [row for row in batch.rows if row.submission.student == student]


def test_points_are_given_an_exercise_at_a_time(graded):
    (ada,) = rows(graded[0], "ada")
    assert [outcome.earned for outcome in ada.grades.outcomes] == [3, 2]
    assert (ada.grades.points, ada.grades.possible) == (5, 5)
    newest = next(row for row in rows(graded[0], "carol") if row.counts)
    assert [outcome.state for outcome in newest.grades.outcomes] == ["to do", "pass"]


def test_the_newest_of_two_counts_and_the_other_is_a_row(graded):
    old, new = sorted(rows(graded[0], "carol"), key=lambda row: row.submission.attempt)
    assert (old.grades.state, new.grades.state) == ("replaced", "graded")
    assert "98_demo-1.ipynb counts" in old.grades.problem


def test_shared_code_is_flagged_with_its_owner_and_costs_nothing(graded):
    for student, other in (("ada", "bob"), ("bob", "ada")):
        (row,) = rows(graded[0], student)
        assert row.grades.points == 5
        sentences = [flag.sentence for flag in row.grades.flags if flag.exercise == "98.2"]
        assert sentences == [f"The code is the same as that of {other}, but for names and layout."]


def test_our_own_solution_is_recognised(graded):
    (row,) = rows(graded[0], "ada")
    assert any(flag.exercise == "98.1" and "our solution" in flag.sentence for flag in row.grades.flags)


def test_progress_tells_the_time_left(graded):
    said = graded[2]
    assert "5 of 5 points" in said[1]
    assert any(line.startswith("[1/3]") and "left" in line for line in said)
    assert "left" not in said[-1]


def test_the_platforms_files(graded, tmp_path):
    batch = graded[0]
    write_gradebook(batch, tmp_path)
    write_canvas(batch, tmp_path)
    write_moodle(batch, tmp_path)
    canvas = list(csv.reader((tmp_path / "gradebook_canvas.csv").read_text().splitlines()))
    assert canvas[1][0].strip() == "Points Possible"
    assert {line[0]: line[-1] for line in canvas[2:]} == {"ada": "5", "bob": "5", "carol": "2", "dave": ""}
    moodle = list(csv.DictReader((tmp_path / "gradebook_moodle_98.csv").read_text().splitlines()))
    assert {line["Full name"]: line["Grade"] for line in moodle} == {
        "ada": "5",
        "bob": "5",
        "carol": "2",
        "dave": "",
    }
    book = json.loads((tmp_path / "gradebook.json").read_text())
    assert [row["points"] for row in book["rows"] if row["student"] == "ada"] == [5]


def test_a_students_page_names_the_mistake_and_nobody_else(graded):
    batch, _, _ = graded
    page = student_page("ada", rows(batch, "ada"), batch)
    assert "bob" not in page
    page = student_page("carol", rows(batch, "carol"), batch)
    assert "Hints for 98.1 Causal weights" in page
    assert "Hint 1 of 3" in page
    assert "Not done yet." in page


def test_pages_of_two_students_never_share_a_name():
    names = page_names(["Ada B", "ada_b", "../x", "", "李雷"])
    assert len(set(names.values())) == 5
    assert not any("/" in name for name in names.values())


def test_resume_grades_only_what_changed(graded, here, tmp_path):
    _, folder, _ = graded
    shutil.copytree(folder, tmp_path / "again")
    folder = tmp_path / "again"
    said = []
    batch = grade_folder(folder / "submissions", folder / "grades", SETTINGS, 1, resume=True, say=said.append)
    assert not any(line.startswith("[") for line in said)
    assert [row.grades.points for row in batch.rows] == [row.grades.points for row in graded[0].rows]
    path = folder / "submissions" / "bob" / "98_demo.ipynb"
    path.write_text(path.read_text().replace("+= 1", "+= 2"))
    said.clear()
    batch = grade_folder(folder / "submissions", folder / "grades", SETTINGS, 1, resume=True, say=said.append)
    assert [line.partition(",")[0] for line in said if line.startswith("[")] == ["[1/1] bob"]
    write_pages(batch, folder / "grades")


def test_results_of_other_stories_or_another_device_are_not_kept(graded, here, monkeypatch):
    (row,) = rows(graded[0], "ada")
    keys = set()
    for name, value in (
        ("SLM_DEVICE", ""),
        ("SLM_DEVICE", "cpu"),
        ("SLM_CORPUS", "a.txt"),
        ("SLM_CORPUS", "b.txt"),
    ):
        monkeypatch.setenv(name, value)
        keys.add(_key(row, graded[0].lessons["98"], SETTINGS))
    assert len(keys) == 4


def test_results_of_other_judges_are_not_kept(graded, here, monkeypatch, tmp_path):
    (row,) = rows(graded[0], "ada")
    keys = set()
    for text in ("You forgot it.", "You forgot the mask."):
        judge = tmp_path / f"{len(text)}.py"
        judge.write_text(text)
        monkeypatch.setattr("checks.grading.batch.JUDGES", (judge,))
        keys.add(_key(row, graded[0].lessons["98"], SETTINGS))
    assert len(keys) == 2
    assert {"axes.py", "judging.py", "plain.py"} <= {path.name for path in JUDGES if path.is_file()}


def test_a_damaged_result_is_graded_again(graded, tmp_path):
    _, folder, _ = graded
    shutil.copytree(folder / "grades" / "results", tmp_path / "results")
    paths = sorted(path for path in (tmp_path / "results").iterdir() if path.name != "room.json")
    keys = {place: path.stem for place, path in enumerate(paths)}
    assert set(_stored(tmp_path / "results", keys)) == {0, 1, 2}
    paths[0].write_text("{")
    paths[1].write_text('{"outcomes": 3}')
    assert set(_stored(tmp_path / "results", keys)) == {2}


def test_a_lesson_that_was_not_handed_in_is_a_row_of_zero(graded, here, tmp_path):
    batch = graded[0]
    found = missing(list(batch.rows), ["97", "98"], Roster())
    assert {(row.submission.student, row.grades.lesson) for row in found} == {
        (student, "97") for student in ("ada", "bob", "carol", "dave")
    }
    nothing = ("nothing handed in", 0.0)
    states = {row.submission.student: (row.grades.state, row.points) for row in found}
    assert states == dict.fromkeys(("ada", "bob", "carol"), nothing) | {"dave": ("unsure", None)}


def test_who_hands_in_only_the_bundle_is_a_row(here, tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "ada_98.ipynb").write_text("no notebook")
    write_bundle(folder / "zoe_98_submission.zip", {"format": 1, "lesson": "98"}, {})
    batch = grade_folder(folder, tmp_path / "out", SETTINGS, 1, say=lambda line: None)
    (zoe,) = rows(batch, "zoe")
    assert (zoe.grades.state, zoe.grades.points) == ("no notebook", 0)
    assert "both are needed" in zoe.grades.problem


@pytest.mark.parametrize("column", ["", "#text"])
def test_the_rooms_see_the_corpus(tmp_path, monkeypatch, column):
    (tmp_path / "stories.jsonl").write_text("{}")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SLM_CORPUS", f"stories.jsonl{column}")
    assert Settings().environment()["SLM_CORPUS"] == f"{tmp_path / 'stories.jsonl'}{column}"
    assert str(tmp_path / "stories.jsonl") in Settings().sandbox("root").visible
    monkeypatch.delenv("SLM_CORPUS")
    assert not {".", str(tmp_path)} & set(Settings().sandbox("root").visible)


def test_two_people_do_not_become_one(course, tmp_path):
    for name in ("mia_homework_98.ipynb", "mia_solution_98.ipynb", "bo_98.ipynb", "bo_98_final.ipynb"):
        (tmp_path / name).write_bytes(Book(Lesson.read(course, "98")).bytes())
    rows, _ = _sorted_out(find(tmp_path), course, ())
    assert sorted((row.submission.student, row.grades.state) for row in rows) == [
        ("bo", "replaced"),
        ("bo", "waiting"),
        ("mia homework", "waiting"),
        ("mia solution", "waiting"),
    ]


def test_a_solution_that_does_not_pass_here_stops_the_batch(course, monkeypatch, tmp_path):
    shutil.copytree(course.root, tmp_path / "course")
    path = tmp_path / "course" / "solutions" / "98_demo.py"
    path.write_text(path.read_text().replace("diagonal=1", "diagonal=2"))
    monkeypatch.setenv("SLM_COURSE", str(tmp_path / "course"))
    (tmp_path / "submissions").mkdir()
    (tmp_path / "submissions" / "ada_98.ipynb").write_bytes(Book(Lesson.read(course, "98")).bytes())
    with pytest.raises(GradingError, match=r"Our own solution of 98\.1 does not pass"):
        grade_folder(tmp_path / "submissions", tmp_path / "out", SETTINGS, 1, say=lambda line: None)


@pytest.mark.parametrize("shown", ["course", "in", "out"])
def test_nothing_is_graded_where_notebooks_could_read_it(course, monkeypatch, tmp_path, shown):
    from checks.grading import batch as batches
    from checks.grading import sandbox

    shutil.copytree(course.root, tmp_path / "course")
    monkeypatch.setenv("SLM_COURSE", str(tmp_path / "course"))
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "ada_98.ipynb").write_bytes(Book(Lesson.read(course, "98")).bytes())
    monkeypatch.setattr(batches, "Zygote", lambda environment: contextlib.nullcontext())
    monkeypatch.setattr(batches, "best_kind", lambda *_: "root")
    monkeypatch.setattr(sandbox, "_system_paths", lambda: (str(tmp_path / shown),))
    with pytest.raises(GradingError, match=f"{tmp_path / shown}, which every notebook can read"):
        grade_folder(tmp_path / "in", tmp_path / "out", SETTINGS, 1, say=lambda line: None)


def test_no_run_of_our_own_solution_is_given_to_students(course, monkeypatch, tmp_path):
    def run(notebook, lesson, zygote, sandbox, settings):
        for name in ("runs/lesson_98/model", "data/stories"):
            (Path(sandbox.keep) / name).parent.mkdir(parents=True)
            (Path(sandbox.keep) / name).write_text("x")
        return Grades("98")

    monkeypatch.setattr(rehearsal, "mark", run)
    prepared = rehearsal.grade_solutions([Lesson.read(course, "98")], None, SETTINGS, "plain", tmp_path)
    assert [path.name for path in Path(prepared["98"]).iterdir()] == ["data"]


def test_a_worker_that_dies_costs_one_row(here, tmp_path, monkeypatch):
    lesson = Lesson.read(here, "98")
    (tmp_path / "s").mkdir()
    for name in ("a", "b"):
        (tmp_path / "s" / f"{name}_98.ipynb").write_bytes(Book(lesson).bytes())
    jobs = [Job(one, "98") for one in find(tmp_path / "s")]
    give = workers._Worker.give

    def give_and_kill(self, index, job):
        give(self, index, job)
        if index == 0:
            self._process.kill()

    monkeypatch.setattr(workers._Worker, "give", give_and_kill)
    results = dict(run_jobs(jobs, SETTINGS, "root", 1))
    assert results[0].state == "grader failed"
    assert "ended unexpectedly" in results[0].problem
    assert results[1].points == 5


def test_one_call_for_those_who_script(course, here, tmp_path):
    path = tmp_path / "ada.ipynb"
    path.write_bytes(Book(Lesson.read(course, "98")).bytes())
    grades = grade(path, SETTINGS)
    assert (grades.points, grades.lesson, grades.state) == (5, "98", "graded")
    assert "98.1 Causal weights: 3 of 3" in repr(grades)


def test_the_command_grades_a_folder(course, here, tmp_path):
    (tmp_path / "handed-in").mkdir()
    (tmp_path / "handed-in" / "ada_98.ipynb").write_bytes(Book(Lesson.read(course, "98")).bytes())
    command = [sys.executable, "-m", "checks", "grade", "handed-in", "--jobs", "1"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "handed-in-grades" / "students" / "ada.html").exists()
    assert "ada, lesson 98: 5 of 5 points" in done.stdout
    missing = subprocess.run([*command[:4], "nowhere"], cwd=tmp_path, capture_output=True, text=True)
    assert missing.returncode == 2
    assert "There is no folder nowhere" in missing.stderr


FINGERPRINTS = [
    (OWN, RENAMED, True),
    (
        OWN,
        OWN.replace("count_pairs(ids)", "count_pairs(ids: list) -> dict").replace(
            "    table = {}", '    """Mine."""\n    table = {}'
        ),
        True,
    ),
    (OWN, OWN.replace("+= 1", "+= 2"), False),
    (OWN, OWN.replace("place + 1", "1 + place"), False),
]


@pytest.mark.parametrize(("one", "other", "equal"), FINGERPRINTS)
def test_a_fingerprint_sees_through_names_and_layout_only(course, one, other, equal):
    def fingerprint(source):
        book = Book(Lesson.read(course, "98"))
        book.write("98.2", source)
        found = answers_in(read_notebook(book.bytes()), course.exercises("98"))["98.2"]
        assert found.large
        return found.fingerprint

    assert (fingerprint(one) == fingerprint(other)) is equal


@pytest.mark.parametrize(
    ("source", "flagged"),
    [
        ("losses = [4.0, 3.5, 3.0, 2.5, 2.0, 1.5]", True),
        ("losses = [4.0, 3.0] + [2.0, 1.5, -1.0]", True),
        ("losses = []", False),
        ("losses = [step(batch) for batch in batches]", False),
        ("losses = [first, 2.0, 3.0, 4.0, 5.0, 6.0]", False),
        ("my_losses = [4.0, 3.5, 3.0, 2.5, 2.0, 1.5]", False),
    ],
)
def test_losses_written_by_hand_are_put_before_the_instructor(course, source, flagged):
    class Curves(Exercise):
        id, title, asks_for = "lab.3", "Training", ("losses", "val_losses")

    book = Book(Lesson.read(course, "98"))
    book.last(source)
    flags = written_by_hand(read_notebook(book.bytes()), [Curves()])
    assert [flag.sentence for flag in flags] == ["`losses` is written by hand, not computed."] * flagged


def test_what_lies_in_lessons_besides_the_students_notebooks_is_not_released(built, tmp_path):
    from checks.grading.release import release

    root = tmp_path / "course"
    shutil.copytree(built.root, root)
    shutil.copy(root / "solutions" / "98_demo.ipynb", root / "lessons" / "98_demo.ipynb")
    shutil.copy(root / "solutions" / "98_demo.ipynb", root / "lessons" / "98_demo_solved.ipynb")
    (root / "lessons" / "notes.md").write_text("who cheated")
    (root / "checks" / "exercises" / "points.py").write_text("who cheated")
    release(tmp_path / "bundle", Course(root))
    assert [path.name for path in (tmp_path / "bundle" / "lessons").iterdir()] == ["98_demo.ipynb"]
    assert (tmp_path / "bundle" / "lessons" / "98_demo.ipynb").read_text() == (
        built.root / "lessons" / "98_demo.ipynb"
    ).read_text()
    assert not (tmp_path / "bundle" / "checks" / "exercises" / "points.py").exists()


def test_what_git_does_not_know_is_not_released(built, tmp_path):
    from checks.grading.release import release

    root = tmp_path / "course"
    shutil.copytree(built.root, root)
    (root / "slmlib" / "deep").mkdir(parents=True)
    for name in ("known.py", "deep/known.py"):
        (root / "slmlib" / name).write_text("")
    release(tmp_path / "before", Course(root))
    assert (tmp_path / "before" / "slmlib" / "deep" / "known.py").exists(), "without git all of it goes along"
    subprocess.run(["git", "-C", root, "init", "-q"], check=True)
    assert "Left out" not in release(tmp_path / "untracked", Course(root)), (
        "a course that nobody added to git"
    )
    assert (tmp_path / "untracked" / "slmlib" / "deep" / "known.py").exists()
    subprocess.run(["git", "-C", root, "add", "-A"], check=True)
    for name in ("answers of 06.py", "deep/grün.md", ".gitignore"):
        (root / "slmlib" / name).write_text("answers*")
    subprocess.run(["git", "init", "-q", root / "slmlib" / "another"], check=True)
    said = release(tmp_path / "bundle", Course(root))
    wanted = ".gitignore", "another/", "answers of 06.py", "deep/grün.md"
    assert f"Left out, as git does not track them: {', '.join(f'slmlib/{name}' for name in wanted)}" in said
    assert [path.name for path in (tmp_path / "bundle" / "slmlib").rglob("*.*")] == ["known.py", "known.py"]
    assert not (tmp_path / "bundle" / "slmlib" / "another").exists()


def test_an_interruption_leaves_a_gradebook_and_pages(here, tmp_path, monkeypatch, capsys):
    from checks.grading import batch as batches

    for name in ("ada", "bob"):
        (tmp_path / "s").mkdir(exist_ok=True)
        (tmp_path / "s" / f"{name}_98.ipynb").write_bytes(Book(Lesson.read(here, "98")).bytes())

    def interrupted(*_):
        yield 0, Grades("98", (Outcome("98.1", "Causal weights", "pass", 3.0, 3.0),))
        raise KeyboardInterrupt

    monkeypatch.setattr(batches, "_prepare", lambda needed, *_: ("root", {"98": ""}))
    monkeypatch.setattr(batches, "run_jobs", interrupted)
    assert checks_main(["grade", str(tmp_path / "s"), "--out", str(tmp_path / "out"), "--canvas"]) == 2
    said = capsys.readouterr()
    assert "Stopped: 1 files are not graded yet." in said.err
    assert "2 students without a Canvas ID" in said.out
    rows = list(csv.DictReader((tmp_path / "out" / "gradebook.csv").read_text().splitlines()))
    assert [(row["student"], row["state"], row["points"]) for row in rows] == [
        ("ada", "graded", "3"),
        ("bob", "not graded yet", ""),
    ]
    assert "Grading was stopped before the end" in (tmp_path / "out" / "class.html").read_text()
    assert len(list((tmp_path / "out" / "results").glob("*.json"))) == 1


def test_a_result_of_a_starved_notebook_is_not_kept(here, tmp_path, monkeypatch):
    from checks.grading import batch as batches

    (tmp_path / "s").mkdir()
    (tmp_path / "s" / "ada_98.ipynb").write_bytes(Book(Lesson.read(here, "98")).bytes())
    found = Grades("98", stopped=("98.1",), starved=True)
    monkeypatch.setattr(batches, "_prepare", lambda needed, *_: ("root", {"98": ""}))
    monkeypatch.setattr(batches, "run_jobs", lambda *_: (one for one in [(0, found)]))
    said = []
    grade_folder(tmp_path / "s", tmp_path / "out", SETTINGS, 1, due=1.0, say=said.append)
    assert list((tmp_path / "out" / "results").iterdir()) == []
    assert any(line.startswith("All 1 files are late.") for line in said)


def test_what_is_no_notebook_is_said_and_stands_on_the_class_page(here, tmp_path, monkeypatch):
    from checks.grading import batch as batches

    (tmp_path / "s").mkdir()
    (tmp_path / "s" / "ada_98.ipynb").write_bytes(Book(Lesson.read(here, "98")).bytes())
    for name in ("bob_98.rar", "eve_98.rar", "notes"):
        (tmp_path / "s" / name).write_text("x")
    monkeypatch.setattr(batches, "_prepare", lambda needed, *_: ("root", {"98": ""}))
    found = Grades("98", (Outcome("98.1", "Causal weights", "pass", 3.0, 3.0),))
    monkeypatch.setattr(batches, "run_jobs", lambda *_: (one for one in [(0, found)]))
    said = []
    batch = grade_folder(tmp_path / "s", tmp_path / "out", SETTINGS, 1, say=said.append)
    assert "Neither notebooks nor zips, and not looked at: 2 .rar, 1 without an ending." in said
    assert "bob_98.rar" in class_page(batch, page_names(["ada"]))


@pytest.mark.parametrize(
    ("text", "hour"),
    [("2026-11-20", "23:59:59"), ("2026-11-20T00:00", "00:00:00"), ("2026-11-20 18:30", "18:30:00")],
)
def test_a_day_ends_at_midnight(text, hour):
    assert str(datetime.datetime.fromtimestamp(_moment(text)))[:19] == f"2026-11-20 {hour}"


@pytest.mark.parametrize("wrong", ["0", "-1", "nan", "inf", "many"])
@pytest.mark.parametrize("limit", ["--cell-seconds", "--total-seconds", "--memory-mb", "--disk-mb", "--jobs"])
def test_a_limit_is_above_nothing(capsys, limit, wrong):
    with pytest.raises(SystemExit):
        checks_main(["grade", "submissions", f"{limit}={wrong}"])
    assert "number above 0" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("folder", "out"), [("fall.2026-02", "fall.2026-02-grades"), ("fall.2026-03.zip", "fall.2026-03-grades")]
)
def test_where_grades_go_follows_the_whole_name(tmp_path, monkeypatch, folder, out):
    from checks.grading import batch as batches

    asked = []
    monkeypatch.setattr(batches, "grade_folder", lambda folder, out, *_: asked.append(out) or 1 / 0)
    with pytest.raises(ZeroDivisionError):
        checks_main(["grade", str(tmp_path / folder)])
    assert asked == [tmp_path / out]


def test_a_bundle_has_no_solution_and_says_so(built, tmp_path, monkeypatch):
    from checks.grading.release import release

    said = release(tmp_path / "bundle", built)
    assert "1 lessons" in said
    assert not list((tmp_path / "bundle").glob("solutions"))
    assert not list((tmp_path / "bundle").rglob("tests"))
    monkeypatch.setenv("SLM_COURSE", str(tmp_path / "bundle"))
    monkeypatch.setenv("SLM_CHECKS", "rehearsal")
    import checks

    assert "without the solution of 98.1" in repr(checks.reference("98.1"))
    text = "\n".join(path.read_text(errors="replace") for path in (tmp_path / "bundle").rglob("*.ipynb"))
    assert "masked_fill(future" not in text
    assert nbformat.read(tmp_path / "bundle" / "lessons" / "98_demo.ipynb", as_version=4)
