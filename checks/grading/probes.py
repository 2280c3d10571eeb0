"""The probe half of an exercise, cut out of its file: all that ever reaches a student's process.

Expected answers, judges, mistakes and questions stay behind, so that there is nothing to find in the
process the student's code runs in, however deep it digs.
"""

import ast
import inspect
from functools import lru_cache
from pathlib import Path

from checks.course import CourseError
from checks.exercise import Exercise

FIELDS = ("id", "title", "points", "asks_for", "seconds", "may_change_inputs")
"""What a probe and its messages need to know of their exercise."""
SECRET = frozenset(
    {
        *("expected", "judge", "questions", "questions_in_round"),
        *("mistakes", "hints", "mistake_in", "wrong_answer", "stage"),
    }
)


def probe_source(exercise: Exercise) -> str:
    """A module with one class that has the exercise's `probe` and whatever that uses, and nothing else."""
    kind = type(exercise)
    return _cut(str(inspect.getfile(kind)), kind.__name__, Path(inspect.getfile(kind)).stat().st_mtime_ns)


@lru_cache(maxsize=1000)
def _cut(path: str, name: str, modified: int) -> str:
    tree = ast.parse(Path(path).read_text(encoding="utf-8"))
    top = _definitions(tree.body)
    classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
    kept: dict[str, ast.stmt] = {}
    _keep_class(name, classes, top, kept)
    order = [node for node in tree.body if any(node is one for one in kept.values())]
    order = [kept[node.name] if isinstance(node, ast.ClassDef) else node for node in order]
    module = ast.Module([*_imports(tree, order, name), *order], [])
    return ast.unparse(ast.fix_missing_locations(module))


def _keep_class(
    name: str, classes: dict[str, ast.ClassDef], top: dict[str, ast.stmt], kept: dict[str, ast.stmt]
) -> None:
    """Put the class, cut to its probe, and all it names into `kept`."""
    node = classes[name]
    members = _definitions(node.body)
    bases = [base.id for base in node.bases if isinstance(base, ast.Name) and base.id in classes]
    wanted, todo = set(FIELDS) & set(members), ["probe"] if "probe" in members else []
    while todo:
        member = todo.pop()
        if member in SECRET:
            raise CourseError(
                f"The probe of {name} uses its own {member}(), which must not reach a student's process.",
                "Let the probe only call and convert; compare in judge.",
            )
        wanted.add(member)
        used = {
            one.attr
            for one in ast.walk(members[member])
            if isinstance(one, ast.Attribute) and isinstance(one.value, ast.Name) and one.value.id == "self"
        }
        todo += [one for one in used if one in members and one not in wanted]
    body = [member for member in node.body if set(_names(member)) & wanted]
    node.body = body or [ast.Pass()]
    kept[name] = node
    for base in bases:
        if base not in kept:
            _keep_class(base, classes, top, kept)
    _keep_names(node, classes, top, kept)


def _keep_names(
    node: ast.AST, classes: dict[str, ast.ClassDef], top: dict[str, ast.stmt], kept: dict[str, ast.stmt]
) -> None:
    """Follow every name a kept piece uses to its definition in the module."""
    for one in ast.walk(node):
        if not isinstance(one, ast.Name) or one.id in kept or one.id not in top:
            continue
        kept[one.id] = top[one.id]
        if one.id not in classes:
            _keep_names(top[one.id], classes, top, kept)


def _imports(tree: ast.Module, kept: list[ast.stmt], name: str) -> list[ast.stmt]:
    """Imports of what the kept pieces use; other exercises do not exist where a probe runs."""
    used = {one.id for node in kept for one in ast.walk(node) if isinstance(one, ast.Name)}
    found: list[ast.stmt] = []
    for node in tree.body:
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            node.names = [one for one in node.names if (one.asname or one.name).partition(".")[0] in used]
            if node.names and isinstance(node, ast.ImportFrom) and "exercises" in (node.module or ""):
                raise CourseError(
                    f"The probe of {name} uses {node.names[0].name} of {node.module}, which no student's process has.",
                    "Put what a probe needs into its own file.",
                )
            if node.names:
                found.append(node)
    return found


def _definitions(body: list[ast.stmt]) -> dict[str, ast.stmt]:
    return {name: node for node in body for name in _names(node)}


def _names(node: ast.stmt) -> list[str]:
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return [node.name]
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    return [one.id for target in targets if target for one in ast.walk(target) if isinstance(one, ast.Name)]
