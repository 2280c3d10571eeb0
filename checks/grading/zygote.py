"""A process that has everything imported and nothing to hide; every submission is a fork of it.

It never sees an exercise, a solution, a submission or a grade: what a student's code may find in its
memory by digging is what was here. It is started with a clean environment and asked over a socket:
{sandbox} and two file descriptors in (the channel, and where to write how it ended), a process id out.
"""

import contextlib
import importlib
import json
import os
import signal
import socket
import sys
from collections.abc import Iterable
from typing import Any

from checks.grading import namespaces as ns
from checks.grading.kernel import new_shell, serve
from checks.grading.sandbox import Sandbox, furnish, leave_the_world, lock_the_door

MODULES: tuple[str, ...] = ("torch", "matplotlib.pyplot", "ipywidgets", "slmlib.plots", "slmlib.widgets")
MODULES += ("slmlib.training.trainer", "slmlib.text.corpus", "tokenizers")
"""What lessons import: once here instead of once a submission."""


def main(number: int, modules: Iterable[str]) -> None:
    """Serve requests on the inherited socket `number` until it is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the instructor's Ctrl-C is the grader's business
    for name in (*MODULES, *modules):
        with contextlib.suppress(Exception):  # a lesson that needs it will say so
            importlib.import_module(name)
    shell = new_shell()
    control = socket.socket(fileno=number)
    control.sendall(b"ready")
    while True:
        message, descriptors, _, _ = socket.recv_fds(control, 65_536, 2)
        _reap()
        if not message:
            return
        channel, status = descriptors
        child = os.fork()
        if child == 0:
            control.close()
            _first(Sandbox(**_tuples(json.loads(message))), channel, status, shell)
        os.close(channel)
        os.close(status)
        control.sendall(str(child).encode())


def _first(sandbox: Sandbox, channel: int, status: int, shell: Any) -> None:
    """Outside the room: leads the process group, waits for the room to end. Killing it ends all inside."""
    try:
        os.setsid()
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        ns.die_with_parent()
        leave_the_world(sandbox)
        child = os.fork()
        if child == 0:
            _second(sandbox, channel, status, shell)
        os.close(channel)
        os.close(status)
        os.waitpid(child, 0)
    except BaseException as error:
        _tell(status, {"trouble": f"{type(error).__name__}: {error}"})
    os._exit(0)


def _second(sandbox: Sandbox, channel: int, status: int, shell: Any) -> None:
    """The room's first process: furnishes it, waits for the kernel, and with its end everything in it ends."""
    try:
        ns.die_with_parent()
        ns.be_unreadable()
        furnish(sandbox)
        child = os.fork()
        if child == 0:
            _third(sandbox, channel, shell)
        os.close(channel)
        while True:
            ended, code = os.wait()
            if ended == child:
                break
        _tell(status, {"code": os.waitstatus_to_exitcode(code)})
    except BaseException as error:
        _tell(status, {"trouble": f"{type(error).__name__}: {error}"})
    os._exit(0)


def _third(sandbox: Sandbox, channel: int, shell: Any) -> None:
    """The student's kernel."""
    try:
        lock_the_door(sandbox, channel)
        serve(socket.socket(fileno=channel), shell)
    except BaseException:
        os._exit(1)
    os._exit(0)


def _tell(status: int, facts: dict[str, Any]) -> None:
    facts = {name: fact[:500] if isinstance(fact, str) else fact for name, fact in facts.items()}
    with contextlib.suppress(OSError):
        os.write(status, json.dumps(facts).encode())


def _reap() -> None:
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _tuples(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in fields.items()}


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
