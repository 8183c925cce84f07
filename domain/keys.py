"""API keys: making, listing and revoking them. The key itself is shown once and never stored."""

import hashlib
import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from domain import access, checks
from domain.access import Role, Scope, Viewer
from domain.entities import ApiKey, NewApiKey
from domain.errors import ErrorCode, NotFound, Problem
from domain.idempotency import keep_no_answer
from domain.ports import Storage

#: `tc_`, eight characters that stay visible, 256 random bits: a secret that needs no slow hash.
_KEY = re.compile(r"(tc_[a-z2-7]{8})_[A-Za-z0-9_-]{43}")
#: Projects and tables that one key may name.
MAX_SCOPE = 100
_PREFIX_ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"


@dataclass(frozen=True, slots=True)
class ApiKeyCreate:
    """A key to be made. Without `expires_at` it works until it is revoked, without a scope in the
    whole organisation."""

    name: str
    role: Role
    expires_at: datetime | None = None
    scope: Scope | None = None


@dataclass(frozen=True, slots=True)
class CreatedKey:
    """A new key with its secret, which nobody can read again."""

    key: ApiKey
    secret: str


def new_secret() -> str:
    """A fresh key: `tc_<8 characters>_<43 characters>`."""
    prefix = "".join(secrets.choice(_PREFIX_ALPHABET) for _ in range(8))
    return f"tc_{prefix}_{secrets.token_urlsafe(32)}"


def prefix_of(secret: str) -> str:
    """What stays visible of a key, and what it is looked up by.

    A key that an operator chose himself has no visible part: a piece of its hash stands in."""
    parts = _KEY.fullmatch(secret)
    return parts[1] if parts else f"own_{hash_of(secret).hex()[:8]}"


def hash_of(secret: str) -> bytes:
    """What is stored of a key: SHA-256 of the whole of it, 32 bytes."""
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).digest()


def sealed(secret: str, command: ApiKeyCreate) -> NewApiKey:
    """The form in which a key goes to storage."""
    return NewApiKey(
        command.name,
        prefix_of(secret),
        hash_of(secret),
        command.role,
        command.expires_at,
        command.scope,
    )


def is_working(key: ApiKey) -> bool:
    """Whether the key is neither revoked nor expired."""
    expired = key.expires_at is not None and key.expires_at <= datetime.now(UTC)
    return key.revoked_at is None and not expired


async def list_keys(viewer: Viewer, storage: Storage) -> list[ApiKey]:
    """Every key of the organisation, revoked ones too, oldest first."""
    access.require(viewer, "apiKeys")
    return await storage.keys.list_all(viewer.organization_id)


async def create_key(viewer: Viewer, storage: Storage, command: ApiKeyCreate) -> CreatedKey:
    """Make a key with a name of 1 to 256 characters and an expiry in the future, if any. A scope
    names projects and tables that are there. Raises `Invalid`."""
    access.require(viewer, "apiKeyCreate")
    problems = checks.required_text_problems("name", command.name, 256)
    if command.expires_at is not None:
        problems += _expiry_problems(command.expires_at)
    if command.scope is not None:
        problems += await _scope_problems(viewer, storage, command.role, command.scope)
    checks.refuse(problems)
    secret = new_secret()
    keep_no_answer()
    key = await storage.keys.create(viewer.organization_id, viewer.actor, sealed(secret, command))
    return CreatedKey(key, secret)


async def revoke_key(viewer: Viewer, storage: Storage, key_id: UUID) -> ApiKey:
    """Stop a key for ever; what it has open ends within two seconds. Twice does no harm.

    Raises `NotFound`, and `Conflict` for the last working admin key: without one nobody could make
    another. Make a second admin key first."""
    access.require(viewer, "apiKeyRevoke")
    key = await storage.keys.revoke(viewer.organization_id, viewer.actor, key_id)
    if key is None:
        raise NotFound("API key")
    return key


def _expiry_problems(expires_at: datetime) -> list[Problem]:
    if expires_at.tzinfo is None:
        message = "expiresAt needs a time zone"
        return [Problem(ErrorCode.INVALID, message, ("expiresAt",))]
    if expires_at <= datetime.now(UTC):
        return [Problem(ErrorCode.OUT_OF_RANGE, "expiresAt must lie in the future", ("expiresAt",))]
    return []


async def _scope_problems(
    viewer: Viewer, storage: Storage, role: Role, scope: Scope
) -> list[Problem]:
    if role is Role.ADMIN:
        message = "A key with a scope cannot be an admin: admins manage the keys of all"
        return [Problem(ErrorCode.INVALID, message, ("role",))]
    if not 1 <= len(scope.project_ids) + len(scope.table_ids) <= MAX_SCOPE:
        message = f"A scope names 1 to {MAX_SCOPE} projects and tables"
        return [Problem(ErrorCode.OUT_OF_RANGE, message, ("scope",))]
    organization_id = viewer.organization_id
    problems = []
    for project_id in scope.project_ids:
        if await storage.projects.get(organization_id, project_id) is None:
            message = "Project not found"
            problems.append(Problem(ErrorCode.NOT_FOUND, message, ("scope", "projectIds")))
    for table_id in scope.table_ids:
        if await storage.tables.get(organization_id, table_id) is None:
            message = "Table not found"
            problems.append(Problem(ErrorCode.NOT_FOUND, message, ("scope", "tableIds")))
    return problems
