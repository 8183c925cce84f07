"""Everything a web process holds open: database, storage, hub, authenticator. Opened and closed
together."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from domain.addresses import Allowed
from domain.tool_ports import Engines
from persistence import organizations
from persistence.blobs import Blobs
from persistence.change_log import ChangeLog
from persistence.engine import Database
from persistence.storage import PostgresStorage
from processing.engines import open_engines
from processing.outbound import Outbound
from realtime.bus import open_bus
from realtime.hub import Hub
from server.auth import Authenticator
from server.live import LogAdapter, Wakeups
from server.pictures import Pictures
from server.settings import ConfigurationError, Settings


@dataclass(frozen=True, slots=True)
class Gateway:
    """The parts that faces and health checks use."""

    settings: Settings
    database: Database
    storage: PostgresStorage
    log: ChangeLog
    hub: Hub
    authenticator: Authenticator
    pictures: Pictures
    engines: Engines


@asynccontextmanager
async def open_gateway(settings: Settings) -> AsyncIterator[Gateway]:
    """Connect to PostgreSQL and Redis. Raises `ConfigurationError` when an address is missing."""
    if not settings.database_url:
        raise ConfigurationError("DATABASE_URL is not set; `tablecast up` brings its own database.")
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(
            Database.connect(settings.database_url, pool_size=settings.pool_size)
        )
        wakeups = Wakeups()
        egress = Allowed.parse(settings.egress_allow)
        storage = PostgresStorage(
            database, wakeups, Blobs.open(settings.blob_place), settings.secret_box(), egress
        )
        bus = open_bus(settings.redis_url or "memory://")
        hub = await stack.enter_async_context(Hub(bus, LogAdapter(storage.log)))
        wakeups.attach(hub)
        open_organization = None
        if settings.open:
            open_organization = (await organizations.ensure_default(database)).id
        authenticator = Authenticator(storage.keys, open_organization=open_organization)
        stack.push_async_callback(authenticator.aclose)
        pictures = Pictures()
        stack.push_async_callback(pictures.aclose)
        engines = await stack.enter_async_context(open_engines(storage, Outbound(egress)))
        yield Gateway(
            settings, database, storage, storage.log, hub, authenticator, pictures, engines
        )
