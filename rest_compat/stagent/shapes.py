"""Records of the domain as this dialect shows them."""

from collections.abc import Mapping, Sequence
from typing import Any

from domain.columns import Column, ColumnType
from domain.entities import File, Project, Table
from domain.selection import RowPart, RowSelection
from rest_compat.wire import dumps, moment

#: A row, told once: storage writes its JSON and nothing here touches it again.
ROW = RowSelection(
    (
        ("id", RowPart.ID),
        ("tableId", RowPart.TABLE_ID),
        ("data", RowPart.DATA),
        ("position", RowPart.POSITION),
        ("createdBy", RowPart.CREATED_BY),
        ("createdAt", RowPart.CREATED_AT),
        ("updatedAt", RowPart.UPDATED_AT),
    )
)


def type_name(type_: ColumnType | str) -> str:
    """The dialect has one type for days and for moments."""
    return ColumnType.DATE.value if type_ == ColumnType.DATETIME else str(type_)


def column(record: Column, table_id: str) -> dict[str, Any]:
    """A column of the table."""
    return {
        "id": str(record.id),
        "tableId": table_id,
        **definition(record),
        "createdAt": moment(record.created_at),
        "updatedAt": moment(record.updated_at),
    }


def definition(record: Column) -> dict[str, Any]:
    """What a column is, without its identity."""
    return {
        "name": record.key,
        "displayName": record.label,
        "dataType": type_name(record.type),
        "position": record.position,
        "required": record.required,
        "defaultValue": record.default_value,
        "config": dict(record.config) if record.config is not None else None,
    }


def table_item(record: Table, columns: Sequence[Column], project: Project | None) -> dict[str, Any]:
    """A table in a list. `columnSchema` is JSON in a text, as clients of the original expect."""
    return {
        "id": str(record.id),
        "name": record.name,
        "description": record.description,
        "projectId": str(record.project_id) if record.project_id else None,
        "projectName": project.name if project else None,
        "source": record.source,
        "templateId": str(record.template_id) if record.template_id else None,
        "columnSchema": dumps([definition(each) for each in columns]).decode(),
        "columnCount": len(columns),
        "rowCount": record.row_count,
        "createdAt": moment(record.created_at),
        "updatedAt": moment(record.updated_at),
    }


def table(record: Table, columns: Sequence[Column], project: Project | None) -> dict[str, Any]:
    """A table with its columns."""
    shown = [column(each, str(record.id)) for each in columns]
    return table_item(record, columns, project) | {"columns": shown}


def file_column(told: Mapping[str, Any]) -> dict[str, Any]:
    """A column of a file: `name`, `displayName`, `dataType` and perhaps `config`."""
    return {**told, "dataType": type_name(told["dataType"])}


def file(record: File) -> dict[str, Any]:
    """An uploaded file."""
    return {
        "id": str(record.id),
        "filename": record.name,
        "originalName": record.name,
        "size": record.size,
        "type": record.mime_type,
        "taskId": record.task_id,
    }
