"""The stored form of what schemas say of tables and columns."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from domain.extraction_records import Repeats, SchemaField, SchemaTable


def tables_json(tables: Sequence[SchemaTable]) -> list[dict[str, Any]]:
    """The stored form of a schema's tables."""
    return [
        {
            "tableId": str(table.table_id),
            "parentId": str(table.parent_id) if table.parent_id else None,
            "description": table.description,
            "repeats": table.repeats.value,
            "fields": [_field_json(field) for field in table.fields],
        }
        for table in tables
    ]


def schema_tables(stored: Sequence[Mapping[str, Any]]) -> tuple[SchemaTable, ...]:
    """The tables of their stored form."""
    return tuple(
        SchemaTable(
            UUID(table["tableId"]),
            tuple(_field(field) for field in table["fields"]),
            UUID(table["parentId"]) if table["parentId"] else None,
            table["description"],
            Repeats(table["repeats"]),
        )
        for table in stored
    )


def _field_json(field: SchemaField) -> dict[str, Any]:
    """Only what is said: most columns have no more than a number and a key."""
    told: dict[str, Any] = {
        "description": field.description,
        "hint": field.hint,
        "labels": list(field.labels),
        "isKey": field.is_key,
        "excluded": field.excluded,
        "dateFormat": field.date_format,
        "unit": field.unit,
    }
    said = {name: value for name, value in told.items() if value not in (None, False, [])}
    return {"number": field.number, "key": field.key, **said}


def _field(stored: Mapping[str, Any]) -> SchemaField:
    return SchemaField(
        stored["number"],
        stored.get("description"),
        stored.get("hint"),
        tuple(stored.get("labels", ())),
        stored.get("isKey", False),
        stored.get("excluded", False),
        stored.get("dateFormat"),
        stored.get("unit"),
        stored["key"],
    )
