"""Makes the Python environment of the course: what `make` calls before everything else.

    python .ci/environment.py install [EXTRA]    .venv, with the course and its pinned libraries in it
    python .ci/environment.py kernel             the course into the Python that runs this (a pod's), as kernel `slm`
    python .ci/environment.py lock               requirements.lock anew, from a clean environment

Only the standard library is used here: on a bare machine nothing else is there yet. Every failure a
person can do something about ends as one sentence that says what.
"""

import contextlib
import fcntl
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import venv
from collections.abc import Iterator
from pathlib import Path

COURSE = Path(__file__).resolve().parent.parent
VENV = COURSE / ".venv"
LOCK = COURSE / "requirements.lock"
LEAST_TORCH = (2, 6)
GIGABYTE = 1e9
LEAST_DISK, CUDA_DISK = 3, 9  # GB: what .venv takes with torch for CPU only, and with CUDA's libraries

# Prints the torch a Python would import and the names of what that torch needs, without importing it.
ASK_FOR_TORCH = """
from importlib import metadata
import re
try:
    torch = metadata.distribution("torch")
    print(torch.version, *(re.match(r"[\\w.-]+", need)[0] for need in torch.requires or []))
except metadata.PackageNotFoundError:
    pass
"""

# What pip prints when it cannot reach the registry. setuptools is the first thing it asks for, and every
# registry has it; and when it finds no versions that fit together.
UNREACHABLE = (
    r"No matching distribution found for setuptools|NewConnectionError|Failed to establish|ProxyError"
    r"|ConnectTimeout|ReadTimeout|Read timed out|Connection refused|Connection reset|name resolution"
    r"|Name or service not known|SSLError|CERTIFICATE_VERIFY|Network is unreachable|RemoteDisconnected"
    r"|HTTP error 40[37]"
)
MISFIT = r"ResolutionImpossible|No matching distribution found for"

LAB_WITHOUT_POPUPS = (
    '{"@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": false}}\n'
)


class Refusal(Exception):
    """Something only the person at the keyboard can put right; the message says what."""


class PinsDoNotFit(Refusal):
    """pip found no set of packages under these constraints."""


