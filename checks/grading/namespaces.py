"""The kernel's own walls, through libc: namespaces, mounts, limits, and giving up every right for good.

Linux only. Everywhere else each call says so, and the grader names the missing protection.
"""

import contextlib
import ctypes
import os
import resource
import signal
import sys

NEW_MOUNTS, NEW_IPC, NEW_USER, NEW_PIDS, NEW_NET = 0x20000, 0x8000000, 0x10000000, 0x20000000, 0x40000000
READ_ONLY, NO_SUID, NO_DEVICES, NO_EXEC, REMOUNT, BIND, RECURSIVE, PRIVATE = (
    1,
    2,
    4,
    8,
    32,
    4096,
    16384,
    1 << 18,
)
_DIE_WITH_PARENT, _DUMPABLE, _DROP_FROM_BOUNDS, _NO_NEW_RIGHTS = 1, 4, 24, 38
_CAPABILITIES_V3 = 0x20080522

_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def _call(name: str, *arguments: object) -> None:
    if _libc is None:
        raise OSError(f"{name} exists on Linux only")
    if getattr(_libc, name)(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")


def unshare(flags: int) -> None:
    """Leave the named namespaces for new ones (of processes: from the next fork on)."""
    _call("unshare", flags)


def mount(source: str, target: str, kind: str = "", flags: int = 0, options: str = "") -> None:
    """mount(2)."""
    as_bytes = [text.encode() if text else None for text in (source, target, kind, options)]
    _call("mount", *as_bytes[:3], ctypes.c_ulong(flags), as_bytes[3])


def bind(source: str, target: str, read_only: bool = True) -> None:
    """Show `source` at `target` as well, by default for reading only."""
    mount(source, target, flags=BIND | RECURSIVE)
    flags = BIND | REMOUNT | NO_SUID | (READ_ONLY if read_only else 0)
    try:
        mount("", target, flags=flags)
    except OSError:  # flags the outer world has set may not be taken away in a user namespace
        mount("", target, flags=flags | (os.statvfs(source).f_flag & ~0x20))


def become_alone_in_user_namespace() -> None:
    """Map this user onto itself in a new user namespace, with all rights inside it and none outside."""
    user, group = os.getuid(), os.getgid()
    unshare(NEW_USER)
    for name, text in (
        ("setgroups", "deny"),
        ("uid_map", f"{user} {user} 1"),
        ("gid_map", f"{group} {group} 1"),
    ):
        with open(f"/proc/self/{name}", "w") as file:
            file.write(text)


def die_with_parent() -> None:
    """Be killed when the parent ends. It is forgotten when the user changes: call it after that."""
    _control(_DIE_WITH_PARENT, signal.SIGKILL)


def be_unreadable() -> None:
    """No other process of this user may look into this one's memory."""
    _control(_DUMPABLE, 0)


def give_up_rights(user: int | None) -> None:
    """Become `user` (None: stay), lose every capability, and never gain any right again."""
    if user is not None:
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)
    if _libc is None:
        return
    _control(_NO_NEW_RIGHTS, 1)
    for number in range(64):
        _libc.prctl(_DROP_FROM_BOUNDS, number, 0, 0, 0)  # not allowed without rights, not needed either
    head = (ctypes.c_uint32 * 2)(_CAPABILITIES_V3, 0)
    nothing = (ctypes.c_uint32 * 6)()
    _call("capset", head, nothing)


def limit(name: str, value: int) -> None:
    """Set one resource limit, soft and hard; never above what already binds."""
    kind = getattr(resource, f"RLIMIT_{name}", None)
    if kind is None:
        return
    _, hard = resource.getrlimit(kind)
    most = value if hard == resource.RLIM_INFINITY else min(value, hard)
    with contextlib.suppress(ValueError, OSError):  # macOS refuses some of them
        resource.setrlimit(kind, (most, most))


def _control(option: int, value: int) -> None:
    if _libc is not None:
        _libc.prctl(option, value, 0, 0, 0)
