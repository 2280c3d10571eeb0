"""Grade the whole battery in one batch, and say of each file whether it was graded as it deserves.

python tests/checks/grading/run_battery.py [WORDS ...] [--nbgrader PYTHON] [--otter PYTHON] [--write FILE.md]

The table; of files whose name holds one of the words; beside what nbgrader and otter-grader give, where a Python is named
that has them and the course's libraries: `python -m venv`, `pip install nbgrader==0.9.6` (or otter-grader), and in its
site-packages a file course.pth with one line, the site-packages of .venv. --write makes a page of it.
"""

import argparse
import importlib.util
import json
import os
import platform
import shutil
import socket
import sys
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

HERE = Path(__file__).parent
BATTERY = sorted((HERE / "battery").glob("*.py"))
EXERCISES = ("98.1", "98.2")
SECRET = "SECRET-ab12cd34"
FAMILIES = {
    "lie": "lies",
    "forged": "forged state",
    "destroy": "destruction",
    "broken": "broken files",
    "snoop": "snooping",
    "honest": "honest trouble",
}


@dataclass(frozen=True)
class Verdict:
    """What became of one file of the battery."""

    name: str
    tries: str
    state: str
    earned: dict[str, float]
    wrong: tuple[str, ...]
    """What is not as it should be, in words."""
    row: object

    @property
    def family(self) -> str:
        """As the table's first column."""
        return FAMILIES[self.name.partition("_")[0]]


