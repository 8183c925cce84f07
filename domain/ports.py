"""What use cases need of storage. `persistence` implements it; nothing here knows SQL.

Every method takes the organisation, or a shape that carries it, and never reaches beyond it.
Each writing method is one transaction: data, row versions and the log entry together."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any, Protocol
from uuid import UUID

from domain.addresses import Allowed
from domain.cells import CellCount, CellReport
from domain.changes import Cause
from domain.chart_ports import AggregateStore, ChartStore
from domain.column_type_records import ColumnTypeChanged, Convert, HeldValue
from domain.columns import Column, NewColumn, TableShape
from domain.enrichment_ports import EnrichmentStore
from domain.entities import (
    ApiKey,
    ColumnIndex,
    File,
    Import,
    ImportRejection,
    ImportStatus,
    NewApiKey,
    Project,
    ProjectCreate,
    Session,
    Table,
    TableCreate,
    TableSearch,
    TableWithColumns,
)
from domain.export_records import ExportQuery, OpenExport
from domain.extraction_store_ports import ClassifierStore, JobStore, ReviewStore, SchemaStore
from domain.history_ports import HistoryStore, RollbackStore
from domain.idempotency import IdempotencyStore
from domain.import_chunks import EncodedChunk, ImportChunk
from domain.provider_records import ProviderStore, SecretStore
from domain.row_writes import PreparedRow, Written
from domain.run_ports import CellBatchStore, RunStore
from domain.selection import RowRecord, RowSelection, RowsPage, RowsQuery
from domain.template_records import NewTemplate, Template
from domain.trigger_ports import FiringStore, TriggerStore
from domain.upload_links import LinkSigner
from domain.webhook_ports import WebhookDeliveryStore, WebhookStore
from domain.workflow_ports import TaskStore, WorkflowRunStore, WorkflowStore


class KeyStore(Protocol):
    async def list_all(self, organization_id: UUID) -> list[ApiKey]: ...

    async def create(self, organization_id: UUID, actor: str, key: NewApiKey) -> ApiKey: ...

    async def revoke(self, organization_id: UUID, actor: str, key_id: UUID) -> ApiKey | None: ...


class ProjectStore(Protocol):
    async def list_all(self, organization_id: UUID) -> list[Project]: ...

    async def get(self, organization_id: UUID, project_id: UUID) -> Project | None: ...

    async def create(
        self, organization_id: UUID, actor: str, command: ProjectCreate
    ) -> Project: ...


class TableStore(Protocol):
    async def search(self, organization_id: UUID, search: TableSearch) -> list[Table]: ...

    async def get(self, organization_id: UUID, table_id: UUID) -> Table | None: ...

    async def by_ids(self, organization_id: UUID, table_ids: Sequence[UUID]) -> dict[UUID, Table]:
        """The living tables among these, by id."""

    async def create(
        self,
        organization_id: UUID,
        actor: str,
        command: TableCreate,
        rows: Callable[[TableShape], Sequence[PreparedRow]] | None = None,
    ) -> TableWithColumns:
        """The table with its first rows, all in one transaction. What `rows` raises undoes it."""

    async def update(
        self, organization_id: UUID, actor: str, table_id: UUID, changes: Mapping[str, Any]
    ) -> Table | None: ...

    async def delete(self, organization_id: UUID, actor: str, table_id: UUID) -> bool: ...

    async def create_session(
        self, organization_id: UUID, actor: str, table_id: UUID, name: str | None
    ) -> Session | None: ...

    async def has_session(self, shape: TableShape, session_id: UUID) -> bool: ...

    async def shape(self, organization_id: UUID, table_id: UUID) -> TableShape | None:
        """The cached shape; loaded when it is not there."""

    async def shape_by_number(self, organization_id: UUID, number: int) -> TableShape | None:
        """The shape of the table that a row id names by number."""

    def forget(self, shape: TableShape) -> None:
        """Drop this shape from the cache, unless a newer one is there already: it is old."""


class ColumnStore(Protocol):
    """Methods raise `StructureMoved` when the shape is old and `TableBusy` when no lock was to be
    had."""

    async def of_tables(
        self, organization_id: UUID, table_ids: Sequence[UUID]
    ) -> dict[UUID, list[Column]]:
        """The live columns of each table in order, past the cache of shapes."""

    async def add(self, shape: TableShape, actor: str, column: NewColumn) -> Column: ...

    async def update(
        self, shape: TableShape, actor: str, column: Column, changes: Mapping[str, Any]
    ) -> Column: ...

    async def track(self, shape: TableShape, actor: str, columns: Sequence[Column]) -> None:
        """Let cells of these columns have stored states, in one change."""

    async def delete(self, shape: TableShape, actor: str, column: Column) -> None: ...

    async def reorder(
        self, shape: TableShape, actor: str, ordered: Sequence[Column]
    ) -> Sequence[Column]: ...

    async def create_index(self, shape: TableShape, column: Column) -> ColumnIndex: ...

    async def held_values(self, shape: TableShape, column: Column, limit: int) -> list[HeldValue]:
        """The first values of a column that are not empty, in the order of the rows."""

    async def change_type(
        self, shape: TableShape, actor: str, old: Column, new: Column, convert: Convert
    ) -> ColumnTypeChanged:
        """Put `new` in the place of `old`, with the values that `convert` makes while nobody else
        reads or writes the table."""

    async def deleted(self, shape: TableShape) -> Sequence[Column]:
        """Deleted columns that held values, the last deleted first."""

    async def restore(self, shape: TableShape, actor: str, column: Column, most: int) -> Column:
        """Bring a deleted column back with its values; `Invalid` when there are over `most`."""


class RowStore(Protocol):
    """Methods raise `StructureMoved` when the shape is old."""

    async def page(self, shape: TableShape, query: RowsQuery) -> RowsPage: ...

    async def by_id(
        self, shape: TableShape, row_ids: Sequence[UUID], selection: RowSelection | None
    ) -> Sequence[str | RowRecord | None]: ...

    async def linked_from(
        self, shape: TableShape, column: Column, row_ids: Sequence[UUID], query: RowsQuery
    ) -> Sequence[RowsPage]:
        """For each row id a page of the rows that hold it in the relation `column`."""

    async def insert(
        self,
        shape: TableShape,
        actor: str,
        cause: Cause,
        session_id: UUID,
        rows: Sequence[PreparedRow],
    ) -> Written: ...

    async def merge(
        self, shape: TableShape, actor: str, cause: Cause, rows: Sequence[PreparedRow]
    ) -> Written: ...

    async def replace(
        self, shape: TableShape, actor: str, cause: Cause, rows: Sequence[PreparedRow]
    ) -> Written: ...

    async def delete(
        self, shape: TableShape, actor: str, cause: Cause, row_ids: Sequence[UUID]
    ) -> Written: ...

    async def report(
        self, shape: TableShape, actor: str, cause: Cause, reports: Sequence[CellReport]
    ) -> Written: ...

    async def count_cells(
        self, shape: TableShape, columns: Sequence[Column]
    ) -> Sequence[CellCount]:
        """How many cells of each column have each status. Raises `StructureMoved`."""


class ExportStore(Protocol):
    async def open(self, shape: TableShape, query: ExportQuery) -> OpenExport:
        """Begin an export. Raises `StructureMoved`, `Invalid` for a revision that the log does not
        cover, and `TooLarge` for more than the bounds or a sort take."""


class FileStore(Protocol):
    async def put_bytes(self, key: str, chunks: AsyncIterator[bytes]) -> None:
        """Store bytes whole or not at all, under a key of their own. An error of `chunks` comes out
        as it is."""

    def read_bytes(self, file: File, offset: int) -> AsyncIterator[bytes]:
        """The file's bytes from an offset on, in chunks."""

    async def as_csv(self, file: File, sheet: str | None) -> File:
        """CSV and TSV as they are; a spreadsheet or JSON as the text of its conversion: size, key
        and type are the text's. Raises `CsvError`."""

    def guess_encoding(self, head: bytes) -> str | None:
        """The encoding of bytes that are not UTF-8, None for the usual one. Slow: use a thread."""

    async def add(self, file: File) -> File:
        """Store the record of a file whose bytes were put under `storage_key`, or are to come. Of
        files with the same bytes one copy is kept."""

    async def receive(self, file: File) -> File | None:
        """Take what was put under `storage_key` for the bytes of a file that is there; None when it
        is gone. Raises `Conflict` when an import or a job has begun to read the ones before."""

    async def get(self, organization_id: UUID, file_id: UUID) -> File | None: ...

    async def by_ids(self, organization_id: UUID, file_ids: Sequence[UUID]) -> dict[UUID, File]:
        """Those that there are, by id."""

    async def page(
        self, organization_id: UUID, search: str | None, after: UUID | None, limit: int
    ) -> Sequence[File]:
        """Files with this text in their names, the last uploaded first."""

    async def names(
        self, organization_id: UUID, file_ids: Sequence[UUID]
    ) -> Mapping[UUID, str | None]:
        """The names of those that exist, by id; None for one whose bytes are still to come."""

    async def delete(self, organization_id: UUID, file_id: UUID) -> bool:
        """Raises `Conflict` while an import or a job reads the file."""


