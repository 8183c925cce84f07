"""Answers as types: for the document, and for tests that hold each answer against them."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Status = Literal["initialized", "ready", "queued", "calculating", "resolved", "error", "stale"]

_MOMENT = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$"
_WHEN = "ISO 8601, UTC, milliseconds."


class Answer(BaseModel):
    """What all answers have in common: these keys and no others."""

    model_config = ConfigDict(strict=True, extra="forbid")


class Column(Answer):
    """A column of a table."""

    id: str = Field(description="Opaque.")
    columnName: str = Field(description="What people see.")
    name: str = Field(description="The same.")
    dataType: str = Field(
        description="text, number, single_select, multi_select, json, file, or the name of a type "
        "that this API does not know, such as date."
    )
    position: int = Field(description="Its place, from 0.")
    options: list[str] = Field(default=[], description="What a select offers; else absent.")
    isComputed: bool = Field(description="Whether a tool or formula fills it.")


class SessionName(Answer):
    """A session in its table."""

    id: str = Field(description="Opaque.")
    name: str = Field(description="Its name.")
    createdAt: str = Field(pattern=_MOMENT, description=_WHEN)


class Session(SessionName):
    """A group of rows of one table."""

    tableId: str = Field(description="The table.")
    updatedAt: str = Field(pattern=_MOMENT, description=_WHEN)


class Table(Answer):
    """A table with its columns and sessions."""

    id: str = Field(description="Opaque.")
    name: str = Field(description="The table's name.")
    description: str | None = Field(description="What it is for.")
    projectId: str | None = Field(description="The project that it belongs to.")
    columns: list[Column] = Field(description="In order.")
    sessions: list[SessionName] = Field(description="At least one, oldest first.")
    createdAt: str = Field(pattern=_MOMENT, description=_WHEN)
    updatedAt: str = Field(pattern=_MOMENT, description=_WHEN)


class Project(Answer):
    """A project with its tables."""

    id: str = Field(description="Opaque.")
    name: str = Field(description="The project's name.")
    description: str | None = Field(description="What it is for.")
    tables: list[Table] = Field(description="Oldest first.")
    createdAt: str = Field(pattern=_MOMENT, description=_WHEN)
    updatedAt: str = Field(pattern=_MOMENT, description=_WHEN)


class Cell(Answer):
    """A cell of a row."""

    id: str = Field(description="Opaque.")
    rowId: str = Field(description="The row.")
    columnId: str = Field(description="The column.")
    columnName: str = Field(description="What people see of the column.")
    value: Any = Field(description="In the form of the column's type; null when empty.")
    status: Status = Field(description="Where it stands.")
    lastError: str | None = Field(description="Why it failed, when the status is error.")
    updatedAt: str = Field(pattern=_MOMENT, description=_WHEN)


class Row(Answer):
    """A row with a cell for every column."""

    id: str = Field(description="Opaque.")
    tableId: str = Field(description="The table.")
    sessionId: str = Field(description="The session.")
    cells: list[Cell] = Field(description="In the order of the columns.")
    createdAt: str = Field(pattern=_MOMENT, description=_WHEN)
    updatedAt: str = Field(pattern=_MOMENT, description=_WHEN)


class RowsPage(Answer):
    """A page of rows."""

    rows: list[Row] = Field(description="In the table's order.")
    hasMore: bool = Field(description="Whether more rows follow.")
    nextCursor: str | None = Field(description="`cursor` of the next page; null on the last one.")


class FileLink(Answer):
    """A link to a file that works for whoever has it, for a while."""

    url: str = Field(description="Needs no key.")
    downloadUrl: str = Field(description="The same.")
    fileUrl: str = Field(description="The same.")
    expiresAt: str = Field(pattern=_MOMENT, description="When it stops working.")


class UploadedFile(Answer):
    """A file that was uploaded."""

    id: str = Field(description="To be put into a cell, alone or with the name.")
    name: str = Field(description="The name that it came with.")
    filename: str = Field(description="The same.")
    mimeType: str = Field(description="The media type, told from its bytes.")
    size: int = Field(description="Bytes.")
    createdAt: str = Field(pattern=_MOMENT, description=_WHEN)


class WebhookEndpoint(Answer):
    """A webhook endpoint."""

    id: str = Field(description="Opaque.")
    endpointId: str = Field(description="The same.")
    url: str = Field(description="Where events are sent.")
    eventTypes: list[str] = Field(description="The events that are sent.")
    tableIds: list[str] | None = Field(description="Only events of these tables; null: of all.")
    description: str | None = Field(description="What it is for.")
    secret: str = Field(description="What deliveries are signed with. It is told this once.")
    createdAt: str = Field(pattern=_MOMENT, description=_WHEN)


class Error(Answer):
    """What went wrong."""

    message: str = Field(description="A sentence; broken rules of a body are joined by `; `.")
    errorKey: str = Field(description="The kind of error, for programs.")
