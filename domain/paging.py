"""Pages by keyset: what a client may ask for, and the cursors that mark a place in an order."""

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

from domain import ids
from domain.errors import ErrorCode, Invalid, Problem, invalid
from domain.fields import Scalar, family_of
from domain.filters import Sort
from domain.rejections import clean_text
from domain.values import SORTED_AS_TEXT, Family

DEFAULT_PAGE = 50
MAX_CURSOR = 8_192
_VERSION = 1
#: A text key goes into the cursor whole up to this many bytes of JSON; of a longer one the digest
#: and a prefix do, and the page statement looks the value up in the row.
MAX_INLINE_TEXT = 400
PREFIX_CHARACTERS = 60
DIGEST_CHARACTERS = 32
_NUMBER = re.compile(r"-?\d{1,1200}(\.\d{1,1200})?", re.ASCII)
_DIGEST = re.compile(rf"[0-9a-f]{{{DIGEST_CHARACTERS}}}", re.ASCII)


@dataclass(frozen=True, slots=True)
class LongText:
    """A key too long for a cursor: the head of its SHA-256 in hex, and its first characters."""

    digest: str
    prefix: str


KeyValue = Scalar | LongText


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place in an order: the keys of a row, whether it still exists or not."""

    keys: tuple[KeyValue, ...]
    position: int
    id: UUID


@dataclass(frozen=True, slots=True)
class PageRequest:
    """A page of `limit` rows: the first ones after `after`, or the last ones before `before`.

    Cursors are still text here; `decode` needs the sort. Both may be given: then the page lies
    between them. Build it with `page_request`, which checks.
    """

    limit: int = DEFAULT_PAGE
    after: str | None = None
    before: str | None = None
    backward: bool = False

    @property
    def fetch(self) -> int:
        """Rows to read: one more than the page, to know whether there are more."""
        return self.limit + 1


def page_request(
    first: int | None = None,
    after: str | None = None,
    last: int | None = None,
    before: str | None = None,
    *,
    maximum: int,
    default: int = DEFAULT_PAGE,
) -> PageRequest:
    """The page that a client asks for. Raises `Invalid` with every problem found."""
    problems = []
    if first is not None and last is not None:
        message = "Give first or last, not both"
        problems.append(Problem(ErrorCode.INVALID, message, ("last",)))
    for name, size in (("first", first), ("last", last)):
        if size is not None and not 0 <= size <= maximum:
            message = f"{name} must be from 0 to {maximum}, not {size}"
            problems.append(Problem(ErrorCode.OUT_OF_RANGE, message, (name,)))
    if problems:
        raise Invalid(problems)
    # `before` alone reads backwards too: the rows next to the cursor are what is meant.
    backward = last is not None or (first is None and after is None and before is not None)
    size = last if last is not None else first
    return PageRequest(default if size is None else size, after, before, backward)


def sort_hash(sorts: Sequence[Sort]) -> str:
    """Tells orders apart: a cursor is good only for the order that it was made for."""
    parts = [
        (sort.field.sql_name, family_of(sort.field), sort.direction, sort.nulls) for sort in sorts
    ]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:8]


def encode_cursor(
    sorts: Sequence[Sort], key_texts: Sequence[str | None], position: int, id: UUID | str
) -> str:
    """The cursor of a row. `key_texts` are what the key expressions of the page statement gave.

    At most 8 kB of URL-safe text, opaque to clients.
    """
    keys = [
        _bounded(text) if family_of(sort.field) in SORTED_AS_TEXT and text is not None else text
        for sort, text in zip(sorts, key_texts, strict=True)
    ]
    content = [_VERSION, sort_hash(sorts), keys, position, str(id)]
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


def _bounded(tagged: str) -> str:
    """A text key as the statement gave it: `=` and the text, or `~`, its digest and its prefix."""
    text = tagged[1:]
    if tagged[0] == "~" or len(json.dumps(text, ensure_ascii=False).encode()) <= MAX_INLINE_TEXT:
        return tagged
    digest = hashlib.sha256(text.encode()).hexdigest()[:DIGEST_CHARACTERS]
    return f"~{digest}{text[:PREFIX_CHARACTERS]}"


def decode_cursor(sorts: Sequence[Sort], text: str, argument: Literal["after", "before"]) -> Cursor:
    """The place that a cursor marks in this order.

    Raises `Invalid` naming the argument for junk and for a cursor of another order.
    """
    content = _unpack(text)
    if content is None:
        raise _refused(f"{argument} is not a cursor of this server", argument)
    version, order, keys, position, row_id = content
    if version != _VERSION or order != sort_hash(sorts):
        message = f"{argument} is a cursor of another sort order; start again without it"
        raise _refused(message, argument)
    try:
        return _read(sorts, keys, position, row_id)
    except ValueError:
        raise _refused(f"{argument} is not a cursor of this server", argument) from None


def _refused(message: str, argument: str) -> Invalid:
    return invalid(ErrorCode.INVALID, message, argument)


def _unpack(text: str) -> list[Any] | None:
    if len(text) > MAX_CURSOR:
        return None
    try:
        packed = base64.b64decode(
            text.encode("ascii") + b"=" * (-len(text) % 4), altchars=b"-_", validate=True
        )
        content = json.loads(packed)
    except (ValueError, binascii.Error, RecursionError):
        return None
    return content if isinstance(content, list) and len(content) == 5 else None


def _read(sorts: Sequence[Sort], keys: Any, position: Any, row_id: Any) -> Cursor:
    """The parts of a cursor with their types. Raises ValueError for what we did not write."""
    if not isinstance(keys, list) or len(keys) != len(sorts) or not isinstance(row_id, str):
        raise ValueError
    if isinstance(position, bool) or not isinstance(position, int) or abs(position) >= 1 << 63:
        raise ValueError
    found = ids.parse(row_id)
    if found is None:
        raise ValueError
    read = tuple(_key(family_of(sort.field), key) for sort, key in zip(sorts, keys, strict=True))
    return Cursor(read, position, found)


def _key(family: Family, text: Any) -> KeyValue:
    if text is None:
        return None
    if not isinstance(text, str):
        raise ValueError
    return _READERS[family](text)


def _read_text(tagged: str) -> KeyValue:
    if tagged[:1] == "=":
        return clean_text(tagged[1:])
    digest, prefix = tagged[1 : 1 + DIGEST_CHARACTERS], tagged[1 + DIGEST_CHARACTERS :]
    if tagged[:1] != "~" or not _DIGEST.fullmatch(digest) or not prefix:
        raise ValueError
    return LongText(digest, clean_text(prefix))


def _read_number(text: str) -> Decimal:
    if not _NUMBER.fullmatch(text):
        raise ValueError
    return Decimal(text)


def _read_boolean(text: str) -> bool:
    if text not in ("true", "false"):
        raise ValueError
    return text == "true"


def _read_moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError
    return moment


_READERS = {
    **dict.fromkeys(SORTED_AS_TEXT, _read_text),
    Family.NUMBER: _read_number,
    Family.BOOLEAN: _read_boolean,
    Family.DATE: date.fromisoformat,
    Family.DATETIME: _read_moment,
    Family.IDS: UUID,
    Family.ID: UUID,
}
