"""From records to the JSON of this dialect."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from domain.columns import Column, ColumnType
from domain.entities import Table
from domain.export_formats import plain_text
from domain.extraction_records import (
    ExtractionJob,
    ExtractionSchema,
    FileTable,
    FoundValue,
    JobStatus,
    ReviewSummary,
)
from rest_compat.wire import dumps

#: Internal types with a name of their own here; all others are texts.
TYPES = {
    ColumnType.NUMBER: "NUMBER",
    ColumnType.DATE: "DATE",
    ColumnType.BOOLEAN: "BOOLEAN",
    ColumnType.SELECT: "LABEL",
    ColumnType.MEASUREMENT: "MEASUREMENT",
}
_CANCELLED = "Processing was cancelled"
_FAILED = "Processing failed"


def names_of(columns: Iterable[Column]) -> dict[int, str]:
    """What each column is called, by number. Cells are keyed by these names, so of several columns
    with one label the later ones have their keys behind it."""
    seen: Counter[str] = Counter()
    names = {}
    for column in columns:
        seen[column.label] += 1
        several = seen[column.label] > 1
        names[column.number] = f"{column.label} ({column.key})" if several else column.label
    return names


def text_of(column: Column, cell: FoundValue | None) -> str | None:
    """A value as a text: as it is printed, else as its type writes it."""
    if cell is None:
        return None
    if cell.raw is not None:
        return cell.raw
    return None if cell.value is None else plain_text(column)(dumps(cell.value).decode())


def data(
    found: Sequence[FileTable], names: Mapping[UUID, Table], schema: ExtractionSchema | None
) -> dict[str, Any]:
    """Tables with the rows of a file. `names` are the tables by id."""
    told = _descriptions(schema)
    return {
        "tables": {
            str(each.table_id): _table(each, names[each.table_id].name, told)
            for each in found
            if each.table_id in names
        }
    }


def _descriptions(schema: ExtractionSchema | None) -> dict[tuple[UUID, str], str | None]:
    return {
        (table.table_id, field.key): field.description
        for table in (schema.tables if schema else ())
        for field in table.fields
    }


def _table(
    found: FileTable, name: str, told: Mapping[tuple[UUID, str], str | None]
) -> dict[str, Any]:
    names = names_of(found.columns)
    return {
        "id": str(found.table_id),
        "name": name,
        "columns": [
            {
                "id": str(column.id),
                "name": names[column.number],
                "type": TYPES.get(column.type, "TEXT"),
                "description": told.get((found.table_id, column.key)),
            }
            for column in found.columns
        ],
        "rows": [
            {
                "id": str(row.review.row_id),
                "index": str(row.review.index),
                "status": row.review.status.value,
                "cells": {
                    names[column.number]: {
                        "value": text_of(column, row.cells.get(column.number)),
                        "columnId": str(column.id),
                    }
                    for column in found.columns
                },
            }
            for row in found.rows
        ],
    }


def deployment(job: ExtractionJob, schema: ExtractionSchema | None) -> dict[str, Any]:
    """What a file was read by, in both words of this API."""
    schema_id = str(job.schema_id)
    return {
        "extractionSchemaId": schema_id,
        "deployment": {"id": schema_id, "name": schema.name if schema else None},
    }


def failure(job: ExtractionJob) -> str:
    """Why a job did not end well, with the parts of which something is missing."""
    if job.status is JobStatus.CANCELLED:
        return _CANCELLED
    return job.error or _FAILED


def summary(made: ReviewSummary) -> dict[str, Any]:
    """What a review did."""
    return {
        "rowsAccepted": made.rows_accepted,
        "rowsDeleted": made.rows_deleted,
        "rowsUpdated": made.rows_updated,
        "rowsAdded": made.rows_added,
        "tablesAffected": [str(each) for each in made.table_ids],
    }
