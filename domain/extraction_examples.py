"""Examples of schemas: parts of documents with what is right to be read from them. People add them
by hand, and corrections of documents leave them behind."""

from dataclasses import dataclass, replace
from uuid import UUID

from domain import access, checks, values
from domain.access import Viewer
from domain.columns import Column
from domain.errors import ErrorCode, NotFound, Problem, invalid
from domain.extraction import NOUN
from domain.extraction_commands import ExamplesAdd, ExampleValue, NewExample
from domain.extraction_records import Example, ExtractionSchema
from domain.extraction_rules import (
    MAX_EXAMPLE_TEXT,
    MAX_EXAMPLE_VALUE,
    MAX_EXAMPLES,
    MAX_VALUES,
)
from domain.extraction_tables import planned_table
from domain.ports import Storage
from domain.rejections import Rejected, show


async def list_examples(
    viewer: Viewer, storage: Storage, schema_id: UUID, limit: int
) -> list[Example]:
    """Examples of a schema, the newest first, 1 to 500. Raises `NotFound` and `Invalid`."""
    access.require(viewer, "extractionSchema")
    await _schema(viewer, storage, schema_id)
    if not 1 <= limit <= MAX_EXAMPLES:
        raise invalid(ErrorCode.OUT_OF_RANGE, f"first must be 1 to {MAX_EXAMPLES}", "first")
    return await storage.extraction_schemas.examples(viewer.organization_id, schema_id, limit)


async def add_examples(viewer: Viewer, storage: Storage, command: ExamplesAdd) -> list[Example]:
    """Show what is right to be read from a text: one example for each column. Only the newest 500
    of a schema are kept.

    Raises `NotFound`, and `Invalid` with every problem: values that the columns could not hold are
    refused, because they would teach what can never be stored."""
    access.require(viewer, "extractionExampleAdd")
    schema = await _schema(viewer, storage, command.schema_id)
    problems = checks.required_text_problems("text", command.text, MAX_EXAMPLE_TEXT)
    if command.file_id is not None:
        known = await storage.files.get(viewer.organization_id, command.file_id)
        if known is None:
            problems.append(Problem(ErrorCode.NOT_FOUND, "File not found", ("fileId",)))
    table = await planned_table(storage, schema, command.table_id)
    if table is None:
        message = "The schema fills no such table"
        problems.append(Problem(ErrorCode.NOT_FOUND, message, ("tableId",)))
        checks.refuse(problems)
    columns = {each.column.key: each.column for each in (table.fields if table else ())}
    read = _Values(columns)
    problems += read.problems(command)
    checks.refuse(problems)
    added = await storage.extraction_schemas.add_examples(
        viewer.organization_id, viewer.actor, schema.id, read.examples(command)
    )
    if added is None:
        raise NotFound(NOUN)
    return added


async def delete_example(viewer: Viewer, storage: Storage, example_id: UUID) -> Example:
    """Delete an example: it teaches nothing any more. Raises `NotFound`."""
    access.require(viewer, "extractionExampleDelete")
    organization_id = viewer.organization_id
    example = await storage.extraction_schemas.example(organization_id, example_id)
    if example is None or not await storage.extraction_schemas.delete_example(
        organization_id, viewer.actor, example
    ):
        raise NotFound("Example")
    return example


async def _schema(viewer: Viewer, storage: Storage, schema_id: UUID) -> ExtractionSchema:
    schema = await storage.extraction_schemas.get(viewer.organization_id, schema_id)
    if schema is None:
        raise NotFound(NOUN)
    return schema


@dataclass(frozen=True, slots=True)
class _Values:
    """The values of examples, by the columns that the schema reads."""

    columns: dict[str, Column]

    def problems(self, command: ExamplesAdd) -> list[Problem]:
        if not 1 <= len(command.values) <= MAX_VALUES:
            message = f"values holds 1 to {MAX_VALUES} values"
            return [Problem(ErrorCode.OUT_OF_RANGE, message, ("values",))]
        found: list[Problem] = []
        seen: set[str] = set()
        for index, value in enumerate(command.values):
            path = ("values", str(index))
            if value.key not in self.columns:
                message = f"The schema reads no column {show(value.key)} of this table"
                found.append(Problem(ErrorCode.UNKNOWN_COLUMN, message, (*path, "key")))
                continue
            if value.key in seen:
                message = f"Column {show(value.key)} stands in the list twice"
                found.append(Problem(ErrorCode.DUPLICATE, message, (*path, "key")))
            seen.add(value.key)
            found += self._value_problems(value, path)
        return found

    def _value_problems(self, value: ExampleValue, path: tuple[str, ...]) -> list[Problem]:
        problems: list[Problem] = []
        for name, text in (("before", value.before), ("after", value.after)):
            problems += checks.text_problems(name, text, 0, MAX_EXAMPLE_VALUE, *path)
        if problems or value.after is None or not value.after.strip():
            return problems
        # A default value is a text for a column too, and is read as strictly.
        column = replace(self.columns[value.key], default_value=value.after)
        try:
            if values.accept_default(column) is None:
                message = f"{show(value.after)} is no value of the type {column.type}"
                raise Rejected(ErrorCode.INVALID_TYPE, message)
        except Rejected as error:
            problems.append(Problem(error.code, error.message, (*path, "after")))
        return problems

    def examples(self, command: ExamplesAdd) -> list[NewExample]:
        return [
            NewExample(
                command.table_id,
                self.columns[value.key].number,
                command.text,
                value.after,
                value.before,
                command.file_id,
            )
            for value in command.values
        ]
