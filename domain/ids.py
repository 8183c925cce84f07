"""Ids: UUID version 8 (RFC 9562 §5.8), ordered by time, telling their kind and their table.

Layout of the 122 free bits: 48 milliseconds since 1970 | 8 kind | 28 table number | 38 counter.
The counter starts at random in every process and millisecond, so two processes do not collide in
practice.
Clients treat an id as opaque text and we never validate its form: what does not parse does not
exist.
"""

import hashlib
import secrets
import threading
import time
from collections.abc import Sequence
from enum import IntEnum
from uuid import UUID

COUNTER_BITS = 38
TABLE_BITS = 28
_COUNTER_MASK = (1 << COUNTER_BITS) - 1
_TABLE_MASK = (1 << TABLE_BITS) - 1


class Kind(IntEnum):
    """What an id names. Numbers are stored inside ids: never reuse or change one."""

    ORGANIZATION = 1
    API_KEY = 2
    PROJECT = 3
    TABLE = 4
    COLUMN = 5
    SESSION = 6
    ROW = 7
    FILE = 8
    IMPORT = 9
    INDEX = 10
    TRIGGER = 11
    FIRING = 12
    WORKFLOW = 13
    WORKFLOW_RUN = 14
    TASK = 15
    CHART = 16
    TEMPLATE = 17
    ROLLBACK = 18
    RUN = 19
    ENRICHMENT = 20
    PROVIDER = 30
    SECRET = 31
    WEBHOOK = 40
    DELIVERY = 41
    REPLAY = 42
    EXTRACTION_SCHEMA = 50
    EXTRACTION_JOB = 51
    EXTRACTION_EXAMPLE = 52
    CLASSIFIER = 53


class _Counter:
    """Hands out counter values: random start per millisecond, then consecutive."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._millisecond = 0
        self._next = 0

    def take(self, count: int) -> tuple[int, int]:
        with self._lock:
            now = time.time_ns() // 1_000_000
            if now > self._millisecond or self._next + count > _COUNTER_MASK:
                self._millisecond = max(now, self._millisecond + 1)
                # Half of the space stays free above the start, so that a burst fits into its
                # millisecond.
                self._next = secrets.randbits(COUNTER_BITS - 1)
            first = self._next
            self._next += count
            return self._millisecond, first


_counter = _Counter()


def new_ids(kind: Kind, count: int, table_number: int = 0) -> list[UUID]:
    """`count` fresh ids in ascending order."""
    millisecond, first = _counter.take(count)
    head = (
        millisecond << 16
    ) | 0x8000  # version 8; the low 12 bits hold the kind and a piece of the table number
    middle = (int(kind) << TABLE_BITS) | (table_number & _TABLE_MASK)
    ids = []
    for counter in range(first, first + count):
        free = (
            middle << COUNTER_BITS
        ) | counter  # 74 bits: 12 below the version, 62 below the variant
        ids.append(
            UUID(int=((head | (free >> 62)) << 64) | (0b10 << 62) | (free & ((1 << 62) - 1)))
        )
    return ids


def new_hexes(kind: Kind, count: int, table_number: int = 0) -> list[str]:
    """`count` fresh ids in ascending order, as 32 hexadecimal digits: a fifth of the time of ids as
    objects, for whoever only writes them."""
    millisecond, first = _counter.take(count)
    start = _made(kind, millisecond, first, table_number).int
    return [f"{value:032x}" for value in range(start, start + count)]


def new_id(kind: Kind, table_number: int = 0) -> UUID:
    """One fresh id."""
    return new_ids(kind, 1, table_number)[0]


def reserve(kind: Kind, count: int) -> UUID:
    """The first of `count` fresh ids that follow each other; the others differ in the last 38 bits
    only, which is how storage makes them."""
    millisecond, first = _counter.take(count)
    return _made(kind, millisecond, first)


def derived(value: UUID, kind: Kind) -> UUID:
    """The id of another kind with the same time and counter: what one thing makes once, such as the
    task of a firing, has it, so that making it again is noticed."""
    counter = _free_bits(value) & _COUNTER_MASK
    return _made(kind, value.int >> 80, counter)


def group_id(values: Sequence[UUID], kind: Kind) -> UUID:
    """The id of what several things make together, once: always the same for the same ones. It has
    the time of the first; its counter is a hash of all."""
    digest = hashlib.blake2b(b"".join(each.bytes for each in values), digest_size=8).digest()
    counter = int.from_bytes(digest) & _COUNTER_MASK
    return _made(kind, values[0].int >> 80, counter)


def step_id(run_id: UUID, position: int, kind: Kind, table_number: int = 0) -> UUID:
    """The id of what one step of a run makes: always the same one, so that a step that is done
    again after a crash is noticed. It has the time of the run; its counter is a hash."""
    digest = hashlib.blake2b(run_id.bytes + position.to_bytes(4), digest_size=8).digest()
    counter = int.from_bytes(digest) & _COUNTER_MASK
    return _made(kind, run_id.int >> 80, counter, table_number)


def lowest_at(millisecond: int) -> UUID:
    """Not above any id that was made at this moment (milliseconds since 1970) or later."""
    return UUID(int=millisecond << 80)


def _made(kind: Kind, millisecond: int, counter: int, table_number: int = 0) -> UUID:
    middle = (int(kind) << TABLE_BITS) | (table_number & _TABLE_MASK)
    free = (middle << COUNTER_BITS) | counter
    head = (millisecond << 16) | 0x8000
    return UUID(int=((head | (free >> 62)) << 64) | (0b10 << 62) | (free & ((1 << 62) - 1)))


def parse(text: str) -> UUID | None:
    """The id in `text`, or None when it cannot be one of ours."""
    if len(text) != 36:
        return None
    try:
        return UUID(text)
    except ValueError:
        return None


def _free_bits(value: UUID) -> int:
    return (((value.int >> 64) & 0xFFF) << 62) | (value.int & ((1 << 62) - 1))


def kind_of(value: UUID) -> Kind | None:
    """The kind that an id names, or None for an id that is not ours."""
    try:
        return Kind(_free_bits(value) >> (TABLE_BITS + COUNTER_BITS))
    except ValueError:
        return None


def table_number_of(value: UUID) -> int:
    """The number of the table that a row id belongs to; 0 for ids outside tables."""
    return (_free_bits(value) >> COUNTER_BITS) & _TABLE_MASK


def cell_id(row_id: str, column_number: int) -> str:
    """The id of a virtual cell: the row's id and the column's number."""
    return f"{row_id}.{column_number}"


def parse_cell_id(text: str) -> tuple[UUID, int] | None:
    """Row id and column number of a cell id, or None."""
    row_text, dot, number = text.partition(".")
    row_id = parse(row_text)
    if not dot or row_id is None or not (number.isascii() and number.isdigit()) or len(number) > 9:
        return None
    return row_id, int(number)


def entry_id(row_id: str, version: int) -> str:
    """The id of an entry of a row's history: the row's id and the version that it made."""
    return f"{row_id}.v{version}"


def parse_entry_id(text: str) -> tuple[UUID, int] | None:
    """Row id and version of an entry of history, or None."""
    row_text, mark, version = text.partition(".v")
    row_id = parse(row_text)
    digits = version.isascii() and version.isdigit() and len(version) <= 9
    return (row_id, int(version)) if mark and row_id is not None and digits else None
