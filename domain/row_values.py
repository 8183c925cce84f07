"""The values of one row as a client gives them, checked against the columns of a table."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from domain import values
from domain.columns import Column, TableShape
from domain.errors import ErrorCode, Problem
from domain.plain_json import clean_json
from domain.rejections import Rejected, clean_text, show
from domain.values import Reader

MAX_EXTRA_KEYS = 100
MAX_EXTRA_KEY_CHARACTERS = 256
MAX_EXTRA_BYTES = 100_000


@dataclass(frozen=True, slots=True)
class RowValues:
    """Checked values by column number, None for empty. `extra` holds keys that name no column."""

    values: dict[int, Any]
    extra: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class _Slot:
    column: Column
    number: int
    stored: bool
    read: Reader
    required: bool

    @classmethod
    def of(cls, column: Column) -> "_Slot":
        return cls(column, column.number, column.stored, values.reader(column), needs_value(column))


class RowChecker:
    """Checks rows against one shape. Made once per shape; a plain cell then costs about 0.2 µs.

    A key is a column's key or, failing that, its label in any case; of both the key wins. What is
    given for computed columns is passed over. Columns that an outside worker fills take a written
    value like any other, and `required` does not apply to them, because the value comes later.
    Every method appends its problems to `problems` and goes on; the row it gives back counts only
    when there are none.
    """

    def __init__(self, shape: TableShape) -> None:
        self.shape = shape
        self._slots = {column.key: _Slot.of(column) for column in shape.columns}
        stored = [slot for slot in self._slots.values() if slot.stored]
        self._required = [slot for slot in stored if slot.required]
        self._empty: dict[int, Any] = {slot.column.number: None for slot in stored}
        self._defaults: dict[int, Any] = {}
        self._bad_defaults: list[tuple[Column, Rejected]] = []
        for slot in stored:
            self._add_default(slot.column)

    @classmethod
    def of(cls, shape: TableShape) -> "RowChecker":
        """The checker of this very shape: made anew, or the one of an earlier call."""
        found = _checkers.get(shape.id)
        if found is None or found.shape is not shape:
            if len(_checkers) >= _MOST_CHECKERS:
                _checkers.clear()
            found = _checkers[shape.id] = cls(shape)
        return found

    def for_add(self, data: Any, index: int, problems: list[Problem]) -> RowValues:
        """A new row: missing keys take their defaults. Empty values are left out."""
        checked, extra = self._read(data, index, problems)
        for number, default in self._defaults.items():
            if number not in checked:
                checked[number] = default
        for column, error in self._bad_defaults:
            if column.number not in checked:
                problem = Rejected(error.code, f"the default value {error.message}")
                problems.append(_problem(index, column.key, problem))
        self._check_required(checked, index, problems)
        if None in checked.values():
            checked = {n: value for n, value in checked.items() if value is not None}
        return RowValues(checked, extra)

    def for_merge(self, data: Any, index: int, problems: list[Problem]) -> RowValues:
        """A change of the given keys only; None clears. `extra` holds the given unknown keys."""
        checked, extra = self._read(data, index, problems)
        for slot in self._required:
            if _is_blank(checked.get(slot.number, slot)):
                problems.append(_missing(index, slot.column))
        return RowValues(checked, extra)

    def for_replace(self, data: Any, index: int, problems: list[Problem]) -> RowValues:
        """The whole row anew: every stored column is in the result, None where no key is given.

        Defaults are not applied. `extra` None means that no unknown keys remain.
        """
        given, extra = self._read(data, index, problems)
        checked = self._empty | given
        self._check_required(checked, index, problems)
        return RowValues(checked, extra)

    def _add_default(self, column: Column) -> None:
        try:
            default = values.accept_default(column)
        except Rejected as error:
            # Its options changed after the default was set. Rows that need it are told.
            self._bad_defaults.append((column, error))
            return
        if default is not None:
            self._defaults[column.number] = default

    def _check_required(
        self, checked: Mapping[int, Any], index: int, problems: list[Problem]
    ) -> None:
        for slot in self._required:
            if _is_blank(checked.get(slot.column.number)):
                problems.append(_missing(index, slot.column))

    def _read(
        self, data: Any, index: int, problems: list[Problem]
    ) -> tuple[dict[int, Any], dict[str, Any] | None]:
        """Checked values by column number, and the keys without a column."""
        checked: dict[int, Any] = {}
        if not isinstance(data, Mapping):
            message = f"rows[{index}].data must be an object"
            path = ("rows", str(index), "data")
            problems.append(Problem(ErrorCode.INVALID_TYPE, message, path, index))
            return checked, None
        slots = self._slots
        others: dict[Any, Any] = {}
        for key, value in data.items():
            slot = slots.get(key)
            if slot is None:
                others[key] = value
            elif slot.stored:
                try:
                    checked[slot.number] = None if value is None else slot.read(value)
                except Rejected as error:
                    # Takes the place of the value, so that no second problem says it is missing.
                    checked[slot.number] = _REFUSED
                    problems.append(_problem(index, key, error))
        if not others:
            return checked, None
        return checked, self._read_others(data, others, checked, (index, problems))

    def _read_others(
        self,
        data: Mapping[str, Any],
        others: Mapping[Any, Any],
        checked: dict[int, Any],
        report: tuple[int, list[Problem]],
    ) -> dict[str, Any] | None:
        """Keys that are no column's key: labels go to `checked`, the rest is the answer."""
        index, problems = report
        unknown: dict[str, Any] = {}
        by_label: dict[str, str] = {}
        for key, value in others.items():
            column = self.shape.columns_by_label.get(key.lower()) if isinstance(key, str) else None
            if column is None:
                unknown[key] = value
            elif column.key in data or not column.stored:
                continue
            elif column.key in by_label:
                message = f"{show(key)} and {show(by_label[column.key])} name the same column"
                problems.append(_problem(index, key, Rejected(ErrorCode.DUPLICATE, message)))
            else:
                by_label[column.key] = key
                try:
                    checked[column.number] = (
                        None if value is None else self._slots[column.key].read(value)
                    )
                except Rejected as error:
                    checked[column.number] = _REFUSED
                    problems.append(_problem(index, key, error))
        return _clean_extra(unknown, index, problems) if unknown else None


