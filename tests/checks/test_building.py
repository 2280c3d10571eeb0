"""From source to notebooks: roles, ids, stubs, nbgrader's metadata, drift, and what is refused."""

import hashlib
import os
import re
import shutil
import subprocess
import sys

import nbformat
import pytest

from checks import __main__ as command
from checks.building import build as building
from checks.building.build import Lesson, build, drift
from checks.building.execute import execute
from checks.building.notebooks import folded_hints, stub
from checks.building.source import definitions, parse
from checks.course import Course, CourseError


def cells_of(*sources, lesson="98"):
    return parse("\n\n".join(sources), lesson)


EXERCISE = "# %% [markdown]\n# ### Exercise 98.1: One\n# Words."
SOLUTION = "# %%\ndef one():\n    ### BEGIN SOLUTION\n    return 1\n    ### END SOLUTION\n"
CHECK = '# %%\ncheck("98.1")'


def test_cells_know_their_part():
    cells = cells_of("# %% [markdown]\n# # Title\n#\n# Text.", "# %%\nimport os", EXERCISE, SOLUTION, CHECK)
    assert [cell.role for cell in cells] == ["text", "code", "exercise", "solution", "check"]
    assert [cell.exercise for cell in cells] == ["", "", "98.1", "98.1", "98.1"]
    assert cells[0].source == "# Title\n\nText."
    assert cells[2].title == "One"
    assert cells[3].source.startswith("def one():")


def test_tags_come_from_the_header():
    (cell,) = cells_of('# %% tags=["nbval-check-output", "b"]\n1')
    assert cell.tags == ("nbval-check-output", "b")


def test_ids_follow_headings_not_positions():
    text = ["# %% [markdown]\n# # Title", "# %%\n1", "# %% [markdown]\n# ## Two parts!", "# %%\n2", "# %%\n3"]
    before = [cell.id for cell in cells_of(*text)]
    assert before == ["98-title-1", "98-title-2", "98-two-parts-1", "98-two-parts-2", "98-two-parts-3"]
    after = [cell.id for cell in cells_of(*text[:2], "# %%\n1.5", *text[2:])]
    assert after[-3:] == before[-3:]
    twice = [cell.id for cell in cells_of(*text, *text[2:])]
    assert len(set(twice)) == len(twice)


BROKEN = {
    "code before its first cell": "import os\n# %%\n1",
    "cannot read the cell header": "# %% [raw]\n1",
    "code in a markdown cell": "# %% [markdown]\nimport os",
    "a solution with no exercise": SOLUTION,
    "not inside one function": f"{EXERCISE}\n# %%\n### BEGIN SOLUTION\nx = 1\n### END SOLUTION",
    "solution is not inside one function": (
        f"{EXERCISE}\n# %%\nclass A:\n    ### BEGIN SOLUTION\n    def f(self):\n        return 1\n    x = 1\n    ### END SOLUTION"
    ),
    "without ### END SOLUTION": f"{EXERCISE}\n# %%\ndef f():\n    ### BEGIN SOLUTION\n    return 1",
    "without its partner": f"{EXERCISE}\n# %%\ndef f():\n    return 1\n    ### END SOLUTION",
}


@pytest.mark.parametrize("words", BROKEN)
def test_a_broken_source_is_one_sentence_with_its_line(words):
    with pytest.raises(CourseError, match=words):
        parse(BROKEN[words], "98")


def test_a_stub_raises_when_called_and_not_before():
    cells = cells_of(
        EXERCISE,
        "# %%\nclass A:\n    def f(self):\n        ### BEGIN SOLUTION\n        return 1\n        ### END SOLUTION\n\n"
        '    def g(self):\n        """Doc."""\n        ### BEGIN SOLUTION\n        return 2\n        ### END SOLUTION\n',
    )
    names = {}
    exec(stub(cells[1]), names)
    for method in ("f", "g"):
        with pytest.raises(
            NotImplementedError, match=r'^Exercise 98\.1 is not done yet.*hint\("98\.1"\).*reference'
        ):
            getattr(names["A"](), method)()
    assert "return 1" not in stub(cells[1])


def test_definitions_compute_nothing():
    cells = cells_of(
        "# %%\nimport os\nPair = tuple\nlosses = [1 / 0]\nprint(1 / 0)\ndef f() -> Pair: ...\nclass A: ..."
    )
    names = {}
    exec(definitions(cells), names)
    assert {"os", "Pair", "f", "A"} <= set(names)
    assert "losses" not in names


