"""What a process does to itself before it opens the file of a stranger.

Libraries that read files have holes, and files are made for those. So they run in a process that
takes only so much memory and processor time, leaves no dump, and opens no connection."""

import ctypes
import platform
import resource
import sys
from contextlib import suppress

#: Exit codes of such a process. With `REFUSED` its standard error says why, for people.
REFUSED = 3
OUT_OF_MEMORY = 4

_NO_NEW_PRIVILEGES, _SET_SECCOMP, _FILTER_MODE = 38, 22, 2
_LOAD_WORD, _JUMP_IF_EQUAL, _JUMP_IF_GREATER, _RETURN = 0x20, 0x15, 0x35, 0x06
_ALLOW, _DENY = 0x7FFF0000, 0x00050000 | 1  # the error of a denied call is EPERM
_CALL, _ARCHITECTURE = 0, 4  # where the kernel puts them
_OTHER_ABI = 0x40000000  # the 32-bit calls of x86-64
_IO_URING_SETUP = 425  # a ring can open a connection without a call that we see
#: Machine: what the kernel calls it, and the number of `socket`.
_SOCKET = {"x86_64": (0xC000003E, 41), "aarch64": (0xC00000B7, 198)}


class _Step(ctypes.Structure):
    _fields_ = (
        ("code", ctypes.c_uint16),
        ("if_true", ctypes.c_uint8),
        ("if_false", ctypes.c_uint8),
        ("value", ctypes.c_uint32),
    )


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_uint16), ("steps", ctypes.POINTER(_Step)))


def confine(memory_bytes: int, cpu_seconds: int) -> None:
    """Limit this process and the ones that it starts. macOS has neither a limit of the address
    space nor these filters; processor and wall time still hold there."""
    for limit, most in (
        (resource.RLIMIT_AS, memory_bytes),
        (resource.RLIMIT_CPU, cpu_seconds),
        (resource.RLIMIT_CORE, 0),
    ):
        with suppress(ValueError, OSError):
            resource.setrlimit(limit, (most, most))
    if sys.platform == "linux" and platform.machine() in _SOCKET:
        _deny_connections(*_SOCKET[platform.machine()])


def _deny_connections(architecture: int, socket: int) -> None:
    """From now on `socket` fails. A kernel that knows no filters changes nothing."""
    steps = (
        _Step(_LOAD_WORD, 0, 0, _ARCHITECTURE),
        _Step(_JUMP_IF_EQUAL, 0, 5, architecture),
        _Step(_LOAD_WORD, 0, 0, _CALL),
        _Step(_JUMP_IF_EQUAL, 3, 0, socket),
        _Step(_JUMP_IF_EQUAL, 2, 0, _IO_URING_SETUP),
        _Step(_JUMP_IF_GREATER, 1, 0, _OTHER_ABI),
        _Step(_RETURN, 0, 0, _ALLOW),
        _Step(_RETURN, 0, 0, _DENY),
    )
    program = _Program(len(steps), (_Step * len(steps))(*steps))
    control = ctypes.CDLL(None).prctl
    control(_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    control(_SET_SECCOMP, _FILTER_MODE, ctypes.byref(program), 0, 0)
