"""The grader's end: start the zygote, open rooms, run cells, ask questions, watch, and end it for certain.

Everything a student's process sends is an answer of bounded size and checked type; a process that dies,
floods, hangs or talks nonsense is a KernelEnded with a sentence, never an error of the grader.
"""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil

from checks.exercise import Exercise, Questions, Reply
from checks.grading.grades import printable
from checks.grading.probes import probe_source
from checks.grading.sandbox import (
    KINDS,
    MISSING,
    Kind,
    Sandbox,
    python_is_for_all,
    python_paths,
)
from checks.grading.settings import PATIENCE
from checks.grading.wire import Channel, Closed, Late, WireError
from slmlib.errors import SlmError

GRACE = 3.0
"""Seconds after a limit that the process has to stop by itself before it is killed."""
MOST_LOANS = 100


class KernelEnded(Exception):
    """The student's process is over, and why, in a sentence."""


class CutShort(KernelEnded):
    """It was ended for its time by the grader, or for want of memory by the machine: no mistake of the student's."""


class OutOfMemory(CutShort):
    """It is gone, and Linux was ending processes for want of memory: whether it took too much, or others did,
    nobody can say."""


class GradingError(SlmError):
    """The grader itself cannot work."""


class NoRoom(GradingError):
    """A room could not be made; nothing of a student's ran in it."""


class Zygote:
    """The warm process every room is a fork of; started anew when it dies. A context manager."""

    def __init__(self, environment: dict[str, str], modules: Iterable[str] = ()):
        self.environment, self.modules = environment, tuple(modules)
        self.folder = Path(tempfile.mkdtemp(prefix="slm-grading-"))
        self.folder.chmod(0o711)
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._rooms = 0

    def __enter__(self) -> "Zygote":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(self) -> None:
        """Start it and wait until everything is imported."""
        self.stop()
        ours, theirs = socket.socketpair()
        root = str(Path(__file__).resolve().parent.parent.parent)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "checks.grading.zygote", str(theirs.fileno()), *self.modules],
            env=self.environment | {"PYTHONPATH": root},
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            pass_fds=[theirs.fileno()],
        )
        theirs.close()
        ours.settimeout(120)
        self._control = ours
        try:
            ready = ours.recv(5)
        except OSError:
            ready = b""
        if ready != b"ready":
            self._process.kill()
            words = (self._process.communicate()[1] or b"").decode(errors="replace").strip().splitlines()
            raise GradingError(
                f"The process that runs submissions did not start: {words[-1] if words else 'no reason given'}.",
                "Does `python -c 'import torch, IPython, checks'` work here?",
            )

    def stop(self) -> None:
        """End it; rooms that are open end by themselves."""
        if self._control is not None:
            self._control.close()
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
        self._control = self._process = None

    def fork(self, sandbox: Sandbox, channel: socket.socket, status: int) -> int:
        """A new room; the id of its outermost process."""
        request = json.dumps(vars(sandbox)).encode()
        for _ in range(2):
            if self._control is None or self._process is None or self._process.poll() is not None:
                self.start()
            assert self._control is not None
            try:
                socket.send_fds(self._control, [request], [channel.fileno(), status])
                return int(self._control.recv(32))
            except (OSError, ValueError):
                self.stop()
        raise GradingError("The process that runs submissions keeps dying.", "Is there enough memory?")

    def new_folder(self) -> Path:
        """An empty folder for one room."""
        self._rooms += 1
        folder = self.folder / f"room{self._rooms}"
        folder.mkdir(mode=0o755)
        return folder


def best_kind(zygote: Zygote, sandbox: Sandbox) -> Kind:
    """The strongest kind of room that works on this machine, tried out."""
    trouble = ""
    for kind in KINDS:
        if kind == "plain" and os.getuid() == 0 and not python_is_for_all():
            trouble = "no namespaces, and code of others must not run as root"
            break
        try:
            with Session.open(zygote, replace(sandbox, kind=kind)) as session:
                session.run("1", 20)
            return kind
        except OutOfMemory as ended:  # no reason to be content with a weaker kind
            raise GradingError(f"A process for submissions {ended}.", "Free some memory.") from None
        except KernelEnded as ended:
            trouble = str(ended)
        except NoRoom as failed:
            trouble = failed.problem
    raise GradingError(f"No process for submissions can be made here: {trouble}.", "Try it in a container.")


