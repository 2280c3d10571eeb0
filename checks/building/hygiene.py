"""What every notebook of the course must be: readable by everyone, and the same on every machine."""

import re
from collections import Counter
from html.parser import HTMLParser
from typing import Any

from nbformat import NotebookNode

from checks.course import CourseError

MAX_OUTPUT_BYTES = 200_000
_FENCE = re.compile(r"```.*?```|`[^`\n]*`", re.DOTALL)
_HEADING = re.compile(r"^(#{1,6}) +(\S.*)$", re.MULTILINE)
_IMAGE = re.compile(r"!\[([^\]]*)\]\([^)]*\)")
_EMPTY_LINK = re.compile(r"(?<!!)\[\s*\]\([^)]*\)")
_PATH = re.compile(
    r"(?<![\w.:/<])/(?:home|root|Users|tmp|work|mnt|var|opt|workspace|private)/[\w.-]+|[A-Z]:\\\\?Users\\\\?"
)
_SHELL = re.compile(r"^\s*(?:!|%pip|%conda|%%bash|%%sh|%system)|\bpip3? install\b", re.MULTILINE)
_ADDRESS = re.compile(r"\b0x[0-9a-fA-F]{6,}\b")
_WARNING = re.compile(r"\b\w*Warning: ")


def require_clean(notebook: NotebookNode, name: str, executed: bool) -> None:
    """CourseError with the first problem, and how many more there are."""
    found = untidy(notebook, executed)
    if found:
        more = f" ({len(found) - 1} more)" if len(found) > 1 else ""
        raise CourseError(f"{name}: {found[0]}{more}", "Change the lesson's source and build again.")


def untidy(notebook: NotebookNode, executed: bool) -> list[str]:
    """Everything that is wrong with a notebook, one sentence each; `executed` says whether outputs belong in it."""
    found = _structure(notebook)
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            prose = _FENCE.sub("code", cell.source)
            found += [f"cell {cell.id}: {sentence}" for sentence in _pictures(prose)]
            if _EMPTY_LINK.search(prose):
                found.append(f"cell {cell.id}: a link without text.")
        elif cell.cell_type == "code":
            if _SHELL.search(cell.source):
                found.append(
                    f"cell {cell.id}: pip install or a shell command; everything is installed beforehand."
                )
            if not executed and (cell.outputs or cell.execution_count is not None):
                found.append(f"cell {cell.id}: a student's notebook has no outputs.")
            if executed and cell.execution_count is None:
                found.append(f"cell {cell.id}: it was not executed.")
            for output in cell.outputs:
                found += [f"cell {cell.id}: {sentence}" for sentence in _output(output, cell)]
    return found


def _structure(notebook: NotebookNode) -> list[str]:
    found = []
    if notebook.metadata.get("kernelspec", {}).get("name") != "python3":
        found.append("the kernelspec is not python3.")
    ids = Counter(cell.get("id", "") for cell in notebook.cells)
    found += [
        f"the cell id {one!r} is missing or used {count} times."
        for one, count in ids.items()
        if count > 1 or not one
    ]
    text = "\n\n".join(_FENCE.sub("", cell.source) for cell in notebook.cells if cell.cell_type == "markdown")
    headings = [(len(marks), words) for marks, words in _HEADING.findall(text)]
    if [level for level, _ in headings].count(1) != 1 or not headings or headings[0][0] != 1:
        found.append("there must be exactly one H1 heading ('# Title'), and it comes first.")
    if not notebook.cells or not _HEADING.match(notebook.cells[0].source.lstrip()):
        found.append("the first cell must begin with the title.")
    level = 1
    for depth, words in headings:
        if depth > level + 1:
            found.append(f"the heading {words!r} is level {depth} below level {level}: a level is skipped.")
        level = depth
    return found


def _output(output: NotebookNode, cell: NotebookNode) -> list[str]:
    found = []
    if output.output_type == "error" and "raises-exception" not in cell.metadata.get("tags", ()):
        found.append(f"it ended in {output.ename}.")
    if output.output_type == "stream" and output.name == "stderr":
        found.append(f"it wrote to stderr: {output.text.strip()[:100]!r}.")
    data: dict[str, Any] = output.get("data", {})
    texts = [output.get("text", "")] + [
        value for kind, value in data.items() if kind.startswith("text/") and isinstance(value, str)
    ]
    size = sum(len(str(value).encode()) for value in [output.get("text", ""), *data.values()])
    if size > MAX_OUTPUT_BYTES:
        found.append(f"an output of {size:,} bytes; {MAX_OUTPUT_BYTES:,} is the most.")
    if any(kind.startswith("image/") for kind in data) and "text/html" not in data:
        found.append("a picture without alt text; show it as slmlib.plots.Picture.")
    for text in texts:
        if _PATH.search(_without_images(text)):
            found.append(f"a path of this machine: {_PATH.search(_without_images(text)).group()!r}.")  # type: ignore[union-attr]
        if _ADDRESS.search(text):
            found.append(
                "a memory address, another one at every run; end the cell with a value worth seeing."
            )
        if _WARNING.search(text):
            found.append(f"a warning: {_WARNING.search(text).group()!r}.")  # type: ignore[union-attr]
    if "text/html" in data:
        found += _pictures(data["text/html"])
    return found


def _without_images(text: str) -> str:
    """Base64 holds slashes and letters enough to look like any path."""
    return re.sub(r"data:[\w/+;=-]+,[A-Za-z0-9+/=\s]*", "data:", text)


class _Images(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.without_alt = 0

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        if tag == "img" and not (dict(attributes).get("alt") or "").strip():
            self.without_alt += 1


def _pictures(text: str) -> list[str]:
    parser = _Images()
    parser.feed(text)
    count = parser.without_alt + sum(not alt.strip() for alt in _IMAGE.findall(text))
    return [f"{count} picture(s) without alt text."] if count else []
