"""Requests that a client may repeat without doing their work twice.

A request with a key claims it. Every write transaction of its work marks the claim, so that the
data and the mark are there together or not at all. A repeat is told what the first request was
told; when that answer was lost, it is told so, and nothing is written again."""

import re
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Protocol
from uuid import UUID, uuid4

from domain.errors import Conflict, ErrorCode, invalid

#: How long an answer is kept for repeats, and for how long a request may work before a repeat may
#: take its place. Whoever was replaced can no longer write.
KEPT_HOURS = 24
WORKING_SECONDS = 60

_KEY = re.compile(r"[\x21-\x7e]{1,255}")

_IN_WORK = "A request with this idempotency key is being carried out; try again"
_LOST = "The request with this idempotency key was carried out, but its answer was not kept"
_OTHER = "The idempotency key was used for another request"


@dataclass(frozen=True, slots=True)
class KeyedRequest:
    """A request with a key. Keys of different actors have nothing to do with each other; `digest`
    tells whether two requests are the same."""

    organization_id: UUID
    actor: str
    key: str
    digest: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What a request was answered."""

    body: str
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    replayed: bool = False


@dataclass(slots=True)
class Claim:
    """The right of one running request to write under its key. An answer that shows a secret is not
    kept: see `keep_no_answer`."""

    request: KeyedRequest
    id: UUID = field(default_factory=uuid4)
    keeps_answer: bool = True


@dataclass(frozen=True, slots=True)
class Earlier:
    """What is known of an earlier request with the same key."""

    digest: str
    committed: bool
    answer: Answer | None


class IdempotencyStore(Protocol):
    """Where claims are kept. Write transactions mark the claim of `current_claim` by themselves."""

    async def claim(self, claim: Claim) -> Earlier | None:
        """Take the key; what is known of an earlier request when it is taken."""

    async def finish(self, claim: Claim, answer: Answer | None) -> None:
        """Keep the answer if anything was written; else give the key back."""


_current: ContextVar[Claim | None] = ContextVar("claim", default=None)


def current_claim() -> Claim | None:
    """The claim under which the running request writes; None for one without a key."""
    return _current.get()


def keep_no_answer() -> None:
    """The answer of the running request holds a secret: a repeat must not read it again."""
    claim = _current.get()
    if claim is not None:
        claim.keeps_answer = False


def accept_key(key: str | None) -> str | None:
    """The key as it was sent. Raises `Invalid` unless it is 1 to 255 visible ASCII characters."""
    if key is not None and _KEY.fullmatch(key) is None:
        message = "An idempotency key is 1 to 255 visible ASCII characters"
        raise invalid(ErrorCode.INVALID, message, "idempotencyKey")
    return key


async def once(
    store: IdempotencyStore, request: KeyedRequest, work: Callable[[], Awaitable[Answer]]
) -> Answer:
    """Do the work, or give the answer of the request that did it before.

    A request that wrote nothing leaves no trace: its key may be used again. Raises `Conflict` when
    the key was used for something else, is in use now, or its answer was lost."""
    claim = Claim(request)
    earlier = await store.claim(claim)
    if earlier is not None:
        return _repeated(earlier, request)
    answer: Answer | None = None
    try:
        with _under(claim):
            answer = await work()
        return answer
    finally:
        await store.finish(claim, answer if claim.keeps_answer else None)


def _repeated(earlier: Earlier, request: KeyedRequest) -> Answer:
    if earlier.digest != request.digest:
        raise Conflict(_OTHER)
    if earlier.answer is not None:
        return earlier.answer
    raise Conflict(_LOST if earlier.committed else _IN_WORK)


@contextmanager
def _under(claim: Claim) -> Iterator[None]:
    token = _current.set(claim)
    try:
        yield
    finally:
        _current.reset(token)
