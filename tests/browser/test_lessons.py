"""The course in a real browser: solutions run, widgets answer to keys, and a student is helped.

make test-browser                three solution notebooks
make test-browser LESSONS=all    every one
"""

import os
from dataclasses import dataclass
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import Locator, expect

COURSE = Path(__file__).parent.parent.parent
WANTED = os.environ.get("LESSONS") or "02 05 06"
SOLUTIONS = sorted(
    path.name
    for path in (COURSE / "solutions").glob("[0-9][0-9]_*.ipynb")
    if WANTED == "all" or path.name[:2] in WANTED.split()
)

CONTROLS = ".noUi-handle, select, input, textarea"
"""What a key can move: sliders of ipywidgets 8 (noUiSlider), drop-downs, fields for text."""

KEYS = ("ArrowRight", "ArrowDown", "ArrowLeft", "ArrowUp", "Space", "x", "Tab")
"""One after the other until something changes; Tab leaves a field, which is when some take notice."""


@pytest.mark.parametrize("name", SOLUTIONS)
def test_a_solution_runs_and_its_widgets_answer_to_keys(open_notebook, name):
    notebook = open_notebook(f"solutions/{name}")
    notebook.run_all()
    assert notebook.errors() == []
    for box in notebook.page.locator(".jp-OutputArea .widget-vbox:not(.widget-vbox .widget-vbox)").all():
        view = box.locator(".widget-html").last
        controls = box.locator(CONTROLS).all()
        assert controls, "a widget without a control"
        for control in controls:
            control.scroll_into_view_if_needed()
            before = view.inner_html()
            control.focus()
            assert any(notebook.changes(view, before, key) for key in KEYS), control.evaluate(
                "element => element.outerHTML"
            )
    assert notebook.errors() == []


@dataclass(frozen=True)
class Mistake:
    """An exercise, our answer with one thing changed, and the sentence a student must read then."""

    lesson: str
    exercise: str
    right: str
    wrong: str
    sentence: str


MISTAKES = (
    Mistake(
        "02_tokenizer", "02.1", "pairwise(ids)", "zip(ids[::2], ids[1::2])", "You step over two ids at a time"
    ),
    Mistake(
        "06_attention",
        "06.1",
        " / queries.shape[-1] ** 0.5",
        "",
        "Your scores are not divided by the square root",
    ),
)


def solution_of(name: str, cell: str) -> str:
    """Our own code of a solution cell."""
    notebook = nbformat.read(COURSE / "solutions" / f"{name}.ipynb", as_version=4)
    return next(one.source for one in notebook.cells if one.id == cell)


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.exercise)
def test_a_student_is_told_the_mistake_helped_and_believed(server, open_notebook, mistake):
    (server.home / "slm" / "progress.json").unlink(missing_ok=True)  # what the solutions earned
    notebook = open_notebook(f"lessons/{mistake.lesson}.ipynb")
    number = mistake.exercise.replace(".", "-")
    cell, check = f"solution-{number}", f"check-{number}"
    cells = nbformat.read(COURSE / "lessons" / f"{mistake.lesson}.ipynb", as_version=4).cells
    notebook.run(next(one.id for one in cells if one.cell_type == "code"))  # the imports
    notebook.run(cell)
    shows(notebook.run(check), "TO DO")

    code = solution_of(mistake.lesson, cell)
    assert code.count(mistake.right) == 1
    notebook.write(cell, code.replace(mistake.right, mistake.wrong))
    notebook.run(cell)
    shows(notebook.run(check), "FAIL", mistake.sentence)

    shows(notebook.try_out(f'hint("{mistake.exercise}")'), "Hint 1")
    shows(notebook.try_out(f'hint("{mistake.exercise}")'), "Hint 2")
    shows(notebook.try_out("progress()"), f"{mistake.exercise} ✗ tried")

    notebook.write(cell, code)
    notebook.run(cell)
    shows(notebook.run(check), "PASS")
    shows(notebook.try_out("progress()"), f"{mistake.exercise} ✓ earned")
    assert notebook.errors() == []


def shows(cell: Locator, *words: str) -> None:
    """Wait for all of the words below a cell's code: JupyterLab draws an output some time after the cell has run."""
    for one in words:
        expect(cell.locator(".jp-Cell-outputArea")).to_contain_text(one)
