"""The student's kernel inside the room: runs cells as IPython does, and probes beside them.

It holds no questions before they are asked, no expected answer and no solution. What it says is only ever
an answer; the judge is in another process.
"""

import os
import sys
import types
from typing import Any

from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from traitlets import Type
from traitlets.config import Config

import checks
from checks import commands, probing, submitting
from checks.grading.settings import PATIENCE
from checks.grading.wire import Channel, Closed, WireError
from checks.lending import Loan
from checks.limits import Tail, TimeUp, time_limit
from checks.report import Report

SENTENCE = 400
"""Most characters of an error message that are worth keeping."""


class Silent(DisplayPublisher):
    """Shown things go nowhere: nobody watches."""

    def publish(self, *arguments: Any, **options: Any) -> None:
        """Drop it."""

    def clear_output(self, wait: bool = False) -> None:
        """Nothing is there to clear."""


class SilentHook(DisplayHook):
    """The value of a cell's last line is kept as `_`, not shown."""

    def write_format_data(self, *arguments: Any, **options: Any) -> None:
        """Drop it."""

    def write_output_prompt(self) -> None:
        """None."""


class Shell(InteractiveShell):
    """IPython without a screen."""

    display_pub_class = Type(Silent)
    displayhook_class = Type(SilentHook)

    def enable_gui(self, gui: Any = None) -> None:
        """`%matplotlib inline` asks for it; there is no window."""

    def ask_exit(self) -> None:
        """`exit()` in a cell ends nothing, as in a notebook."""

    def _showtraceback(self, *arguments: Any) -> None:
        """The error itself is reported, not its picture."""


def new_shell() -> Shell:
    """A shell without history and without threads, ready to be forked."""
    config = Config()
    config.HistoryManager.enabled = False
    config.InteractiveShell.colors = "nocolor"
    shell = Shell.instance(config=config)
    if shell.display_formatter is not None:
        shell.display_formatter.active_types = ["text/plain"]  # pictures are drawn for nobody
    return shell


def serve(connection: Any, shell: Shell) -> None:
    """Answer requests until the other end closes."""
    channel = Channel(connection)
    own = os.getpid()
    sys.stdout, sys.stderr = Tail(), Tail()
    _quiet_course(channel)
    probes: dict[str, types.ModuleType] = {}
    while True:
        try:
            request = channel.receive()
            reply = _run(shell, request) if request["do"] == "run" else _ask(shell, request, probes)
            if os.getpid() != own:  # a fork that a cell made must not answer as well
                os._exit(0)
            channel.send({"n": request["n"]} | reply)
        except Closed:
            return
        except TimeUp:  # rang a moment after its cell had ended
            continue


def _run(shell: Shell, request: dict[str, Any]) -> dict[str, Any]:
    """Run one cell; its error, by name and message."""
    error: BaseException | None
    try:
        with time_limit(request["seconds"], PATIENCE):
            result = shell.run_cell(request["source"], store_history=False)
        error = result.error_before_exec or result.error_in_exec
    except BaseException as raised:
        error = raised
    if error is None:
        return {"error": ""}
    if isinstance(error, TimeUp):
        return {"error": "TimeUp", "message": ""}
    return {"error": type(error).__name__[:80], "message": _message(error)}


def _message(error: BaseException) -> str:
    try:
        return str(error).strip().partition("\n")[0][:SENTENCE]
    except BaseException:
        return "(its message cannot be read)"


def _ask(shell: Shell, request: dict[str, Any], probes: dict[str, types.ModuleType]) -> dict[str, Any]:
    """One round of questions to the student's code."""
    source = request["probe"]
    try:
        if source not in probes:
            module = types.ModuleType("probe")
            exec(compile(source, "<probe>", "exec"), vars(module))
            probes[source] = module
        exercise = vars(probes[source])[request["class"]]()
        exercise.seconds = request["seconds"]
    except Exception as error:
        problem = (
            f"The check itself broke ({type(error).__name__}: {_message(error)}). This is not your mistake."
        )
        return {"state": "failed", "problem": problem, "fix": "Ask your instructor to look at it."}
    reply = probing.ask(exercise, shell.user_ns, request["questions"], request["seed"], PATIENCE)
    return {
        "state": reply.state,
        "answer": reply.answer,
        "problem": reply.problem[:SENTENCE],
        "fix": reply.fix[:SENTENCE],
    }


def _quiet_course(channel: Channel) -> None:
    """In here `check`, `hint`, `progress` and `submit` show nothing, and `reference` asks the grader, who writes it down."""

    def check(wanted: str) -> Report:
        return Report((), ("Checks are made by the grader.",))

    def hint(wanted: str) -> commands.Hint:
        return commands.Hint("No hint", "Nobody reads hints while the notebook is graded.", "")

    def progress() -> str:
        return ""

    def submit(lesson: str, lab: bool = False) -> str:
        return ""

    def reference(wanted: str) -> Any:
        channel.send({"lend": str(wanted)})
        try:
            source = channel.receive()["loan"]
        except (WireError, KeyError, TypeError):
            source = None
        if not isinstance(source, str):
            return commands.Hint("No loan", f"There is no exercise {wanted!r} to lend.", "")
        exec(compile(source, f"<reference {wanted}>", "exec"), InteractiveShell.instance().user_ns)
        return Loan(str(wanted), source)

    for name, function in (
        ("check", check),
        ("hint", hint),
        ("progress", progress),
        ("reference", reference),
        ("submit", submit),
    ):
        setattr(checks, name, function)
        setattr(submitting if name == "submit" else commands, name, function)
