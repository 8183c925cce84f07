"""Imports of files into tables."""

from datetime import datetime
from typing import Annotated, Any

import strawberry

from domain import entities, imports
from domain.import_plans import ImportPlan
from domain.inference import InferredColumn
from gql.context import Info
from gql.scalars import JSON
from gql.types.tables import Table
from gql.types.vocabulary import ColumnType, ImportMode, ImportStatus, ImportTriggers

_OVER = frozenset({ImportStatus.COMPLETED, ImportStatus.FAILED, ImportStatus.CANCELLED})


@strawberry.type(description="A row of a file that was not imported.")
class ImportRejection:
    line: int = strawberry.field(description="The record in the file; the header is 1.")
    error: str = strawberry.field(description="Which rule it breaks.")
    record: list[str] = strawberry.field(description="Its fields as they stand in the file.")


@strawberry.type(description="An import of a file into a table.")
class Import:
    run: strawberry.Private[entities.Import]
    id: strawberry.ID = strawberry.field(description="The id of the import.")
    status: ImportStatus = strawberry.field(description="Where it stands.")
    rows_imported: int = strawberry.field(description="Rows that were added to the table.")
    rows_updated: int = strawberry.field(
        description="Rows of the file that met a row with their key, also when it had these values."
    )
    rows_skipped: int = strawberry.field(description="Rows that broke a rule; see `rejections`.")
    mode: ImportMode = strawberry.field(description="Whether rows are added or update others.")
    triggers: ImportTriggers = strawberry.field(description="Whether its writes fire triggers.")
    bytes_total: int = strawberry.field(
        description="The size of the file, or of the text that a spreadsheet or JSON became."
    )
    bytes_read: int = strawberry.field(description="How far it was read.")
    revision: int = strawberry.field(
        description="The table's revision after its last step that wrote, or when it began."
    )
    error: str | None = strawberry.field(description="Why it stopped, when it failed.")
    created_at: datetime = strawberry.field(description="When it was asked for.")
    finished_at: datetime | None = strawberry.field(description="When it ended.")

    @strawberry.field(description="The table that it fills; null when that was deleted.")
    async def table(self, info: Info) -> Table | None:
        table = await info.context.loaders.tables.load(self.run.table_id)
        return Table.of(table) if table else None

    @strawberry.field(
        description="Where all refused rows can be downloaded as CSV, with the same key as here; "
        "null when none was refused."
    )
    def error_file_url(self) -> str | None:
        return f"/imports/{self.run.id}/errors.csv" if self.run.rows_skipped else None

    @strawberry.field(description="Rows that were not imported, in the order of the file.")
    async def rejections(
        self,
        info: Info,
        first: Annotated[int, strawberry.argument(description="How many, 1 to 1,000.")] = 20,
        after_line: Annotated[
            int, strawberry.argument(description="Only those behind this record of the file.")
        ] = 0,
    ) -> list[ImportRejection]:
        found = await imports.import_rejections(
            info.context.viewer, info.context.storage, self.run.id, after_line, first
        )
        return [
            ImportRejection(line=each.line, error=each.error, record=list(each.record))
            for each in found
        ]

    @property
    def is_over(self) -> bool:
        """Whether nothing more will happen by itself."""
        return self.status in _OVER

    @classmethod
    def of(cls, run: entities.Import) -> "Import":
        plan = ImportPlan.from_json(run.plan)
        return cls(
            run=run,
            id=strawberry.ID(str(run.id)),
            status=ImportStatus(run.status.value),
            mode=ImportMode(plan.mode.value),
            triggers=ImportTriggers.SKIP if plan.skip_triggers else ImportTriggers.FIRE,
            rows_imported=run.rows_imported,
            rows_updated=run.rows_updated,
            rows_skipped=run.rows_skipped,
            bytes_total=run.bytes_total,
            bytes_read=run.byte_offset,
            revision=run.revision,
            error=run.error,
            created_at=run.created_at,
            finished_at=run.finished_at,
        )


@strawberry.type(description="A step of an import.")
class ImportProgress:
    revision: int = strawberry.field(description="The table's revision of this step.")
    run: Import = strawberry.field(name="import", description="The import as it stands.")


@strawberry.type(description="A column as a file suggests it.")
class SuggestedColumn:
    header: str = strawberry.field(description="The header in the file.")
    key: str = strawberry.field(description="The key that the column would get.")
    label: str = strawberry.field(description="The label that it would get.")
    type: ColumnType = strawberry.field(description="The type guessed from the first 100 rows.")
    config: JSON | None = strawberry.field(description="Settings, such as options of a select.")

    @classmethod
    def of(cls, column: InferredColumn) -> "SuggestedColumn":
        config: Any = dict(column.config) if column.config is not None else None
        return cls(
            header=column.header,
            key=column.key,
            label=column.label,
            type=ColumnType(column.type.value),
            config=config,
        )
