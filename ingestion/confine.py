"""What a parser's child process does to itself before it touches a file; there is no way back.

Each layer is used where the system offers it, and `confine` reports which are active: limits,
no capabilities, no network (an empty network namespace), Landlock (no file but those it needs,
none written outside its own folder) and a seccomp filter (no sockets, no new processes, no
programs, no debugging of others).
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from ingestion.seccomp import install_filter
from store.models import Frozen

_PR_SET_PDEATHSIG, _PR_CAPBSET_DROP, _PR_SET_NO_NEW_PRIVS, _PR_SET_DUMPABLE = 1, 24, 38, 4
_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000
_MB = 1 << 20


class Protection(Frozen):
    """One layer of protection around the parsers, and whether this system gives it."""

    name: str
    active: bool
    detail: str


class Bounds(Frozen):
    """What one child may use. `reads` are folders and files it may read, `writes` its scratch."""

    memory_mb: int
    file_mb: int
    open_files: int
    reads: tuple[str, ...]
    writes: tuple[str, ...]


def confine(bounds: Bounds, parent: int) -> list[Protection]:
    """Gives up what the process does not need, in the one order that works."""
    _die_with(parent)
    libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None
    found = [_limit(bounds)]
    if libc is None:
        found.append(_off("kernel sandbox", "only Linux has it"))
        return found
    found.append(_leave_network(libc))
    found.append(_drop_capabilities(libc))
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    found.append(_landlock(libc, bounds.reads, bounds.writes))
    fault = install_filter(libc)
    found.append(
        _off("system calls", fault)
        if fault
        else _on("system calls", "no sockets, new processes, programs or debugging (seccomp)")
    )
    return found


def _on(name: str, detail: str) -> Protection:
    return Protection(name=name, active=True, detail=detail)


def _off(name: str, detail: str) -> Protection:
    return Protection(name=name, active=False, detail=detail)


def _die_with(parent: int) -> None:
    if sys.platform != "linux":
        return
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:  # it died before the line above
        os._exit(0)


def _limit(bounds: Bounds) -> Protection:
    """RLIMIT_DATA bounds what a parser allocates; RLIMIT_AS, looser because libraries are mapped
    into it, bounds shared mappings as well."""
    wanted = [
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, bounds.file_mb * _MB),
        (resource.RLIMIT_NOFILE, bounds.open_files),
        (resource.RLIMIT_DATA, bounds.memory_mb * _MB),
        (resource.RLIMIT_AS, (bounds.memory_mb + 3000) * _MB),
    ]
    refused = 0
    for what, value in wanted:
        try:
            resource.setrlimit(what, (value, value))
        except (ValueError, OSError):  # macOS refuses some of them
            refused += 1
    detail = f"{bounds.memory_mb} MB of memory, {bounds.file_mb} MB a file, time per page"
    if refused:
        return _off("limits", f"this system refused {refused} of {len(wanted)} limits")
    return _on("limits", detail)


def _leave_network(libc: ctypes.CDLL) -> Protection:
    name = "no network"
    if libc.unshare(_CLONE_NEWNET) == 0:
        return _on(name, "an empty network namespace")
    user, group = os.getuid(), os.getgid()
    if libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET) != 0:
        reason = os.strerror(ctypes.get_errno())
        return _off(name, f"no namespace of its own ({reason}); see system calls")
    for file, line in (
        ("setgroups", "deny"), ("uid_map", f"{user} {user} 1"), ("gid_map", f"{group} {group} 1"),
    ):  # fmt: skip
        # Some systems (AppArmor on Ubuntu) give the namespaces but no mapping, which is only for
        # looks: files are still read with the rights that we came with.
        with contextlib.suppress(OSError):
            Path("/proc/self", file).write_text(line)
    return _on(name, "an empty network namespace")


def _drop_capabilities(libc: ctypes.CDLL) -> Protection:
    """A root that may do nothing root may do; also what `unshare` gave."""
    for capability in range(64):
        libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0)
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)  # _LINUX_CAPABILITY_VERSION_3, this thread
    nothing = (ctypes.c_uint32 * 6)()
    if libc.capset(header, nothing) != 0:
        return _off("no privileges", os.strerror(ctypes.get_errno()))
    return _on("no privileges", "no capabilities, and none to gain")


# Landlock: system call numbers are the same on every architecture.
_CREATE, _ADD, _RESTRICT = 444, 445, 446
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1, 2, 4, 8
_REFER, _TRUNCATE, _IOCTL = 1 << 13, 1 << 14, 1 << 15


class _Ruleset(ctypes.Structure):
    _fields_ = (("fs", ctypes.c_uint64), ("net", ctypes.c_uint64), ("scoped", ctypes.c_uint64))


class _Beneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed", ctypes.c_uint64), ("folder", ctypes.c_int32))


def _landlock(libc: ctypes.CDLL, reads: Sequence[str], writes: Sequence[str]) -> Protection:
    name = "files"
    abi = libc.syscall(_CREATE, None, 0, 1)
    if abi < 1:
        return _off(name, "this kernel has no Landlock")
    every = (1 << 13) - 1
    every |= (_REFER if abi >= 2 else 0) | (_TRUNCATE if abi >= 3 else 0)
    every |= _IOCTL if abi >= 5 else 0
    # net: bind and connect over TCP; scoped: abstract sockets and signals to others.
    wanted = _Ruleset(every, 3 if abi >= 4 else 0, 3 if abi >= 6 else 0)
    size = 24 if abi >= 6 else 16 if abi >= 4 else 8
    ruleset = libc.syscall(_CREATE, ctypes.byref(wanted), size, 0)
    if ruleset < 0:
        return _off(name, os.strerror(ctypes.get_errno()))
    try:
        for path in reads:
            _allow(libc, ruleset, path, (_READ_FILE | _READ_DIR | _EXECUTE) & every)
        for path in writes:
            _allow(libc, ruleset, path, every & ~_EXECUTE & ~_IOCTL)
        if libc.syscall(_RESTRICT, ruleset, 0) != 0:
            return _off(name, os.strerror(ctypes.get_errno()))
    finally:
        os.close(ruleset)
    return _on(name, f"reads only what it needs, writes only its own folder (Landlock {abi})")


def _allow(libc: ctypes.CDLL, ruleset: int, path: str, allowed: int) -> None:
    try:
        folder = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        if not Path(path).is_dir():
            allowed &= _READ_FILE | _WRITE_FILE | _EXECUTE | _TRUNCATE
        libc.syscall(_ADD, ruleset, 1, ctypes.byref(_Beneath(allowed, folder)), 0)
    finally:
        os.close(folder)
