"""Templates: listing, saving a table as one, making tables from them, and moving them as JSON."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from domain import access, checks, ids, numbers
from domain.access import Viewer
from domain.column_rules import new_column_problems
from domain.column_targets import target_problems
from domain.column_tools import new_tool_problems
from domain.columns import Column, NewColumn, TableShape
from domain.computed_columns import new_formula_problems
from domain.entities import TableCreate, TableSource, TableWithColumns
from domain.errors import Conflict, ErrorCode, NotFound, Problem
from domain.ports import Storage
from domain.row_values import RowChecker
from domain.row_writes import PreparedRow
from domain.selection import OffsetPage, RowRecord, RowsQuery
from domain.system_templates import SYSTEM_TEMPLATES
from domain.tables import on_table, project_problems
from domain.template_records import (
    SAMPLE_ROWS,
    NewTemplate,
    Template,
    TemplateCategory,
    TemplateSearch,
    parse_template,
)

MAX_SAMPLE_ROWS = 1_000
_SYSTEM = {template.id: template for template in SYSTEM_TEMPLATES}
_NOBODY = UUID(int=0)


@dataclass(frozen=True, slots=True)
class TemplateSave:
    """A table to be saved as a template. Without a description it takes the table's."""

    table_id: UUID
    name: str
    description: str | None = None
    category: TemplateCategory = TemplateCategory.PERSONAL
    icon: str | None = None
    include_sample_data: bool = False


@dataclass(frozen=True, slots=True)
class TableFromTemplate:
    """A table to be made from a template, with its sample rows if wanted."""

    template_id: UUID
    name: str
    project_id: UUID | None = None
    include_sample_data: bool = False


async def list_templates(
    viewer: Viewer, storage: Storage, search: TemplateSearch
) -> list[Template]:
    """Templates of the program and of the organisation that match, by name."""
    access.require(viewer, "templates")
    saved = await storage.templates.list_all(viewer.organization_id)
    matching = [
        template
        for template in (*SYSTEM_TEMPLATES, *saved)
        if search.category in (None, template.category) and search.scope in (None, template.scope)
    ]
    return sorted(matching, key=lambda template: (template.name, template.id))


async def get_template(viewer: Viewer, storage: Storage, template_id: UUID) -> Template:
    """One template. Raises `NotFound`."""
    access.require(viewer, "template")
    return await _existing(viewer, storage, template_id)


async def save_template(viewer: Viewer, storage: Storage, command: TemplateSave) -> Template:
    """Keep a table's columns, and its first 5 rows if wanted, as a template.

    Raises `NotFound` for the table, and `Invalid`."""
    access.require(viewer, "templateCreate")
    table = await storage.tables.get(viewer.organization_id, command.table_id)
    if table is None:
        raise NotFound("Table")

    async def work(shape: TableShape) -> Template:
        rows = await _first_rows(storage, shape) if command.include_sample_data else []
        new = NewTemplate(
            name=command.name,
            description=table.description if command.description is None else command.description,
            category=command.category,
            icon=command.icon,
            columns=[_definition(each, place) for place, each in enumerate(shape.columns)],
            sample_data=rows,
        )
        checks.refuse(_text_problems(new))
        return await storage.templates.create(viewer.organization_id, viewer.actor, new)

    return await on_table(viewer, storage, command.table_id, work)


async def import_template(viewer: Viewer, storage: Storage, document: Any) -> Template:
    """Store a template from the JSON document of another one. Raises `Invalid` with every
    problem, those of the sample rows too."""
    access.require(viewer, "templateImport")
    new = parse_template(document)
    problems = _text_problems(new) + new_column_problems(new.columns)
    if len(new.sample_data) > MAX_SAMPLE_ROWS:
        message = f"sampleData holds at most {MAX_SAMPLE_ROWS:,} rows"
        problems.append(Problem(ErrorCode.TOO_MANY, message, ("sampleData",)))
    checks.refuse(problems or await _reference_problems(viewer, storage, new.columns))
    _check_rows(_provisional(new.columns), new.sample_data)
    return await storage.templates.create(viewer.organization_id, viewer.actor, new)


async def delete_template(viewer: Viewer, storage: Storage, template_id: UUID) -> None:
    """Delete a template of the organisation; tables made from it stay. Raises `NotFound`, and
    `Conflict` for one of the system."""
    access.require(viewer, "templateDelete")
    if template_id in _SYSTEM:
        raise Conflict("A system template cannot be deleted")
    if not await storage.templates.delete(viewer.organization_id, viewer.actor, template_id):
        raise NotFound("Template")