def test_the_student_gets_stubs_hints_and_no_outputs(built):
    student = nbformat.read(built.root / "lessons" / "98_demo.ipynb", as_version=4)
    solution = nbformat.read(built.root / "solutions" / "98_demo.ipynb", as_version=4)
    assert [cell.id for cell in student.cells] == [cell.id for cell in solution.cells]
    assert len({cell.id for cell in student.cells}) == len(student.cells)
    text = "\n".join(cell.source for cell in student.cells)
    assert "SOLUTION" not in text
    assert "masked_fill(future" not in text
    assert len(re.findall(r"raise NotImplementedError\(\s+'Exercise 98\.", text)) == 2
    assert text.count("<details><summary>Hint") == 5
    assert all(not cell.outputs for cell in student.cells if cell.cell_type == "code")
    assert any(cell.get("outputs") for cell in solution.cells)
    for notebook in (student, solution):
        assert notebook.metadata.kernelspec.name == "python3"
        assert notebook.metadata.language_info == {"name": "python"}
        nbformat.validate(notebook)


def test_hints_stay_text_in_markdown(demo):
    exercise = demo.exercises("98")[0]
    exercise.hints = ("a*b*c and x_1_2 <b>, but `x_1 * y` stays",)
    assert r"a\*b\*c and x\_1\_2 &lt;b&gt;, but `x_1 * y` stays" in folded_hints(exercise)


def to_bytes(string):
    return string.encode("utf-8")


def nbgraders_checksum(cell):
    """nbgrader 0.9.6, nbgrader/utils.py compute_checksum, as it is written there."""
    m = hashlib.md5()
    m.update(to_bytes(cell.source))
    m.update(to_bytes(cell.cell_type))
    meta = cell.metadata["nbgrader"]
    is_solution, is_grade = meta.get("solution", False), meta.get("grade", False)
    is_locked = False if is_solution else True if is_grade else meta.get("locked", False)
    m.update(to_bytes(str(is_grade)))
    m.update(to_bytes(str(is_solution)))
    m.update(to_bytes(str(is_locked)))
    m.update(to_bytes(meta["grade_id"]))
    if is_grade:
        m.update(to_bytes(str(float(meta["points"]))))
    return m.hexdigest()


def test_nbgraders_metadata_and_checksums(built):
    student = nbformat.read(built.root / "lessons" / "98_demo.ipynb", as_version=4)
    marked = [cell for cell in student.cells if "nbgrader" in cell.metadata]
    assert [cell.id for cell in marked] == ["solution-98-1", "check-98-1", "solution-98-2", "check-98-2"]
    for cell in marked:
        data = cell.metadata.nbgrader
        assert data.checksum == nbgraders_checksum(cell)
        assert (data.schema_version, data.task, data.cell_type) == (3, False, "code")
        assert data.grade_id == cell.id
        graded = cell.id.startswith("check")
        assert (data.grade, data.solution, data.locked) == (graded, not graded, graded)
        assert ("points" in data, cell.metadata.get("editable")) == (graded, False if graded else None)
        assert cell.metadata.deletable is False
    points = sum(cell.metadata.nbgrader.get("points", 0) for cell in marked)
    assert points == sum(exercise.points for exercise in built.exercises("98")) == 5


@pytest.fixture
def copy_of_built(built, tmp_path):
    root = tmp_path / "demo"
    shutil.copytree(built.root, root)
    return Course(root)


def test_what_has_not_changed_is_not_run_again(copy_of_built, monkeypatch):
    def no_running(*_, **__):
        pytest.fail("it was executed")

    monkeypatch.setattr(building, "execute", no_running)
    before = (copy_of_built.root / "solutions" / "98_demo.ipynb").read_bytes()
    assert build(copy_of_built, "98") == "unchanged"
    assert (copy_of_built.root / "solutions" / "98_demo.ipynb").read_bytes() == before


