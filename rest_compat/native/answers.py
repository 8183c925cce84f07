"""Answers in JSON as types, for the document."""

from pydantic import BaseModel, ConfigDict, Field


class Error(BaseModel):
    """What went wrong."""

    model_config = ConfigDict(strict=True, extra="forbid")

    error: str = Field(description="A sentence, or several joined by `; `.")


class StoredFile(BaseModel):
    """A file that was uploaded."""

    model_config = ConfigDict(strict=True, extra="forbid")

    id: str = Field(description="The id of the file.")
    name: str = Field(description="Its name, without folders.")
    mimeType: str = Field(description="What it is, told from its bytes.")
    size: int = Field(description="Bytes.")
    sha256: str = Field(description="The hash of its bytes, in hexadecimal.")
    createdAt: str = Field(description="When it came, ISO 8601 in UTC.")