class ImportStore(Protocol):
    """Methods that write rows raise `StructureMoved` when the shape is old."""

    async def get(self, organization_id: UUID, import_id: UUID) -> Import | None: ...

    async def by_key(self, organization_id: UUID, import_key: str) -> Import | None: ...

    async def rejections(
        self, organization_id: UUID, import_id: UUID, after_line: int, limit: int
    ) -> list[ImportRejection]: ...

    def encode(self, shape: TableShape, run: Import, chunk: ImportChunk) -> EncodedChunk:
        """The chunk in the form that is written. Pure and slow: run it in a thread."""

    async def add_whole(self, shape: TableShape, new: Import, chunk: EncodedChunk) -> Import:
        """Store the import, all its rows and its end in one transaction and one revision.

        Another import with the same key is given back instead, and nothing is written."""

    async def queue(self, new: Import) -> Import:
        """Store the import with a job that runs it; the other one if its key is taken."""

    async def begin(self, import_id: UUID) -> Import | None:
        """Take up a queued or interrupted import; None when it is not to be run."""

    async def write_chunk(
        self, shape: TableShape, run: Import, chunk: EncodedChunk
    ) -> Import | None:
        """One chunk in one revision; None when it was cancelled or somebody else went on with
        it."""

    async def finish(
        self,
        shape: TableShape | None,
        actor: str,
        run: Import,
        status: ImportStatus,
        error: str | None,
    ) -> Import | None:
        """End a queued or running import; None when it had ended. No shape: the table is gone."""

    async def resume(self, organization_id: UUID, import_id: UUID) -> Import | None:
        """Queue a cancelled or failed import again; None when it is in another state."""


class TemplateStore(Protocol):
    """Templates that users saved. Those of the system are not stored."""

    async def list_all(self, organization_id: UUID) -> list[Template]: ...

    async def get(self, organization_id: UUID, template_id: UUID) -> Template | None: ...

    async def create(self, organization_id: UUID, actor: str, new: NewTemplate) -> Template: ...

    async def delete(self, organization_id: UUID, actor: str, template_id: UUID) -> bool: ...


class Storage(Protocol):
    """All of storage, one attribute a noun."""

    @property
    def keys(self) -> KeyStore: ...

    @property
    def projects(self) -> ProjectStore: ...

    @property
    def tables(self) -> TableStore: ...

    @property
    def columns(self) -> ColumnStore: ...

    @property
    def rows(self) -> RowStore: ...

    @property
    def aggregates(self) -> AggregateStore: ...

    @property
    def charts(self) -> ChartStore: ...

    @property
    def files(self) -> FileStore: ...

    @property
    def imports(self) -> ImportStore: ...

    @property
    def exports(self) -> ExportStore: ...

    @property
    def extraction_jobs(self) -> JobStore: ...

    @property
    def extracted_rows(self) -> ReviewStore: ...

    @property
    def history(self) -> HistoryStore: ...

    @property
    def rollbacks(self) -> RollbackStore: ...

    @property
    def runs(self) -> RunStore: ...

    @property
    def cell_batches(self) -> CellBatchStore: ...

    @property
    def enrichments(self) -> EnrichmentStore: ...

    @property
    def tasks(self) -> TaskStore: ...

    @property
    def workflows(self) -> WorkflowStore: ...

    @property
    def workflow_runs(self) -> WorkflowRunStore: ...

    @property
    def templates(self) -> TemplateStore: ...

    @property
    def triggers(self) -> TriggerStore: ...

    @property
    def firings(self) -> FiringStore: ...

    @property
    def providers(self) -> ProviderStore: ...

    @property
    def secrets(self) -> SecretStore: ...

    @property
    def webhooks(self) -> WebhookStore: ...

    @property
    def webhook_deliveries(self) -> WebhookDeliveryStore: ...

    @property
    def secret_box(self) -> LinkSigner:
        """What signs links that work without a key."""

    @property
    def extraction_schemas(self) -> SchemaStore: ...

    @property
    def classifiers(self) -> ClassifierStore: ...

    @property
    def egress(self) -> Allowed:
        """What this installation may send requests to besides public addresses."""

    @property
    def idempotency(self) -> IdempotencyStore: ...
