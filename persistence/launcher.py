"""Start a program so that it cannot outlive its parent, and never as root where it refuses root.

The file is run as a script of its own (`command` builds the line) instead of a `preexec_fn`: code
between fork and exec in a process with threads can hang, and a user namespace needs a process with
one thread. It costs some 20 ms for each start.
"""

import ctypes
import errno
import os
import pwd
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_CLONE_NEWUSER = 0x10000000
_INNER_ID = 1000  # any number but 0 serves: the program only checks that it is not root


class CannotLeaveRoot(Exception):
    """Neither a user namespace nor another user works here. The text is for the operator."""


def command(
    argv: Sequence[str | Path],
    *,
    death_signal: signal.Signals = signal.SIGTERM,
    leave_root_with: Sequence[Path] | None = None,
) -> list[str]:
    """The command line that starts `argv` tied to the calling process.

    `death_signal` is what the program gets when the calling thread ends (Linux; elsewhere nothing).
    With `leave_root_with` the program does not run as root when the caller does, and the named
    folders are given to the user it runs as.
    """
    folders = [] if leave_root_with is None else [str(path) for path in leave_root_with]
    privileged = "keep" if leave_root_with is None else "leave"
    head = [sys.executable, "-I", "-S", str(Path(__file__).resolve())]
    start = [str(os.getpid()), str(int(death_signal)), privileged]
    return [*head, *start, str(len(folders)), *folders, *map(str, argv)]


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _enter_namespace() -> None:
    uid, gid = os.geteuid(), os.getegid()
    if _libc().unshare(_CLONE_NEWUSER) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{_INNER_ID} {uid} 1")
    Path("/proc/self/gid_map").write_text(f"{_INNER_ID} {gid} 1")


def _namespace_works() -> bool:
    """Tried in a child, because a namespace that is half set up cannot be left again."""
    if sys.platform != "linux":
        return False
    child = os.fork()
    if child == 0:
        try:
            _enter_namespace()
        except OSError:
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def _give(folder: str, uid: int, gid: int) -> None:
    if os.stat(folder).st_uid == uid:
        return
    for root, folders, files in os.walk(folder):
        for name in [*folders, *files]:
            os.lchown(os.path.join(root, name), uid, gid)
    # The top folder goes last: its owner says that the whole tree has been given.
    os.chown(folder, uid, gid)


def _leave_root(folders: Sequence[str], program: str) -> None:
    if _namespace_works():
        for folder in folders:
            _give(folder, os.geteuid(), os.getegid())
        _enter_namespace()
        return
    nobody = pwd.getpwnam("nobody")
    for folder in folders:
        _give(folder, nobody.pw_uid, nobody.pw_gid)
    os.setgroups([])
    os.setgid(nobody.pw_gid)
    os.setuid(nobody.pw_uid)
    for path in [program, *folders]:
        if not os.access(path, os.X_OK):
            raise CannotLeaveRoot(
                f"PostgreSQL does not run as root, user namespaces are not allowed here, and the "
                f"user 'nobody' cannot reach {path}. Start tablecast as an ordinary user, move the "
                f"folder to a place all users can enter, or set DATABASE_URL."
            )


def _tie_to(parent: int, death_signal: int) -> None:
    # Last of all: the kernel forgets the wish whenever the user or its capabilities change.
    if sys.platform != "linux":
        return
    _libc().prctl(_PR_SET_PDEATHSIG, death_signal, 0, 0, 0)
    if os.getppid() != parent:
        sys.exit(1)


def main(arguments: Sequence[str]) -> None:
    """Become the program. Exits with 126 and a sentence on stderr when root cannot be left."""
    parent, death_signal, privileged, count, *rest = arguments
    folders, argv = rest[: int(count)], rest[int(count) :]
    try:
        if privileged == "leave" and os.geteuid() == 0:
            _leave_root(folders, argv[0])
        _tie_to(int(parent), int(death_signal))
        os.execv(argv[0], argv)  # noqa: S606  the caller built the line; no shell is wanted
    except (CannotLeaveRoot, OSError) as error:
        text = str(error)
        if isinstance(error, OSError) and error.errno == errno.ENOENT:
            text = f"{argv[0]} is not there"
        sys.stderr.write(f"{text}\n")
        sys.exit(126)


if __name__ == "__main__":
    main(sys.argv[1:])
