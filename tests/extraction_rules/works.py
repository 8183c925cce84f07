"""Schemas in a few words, and what the rules read by them."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from domain.columns import Column, ColumnType
from domain.documents import Document
from domain.entities import File
from domain.extraction_ports import ExtractionWork, PlannedField, PlannedTable
from domain.extraction_records import (
    Example,
    ExtractedRow,
    ExtractionSchema,
    Repeats,
    SchemaField,
    SchemaStatus,
    SchemaTable,
    SchemaType,
)
from processing.extraction import rules_extraction

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def column(kind: str, label: str = "Value", number: int = 1, **settings: Any) -> Column:
    key = label.lower().replace(" ", "_")
    return Column(uuid4(), number, key, label, ColumnType(kind), number, **settings)


def table(
    name: str,
    fields: Mapping[str, str | tuple[str, Mapping[str, Any]]],
    parent: UUID | None = None,
    repeats: Repeats = Repeats.FOUND,
) -> PlannedTable:
    """A table whose columns are told by label and type, with more of `SchemaField` and `config`."""
    planned = []
    for number, (label, told) in enumerate(fields.items(), start=1):
        kind, more = (told, {}) if isinstance(told, str) else told
        said = {name: value for name, value in more.items() if name != "config"}
        made = column(kind, label, number, config=more.get("config"))
        planned.append(PlannedField(made, SchemaField(number, **said)))
    schema = SchemaTable(uuid4(), tuple(each.field for each in planned), parent, None, repeats)
    return PlannedTable(schema, name, planned)


def schema(name: str, tables: Sequence[PlannedTable], **more: Any) -> ExtractionSchema:
    return ExtractionSchema(
        id=uuid4(), organization_id=uuid4(), project_id=None, name=name,
        description=more.get("description"), instructions=None, status=SchemaStatus.ACTIVE,
        type=SchemaType.PRODUCTION, provider=None, model=None, version=1,
        tables=tuple(each.table for each in tables), created_by="tester", created_at=NOW,
        updated_at=NOW,
    )  # fmt: skip


def work(
    document: Document, name: str, *tables: PlannedTable, examples: Sequence[Example] = ()
) -> ExtractionWork:
    return ExtractionWork(
        uuid4(), schema(name, tables), tables, examples, file_named("paper.pdf"), document, "tester"
    )


def file_named(name: str) -> File:
    return File(
        id=uuid4(), organization_id=uuid4(), name=name, mime_type="application/pdf", size=1,
        sha256="0" * 64, storage_key="k", task_id=None, created_by="tester", created_at=NOW,
    )  # fmt: skip


def rows_of(asked: ExtractionWork) -> list[ExtractedRow]:
    """All rows of a document; its parts promise as many as they give."""
    rows: list[ExtractedRow] = []
    for segment in rules_extraction.plan(asked):
        found = rules_extraction.extract(asked, segment)
        assert segment.expected == len(found.rows)
        assert found.missing is None
        rows += found.rows
    return rows


def values_of(asked: ExtractionWork) -> dict[str, list[dict[str, Any]]]:
    """The rows by the names of their tables, as values by labels; what is empty is not there."""
    by_id = {each.table.table_id: each for each in asked.tables}
    found: dict[str, list[dict[str, Any]]] = {each.name: [] for each in asked.tables}
    for row in rows_of(asked):
        planned = by_id[row.table_id]
        labels = {each.column.number: each.column.label for each in planned.fields}
        found[planned.name].append(
            {labels[number]: cell.value for number, cell in row.cells.items() if cell.error is None}
        )
    return found