def missing_protection(kind: Kind) -> tuple[str, ...]:
    """What this kind of room does not protect, in words."""
    return MISSING[kind]


class Session:
    """One open room with a kernel in it."""

    def __init__(self, sandbox: Sandbox, process: int, channel: socket.socket, status: int):
        self.sandbox, self.process, self._status = sandbox, process, status
        self.channel = Channel(channel, self._watch)
        self.loans: list[str] = []
        """Ids of the exercises whose reference was lent, in order."""
        self.lend: Callable[[str], tuple[str, str] | None] = lambda wanted: None
        """Gives an exercise's id and the source of our version; the default withholds it."""
        self.peak_mb = 0.0
        self.spent = 0.0
        """Seconds that the last request cost: of computing where the clock ran longer, see settings.PATIENCE."""
        self.starved = False
        """Whether the last request got clearly less of the CPU than the clock says it took."""
        self._number, self._looked, self._cpu = 0, 0.0, 0.0
        self._kills_before = 0
        self._limit = (0.0, 0.0)

    @classmethod
    @contextlib.contextmanager
    def open(cls, zygote: Zygote, sandbox: Sandbox) -> Iterator["Session"]:
        """Open a room, and see to it that nothing of it is left afterwards."""
        folder = zygote.new_folder()
        sandbox = replace(sandbox, folder=str(folder), visible=sandbox.visible or python_paths())
        if sandbox.kind == "plain" and sandbox.user is not None:
            os.chown(folder, sandbox.user, sandbox.user)
        ours, theirs = socket.socketpair()
        reading, writing = os.pipe()
        try:
            process = zygote.fork(sandbox, theirs, writing)
            theirs.close()
            os.close(writing)
            writing = -1
            session = cls(sandbox, process, ours, reading)
            try:
                yield session
            finally:
                session.end()
        finally:
            theirs.close()
            ours.close()
            os.close(reading)
            if writing >= 0:
                os.close(writing)
            shutil.rmtree(folder, ignore_errors=True)

    def run(self, source: str, seconds: float) -> tuple[str, str]:
        """Run a cell: ("", "") or the name and message of its error; KernelEnded when nothing is left."""
        reply = self._request({"do": "run", "source": source, "seconds": float(seconds)}, seconds)
        return _text(reply, "error"), _text(reply, "message")

    def ask(
        self, exercise: Exercise, questions: Questions, seed: int, seconds: float = float("inf")
    ) -> Reply:
        """One round of questions; a Reply of checked type, whatever came back. seconds: less than the exercise's."""
        limit = min(exercise.seconds, seconds)
        request: dict[str, Any] = {
            "do": "ask",
            "probe": probe_source(exercise),
            "class": type(exercise).__name__,
        }
        request |= {"questions": questions, "seed": seed, "seconds": float(limit)}
        reply = self._request(request, limit)
        if reply.get("state") == "answered":
            return Reply("answered", reply.get("answer"))
        state: Any = "to do" if reply.get("state") == "to do" else "failed"
        return Reply(state, None, _text(reply, "problem"), _text(reply, "fix"))

    def end(self) -> None:
        """Kill every process of the room."""
        with contextlib.suppress(psutil.Error):
            room = psutil.Process(self.process)
            inside = room.children(recursive=True)
            for process in (room, *inside):
                with contextlib.suppress(psutil.Error):
                    process.kill()
        with contextlib.suppress(OSError):
            os.killpg(self.process, signal.SIGKILL)

    def _request(self, request: dict[str, Any], seconds: float) -> dict[str, Any]:
        self._number += 1
        self._kills_before = kills_for_memory()
        most, began, used = seconds + GRACE, time.monotonic(), self._cpu
        deadline = began + PATIENCE * most
        self._limit = (began + most, used + most)
        try:
            self.channel.send(request | {"n": self._number}, PATIENCE * most)
            while True:
                reply = self.channel.receive(deadline)
                if not isinstance(reply, dict):
                    raise WireError("an answer that is none")
                if "lend" in reply:
                    self._lend(reply["lend"])
                elif reply.get("n") == self._number:
                    return reply
        except Late:
            raise CutShort(f"did not stop after {seconds:g} seconds and was stopped by the grader") from None
        except Closed:
            reason = self._how_it_ended()
        except WireError as error:
            reason = f"sent {error}"
        finally:
            self._count(time.monotonic() - began, used)
        raise KernelEnded(reason)

    def _count(self, clock: float, used: float) -> None:
        """What a request cost. A process may lie about its time; its CPU seconds are read from outside."""
        computed = clock
        if clock > 1:
            self._look()
            computed = max(self._cpu - used, 0.0)
        self.starved = computed < 0.9 * clock
        self.spent = min(clock, max(computed, clock / PATIENCE))

    def _lend(self, wanted: Any) -> None:
        if type(wanted) is not str or len(self.loans) >= MOST_LOANS:
            raise WireError("an answer that is none")
        exercise, source = self.lend(wanted) or (None, None)
        if exercise is not None:
            self.loans.append(exercise)
        self.channel.send({"loan": source}, GRACE)

    def _watch(self) -> None:
        """Called while waiting: memory and CPU seconds of all processes of the room together."""
        now = time.monotonic()
        if now - self._looked < 0.25:
            return
        used = self._look()
        if used > self.sandbox.memory_mb:
            raise KernelEnded(f"used more than {self.sandbox.memory_mb} MB of memory and was ended")
        if now > self._limit[0] and self._cpu > self._limit[1]:
            raise Late("no answer in time")

    def _look(self) -> float:
        """Note what the room uses; its memory in MB."""
        self._looked = time.monotonic()
        memory, self._cpu = usage(self.process)
        if memory > self.sandbox.memory_mb << 20:
            memory = min(memory, held_once(self.process))
        self.peak_mb = max(self.peak_mb, memory / 2**20)
        return memory / 2**20

    def _how_it_ended(self) -> str:
        # The status is written a moment after the channel has closed.
        os.set_blocking(self._status, False)
        for _ in range(100):
            try:
                facts = os.read(self._status, 4096)
            except BlockingIOError:
                time.sleep(0.02)
                continue
            try:
                ended = json.loads(facts)
            except ValueError:
                break
            if "trouble" in ended:
                raise NoRoom(f"A room could not be made ({ended['trouble']})")
            code = int(ended.get("code", 0))
            if code == -signal.SIGKILL:
                self._require_enough_memory()
            if code < 0:
                return f"was killed by signal {-code} ({_signal(-code)})"
            return f"ended itself with exit code {code}"
        self._require_enough_memory()
        return "died"

    def _require_enough_memory(self) -> None:
        """Raise OutOfMemory when Linux has ended processes for want of memory since the last request began: the
        kernel may be one of them."""
        if kills_for_memory() > self._kills_before:
            raise OutOfMemory("ended when this machine had no memory left")


