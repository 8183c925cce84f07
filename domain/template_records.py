"""Templates of tables: what one is, which kinds there are, and its form as JSON."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from domain.columns import ColumnType, ComputedBy, NewColumn
from domain.errors import ErrorCode, Invalid, Problem
from domain.rejections import Rejected
from domain.tools import read_tool, tool_json

#: Marks a JSON document as a template of this program.
FORMAT = "tablecast-template"
FORMAT_VERSION = 1
SAMPLE_ROWS = 5


class TemplateCategory(StrEnum):
    """What a template is for."""

    BUSINESS = "business"
    PERSONAL = "personal"
    PM = "pm"
    FINANCE = "finance"
    CONTENT = "content"


class TemplateScope(StrEnum):
    """Whether a template came with the program or was saved by a user."""

    SYSTEM = "system"
    USER = "user"


@dataclass(frozen=True, slots=True)
class Template:
    """A template. `sample_data` holds rows by column key."""

    id: UUID
    name: str
    description: str | None
    category: TemplateCategory
    scope: TemplateScope
    icon: str | None
    columns: Sequence[NewColumn]
    sample_data: Sequence[Mapping[str, Any]]
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class NewTemplate:
    """A template of a user that is to be stored."""

    name: str
    description: str | None
    category: TemplateCategory
    icon: str | None
    columns: Sequence[NewColumn]
    sample_data: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class TemplateSearch:
    """Which templates to list; both conditions must hold."""

    category: TemplateCategory | None = None
    scope: TemplateScope | None = None


def column_json(column: NewColumn) -> dict[str, Any]:
    """The definition of a column as the dialects write it."""
    told: dict[str, Any] = {
        "name": column.key,
        "displayName": column.label,
        "dataType": column.type.value,
        "position": column.position,
        "required": column.required,
        "defaultValue": column.default_value,
        "config": dict(column.config) if column.config is not None else None,
    }
    if column.computed_by:
        told["computedBy"] = column.computed_by.value
    if column.tool:
        told["tool"] = tool_json(column.tool)
    return told


def template_json(template: Template) -> dict[str, Any]:
    """The whole template as a document that `parse_template` reads again."""
    return {
        "format": FORMAT,
        "version": FORMAT_VERSION,
        "name": template.name,
        "description": template.description,
        "category": template.category.value,
        "icon": template.icon,
        "columns": [column_json(column) for column in template.columns],
        "sampleData": [dict(row) for row in template.sample_data],
    }


def parse_template(document: Any) -> NewTemplate:
    """A template from its document. Raises `Invalid` with every problem of its form; rules about
    names and columns come later."""
    if not isinstance(document, Mapping) or document.get("format") != FORMAT:
        raise _refused(f'The document must be an object with "format": "{FORMAT}"')
    if document.get("version") != FORMAT_VERSION:
        raise _refused(f"Only version {FORMAT_VERSION} of the format is known", "version")
    reader = _Reader(document)
    new = NewTemplate(
        name=reader.text("name") or "",
        description=reader.text("description"),
        category=reader.category(),
        icon=reader.text("icon"),
        columns=reader.columns(),
        sample_data=reader.rows(),
    )
    if reader.problems:
        raise Invalid(reader.problems)
    return new


def parse_columns(definitions: Any) -> list[NewColumn]:
    """Columns from their definitions. Raises `Invalid`."""
    reader = _Reader({"columns": definitions})
    columns = reader.columns()
    if reader.problems:
        raise Invalid(reader.problems)
    return columns


class _Reader:
    """Takes a document apart and collects what is wrong with it."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.problems: list[Problem] = []
        self._document = document

    def text(self, name: str) -> str | None:
        value = self._document.get(name)
        if value is not None and not isinstance(value, str):
            self._refuse(f"{name} must be a text", name)
            return None
        return value

    def category(self) -> TemplateCategory:
        value = self._document.get("category", TemplateCategory.PERSONAL)
        try:
            return TemplateCategory(value)
        except ValueError:
            known = ", ".join(TemplateCategory)
            self._refuse(f"category must be one of {known}", "category")
            return TemplateCategory.PERSONAL

    def columns(self) -> list[NewColumn]:
        found = []
        for index, each in enumerate(self._list("columns")):
            path = ("columns", str(index))
            if not isinstance(each, Mapping):
                self._refuse("a column must be an object", *path)
                continue
            column = self._column(each, path)
            if column is not None:
                found.append(column)
        return found

    def rows(self) -> list[Mapping[str, Any]]:
        rows = self._list("sampleData")
        for index, row in enumerate(rows):
            if not isinstance(row, Mapping):
                self._refuse("a row must be an object", "sampleData", str(index))
        return rows

    def _list(self, name: str) -> list[Any]:
        value = self._document.get(name, [])
        if isinstance(value, list):
            return value
        self._refuse(f"{name} must be a list", name)
        return []

    def _column(self, told: Mapping[str, Any], path: tuple[str, ...]) -> NewColumn | None:
        faults = [
            f"{name} must be {noun}"
            for name, kinds, noun in _MEMBERS
            if not isinstance(told.get(name, _ABSENT.get(name)), kinds)
        ]
        if told.get("dataType") not in list(ColumnType):
            faults.append("dataType must be one of " + ", ".join(ColumnType))
        if told.get("computedBy") not in (None, *ComputedBy):
            faults.append("computedBy must be one of " + ", ".join(ComputedBy))
        tool = None
        try:
            tool = read_tool(told["tool"]) if told.get("tool") is not None else None
        except Rejected as rejected:
            faults.append(f"tool {rejected.message}")
        for fault in faults:
            self._refuse(fault, *path)
        if faults:
            return None
        return NewColumn(
            key=told["name"],
            label=told.get("displayName", told["name"]),
            type=ColumnType(told["dataType"]),
            position=int(path[-1]),
            required=told.get("required", False),
            default_value=told.get("defaultValue"),
            config=told.get("config"),
            computed_by=ComputedBy(told["computedBy"]) if told.get("computedBy") else None,
            tool=tool,
        )

    def _refuse(self, message: str, *path: str) -> None:
        self.problems.append(Problem(ErrorCode.INVALID, message, path))


_ABSENT = {"displayName": "", "required": False}
_MEMBERS: Sequence[tuple[str, type | tuple[type, ...], str]] = (
    ("name", str, "a text"),
    ("displayName", str, "a text"),
    ("required", bool, "true or false"),
    ("defaultValue", (str, type(None)), "a text or null"),
    ("config", (Mapping, type(None)), "an object or null"),
)


def _refused(message: str, *path: str) -> Invalid:
    return Invalid([Problem(ErrorCode.INVALID, message, path)])
