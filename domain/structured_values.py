"""Column types whose values are lists and objects, or a number with its unit: how each is read from
JSON and from the text of a file. Readers keep the rules of `domain.column_values`."""

import re
from typing import Any
from uuid import UUID

from domain import numbers
from domain.column_values import Config, Reader, number, number_from_file, select
from domain.errors import ErrorCode
from domain.plain_json import clean_json
from domain.rejections import Rejected, clean_text, show

MAX_CHOICES = 1_000
MAX_CHOICE_CHARACTERS = 256
MAX_JSON_BYTES = 1_048_576
MAX_FILE_NAME_CHARACTERS = 1_024

# The amount in front of a unit, in one pass over it.
_AMOUNT = re.compile(r"[+-]?[0-9.,\s]*(?:[eE][+-]?[0-9]+)?")
_CHOICE_SEPARATORS = re.compile(r"[,;\n]")


def multi_select(config: Config) -> Reader:
    """One text or a list of them, each an option of the column; a list without repeats."""
    read_one = select(config)

    def read(value: Any) -> Any:
        items = value if isinstance(value, list | tuple) else [value]
        if len(items) > MAX_CHOICES:
            raise Rejected(ErrorCode.TOO_MANY, f"a cell holds at most {MAX_CHOICES} options")
        chosen = dict.fromkeys(_choice(read_one, item) for item in items)
        chosen.pop(None, None)
        return list(chosen) or None

    return read


def _choice(read_one: Reader, item: Any) -> Any:
    written = read_one(item)
    if written is not None and len(written) > MAX_CHOICE_CHARACTERS:
        message = f"an option is longer than {MAX_CHOICE_CHARACTERS} characters"
        raise Rejected(ErrorCode.TOO_LONG, message)
    return written


def multi_select_from_file(config: Config) -> Reader:
    """A JSON list, or one option, or options between semicolons, else between commas or lines."""
    options = frozenset((config or {}).get("options") or ())
    read_list = multi_select(config)

    def read(written: str) -> Any:
        stripped = written.strip()
        if stripped.startswith("["):
            listed = _json_of(stripped)
            if isinstance(listed, list):
                return read_list(listed)
        if stripped in options:
            return [stripped]
        return read_list([part.strip() for part in choices_in(stripped)])

    return read


def choices_in(written: str) -> list[str]:
    """The parts of a text that lists several options."""
    return written.split(";") if ";" in written else _CHOICE_SEPARATORS.split(written)


def json_value(config: Config) -> Reader:
    """Any JSON value of at most 1 MB, 32 levels deep. A text stays a text."""
    return _json


def json_from_file(config: Config) -> Reader:
    """The text of a JSON value."""
    return _json_from_file


def _json(value: Any) -> Any:
    return clean_json(value, most_bytes=MAX_JSON_BYTES)


def _json_from_file(written: str) -> Any:
    try:
        return _json(numbers.loads(written))
    except numbers.InvalidJson as error:
        raise Rejected(ErrorCode.INVALID_TYPE, f"{show(written)} is not JSON: {error}") from None


def _json_of(written: str) -> Any:
    try:
        return numbers.loads(written)
    except numbers.InvalidJson:
        return None


def file(config: Config) -> Reader:
    """An object with the `id` of a file, or the id alone. `domain.file_values` adds the name."""
    return _file


def file_from_file(config: Config) -> Reader:
    """As in JSON, the object as its JSON text."""
    return _file_from_file


def _file(value: Any) -> Any:
    name = None
    if isinstance(value, dict):
        name, value = value.get("name"), value.get("id")
    if isinstance(value, str) and not value.strip():
        return None
    file_id = _file_id(value)
    if not isinstance(name, str) or not name:
        return {"id": file_id}
    return {"id": file_id, "name": clean_text(name)[:MAX_FILE_NAME_CHARACTERS]}


def _file_id(value: Any) -> str:
    if isinstance(value, str) and len(value.strip()) == 36 and value.isascii():
        try:
            return str(UUID(value.strip()))
        except ValueError:
            pass
    if isinstance(value, str):
        raise Rejected(ErrorCode.NOT_FOUND, f"there is no file {show(value)}")
    raise Rejected(ErrorCode.INVALID_TYPE, "a file is its id, or an object with its id")


def _file_from_file(written: str) -> Any:
    stripped = written.strip()
    given = _json_of(stripped)
    return _file(given if isinstance(given, dict) else stripped)


def measurement(config: Config) -> Reader:
    """A number, a text such as `12.5 kg`, or `{"amount", "unit"}`; the amount in the column's
    unit. Another unit is refused: nothing is converted."""
    unit = (config or {}).get("unit") or None
    read_number = number(config)

    def read(value: Any) -> Any:
        if isinstance(value, dict):
            amount, given = value.get("amount"), value.get("unit")
            if given is not None:
                _check_unit(given, unit)
            return None if amount is None else read_number(amount)
        if isinstance(value, str):
            amount, given = _measured(value)
            if given:
                _check_unit(given, unit)
            return read_number(amount)
        return read_number(value)

    return read


def measurement_from_file(config: Config) -> Reader:
    """As in JSON, the object as its JSON text; the amount may wear what a number of a file may,
    such as thousands commas."""
    unit = (config or {}).get("unit") or None
    read_number = number_from_file(config)
    read_object = measurement(config)

    def read(written: str) -> Any:
        if written.lstrip().startswith("{"):
            return read_object(_json_of(written) or written)
        amount, given = _measured(written)
        if given:
            _check_unit(given, unit)
        return read_number(amount)

    return read


def _measured(written: str) -> tuple[str, str]:
    """The amount and the unit of a text; all of it and no unit when it begins with no number."""
    stripped = written.strip()
    match = _AMOUNT.match(stripped)
    if match is None or not any(map(str.isdigit, match[0])):
        return written, ""
    return match[0].strip(), stripped[match.end() :].strip()


def _check_unit(given: Any, unit: str | None) -> None:
    if given == unit:
        return
    if unit is None:
        message = f"the column has no unit, so it takes none: {show(given)}"
    else:
        message = f"the unit is {show(given)}, but the column measures in {show(unit)}"
    raise Rejected(ErrorCode.INVALID, message)