#: Stands for a value that was refused, in rows that are refused as a whole.
_REFUSED = object()
_MOST_CHECKERS = 1_000
_checkers: dict[UUID, RowChecker] = {}


def needs_value(column: Column) -> bool:
    """Whether writers must give a value: not for columns that an outside worker fills later."""
    return column.required and column.computed_by is None


def _is_blank(value: Any) -> bool:
    return value is None or (isinstance(value, str) and (not value or value.isspace()))


def _missing(index: int, column: Column) -> Problem:
    return _problem(index, column.key, Rejected(ErrorCode.REQUIRED, "a value is required"))


def _problem(index: int, key: str, error: Rejected) -> Problem:
    path = ("rows", str(index), "data", key)
    return Problem(error.code, f"rows[{index}].{key}: {error.message}", path, index)


def _clean_extra(
    unknown: Mapping[Any, Any], index: int, problems: list[Problem]
) -> dict[str, Any] | None:
    try:
        if len(unknown) > MAX_EXTRA_KEYS:
            raise Rejected(ErrorCode.TOO_MANY, f"at most {MAX_EXTRA_KEYS} keys may name no column")
        for key in unknown:
            _check_extra_key(key)
        cleaned: dict[str, Any] = clean_json(dict(unknown), most_bytes=MAX_EXTRA_BYTES)
    except Rejected as error:
        message = f"rows[{index}].data: {error.message}"
        problems.append(Problem(error.code, message, ("rows", str(index), "data"), index))
        return None
    return cleaned


def _check_extra_key(key: Any) -> None:
    if isinstance(key, str) and len(clean_text(key)) > MAX_EXTRA_KEY_CHARACTERS:
        message = f"the key {show(key)} is longer than {MAX_EXTRA_KEY_CHARACTERS} characters"
        raise Rejected(ErrorCode.TOO_LONG, message)
