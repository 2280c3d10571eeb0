"""Answers that are not the student's own words: found by what the code says, reported with evidence.

A fingerprint is the code of what an exercise asks for, without comments, docstrings, layout, type hints and
the names of local variables. Two equal ones are evidence, not proof; a human decides.
"""

import ast
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from checks.building.build import Lesson
from checks.building.source import without_markers
from checks.causes import reached_from
from checks.exercise import Exercise
from checks.grading.grades import Flag
from checks.grading.reading import CodeCell, Notebook

LARGE = 45
"""Syntax nodes from which on equal code is remarkable; a one-liner has often just one good form."""


@dataclass(frozen=True)
class Answer:
    """The code that answers one exercise."""

    fingerprint: str
    nodes: int
    cells: tuple[int, ...] = ()

    @property
    def large(self) -> bool:
        """Whether it is long enough that two people would hardly write it alike."""
        return self.nodes >= LARGE


def answers_in(notebook: Notebook, exercises: Sequence[Exercise]) -> dict[str, Answer]:
    """Exercise -> the code in this notebook that defines what it asks for (the last definition counts)."""
    found: dict[str, tuple[ast.stmt, int]] = {}
    for cell in notebook.cells:
        for node in _statements(cell.source):
            found[node.name] = (node, cell.number)
    return _answers(found, exercises)


def same_as_ours(answers: Mapping[str, Answer], lesson: Lesson, earned: Iterable[str]) -> list[Flag]:
    """Flags for exercises answered in the very words of our solution."""
    ours: dict[str, tuple[ast.stmt, int]] = {}
    for cell in lesson.cells:
        if cell.role == "solution":
            for node in _statements(without_markers(cell.source)):
                ours[node.name] = (node, 0)
    known = _answers(ours, lesson.graded())
    return [
        Flag(
            exercise,
            "The code is the same as our solution, but for names and layout.",
            f"Cell {', '.join(map(str, answers[exercise].cells))}; {answers[exercise].nodes} syntax nodes.",
        )
        for exercise in earned
        if exercise in answers
        and answers[exercise].large
        and exercise in known
        and answers[exercise].fingerprint == known[exercise].fingerprint
    ]


def written_by_hand(notebook: Notebook, exercises: Sequence[Exercise]) -> list[Flag]:
    """Flags for data an exercise asks for that stands in a cell as a literal: losses nobody measured."""
    owner = {name: exercise.id for exercise in exercises for name in exercise.asks_for}
    found = []
    for cell in notebook.cells:
        for node in body_of(cell.source):
            if not isinstance(node, ast.Assign) or not _is_long_literal(node.value):
                continue
            for target in node.targets:
                if isinstance(target, ast.Name) and target.id in owner:
                    sentence = f"`{target.id}` is written by hand, not computed."
                    found.append(Flag(owner[target.id], sentence, f"Cell {cell.number}."))
    return found


def _is_long_literal(value: ast.expr) -> bool:
    """Five constants or more in a row, and nothing that was computed elsewhere."""
    kinds = (ast.List, ast.Tuple, ast.BinOp, ast.UnaryOp, ast.Constant)
    plain = all(
        isinstance(one, (*kinds, ast.expr_context, ast.operator, ast.unaryop)) for one in ast.walk(value)
    )
    return plain and sum(isinstance(one, ast.Constant) for one in ast.walk(value)) >= 5


def _answers(found: Mapping[str, tuple[ast.stmt, int]], exercises: Sequence[Exercise]) -> dict[str, Answer]:
    answers = {}
    for exercise in exercises:
        pieces = [found[name] for name in exercise.asks_for if name in found]
        if pieces:
            dumps = [_normal(node) for node, _ in pieces]
            text = "\n".join(dump for dump, _ in dumps)
            cells = tuple(sorted({cell for _, cell in pieces}))
            digest = hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
            answers[exercise.id] = Answer(digest, sum(nodes for _, nodes in dumps), cells)
    return answers


def bound_names(cells: Iterable[CodeCell]) -> set[str]:
    """Names that these cells would leave in the kernel."""
    found: set[str] = set()
    for cell in cells:
        for node in body_of(cell.source):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                found.add(node.name)
                continue
            for one in ast.walk(node):
                if isinstance(one, ast.alias):
                    found.add((one.asname or one.name).partition(".")[0])
                elif isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store):
                    found.add(one.id)
    return found


def names_in_definitions_of(notebook: Notebook, names: Iterable[str]) -> set[str]:
    """Names of the notebook that the definitions of these names use, and those that these use in turn."""
    used: dict[str, set[str]] = {}
    for cell in notebook.cells:
        for node in _statements(cell.source):
            mentioned = {one.id for one in ast.walk(node) if isinstance(one, ast.Name)}
            used[node.name] = mentioned - _local_names(node)
    return reached_from(names, lambda name: used.get(name, set()))


def body_of(source: str) -> list[ast.stmt]:
    """The statements of a cell; none when it is not Python."""
    lines = [line for line in source.splitlines() if not line.lstrip().startswith(("%", "!"))]
    try:
        return ast.parse("\n".join(lines)).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []


def _statements(source: str) -> list[ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef]:
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    return [node for node in body_of(source) if isinstance(node, kinds)]


class _Normal(ast.NodeTransformer):
    """Local names become numbers in order of appearance; docstrings and type hints go."""

    def __init__(self, local: set[str]):
        self.local, self.names = local, dict[str, str]()

    def _name(self, name: str) -> str:
        return self.names.setdefault(name, f"v{len(self.names)}") if name in self.local else name

    def visit_Name(self, node: ast.Name) -> ast.AST:
        node.id = self._name(node.id)
        return node

    def visit_arg(self, node: ast.arg) -> ast.AST:
        node.arg, node.annotation = self._name(node.arg), None
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        if node.value is None:
            return ast.Pass()
        return self.visit(ast.Assign([node.target], node.value, lineno=0))

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.returns = None
        first = node.body[0]
        if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and len(node.body) > 1:
            node.body = node.body[1:]
        self.generic_visit(node)
        return node


def _local_names(node: ast.stmt) -> set[str]:
    """Names that a definition binds itself: parameters, variables."""
    found = {one.arg for one in ast.walk(node) if isinstance(one, ast.arg)}
    stored = (one for one in ast.walk(node) if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store))
    return found | {one.id for one in stored}


def _normal(node: ast.stmt) -> tuple[str, int]:
    try:
        normal = _Normal(_local_names(node)).visit(node)
        return ast.dump(normal), sum(1 for _ in ast.walk(normal))
    except RecursionError:
        return "", 0
