"""Worker processes: each grades one notebook at a time, and is replaced when it dies or hangs.

A worker is trusted (it holds the questions and the judges) and has a warm zygote of its own. Jobs and
results cross as lines of JSON.
"""

import contextlib
import json
import os
import selectors
import subprocess
import sys
import time
from collections.abc import Generator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from checks.building.build import Lesson
from checks.course import Course
from checks.grading.finding import Submission
from checks.grading.grades import Grades
from checks.grading.marking import mark
from checks.grading.reading import read_notebook
from checks.grading.sandbox import Kind
from checks.grading.session import GRACE, Zygote
from checks.grading.settings import PATIENCE, Settings

SPARE_SECONDS = 120.0
"""On top of every limit inside; a worker silent for longer is replaced."""


@dataclass(frozen=True)
class Job:
    """One notebook to grade."""

    submission: Submission
    lesson: str
    warm: str = ""
    bundle: Submission | None = None
    """What was handed in beside it."""


def run_jobs(
    jobs: Sequence[Job],
    settings: Settings,
    kind: Kind,
    count: int,
    modules: Sequence[str] = (),
    folder: str = "",
) -> Generator[tuple[int, Grades], None, None]:
    """Grade all jobs on `count` workers; yields (index, grades) as they are done.

    folder: where workers put what they need for a moment; a worker that is killed cannot tidy up itself.
    """
    waiting = list(range(len(jobs)))[::-1]
    workers = [_Worker(settings, kind, modules, folder) for _ in range(max(min(count, len(jobs)), 1))]
    selector = selectors.DefaultSelector()
    try:
        for worker in workers:
            _feed(worker, waiting, jobs, selector)
        while any(worker.job is not None for worker in workers):
            ready = {key.data for key, _ in selector.select(timeout=1.0)}
            for worker in workers:
                if worker.job is None:
                    continue
                late = time.monotonic() > worker.deadline
                if worker not in ready and not late:
                    continue
                line = worker.line() if worker in ready else b""
                if line is None:
                    continue
                index, grades = worker.job, _grades(line)
                if grades is None:
                    selector.unregister(worker.output)
                    worker.stop()
                    why = "took too long" if late else "ended unexpectedly"
                    grades = Grades(
                        jobs[index].lesson,
                        state="grader failed",
                        problem=f"The grader's own process {why}; look at this notebook by hand.",
                    )
                worker.job = None
                yield index, grades
                _feed(worker, waiting, jobs, selector)
    finally:
        for worker in workers:
            worker.stop()
        selector.close()


def _feed(
    worker: "_Worker", waiting: list[int], jobs: Sequence[Job], selector: selectors.BaseSelector
) -> None:
    if not waiting:
        return
    if not worker.alive:
        worker.start()
        selector.register(worker.output, selectors.EVENT_READ, worker)
    index = waiting.pop()
    worker.give(index, jobs[index])


def _grades(line: bytes) -> Grades | None:
    try:
        return Grades.from_json(json.loads(line))
    except (ValueError, TypeError, KeyError):
        return None


class _Worker:
    """This side of one worker."""

    def __init__(self, settings: Settings, kind: Kind, modules: Sequence[str], folder: str):
        self.settings, self.kind, self.modules = settings, kind, modules
        self.folder = folder
        self.job: int | None = None
        self.deadline = 0.0
        self._process: subprocess.Popen[bytes] | None = None
        self._line = b""

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def output(self) -> Any:
        assert self._process is not None
        return self._process.stdout

    def start(self) -> None:
        given = {"kind": self.kind, "settings": asdict(self.settings)}
        root = str(Path(__file__).resolve().parent.parent.parent)
        path = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))
        self._process = subprocess.Popen(
            [sys.executable, "-m", "checks.grading.workers"],
            env=os.environ | {"PYTHONPATH": path} | ({"TMPDIR": self.folder} if self.folder else {}),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C reaches the batch, which ends its workers in order
        )
        self._write(given | {"modules": list(self.modules)})

    def give(self, index: int, job: Job) -> None:
        self.job, self._line = index, b""
        runs = (self.settings.restarts + 1) * (2 if self.settings.from_state else 1)
        seconds = runs * (self.settings.total_seconds + 20 * (20 + GRACE))
        self.deadline = time.monotonic() + PATIENCE * seconds + SPARE_SECONDS
        self._write(asdict(job))

    def line(self) -> bytes | None:
        """A whole line, b"" at the end of everything, None when there is more to come."""
        data = os.read(self.output.fileno(), 2**20)
        self._line += data
        if not data:
            return b""
        return self._line if self._line.endswith(b"\n") else None

    def stop(self) -> None:
        if self._process is not None:
            with contextlib.suppress(OSError, subprocess.TimeoutExpired):
                assert self._process.stdin is not None
                self._process.stdin.close()  # between two jobs it ends by itself, and tidies up
                self._process.wait(0.0 if self.job is not None else 5.0)
            self._process.kill()
            self._process.wait()
            for pipe in (self._process.stdin, self._process.stdout):
                if pipe is not None:
                    with contextlib.suppress(OSError):
                        pipe.close()
            self._process = None

    def _write(self, value: Any) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):  # a dead worker shows as the end of its output
            self._process.stdin.write(json.dumps(value).encode() + b"\n")
            self._process.stdin.flush()


def grade_bytes(
    data: bytes,
    lesson: Lesson,
    zygote: Zygote,
    settings: Settings,
    kind: Kind,
    warm: str = "",
    bundle: bytes | None = None,
) -> Grades:
    """Grade the bytes of one notebook, and of the bundle beside it."""
    return mark(read_notebook(data), lesson, zygote, settings.sandbox(kind, warm), settings, bundle)


def _submission(given: dict[str, Any]) -> Submission:
    """Back from JSON, which has no tuples."""
    return Submission(
        **given | {name: tuple(given[name]) for name in ("inside", "remarks", "names", "parts")}
    )


def main() -> None:
    """The worker's own side."""
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # nothing else may write where results go
    given = json.loads(sys.stdin.readline())
    settings, kind = Settings(**given["settings"]), given["kind"]
    course, known = Course.here(), dict[str, Lesson]()
    with Zygote(settings.environment(), given["modules"]) as zygote:
        zygote.start()  # now, so that no notebook's seconds count it
        for line in sys.stdin:
            job = json.loads(line)
            handed_in, number = _submission(job["submission"]), job["lesson"]
            try:
                if number not in known:
                    known[number] = Lesson.read(course, number)
                data, bundle = handed_in.read(), _submission(job["bundle"]).read() if job["bundle"] else None
                grades = grade_bytes(data, known[number], zygote, settings, kind, job["warm"], bundle)
                grades = replace(grades, remarks=(*handed_in.remarks, *grades.remarks))
            except Exception as error:  # a row that says so, whatever it was
                sentence = f"The grader failed ({type(error).__name__}: {str(error)[:300]})."
                grades = Grades(number, state="grader failed", problem=sentence)
            out.write(json.dumps(grades.to_json()) + "\n")
            out.flush()


if __name__ == "__main__":
    main()
