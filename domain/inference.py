"""From the head of a file to columns: headers, keys, types, and the mapping that a client sends."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from domain.columns import ColumnType, TableShape
from domain.errors import ErrorCode, Invalid, Problem
from domain.formula_guard import unguarded
from domain.rejections import show
from domain.values import MAX_OPTION_CHARACTERS, TYPES

SAMPLED_RECORDS = 100
SHOWN_RECORDS = 10
MAX_OPTIONS = 10
MAX_KEY_CHARACTERS = 64
MAX_LABEL_CHARACTERS = 128

_NOT_ALPHANUMERIC = re.compile(r"[\W_]+")


class Kind(StrEnum):
    """What all values of a column of JSON are, empty ones aside: JSON knows, texts only look like
    it. `TEXTS` are lists of texts, `JSON` other lists and objects."""

    ANY = ""
    TEXT = "text"
    NUMBER = "number"
    BOOLEAN = "boolean"
    TEXTS = "texts"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class InferredColumn:
    """A column as the file suggests it. `index` is the field's place in each record."""

    index: int
    header: str
    key: str
    label: str
    type: ColumnType
    config: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Preview:
    """What a client sees before an import. Samples are objects by header, all values texts."""

    headers: list[str]
    sample_rows: list[dict[str, str]]
    columns: list[InferredColumn]


@dataclass(frozen=True, slots=True)
class MappingEntry:
    """What a client wants of one column: another key, label or type, or to leave it out."""

    key: str
    label: str
    type: str
    skip: bool = False


def preview(
    header: Sequence[str], records: Sequence[Sequence[str]], kinds: Sequence[Kind] = ()
) -> Preview:
    """Headers, the first 10 rows and the columns guessed from the first 100.

    `header` is the first record of the file, `records` the ones behind it, as many as at hand.
    Records may be shorter than the header (blank) or longer (the rest is not looked at). `kinds`
    are known of each field, or none.
    """
    headers = unique_headers(header)
    sampled = records[:SAMPLED_RECORDS]
    keys = _unique(map(_key, headers, range(len(headers))), MAX_KEY_CHARACTERS)
    labels = _unique(map(unguarded, headers), MAX_LABEL_CHARACTERS)
    columns = []
    for index, (name, key, label) in enumerate(zip(headers, keys, labels, strict=True)):
        texts = [record[index] for record in sampled if index < len(record)]
        column_type, config = infer(texts, kinds[index] if kinds else Kind.ANY)
        columns.append(InferredColumn(index, name, key, label, column_type, config))
    sample_rows = [
        {name: record[index] if index < len(record) else "" for index, name in enumerate(headers)}
        for record in records[:SHOWN_RECORDS]
    ]
    return Preview(headers, sample_rows, columns)


def unique_headers(header: Sequence[str]) -> list[str]:
    """Headers without the space around them; a blank one is `col_<place from 1>`, a repeated one
    gets `_2`, `_3`."""
    named = (name.strip() or f"col_{place}" for place, name in enumerate(header, start=1))
    return list(_unique(named))


def infer(
    texts: Iterable[str], kind: Kind = Kind.ANY
) -> tuple[ColumnType, Mapping[str, Any] | None]:
    """The type that all non-blank texts fit, and its config.

    What the texts stand for may be known: a number then is a number, and a text is none, even if it
    is all digits.

    Tried in order: email, url, boolean, date, datetime (dates, and at least one with a time),
    number, select (at most 10 distinct texts, fewer than half of the count), text. No texts: text.
    """
    if kind in _TYPES_OF_KINDS:
        return _TYPES_OF_KINDS[kind], None
    given = [stripped for text in texts if (stripped := text.strip())]
    if not given:
        return ColumnType.TEXT, None
    distinct = set(given)
    for column_type, rules in TYPES.items():
        if kind is Kind.TEXT and column_type in _NEVER_TEXTS:
            continue
        if rules.looks_like is not None and all(map(rules.looks_like, distinct)):
            return column_type, None
    if (
        len(distinct) <= MAX_OPTIONS
        and len(distinct) * 2 < len(given)
        and max(map(len, distinct)) <= MAX_OPTION_CHARACTERS
    ):
        return ColumnType.SELECT, {"options": sorted(distinct)}
    return ColumnType.TEXT, None


_TYPES_OF_KINDS = {
    Kind.NUMBER: ColumnType.NUMBER,
    Kind.BOOLEAN: ColumnType.BOOLEAN,
    Kind.TEXTS: ColumnType.MULTI_SELECT,
    Kind.JSON: ColumnType.JSON,
}
_NEVER_TEXTS = (ColumnType.BOOLEAN, ColumnType.NUMBER)


