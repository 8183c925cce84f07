"""Records of the domain as this dialect shows them."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from orjson import Fragment

from domain.cells import WHOLE_ROW, CellStatus
from domain.columns import Column, ColumnType, ComputedBy, TableShape
from domain.entities import File, Project, Session, Table
from domain.selection import RowRecord, cell_status
from domain.webhook_records import WebhookSecret
from rest_compat.wire import moment

_SELECTS = {
    ColumnType.SELECT: "single_select",
    ColumnType.MULTI_SELECT: "multi_select",
}
_UNDER_WAY = frozenset({CellStatus.QUEUED, CellStatus.CALCULATING})


def project(record: Project, tables: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """A project with its tables, which are shown already."""
    return {
        "id": str(record.id),
        "name": record.name,
        "description": record.description,
        "tables": tables,
        "createdAt": moment(record.created_at),
        "updatedAt": moment(record.updated_at),
    }


def table(record: Table, columns: Sequence[Column], sessions: Sequence[Session]) -> dict[str, Any]:
    """A table with its columns and sessions."""
    return {
        "id": str(record.id),
        "name": record.name,
        "description": record.description,
        "projectId": str(record.project_id) if record.project_id else None,
        "columns": [column(each) for each in columns],
        "sessions": [
            {"id": str(each.id), "name": each.name, "createdAt": moment(each.created_at)}
            for each in sessions
        ],
        "createdAt": moment(record.created_at),
        "updatedAt": moment(record.updated_at),
    }


def column(record: Column) -> dict[str, Any]:
    """A column. Only selects have `options`."""
    options = {"options": list(record.options)} if record.type in _SELECTS else {}
    return {
        "id": str(record.id),
        "columnName": record.label,
        "name": record.label,
        "dataType": _SELECTS.get(record.type, record.type.value),
        "position": record.position,
        **options,
        "isComputed": record.computed_by is not None or record.type is ColumnType.COMPUTED,
    }


def session(record: Session) -> dict[str, Any]:
    """A session that was made."""
    return {
        "id": str(record.id),
        "name": record.name,
        "tableId": str(record.table_id),
        "createdAt": moment(record.created_at),
        "updatedAt": moment(record.updated_at),
    }


def row(shape: TableShape, record: RowRecord, asked: Collection[UUID] = ()) -> dict[str, Any]:
    """A row with one cell for each column, in order. `asked` are rows whose tools were started
    although the table has none."""
    return {
        "id": str(record.id),
        "tableId": str(record.table_id),
        "sessionId": str(record.session_id),
        "cells": cells(shape, record, asked),
        "createdAt": moment(record.created_at),
        "updatedAt": moment(record.updated_at),
    }


def cells(
    shape: TableShape, record: RowRecord, asked: Collection[UUID] = ()
) -> list[dict[str, Any]]:
    """The cells of a row.

    Clients look at a row until all of its cells are resolved. So once a run has been over it, empty
    cells that no tool fills are shown as resolved with null: nothing more will come."""
    statuses = [
        _status(shape, record, column, json)
        for column, json in zip(shape.columns, record.values, strict=True)
    ]
    was_run = record.id in asked or _was_run(shape, record)
    if was_run and not _UNDER_WAY.intersection(statuses):
        statuses = [
            CellStatus.RESOLVED if _waits_for_nobody(column, status) else status
            for column, status in zip(shape.columns, statuses, strict=True)
        ]
    row_id, updated = str(record.id), moment(record.updated_at)
    shown = []
    for column, status, json in zip(shape.columns, statuses, record.values, strict=True):
        state = record.states.get(column.number) if column.stateful else None
        shown.append(
            {
                "id": f"{row_id}.{column.number}",
                "rowId": row_id,
                "columnId": str(column.id),
                "columnName": column.label,
                "value": None if json is None else Fragment(json),
                "status": status.value,
                "lastError": state.error if state and status is CellStatus.ERROR else None,
                "updatedAt": moment(state.updated_at) if state else updated,
            }
        )
    return shown


def file(record: File) -> dict[str, Any]:
    """An uploaded file."""
    return {
        "id": str(record.id),
        "name": record.name,
        "filename": record.name,
        "mimeType": record.mime_type,
        "size": record.size,
        "createdAt": moment(record.created_at),
    }


def webhook(made: WebhookSecret) -> dict[str, Any]:
    """A webhook endpoint that was made, with its secret."""
    record = made.webhook
    tables = record.table_ids
    return {
        "id": str(record.id),
        "endpointId": str(record.id),
        "url": record.url,
        "eventTypes": list(record.event_types),
        "tableIds": None if tables is None else [str(each) for each in tables],
        "description": record.description,
        "secret": made.secret,
        "createdAt": moment(record.created_at),
    }


def _status(shape: TableShape, record: RowRecord, column: Column, json: str | None) -> CellStatus:
    if column.stateful:
        return cell_status(shape, record, column)
    return CellStatus.INITIALIZED if json is None else CellStatus.RESOLVED


def _waits_for_nobody(column: Column, status: CellStatus) -> bool:
    """Whether a cell is empty that neither a tool of its column nor an outside worker fills."""
    filled = column.tool is not None or column.computed_by is ComputedBy.EXTERNAL
    return not filled and status is CellStatus.INITIALIZED


def _was_run(shape: TableShape, record: RowRecord) -> bool:
    """Whether a run has touched a cell of the row, or would have if there were any tool."""
    if WHOLE_ROW in record.states:
        return True
    states = (record.states.get(each.number) for each in shape.stateful_columns)
    return any(state is not None and state.run_id is not None for state in states)
