"""Templates: list them, save a table as one, make a table from one."""

from typing import Any
from uuid import UUID

from pydantic import TypeAdapter
from starlette.responses import Response

from domain import ids, tables, templates
from domain.entities import TableWithColumns
from domain.errors import ErrorCode, NotFound, invalid
from domain.template_records import (
    Template,
    TemplateCategory,
    TemplateScope,
    TemplateSearch,
    column_json,
)
from domain.templates import TableFromTemplate, TemplateSave
from rest_compat.endpoints import Call
from rest_compat.stagent import shapes
from rest_compat.stagent.bodies import CloneBody, TemplateBody
from rest_compat.wire import Refused, json_response, moment, parse, read_body

_SAVE = TypeAdapter(TemplateBody)
_CLONE = TypeAdapter(CloneBody)


async def list_templates(call: Call) -> Response:
    """`{"templates": […]}`, by name."""
    search = TemplateSearch(
        category=_word(call.query("category"), TemplateCategory, "category"),
        scope=_word(call.query("scope"), TemplateScope, "scope"),
    )
    found = await templates.list_templates(call.viewer, call.storage, search)
    return json_response({"templates": [_shown(each) for each in found]})


async def save_template(call: Call) -> Response:
    """The table is named in the body, so its absence is told after the body was checked."""
    given = await read_body(call.request, call.limits.body_bytes)
    named = (given.get("tableId"), given.get("name")) if isinstance(given, dict) else (None, None)
    if not all(isinstance(each, str) and each for each in named):
        raise Refused(400, "tableId and name are required")
    body = parse(_SAVE, given)
    table_id = ids.parse(body.tableId)
    if table_id is None:
        raise NotFound("Table")
    await tables.get_table(call.viewer, call.storage, table_id)
    saved = await templates.save_template(
        call.viewer,
        call.storage,
        TemplateSave(
            table_id=table_id,
            name=body.name,
            description=body.description,
            category=TemplateCategory(body.category or TemplateCategory.PERSONAL),
            include_sample_data=body.includeSampleData,
        ),
    )
    return json_response({"id": str(saved.id), "name": saved.name}, 201)


async def clone_template(call: Call, given: Any, project_id: UUID | None) -> TableWithColumns:
    """The table that a body with `templateId` asks for."""
    body = parse(_CLONE, given)
    template_id = ids.parse(body.templateId)
    if template_id is None:
        raise NotFound("Template")
    command = TableFromTemplate(template_id, body.name, project_id, body.includeSampleData)
    return await templates.create_from_template(call.viewer, call.storage, command)


def _word(text: str | None, words: Any, name: str) -> Any:
    if text is None:
        return None
    try:
        return words(text)
    except ValueError:
        message = f"{name} must be one of {', '.join(words)}"
        raise invalid(ErrorCode.NOT_AN_OPTION, message, name) from None


def _shown(template: Template) -> dict[str, Any]:
    return {
        "id": str(template.id),
        "name": template.name,
        "description": template.description,
        "category": template.category.value,
        "scope": template.scope.value,
        "icon": template.icon,
        "columns": [shapes.file_column(column_json(column)) for column in template.columns],
        "sampleData": [dict(row) for row in template.sample_data],
        "createdAt": moment(template.created_at),
        "updatedAt": moment(template.updated_at),
    }
