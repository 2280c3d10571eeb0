"""Each rule of a tidy notebook catches its offence, and nothing else."""

import copy

import nbformat
import pytest

from checks.building.hygiene import untidy
from checks.building.notebooks import KERNELSPEC

V4 = nbformat.v4
HOME, USERS = (
    "/".join(("", "home", "ada")),
    "\\".join(("C:", "Users", "ada")),
)  # in parts: no file here names a machine


def clean():
    output = V4.new_output("stream", name="stdout", text="loss 1.5, a ratio of 3/4, see /work in words\n")
    picture = V4.new_output(
        "display_data",
        {
            "text/plain": "Picture: x",
            "text/html": '<img alt="Loss falls" src="data:image/png;base64,/mnt/AAAA">',
        },
    )
    cells = [
        V4.new_markdown_cell(
            "# Title\n\nText with [a link](https://example.org/tmp/x), [`code`](a.py) and ![a cat](cat.png)",
            id="a",
        ),
        V4.new_code_cell("# a comment is no heading\nprint(1)", id="b", outputs=[output], execution_count=1),
        V4.new_markdown_cell(
            "## Part\n\n```python\n# not a heading\n![](x)\n```\n\n### Detail\n\n## Next part", id="c"
        ),
        V4.new_code_cell("picture", id="d", outputs=[picture], execution_count=2),
    ]
    return V4.new_notebook(cells=cells, metadata={"kernelspec": dict(KERNELSPEC)})


def test_a_clean_notebook_is_clean():
    assert untidy(clean(), executed=True) == []


def text(index, source):
    return lambda notebook: notebook.cells[index].update(source=source)


def show(kind, **data):
    return lambda notebook: notebook.cells[1].outputs.append(V4.new_output(kind, **data))


def html(value):
    return show("display_data", data={"text/html": value})


OFFENCES = {
    "exactly one H1": text(2, "# Second title"),
    "it comes first": text(0, "## Title"),
    "first cell must begin with the title": text(0, "Words\n\n# Title"),
    "a level is skipped": text(2, "### Detail"),
    "1 picture(s) without alt text": text(0, "# Title\n\n![](cat.png)"),
    "picture(s) without alt": text(0, '# Title\n\n<img src="x.png">'),
    "(s) without alt text.": html('<figure><img alt=" " src="x"></figure>'),
    "a link without text": text(0, "# Title\n\n[](x)"),
    "used 2 times": lambda notebook: notebook.cells[2].update(id="a"),
    "kernelspec is not python3": lambda notebook: notebook.metadata.kernelspec.update(name="slm"),
    "an output of 200,0": show("stream", name="stdout", text="x" * 200_001),
    "wrote to stderr: 'careful'": show("stream", name="stderr", text="careful\n"),
    "a warning: 'UserWarning: '": show("stream", name="stdout", text="x.py:3: UserWarning: old\n"),
    "it ended in ValueError": show("error", ename="ValueError", evalue="x", traceback=[]),
    "a picture without alt text; show it as": show(
        "display_data", data={"image/png": "AAAA", "text/plain": "<Figure>"}
    ),
    f"a path of this machine: '{HOME}'": show("stream", name="stdout", text=f"saved in {HOME}/x"),
    "a path of this machine: '/tmp/": html("<p>/tmp/x9</p>"),
    "a path of this machine: 'C:": show("stream", name="stdout", text=USERS),
    "a memory address": show("execute_result", data={"text/plain": "<object at 0x7f928400d390>"}),
    "pip install or": text(1, "%pip install torch"),
    "or a shell command": text(1, "x = 1\n!ls"),
    "everything is installed": text(1, "import os\nos.system('pip install x')"),
    "was not executed": lambda notebook: notebook.cells[1].update(execution_count=None),
}


@pytest.mark.parametrize("words", OFFENCES)
def test_an_offence_is_found(words):
    notebook = copy.deepcopy(clean())
    OFFENCES[words](notebook)
    found = untidy(notebook, executed=True)
    assert any(words in sentence for sentence in found), found


def test_a_students_notebook_has_no_outputs():
    found = untidy(clean(), executed=False)
    assert [sentence.split(":")[0] for sentence in found] == ["cell b", "cell d"]


def test_an_error_on_purpose_is_no_offence():
    notebook = clean()
    OFFENCES["it ended in ValueError"](notebook)
    notebook.cells[1].metadata.tags = ["raises-exception"]
    assert untidy(notebook, executed=True) == []
