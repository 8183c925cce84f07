"""Providers of models: who answers the questions of AI tools. Keys go in and never come out."""

import re
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from domain import access, checks
from domain.access import Viewer
from domain.errors import ErrorCode, NotFound, Problem, invalid
from domain.ports import Storage
from domain.provider_records import (
    RULES,
    Provider,
    ProviderCheck,
    ProviderCreate,
    ProviderTester,
    ProviderUpdate,
)
from domain.tools import MAX_OUTPUT_TOKENS

MAX_PROVIDERS = 50
MAX_NAME = 64
MAX_MODEL = 200
MAX_KEY = 4_096
MAX_URL = 2_048

_HOST = re.compile(r"[A-Za-z0-9._:-]{1,253}")
_KEY = re.compile(r"[\x21-\x7e]+")
#: What numbers may be: from, to.
_BOUNDS: Mapping[str, tuple[float, float]] = {
    "concurrency": (1, 256),
    "timeout_seconds": (1, 600),
    "input_price": (0, 10_000),
    "output_price": (0, 10_000),
    "max_output_tokens": (1, MAX_OUTPUT_TOKENS),
    "temperature": (0, 2),
}


async def list_providers(viewer: Viewer, storage: Storage) -> list[Provider]:
    """Every provider, by name. Only admins see base URLs."""
    access.require(viewer, "providers")
    found = await storage.providers.list_all(viewer.organization_id)
    return [_shown(viewer, provider) for provider in found]


async def get_provider(viewer: Viewer, storage: Storage, name: str) -> Provider:
    """The provider of this name. Raises `NotFound`."""
    access.require(viewer, "provider")
    for provider in await storage.providers.list_all(viewer.organization_id):
        if provider.name == name:
            return _shown(viewer, provider)
    raise NotFound("Provider")


async def create_provider(viewer: Viewer, storage: Storage, command: ProviderCreate) -> Provider:
    """Make a provider. Raises `Invalid` with every problem."""
    access.require(viewer, "providerCreate")
    given = {
        "name": command.name,
        "model": command.model,
        "base_url": command.base_url,
        "api_key": command.api_key,
        **{name: getattr(command.settings, name) for name in _BOUNDS},
    }
    problems = _problems(given)
    if command.base_url is None and command.api_key is None:
        message = f"the public service of the kind {command.kind} needs a key"
        problems.append(Problem(ErrorCode.REQUIRED, message, ("apiKey",)))
    if len(await storage.providers.list_all(viewer.organization_id)) >= MAX_PROVIDERS:
        message = f"an organisation has at most {MAX_PROVIDERS} providers"
        problems.append(Problem(ErrorCode.TOO_MANY, message))
    checks.refuse(problems)
    made = await storage.providers.create(viewer.organization_id, viewer.actor, command)
    if made is None:
        raise invalid(ErrorCode.DUPLICATE, "there is a provider of this name", "name")
    return made


async def update_provider(
    viewer: Viewer, storage: Storage, provider_id: UUID, command: ProviderUpdate
) -> Provider:
    """Change a provider. Another base URL needs the key again, so that nobody has a stored key
    sent to a server of his own. Raises `NotFound` or `Invalid`."""
    access.require(viewer, "providerUpdate")
    await _existing(viewer, storage, provider_id)
    given = command.given()
    problems = _problems(given)
    if "is_default" in given and given["is_default"] is None:
        problems.append(Problem(ErrorCode.REQUIRED, "isDefault must not be null", ("isDefault",)))
    checks.refuse(problems)
    organization_id = viewer.organization_id
    changed = await storage.providers.update(organization_id, viewer.actor, provider_id, command)
    if changed is None:
        raise NotFound("Provider")
    return changed


async def delete_provider(viewer: Viewer, storage: Storage, provider_id: UUID) -> Provider:
    """Delete a provider with its key. Tools that name it fail from now on. Raises `NotFound`."""
    access.require(viewer, "providerDelete")
    provider = await _existing(viewer, storage, provider_id)
    if not await storage.providers.delete(viewer.organization_id, viewer.actor, provider_id):
        raise NotFound("Provider")
    return provider


async def check_provider(
    viewer: Viewer, storage: Storage, tester: ProviderTester, provider_id: UUID
) -> ProviderCheck:
    """Ask the provider's model one small question, which costs a few tokens. Raises `NotFound`."""
    access.require(viewer, "providerTest")
    provider = await _existing(viewer, storage, provider_id)
    return await tester.check(viewer.organization_id, provider.name)


def base_url_fault(text: str) -> str | None:
    """What is wrong with the base URL of a provider; where it leads is checked when it is used."""
    if len(text) > MAX_URL:
        return f"baseUrl is longer than {MAX_URL} characters"
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return "baseUrl is not a URL"
    if parts.scheme not in ("http", "https"):
        return "baseUrl must begin with http:// or https://"
    if not _HOST.fullmatch(host) or port == 0 or not text.isascii() or not text.isprintable():
        return "baseUrl names no host"
    if parts.username is not None or parts.password is not None:
        return "baseUrl must not hold a user name or password"
    if parts.query or parts.fragment or text.endswith(("?", "#")) or " " in text:
        return "baseUrl ends with its path: it has no query and no spaces"
    return None


async def _existing(viewer: Viewer, storage: Storage, provider_id: UUID) -> Provider:
    provider = await storage.providers.get(viewer.organization_id, provider_id)
    if provider is None:
        raise NotFound("Provider")
    return provider


def _shown(viewer: Viewer, provider: Provider) -> Provider:
    """A base URL may tell of an inner network, or hold a secret in its path."""
    admin = access.allows(viewer, "providerUpdate")
    return provider if admin else replace(provider, base_url=None)


def _problems(given: Mapping[str, Any]) -> list[Problem]:
    """What is wrong with given fields. No message repeats a key."""
    problems: list[Problem] = []
    if "name" in given:
        problems += checks.required_text_problems("name", given["name"], MAX_NAME)
        if str(given["name"]).strip().lower() == RULES:
            message = f"{RULES} always means the engine that works by rules"
            problems.append(Problem(ErrorCode.INVALID, message, ("name",)))
    if "model" in given:
        problems += checks.required_text_problems("model", given["model"], MAX_MODEL)
    if given.get("base_url") is not None:
        fault = base_url_fault(given["base_url"])
        if fault is not None:
            problems.append(Problem(ErrorCode.INVALID, fault, ("baseUrl",)))
    key = given.get("api_key")
    if key is not None and (len(key) > MAX_KEY or not _KEY.fullmatch(key)):
        message = f"apiKey must be 1 to {MAX_KEY} visible ASCII characters"
        problems.append(Problem(ErrorCode.INVALID, message, ("apiKey",)))
    for name, bounds in _BOUNDS.items():
        problems += _number_problems(name, given.get(name), *bounds)
    prices = [given[name] for name in ("input_price", "output_price") if name in given]
    if len(prices) == 1 or (prices and (prices[0] is None) != (prices[1] is None)):
        message = "inputPrice and outputPrice are given together"
        problems.append(Problem(ErrorCode.REQUIRED, message, ("inputPrice",)))
    return problems


def _number_problems(
    name: str, value: float | Decimal | None, least: float, most: float
) -> list[Problem]:
    if value is None or least <= value <= most:
        return []
    first, *rest = name.split("_")
    shown = first + "".join(map(str.title, rest))
    message = f"{shown} is from {least:g} to {most:,g}"
    return [Problem(ErrorCode.OUT_OF_RANGE, message, (shown,))]
