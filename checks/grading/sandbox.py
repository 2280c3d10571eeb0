"""The room a student's code runs in: an empty house with the tools on the wall, no neighbours and no telephone.

Three kinds, the first that works on this machine is taken:

root    we are root: own mounts, processes, network; then an unprivileged user without a single right
user    the same walls inside a user namespace (Linux that allows it)
plain   limits and an empty folder only; what is missing is said
"""

import contextlib
import os
import shutil
import stat
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import psutil

from checks.grading import namespaces as ns

Kind = Literal["root", "user", "plain"]
KINDS: tuple[Kind, ...] = ("root", "user", "plain")
FIRST_USER = 60_100
"""User ids from here on belong to nobody; each worker has its own, so that none can touch another's processes."""
USERS = 5_000
"""So many of them; which one follows from the worker's process id, so that two graders do not meet either."""
HOME = "/student"
MISSING: dict[Kind, tuple[str, ...]] = {
    "root": (),
    "user": ("the code runs under your own user id, though in a namespace without rights",),
    "plain": (
        "files: the code can read what your user can read, exercises and other submissions too",
        "network: the code can reach it",
        "processes: the code can signal other processes of its user, and how many it may start depends on theirs",
    ),
}
"""What each kind does not protect, in words."""


@dataclass(frozen=True)
class Sandbox:
    """How one student's process is confined. Plain fields: it travels as JSON."""

    kind: Kind = "plain"
    slot: int = 0
    """Below USERS: makes the user id."""
    folder: str = ""
    """An empty folder of the grader's: where the new root is mounted, or (plain) where the code runs."""
    visible: tuple[str, ...] = ()
    """What can be read, at the same path as outside; nothing else exists."""
    warm: str = ""
    """A folder copied into the student's SLM_HOME first: data that every run would prepare again."""
    keep: str = ""
    """Only for our own rehearsal: a folder that is SLM_HOME itself and survives."""
    memory_mb: int = 4096
    disk_mb: int = 1024
    processes: int = 256
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def user(self) -> int | None:
        """The user id to become; None to stay who we are."""
        if os.getuid() != 0 or self.kind == "user" or (self.kind == "plain" and not python_is_for_all()):
            return None
        return FIRST_USER + self.slot

    @property
    def home(self) -> str:
        """The student's folder, as the student sees it."""
        return self.folder if self.kind == "plain" else HOME


def leave_the_world(sandbox: Sandbox) -> None:
    """Before the fork of the room's first process: new namespaces."""
    if sandbox.kind == "plain":
        return
    if sandbox.kind == "user":
        ns.become_alone_in_user_namespace()
    ns.unshare(ns.NEW_MOUNTS | ns.NEW_PIDS | ns.NEW_NET | ns.NEW_IPC)


def furnish(sandbox: Sandbox) -> None:
    """In the room's first process: build the new root and move in."""
    if sandbox.kind == "plain":
        _fill_home(sandbox, Path(sandbox.home))
        return
    ns.mount("", "/", flags=ns.PRIVATE | ns.RECURSIVE)
    root = Path(sandbox.folder)
    size = f"size={sandbox.disk_mb}m,mode=755"
    ns.mount("tmpfs", str(root), "tmpfs", ns.NO_SUID, size)
    for path in _outermost((*_system_paths(), *sandbox.visible)):
        _show(Path(path), root)
    _devices(root)
    for name, mode in (("tmp", 0o1777), ("dev/shm", 0o1777), ("proc", 0o755), (HOME[1:], 0o700)):
        (root / name).mkdir(parents=True, exist_ok=True)
        (root / name).chmod(mode)
    user = sandbox.user if sandbox.user is not None else os.getuid()
    (root / "etc/passwd").write_text(f"student:x:{user}:{user}::{HOME}:/bin/sh\n")
    (root / "etc/group").write_text(f"student:x:{user}:\n")
    _fill_home(sandbox, root / HOME[1:])
    with contextlib.suppress(OSError):  # a container that masks parts of /proc forbids a new one
        ns.mount("proc", str(root / "proc"), "proc", ns.NO_SUID | ns.NO_DEVICES | ns.NO_EXEC)
    os.chroot(root)
    os.chdir("/")


LOW_PRIORITY = 10
"""Of the student's processes: a hundred that compute at once must leave the grader the CPU that it needs to end them."""


