"""JSON and JSON Lines as records of texts: one object a row, one column a key.

A file is read twice, first for its keys and what stands under them, then for the rows. JSON stays
in memory as one text and is taken apart object by object; JSON Lines pass line by line."""

import codecs
import json
from collections.abc import Callable, Generator, Iterator, Mapping
from pathlib import Path
from typing import Any

from domain import numbers
from domain.inference import Kind
from domain.numbers import InvalidJson
from persistence.conversion.bounds import COLUMNS, Unreadable
from persistence.json_text import dumps

#: Gives all objects of a file, from the first one on, each time it is called.
_Objects = Callable[[], Iterator[Mapping[str, Any]]]
_ROWS = "rows"
_SPACE = " \t\n\r"


def read(path: Path, *, lines: bool) -> tuple[list[str], list[Kind], Iterator[list[str]]]:
    """Keys in the order of their first appearance, the kind of each, and the records.

    JSON is an array of objects, an object with such an array under `rows`, or objects one behind
    the other. Raises `Unreadable`, also while the records are read."""
    objects = _from_lines(path) if lines else _from_text(path)
    kinds: dict[str, Kind | None] = {}
    for each in objects():
        for key, value in each.items():
            kinds[key] = _joined(kinds.get(key), value)
        if len(kinds) > COLUMNS:
            raise Unreadable(f"The objects have more than {COLUMNS} keys")
    if not kinds:
        raise Unreadable("The file has no objects with keys")
    keys = list(kinds)
    records = ([_text(each.get(key)) for key in keys] for each in objects())
    return keys, [kind or Kind.ANY for kind in kinds.values()], records


def _joined(known: Kind | None, value: Any) -> Kind | None:
    """The kind of a column once this value is in it. None until there is one that is not null."""
    if value is None:
        return known
    kind = _kind(value)
    if known is None or known is kind:
        return kind
    both = {known, kind}
    return Kind.JSON if both == {Kind.JSON, Kind.TEXTS} else Kind.ANY


def _kind(value: Any) -> Kind:
    if isinstance(value, str):
        return Kind.TEXT
    if isinstance(value, bool):
        return Kind.BOOLEAN
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return Kind.TEXTS
    return Kind.JSON if isinstance(value, dict | list) else Kind.NUMBER


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict | list):
        try:
            return dumps(value)
        except TypeError:
            raise Unreadable("A nested text has an unpaired surrogate") from None
    return numbers.text(value)


def _from_lines(path: Path) -> _Objects:
    with path.open("rb") as file:
        encoding = _encoding(file.read(4))

    def objects() -> Iterator[Mapping[str, Any]]:
        with path.open(encoding=encoding) as lines:
            for number, line in enumerate(lines, start=1):
                if line.isspace():
                    continue
                try:
                    value = numbers.loads(line)
                except InvalidJson as error:
                    raise Unreadable(f"Line {number}: {error}") from None
                yield _object(value, f"Line {number}")

    return _decoded(objects)


def _from_text(path: Path) -> _Objects:
    content = path.read_bytes()
    try:
        text = content.decode(_encoding(content[:4]))
    except UnicodeDecodeError as error:
        raise Unreadable(f"The text is not valid {error.encoding.upper()}") from None
    del content

    def objects() -> Iterator[Mapping[str, Any]]:
        try:
            for number, value in enumerate(_values(text), start=1):
                yield _object(value, f"Item {number}")
        except InvalidJson as error:
            raise Unreadable(str(error)) from None

    return objects


def _decoded(objects: _Objects) -> _Objects:
    def checked() -> Iterator[Mapping[str, Any]]:
        try:
            yield from objects()
        except UnicodeDecodeError as error:
            raise Unreadable(f"The text is not valid {error.encoding.upper()}") from None

    return checked


def _encoding(head: bytes) -> str:
    if head.startswith(codecs.BOM_UTF8):
        return "utf-8-sig"
    return json.detect_encoding(head)


def _object(value: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise Unreadable(f"{where} is not an object")
    return value


def _values(text: str) -> Iterator[Any]:
    """The items of the array that the text is, or has under `rows`; else its values in turn."""
    start = _skip(text, 0)
    if text[start : start + 1] == "[":
        end = yield from _items(text, start)
        _expect_end(text, end)
        return
    rows = _rows_of(text, start)
    if rows is not None:
        yield from _items(text, rows)
        return
    while start < len(text):
        value, start = numbers.decode_at(text, start)
        yield value
        start = _skip(text, start)


def _items(text: str, start: int) -> Generator[Any, None, int]:
    """The items of the array that begins at `start`; the place behind it."""
    place = _skip(text, start + 1)
    if text[place : place + 1] == "]":
        return place + 1
    while True:
        value, place = numbers.decode_at(text, place)
        yield value
        place = _skip(text, place)
        mark = text[place : place + 1]
        if mark == "]":
            return place + 1
        if mark != ",":
            raise InvalidJson(f"a comma or ] is missing at character {place + 1}")
        place = _skip(text, place + 1)


def _rows_of(text: str, start: int) -> int | None:
    """Where the array under `rows` of the object at `start` begins; None when it has none."""
    place = start
    while text[place : place + 1] in ("{", ","):
        place = _skip(text, place + 1)
        if text[place : place + 1] != '"':
            return None
        key, place = numbers.decode_at(text, place)
        place = _skip(text, place)
        if text[place : place + 1] != ":":
            return None
        place = _skip(text, place + 1)
        if key == _ROWS:
            return place if text[place : place + 1] == "[" else None
        _, place = numbers.decode_at(text, place)
        place = _skip(text, place)
    return None


def _expect_end(text: str, place: int) -> None:
    if _skip(text, place) < len(text):
        raise InvalidJson(f"something stands behind the array, at character {place + 1}")


def _skip(text: str, place: int) -> int:
    """The next place that is no white space."""
    size = len(text)
    while place < size and text[place] in _SPACE:
        place += 1
    return place