def found_by_label(inferred: Sequence[InferredColumn], shape: TableShape) -> list[InferredColumn]:
    """The columns with the keys that the table has for them: a header that is no key of the table
    may be the label of a column, as in a file that was exported from it."""
    taken = {column.key for column in inferred if column.key in shape.columns_by_key}
    found = []
    for column in inferred:
        known = shape.columns_by_label.get(column.header.strip().lower())
        if column.key not in shape.columns_by_key and known and known.key not in taken:
            taken.add(known.key)
            column = replace(column, key=known.key)
        found.append(column)
    return found


def apply_mapping(
    inferred: Sequence[InferredColumn], entries: Sequence[MappingEntry]
) -> list[InferredColumn]:
    """The columns to import: as inferred, renamed and retyped by the entries, without skipped ones.

    An entry belongs to the column whose key and label it both gives, else whose key, else whose
    label or header. Raises `Invalid` with every problem: an entry that belongs to no column, a type
    that is unknown or cannot be imported, bad lengths, one key for two columns.
    """
    problems: list[Problem] = []
    owners = _owners(inferred, entries)
    planned: dict[int, InferredColumn] = {column.index: column for column in inferred}
    for place, entry in enumerate(entries):
        owner = owners.get(place)
        if owner is None:
            message = f"columnMapping[{place}]: the file has no column {show(entry.key)}"
            path = ("columnMapping", str(place))
            problems.append(Problem(ErrorCode.UNKNOWN_COLUMN, message, path))
        elif entry.skip:
            del planned[owner.index]
        else:
            found = list(_entry_problems(place, entry))
            problems += found
            if not found:
                planned[owner.index] = _renamed(owner, entry)
    columns = list(planned.values())
    problems += _repeated_keys(columns)
    if problems:
        raise Invalid(problems)
    return columns


def _renamed(column: InferredColumn, entry: MappingEntry) -> InferredColumn:
    column_type = ColumnType(entry.type)
    config = column.config if column_type is column.type else None
    return InferredColumn(column.index, column.header, entry.key, entry.label, column_type, config)


def _owners(
    inferred: Sequence[InferredColumn], entries: Sequence[MappingEntry]
) -> dict[int, InferredColumn]:
    """The column of each entry, by the entry's place. No column has two."""
    owners: dict[int, InferredColumn] = {}
    free = {column.index: column for column in inferred}
    for names_of, wanted_by in _MATCHES:
        by_name = {name: column for column in free.values() for name in names_of(column)}
        for place, entry in enumerate(entries):
            column = by_name.get(wanted_by(entry))
            if place not in owners and column is not None and column.index in free:
                owners[place] = free.pop(column.index)
    return owners


# Names of a column, and the name that an entry must have to be its own; the surest match first.
_MATCHES: tuple[
    tuple[Callable[[InferredColumn], Sequence[Any]], Callable[[MappingEntry], Any]], ...
] = (
    (lambda column: [(column.key, column.label)], lambda entry: (entry.key, entry.label)),
    (lambda column: [column.key], lambda entry: entry.key),
    (lambda column: [column.label, column.header], lambda entry: entry.label),
)


def _entry_problems(place: int, entry: MappingEntry) -> Iterator[Problem]:
    where = f"columnMapping[{place}]"
    path = ("columnMapping", str(place))
    if entry.type not in _IMPORTABLE:
        message = f"{where}.dataType: {show(entry.type)} is not one of {', '.join(_IMPORTABLE)}"
        yield Problem(ErrorCode.NOT_AN_OPTION, message, (*path, "dataType"))
    for name, text, most in (
        ("name", entry.key, MAX_KEY_CHARACTERS),
        ("displayName", entry.label, MAX_LABEL_CHARACTERS),
    ):
        if not text.strip() or len(text) > most:
            message = f"{where}.{name} must have 1 to {most} characters"
            yield Problem(ErrorCode.INVALID, message, (*path, name))


_IMPORTABLE = [each.value for each in ColumnType if each is not ColumnType.COMPUTED]


def _repeated_keys(columns: Sequence[InferredColumn]) -> Iterator[Problem]:
    seen: dict[str, str] = {}
    for column in columns:
        if column.key in seen:
            message = (
                f"{show(seen[column.key])} and {show(column.header)} would both be named "
                f"{show(column.key)}"
            )
            yield Problem(ErrorCode.DUPLICATE, message, ("columnMapping",))
        seen.setdefault(column.key, column.header)


def _key(header: str, index: int) -> str:
    """Lower case, runs of anything but letters and digits as one `_`. Letters of every script."""
    key = _NOT_ALPHANUMERIC.sub("_", header.lower()).strip("_")
    return key[:MAX_KEY_CHARACTERS].strip("_") or f"col_{index + 1}"


def _unique(names: Iterable[str], most_characters: int | None = None) -> Iterator[str]:
    """The names, cut to length, with `_2`, `_3` behind those that came before."""
    taken: set[str] = set()
    for name in names:
        candidate = name[:most_characters]
        count = 1
        while candidate in taken:
            count += 1
            suffix = f"_{count}"
            room = None if most_characters is None else most_characters - len(suffix)
            candidate = name[:room] + suffix
        taken.add(candidate)
        yield candidate