def test_a_new_text_is_written_down_beside_the_old_outputs(copy_of_built, monkeypatch):
    monkeypatch.setattr(building, "execute", lambda *_, **__: pytest.fail("it was executed"))
    source, notebook = (copy_of_built.root / "solutions" / f"98_demo.{kind}" for kind in ("py", "ipynb"))
    before = nbformat.read(notebook, as_version=4)
    heading = "# ## 1. Never ahead\n"
    source.write_text(source.read_text().replace(heading, f"# One more cell.\n\n# %% [markdown]\n{heading}"))
    assert drift(copy_of_built, "98")
    assert build(copy_of_built, "98") == "new text"
    assert drift(copy_of_built, "98") == []
    after = nbformat.read(notebook, as_version=4)
    assert len(after.cells) == len(before.cells) + 1
    assert [cell.outputs for cell in after.cells if cell.cell_type == "code"] == [
        cell.outputs for cell in before.cells if cell.cell_type == "code"
    ]
    assert after.metadata == before.metadata


@pytest.mark.parametrize(
    "file", ["solutions/98_demo.py", "checks/exercises/lesson_98.py", "solutions/98_demo.ipynb"]
)
def test_what_has_changed_is_run_again(copy_of_built, monkeypatch, file):
    ran = []

    def fake(notebook, *_, **__):
        ran.append(1)
        for cell in notebook.cells:
            if cell.cell_type == "code":
                cell.execution_count = 1

    monkeypatch.setattr(building, "execute", fake)
    path = copy_of_built.root / file
    more = "\n# %%\nlater = 1\n" if file.endswith("98_demo.py") else "\n"
    text = path.read_text() + more
    path.write_text(text.replace("masked_fill(", "masked_fill (") if file.endswith("ipynb") else text)
    assert drift(copy_of_built, "98")
    assert build(copy_of_built, "98") == "executed"
    assert ran
    assert drift(copy_of_built, "98") == []


def edit(path, change):
    notebook = nbformat.read(path, as_version=4)
    change(notebook)
    nbformat.write(notebook, path)


DRIFT = {
    "source": lambda notebook: notebook.cells[3].update(source="pass"),
    "metadata": lambda notebook: notebook.cells[4].metadata.nbgrader.update(points=100),
    "ids": lambda notebook: notebook.cells[1].update(id="other"),
    "a missing cell": lambda notebook: notebook.cells.pop(),
    "the kernel": lambda notebook: notebook.metadata.kernelspec.update(name="mine"),
}


@pytest.mark.parametrize("folder", ["solutions", "lessons"])
@pytest.mark.parametrize("change", DRIFT)
def test_drift_is_found(copy_of_built, folder, change):
    assert drift(copy_of_built, "98") == []
    edit(copy_of_built.root / folder / "98_demo.ipynb", DRIFT[change])
    found = drift(copy_of_built, "98")
    assert len(found) == 1
    assert folder in found[0]


def test_outputs_are_no_drift(copy_of_built):
    def change(notebook):
        notebook.cells[-1].outputs = [nbformat.v4.new_output("stream", text="other numbers")]
        notebook.cells[-1].execution_count = 77

    edit(copy_of_built.root / "solutions" / "98_demo.ipynb", change)
    assert drift(copy_of_built, "98") == []


def test_a_missing_notebook_is_drift(copy_of_built):
    (copy_of_built.root / "lessons" / "98_demo.ipynb").write_text("{")
    assert "missing or unreadable" in drift(copy_of_built, "98")[0]


UNFIT = {
    "exercise 98.2 needs one heading": ('check("98.2")\n', "pass\n"),
    "is called 'Count two' here": ("98.2: Count pairs", "98.2: Count two"),
    "exercise 98.3 has no class": ("### Exercise 98.2: Count pairs", "### Exercise 98.3: Count pairs"),
}


@pytest.mark.parametrize("words", UNFIT)
def test_source_and_exercises_must_fit(copy_of_built, words):
    path = copy_of_built.root / "solutions" / "98_demo.py"
    path.write_text(path.read_text().replace(*UNFIT[words]))
    with pytest.raises(
        CourseError, match=words if "98.3" not in words else "98.2 needs one heading|98.3 has no class"
    ):
        Lesson.read(copy_of_built, "98")


def test_a_cell_that_fails_or_warns_stops_the_build(copy_of_built):
    path = copy_of_built.root / "solutions" / "98_demo.py"
    good = path.read_text()
    before = (copy_of_built.root / "lessons" / "98_demo.ipynb").read_bytes()
    path.write_text(good.replace("return counts", "return {}"))
    with pytest.raises(CourseError, match=r"Cell check-98-2 raised NotPassed: 98\.2 Count pairs: "):
        build(copy_of_built, "98")
    assert (copy_of_built.root / "lessons" / "98_demo.ipynb").read_bytes() == before