def lock_the_door(sandbox: Sandbox, keep: int) -> None:
    """In the process that will run the student's code: limits, no rights, no open file but `keep`."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for number in range(3):
        os.dup2(nothing, number)
    os.closerange(3, keep)
    os.closerange(keep + 1, 65_536)
    os.chdir(sandbox.home)
    ns.limit("CORE", 0)
    ns.limit("FSIZE", sandbox.disk_mb << 20)
    ns.limit("NPROC", most_processes(sandbox))
    ns.limit("NOFILE", 1024)
    os.setpriority(os.PRIO_PROCESS, 0, LOW_PRIORITY)
    if not os.path.exists("/dev/nvidiactl"):  # CUDA reserves more addresses than any limit allows
        ns.limit("AS", _addresses_in_use() + (sandbox.memory_mb << 20))
    os.environ.update(
        sandbox.environment, HOME=sandbox.home, SLM_HOME=f"{sandbox.home}/slm", PWD=sandbox.home
    )
    ns.give_up_rights(sandbox.user)
    ns.die_with_parent()


def most_processes(sandbox: Sandbox) -> int:
    """The limit on processes and threads. Where the room has no user of its own, the instructor's count, too."""
    if sandbox.user is not None or sandbox.kind == "user":
        return sandbox.processes
    others = 0
    for one in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            others += one.num_threads() if one.uids().real == os.getuid() else 0
    return sandbox.processes + others


def python_paths() -> tuple[str, ...]:
    """Where this Python, its packages and the course's library lie; never the checkout as a whole."""
    package = Path(__file__).resolve().parent.parent
    checkout = package.parent
    found = {sys.prefix, sys.exec_prefix, sys.base_prefix, os.path.realpath(sys.executable)}
    # Not all of sys.path: the folder a command is given in stands there too, with submissions in it.
    packages = ("site-packages", "dist-packages")
    found |= {path for path in sys.path if os.path.isdir(path) and Path(path).name in packages}
    found |= {str(checkout / "slmlib"), str(package / "building")}
    found |= {str(path) for path in package.glob("*.py")}
    return tuple(sorted(found - {"/", ""}))


def is_shown(path: Path, sandbox: Sandbox) -> bool:
    """Whether the room's walls do not hide what lies there, as below /opt; a plain room has no walls."""
    shown = [Path(one).resolve() for one in (*_system_paths(), *sandbox.visible)]
    return sandbox.kind != "plain" and any(path.resolve().is_relative_to(one) for one in shown)


def python_is_for_all() -> bool:
    """Whether another user could run this Python at all: not when it lies below root's home."""
    for path in (Path(os.__file__).resolve(), Path(__file__).resolve()):
        if not all(folder.stat().st_mode & stat.S_IXOTH for folder in path.parents):
            return False
    return True


def _system_paths() -> tuple[str, ...]:
    names: tuple[str, ...] = (
        "usr",
        "bin",
        "sbin",
        "lib",
        "lib32",
        "lib64",
        "opt",
        "nix/store",
        "etc/ld.so.cache",
    )
    names += ("etc/alternatives", "etc/fonts", "etc/localtime", "etc/ssl", "sys/devices/system/cpu")
    return tuple(f"/{name}" for name in names)


def _outermost(paths: tuple[str, ...]) -> list[str]:
    """Existing paths, without those that another one already shows."""
    kept: list[str] = []
    for path in sorted({os.path.normpath(path) for path in paths if os.path.lexists(path)}):
        if not any(path.startswith(f"{other}/") for other in kept):
            kept.append(path)
    return kept


def _show(path: Path, root: Path) -> None:
    target = root / path.relative_to("/")
    target.parent.mkdir(parents=True, exist_ok=True)
    if path.is_symlink():
        target.symlink_to(os.readlink(path))
        resolved = path.resolve()  # /bin -> usr/bin is shown already; a link elsewhere is followed
        if not (root / resolved.relative_to("/")).exists() and resolved.exists():
            _show(resolved, root)
        return
    if path.is_dir():
        target.mkdir(exist_ok=True)
    else:
        target.touch()
    ns.bind(str(path), str(target))


def _devices(root: Path) -> None:
    names = ["null", "zero", "full", "random", "urandom", "tty"]
    names += [path.name for path in Path("/dev").glob("nvidia*") if stat.S_ISCHR(path.stat().st_mode)]
    (root / "dev").mkdir(exist_ok=True)
    for name in names:
        if os.path.exists(f"/dev/{name}"):
            (root / "dev" / name).touch()
            ns.bind(f"/dev/{name}", str(root / "dev" / name), read_only=False)
    (root / "dev/fd").symlink_to("/proc/self/fd")


def _fill_home(sandbox: Sandbox, home: Path) -> None:
    """An own copy of the warm data, or the kept folder; owned by the user who will work there."""
    slm = home / "slm"
    slm.mkdir(exist_ok=True)
    if sandbox.keep and sandbox.kind != "plain":
        ns.bind(sandbox.keep, str(slm), read_only=False)
    elif sandbox.keep:
        slm.rmdir()
        slm.symlink_to(sandbox.keep)
    elif sandbox.warm:
        shutil.copytree(sandbox.warm, slm, dirs_exist_ok=True)
    if sandbox.user is not None:
        for path in (home, *home.rglob("*")):
            os.chown(path, sandbox.user, sandbox.user, follow_symlinks=False)
        if sandbox.keep:
            os.chown(sandbox.keep, sandbox.user, sandbox.user)


def _addresses_in_use() -> int:
    try:
        with open("/proc/self/statm") as file:
            return int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError):
        return 2 << 30
