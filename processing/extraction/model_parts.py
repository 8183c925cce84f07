"""What one question to a model is about: a part of a document and the tables that it may fill."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from domain.columns import Column
from domain.extraction_ports import ExtractionWork, PlannedField, PlannedTable
from domain.extraction_records import Repeats
from processing.extraction import values


@dataclass(frozen=True, slots=True)
class Part:
    """Rows that begin in the lines `first` to `last` are wanted for `tables`; with `only`, those of
    these lines. `tries` counts questions about it that brought nothing, and `problem` says what
    was wrong with the last one."""

    tables: tuple[PlannedTable, ...]
    first: int
    last: int
    only: tuple[int, ...] = ()
    tries: int = 0
    problem: str | None = None

    @property
    def lines(self) -> Sequence[int]:
        """The lines whose rows are wanted."""
        return self.only or range(self.first, self.last + 1)

    @property
    def singles(self) -> tuple[PlannedTable, ...]:
        """The tables of which a document gives one row."""
        return tuple(table for table in self.tables if is_single(table))

    @property
    def lists(self) -> tuple[PlannedTable, ...]:
        """The tables of which a document gives as many rows as it holds."""
        return tuple(table for table in self.tables if not is_single(table))

    def of(self, tables: Sequence[PlannedTable]) -> "Part":
        """The same lines for these tables alone."""
        return replace(self, tables=tuple(tables))

    def again(self, problem: str) -> "Part":
        """The same, after an answer that brought nothing."""
        return replace(self, tries=self.tries + 1, problem=problem)

    def halves(self) -> "Iterator[Part]":
        """What can be asked apart: half of the lines each, or half of the columns of what has one
        row. Nothing when it is as small as can be."""
        lists, singles = self.lists, self.singles
        if lists and singles:
            yield from (self.of(singles), self.of(lists))
        elif lists and len(self.lines) > 1:
            middle = len(self.lines) // 2
            yield from (self.within(self.lines[:middle]), self.within(self.lines[middle:]))
        elif singles and sum(len(table.fields) for table in singles) > 1:
            whole = [(table, field) for table in singles for field in table.fields]
            middle = len(whole) // 2
            yield from (self.of(regrouped(whole[:middle])), self.of(regrouped(whole[middle:])))

    def within(self, lines: Sequence[int]) -> "Part":
        """The same for some of its lines."""
        only = tuple(lines) if self.only else ()
        return replace(self, first=lines[0], last=lines[-1], only=only)


def is_single(table: PlannedTable) -> bool:
    return table.table.repeats is Repeats.ONE


def asked_tables(work: ExtractionWork) -> tuple[PlannedTable, ...]:
    """The tables of a work with the columns that are to be read; without those that have none."""
    found = []
    for table in work.tables:
        fields = [field for field in table.fields if _is_read(field)]
        if fields:
            found.append(replace(table, fields=fields))
    return tuple(found)


def columns_of(tables: Sequence[PlannedTable]) -> Mapping[int, Column]:
    """The columns that are read of a table, by number."""
    return {field.column.number: field.column for table in tables for field in table.fields}


def regrouped(
    fields: Sequence[tuple[PlannedTable, PlannedField]],
) -> tuple[PlannedTable, ...]:
    """Tables with these of their columns."""
    tables = {id(table): table for table, _ in fields}
    return tuple(
        replace(table, fields=[field for other, field in fields if other is table])
        for table in tables.values()
    )


def _is_read(field: PlannedField) -> bool:
    return not field.field.excluded and values.takes_printed(field.column)
