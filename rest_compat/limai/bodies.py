"""Bodies of requests. Types are strict, values of cells aside; unknown keys are passed over."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from domain.extraction_jobs import MAX_FILES


class Body(BaseModel):
    """What all bodies have in common."""

    model_config = ConfigDict(strict=True, extra="ignore")


class NothingBody(Body):
    """An empty object."""


class FilesBody(Body):
    """Files to be read."""

    fileIds: list[str] = Field(
        min_length=1, max_length=MAX_FILES, description="Their ids; each once."
    )


class FileBody(Body):
    """A file to be classified."""

    fileId: str | None = Field(None, description="The file.")
    unclassifiedFileId: str | None = Field(None, description="An older word for `fileId`.")


class ChangedRowBody(Body):
    """New values of a row."""

    id: str = Field(description="The row.")
    cells: dict[str, Any] = Field(
        description="Values by the name of the column, as texts or as JSON; null clears a cell. "
        "Other cells stay."
    )


class NewRowBody(Body):
    """A row that the document has and nobody found."""

    cells: dict[str, Any] = Field(description="Values by the name of the column.")


class TableCorrectionsBody(Body):
    """Corrections in one table. All its other rows of the file are accepted."""

    deletedRowIds: list[str] = Field(default=[], description="Rows to be deleted.")
    updatedRows: list[ChangedRowBody] = Field(default=[], description="Rows with new values.")
    newRows: list[NewRowBody] = Field(default=[], description="Rows to be added.")


class CorrectionsBody(Body):
    """What a person found: that all is right, or what is not."""

    acceptAll: bool | None = Field(None, description="Accept every row as it is.")
    tables: dict[str, TableCorrectionsBody] | None = Field(
        None, description="Corrections by the id of the table."
    )