def main(arguments: list[str]) -> int:
    """Run one command; a refusal becomes a sentence and exit code 2."""
    commands = {"install": install, "kernel": kernel, "lock": lock}
    try:
        os.chdir(COURSE)
        commands[arguments[0]](*arguments[1:])
        return 0
    except Refusal as refusal:
        print(f"\n{refusal}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"\n{explain(str(error)) or f'Could not prepare the environment: {error}.'}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nStopped. The same command goes on from here.", file=sys.stderr)
        return 130


def install(extra: str = "") -> None:
    """Bring .venv up to pyproject.toml and requirements.lock, and leave the stamp that make looks at."""
    stamp = VENV / (f".ready-{extra}" if extra else ".ready")
    with only_one_at_a_time():
        if is_fresh(stamp):
            return
        if not runs(VENV / "bin/python", "-m", "pip", "--version"):
            make_venv()
        torch, needs = torch_of(VENV / "bin/python")
        if torch and "include-system-site-packages = true" in (VENV / "pyvenv.cfg").read_text():
            print(f"Keeping torch {torch}, which this Python already has.", flush=True)
            pins = constraints(LOCK.read_text(), torch, needs)
        else:
            pins = LOCK.read_text()
        check_disk(VENV, has_torch=bool(torch))
        what = f".[{extra}]" if extra else "."
        print("Installing the course's libraries into .venv (some minutes the first time).", flush=True)
        install_pinned(VENV / "bin/python", "-e", what, pins=pins)
        quiet_lab(VENV)
        if extra:
            (VENV / ".ready").write_text(str(COURSE))
        stamp.write_text(str(COURSE))


def make_venv() -> None:
    """An empty .venv. When the Python it is made with already has a usable torch, .venv shares it."""
    print(f"Making .venv with Python {sys.version.split()[0]} ({sys.executable}).", flush=True)
    venv.create(VENV, clear=True, system_site_packages=True, with_pip=False)
    shared = is_usable(torch_of(VENV / "bin/python")[0])
    # In a process of its own: a missing pip bundle must end in our sentence, not in a traceback.
    options = ["--clear", *(["--system-site-packages"] if shared else [])]
    made = subprocess.run([sys.executable, "-m", "venv", *options, VENV], capture_output=True, text=True)
    if made.returncode:
        output = made.stdout + made.stderr
        shutil.rmtree(VENV, ignore_errors=True)
        raise Refusal(explain(output) or f"Python could not make .venv:\n{output}")


def kernel() -> None:
    """Install into the Python that runs this, keep its torch, and register it with Jupyter as `slm`."""
    python = Path(sys.executable)
    in_venv = sys.prefix != sys.base_prefix
    managed = Path(sysconfig.get_path("stdlib"), "EXTERNALLY-MANAGED").exists()
    if managed and not in_venv and not os.environ.get("PIP_BREAK_SYSTEM_PACKAGES"):
        raise Refusal(
            f"{python} belongs to the operating system, which wants no packages put into it (PEP 668). "
            "Use the course's own environment as the kernel: make env && make kernel PYTHON=.venv/bin/python\n"
            "On a pod you will throw away you may also say: PIP_BREAK_SYSTEM_PACKAGES=1 make kernel"
        )
    if not runs(python, "-m", "pip", "--version"):
        raise Refusal(
            f"{python} has no pip. Install it (Debian, Ubuntu: apt install python3-pip), then try again."
        )
    torch, _ = torch_of(python)
    if is_usable(torch):
        print(f"Keeping torch {torch}.", flush=True)
        pins = f"torch=={torch}\n"
    else:
        if torch:
            print(f"torch {torch} is older than the course needs and will be replaced.", flush=True)
        pins = only_torch(LOCK.read_text())
    check_disk(Path(sys.prefix), has_torch=is_usable(torch))
    lab_before = version_of(python, "jupyterlab")
    pip_install(python, "-e", ".", pins=pins)
    subprocess.run(
        [python, "-m", "ipykernel", "install", "--user", "--name", "slm", "--display-name", "slm"], check=True
    )
    print(
        "Done. Reload the browser tab; the kernel is called slm, and Python 3 works as well where it is the same."
    )
    lab_after = version_of(python, "jupyterlab")
    if lab_before and lab_before != lab_after:
        print(f"JupyterLab was updated from {lab_before} to {lab_after}: restart it when you can.")


def lock() -> None:
    """requirements.lock from a clean environment; torch is the one in $TORCH, else the one in the old lock."""
    torch = os.environ.get("TORCH") or re.findall(r"(?m)^torch==(\S+)", LOCK.read_text())[0]
    with tempfile.TemporaryDirectory() as folder:
        python = Path(folder, "bin/python")
        venv.create(folder, with_pip=True)
        pip_install(python, "-e", ".[test,bench]", f"torch=={torch}", pins="")
        freeze = [python, "-m", "pip", "freeze", "--exclude-editable"]
        frozen = subprocess.run(freeze, capture_output=True, text=True, check=True).stdout
    text = lock_text(frozen, torch, ".".join(map(str, sys.version_info[:3])))
    temporary = LOCK.with_suffix(".tmp")
    temporary.write_text(text)
    temporary.replace(LOCK)
    print(f"Wrote {LOCK.name}: {text.count('==')} pins.")


# --- texts in, texts out (tests/test_project.py tries each) ---


def lock_text(frozen: str, torch: str, python: str) -> str:
    """What `pip freeze` printed, as pins that hold on every platform: no CUDA libraries, no addresses."""
    pins = []
    for line in frozen.splitlines():
        if re.match(r"(nvidia-|cuda-|triton\b|pytorch-triton)", line):
            continue  # they come with torch, which pins them itself, and only on some platforms
        pin = line.split("+")[0]
        if not re.fullmatch(r"[\w.-]+==[\w.!]+", pin):
            raise Refusal(f"pip freeze printed a line that is no plain pin: {line!r}.")
        pins.append(pin)
    header = (
        "# The versions this course was tested with, as constraints for pip (-c): nothing is installed\n"
        "# because it stands here. Made by `make lock`, not by hand: a clean environment,\n"
        f'# pip install -e ".[test,bench]" torch=={torch}, then pip freeze, on Python {python}, Linux x86-64;\n'
        "# local version labels and the CUDA libraries that torch brings itself are left out.\n"
    )
    return header + "\n".join(sorted(pins, key=str.casefold)) + "\n"


def constraints(lock: str, torch: str, needs: list[str]) -> str:
    """The lock for a Python that keeps its own torch: without what that torch decides itself."""
    decided = {plain(name) for name in ["torch", *needs]}
    kept = [
        line
        for line in lock.splitlines()
        if line.startswith("#") or plain(line.split("==")[0]) not in decided
    ]
    return "\n".join([*kept, f"torch=={torch}"]) + "\n"


def only_torch(pins: str) -> str:
    """The pin of torch alone: another torch is the one thing that costs gigabytes."""
    return "".join(line + "\n" for line in pins.splitlines() if line.startswith("torch=="))


def plain(name: str) -> str:
    """A package name in the one spelling that compares (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def is_usable(torch: str) -> bool:
    """Whether the course runs on this version of torch; the empty string is no torch."""
    numbers = re.match(r"(\d+)\.(\d+)", torch)
    return bool(numbers) and (int(numbers[1]), int(numbers[2])) >= LEAST_TORCH


def explain(output: str) -> str:
    """One sentence for the usual ways in which venv and pip fail; the empty string for the unusual ones."""
    if re.search(r"ensurepip|No module named '?venv", output):
        version = f"{sys.version_info[0]}.{sys.version_info[1]}"
        return (
            f"Python {version} came without its venv module. Install it (Debian, Ubuntu: apt install "
            f"python{version}-venv), or choose another Python: make PYTHON=/path/to/python3 ..."
        )
    if re.search(r"No space left|Errno 28|Disk quota exceeded|Errno 122", output):
        return "The disk is full. Free some gigabytes (pip cache purge often frees several), then say the same again."
    if "ResolutionImpossible" in output:
        return "What this Python already has and what the course needs cannot stand together; pip says why above."
    if re.search(UNREACHABLE, output):
        return (
            "pip could not reach the package registry. Check the network, then say the same again: it goes on "
            "from here. Behind a proxy set HTTPS_PROXY; for a mirror set PIP_INDEX_URL, for a folder of wheels "
            "PIP_FIND_LINKS."
        )
    if missing := re.search(r"No matching distribution found for ([\w.-]+)", output):
        return (
            f"The registry has no {missing[1]} for this Python ({sys.version.split()[0]}, {sysconfig.get_platform()}), "
            "or pip was told not to look there (PIP_NO_INDEX). Try another Python, 3.11 to 3.13: "
            "make PYTHON=/path/to/python3 ..."
        )
    return ""


# --- the machine ---


def pip_install(python: Path, *what: str, pins: str) -> None:
    """pip install under these constraints; what pip prints is passed on as it comes."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "constraints.txt")
        file.write_text(pins)
        command = [str(python), "-m", "pip", "install", "--disable-pip-version-check", "-c", str(file), *what]
        errors = []
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, errors="replace") as process:
            for line in process.stderr or []:
                errors.append(line)
                sys.stderr.write(line)
    if process.returncode:
        output = "".join(errors)
        misfit = re.search(MISFIT, output) and not re.search(UNREACHABLE, output)
        sentence = explain(output) or "pip did not finish; its message above says why."
        raise (PinsDoNotFit if misfit else Refusal)(sentence)


