"""Tools that look a value up in another table of the organisation."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from domain import values
from domain.columns import Column, ColumnType, TableShape
from domain.errors import StructureMoved, TooLarge
from domain.fields import Field, Scalar, family_of, find_field, is_stored, normalise
from domain.ports import TableStore
from domain.rejections import Rejected, show
from domain.tool_ports import ToolWork
from domain.tool_records import Answer, LookupTool, Producer, ProducerKind, ToolCall
from persistence.lookups import NOT_COMPARED, Lookups

_TABLE_GONE = "The table to look in is not there"
#: So often a table is read again whose columns change meanwhile.
_ATTEMPTS = 5


@dataclass(slots=True)
class _Wanted:
    """What each call looks for: several values where its cell is a list, of which the first that is
    found counts. `faults` are the calls whose value cannot be compared."""

    values: dict[int, list[Scalar]] = field(default_factory=dict)
    faults: dict[int, str] = field(default_factory=dict)


class _Faulty(Exception):
    """No call can be answered. The text is for people."""


class LookupTools:
    """The engine of lookups."""

    def __init__(self, tables: TableStore, lookups: Lookups) -> None:
        self._tables = tables
        self._lookups = lookups

    async def answers(self, work: ToolWork) -> AsyncIterator[Answer]:
        """An answer for each call, in order; nothing where no row matches."""
        tool = work.tool.settings
        assert isinstance(tool, LookupTool)
        producer = Producer(ProducerKind.LOOKUP, actor=work.actor)
        try:
            take, wanted, found = await self._found(work, tool)
        except _Faulty as error:
            for call in work.calls:
                yield Answer(call.index, producer, error=str(error))
            return
        for call in work.calls:
            fault = wanted.faults.get(call.index)
            if fault is not None:
                yield Answer(call.index, producer, error=fault)
            else:
                matching = [each for each in wanted.values[call.index] if each in found]
                value = found[matching[0]] if matching else None
                yield _answer(work, call, take, value, producer)

    async def _found(
        self, work: ToolWork, tool: LookupTool
    ) -> tuple[Column, _Wanted, Mapping[Scalar, Any]]:
        """What is taken, what is looked for, and what was found for it. Raises `_Faulty`."""
        for _ in range(_ATTEMPTS):
            shape = await self._tables.shape(work.organization_id, tool.table_id)
            if shape is None:
                raise _Faulty(_TABLE_GONE)
            against, take = _fields(shape, tool)
            wanted = _wanted(work, tool, against)
            every = [value for values_ in wanted.values.values() for value in values_]
            if not every:
                return take, wanted, {}
            try:
                return take, wanted, await self._lookups.find_many(shape, against, take, every)
            except StructureMoved:
                self._tables.forget(shape)
            except TooLarge as error:
                raise _Faulty(str(error)) from None
        raise _Faulty("The columns of the table to look in are changing; try again")


def _fields(shape: TableShape, tool: LookupTool) -> tuple[Field, Column]:
    against, take = find_field(shape, tool.against), shape.columns_by_key.get(tool.take)
    if against is None or take is None:
        gone = tool.against if against is None else tool.take
        raise _Faulty(f"The table to look in has no column {show(gone)}")
    if not is_stored(against) or family_of(against) in NOT_COMPARED:
        raise _Faulty(f"The column {show(tool.against)} cannot be compared")
    return against, take


def _wanted(work: ToolWork, tool: LookupTool, against: Field) -> _Wanted:
    wanted = _Wanted()
    for call in work.calls:
        given = call.inputs.get(tool.match)
        members = given if isinstance(given, list | tuple) else [given]
        try:
            normal = [normalise(against, each) for each in members]
        except Rejected as error:
            wanted.faults[call.index] = f"{show(tool.match)} cannot be compared: {error.message}"
        else:
            wanted.values[call.index] = [each for each in normal if each is not None]
    return wanted


def _answer(work: ToolWork, call: ToolCall, take: Column, value: Any, producer: Producer) -> Answer:
    if take.type is ColumnType.MEASUREMENT and work.column.type is not ColumnType.MEASUREMENT:
        value = value and value["amount"]
    try:
        return Answer(call.index, producer, value=values.accept(work.column, value))
    except Rejected as error:
        message = f"What was found is no value of this column: {error.message}"
        return Answer(call.index, producer, error=message)
