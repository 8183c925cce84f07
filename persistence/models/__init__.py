"""SQLModel tables: metadata of organisations, the logs, and stored work. Users' own tables are not
here."""

from persistence.models.log import (
    CellChangeRow,
    CellStateRow,
    ChangeRow,
    OrganizationChangeRow,
    OrganizationClockRow,
    RowVersionRow,
    TableClockRow,
)
from persistence.models.metadata import (
    ApiKeyRow,
    ColumnRow,
    IndexRow,
    OrganizationRow,
    ProjectRow,
    SessionRow,
    TableRow,
)
from persistence.models.work import FileRow, ImportRejectionRow, ImportRow

__all__ = [
    "ApiKeyRow",
    "CellChangeRow",
    "CellStateRow",
    "ChangeRow",
    "ColumnRow",
    "FileRow",
    "ImportRejectionRow",
    "ImportRow",
    "IndexRow",
    "OrganizationChangeRow",
    "OrganizationClockRow",
    "OrganizationRow",
    "ProjectRow",
    "RowVersionRow",
    "SessionRow",
    "TableClockRow",
    "TableRow",
]
