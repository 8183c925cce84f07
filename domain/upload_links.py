"""Addresses that take the bytes of one file for a while, from whoever has them.

A link names the file and when it ends, and is signed with the key of this installation. Nothing of
it is stored, and every web process can check it."""

import base64
import binascii
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol
from uuid import UUID

from domain.errors import DomainError

#: How long a link works.
LIFETIME = timedelta(minutes=15)
#: Where the bytes are put: this, and the token of the link.
PATH = "/upload/"

_PURPOSE = "upload"
_IDS_BYTES = 32
_SECONDS_BYTES = 8
_SIGNATURE_BYTES = 32


class LinkSigner(Protocol):
    """Signs what comes back from outside. Every process of an installation has the same key."""

    def sign(self, purpose: str, text: str) -> bytes:
        """32 bytes."""
        ...

    def is_signed(self, purpose: str, text: str, signature: bytes) -> bool: ...


@dataclass(eq=False)
class LinkRefused(DomainError):
    """A link that does not work, or not any more. The text is for people."""

    message: str

    def __str__(self) -> str:
        return self.message


@dataclass(frozen=True, slots=True)
class Ticket:
    """What a link allows: to put the bytes of this file."""

    organization_id: UUID
    file_id: UUID
    expires_at: datetime


def upload_path(
    signer: LinkSigner, organization_id: UUID, file_id: UUID, lifetime: timedelta = LIFETIME
) -> str:
    """The path, without a host, that takes the bytes of a file from now on."""
    seconds = int((datetime.now(UTC) + lifetime).timestamp())
    head = organization_id.bytes + file_id.bytes + seconds.to_bytes(_SECONDS_BYTES)
    signature = signer.sign(_PURPOSE, head.hex())
    return PATH + base64.urlsafe_b64encode(head + signature).rstrip(b"=").decode()


def read_token(signer: LinkSigner, token: str) -> Ticket:
    """What the last part of such a path allows. Raises `LinkRefused`."""
    broken = LinkRefused("The link is not valid")
    try:
        data = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise broken from None
    head, signature = data[:-_SIGNATURE_BYTES], data[-_SIGNATURE_BYTES:]
    if len(head) != _IDS_BYTES + _SECONDS_BYTES:
        raise broken
    if not signer.is_signed(_PURPOSE, head.hex(), signature):
        raise broken
    expires_at = datetime.fromtimestamp(int.from_bytes(head[_IDS_BYTES:]), UTC)
    if expires_at <= datetime.now(UTC):
        raise LinkRefused("The link has expired")
    return Ticket(UUID(bytes=head[:16]), UUID(bytes=head[16:_IDS_BYTES]), expires_at)
