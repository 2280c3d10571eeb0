"""Contestants in processes of their own take turns; their results are compared before their speeds are.

A machine is faster at one minute than at the next. So all contestants of a row are started and warmed up, and then
each works for one turn, again and again in the same order, while the others wait: a slow minute hits all of them. A
ratio is taken within each round, and the table shows the median of the rounds with the smallest and the largest.

A contestant is a subclass of `Contestant`; `serve` runs it in its process, `race` starts the processes and collects.
"""

import importlib.metadata
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).resolve().parent.parent.parent


class Unavailable(Exception):
    """This contestant cannot take part here; the sentence says what is missing."""


class Contestant:
    """One way to do the work of a row. The constructor prepares and warms up; its time is not counted."""

    precision = "float32"
    """What the matrix products are computed in."""
    packages: tuple[str, ...] = ("torch",)
    """Whose versions belong beside the numbers."""

    def turn(self) -> tuple[float, Any]:
        """Work for one turn: the measured value, in the row's unit, and what was made."""
        raise NotImplementedError

    def outcome(self, made: Any) -> Any:
        """Plain data that shows what was computed; neither its time nor its memory is counted."""
        return made


@dataclass(frozen=True)
class Row:
    """One line of work that several contestants do."""

    name: str
    """Such as `training/S`; what stands before the stroke is the module of its contestants."""
    title: str
    """What is measured, in words."""
    unit: str
    """Of the value, such as `tokens/s`."""
    contestants: tuple[str, ...]
    """By name; the first is the one that the others' outcomes are compared with."""
    ours: tuple[str, ...] = ()
    """Whose ratio to everybody is shown; empty means the first contestant's."""
    work: dict[str, Any] = field(default_factory=dict)
    """What a contestant needs to know: sizes, number of steps."""
    higher_is_better: bool = True
    """False where the value is a time."""
    turns: int = 3
    """Rounds that are measured."""
    threads: int = 0
    """CPU threads of each; 0 leaves them as they are."""


@dataclass
class Result:
    """What one contestant did in one row."""

    status: str
    """`measured`, or why there are no numbers."""
    values: list[float] = field(default_factory=list)
    """One for each turn, in the row's unit."""
    outcome: Any = None
    """What it computed in its last turn."""
    peak_megabytes: float = 0.0
    """The most memory that its process held up to the end of its first turn, libraries included."""
    precision: str = ""
    versions: dict[str, str] = field(default_factory=dict)

    @property
    def measured(self) -> bool:
        """Whether there are numbers."""
        return self.status == "measured"


# --- in the contestant's process ---


def serve(build: Callable[[], Contestant]) -> None:
    """Answer one JSON line when ready, one for each `turn` read from stdin, and one for what is to be known at the end.

    Whatever the libraries print goes to stderr, so that stdout carries nothing but answers.
    """
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)

    def answer(**values: Any) -> None:
        print(json.dumps(values), file=answers, flush=True)

    try:
        contestant = build()
    except Unavailable as missing:
        return answer(status=str(missing))
    except ImportError as error:
        return answer(status=f"not installed: {error.name}")
    answer(status="ready")
    peak_megabytes = 0.0
    for line in sys.stdin:
        if line.strip() != "turn":
            break
        value, made = contestant.turn()
        peak_megabytes = peak_megabytes or _peak_megabytes()
        answer(value=value, outcome=contestant.outcome(made))
    answer(
        peak_megabytes=peak_megabytes,
        precision=contestant.precision,
        versions={name: importlib.metadata.version(name) for name in contestant.packages},
    )


def _peak_megabytes() -> float:
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available() and torch.cuda.max_memory_allocated():
        return torch.cuda.max_memory_allocated() / 1e6
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    status = Path("/proc/self/status")
    if status.exists():  # Linux lets a process inherit the ru_maxrss of whoever started it; this is its own
        own = next(int(line.split()[1]) for line in status.read_text().splitlines() if "VmHWM" in line)
    return max(own, children) * (1 if sys.platform == "darwin" else 1024) / 1e6


# --- in the process that leads ---


class Process:
    """A contestant at work in another process."""

    def __init__(self, command: Sequence[str], threads: int = 0):
        environment = os.environ | {"PYTHONPATH": str(CHECKOUT)}
        if threads:
            environment |= {"OMP_NUM_THREADS": str(threads), "MKL_NUM_THREADS": str(threads)}
        self.said = tempfile.TemporaryFile("w+", errors="replace")  # noqa: SIM115 (closed in close)
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.said,  # a file: nobody reads while it runs, and a pipe would fill up
            text=True,
            env=environment,
        )
        first = self._answer()
        self.result = Result(first.get("status", "failed"))
        if self.result.status == "ready":
            self.result.status = "measured"

    def turn(self) -> None:
        """Let it work once."""
        if not self.result.measured:
            return
        answer = self._ask("turn")
        if "value" not in answer:
            self.result.status = answer["status"]
            return
        self.result.values.append(answer["value"])
        self.result.outcome = answer["outcome"]

    def finish(self) -> Result:
        """Ask what is left to know, and let it go."""
        if self.result.measured:
            for name, value in self._ask("end").items():
                setattr(self.result, name, value)
        self.close()
        return self.result

    def close(self) -> None:
        """End the process, whatever it is doing."""
        if self.said.closed:
            return
        self.process.kill()
        self.process.communicate()
        self.said.close()

    def _ask(self, word: str) -> dict[str, Any]:
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(word + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if line:
            return json.loads(line)
        self.process.wait()
        self.said.seek(0)
        said = self.said.read().strip().splitlines() or ["without a word"]
        return {"status": f"failed: {said[-1][:200]}"}


def race(row: Row, command: Callable[[str], Sequence[str]]) -> dict[str, Result]:
    """Start everybody, let them take turns, and refuse whoever computed something else.

    command: the command line of a contestant's process, by its name.
    """
    with ExitStack() as stack:
        processes = {}
        for name in row.contestants:
            processes[name] = Process(command(name), row.threads)
            stack.callback(processes[name].close)
        for _ in range(row.turns):
            for process in processes.values():
                process.turn()
        results = {name: process.finish() for name, process in processes.items()}
    return results


def refuse_wrong(row: Row, results: dict[str, Result], differs: Callable[[str, Any, Any], str]) -> None:
    """Take the numbers from everyone whose outcome differs from the first contestant's.

    differs: of a contestant's name, its outcome and the expected one; a sentence where they are too far apart, or
    an empty one.
    """
    reference = results[row.contestants[0]]
    for name, result in results.items():
        if result.measured and reference.measured and result is not reference:
            sentence = differs(name, result.outcome, reference.outcome)
            if sentence:
                result.status = f"refused: {sentence}"


def ratios(row: Row, ours: Result, theirs: Result) -> list[float]:
    """By how much we are better, once for each round: above 1 is faster, for rates and for times."""
    pairs = zip(ours.values, theirs.values, strict=True)
    return [mine / other if row.higher_is_better else other / mine for mine, other in pairs]


def spread(values: Sequence[float], form: str) -> str:
    """The median, with the smallest and the largest: `1.52 (1.49-1.60)`."""
    middle = statistics.median(values)
    return f"{middle:{form}} ({min(values):{form}}-{max(values):{form}})"


def to_json(results: dict[str, Result]) -> dict[str, Any]:
    """Plain data for the results file; long outcomes are left out, they served their purpose."""
    plain = {name: asdict(result) for name, result in results.items()}
    for values in plain.values():
        if isinstance(values["outcome"], list):
            values["outcome"] = f"{len(values['outcome'])} numbers"
    return plain
