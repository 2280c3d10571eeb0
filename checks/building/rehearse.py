"""Run a student's notebook as a student would: as it comes, or with our version borrowed before each check.

As it comes it stops where Run All stops, at the first error; after that only stubs and checks are run.
"""

import copy
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from checks.building.execute import execute
from checks.course import Course

ENVIRONMENT = {"SLM_CHECKS": "rehearsal", "SLM_FAST": "1", "NBGRADER_EXECUTION": ""}
"""Small sizes, nothing raises because of a check, and nobody's progress is written."""


@dataclass(frozen=True)
class Rehearsal:
    """What happened: the text every check showed, and every error, by cell id."""

    checks: dict[str, str]
    errors: dict[str, str]
    """Cell id -> `Name: message`, in the order of the notebook."""

    def faults_of_untouched(self) -> list[str]:
        """What is wrong with the run of an untouched notebook; empty when all is well."""
        found = [
            f"{cell} shows {text!r}, not [TO DO]"
            for cell, text in self.checks.items()
            if not text.startswith("[TO DO]")
        ]
        first = next(iter(self.errors.items()), None)
        if first is None:
            found.append("no cell after the stubs calls one of them")
        elif not first[1].startswith("NotImplementedError: Exercise "):
            found.append(f"the first error is not a stub's: {first[0]} raised {first[1]}")
        return found


def rehearse(
    notebook: NotebookNode, course: Course, borrow: bool = False, seconds_a_cell: float = 120
) -> Rehearsal:
    """Run a copy as it comes. With `borrow`, `reference(...)` is called before each check, and no error stops it."""
    notebook = copy.deepcopy(notebook)
    checked = {cell.id: cell for cell in notebook.cells if _is_check(cell)}
    if borrow:
        cells = []
        for cell in notebook.cells:
            if cell.id in checked:
                call = cell.source.replace("check(", "reference(")
                cells.append(
                    nbformat.v4.new_code_cell(f"from checks import reference\n{call}", id=f"borrow-{cell.id}")
                )
            cells.append(cell)
        notebook.cells = cells
    environment = ENVIRONMENT | {"SLM_COURSE": str(course.root)}
    folder = course.root / "lessons"
    execute(
        notebook,
        folder if folder.is_dir() else Path.cwd(),
        environment,
        seconds_a_cell,
        keep_going=True,
        after_an_error=lambda cell: borrow or "nbgrader" in cell.metadata,
    )
    errors = {
        cell.id: f"{output.ename}: {output.evalue}"
        for cell in notebook.cells
        for output in cell.get("outputs", ())
        if output.output_type == "error" and "raises-exception" not in cell.metadata.get("tags", ())
    }
    return Rehearsal({name: _shown(cell) for name, cell in checked.items()}, errors)


def _is_check(cell: NotebookNode) -> bool:
    """An exercise's check; the lab's has no one solution to borrow."""
    data = cell.metadata.get("nbgrader", {})
    return bool(data.get("grade")) and data["grade_id"] != "check-lab"


def _shown(cell: NotebookNode) -> str:
    return "\n".join(output.get("data", {}).get("text/plain", "") for output in cell.outputs).strip()