async def create_from_template(
    viewer: Viewer, storage: Storage, command: TableFromTemplate
) -> TableWithColumns:
    """Make a table with the template's columns and, if wanted, its sample rows, all in one
    transaction. Raises `NotFound` for the template, and `Invalid`."""
    access.require(viewer, "tableFromTemplate")
    template = await _existing(viewer, storage, command.template_id)
    problems = checks.text_problems("name", command.name, 1, 256)
    problems += await project_problems(viewer, storage, command.project_id)
    checks.refuse(problems or await _reference_problems(viewer, storage, template.columns))
    create = TableCreate(
        name=command.name,
        project_id=command.project_id,
        source=TableSource.TEMPLATE,
        columns=template.columns,
        template_id=template.id,
    )
    sample = template.sample_data if command.include_sample_data else ()

    def rows(shape: TableShape) -> list[PreparedRow]:
        return _check_rows(shape, sample)

    return await storage.tables.create(viewer.organization_id, viewer.actor, create, rows)


async def _existing(viewer: Viewer, storage: Storage, template_id: UUID) -> Template:
    system = _SYSTEM.get(template_id)
    if system is not None:
        return system
    saved = await storage.templates.get(viewer.organization_id, template_id)
    if saved is None:
        raise NotFound("Template")
    return saved


async def _reference_problems(
    viewer: Viewer, storage: Storage, columns: Sequence[NewColumn]
) -> list[Problem]:
    """What is wrong with what columns refer to: tables that are gone, formulas."""
    problems = await target_problems(storage, viewer.organization_id, columns)
    return (
        problems
        or await new_formula_problems(storage, viewer.organization_id, columns)
        or await new_tool_problems(storage, viewer.organization_id, columns)
    )


async def _first_rows(storage: Storage, shape: TableShape) -> list[dict[str, Any]]:
    query = RowsQuery(selection=None, page=OffsetPage(SAMPLE_ROWS, 0))
    page = await storage.rows.page(shape, query)
    return [_values(shape, row) for row in page.rows if isinstance(row, RowRecord)]


def _values(shape: TableShape, row: RowRecord) -> dict[str, Any]:
    """The written cells of a row that hold something, by key."""
    return {
        column.key: numbers.loads(value.encode())
        for column, value in zip(shape.columns, row.values, strict=True)
        if value is not None and column.stored
    }


def _definition(column: Column, place: int) -> NewColumn:
    return NewColumn(
        key=column.key,
        label=column.label,
        type=column.type,
        position=place,
        required=column.required,
        default_value=column.default_value,
        config=column.config,
        computed_by=column.computed_by,
        tool=column.tool,
    )


def _text_problems(new: NewTemplate) -> list[Problem]:
    return [
        *checks.text_problems("name", new.name, 1, 256),
        *checks.text_problems("description", new.description, 0, 1024),
        *checks.text_problems("icon", new.icon, 0, 64),
    ]


def _provisional(columns: Sequence[NewColumn]) -> TableShape:
    """The shape that a table with these columns would have, to check rows by."""
    made = (
        Column(
            id=_NOBODY,
            number=number,
            key=each.key,
            label=each.label,
            type=each.type,
            position=number - 1,
            required=each.required,
            default_value=each.default_value,
            config=each.config,
            computed_by=each.computed_by,
            tool=each.tool,
        )
        for number, each in enumerate(columns, 1)
    )
    return TableShape(_NOBODY, _NOBODY, 0, 0, 1, tuple(made), _NOBODY)


def _check_rows(shape: TableShape, sample: Sequence[Mapping[str, Any]]) -> list[PreparedRow]:
    """The sample rows, ready to be stored. Raises `Invalid`."""
    checker = RowChecker(shape)
    problems: list[Problem] = []
    checked = [checker.for_add(row, index, problems) for index, row in enumerate(sample)]
    checks.refuse(
        [replace(problem, path=("sampleData", *problem.path[1:])) for problem in problems]
    )
    fresh = ids.new_ids(ids.Kind.ROW, len(checked), shape.number) if checked else []
    return [PreparedRow(row_id, row) for row_id, row in zip(fresh, checked, strict=True)]
