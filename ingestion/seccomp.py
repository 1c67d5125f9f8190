"""A seccomp filter for parsers: a list of system calls they have no business with.

A denied call fails with EPERM, so that a library that merely tries can go on. The filter is the
classic BPF of seccomp(2); numbers are the kernel's tables for x86_64 and aarch64.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct

_PR_SET_SECCOMP, _FILTER = 22, 2
_ALLOW, _KILL, _ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
_CLONE_THREAD = 0x00010000

_ARCHITECTURES = {"x86_64": (0xC000003E, 0), "aarch64": (0xC00000B7, 1)}

# Name: (x86_64, aarch64); None where the architecture has no such call.
_DENIED: dict[str, tuple[int | None, int]] = {
    "socket": (41, 198), "socketpair": (53, 199), "connect": (42, 203), "bind": (49, 200),
    "listen": (50, 201), "accept": (43, 202), "accept4": (288, 242), "sendto": (44, 206),
    "sendmsg": (46, 211), "sendmmsg": (307, 269),
    "execve": (59, 221), "execveat": (322, 281),
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271),
    "pidfd_open": (434, 434), "pidfd_getfd": (438, 438), "pidfd_send_signal": (424, 424),
    "kcmp": (312, 272), "tkill": (200, 130), "rt_sigqueueinfo": (129, 138),
    "rt_tgsigqueueinfo": (297, 240), "process_madvise": (440, 440),
    "unshare": (272, 97), "setns": (308, 268), "mount": (165, 40), "umount2": (166, 39),
    "pivot_root": (155, 41), "chroot": (161, 51), "open_tree": (428, 428),
    "move_mount": (429, 429), "fsopen": (430, 430), "fsconfig": (431, 431),
    "fsmount": (432, 432), "mount_setattr": (442, 442), "swapon": (167, 224),
    "swapoff": (168, 225), "reboot": (169, 142), "acct": (163, 89), "settimeofday": (164, 170),
    "clock_settime": (227, 112), "adjtimex": (159, 171), "sethostname": (170, 161),
    "init_module": (175, 105), "finit_module": (313, 273), "delete_module": (176, 106),
    "kexec_load": (246, 104), "bpf": (321, 280), "perf_event_open": (298, 241),
    "userfaultfd": (323, 282), "io_uring_setup": (425, 425), "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427), "add_key": (248, 217), "request_key": (249, 218),
    "keyctl": (250, 219), "open_by_handle_at": (304, 265), "name_to_handle_at": (303, 264),
    "personality": (135, 92), "syslog": (103, 116), "quotactl": (179, 60),
    "fanotify_init": (300, 262), "lookup_dcookie": (212, 18), "setpriority": (141, 140),
    "mknodat": (259, 33), "mknod": (133, 33), "chmod": (90, 53), "fchmodat": (268, 53),
    "fchmodat2": (452, 452), "chown": (92, 54), "lchown": (94, 54), "fchown": (93, 55),
    "fchownat": (260, 54), "setxattr": (188, 5), "lsetxattr": (189, 6), "fsetxattr": (190, 7),
    "shmget": (29, 194), "msgget": (68, 186), "semget": (64, 190),
}  # fmt: skip
_FORKS: dict[str, tuple[int | None, int | None]] = {"fork": (57, None), "vfork": (58, None)}
_CLONE, _CLONE3 = (56, 220), 435
_OWN_PROCESS_ONLY = {"kill": (62, 129), "tgkill": (234, 131)}
_SELF_OR_ZERO = {"prlimit64": (302, 261)}


def install_filter(libc: ctypes.CDLL) -> str:
    """Installs the filter for good; returns why not, or nothing when it is active."""
    known = _ARCHITECTURES.get(platform.machine())
    if known is None:
        return f"no filter is written for {platform.machine()}"
    program = _program(*known, os.getpid())
    instructions = ctypes.create_string_buffer(b"".join(program))
    # struct sock_fprog: a count, padding, a pointer.
    filter_ = struct.pack("HxxxxxxQ", len(program), ctypes.addressof(instructions))
    if libc.prctl(_PR_SET_SECCOMP, _FILTER, ctypes.create_string_buffer(filter_), 0, 0) != 0:
        return os.strerror(ctypes.get_errno())
    return ""


def _program(architecture: int, column: int, pid: int) -> list[bytes]:
    number, machine, first_argument = 0, 4, 16
    deny, no_such_call = _ERRNO | errno.EPERM, _ERRNO | errno.ENOSYS
    out = [
        _load(machine), _skip_unless_equal(architecture, 0, 1), _jump(1), _give(_KILL),
        _load(number),
    ]  # fmt: skip
    if column == 0:  # the x32 table would offer every call under a second number
        out += [_instruction(0x35, 0x40000000, 0, 1), _give(deny)]
    denied = {pair[column] for pair in (*_DENIED.values(), *_FORKS.values())} - {None}
    for call in sorted(c for c in denied if c is not None):
        out += [_skip_unless_equal(call, 0, 1), _give(deny)]
    # glibc falls back from clone3, whose flags a filter cannot see, to clone.
    out += [_skip_unless_equal(_CLONE3, 0, 1), _give(no_such_call)]
    out += [
        _skip_unless_equal(_CLONE[column], 0, 4), _load(first_argument),
        _instruction(0x45, _CLONE_THREAD, 1, 0), _give(deny), _give(_ALLOW),
    ]  # fmt: skip
    for pair in _OWN_PROCESS_ONLY.values():
        out += [
            _skip_unless_equal(pair[column], 0, 4), _load(first_argument),
            _skip_unless_equal(pid, 1, 0), _give(deny), _give(_ALLOW),
        ]  # fmt: skip
    for pair in _SELF_OR_ZERO.values():
        out += [
            _skip_unless_equal(pair[column], 0, 5), _load(first_argument),
            _skip_unless_equal(0, 2, 0), _skip_unless_equal(pid, 1, 0), _give(deny), _give(_ALLOW),
        ]  # fmt: skip
    return [*out, _give(_ALLOW)]


def _instruction(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("HBBI", code, if_true, if_false, value)


def _load(offset: int) -> bytes:
    return _instruction(0x20, offset)


def _skip_unless_equal(value: int, if_true: int, if_false: int) -> bytes:
    """Skips `if_true` instructions when the loaded value equals `value`, else `if_false`."""
    return _instruction(0x15, value, if_true, if_false)


def _jump(count: int) -> bytes:
    return _instruction(0x05, count)


def _give(result: int) -> bytes:
    return _instruction(0x06, result)
