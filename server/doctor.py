"""`tablecast doctor`: is this installation sound, and if not, what is to be done."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from uuid import uuid4

from redis.asyncio import Redis
from redis.exceptions import RedisError

from persistence.blobs import Blobs
from persistence.embedded import EmbeddedPostgres
from persistence.engine import Database
from persistence.inspection import UNUSABLE, Inspection
from persistence.secret_box import SecretBox
from server import valkey
from server.settings import ConfigurationError, Settings

_PATIENCE = 5.0
_LEAST_FREE = 1_000_000_000
_CLOCKS_APART = 1.0
_LONG_WAIT = 30.0


class Verdict(StrEnum):
    """How grave a finding is. Only `FAILED` makes the command fail."""

    FINE = "ok"
    WARNING = "warning"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check saw. `told` is one sentence, with the cure where there is one."""

    check: str
    verdict: Verdict
    told: str


async def examine(settings: Settings, *, deep: bool) -> list[Finding]:
    """Every finding, in the order of the checks; `deep` adds those that read all rows.

    `settings` name the database."""
    # First, though it is told late: the store's thread is still busy with its last answer when that
    # is here already. A process that ended at that moment was aborted, three times in ten.
    files = await _files(settings)
    findings = []
    try:
        async with Database.connect(settings.database_url or "", pool_size=2) as database:
            inspection = Inspection(database)
            findings.append(Finding("PostgreSQL", Verdict.FINE, "answers, version 18 or later"))
            secrets: _Check = partial(_secrets, settings)
            for check in (*_CHECKS, secrets, *(_DEEP_CHECKS if deep else ())):
                findings.append(await check(inspection))
                if findings[-1].check == "schema" and findings[-1].verdict is Verdict.FAILED:
                    break
    except UNUSABLE as error:
        told = f"cannot be used: {error}"
        findings.append(Finding("PostgreSQL", Verdict.FAILED, told))
    findings.append(await _redis(settings))
    findings.append(files)
    findings.append(_disk(settings))
    return findings


async def _schema(inspection: Inspection) -> Finding:
    current, needed = await inspection.schema()
    if current == needed:
        return Finding("schema", Verdict.FINE, f"is at version {current}")
    told = f"is at version {current}, the code needs {needed}: run `tablecast migrate`"
    return Finding("schema", Verdict.FAILED, told)


async def _clocks(inspection: Inspection) -> Finding:
    apart = await inspection.seconds_apart()
    if apart <= _CLOCKS_APART:
        return Finding("clock", Verdict.FINE, "agrees with the database's")
    told = f"is {apart:.1f} s from the database's: keys expire at other times than they say"
    return Finding("clock", Verdict.WARNING, told)


async def _logs(inspection: Inspection) -> Finding:
    broken = await inspection.broken_logs()
    if not broken:
        return Finding("change log", Verdict.FINE, "has every revision of every table")
    told = f"has holes in {', '.join(broken)}: restore a backup; what is told of them is not whole"
    return Finding("change log", Verdict.FAILED, told)


async def _jobs(inspection: Inspection) -> Finding:
    workers, waiting = await inspection.workers(), await inspection.seconds_waiting()
    if workers == 0:
        told = "no worker runs; imports, triggers and workflows wait: run `tablecast worker`"
        return Finding("workers", Verdict.WARNING, told)
    if waiting > _LONG_WAIT:
        told = f"{workers} run, but a job has waited for {waiting:.0f} s: run more of them"
        return Finding("workers", Verdict.WARNING, told)
    return Finding("workers", Verdict.FINE, f"{workers} take jobs")


async def _indexes(inspection: Inspection) -> Finding:
    failed = await inspection.failed_indexes()
    if not failed:
        return Finding("indexes", Verdict.FINE, "none has failed")
    told = f"{failed} could not be built: ask for them again"
    return Finding("indexes", Verdict.WARNING, told)


async def _secrets(settings: Settings, inspection: Inspection) -> Finding:
    file = settings.secret_key_file
    try:
        # A doctor makes no key: one that is missing is a finding.
        made = settings.secret_key is not None or file.exists()
        count, lost = await inspection.sealed(settings.secret_box() if made else SecretBox())
    except ConfigurationError as error:
        return Finding("secrets", Verdict.FAILED, f"cannot be opened: {error}")
    if lost:
        told = f"cannot be opened: {', '.join(lost)}; restore the secret key, or give them again"
        return Finding("secrets", Verdict.FAILED, told)
    if settings.secret_key is None and made and file.stat().st_mode & 0o077:
        told = f"can be opened, but others can read {file}: run `chmod 600` on it"
        return Finding("secrets", Verdict.WARNING, told)
    return Finding("secrets", Verdict.FINE, f"all {count} can be opened")


async def _counts(inspection: Inspection) -> Finding:
    wrong = await inspection.miscounted()
    if not wrong:
        return Finding("row counts", Verdict.FINE, "agree with the rows")
    named = ", ".join(
        f"{each.table} ({each.said}, {'gone' if each.found < 0 else f'really {each.found}'})"
        for each in wrong
    )
    told = f"are wrong in {named}: somebody wrote past the server"
    return Finding("row counts", Verdict.FAILED, told)


_Check = Callable[[Inspection], Awaitable[Finding]]
_CHECKS: tuple[_Check, ...] = (_schema, _clocks, _logs, _jobs, _indexes)
_DEEP_CHECKS: tuple[_Check, ...] = (_counts,)


async def _redis(settings: Settings) -> Finding:
    folder = EmbeddedPostgres(settings.postgres_folder).socket_folder
    if settings.redis_url is None and not valkey.answers(folder):
        told = "none is configured and none runs; `tablecast up` starts its own"
        return Finding("Redis", Verdict.WARNING, told)
    client = Redis.from_url(settings.redis_url or valkey.url(folder))
    try:
        async with asyncio.timeout(_PATIENCE), client.pubsub() as listener:
            channel = f"doctor-{uuid4()}"
            await listener.subscribe(channel)
            await client.publish(channel, "x")
            while (message := await listener.get_message(timeout=_PATIENCE)) is not None:
                if message["type"] == "message":
                    return Finding("Redis", Verdict.FINE, "passes messages on")
        return Finding("Redis", Verdict.FAILED, "does not pass messages on")
    except (OSError, TimeoutError, RedisError) as error:
        told = f"does not answer ({error}): changes reach other processes a second late"
        return Finding("Redis", Verdict.FAILED, told)
    finally:
        await client.aclose()


async def _files(settings: Settings) -> Finding:
    async def probe() -> AsyncIterator[bytes]:
        yield b"doctor"

    key = f"doctor/{uuid4()}"
    try:
        blobs = Blobs.open(settings.blob_place)
        await blobs.put(key, probe())
        read = b"".join([chunk async for chunk in blobs.read(key, 0, 6)])
        await blobs.delete(key)
    except Exception as error:
        # Each kind of store has errors of its own.
        return Finding("files", Verdict.FAILED, f"cannot be stored: {error}")
    if read != b"doctor":
        return Finding("files", Verdict.FAILED, "come back other than they were stored")
    return Finding("files", Verdict.FINE, "can be stored and read")


def _disk(settings: Settings) -> Finding:
    folder = next(each for each in (settings.data, *settings.data.parents) if each.exists())
    free = shutil.disk_usage(folder).free
    told = f"{free / 1e9:.1f} GB are free under {folder}"
    verdict = Verdict.FINE if free >= _LEAST_FREE else Verdict.WARNING
    return Finding("disk", verdict, told)
