"""What this machine has, what slmlib would use and why, and how fast it is: `python -m slmlib doctor`.

Nothing is downloaded and nothing is left on the disk. Trouble never stops the examination: it becomes a
warning that says what to do.
"""

import html
import os
import platform
import shutil
import subprocess
import tempfile
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import psutil
import torch

import slmlib
from slmlib.devices import CGROUP, SELF_TEST_TOLERANCE, Device, choose_device, free_memory, self_test
from slmlib.errors import SlmError, first_line
from slmlib.files import home
from slmlib.lesson_times import LessonTimes
from slmlib.presets import Preset, default_preset
from slmlib.shell import terminal_width
from slmlib.text.corpus import open_corpus
from slmlib.training.budget import text_budget
from slmlib.training.pace import SECONDS, training_speed
from slmlib.training.selftest import run_self_test
from slmlib.training.speed import cpp_compiler, missing_for_compiling

PACKAGES = ("tiktoken", "datasets", "safetensors", "numpy", "matplotlib", "ipywidgets", "jupyterlab")
"""Whose versions are told beside those of Python, torch and slmlib."""

OLDEST_TORCH = (2, 6)
"""As pyproject.toml asks for."""

LITTLE_DISK = 5e9
"""Bytes: TinyStories, its token streams and a run's checkpoints fit into this."""

LITTLE_MEMORY = 2e9
"""Bytes: a run of the default CPU preset and a notebook beside it fit into this."""

CGROUP_QUOTA = CGROUP / "cpu.max"
"""Where Linux tells a container its share of CPU time: microseconds and the period they are for."""

WIDTH = 100
"""Characters in a line of the card at most, and where nobody watches."""

MINUTES = 5
"""Length of the run whose reading is foretold."""


@dataclass(frozen=True)
class Examination:
    """Findings in words: printed, a card of plain text; in a notebook, a table."""

    findings: tuple[tuple[str, str], ...]
    """Pairs of what was looked at and what was found, in the order to read them."""
    warnings: tuple[str, ...]
    """What is wrong and what to do about it, a sentence or two each; empty when all is well."""
    tokens_per_second: float | None
    """Measured training speed of the default preset; None when it could not be measured."""

    def __str__(self) -> str:
        longest = max(len(name) for name, _ in self.findings)
        lines = [_indented(name.ljust(longest), value) for name, value in self.findings]
        if self.warnings:
            lines += ["", *(_indented("Warning:", warning) for warning in self.warnings)]
        else:
            lines += ["", "No trouble found."]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        rows = "".join(
            f'<tr><th scope="row" style="text-align:left">{html.escape(name)}</th>'
            f'<td style="text-align:left">{html.escape(value)}</td></tr>'
            for name, value in self.findings
        )
        warnings = "".join(
            f"<li><strong>Warning:</strong> {html.escape(text)}</li>" for text in self.warnings
        )
        after = f"<ul>{warnings}</ul>" if warnings else "<p>No trouble found.</p>"
        return (
            f"<table><caption>This machine, as slmlib sees it</caption><tbody>{rows}</tbody></table>{after}"
        )


def _indented(name: str, value: str) -> str:
    return textwrap.fill(
        f"{name}  {value}",
        width=min(WIDTH, terminal_width() or WIDTH),
        subsequent_indent=" " * (len(name) + 2),
        break_long_words=False,
        break_on_hyphens=False,
    )


def examine() -> Examination:
    """Look at everything a run depends on; takes about 8 seconds, and up to 3 more for the network."""
    warnings: list[str] = []
    driver = nvidia_driver()
    device = _usable_device(warnings)
    preset = default_preset(device.type)
    speed = _attempt(
        "The speed could not be measured", warnings, lambda: training_speed(preset, device, SECONDS)
    )
    findings = (
        ("Python", f"{platform.python_version()} on {platform.platform(terse=True)}"),
        ("Packages", _packages()),
        ("torch", _torch_build(driver)),
        ("Device", f"{device.type}: {device.name}; {_why(device)}"),
        ("Number format", f"{device.dtype}: {device.reason}"),
        ("Self-test", _self_test(device, warnings)),
        ("Not used", "; ".join(other_devices(device, driver)) or "no other device seen"),
        ("torch.compile", compiler(device)),
        ("CPU", f"{torch.get_num_threads()} threads in torch, {_cores():g} cores for this process"),
        ("Memory", _memory(device)),
        ("Home", f"{home()} ({_gigabytes(_disk_free())} of disk free)"),
        ("Corpus", _corpus(preset, device, warnings)),
        ("Speed", _speed_in_words(preset, speed)),
        ("Lessons", LessonTimes.read().in_words(speed if device.type == "cpu" else None)),
    )
    warnings += [sentence for wrong, sentence in _troubles(device, driver) if wrong]
    return Examination(findings, tuple(warnings), speed)


