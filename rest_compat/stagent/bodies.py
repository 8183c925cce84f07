"""Bodies of requests. Types are strict: a number is no text. Unknown keys are passed over."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from domain.rejections import Rejected, clean_text
from domain.rows import MAX_ROWS


def _storable(text: str) -> str:
    try:
        return clean_text(text)
    except Rejected as error:
        raise ValueError(error.message) from None


Text = Annotated[str, AfterValidator(_storable)]
TypeName = Literal[
    "text",
    "number",
    "boolean",
    "date",
    "datetime",
    "select",
    "url",
    "email",
    "multi_select",
    "json",
    "file",
    "measurement",
    "relation",
    "computed",
]
_MOST_POSITION = 2**31 - 1


class Body(BaseModel):
    """What all bodies have in common."""

    model_config = ConfigDict(strict=True, extra="ignore")


class ColumnBody(Body):
    """A column to be made."""

    name: Text = Field(
        min_length=1, max_length=64, description="The key in row data; unique in the table."
    )
    displayName: Text = Field(min_length=1, max_length=128, description="What people see.")
    dataType: TypeName = Field(description="`datetime` is shown as `date` in answers.")
    required: bool = Field(False, description="Whether every row needs a value.")
    defaultValue: Text | None = Field(
        None, description="A text, brought into the column's type for new rows without the key."
    )
    config: dict[str, Any] | None = Field(
        None,
        description="`options` for select and multi_select; `unit` for measurement; `formula`, "
        "`formulaType`, `resultType`, "
        "`dependencies`, `rollup` for computed; `targetTableId`, `displayColumn` for relation.",
    )


class PlacedColumnBody(ColumnBody):
    """A column of a new table."""

    position: int | None = Field(
        None, ge=0, le=_MOST_POSITION, description="Its place; without it the place in the list."
    )


class TableBody(Body):
    """A table to be made."""

    name: Text = Field(min_length=1, max_length=256, description="The table's name.")
    description: Text | None = Field(None, max_length=1024, description="What it is for.")
    projectId: str | None = Field(None, description="The project that it belongs to.")
    columns: list[PlacedColumnBody] = Field(
        default_factory=list, max_length=500, description="Its first columns."
    )
    source: Literal["manual", "imported", "agent", "template"] = Field(
        "manual", description="Where it came from."
    )


class CloneBody(Body):
    """A table to be made from a template: sent when `templateId` is given."""

    templateId: str = Field(min_length=1, description="The template.")
    name: Text = Field(min_length=1, max_length=256, description="The table's name.")
    projectId: str | None = Field(None, description="The project that it belongs to.")
    includeSampleData: bool = Field(False, description="Whether to copy the template's rows.")


class TemplateBody(Body):
    """A table to be saved as a template."""

    tableId: str = Field(min_length=1, description="The table.")
    name: Text = Field(min_length=1, max_length=256, description="The template's name.")
    description: Text | None = Field(None, max_length=1024, description="The table's without it.")
    category: Literal["business", "personal", "pm", "finance", "content"] | None = Field(
        None, description="`personal` without it."
    )
    includeSampleData: bool = Field(False, description="Whether to keep the first 5 rows.")


class TableChangeBody(Body):
    """What to change of a table. Absent fields stay."""

    name: Text = Field("", min_length=1, max_length=256, description="The new name.")
    description: Text | None = Field(None, max_length=1024, description="null clears it.")
    projectId: str | None = Field(None, description="null unlinks the table.")


class NewRowBody(Body):
    """A row to be made."""

    data: dict[str, Any] = Field(description="Values by column name; unknown keys are kept.")
    createdBy: Text | None = Field(None, max_length=256, description="`user` without it.")


class RowsBody(Body):
    """Rows to be made: all of them or none."""

    rows: list[NewRowBody] = Field(min_length=1, max_length=MAX_ROWS, description="In this order.")


class RowBody(Body):
    """The new content of a row: keys that are not given become empty."""

    data: dict[str, Any] = Field(description="Values by column name.")


class OrderBody(Body):
    """The order of all columns of a table."""

    columnIds: list[str] = Field(
        min_length=1, max_length=500, description="Each column of the table exactly once."
    )


class ChartBody(Body):
    """A chart to be made."""

    type: Text = Field(min_length=1, max_length=128, description="bar, line, pie, scatter, …")
    title: Text = Field(min_length=1, max_length=256, description="Stored as the name.")
    xColumn: Text = Field(min_length=1, max_length=128, description="It need not exist.")
    yColumn: Text | None = Field(None, max_length=128, description="It need not exist.")
    aggregation: Text | None = Field(
        None, max_length=128, description="sum, avg, count, min, max, …"
    )


class ChartChangeBody(Body):
    """What to change of a chart. Absent keys stay."""

    type: Text = Field("", min_length=1, max_length=128, description="The new type.")
    title: Text = Field("", min_length=1, max_length=256, description="The new name.")
    xColumn: Text = Field("", min_length=1, max_length=128, description="The new x.")
    yColumn: Text | None = Field(None, max_length=128, description="null clears it.")
    aggregation: Text | None = Field(None, max_length=128, description="null clears it.")


class MappingBody(Body):
    """What to do with one column of a file. It is found by name or display name."""

    name: Text = Field(description="The name to import it under.")
    displayName: Text = Field(description="The display name to import it under.")
    dataType: Text = Field(description="The type to import it as.")
    skip: bool = Field(False, description="Whether to leave it out.")


class RollbackBody(Body):
    """Where a row goes back to."""

    historyEntryId: str = Field(description="The id of an entry of the row's history.")


class ImportBody(Body):
    """A file to import."""

    documentId: str = Field(description="The id of an uploaded file: CSV or TSV.")
    preview: bool = Field(False, description="Only show what would be imported.")
    columnMapping: list[MappingBody] = Field(
        default_factory=list, max_length=500, description="Columns not named come in as inferred."
    )


_CONDITION = (
    "`{column, operator, value}` as in filters of rows, or a list of them that must all hold; "
    "`equals`, `not_equals`, `greater_than` and `less_than` are understood too. null: always."
)
_CONFIG = (
    "`workflowId` for run_workflow; `title`, `description`, `projectId` for create_task; `url`, "
    "`method`, `headers` for call_webhook; `columns` and `mode` (missing, stale, errors or all) "
    "for run_cells, both may be left out."
)


class TriggerBody(Body):
    """A trigger to be made."""

    name: Text = Field(min_length=1, max_length=256, description="What people call it.")
    triggerEvent: Literal["row_added", "row_updated", "row_deleted"] = Field(
        description="What must happen to a row."
    )
    actionType: Literal["run_workflow", "create_task", "call_webhook", "run_cells"] = Field(
        description="What is done then."
    )
    actionConfig: dict[str, Any] = Field(description=_CONFIG)
    condition: Any = Field(None, description=_CONDITION)


class TriggerChangeBody(Body):
    """What to change of a trigger. Absent fields stay."""

    name: Text = Field("", min_length=1, max_length=256, description="The new name.")
    triggerEvent: Literal["row_added", "row_updated", "row_deleted"] = Field(
        "row_added", description="What must happen to a row."
    )
    actionType: Literal["run_workflow", "create_task", "call_webhook", "run_cells"] = Field(
        "create_task", description="What is done then."
    )
    actionConfig: dict[str, Any] = Field(default_factory=dict, description=_CONFIG)
    condition: Any = Field(None, description=_CONDITION)
    status: Literal["active", "paused"] = Field(
        "active", description="A paused trigger does not fire, later neither."
    )
