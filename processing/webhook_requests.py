"""One attempt at a delivery: the request, and what its answer means."""

import asyncio
import re
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Protocol

import httpx2
import structlog

from domain.webhook_events import TRIED_ONCE, VERIFICATION, WebhookDialect
from domain.webhook_records import Attempt, DeliveryStatus, Outgoing
from domain.webhook_signing import hex_signature, signed_headers
from domain.webhook_verification import holds_challenge
from persistence.webhook_sending import Result
from processing.guard import OutboundFailed, OutboundRefused

#: A whole attempt, from the name to the end of what is read of the answer.
SECONDS = 15.0
#: The pauses before the second attempt and those that follow. After the last one it is dead.
PAUSES = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=10),
)
#: Pauses are longer by up to this part, so that what failed together does not come back together.
JITTER = 0.1
#: What is kept of an answer's body, in bytes.
SHOWN_BYTES = 4_000
GONE = 410

_SHOWN_HEADERS = 50
_SHOWN_HEADER = 1_000
_MASK = "********"
#: A signature behind the name of its scheme.
_SIGNATURE = re.compile(r"(?<=^v1,).*|(?<=^sha256=).*")

#: What the time is. Tests have their own.
Clock = Callable[[], datetime]

_random = secrets.SystemRandom()
_log = structlog.get_logger()


def system_clock() -> datetime:
    """The time of this machine."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: any status, redirects too, and the beginning of the body."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


class Receiver(Protocol):
    """The way to endpoints. Raises `OutboundRefused` and `OutboundFailed`."""

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer: ...


class HttpReceiver:
    """Posts through a guarded transport, which keeps connections for the next delivery."""

    def __init__(self, transport: httpx2.AsyncBaseTransport) -> None:
        self._client = httpx2.AsyncClient(transport=transport, trust_env=False, timeout=SECONDS)

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """No redirect is followed. Of the body only the beginning is read."""
        try:
            async with (
                asyncio.timeout(SECONDS),
                self._client.stream("POST", url, headers=dict(headers), content=body) as response,
            ):
                return Answer(
                    response.status_code, dict(response.headers), await _beginning(response)
                )
        except TimeoutError:
            raise OutboundFailed(f"No answer within {SECONDS:g} seconds") from None
        except httpx2.ConnectError:
            raise OutboundFailed("No connection could be made to the server") from None
        except httpx2.TimeoutException:
            raise OutboundFailed("The server did not answer in time") from None
        except (httpx2.HTTPError, httpx2.StreamError, httpx2.InvalidURL, OSError):
            raise OutboundFailed("The connection broke, or the answer is not HTTP") from None

    async def aclose(self) -> None:
        """Close all connections."""
        await self._client.aclose()


async def _beginning(response: httpx2.Response) -> bytes:
    found = b""
    async for part in response.aiter_raw():
        found += part
        if len(found) >= SHOWN_BYTES:
            break
    return found[:SHOWN_BYTES]


async def attempt(receiver: Receiver, outgoing: Outgoing, clock: Clock) -> Result:
    """Send a delivery once. Whatever happens becomes a result."""
    delivery = outgoing.delivery
    at = clock()
    body = delivery.body.encode()
    headers = {"content-type": "application/json", "user-agent": "tablecast-webhooks"}
    headers |= _signed(outgoing, int(at.timestamp()), body)
    begun = time.perf_counter()
    answer: Answer | None = None
    error: str | None
    try:
        if not outgoing.secrets:
            raise OutboundRefused("The secret cannot be read any more: give the webhook a new one")
        answer = await receiver.post(outgoing.url, headers, body)
        error = _fault(answer.status) or _silence(outgoing, answer)
    except (OutboundRefused, OutboundFailed) as failure:
        error = str(failure)
    except Exception:
        _log.exception("an attempt failed", delivery_id=str(delivery.id))
        error = "An internal error ended the attempt"
    made = Attempt(
        delivery_id=delivery.id,
        number=delivery.attempt + 1,
        request_headers=_masked(headers),
        status_code=answer.status if answer else None,
        response_headers=_shown(answer.headers) if answer else None,
        response_body=_text(answer.body) if answer else None,
        error=error,
        duration_ms=(time.perf_counter() - begun) * 1000,
        at=at,
    )
    return _result(outgoing, made, error, clock())


def _signed(outgoing: Outgoing, timestamp: int, body: bytes) -> dict[str, str]:
    """The headers that sign a message. The one of LimAI has room for one signature: the newest
    secret's."""
    if outgoing.dialect is not WebhookDialect.LIMAI:
        return signed_headers(outgoing.secrets, str(outgoing.delivery.id), timestamp, body)
    # An answer that is packed could not be searched for the challenge.
    headers = {"accept-encoding": "identity"}
    if outgoing.secrets:
        headers["X-Webhook-Signature"] = hex_signature(outgoing.secrets[0], body)
    return headers


def _silence(outgoing: Outgoing, answer: Answer) -> str | None:
    delivery = outgoing.delivery
    if delivery.event_type == VERIFICATION and not holds_challenge(delivery.body, answer.body):
        return "The answer does not hold the challenge"
    return None


def _result(outgoing: Outgoing, made: Attempt, error: str | None, now: datetime) -> Result:
    if error is None:
        return Result(outgoing, made, DeliveryStatus.DELIVERED, None, None)
    failures = outgoing.delivery.failures + 1
    final = outgoing.delivery.event_type in TRIED_ONCE or made.status_code == GONE
    if final or failures > len(PAUSES):
        return Result(outgoing, made, DeliveryStatus.DEAD, None, error)
    again = now + PAUSES[failures - 1] * _random.uniform(1, 1 + JITTER)
    return Result(outgoing, made, DeliveryStatus.PENDING, again, error)


def _fault(status: int) -> str | None:
    if 200 <= status < 300:
        return None
    if 300 <= status < 400:
        return f"The endpoint answered with status {status}; redirects are not followed"
    return f"The endpoint answered with status {status}"


def _masked(headers: Mapping[str, str]) -> dict[str, str]:
    """Headers as they are shown later: how many signatures there were, but none of them."""
    return {
        name: _hidden(value) if name.lower().endswith("-signature") else value
        for name, value in headers.items()
    }


def _hidden(signatures: str) -> str:
    return " ".join(_SIGNATURE.sub(_MASK, each, count=1) for each in signatures.split())


def _shown(headers: Mapping[str, str]) -> dict[str, str]:
    kept = list(headers.items())[:_SHOWN_HEADERS]
    return {_text(name.encode()): _text(value.encode())[:_SHOWN_HEADER] for name, value in kept}


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace").replace("\0", "")