# --- device ---


def nvidia_driver() -> tuple[str, tuple[str, ...]]:
    """Version of the NVIDIA driver and names of its GPUs, asked without torch; ("", ()) when there is none."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return "", ()
    command = [program, "--query-gpu=driver_version,name", "--format=csv,noheader"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return "", ()
    rows = [line.partition(", ") for line in answer.splitlines() if ", " in line]
    return (rows[0][0], tuple(name for _, _, name in rows)) if rows else ("", ())


def _usable_device(warnings: list[str]) -> Device:
    """What a run would use; when that fails, the reason becomes a warning and the CPU is examined."""
    try:
        return choose_device()
    except SlmError as error:
        warnings.append(f"{error} A run would stop here; the rest was examined on the CPU.")
        return choose_device("cpu")


def _why(device: Device) -> str:
    if wanted := os.environ.get("SLM_DEVICE"):
        return f"SLM_DEVICE is {wanted}"
    return "a CUDA GPU comes first" if device.type == "cuda" else "torch sees no CUDA GPU"


def other_devices(used: Device, driver: tuple[str, tuple[str, ...]]) -> list[str]:
    """Every other device this machine has, each with the reason why it is not used."""
    others = []
    if torch.cuda.is_available():
        names = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
        if used.type == "cuda":
            others += [
                f"GPU {i} {name} (for several at once: torchrun)" for i, name in enumerate(names) if i > 0
            ]
        else:
            others += [f"GPU {i} {name} ({_why(used)})" for i, name in enumerate(names)]
    else:
        others += [f"{name} (this torch cannot use it)" for name in driver[1]]
    if used.type != "mps" and torch.backends.mps.is_available():
        others.append("Apple GPU (only by request, SLM_DEVICE=mps: it has computed wrong losses before)")
    if hasattr(torch, "xpu") and torch.xpu.is_available():
        others.append(f"{torch.xpu.get_device_name()} (slmlib was never tried on Intel GPUs)")
    if used.type != "cpu":
        others.append("the CPU (slower)")
    return others


def _self_test(device: Device, warnings: list[str]) -> str:
    difference = _attempt("The self-test failed", warnings, lambda: self_test(device.type))
    if difference is None:
        return "failed"
    if not difference < SELF_TEST_TOLERANCE:
        warnings.append(
            f"Gradients on {device.type} are wrong (relative difference {difference:.0e} from float64 on the "
            "CPU). Update torch and the system."
        )
    told = f"gradients differ by {difference:.0e} (relative) from float64 on the CPU"
    longer = _attempt("The long self-test failed", warnings, lambda: run_self_test(device))
    if longer is None:
        return told
    if longer.problem:
        warnings.append(f"{longer.problem} Update torch and the system, or train with SLM_DEVICE=cpu.")
    return f"{told}; {longer}"


def compiler(device: Device) -> str:
    """Whether torch.compile could work: on a GPU it needs Triton, and everywhere a C++ compiler and Python.h."""
    missing = missing_for_compiling(device)
    if missing:
        return f"could not work without {' and '.join(missing)}"
    return f"could work ({cpp_compiler()} was found)"


# --- speed ---


def _speed_in_words(preset: Preset, speed: float | None) -> str:
    if speed is None:
        return "not measured"
    return (
        f"{_two_digits(speed)} tokens/s in training the {preset.name} preset, not compiled: "
        f"{MINUTES} minutes read about {_two_digits(speed * 60 * MINUTES)} tokens"
    )


# --- everything else ---


def _packages() -> str:
    told = [f"slmlib {slmlib.__version__}"]
    for name in PACKAGES:
        try:
            told.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            told.append(f"{name} missing")
    return ", ".join(told)


def _torch_build(driver: tuple[str, tuple[str, ...]]) -> str:
    built = f"built for CUDA {torch.version.cuda}" if torch.version.cuda else "built without CUDA"
    return f"{torch.__version__}, {built}, " + (
        f"NVIDIA driver {driver[0]}" if driver[0] else "no NVIDIA driver"
    )


def _cores() -> float:
    """How many CPU cores this process may use: what the system grants, or a container's smaller quota."""
    affinity = getattr(os, "sched_getaffinity", None)  # not on macOS and Windows
    granted = len(affinity(0)) if affinity else os.cpu_count() or 1
    try:
        quota, period = CGROUP_QUOTA.read_text(encoding="ascii").split()
        return granted if quota == "max" else min(granted, int(quota) / int(period))
    except (OSError, ValueError):
        return granted


