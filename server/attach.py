"""Find the database and the Redis of an installation for a process that does not own them."""

import os
import select
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from persistence import embedded
from server import valkey
from server.settings import ConfigurationError, Settings


def running(settings: Settings) -> Settings:
    """The settings with both addresses: the given ones, else those of a running `tablecast up`.

    Raises `ConfigurationError` when nothing runs: `serve` and `worker` never start a database.
    """
    found: dict[str, str] = {}
    server = embedded.EmbeddedPostgres(settings.postgres_folder)
    if settings.database_url is None:
        live = embedded.postmaster(server.data)
        if live is None or not embedded.answers(live.socket_folder):
            raise ConfigurationError(
                "No database: set DATABASE_URL, or start `tablecast up` first."
            )
        found["database_url"] = server.url()
    if settings.redis_url is None:
        if not valkey.answers(server.socket_folder):
            raise ConfigurationError("No Redis: set REDIS_URL, or start `tablecast up` first.")
        found["redis_url"] = valkey.url(server.socket_folder)
    return settings.model_copy(update=found)


@contextmanager
def database(settings: Settings) -> Iterator[Settings]:
    """The settings with a database that answers; the embedded one is started for the moment."""
    if settings.database_url is not None:
        yield settings
        return
    with embedded.running(settings.postgres_folder) as url:
        yield settings.model_copy(update={"database_url": url})


def wait_for_start(gate: int | None) -> None:
    """Wait until the supervisor opens the gate, if there is one."""
    if gate is not None:
        os.read(gate, 1)
        os.close(gate)


def end_with_parent() -> None:
    """On macOS, end when the supervisor is gone; on Linux the kernel does it."""
    if sys.platform == "darwin":
        queue = select.kqueue()
        watch = select.kevent(
            os.getppid(), select.KQ_FILTER_PROC, select.KQ_EV_ADD, select.KQ_NOTE_EXIT
        )
        queue.control([watch], 0)

        def follow() -> None:
            queue.control(None, 1)
            os.kill(os.getpid(), signal.SIGKILL)

        threading.Thread(target=follow, daemon=True).start()