def kills_for_memory() -> int:
    """How many processes Linux has ended for want of memory since it started; 0 where nobody counts."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/vmstat").read_text().splitlines():
            if line.startswith("oom_kill "):
                return int(line.split()[1])
    return 0


def usage(process: int) -> tuple[int, float]:
    """Bytes that a process's children hold for themselves, at most (see `held_once`); their CPU seconds."""
    held, computed = 0, 0.0
    with contextlib.suppress(psutil.Error):
        for one in psutil.Process(process).children(recursive=True):
            with contextlib.suppress(psutil.Error):
                memory = one.memory_info()
                held += memory.rss - getattr(memory, "shared", 0)
                computed += sum(one.cpu_times()[:4])  # its own, and those of its children that have ended
    return held, computed


def held_once(process: int) -> int:
    """The same bytes with what several of them share counted once, as a DataLoader's workers share the data set.

    Slower to find out, and where nobody tells (no Linux, or another user's process), what `usage` says.
    """
    held = 0
    with contextlib.suppress(psutil.Error):
        for one in psutil.Process(process).children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):
                memory = one.memory_info()
                alone = memory.rss - getattr(memory, "shared", 0)
                with contextlib.suppress(psutil.AccessDenied):
                    alone = getattr(one.memory_full_info(), "pss", alone)
                held += alone
    return held


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return "unknown"


def _text(reply: dict[str, Any], name: str) -> str:
    value = reply.get(name, "")
    return printable(value[:500]) if type(value) is str else ""
