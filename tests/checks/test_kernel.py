"""The same in a real kernel, where the main thread is ipykernel's and names live in IPython."""

import nbformat
import pytest

from checks.building.execute import execute

from .conftest import DEMO

CELLS = {
    "start": "import sys\nfrom itertools import pairwise\nfrom checks import check, hint, progress, reference",
    "nothing": 'check("98.2")',
    "unfinished": "def count_pairs(ids):\n    counts = {}\n    return counts[ids]",
    "raises": 'check("98.2")',
    "endless": (
        "from checks.course import Course\n"
        'type(Course.here().exercises("98")[1]).seconds = 0.5\n'
        "def count_pairs(ids):\n    while True:\n        pass"
    ),
    "loops": 'check("98.2")',
    "noisy": (
        'type(Course.here().exercises("98")[1]).seconds = 20.0\n'
        "import warnings\ndef count_pairs(ids):\n    warnings.warn('x')\n    print('y', file=sys.stderr)\n"
        "    counts = {}\n    for pair in zip(ids, ids[1:]):\n        counts[pair] = counts.get(pair, 0) + 1\n    return counts"
    ),
    "passes": 'check("98.2")',
    "lent": 'reference("98.2")',
    "checked": 'check("98.2")',
    "map": "progress()",
    "grade": 'import os\nos.environ["NBGRADER_EXECUTION"] = "autograde"\ncount_pairs = count_pairs.__get__\ncheck("98")',
    "partial": 'reference("98.2")\ncheck("98.2")',
    "strict": 'del os.environ["NBGRADER_EXECUTION"]\nos.environ["SLM_CHECKS"] = "strict"\ncheck("98.1")',
}


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    """What each cell showed: its text, or its error's traceback; and everything on stderr."""
    cells = [nbformat.v4.new_code_cell(code, id=name) for name, code in CELLS.items()]
    home = tmp_path_factory.mktemp("home")
    environment = {"SLM_COURSE": str(DEMO), "SLM_HOME": str(home), "SLM_CHECKS": "", "NBGRADER_EXECUTION": ""}
    notebook = execute(nbformat.v4.new_notebook(cells=cells), home, environment, 60, keep_going=True)
    texts = {"stderr": ""}
    for cell in notebook.cells:
        texts[cell.id] = ""
        for output in cell.outputs:
            if output.get("name") == "stderr":
                texts["stderr"] += output.text
            else:
                text = output.get("data", {}).get("text/plain", "") or "\n".join(output.get("traceback", ()))
                texts[cell.id] += text
    return texts


def test_a_fresh_kernel_says_which_cell_to_run(shown):
    assert shown["nothing"].startswith("[TO DO] 98.2 Count pairs\n       There is no `count_pairs`")


def test_the_students_own_line_is_quoted(shown):
    assert "in line 3 of your cell: `return counts[ids]`." in shown["raises"]
    assert "Traceback" not in shown["raises"]


def test_an_endless_loop_ends_on_the_main_thread(shown):
    assert "did not finish within 0.5 seconds" in shown["loops"]


def test_nothing_reaches_stderr(shown):
    assert shown["passes"] == "[PASS] 98.2 Count pairs: 2 of 2 points"
    assert shown["stderr"] == ""


def test_a_loan_and_the_map(shown):
    assert "def count_pairs" in shown["lent"]
    assert "0 of 2 points\n98.2 uses our `count_pairs`: lent" in shown["checked"]
    assert "1 earned, 1 open (2 of 5 points)" in shown["map"], "earned before it was lent"


def test_the_value_under_nbgrader_is_a_float(shown):
    assert shown["grade"] == "0.0"
    assert shown["partial"] == "0.0"


def test_strict_mode_shows_one_sentence_and_none_of_our_frames(shown):
    sentence = "There is no `causal_weights` in this notebook yet."
    assert shown["strict"] == f"NotPassed: 98.1 Causal weights: {sentence}"
