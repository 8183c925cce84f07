"""Answers as types: for the document, and for tests that hold each answer against them."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class Answer(BaseModel):
    """What all answers have in common: these keys and no others."""

    model_config = ConfigDict(strict=True, extra="forbid")


MOMENT = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$"


class TableColumn(Answer):
    """A column of a table."""

    id: str = Field(description="Opaque.")
    tableId: str = Field(description="The table.")
    name: str = Field(description="The key in row data; it never changes.")
    displayName: str = Field(description="What people see.")
    dataType: str = Field(
        description="text, number, boolean, date, select, url, email, relation or computed."
    )
    position: int = Field(description="Its place, from 0.")
    required: bool = Field(description="Whether every row needs a value.")
    defaultValue: str | None = Field(description="For new rows without the key.")
    config: dict[str, Any] | None = Field(description="Options, formula or target of the type.")
    createdAt: str = Field(pattern=MOMENT, description="ISO 8601, UTC, milliseconds.")
    updatedAt: str = Field(pattern=MOMENT, description="ISO 8601, UTC, milliseconds.")


class TableItem(Answer):
    """A table in a list."""

    id: str = Field(description="Opaque.")
    name: str = Field(description="The table's name.")
    description: str | None = Field(description="What it is for.")
    projectId: str | None = Field(description="The project that it belongs to.")
    projectName: str | None = Field(description="The project's name.")
    source: str = Field(description="manual, imported, agent or template.")
    templateId: str | None = Field(description="The template that it was made from.")
    columnSchema: str = Field(description="The columns' definitions as JSON text.")
    columnCount: int = Field(description="How many columns it has.")
    rowCount: int = Field(description="How many rows it has.")
    createdAt: str = Field(pattern=MOMENT, description="ISO 8601, UTC, milliseconds.")
    updatedAt: str = Field(pattern=MOMENT, description="ISO 8601, UTC, milliseconds.")


class Table(TableItem):
    """A table with its columns."""

    columns: list[TableColumn] = Field(description="In order.")


class Row(Answer):
    """A row."""

    id: str = Field(description="Opaque.")
    tableId: str = Field(description="The table.")
    data: dict[str, Any] = Field(description="Values by column name, then keys without a column.")
    position: int = Field(description="Its place in the table's own order.")
    createdBy: str = Field(description="Who made it.")
    createdAt: str = Field(pattern=MOMENT, description="ISO 8601, UTC, milliseconds.")
    updatedAt: str = Field(pattern=MOMENT, description="ISO 8601, UTC, milliseconds.")


class ChartConfig(Answer):
    """What a chart shows."""

    model_config = ConfigDict(strict=True, extra="allow")

    type: str = Field(description="bar, line, pie, scatter, histogram or another word.")
    xColumn: str = Field(description="The column of x.")
    yColumn: str | None = Field(description="The column of y.")
    aggregation: str | None = Field(description="sum, avg, count, min, max or another word.")


class Chart(Answer):
    """A chart of a table."""

    id: str = Field(description="Opaque.")
    tableId: str = Field(description="The table.")
    type: Literal["chart"] = Field(description="What it is.")
    name: str = Field(description="The title.")
    isDefault: bool = Field(description="Always false.")
    config: ChartConfig = Field(description="What it shows, with more keys set through GraphQL.")
    createdAt: str = Field(pattern=MOMENT, description="ISO 8601, UTC, milliseconds.")
    updatedAt: str = Field(pattern=MOMENT, description="ISO 8601, UTC, milliseconds.")


class HistoryCause(Answer):
    """What brought a change about."""

    kind: str = Field(description="mutation, import, rollback, trigger, workflow or template.")
    id: str | None = Field(description="Which one, such as an import's id.")


class HistoryEntry(Answer):
    """What one change did to a row."""

    id: str = Field(description="Opaque. To be used as `historyEntryId`.")
    tableId: str = Field(description="The table.")
    rowId: str = Field(description="The row.")
    version: int = Field(description="1, 2, 3 and so on for each row.")
    revision: int = Field(description="The table's revision of the change.")
    action: Literal["create", "update", "delete", "rollback"] = Field(description="What was done.")
    changeType: Literal["create", "update", "delete"] = Field(
        description="The same, a rollback as update."
    )
    data: dict[str, Any] = Field(description="As of this version; of a deletion the last data.")
    previousData: dict[str, Any] | None = Field(description="The data before.")
    changedBy: str = Field(description="Who did it.")
    cause: HistoryCause = Field(description="What brought it about.")
    createdAt: str = Field(pattern=MOMENT, description="ISO 8601, UTC, milliseconds.")


class Done(Answer):
    """It is done."""

    ok: bool = Field(description="Always true.")


class FileColumn(Answer):
    """A column of a file, inferred or as it was imported."""

    name: str = Field(description="The key that it gets.")
    displayName: str = Field(description="What people see.")
    dataType: str = Field(description="The type that all of its values fit.")
    config: dict[str, Any] = Field(default={}, description="Options of a select.")


class ImportPreview(Answer):
    """What an import would see."""

    headers: list[str] = Field(description="The first line of the file.")
    sampleRows: list[dict[str, str]] = Field(description="The first 10 rows by header.")
    totalRows: int = Field(description="Rows of the whole file without the header.")
    inferredColumns: list[FileColumn] = Field(description="Columns as the first 100 rows suggest.")


class ImportFault(Answer):
    """A row that was not imported."""

    row: int = Field(description="Its line; the header is 1.")
    error: str = Field(description="What is wrong with it.")


class ImportResult(Answer):
    """What an import did."""

    importId: str = Field(description="Opaque.")
    rowsImported: int = Field(description="Rows that were appended.")
    rowsSkipped: int = Field(description="Rows that break a rule.")
    errors: list[ImportFault] = Field(description="The first 20 of them.")
    columns: list[FileColumn] = Field(description="The columns that were filled.")


class TemplateColumn(Answer):
    """A column of a template."""

    name: str = Field(description="The key in row data.")
    displayName: str = Field(description="What people see.")
    dataType: str = Field(description="Its type.")
    position: int = Field(description="Its place, from 0.")
    required: bool = Field(description="Whether every row needs a value.")
    defaultValue: str | None = Field(description="For new rows without the key.")
    config: dict[str, Any] | None = Field(description="Options, formula or target of the type.")
    computedBy: str = Field(default="", description="Who fills it, if it is no person.")


class Template(Answer):
    """A template of tables."""

    id: str = Field(description="Opaque.")
    name: str = Field(description="The template's name.")
    description: str | None = Field(description="What it is for.")
    category: str = Field(description="business, personal, pm, finance or content.")
    scope: str = Field(description="system or user.")
    icon: str | None = Field(description="The name of a picture.")
    columns: list[TemplateColumn] = Field(description="In order.")
    sampleData: list[dict[str, Any]] = Field(description="Rows by column name.")
    createdAt: str = Field(pattern=MOMENT, description="ISO 8601, UTC, milliseconds.")
    updatedAt: str = Field(pattern=MOMENT, description="ISO 8601, UTC, milliseconds.")


class TemplateList(Answer):
    """All templates that match."""

    templates: list[Template] = Field(description="By name.")


class Named(Answer):
    """What was made."""

    id: str = Field(description="Opaque.")
    name: str = Field(description="Its name.")


class Trigger(Answer):
    """A trigger."""

    id: str = Field(description="Opaque.")
    tableId: str = Field(description="The table.")
    name: str = Field(description="What people call it.")
    triggerEvent: str = Field(description="row_added, row_updated or row_deleted.")
    condition: Any = Field(description="One condition, a list that must all hold, or null.")
    actionType: str = Field(description="run_workflow, create_task, call_webhook or run_cells.")
    actionConfig: dict[str, Any] = Field(description="Settings of the action.")
    status: str = Field(description="active or paused.")
    fireCount: int = Field(description="Firings that succeeded.")
    lastFiredAt: str | None = Field(pattern=MOMENT, description="When the last one did.")
    createdAt: str = Field(pattern=MOMENT, description="ISO 8601, UTC, milliseconds.")
    updatedAt: str = Field(pattern=MOMENT, description="ISO 8601, UTC, milliseconds.")


class UploadedFile(Answer):
    """A file that was uploaded."""

    id: str = Field(description="To be used as `documentId`.")
    filename: str = Field(description="The name under which it is given out.")
    originalName: str = Field(description="The name that it came with.")
    size: int = Field(description="Bytes.")
    type: str = Field(description="The media type, told from its bytes.")
    taskId: str | None = Field(description="What the sender gave along.")


class Flattened(Answer):
    """Broken rules by field."""

    formErrors: list[str] = Field(description="About the body as a whole.")
    fieldErrors: dict[str, list[str]] = Field(description="By top-level field of the body.")


class Fault(Answer):
    """A broken rule."""

    path: str = Field(description="The way to the value in the body, such as `plan.steps.0.id`.")
    message: str = Field(description="What is wrong with it.")


class Error(Answer):
    """What went wrong."""

    error: str | Flattened | list[Fault] = Field(
        description="A text, or broken rules by field; of enrichment a list of them."
    )
