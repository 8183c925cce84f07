"""Answers as types: for the document, and for tests that hold each answer against them."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

ColumnTypeName = Literal["TEXT", "NUMBER", "DATE", "BOOLEAN", "LABEL", "MEASUREMENT"]


class Answer(BaseModel):
    """What all answers have in common: these keys and no others."""

    model_config = ConfigDict(strict=True, extra="forbid")


class UploadAddress(Answer):
    """Where the bytes of a file go."""

    url: str = Field(description="PUT the bytes here, within 15 minutes; no key is needed.")
    fileId: str = Field(description="The file.")


class Column(Answer):
    """A column of a table."""

    id: str = Field(description="Opaque.")
    name: str = Field(description="What people see; the key of its cells.")
    type: ColumnTypeName = Field(description="TEXT for all types that this API does not know.")
    description: str | None = Field(description="What the schema says of it.")


class Cell(Answer):
    """A cell of a row."""

    value: str | None = Field(
        description="As it is printed in the document, or as a person wrote it; null when empty."
    )
    columnId: str = Field(description="The column.")


class Row(Answer):
    """A row that was found in the file."""

    id: str = Field(description="Opaque.")
    index: str = Field(description="Its place in the file, from 0.")
    status: Literal["PENDING", "ACCEPTED"] = Field(description="Whether a person accepted it.")
    cells: dict[str, Cell] = Field(description="By the name of the column.")


class Table(Answer):
    """A table with the rows of one file."""

    id: str = Field(description="Opaque.")
    name: str = Field(description="What people see.")
    columns: list[Column] = Field(description="In order.")
    rows: list[Row] = Field(description="In the order of the file.")


class Data(Answer):
    """What was found in a file."""

    tables: dict[str, Table] = Field(description="By id; the primary one first.")


class Deployment(Answer):
    """The extraction schema under its older name."""

    id: str = Field(description="The extraction schema.")
    name: str | None = Field(description="Its name; null when it was deleted.")


class Processed(Answer):
    """A file that was read while the request waited."""

    message: Literal["File processed successfully."] = Field(description="Always this.")
    fileId: str = Field(description="The file.")
    jobId: str = Field(description="The job.")
    data: Data = Field(description="What was found.")


class Queued(Answer):
    """A job that will read a file."""

    message: Literal["Job queued for processing"] = Field(description="Always this.")
    fileId: str = Field(description="The file.")
    jobId: str = Field(description="The job.")


class FileJob(Answer):
    """A file and the job that reads it."""

    fileId: str = Field(description="The file.")
    jobId: str = Field(description="The job: a new one, or the one that reads it already.")


class AllQueued(Answer):
    """Jobs that will read files."""

    message: Literal["Jobs queued for processing"] = Field(description="Always this.")
    jobs: list[FileJob] = Field(description="In the order of the request.")


class Processing(Answer):
    """A file that is being read."""

    status: Literal["PROCESSING"] = Field(description="Ask again in some seconds.")
    fileId: str = Field(description="The file.")
    jobId: str = Field(description="The job.")


class Completed(Answer):
    """A file that was read, with nothing missing."""

    status: Literal["COMPLETED"] = Field(description="Nothing is missing.")
    message: Literal["File data retrieved successfully."] = Field(description="Always this.")
    fileId: str = Field(description="The file.")
    jobId: str = Field(description="The job.")
    extractionSchemaId: str = Field(description="What it was read by.")
    deployment: Deployment = Field(description="The same.")
    data: Data = Field(description="What was found.")


class Failed(Answer):
    """A file that could not be read."""

    status: Literal["FAILED"] = Field(description="Nothing of it was found.")
    fileId: str = Field(description="The file.")
    jobId: str = Field(description="The job.")
    errorMessage: str = Field(description="Why.")


class Partial(Failed):
    """A file of which something is missing."""

    status: Literal["FAILED"] = Field(description="Something is missing.")
    errorMessage: str = Field(description="What is missing, and why.")
    extractionSchemaId: str = Field(description="What it was read by.")
    deployment: Deployment = Field(description="The same.")
    data: Data = Field(description="The rows that are there all the same.")


class Summary(Answer):
    """What a review did."""

    rowsAccepted: int = Field(description="Rows that were pending before.")
    rowsDeleted: int = Field(description="Rows that are gone.")
    rowsUpdated: int = Field(description="Rows with new values.")
    rowsAdded: int = Field(description="Rows that were added.")
    tablesAffected: list[str] = Field(description="The tables.")


class Reviewed(Answer):
    """The rows after a review."""

    message: Literal["All rows accepted successfully", "Corrections submitted successfully"] = (
        Field(description="Which of both was done.")
    )
    fileId: str = Field(description="The file.")
    data: Data = Field(description="The tables that were reviewed, all of whose rows are accepted.")
    summary: Summary = Field(description="What was done.")


class Classified(Answer):
    """What kind of document a file is."""

    fileId: str = Field(description="The file to process.")
    deploymentName: str = Field(description="The name of the extraction schema.")
    extractionSchemaId: str = Field(description="What reads such documents.")


class Unclassified(Answer):
    """A file of no kind that the classifier knows."""

    fileId: None = Field(description="Always null.")
    status: Literal["UNCLASSIFIED"] = Field(description="Always this.")


#: By the name of the file: one record, or several. Children stand in their records.
AllData = dict[str, dict[str, Any] | list[dict[str, Any]]]


class Error(Answer):
    """What went wrong. Files and jobs are named where the error is about one."""

    error: str = Field(description="A sentence.")
    message: str = Field(default="", description="More about a job in progress.")
    fileId: str = Field(default="", description="The file.")
    jobId: str = Field(default="", description="The job that failed, or that goes on.")
    existingJobId: str = Field(default="", description="The job that reads the file already.")
