"""Secrets at rest: sealed with AES-256-GCM before they reach the database.

A sealed text is bound to its organisation and to what it is for, so that nobody who can write to
the database moves it to another row and has it sent elsewhere. The key is a setting of the
operator, or a file in the data folder; it never stands in the database or its backups."""

import base64
import binascii
import hashlib
import hmac
import os
import secrets
from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from domain.errors import SecretLost

KEY_BYTES = 32

_FORM = b"\x01"
_ID_BYTES = 8
_NONCE_BYTES = 12
_HEAD_BYTES = len(_FORM) + _ID_BYTES + _NONCE_BYTES
#: Signatures have a key of their own, so that none of them says anything about what is sealed.
_SIGNING = b"tablecast signing"


class SecretKeyError(Exception):
    """The key of this installation cannot be used. The text is for the operator."""


class SecretBox:
    """Seals with its first key and opens with all of them: an operator changes the key by putting
    a new one in front. Without any key it can do neither."""

    def __init__(self, keys: Sequence[bytes] = ()) -> None:
        self._ciphers = {_key_id(key): AESGCM(key) for key in keys}
        self._first = _key_id(keys[0]) if keys else None
        self._signing = [hmac.digest(key, _SIGNING, hashlib.sha256) for key in keys]

    def sign(self, purpose: str, text: str) -> bytes:
        """32 bytes that only who has the key can tell of this text, for this purpose."""
        if not self._signing:
            raise SecretKeyError("This process was started without a secret key.")
        return _signature(self._signing[0], purpose, text)

    def is_signed(self, purpose: str, text: str, signature: bytes) -> bool:
        """Whether one of the keys signed this text for this purpose."""
        return any(
            hmac.compare_digest(_signature(key, purpose, text), signature) for key in self._signing
        )

    def seal(self, organization_id: UUID, purpose: str, secret: str) -> bytes:
        """The secret as the database may keep it. `purpose` names the one place that it is for,
        with the id of its row: `provider:<id>`. At most 2³² calls for one key are safe."""
        if self._first is None:
            raise SecretKeyError("This process was started without a secret key.")
        nonce = secrets.token_bytes(_NONCE_BYTES)
        bound = _bound(organization_id, purpose)
        sealed = self._ciphers[self._first].encrypt(nonce, secret.encode(), bound)
        return _FORM + self._first + nonce + sealed

    def is_sealed_by_first(self, sealed: bytes) -> bool:
        """Whether the key that seals now sealed this."""
        return self._first is not None and sealed.startswith(_FORM + self._first)

    def open(self, organization_id: UUID, purpose: str, sealed: bytes) -> str:
        """What was sealed for this organisation and purpose.

        Raises `SecretLost` when the key is gone, or the bytes are not what was sealed here."""
        key_id = sealed[len(_FORM) : len(_FORM) + _ID_BYTES]
        cipher = self._ciphers.get(key_id) if sealed.startswith(_FORM) else None
        if cipher is None:
            raise SecretLost
        nonce = sealed[len(_FORM) + _ID_BYTES : _HEAD_BYTES]
        try:
            bound = _bound(organization_id, purpose)
            return cipher.decrypt(nonce, sealed[_HEAD_BYTES:], bound).decode()
        except (InvalidTag, ValueError):
            raise SecretLost from None


def open_box(setting: str | None, file: Path) -> SecretBox:
    """The box of this installation: keys from the setting, else the one in `file`, which is made
    when it is missing. Raises `SecretKeyError`."""
    if setting is not None:
        return SecretBox(parse_keys(setting))
    try:
        text = file.read_text() if file.exists() else _made(file)
    except (OSError, UnicodeDecodeError) as error:
        raise SecretKeyError(f"The secret key in {file} cannot be read or made: {error}.") from None
    try:
        return SecretBox(parse_keys(text))
    except SecretKeyError:
        raise SecretKeyError(
            f"{file} does not hold a secret key: restore it from a backup. A new one would not open"
            " what the old one sealed."
        ) from None


def parse_keys(text: str) -> list[bytes]:
    """Keys of 32 bytes in base64, with commas between. Raises `SecretKeyError`, which never repeats
    them."""
    keys = []
    for entry in text.strip().split(","):
        try:
            key = base64.b64decode(entry.strip(), validate=True)
        except (binascii.Error, ValueError):
            key = b""
        if len(key) != KEY_BYTES:
            raise SecretKeyError(
                f"must be {KEY_BYTES} bytes in base64, as `openssl rand -base64 32` writes them;"
                " several keys with commas between"
            )
        keys.append(key)
    return keys


def _made(file: Path) -> str:
    """Make the file, whole or not at all. When another process is faster, its key is ours."""
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_name(f"{file.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with open(descriptor, "w") as opened:
            opened.write(base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode() + "\n")
            opened.flush()
            os.fsync(opened.fileno())
        # A link never replaces what is there, as a rename would.
        os.link(partial, file)
    except FileExistsError:
        pass
    finally:
        partial.unlink(missing_ok=True)
    return file.read_text()


def _key_id(key: bytes) -> bytes:
    return hashlib.sha256(b"tablecast key id" + key).digest()[:_ID_BYTES]


def _signature(key: bytes, purpose: str, text: str) -> bytes:
    return hmac.digest(key, f"{purpose}\n{text}".encode(), hashlib.sha256)


def _bound(organization_id: UUID, purpose: str) -> bytes:
    return organization_id.bytes + purpose.encode()
