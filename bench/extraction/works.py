"""Cases as work of the extraction, and what it found compared with the answers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID, uuid4

from bench.extraction.cases import Case
from domain.columns import Column, ColumnType
from domain.documents import Document
from domain.entities import File
from domain.extraction_ports import ExtractionWork, PlannedField, PlannedTable
from domain.extraction_records import (
    ExtractedRow,
    ExtractionSchema,
    Repeats,
    SchemaField,
    SchemaStatus,
    SchemaTable,
    SchemaType,
)


@dataclass(slots=True)
class Tally:
    """Cells that are right, wrong, or empty although the document has a value. `rows` are rows that
    are there and should not be, or the other way round."""

    right: int = 0
    wrong: int = 0
    missing: int = 0
    rows: int = 0

    def add(self, other: "Tally") -> None:
        self.right += other.right
        self.wrong += other.wrong
        self.missing += other.missing
        self.rows += other.rows

    @property
    def precision(self) -> float:
        return self.right / (self.right + self.wrong) if self.right + self.wrong else 1.0

    @property
    def recall(self) -> float:
        every = self.right + self.wrong + self.missing
        return self.right / every if every else 1.0


def work_of(case: Case, document: Document) -> ExtractionWork:
    head = _table(case.schema, case.columns, None)
    tables = [head]
    if case.line_columns:
        tables.append(_table("Lines", case.line_columns, head.table.table_id))
    now = datetime.now(UTC)
    schema = ExtractionSchema(
        id=uuid4(), organization_id=uuid4(), project_id=None, name=case.schema, description=None,
        instructions=None, status=SchemaStatus.ACTIVE, type=SchemaType.MODEL, provider=None,
        model=None, version=1, tables=tuple(each.table for each in tables), created_by="bench",
        created_at=now, updated_at=now,
    )  # fmt: skip
    file = File(
        id=uuid4(), organization_id=schema.organization_id, name=case.path.rsplit("/", 1)[-1],
        mime_type="application/pdf", size=0, sha256="", storage_key="", task_id=None,
        created_by="bench", created_at=now,
    )  # fmt: skip
    return ExtractionWork(schema.organization_id, schema, tables, (), file, document, "bench")


def _table(name: str, columns: Mapping[str, str], parent: UUID | None) -> PlannedTable:
    planned = []
    for number, (label, kind) in enumerate(columns.items(), start=1):
        key = label.lower().replace(" ", "_")
        column = Column(uuid4(), number, key, label, ColumnType(kind), number)
        planned.append(PlannedField(column, SchemaField(number)))
    repeats = Repeats.FOUND if parent is None else Repeats.MANY
    fields = tuple(each.field for each in planned)
    return PlannedTable(SchemaTable(uuid4(), fields, parent, None, repeats), name, planned)


def compared(case: Case, work: ExtractionWork, rows: Sequence[ExtractedRow]) -> Tally:
    """Rows in their order against the answers in theirs."""
    tally = Tally()
    for table, answers in zip(work.tables, (case.rows, case.lines), strict=False):
        found = [row for row in rows if row.table_id == table.table.table_id]
        tally.rows += abs(len(found) - len(answers))
        for at in range(max(len(found), len(answers))):
            row = found[at] if at < len(found) else None
            answer = answers[at] if at < len(answers) else {}
            tally.add(_row(table, row, answer))
    return tally


def _row(table: PlannedTable, row: ExtractedRow | None, answer: Mapping[str, Any]) -> Tally:
    tally = Tally()
    for planned in table.fields:
        cell = row.cells.get(planned.column.number) if row is not None else None
        value = None if cell is None else cell.value
        wanted = answer.get(planned.column.label)
        if value is None:
            tally.missing += wanted not in (None, "")
        elif _same(value, wanted):
            tally.right += 1
        else:
            tally.wrong += 1
    return tally


def _same(value: Any, wanted: Any) -> bool:
    """Numbers by their value, texts by their letters and figures."""
    try:
        return Decimal(str(value)) == Decimal(str(wanted))
    except InvalidOperation:
        return _bare(value) == _bare(wanted)


def _bare(text: Any) -> str:
    return "".join(each for each in str(text).casefold() if each.isalnum())
