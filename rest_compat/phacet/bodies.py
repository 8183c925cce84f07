"""Bodies of requests. Types are strict, values of cells aside; unknown keys are passed over."""

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from domain.rejections import Rejected, clean_text


def _storable(text: str) -> str:
    try:
        return clean_text(text)
    except Rejected as error:
        raise ValueError(error.message) from None


_STORABLE = AfterValidator(_storable)
#: As many as a table has columns.
MAX_CELLS = 500
MAX_TABLES = 1_000


class Body(BaseModel):
    """What all bodies have in common."""

    model_config = ConfigDict(strict=True, extra="ignore")


class SessionBody(Body):
    """A session to be made."""

    name: Annotated[str, Field(min_length=1, max_length=256), _STORABLE] | None = Field(
        None, description="`Session <n>` without it."
    )


class CellBody(Body):
    """The value of a cell."""

    columnId: str = Field(description="The column; each once.")
    value: Any = Field(
        description="In the form of the column's type, or as a text; null clears the cell."
    )


class RowBody(Body):
    """A row to be made."""

    sessionId: str | None = Field(
        None, description="The session that it belongs to; the table's first one without it."
    )
    cells: list[CellBody] | None = Field(
        None, max_length=MAX_CELLS, description="Its values; other cells are empty."
    )
    triggerTasks: bool | None = Field(
        None, description="Whether to start the tools of all columns on it; not, without it."
    )


class RowChangeBody(Body):
    """What to change of a row. Other cells stay."""

    cells: list[CellBody] | None = Field(None, max_length=MAX_CELLS, description="The new values.")
    runRow: bool | None = Field(
        None, description="Whether to start the tools of all columns on it; they are, without it."
    )
    triggerTasks: bool | None = Field(None, description="Another word for `runRow`.")


class WebhookBody(Body):
    """A webhook endpoint to be made."""

    url: Annotated[str, Field(min_length=1, max_length=2048), _STORABLE] = Field(
        description="Where events are sent."
    )
    eventTypes: list[str] = Field(
        min_length=1, max_length=20, description="The events to send, by name."
    )
    tableIds: list[str] | None = Field(
        None, max_length=MAX_TABLES, description="Only events of these tables; of all without it."
    )
    phacetIds: list[str] | None = Field(
        None, max_length=MAX_TABLES, description="An older word for `tableIds`."
    )
    description: Annotated[str, Field(max_length=2000), _STORABLE] | None = Field(
        None, description="What it is for."
    )
