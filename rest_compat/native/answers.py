"""Answers in JSON as types, for the document."""

from pydantic import BaseModel, ConfigDict, Field


class Error(BaseModel):
    """What went wrong."""

    model_config = ConfigDict(strict=True, extra="forbid")

    error: str = Field(description="A sentence, or several joined by `; `.")
