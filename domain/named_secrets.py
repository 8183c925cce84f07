"""Named secrets: `{{secret.NAME}}` in headers of HTTP tools. Each goes to its own hosts alone."""

import re
from ipaddress import ip_address

from domain import access, checks
from domain.access import Viewer
from domain.errors import Conflict, ErrorCode, NotFound, Problem
from domain.ports import Storage
from domain.provider_records import Secret, SecretSet

MAX_SECRETS = 200
MAX_HOSTS = 20
MAX_VALUE = 8_192

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")
_HOST = re.compile(r"(?=.{1,253}$)[a-z0-9_-]+(\.[a-z0-9_-]+)*")
_VALUE = re.compile(r"[\x20-\x7e]+")


async def list_secrets(viewer: Viewer, storage: Storage) -> list[Secret]:
    """Every secret by name, without its value."""
    access.require(viewer, "secrets")
    return await storage.secrets.list_all(viewer.organization_id)


async def set_secret(viewer: Viewer, storage: Storage, command: SecretSet) -> Secret:
    """Store a secret, over the one of this name if there is one. The value is given each time, so
    that nobody has a stored one sent to other hosts. Raises `Invalid` with every problem."""
    access.require(viewer, "secretSet")
    hosts = tuple(dict.fromkeys(map(host_form, command.hosts)))
    problems = _problems(command, hosts)
    known = await storage.secrets.list_all(viewer.organization_id)
    if len(known) >= MAX_SECRETS and command.name not in {secret.name for secret in known}:
        message = f"an organisation has at most {MAX_SECRETS} secrets"
        problems.append(Problem(ErrorCode.TOO_MANY, message))
    checks.refuse(problems)
    checked = SecretSet(command.name, command.value, hosts)
    return await storage.secrets.set(viewer.organization_id, viewer.actor, checked)


async def delete_secret(viewer: Viewer, storage: Storage, name: str) -> None:
    """Delete a secret. Tools that name it fail from now on. Raises `NotFound`."""
    access.require(viewer, "secretDelete")
    if not await storage.secrets.delete(viewer.organization_id, viewer.actor, name):
        raise NotFound("Secret")


def host_form(host: str) -> str:
    """A host as it is compared: in small letters, without the last dot and the brackets of IPv6."""
    return host.strip().lower().rstrip(".").removeprefix("[").removesuffix("]")


def require_host(secret: Secret, host: str) -> None:
    """Refuse with `Conflict` unless the secret may go to the host."""
    if host_form(host) not in secret.hosts:
        raise Conflict(f"The secret {secret.name} is not for the host {host}")


def _problems(command: SecretSet, hosts: tuple[str, ...]) -> list[Problem]:
    problems = []
    if not _NAME.fullmatch(command.name):
        message = "name is a letter and up to 63 more letters, digits, _ and -"
        problems.append(Problem(ErrorCode.INVALID, message, ("name",)))
    if len(command.value) > MAX_VALUE or not _VALUE.fullmatch(command.value):
        message = f"value must be 1 to {MAX_VALUE} printable ASCII characters"
        problems.append(Problem(ErrorCode.INVALID, message, ("value",)))
    if not 1 <= len(hosts) <= MAX_HOSTS:
        message = f"hosts names 1 to {MAX_HOSTS} hosts"
        problems.append(Problem(ErrorCode.OUT_OF_RANGE, message, ("hosts",)))
    for index, host in enumerate(hosts):
        if not _HOST.fullmatch(host) and not _is_address(host):
            message = "a host is a name or an address, without port and path"
            problems.append(Problem(ErrorCode.INVALID, message, ("hosts", str(index))))
    return problems


def _is_address(host: str) -> bool:
    try:
        return "%" not in str(ip_address(host))
    except ValueError:
        return False
