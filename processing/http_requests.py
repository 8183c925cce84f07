"""Requests of HTTP tools: a row's values put into the texts of a tool, each so that it stays what
it is.

A value in the URL is one path segment or one part of the query, whatever it contains; in JSON it is
one string or one value; in a header it is one line."""

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from domain import numbers
from domain.plain_json import json_text
from domain.rejections import show
from domain.tool_records import HttpTool
from domain.tools import fill_placeholders, placeholders
from processing.guard import MAX_URL
from processing.outbound import OutboundRequest

_MAX_BODY = 1_000_000
_LINE = re.compile(r"[\t\x20-\x7e]*")
_PLACEHOLDER = re.compile(r"\{\{[^{}]{1,250}\}\}")
_FORM = "application/x-www-form-urlencoded"
_OF_SECRETS = "secret."


class NotSendable(Exception):
    """A row gives no request that may be sent. The text is for people; it shows no secret."""


def request_of(
    tool: HttpTool, url: str, row: Mapping[str, Any], secrets: Mapping[str, str]
) -> OutboundRequest:
    """The request of a row to its address. `secrets` are values by name. Raises `NotSendable`."""
    headers = _headers(tool, row, secrets)
    body = b""
    if tool.body is not None:
        kind = headers.setdefault("content-type", _kind_of(tool.body))
        body = _body(tool.body, kind, row)
    return OutboundRequest(tool.method, url, headers, body, secret=bool(secrets))


def _headers(tool: HttpTool, row: Mapping[str, Any], secrets: Mapping[str, str]) -> dict[str, str]:
    texts = {key: written(value) for key, value in row.items()}
    texts |= {_OF_SECRETS + name: value for name, value in secrets.items()}
    filled = {}
    for name, template in tool.headers.items():
        value = fill_placeholders(template, texts)
        if not _LINE.fullmatch(value):
            message = f"The header {name} would have a line break or a letter beyond ASCII"
            raise NotSendable(message)
        filled[name.lower()] = value
    return filled


def written(value: Any) -> str:
    """A value as text: numbers as plain digits, nothing as the empty text, lists and objects as
    JSON."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool | list | tuple | Mapping):
        return json_text(value)
    return numbers.text(value)


def url_of(template: str, row: Mapping[str, Any]) -> str:
    """The address of a row. An empty value in the path would lead to another address than the
    one that was meant, and so would `.` and `..`. Raises `NotSendable`."""
    path, question, query = template.partition("?")
    texts = {key: written(value) for key, value in row.items()}
    for key in placeholders(path):
        if not texts.get(key, "-").strip():
            raise NotSendable(f"{show(key)} is empty, and stands in the path of the URL")
    quoted = {key: quote(text, safe="") for key, text in texts.items()}
    filled = fill_placeholders(path, quoted)
    if _dots(filled) > _dots(path):
        raise NotSendable("A part of the URL's path would be . or ..")
    url = filled + question + fill_placeholders(query, quoted)
    if len(url) > MAX_URL:
        raise NotSendable(f"The URL would be longer than {MAX_URL} characters")
    return url


def _dots(path: str) -> int:
    return sum(part.split("#")[0] in (".", "..") for part in path.split("/"))


def _kind_of(template: str) -> str:
    is_json = template.lstrip().startswith(("{", "[", '"')) and not template.startswith("{{")
    return "application/json" if is_json else "text/plain; charset=utf-8"


def _body(template: str, kind: str, row: Mapping[str, Any]) -> bytes:
    media = kind.split(";")[0].strip().lower()
    if media == "application/json" or media.endswith("+json"):
        text = _json_body(template, row)
    elif media == _FORM:
        text = fill_placeholders(template, {k: quote(written(v), safe="") for k, v in row.items()})
    else:
        text = fill_placeholders(template, {key: written(value) for key, value in row.items()})
    body = text.encode("utf-8", "replace")
    if len(body) > _MAX_BODY:
        raise NotSendable(f"The body would be longer than {_MAX_BODY} bytes")
    return body


def _json_body(template: str, row: Mapping[str, Any]) -> str:
    """Placeholders between quotes become text inside the string, others whole JSON values."""
    inside = {key: json.dumps(written(value))[1:-1] for key, value in row.items()}
    whole = {key: json_text(value) for key, value in row.items()}
    parts, end, in_string = [], 0, False
    for match in _PLACEHOLDER.finditer(template):
        literal = template[end : match.start()]
        in_string ^= _quotes(literal) % 2 == 1
        parts += [literal, fill_placeholders(match.group(), inside if in_string else whole)]
        end = match.end()
    return "".join(parts) + template[end:]


def _quotes(literal: str) -> int:
    """Quotes that begin or end a string."""
    return len(re.sub(r"\\.", "", literal, flags=re.DOTALL).split('"')) - 1
