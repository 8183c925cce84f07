"""Column records from their stored rows."""

from domain.columns import Column, ColumnType, ComputedBy
from domain.tools import tool_of
from persistence.models import ColumnRow


def entity(row: ColumnRow) -> Column:
    """The record that other rooms see."""
    return Column(
        id=row.id,
        number=row.number,
        key=row.key,
        label=row.label,
        type=ColumnType(row.type),
        position=row.position,
        required=row.required,
        default_value=row.default_value,
        config=row.config,
        computed_by=ComputedBy(row.computed_by) if row.computed_by else None,
        tool=tool_of(row.tool) if row.tool else None,
        tracked=row.tracked,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )
