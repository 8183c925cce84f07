"""The enums of the schema. Their Python values are the domain's own words."""

from enum import Enum
from typing import Any

import strawberry

from domain.errors import ErrorCode as Code
from domain.filters import OPERATORS, Operator


def _word(value: str, description: str) -> Any:
    return strawberry.enum_value(value, description=description)


def _operator(operator: Operator) -> Any:
    return _word(operator.value, OPERATORS[operator].description)


@strawberry.enum(description="What kind of values a column holds. `columnTypeChange` changes it.")
class ColumnType(Enum):
    TEXT = _word("text", "Text of at most 1 MB.")
    NUMBER = _word("number", "An exact decimal number of at most 1,000 digits.")
    BOOLEAN = _word("boolean", "True or false.")
    DATE = _word("date", "A day, `YYYY-MM-DD`.")
    DATETIME = _word("datetime", "A moment in UTC with milliseconds.")
    SELECT = _word("select", "One of the texts in `config.options`; any text without options.")
    URL = _word("url", "An absolute http or https URL.")
    EMAIL = _word("email", "An e-mail address.")
    MULTI_SELECT = _word(
        "multi_select", "A list of the texts in `config.options`; of any texts without options."
    )
    JSON = _word("json", "Any JSON value of at most 1 MB.")
    FILE = _word("file", "An uploaded file, as `id` and `name`.")
    MEASUREMENT = _word(
        "measurement", "A number in the unit `config.unit`, as `amount` and `unit`."
    )
    RELATION = _word("relation", "Ids of rows; a list when `config.multiple` is true.")
    COMPUTED = _word("computed", "Computed from other columns by a formula or a rollup.")


@strawberry.enum(description="Who fills the cells of a column in place of a person.")
class ComputedBy(Enum):
    EXTERNAL = _word("EXTERNAL", "A worker outside, which reports through `cellsReport`.")
    TOOL = _word("TOOL", "The column's tool, in runs.")


@strawberry.enum(description="The kinds of tools.")
class ToolKind(Enum):
    AI = _word("ai", "A question to a model, or to the rules engine.")
    PYTHON = _word("python", "A program in a sandbox.")
    HTTP = _word("http", "A request to another server.")
    LOOKUP = _word("lookup", "A value from another table.")


@strawberry.enum(description="Who or what made a value.")
class ProducerKind(Enum):
    PERSON = _word("person", "A person or a program, with the write of a row.")
    MODEL = _word("model", "A model of a provider.")
    RULES = _word("rules", "The rules engine.")
    PYTHON = _word("python", "A program in the sandbox.")
    HTTP = _word("http", "Another server.")
    LOOKUP = _word("lookup", "Another table.")
    EXTERNAL = _word("external", "An outside worker.")


@strawberry.enum(
    description="Where a cell stands. Cells that people fill know only INITIALIZED and RESOLVED."
)
class CellStatus(Enum):
    INITIALIZED = _word("initialized", "Empty; an input is missing, or nothing was set.")
    READY = _word("ready", "Empty, and all inputs are there.")
    QUEUED = _word("queued", "Waits for a worker.")
    CALCULATING = _word("calculating", "A worker is on it.")
    RESOLVED = _word("resolved", "The value is final.")
    ERROR = _word("error", "The work failed; see `error`.")
    STALE = _word("stale", "An input changed since it was computed.")


@strawberry.enum(description="Where a table came from.")
class TableSource(Enum):
    MANUAL = _word("manual", "Made by hand or through an API.")
    IMPORTED = _word("imported", "Made from a file.")
    AGENT = _word("agent", "Made by an agent.")
    TEMPLATE = _word("template", "Made from a template.")


@strawberry.enum(description="What an API key may do.")
class Role(Enum):
    VIEWER = _word("viewer", "Read and watch.")
    EDITOR = _word("editor", "Also write data and structure.")
    ADMIN = _word("admin", "Also manage API keys.")


@strawberry.enum(description="How a value is compared with a column.")
class FilterOperator(Enum):
    EQ = _operator(Operator.EQ)
    NEQ = _operator(Operator.NEQ)
    GT = _operator(Operator.GT)
    GTE = _operator(Operator.GTE)
    LT = _operator(Operator.LT)
    LTE = _operator(Operator.LTE)
    CONTAINS = _operator(Operator.CONTAINS)
    STARTS_WITH = _operator(Operator.STARTS_WITH)
    IN = _operator(Operator.IN)
    IS_EMPTY = _operator(Operator.IS_EMPTY)
    IS_NOT_EMPTY = _operator(Operator.IS_NOT_EMPTY)


@strawberry.enum(description="Stretches of time that dates are gathered in, in UTC.")
class DateBucket(Enum):
    DAY = _word("day", "A day.")
    WEEK = _word("week", "A week from Monday on, named by that day.")
    MONTH = _word("month", "A month, named by its first day.")
    QUARTER = _word("quarter", "Three months, named by their first day.")
    YEAR = _word("year", "A year, named by its first day.")


@strawberry.enum(description="What is said about the values of a group. Empty cells do not count.")
class AggregateFunction(Enum):
    COUNT = _word("count", "How many values there are; without a column, how many rows.")
    COUNT_DISTINCT = _word("count_distinct", "How many different values there are.")
    SUM = _word("sum", "The sum of numbers; exact.")
    AVG = _word("avg", "The average of numbers.")
    MIN = _word("min", "The least: of numbers, texts by code point, dates or moments.")
    MAX = _word("max", "The greatest.")


@strawberry.enum(description="The form of a chart.")
class ChartType(Enum):
    BAR = _word("bar", "A bar for each x.")
    LINE = _word("line", "A line from x to x.")
    PIE = _word("pie", "A slice for each x: how many rows have it.")
    SCATTER = _word("scatter", "A mark for each row.")
    HISTOGRAM = _word("histogram", "A bar for each bin of a number: how many rows are in it.")


@strawberry.enum(description="What a chart makes of the y values of rows with the same x.")
class ChartAggregation(Enum):
    SUM = _word("sum", "Their sum.")
    AVG = _word("avg", "Their average.")
    COUNT = _word("count", "How many rows there are.")
    MIN = _word("min", "The least.")
    MAX = _word("max", "The greatest.")


@strawberry.enum(description="The format of a picture.")
class ImageFormat(Enum):
    SVG = _word("svg", "Vectors, as text.")
    PNG = _word("png", "Pixels.")


@strawberry.enum(description="Which way a sort key runs.")
class SortDirection(Enum):
    ASC = _word("asc", "Smallest first.")
    DESC = _word("desc", "Largest first.")


@strawberry.enum(description="Where rows without a value stand in a sort.")
class NullsOrder(Enum):
    FIRST = _word("first", "Before all others.")
    LAST = _word("last", "After all others.")


@strawberry.enum(description="What an update does with keys that are not given.")
class RowsUpdateMode(Enum):
    MERGE = _word("merge", "Leaves them as they are.")
    REPLACE = _word("replace", "Empties them.")


@strawberry.enum(description="What is wrong with one value of an input.")
class ErrorCode(Enum):
    REQUIRED = _word(Code.REQUIRED.value, "A value is missing.")
    INVALID = _word(Code.INVALID.value, "The value breaks a rule; the message names it.")
    INVALID_TYPE = _word(Code.INVALID_TYPE.value, "The value is of another type.")
    NOT_AN_OPTION = _word(Code.NOT_AN_OPTION.value, "The value is not among the column's options.")
    OUT_OF_RANGE = _word(Code.OUT_OF_RANGE.value, "The value or count is outside its bounds.")
    TOO_LONG = _word(Code.TOO_LONG.value, "The value is too long.")
    TOO_MANY = _word(Code.TOO_MANY.value, "There are too many of something.")
    DUPLICATE = _word(Code.DUPLICATE.value, "The same thing is named twice or exists already.")
    UNKNOWN_COLUMN = _word(Code.UNKNOWN_COLUMN.value, "The table has no such column.")
    NOT_FOUND = _word(Code.NOT_FOUND.value, "Something that the input names does not exist.")
    VERSION_CONFLICT = _word(
        Code.VERSION_CONFLICT.value, "The row changed since the writer read it."
    )
    ILLEGAL_STATUS = _word(Code.ILLEGAL_STATUS.value, "A cell cannot move to this status.")
    TABLE_BUSY = _word(Code.TABLE_BUSY.value, "The table was busy; nothing changed, try again.")
    CONFLICT = _word(Code.CONFLICT.value, "The state of things forbids it.")
    LOG_PRUNED = _word(Code.LOG_PRUNED.value, "The log is not kept that long.")


@strawberry.enum(description="What happens to a batch in which some rows are bad.")
class ErrorPolicy(Enum):
    REJECT_ALL = _word("reject_all", "Nothing is written.")
    REJECT_FAILED_ROWS = _word(
        "reject_failed_rows", "The good rows are written; `errors` names the others."
    )


@strawberry.enum(description="How a stream of events begins.")
class StreamState(Enum):
    RESUMED = _word("RESUMED", "Every change after `after` follows.")
    SNAPSHOT = _word("SNAPSHOT", "The stream begins now: every change after `revision` follows.")
    RESET = _word("RESET", "What lies before `revision` will not be sent: fetch again.")


@strawberry.enum(description="Why a stream cannot continue from where the client stood.")
class ResetReason(Enum):
    TOO_FAR = _word("TOO_FAR", "More than 10,000 changes or 8 MB lie between.")
    LOG_PRUNED = _word("LOG_PRUNED", "The log is not kept that long.")
    AHEAD_OF_LOG = _word("AHEAD_OF_LOG", "The log is shorter than that: a backup was restored.")


@strawberry.enum(description="Why rows left a filtered stream.")
class RowsLeftReason(Enum):
    CHANGED = _word("CHANGED", "The rows changed and no longer match the filter.")
    DELETED = _word("DELETED", "The rows matched the filter and were deleted.")


@strawberry.enum(description="What brought a change about.")
class ChangeCauseKind(Enum):
    MUTATION = _word("mutation", "A request of a client.")
    IMPORT = _word("import", "An import of a file.")
    ROLLBACK = _word("rollback", "Going back to an earlier state.")
    TRIGGER = _word("trigger", "The action of a trigger.")
    WORKFLOW = _word("workflow", "A step of a workflow.")
    TEMPLATE = _word("template", "Sample rows of a template.")
    RUN = _word("run", "A run of tools over cells.")
    DEPENDENT = _word("dependent", "A change of rows, or of tools, that cells depend on.")
    EXTRACTION = _word("extraction", "A job that read a document.")
    REVIEW = _word("review", "A review of extracted rows.")


@strawberry.enum(description="What happened in the organisation.")
class OrganizationChangeKind(Enum):
    PROJECT_CREATED = _word("project_created", "A project was made.")
    TABLE_CREATED = _word("table_created", "A table was made.")
    TABLE_UPDATED = _word("table_updated", "A table's name, description or project changed.")
    TABLE_DELETED = _word("table_deleted", "A table was deleted.")
    COLUMNS_CHANGED = _word("columns_changed", "Columns of a table changed.")
    SESSION_CREATED = _word("session_created", "A session was added to a table.")
    KEY_CREATED = _word("key_created", "An API key was made.")
    KEY_REVOKED = _word("key_revoked", "An API key was revoked.")
    TRIGGER_CREATED = _word("trigger_created", "A trigger was made.")
    TRIGGER_UPDATED = _word("trigger_updated", "A trigger was changed, paused or resumed.")
    TRIGGER_DELETED = _word("trigger_deleted", "A trigger was deleted.")
    WORKFLOW_CREATED = _word("workflow_created", "A workflow was made.")
    WORKFLOW_UPDATED = _word("workflow_updated", "A workflow changed, or its status.")
    WORKFLOW_DELETED = _word("workflow_deleted", "A workflow was deleted.")
    TEMPLATE_CREATED = _word("template_created", "A template was saved.")
    TEMPLATE_DELETED = _word("template_deleted", "A template was deleted.")
    WEBHOOK_CREATED = _word("webhook_created", "A webhook was made.")
    WEBHOOK_UPDATED = _word(
        "webhook_updated", "A webhook was changed, enabled or disabled, or got a new secret."
    )
    WEBHOOK_DELETED = _word("webhook_deleted", "A webhook was deleted.")
    PROVIDER_CREATED = _word("provider_created", "A provider of models was made.")
    PROVIDER_UPDATED = _word("provider_updated", "A provider of models was changed.")
    PROVIDER_DELETED = _word("provider_deleted", "A provider of models was deleted.")
    SECRET_SET = _word("secret_set", "A named secret was stored.")
    SECRET_DELETED = _word("secret_deleted", "A named secret was deleted.")
    SCHEMA_CREATED = _word("schema_created", "An extraction schema was made.")
    SCHEMA_UPDATED = _word("schema_updated", "An extraction schema was changed.")
    SCHEMA_DELETED = _word("schema_deleted", "An extraction schema was deleted.")
    CLASSIFIER_CREATED = _word("classifier_created", "A classifier was made.")
    CLASSIFIER_UPDATED = _word("classifier_updated", "A classifier was changed.")
    CLASSIFIER_DELETED = _word("classifier_deleted", "A classifier was deleted.")
    DOCUMENT_EXTRACTED = _word("document_extracted", "A document was read, or could not be.")
    DOCUMENT_REVIEWED = _word("document_reviewed", "Every row of a document was accepted.")


@strawberry.enum(description="What an import does with a row that is in the table already.")
class ImportMode(Enum):
    APPEND = _word("append", "Every row of the file is added.")
    UPSERT = _word("upsert", "A row updates the one with the same key; others are added.")


@strawberry.enum(description="Whether the writes of an import fire triggers.")
class ImportTriggers(Enum):
    FIRE = _word("fire", "They fire as they do for any other write.")
    SKIP = _word("skip", "None fires; the change log says so.")


@strawberry.enum(description="Where an import stands.")
class ImportStatus(Enum):
    QUEUED = _word("queued", "Waits for a worker.")
    RUNNING = _word("running", "Rows are being written.")
    COMPLETED = _word("completed", "The whole file was read.")
    FAILED = _word("failed", "It stopped at an error; it can be resumed.")
    CANCELLED = _word("cancelled", "It was stopped on request; it can be resumed.")


@strawberry.enum(description="The state of an index on a column.")
class IndexStatus(Enum):
    BUILDING = _word("building", "Being built; writers go on meanwhile.")
    READY = _word("ready", "In use.")
    FAILED = _word("failed", "It could not be built; see `error`. Asking again tries again.")


@strawberry.enum(description="What a template is for.")
class TemplateCategory(Enum):
    BUSINESS = _word("business", "Customers, stock, meetings.")
    PERSONAL = _word("personal", "For oneself.")
    PM = _word("pm", "Managing projects.")
    FINANCE = _word("finance", "Money.")
    CONTENT = _word("content", "Writing and publishing.")


@strawberry.enum(description="Where a template comes from.")
class TemplateScope(Enum):
    SYSTEM = _word("system", "It comes with the program.")
    USER = _word("user", "It was saved in this organisation.")
