"""Run a notebook in a fresh kernel of this very Python."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat import NotebookNode

from checks.course import CourseError

LEFT_OUT = "skip-execution"
"""nbclient's tag of cells that are not run: here, because an earlier one failed."""


class ExecutionError(CourseError):
    """A notebook that could not be run to its end."""


def execute(
    notebook: NotebookNode,
    folder: Path,
    environment: dict[str, str],
    seconds_a_cell: float = 600,
    keep_going: bool = False,
    after_an_error: Callable[[NotebookNode], bool] = lambda cell: True,
) -> NotebookNode:
    """Fill in the outputs of `notebook`, run inside `folder`; ExecutionError names the cell that failed.

    `environment` is laid over this process's own; an empty value removes a variable. keep_going: past every error, with
    those cells that `after_an_error` says.
    """

    def leave_out(cell: NotebookNode, cell_index: int, **_: Any) -> None:
        if "raises-exception" in cell.metadata.get("tags", ()):
            return
        for later in notebook.cells[cell_index + 1 :]:
            if not after_an_error(later) and LEFT_OUT not in later.metadata.setdefault("tags", []):
                later.metadata.tags.append(LEFT_OUT)

    # With no folders to search, the only kernel there is runs in this process's own Python.
    manager = AsyncKernelManager(kernel_spec_manager=KernelSpecManager(kernel_dirs=[]))
    client = NotebookClient(
        notebook,
        km=manager,
        timeout=seconds_a_cell,
        allow_errors=keep_going,
        on_cell_error=leave_out,
        record_timing=False,
        resources={"metadata": {"path": str(folder)}},
    )
    own = {name: value for name, value in (os.environ | environment).items() if value}
    try:
        client.execute(env=own, cleanup_kc=True)  # the manager is ours, so stopping the kernel is too
    except CellExecutionError as error:
        failed = _failed_cell(notebook)
        raise ExecutionError(
            f"Cell {failed} raised {error.ename}: {error.evalue}", "Run that cell by hand."
        ) from None
    except CellTimeoutError:
        raise ExecutionError(
            f"Cell {_unfinished_cell(notebook)} ran longer than {seconds_a_cell:g} seconds.",
            "Make it smaller.",
        ) from None
    except DeadKernelError:
        raise ExecutionError(
            f"The kernel died in cell {_unfinished_cell(notebook)}.", "It may have run out of memory."
        ) from None
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = _with_whole_streams(cell.outputs)
    # What the kernel says of itself depends on the Python that built; the notebook should not.
    notebook.metadata.language_info = {"name": "python"}
    return notebook


def _with_whole_streams(outputs: list[NotebookNode]) -> list[NotebookNode]:
    """What was printed in one piece as one output: how often a kernel sends it depends on how busy the machine is."""
    whole: list[NotebookNode] = []
    for output in outputs:
        last = whole[-1] if whole else None
        if last is not None and last.output_type == "stream" and last.get("name") == output.get("name"):
            last.text += output.text
        else:
            whole.append(output)
    return whole


def _failed_cell(notebook: NotebookNode) -> str:
    for cell in notebook.cells:
        if any(output.output_type == "error" for output in cell.get("outputs", ())):
            return str(cell.id)
    return "unknown"


def _unfinished_cell(notebook: NotebookNode) -> str:
    """The first code cell with neither a count nor an output after the last that has one."""
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    done = [index for index, cell in enumerate(code) if cell.execution_count]
    return str(code[min(done[-1] + 1 if done else 0, len(code) - 1)].id) if code else "unknown"