def load(path: Path) -> ModuleType:
    """A file of the battery."""
    spec = importlib.util.spec_from_file_location(f"battery_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def expected(module: ModuleType) -> tuple[tuple[str, ...], tuple[str, ...], str]:
    """(exercises that must get full marks, those that must not, state)."""
    honest = getattr(module, "HONEST", ("98.2",))
    lies = getattr(module, "LIES", tuple(one for one in EXERCISES if one not in honest)[:1])
    return honest, lies, getattr(module, "STATE", "graded")


def make_course(root: Path):
    """The demonstration with short time limits."""
    from checks.course import Course

    shutil.copytree(HERE.parent / "demo", root, ignore=shutil.ignore_patterns("__pycache__"))
    path = root / "checks" / "exercises" / "lesson_98.py"
    text = path.read_text()
    for line in (
        '    id, title, points, asks_for = "98.1"',
        '    id, title, points, asks_for = "98.2"',
    ):
        assert line in text
        text = text.replace(line, f"    seconds = 2.0\n{line}")
    path.write_text(text)
    return Course(root)


def write_files(folder: Path, course, port: int, wanted) -> dict[str, list[str]]:
    """Make every submission; name -> the paths it consists of."""
    from book import Book, Link, Pipe

    from checks.building.build import Lesson

    lesson, placed = Lesson.read(course, "98"), {}
    for path in BATTERY:
        if wanted and not any(word in path.stem for word in wanted):
            continue
        book = Book(lesson, port)
        files = load(path).make(book) or {f"{path.stem}/98_demo.ipynb": book.bytes()}
        placed[path.stem] = []
        for name, data in files.items():
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(data, Link):
                target.symlink_to(data.target)
            elif isinstance(data, Pipe):
                os.mkfifo(target)
            else:
                target.write_bytes(data)
            placed[path.stem].append(str(target))
    return placed


def run(folder: Path, wanted=(), say=lambda line: None, jobs: int = 2) -> list[Verdict]:
    """Grade the battery below `folder`; one verdict a file, and one for what was left behind."""
    from checks.grading import Settings
    from checks.grading.batch import grade_folder
    from checks.grading.gradebook import write_canvas, write_gradebook, write_moodle
    from checks.grading.pages import write_pages

    os.environ["SLM_COURSE"] = str(folder / "course")
    os.environ["GRADER_KEY"] = SECRET
    submissions, out = folder / "submissions", folder / "grades"
    submissions.mkdir(parents=True)
    out.mkdir()
    (submissions / "notes.json").write_text(SECRET)
    (folder / "secret.json").write_text(SECRET)
    server = _Server()
    course = make_course(folder / "course")
    placed = write_files(submissions, course, server.port, wanted)
    settings = Settings(cell_seconds=3, total_seconds=12, memory_mb=1500, disk_mb=64, restarts=3)
    try:
        batch = grade_folder(submissions, out, settings, jobs, say=say)
        write_gradebook(batch, out)
        write_canvas(batch, out)
        write_moodle(batch, out)
        write_pages(batch, out)
    finally:
        server.stop()
    rows = {row.submission.path: row for row in batch.rows if row.submission.path}
    return [
        _verdict(load(HERE / "battery" / f"{name}.py"), name, [rows.get(path) for path in paths])
        for name, paths in placed.items()
    ]


def _verdict(module: ModuleType, name: str, rows) -> Verdict:
    honest, lies, state = expected(module)
    tries = (module.__doc__ or "").strip()
    row = rows[0]
    if row is None:
        return Verdict(name, tries, "lost", {}, ("lost",), None)
    grades = row.grades
    points = {outcome.id: outcome.points for outcome in grades.outcomes}
    earned = {outcome.id: outcome.earned for outcome in grades.outcomes}
    wrong = [f"state {grades.state}: {grades.problem}"] if grades.state != state else []
    wrong += [f"{one} honest, not graded" for one in honest if one in points and earned[one] < points[one]]
    wrong += [f"{one} honest, no row" for one in honest if one not in points]
    wrong += [f"{one} fooled" for one in lies if one in points and earned[one] >= points[one]]
    wrong += ["a secret got out"] if SECRET in json.dumps(grades.to_json()) else []
    if name.startswith("snoop"):
        wrong += ["looked outside"] if "SECRET" in json.dumps(grades.to_json()) else []
    return Verdict(name, tries, grades.state, earned, tuple(wrong), row)


class _Server:
    """Answers on this machine's loopback, where a student's code must not reach."""

    def __init__(self) -> None:
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            connection.sendall(SECRET.encode())
            connection.close()

    def stop(self) -> None:
        """No more answers."""
        self.socket.close()


WORTH = {"98.1": 3.0, "98.2": 2.0}


def table(verdicts, others=None) -> str:
    """The battery as text, by family and name; `others`: grader -> its points by name."""
    others = others or {}
    lines = [f"{name}: {_summary(theirs)}" for name, theirs in others.items()]
    for family in FAMILIES.values():
        for one in (verdict for verdict in verdicts if verdict.family == family):
            earned = " ".join(f"{name}: {points:g}" for name, points in one.earned.items()) or one.state
            seconds = f"{one.row.grades.seconds:.1f} s" if one.row is not None else ""
            mark = "ok  " if not one.wrong else "BAD "
            for name, theirs in others.items():
                seconds += f"  {name}: {_other(theirs, one.name):<20}"
            lines.append(
                f"{mark} {family:<14} {one.name:<34} {earned:<18} {seconds:>7}  {'; '.join(one.wrong)}"
            )
    bad = sum(bool(one.wrong) for one in verdicts)
    lines.append(f"{len(verdicts)} files, {len(verdicts) - bad} graded as they deserve.")
    return "\n".join(lines)


def page(verdicts, others) -> str:
    """The table as a page: what each file tries, and what became of it."""
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    ours = sum(not one.wrong for one in verdicts)
    lines = [
        "# The battery: hostile and broken submissions",
        "",
        f"Of {len(verdicts)} files {ours} were graded as they deserve. Exercise 98.1 is worth 3 points, 98.2 is worth 2.",
        "*Fooled*: points for a lie. *Lost*: an honest answer without its points. Neither of the others has walls around a",
        "student's code, so they were given only files that harm nobody. Both call our `check` in the student's process: an",
        f"object that is equal to everything is caught by it, not by them. {machine}.",
        "",
        "Written by `python tests/checks/grading/run_battery.py --nbgrader PYTHON --otter PYTHON --write FILE`.",
        "",
    ]
    lines += [f"- {name}: {_summary(theirs)}" for name, theirs in others.items()]
    names = list(others)
    for family in FAMILIES.values():
        heads = ["file", "what it tries", "this grader", *names]
        lines += ["", f"## {family.capitalize()}", "", f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
        for one in (verdict for verdict in verdicts if verdict.family == family):
            points = f"{sum(one.earned.values()):g}" if one.earned else one.state
            verdict = f"{points} right" if not one.wrong else f"{points} WRONG: {'; '.join(one.wrong)}"
            words = " ".join(one.tries.split()).replace("|", "\\|")
            lines.append(
                f"| {' | '.join([one.name, words, verdict, *(_other(others[name], one.name) for name in names)])} |"
            )
    return "\n".join(lines) + "\n"


def _summary(theirs) -> str:
    """How many of the files another grader was given it got wrong."""
    words = [_other(theirs, name) for name in theirs]
    counts = {kind: sum(kind in word for word in words) for kind in ("right", "fooled", "lost", "not graded")}
    return f"{len(words)} files, " + ", ".join(f"{count} {kind}" for kind, count in counts.items())


def _other(theirs, name: str) -> str:
    """What another grader made of a file, in words."""
    if name not in theirs:
        return "not run"
    points = theirs[name]
    if points is None:
        return "not graded"
    honest, lies, _ = expected(load(HERE / "battery" / f"{name}.py"))
    most = sum(WORTH.values()) - sum(WORTH[one] for one in lies)
    least = sum(WORTH[one] for one in honest)
    word = "fooled" if points > most else "honest answer lost" if points < least else "right"
    return f"{points:g} {word}"


def main(words) -> int:
    """Print the table; `--nbgrader PYTHON` and `--otter PYTHON` put their points beside ours."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("words", nargs="*")
    parser.add_argument("--nbgrader", metavar="PYTHON", default="")
    parser.add_argument("--otter", metavar="PYTHON", default="")
    parser.add_argument("--write", metavar="FILE", type=Path)
    options = parser.parse_args(words)
    words, others = options.words, {}
    with tempfile.TemporaryDirectory(prefix="battery-") as folder:
        verdicts = run(Path(folder), words, lambda line: print(line, file=sys.stderr, flush=True))
        if options.nbgrader or options.otter:
            others = _by_others(options.nbgrader, options.otter, Path(folder), words)
    print(table(verdicts, others))
    if options.write:
        options.write.write_text(page(verdicts, others), encoding="utf-8")
    return int(any(one.wrong for one in verdicts))


def _by_others(nbgrader: str, otter: str, folder: Path, wanted):
    """The harmless part of the battery, graded by the others: grader -> points by name, None for what it did not grade."""
    import nbformat
    from beside_others import is_for_it, points_by_nbgrader, points_by_otter, version_of

    from checks.building.build import Lesson
    from checks.course import Course

    course = Course(folder / "course")
    placed = write_files(folder / "again", course, 0, wanted)
    files = {name: Path(paths[0]).read_bytes() for name, paths in placed.items() if is_for_it(name, paths)}
    solution = nbformat.writes(Lesson.read(course, "98").solution())
    found: dict[str, dict[str, float]] = {}
    if nbgrader:
        found[version_of(nbgrader, "nbgrader")] = points_by_nbgrader(nbgrader, files, solution)
    if otter:
        found[version_of(otter, "otter-grader")] = points_by_otter(otter, files, WORTH)
    return {grader: {name: points.get(name) for name in files} for grader, points in found.items()}


if __name__ == "__main__":
    sys.path.insert(0, str(HERE))
    sys.exit(main(sys.argv[1:]))
