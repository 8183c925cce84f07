"""JSON that is kept as it came: checked, bounded, numbers exact."""

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from domain import numbers
from domain.errors import ErrorCode
from domain.rejections import Rejected, clean_text, show

MAX_DEPTH = 32


def clean_json(value: Any, *, most_bytes: int) -> Any:
    """A copy of a JSON value with numbers in normal form.

    Raises `Rejected` when PostgreSQL could not store it, when it is nested deeper than 32 levels or
    when it has more than `most_bytes` bytes of text, counting 8 for each mark and short number.
    """
    return _Copier(most_bytes).copy(value, MAX_DEPTH)


def jsonb_text(value: Any) -> str:
    """A JSON value as PostgreSQL writes a jsonb: short keys first, a space after each mark."""
    if isinstance(value, Mapping):
        keys = sorted(value, key=lambda key: (len(key.encode()), key.encode()))
        members = (f"{jsonb_text(key)}: {jsonb_text(value[key])}" for key in keys)
        return "{" + ", ".join(members) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(jsonb_text, value)) + "]"
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    return numbers.text(value)


def json_text(value: Any) -> str:
    """A JSON value as text without spaces, every number as it is."""
    if isinstance(value, Mapping):
        members = (f"{json_text(key)}:{json_text(each)}" for key, each in value.items())
        return "{" + ",".join(members) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(json_text, value)) + "]"
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        return numbers.text(value)
    return json.dumps(value, ensure_ascii=False)


class _Copier:
    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._left = most_bytes

    def copy(self, value: Any, depth: int) -> Any:
        if isinstance(value, str):
            return self._text(value)
        self._spend(8)
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, int | float | Decimal):
            return self._number(value)
        if depth == 0:
            raise Rejected(ErrorCode.OUT_OF_RANGE, f"nested more than {MAX_DEPTH} levels deep")
        if isinstance(value, Mapping):
            return {self._key(key): self.copy(each, depth - 1) for key, each in value.items()}
        if isinstance(value, list | tuple):
            return [self.copy(each, depth - 1) for each in value]
        raise Rejected(ErrorCode.INVALID_TYPE, f"{show(value)} is not a JSON value")

    def _key(self, key: Any) -> str:
        if not isinstance(key, str):
            raise Rejected(ErrorCode.INVALID_TYPE, f"{show(key)} is not a text, but is a key")
        return self._text(key)

    def _number(self, value: numbers.Number) -> numbers.Number:
        try:
            value = numbers.normal(value)
        except ValueError as error:
            raise Rejected(ErrorCode.OUT_OF_RANGE, str(error)) from None
        if isinstance(value, Decimal):
            self._spend(len(str(value)))
        return value

    def _text(self, value: str) -> str:
        self._spend(len(clean_text(value).encode()) + 8)
        return value

    def _spend(self, count: int) -> None:
        self._left -= count
        if self._left < 0:
            raise Rejected(ErrorCode.TOO_LONG, f"more than {self._most_bytes} bytes of JSON")
