"""What filters and sorts can name: columns, the fields every row has, and how they compare."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, TypeAlias
from uuid import UUID

from domain import ids, values
from domain.columns import Column, ColumnType, TableShape
from domain.errors import ErrorCode
from domain.rejections import Rejected
from domain.values import Family


@dataclass(frozen=True, slots=True)
class SystemField:
    """A value that every row has beside its columns. A column of the same key hides it."""

    key: str
    family: Family
    sql_name: str
    nullable: bool


SYSTEM_FIELDS = {
    field.key: field
    for field in (
        SystemField("id", Family.ID, "id", nullable=False),
        SystemField("position", Family.NUMBER, "position", nullable=False),
        SystemField("createdAt", Family.DATETIME, "created_at", nullable=True),
        SystemField("updatedAt", Family.DATETIME, "updated_at", nullable=True),
        SystemField("createdBy", Family.TEXT, "created_by", nullable=True),
    )
}

Field: TypeAlias = Column | SystemField


def family_of(field: Field) -> Family:
    """How values of the field compare."""
    if isinstance(field, SystemField):
        return field.family
    return values.family(field)


def is_stored(field: Field) -> bool:
    """Whether rows have values of the field. Of a computed column without a formula they have
    none: always null."""
    return isinstance(field, SystemField) or field.stored or field.computation is not None


def find_field(shape: TableShape, key: str) -> Field | None:
    """The column with this key, else the system field of that name, else None."""
    return shape.columns_by_key.get(key) or SYSTEM_FIELDS.get(key)


Scalar: TypeAlias = str | Decimal | bool | date | datetime | UUID | None


def normalise(field: Field, value: Any) -> Scalar:
    """The value to compare the field with, or None when nothing can equal it.

    Texts in place of selects, URLs and e-mails need not be valid ones: they just match nothing.
    The same holds for ids, whose form clients need not know. Raises `Rejected`.
    """
    family = family_of(field)
    if value is None:
        return None
    if isinstance(field, Column) and field.type is ColumnType.MEASUREMENT:
        return _native(family, values.accept(field, value))
    if family is Family.FILE:
        return _file_id(value)
    if family in (Family.IDS, Family.ID):
        if isinstance(value, UUID):
            return value
        if not isinstance(value, str):
            raise Rejected(ErrorCode.INVALID_TYPE, "must be an id")
        return ids.parse(value)
    return _native(family, values.accept(_ACCEPTED_AS[family], value))


def _file_id(value: Any) -> str | None:
    """A file is compared by its id, given alone or as in a cell."""
    found = value.get("id") if isinstance(value, dict) else value
    if not isinstance(found, str):
        raise Rejected(ErrorCode.INVALID_TYPE, "must be the id of a file")
    parsed = ids.parse(found)
    return str(parsed) if parsed else None


@dataclass(frozen=True, slots=True)
class _Operand:
    """A column that accepts what a field compares with: no options, no other rules."""

    type: ColumnType
    config: None = None


_ACCEPTED_AS = {
    Family.TEXT: _Operand(ColumnType.TEXT),
    Family.TEXTS: _Operand(ColumnType.TEXT),
    Family.NUMBER: _Operand(ColumnType.NUMBER),
    Family.BOOLEAN: _Operand(ColumnType.BOOLEAN),
    Family.DATE: _Operand(ColumnType.DATE),
    Family.DATETIME: _Operand(ColumnType.DATETIME),
}


def _native(family: Family, accepted: Any) -> Scalar:
    """JSON forms of accepted values as the Python types that compare and bind exactly."""
    if family is Family.NUMBER and isinstance(accepted, int | float):
        return Decimal(str(accepted))
    if family is Family.DATE and isinstance(accepted, str):
        return date.fromisoformat(accepted)
    if family is Family.DATETIME and isinstance(accepted, str):
        moment = datetime.fromisoformat(accepted)
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    scalar: Scalar = accepted
    return scalar