def install_pinned(python: Path, *what: str, pins: str) -> None:
    """pip_install; where the pins do not fit (another Python, a pod's own packages), the newest that do."""
    try:
        pip_install(python, *what, pins=pins)
    except PinsDoNotFit:
        print("\nThe pinned versions do not all fit here: taking the newest that do, with torch as pinned.\n")
        pip_install(python, *what, pins=only_torch(pins))


def torch_of(python: Path) -> tuple[str, list[str]]:
    """The version of torch that a Python has (else the empty string), and the names of what that torch needs."""
    answer = subprocess.run([python, "-c", ASK_FOR_TORCH], capture_output=True, text=True).stdout.split()
    return (answer[0], answer[1:]) if answer else ("", [])


def version_of(python: Path, package: str) -> str:
    """The installed version of a package, else the empty string."""
    code = f"from importlib import metadata; print(metadata.version({package!r}))"
    return subprocess.run([python, "-c", code], capture_output=True, text=True).stdout.strip()


def runs(*command: object) -> bool:
    """Whether a command can be started and ends well."""
    try:
        return subprocess.run([str(word) for word in command], capture_output=True).returncode == 0
    except OSError:
        return False


def check_disk(folder: Path, has_torch: bool) -> None:
    """Refuse before pip fills the disk; warn where torch may bring CUDA's libraries along."""
    free = shutil.disk_usage(folder).free / GIGABYTE
    if has_torch:
        return
    if free < LEAST_DISK:
        raise Refusal(
            f"Only {free:.1f} GB are free on the disk of {folder}; the libraries need at least {LEAST_DISK} GB "
            f"(with CUDA about {CUDA_DISK}). Free some space, then say the same again."
        )
    if free < CUDA_DISK and sys.platform == "linux":
        print(
            f"Note: {free:.1f} GB of disk are free; torch with CUDA takes about {CUDA_DISK} GB.", flush=True
        )


def quiet_lab(environment: Path) -> None:
    """JupyterLab of this environment asks nobody whether to show news or updates."""
    folder = environment / "etc/jupyter/labconfig"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "default_setting_overrides.json").write_text(LAB_WITHOUT_POPUPS)


def is_fresh(stamp: Path) -> bool:
    """Whether this stamp was left here, after the last change of what it stands for."""
    if not stamp.exists() or stamp.read_text() != str(COURSE):
        return False
    sources = [COURSE / "pyproject.toml", LOCK]
    return runs(VENV / "bin/python", "-c", "") and all(
        source.stat().st_mtime <= stamp.stat().st_mtime for source in sources
    )


@contextlib.contextmanager
def only_one_at_a_time() -> Iterator[None]:
    """Let two terminals say `make` at once: the second waits, and finds the environment ready."""
    with open(COURSE / "pyproject.toml") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("Another make is preparing the environment; waiting for it.", flush=True)
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
