"""Changing the type of a column: what would be lost, and the change itself; and bringing a deleted
column back.

The column keeps its id, key, label and place, and gets a new number, because history is kept by
number. What it was before stays as a deleted column, which can be restored under another key."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from domain import access, checks, numbers, values
from domain.access import Viewer
from domain.column_editing import column_of
from domain.column_rules import MAX_COLUMNS, column_problems
from domain.column_targets import target_problem
from domain.column_type_records import (
    MAX_VALUES,
    ColumnTypeChange,
    ColumnTypeChanged,
    ColumnTypePreview,
    Convert,
    Converted,
    HeldValue,
    LostValue,
)
from domain.columns import Column, ColumnType, TableShape
from domain.computed_columns import formula_problems
from domain.entities import Unset
from domain.errors import Conflict, ErrorCode, NotFound, Problem, invalid
from domain.file_values import named_files
from domain.plain_json import json_text
from domain.ports import Storage
from domain.rejections import Rejected, show
from domain.tables import on_table
from domain.values import Reader

SAMPLES = 20


async def preview_column_type(
    viewer: Viewer, storage: Storage, table_id: UUID, command: ColumnTypeChange
) -> ColumnTypePreview:
    """What the change would keep and lose. Nothing is changed. Raises like `change_column_type`,
    but not for losses."""
    access.require(viewer, "columnTypePreview")

    async def work(shape: TableShape) -> ColumnTypePreview:
        old = column_of(shape, command.column_id)
        new = await _changed(viewer, storage, shape, old, command)
        held = await storage.columns.held_values(shape, old, MAX_VALUES + 1)
        converted = await _converter(storage, shape, old, new, allow_loss=True)(held)
        lost = len(converted.lost)
        return ColumnTypePreview(len(held), len(held) - lost, lost, list(converted.lost[:SAMPLES]))

    return await on_table(viewer, storage, table_id, work)


async def change_column_type(
    viewer: Viewer, storage: Storage, table_id: UUID, command: ColumnTypeChange
) -> ColumnTypeChanged:
    """Give the column another type, or other rules for its values, and bring every value into it:
    one transaction and one revision.

    Raises `NotFound`, `TableBusy`, or `Invalid`: for what the new column may not be, for more than
    50,000 values, and for values that would be lost unless the command allows it."""
    access.require(viewer, "columnTypeChange")

    async def work(shape: TableShape) -> ColumnTypeChanged:
        old = column_of(shape, command.column_id)
        new = await _changed(viewer, storage, shape, old, command)
        convert = _converter(storage, shape, old, new, allow_loss=command.allow_loss)
        return await storage.columns.change_type(shape, viewer.actor, old, new, convert)

    return await on_table(viewer, storage, table_id, work)


async def restore_column(
    viewer: Viewer, storage: Storage, table_id: UUID, column_id: UUID, key: str | None
) -> Column:
    """Bring a deleted column back at the end of the table, with the values that its rows had when
    it was deleted. `key` names it anew, for when its own was taken since.

    Raises `NotFound` for a column that was not deleted, `TableBusy`, `Conflict` when the key is
    taken, and `Invalid` for a bad key or more than 50,000 values."""
    access.require(viewer, "columnRestore")
    checks.refuse(checks.text_problems("key", key, 1, 64))

    async def work(shape: TableShape) -> Column:
        deleted = await storage.columns.deleted(shape)
        found = next((each for each in deleted if each.id == column_id), None)
        if found is None:
            raise NotFound("Column")
        column = replace(found, key=key if key is not None else found.key)
        if column.key in shape.columns_by_key:
            raise Conflict(f"There is a column named {show(column.key)}; give another key")
        if len(shape.columns) >= MAX_COLUMNS:
            message = f"A table has at most {MAX_COLUMNS} columns"
            raise invalid(ErrorCode.TOO_MANY, message, "columnId")
        return await storage.columns.restore(shape, viewer.actor, column, MAX_VALUES)

    return await on_table(viewer, storage, table_id, work)


async def deleted_columns(viewer: Viewer, storage: Storage, table_id: UUID) -> Sequence[Column]:
    """The deleted columns of a table that can be restored, the last deleted first. What a column
    was before its type changed is among them. Raises `NotFound`."""
    access.require(viewer, "table")

    async def work(shape: TableShape) -> Sequence[Column]:
        return await storage.columns.deleted(shape)

    return await on_table(viewer, storage, table_id, work)


async def _changed(
    viewer: Viewer,
    storage: Storage,
    shape: TableShape,
    old: Column,
    command: ColumnTypeChange,
) -> Column:
    """The column as it shall be. Raises `Invalid`."""
    if ColumnType.COMPUTED in (old.type, command.type):
        message = "A computed column has no values of its own: add or delete it instead"
        raise invalid(ErrorCode.INVALID, message, "type")
    config = old.config if isinstance(command.config, Unset) else command.config
    given = command.default_value
    default = old.default_value if isinstance(given, Unset) else given
    new = replace(old, type=command.type, config=config, default_value=default)
    problems: list[Problem] = column_problems(new)
    checks.refuse(problems or await target_problem(storage, viewer.organization_id, new))
    checks.refuse(await formula_problems(storage, viewer.organization_id, shape, new))
    return new


def _converter(
    storage: Storage, shape: TableShape, old: Column, new: Column, *, allow_loss: bool
) -> Convert:
    """The function that brings the values of the old column into the new one."""
    convert = _one_by_one(old, new)

    async def work(held: Sequence[HeldValue]) -> Converted:
        if len(held) > MAX_VALUES:
            message = f"The type of a column with more than {MAX_VALUES:,} values cannot change"
            raise invalid(ErrorCode.TOO_MANY, message, "columnId")
        # Half a second for many different values: too long for everybody else to wait.
        found, lost = await asyncio.to_thread(convert, held)
        if new.type is ColumnType.FILE:
            lost += await _name_files(storage, shape, held, found)
        if lost and not allow_loss:
            message = (
                f"{len(lost):,} of {len(held):,} values would be lost, the first because "
                f"{lost[0].reason}; see columnTypePreview, or set allowLoss"
            )
            raise invalid(ErrorCode.INVALID, message, "allowLoss")
        return Converted(found, lost)

    return work


def _one_by_one(
    old: Column, new: Column
) -> Callable[[Sequence[HeldValue]], tuple[dict[UUID, Any], list[LostValue]]]:
    def convert(held: Sequence[HeldValue]) -> tuple[dict[UUID, Any], list[LostValue]]:
        # Cells repeat their values, so each distinct one is converted once.
        known: dict[str, Any] = {}
        reader = Conversion(old, new)
        found: dict[UUID, Any] = {}
        lost = []
        for each in held:
            if each.json not in known:
                try:
                    known[each.json] = reader.convert(each.json)
                except Rejected as error:
                    known[each.json] = error
            value = known[each.json]
            if isinstance(value, Rejected):
                lost.append(LostValue(each.row_id, each.json, value.message))
                value = None
            found[each.row_id] = value
        return found, lost

    return convert


async def _name_files(
    storage: Storage, shape: TableShape, held: Sequence[HeldValue], found: dict[UUID, Any]
) -> list[LostValue]:
    """Put names to the files, and take out those that do not exist."""
    given = [value for value in found.values() if value is not None]
    named = await named_files(storage, shape.organization_id, given)
    lost = []
    for each in held:
        value = found[each.row_id]
        if value is not None:
            found[each.row_id] = named.get(value["id"])
            if value["id"] not in named:
                lost.append(LostValue(each.row_id, each.json, named.fault(value)))
    return lost


class Conversion:
    """How values of one column become values of another: as they are where the new type takes
    them, else by the text that a file would hold of them."""

    def __init__(self, old: Column, new: Column) -> None:
        self._old = old
        self._read = values.reader(new)
        self._read_text = values.file_reader(new)
        #: A text may say more than itself to these: a list of options, or JSON.
        self._text_first = new.type in (ColumnType.MULTI_SELECT, ColumnType.JSON)
        self._amounts = old.type is ColumnType.MEASUREMENT and new.type is ColumnType.NUMBER

    def convert(self, json: str) -> Any:
        """The value in the new type, never None. Raises `Rejected`."""
        value = numbers.loads(json)
        if self._amounts:
            value = value["amount"]
        text = _text(self._old, value)
        readings: list[tuple[Reader, Any]] = [(self._read, value), (self._read_text, text)]
        if self._text_first and isinstance(value, str):
            readings.reverse()
        refusal: Rejected | None = None
        for read, given in readings:
            try:
                converted = read(given)
            except Rejected as error:
                refusal = refusal or error
            else:
                if converted is not None:
                    return converted
        raise refusal or Rejected(ErrorCode.INVALID, f"{show(value)} would be empty")


def _text(column: Column, value: Any) -> str:
    """What a file would hold of a value, of a measurement with its unit."""
    if column.type is ColumnType.MEASUREMENT and isinstance(value, dict):
        return " ".join(filter(None, [numbers.text(value["amount"]), value["unit"]]))
    if column.type is ColumnType.MULTI_SELECT and len(value) == 1:
        return str(value[0])
    return value if isinstance(value, str) else json_text(value)
