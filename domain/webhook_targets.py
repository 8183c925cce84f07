"""Which URLs a webhook may have. What a name leads to is seen, and checked, at each delivery."""

import ipaddress
import re
from urllib.parse import urlsplit

from domain import checks
from domain.addresses import Allowed, is_local_name, literal_address, plain_host
from domain.errors import ErrorCode, Problem

MAX_URL = 2_048

_ODD = re.compile(r"[\x00-\x20\x7f\\]")
_LOOPBACK = (ipaddress.IPv4Address("127.0.0.1"), ipaddress.IPv6Address("::1"))


def url_problems(url: object, allowed: Allowed) -> list[Problem]:
    """What is wrong with the URL of a webhook, as far as its text tells."""
    problems = checks.required_text_problems("url", url, MAX_URL)
    if problems or not isinstance(url, str):
        return problems
    message = _fault(url, allowed)
    return [Problem(ErrorCode.INVALID, message, ("url",))] if message else []


def _fault(url: str, allowed: Allowed) -> str | None:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return "The url is not a URL"
    if parts.scheme not in ("http", "https"):
        return "The url must begin with https://"
    if not host or _ODD.search(url):
        return "The url names no host"
    if port == 0:
        return "The url names no port that exists"
    if parts.username is not None or parts.password is not None:
        return "The url must not hold a user name or password"
    address = literal_address(host)
    if address is not None and not allowed.lets(plain_host(host), address):
        return "The url leads to an address that is not public"
    if is_local_name(host) and not _names_local(host, allowed):
        return "The url leads to an address that is not public"
    if parts.scheme == "http" and not _may_be_plain(host, allowed):
        return "The url must begin with https://; http goes only where the operator allows it"
    return None


def _names_local(host: str, allowed: Allowed) -> bool:
    return any(allowed.names(plain_host(host), address) for address in _LOOPBACK)


def _may_be_plain(host: str, allowed: Allowed) -> bool:
    """Where a name leads is not known yet: a network that the operator named may hold it."""
    address = literal_address(host)
    if address is not None:
        return allowed.names(plain_host(host), address)
    return plain_host(host) in allowed.hosts or bool(allowed.networks)