def _memory(device: Device) -> str:
    told = f"{_gigabytes(free_memory())} of {_gigabytes(psutil.virtual_memory().total)} free"
    return told if device.type == "cpu" else f"{told}; on the GPU {_gigabytes(device.memory())} free"


def _corpus(preset: Preset, device: Device, warnings: list[str]) -> str:
    corpus = _attempt(
        "There is no corpus",
        warnings,
        lambda: open_corpus("auto", max_bytes=text_budget(preset.model, preset.train, device)),
    )
    return f"{corpus.name}: {corpus.why}" if corpus else "none"


def _existing_home() -> Path:
    """The home folder, or the folder that exists and will hold it."""
    folder = home().absolute()
    return next(parent for parent in (folder, *folder.parents) if parent.exists())


def _disk_free() -> int:
    return shutil.disk_usage(_existing_home()).free


def _writable(folder: Path) -> bool:
    try:
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


def _troubles(device: Device, driver: tuple[str, tuple[str, ...]]) -> list[tuple[bool, str]]:
    """Pairs of whether something is wrong and the sentence that says so."""
    disk, memory = _disk_free(), free_memory()
    threads, cores, load = torch.get_num_threads(), _cores(), psutil.getloadavg()[0]
    torch_version = tuple(int(part) for part in torch.__version__.split("+")[0].split(".")[:2])
    wished = ".".join(map(str, OLDEST_TORCH))
    return [
        (
            torch_version < OLDEST_TORCH,
            f"torch {torch.__version__} is older than {wished}. Install a newer one: pip install 'torch>={wished}'.",
        ),
        (
            bool(driver[0]) and torch.version.cuda is None,
            "There is an NVIDIA GPU, but this torch was built without CUDA. Install the CUDA build of torch.",
        ),
        (
            bool(driver[0]) and torch.version.cuda is not None and not torch.cuda.is_available(),
            f"There is an NVIDIA GPU, but torch, built for CUDA {torch.version.cuda}, cannot use it with driver "
            f"{driver[0]}. Update the driver, or install a torch built for an older CUDA.",
        ),
        (
            not _writable(_existing_home()),
            f"{home()} cannot be written to. Set SLM_HOME to a folder that can.",
        ),
        (
            disk < LITTLE_DISK,
            f"Only {_gigabytes(disk)} of disk are free in {home()}. Make room, or set SLM_HOME to another disk.",
        ),
        (
            memory < LITTLE_MEMORY,
            f"Only {_gigabytes(memory)} of memory are free. Close other programs, or use --preset 0.3M.",
        ),
        (
            threads > max(1, cores),
            f"torch uses {threads} threads, but only {cores:g} CPU cores are granted here, which slows training "
            f"down. Set OMP_NUM_THREADS={max(1, int(cores))}.",
        ),
        (
            load > 1.5 * cores,
            f"This machine is busy (load {load:.1f} on {cores:g} cores), so the speed is lower than it could be. "
            "Wait, or close other programs.",
        ),
    ]


def _attempt(problem: str, warnings: list[str], work: Callable[[], Any]) -> Any:
    """What `work` returns; None and a warning when it fails in any way, because the other findings still count."""
    try:
        return work()
    except SlmError as error:
        warnings.append(str(error))
    except Exception as error:
        warnings.append(f"{problem} ({type(error).__name__}: {first_line(error)}).")
    return None


def _gigabytes(size: float) -> str:
    return f"{size / 1e9:.1f} GB"


def _two_digits(number: float) -> str:
    """Rounded to two digits, because a second measurement would differ in the third: 12,345 -> 12,000."""
    digits = len(str(int(number))) - 2
    return f"{round(number, -digits):,.0f}" if digits > 0 else f"{number:.0f}"
