"""A student's notebook of the demonstration, to be written into, spoiled, zipped."""

import io
import json
import stat
import zipfile
from dataclasses import dataclass

import nbformat

from checks.building.build import Lesson
from checks.building.notebooks import stub
from checks.building.source import without_markers


@dataclass(frozen=True)
class Link:
    """A symbolic link to be made in place of a file."""

    target: str


@dataclass(frozen=True)
class Pipe:
    """A named pipe to be made in place of a file."""


class Book:
    """A solved notebook; a battery file changes it."""

    def __init__(self, lesson: Lesson, port: int = 0):
        self.lesson, self.port = lesson, port
        self.notebook = lesson.student()
        for exercise in ("98.1", "98.2"):
            self.write(exercise, self.solution(exercise))

    def solution(self, exercise):
        """An honest answer, in words of its own."""
        source = without_markers(self._cell_of_lesson(exercise).source)
        return source.replace("counts", "found").replace("scores", "logits")

    def write(self, exercise, source):
        """Put `source` into the exercise's cell."""
        self._cell(exercise).source = source.strip("\n")

    def undo(self, exercise):
        """The stub again."""
        self.write(exercise, stub(self._cell_of_lesson(exercise)))

    def first(self, source):
        """A new first cell."""
        self._insert(0, source)

    def before(self, exercise, source):
        """A new cell before the exercise's."""
        self._insert(self.notebook.cells.index(self._cell(exercise)), source)

    def last(self, source):
        """A new last cell."""
        self._insert(len(self.notebook.cells), source)

    def bytes(self):
        """The file."""
        return json.dumps(self.notebook).encode()

    def zip(self, entries):
        """A zip of name -> bytes."""
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, data in entries.items():
                archive.writestr(name, data)
        return buffer.getvalue()

    def zip_info(self, name, link=False):
        """An entry's head, of a link when asked."""
        info = zipfile.ZipInfo(name)
        info.external_attr = ((stat.S_IFLNK if link else stat.S_IFREG) | 0o644) << 16
        return info

    def output(self, text):
        """The value of a cell, as text."""
        return nbformat.v4.new_output("execute_result", {"text/plain": text}, execution_count=1)

    def link(self, target):
        """A link in place of a file."""
        return Link(target)

    def pipe(self):
        """A named pipe in place of a file."""
        return Pipe()

    def _insert(self, place, source):
        cell = nbformat.v4.new_code_cell(source.strip("\n"))
        cell.id = f"own-{len(self.notebook.cells)}"
        self.notebook.cells.insert(place, cell)

    def _cell(self, exercise):
        wanted = f"solution-{exercise.replace('.', '-')}"
        return next(cell for cell in self.notebook.cells if cell.id == wanted)

    def _cell_of_lesson(self, exercise):
        return next(
            cell for cell in self.lesson.cells if cell.role == "solution" and cell.exercise == exercise
        )