def test_a_warning_stops_the_build(tmp_path):
    source = "# %% [markdown]\n# # Old\n\n# %%\nimport warnings\n\nwarnings.warn('old')\n"
    (tmp_path / "solutions").mkdir()
    (tmp_path / "solutions" / "97_old.py").write_text(source)
    with pytest.raises(CourseError, match=r"97_old\.ipynb: cell 97-old-2: it wrote to stderr"):
        build(Course(tmp_path), "97")
    assert not (tmp_path / "solutions" / "97_old.ipynb").exists()


def test_a_cell_that_never_ends_or_dies_is_named(tmp_path):
    def notebook(code):
        cells = [nbformat.v4.new_code_cell("1", id="first"), nbformat.v4.new_code_cell(code, id="second")]
        return nbformat.v4.new_notebook(cells=cells)

    with pytest.raises(CourseError, match="Cell second ran longer than 5 seconds"):
        execute(notebook("while True: pass"), tmp_path, {}, seconds_a_cell=5)
    with pytest.raises(CourseError, match="kernel died in cell second"):
        execute(notebook("import os; os._exit(1)"), tmp_path, {})


def test_after_an_error_only_chosen_cells_run(tmp_path):
    def with_output(second):
        sources = ["1 / 0", second, "2", "3 / 0", "4"]
        cells = [nbformat.v4.new_code_cell(source, id=f"cell-{i}") for i, source in enumerate(sources)]
        cells[0].metadata["tags"] = ["raises-exception"]  # broken on purpose: stops nothing
        cells[4].metadata["nbgrader"] = {}
        notebook = nbformat.v4.new_notebook(cells=cells)
        execute(
            notebook, tmp_path, {}, keep_going=True, after_an_error=lambda cell: "nbgrader" in cell.metadata
        )
        return [i for i, cell in enumerate(cells) if cell.outputs]

    assert with_output("1") == [0, 1, 2, 3, 4]
    assert with_output("1 / 0") == [0, 1, 4]


def test_what_is_printed_in_one_piece_is_one_output(tmp_path):
    """And stays before or after the picture, as it was printed."""
    code = (
        "import sys\nfrom IPython.display import display\n"
        "for letter in 'ab':\n    print(letter)\n    sys.stdout.flush()\n"
        "display(1)\nprint('c')\nprint('d', file=sys.stderr)"
    )
    cell = nbformat.v4.new_code_cell(code, id="prints")
    execute(nbformat.v4.new_notebook(cells=[cell]), tmp_path, {})
    told = [(one.get("name", one.output_type), one.get("text")) for one in cell.outputs]
    assert told[:3] == [("stdout", "a\nb\n"), ("display_data", None), ("stdout", "c\n")]


def test_the_command_builds_checks_and_proves(copy_of_built, monkeypatch, capsys):
    monkeypatch.setenv("SLM_COURSE", str(copy_of_built.root))
    assert command.main(["build"]) == 0
    assert command.main(["build", "--check", "98"]) == 0
    assert capsys.readouterr().out == "98 unchanged\n98 is as its source says\n"
    (copy_of_built.root / "lessons" / "98_demo.ipynb").unlink()
    assert command.main(["build", "--check"]) == 1
    assert command.main(["build", "97"]) == 2
    assert "There is no lesson 97" in capsys.readouterr().err


def test_nbval_runs_the_solution_and_compares_the_checks(copy_of_built):
    environment = os.environ | {
        "SLM_CHECKS": "strict",
        "SLM_FAST": "1",
        "SLM_COURSE": str(copy_of_built.root),
    }
    line = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "--nbval-lax",
        "--nbval-current-env",
    ]
    line += ["--nbval-cell-timeout=60", "-c", os.devnull, str(copy_of_built.root / "solutions")]
    good = copy_of_built.root / "solutions" / "98_demo.ipynb"
    changed = good.read_text().replace("[PASS] 98.2", "[PASS] 98.3")
    good.with_name("98_changed.ipynb").write_text(changed)
    done = subprocess.run(line, env=environment, capture_output=True, text=True)
    assert done.returncode == 1
    assert "1 failed, 15 passed" in done.stdout, done.stdout
    assert "98_changed.ipynb::Cell 4" in done.stdout
