"""Secrets of webhooks, and signatures: the Svix scheme, which Standard Webhooks took over."""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Sequence

PREFIX = "whsec_"
_SECRET_BYTES = 24


def new_secret() -> str:
    """A fresh secret: `whsec_` and base64 of 24 random bytes."""
    return PREFIX + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()


def signature(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """One signature of a message: `v1,` and base64 of the HMAC-SHA256 of `id.timestamp.body`, by
    the bytes of the secret. `timestamp` is in seconds since 1970."""
    key = base64.b64decode(secret.removeprefix(PREFIX))
    signed = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()


def hex_signature(secret: str, body: bytes) -> str:
    """One signature of a body alone: `sha256=` and the HMAC-SHA256 in hexadecimal, by the text of
    the secret as it is shown."""
    return "sha256=" + hmac.digest(secret.encode(), body, hashlib.sha256).hex()


def signed_headers(
    secrets: Sequence[str], message_id: str, timestamp: int, body: bytes
) -> dict[str, str]:
    """The headers of a message, under the names of Svix and of Standard Webhooks. Each secret
    signs."""
    signatures = " ".join(signature(each, message_id, timestamp, body) for each in secrets)
    values = {"id": message_id, "timestamp": str(timestamp), "signature": signatures}
    return {
        f"{family}-{name}": value
        for family in ("svix", "webhook")
        for name, value in values.items()
    }
