"""Mutations on imports. Files are uploaded by REST, at `/api/uploads`."""

from typing import Annotated

import strawberry

from domain import imports
from domain.import_plans import ImportMode as Mode
from domain.import_reading import Reading
from domain.imports import ImportStart
from domain.inference import MappingEntry
from gql.context import Info, given_id
from gql.scalars import JSON
from gql.types.errors import EXPECTED, UserError, user_errors
from gql.types.imports import Import, SuggestedColumn
from gql.types.vocabulary import ColumnType, ImportMode, ImportTriggers

_FILE = "The uploaded file: CSV, TSV, XLSX, XLS, ODS, JSON or JSON Lines."
_SHEET = "The sheet of a workbook; the first one by default."
_ENCODING = "The encoding of a CSV file, such as `windows-1251`, when its bytes mislead."


@strawberry.input(description="A file to look into.")
class ImportPreviewInput:
    table_id: strawberry.ID = strawberry.field(description="The table to import into.")
    file_id: strawberry.ID = strawberry.field(description=_FILE)
    sheet: str | None = strawberry.field(default=None, description=_SHEET)
    encoding: str | None = strawberry.field(default=None, description=_ENCODING)


@strawberry.input(description="What becomes of one column of the file.")
class ImportColumnInput:
    key: str = strawberry.field(description="The key of the table's column; made when missing.")
    label: str = strawberry.field(
        description="Its label. The file's column is found by suggested key or header."
    )
    type: ColumnType = strawberry.field(description="Its type when it has to be made.")
    skip: bool = strawberry.field(default=False, description="True leaves the column out.")


@strawberry.input(description="A file to be imported.")
class ImportStartInput:
    table_id: strawberry.ID = strawberry.field(description="The table to import into.")
    file_id: strawberry.ID = strawberry.field(description=_FILE)
    sheet: str | None = strawberry.field(default=None, description=_SHEET)
    encoding: str | None = strawberry.field(default=None, description=_ENCODING)
    mode: ImportMode = strawberry.field(
        default=ImportMode.APPEND, description="Whether rows are added or update others."
    )
    key_columns: list[str] | None = strawberry.field(
        default=None,
        description="With `UPSERT`: keys of the columns whose values together tell rows apart.",
    )
    triggers: ImportTriggers = strawberry.field(
        default=ImportTriggers.FIRE, description="Whether the writes fire triggers."
    )
    columns: list[ImportColumnInput] | None = strawberry.field(
        default=None, description="Columns to treat in another way than suggested."
    )
    import_key: str | None = strawberry.field(
        default=None,
        description="A key of your own: asked again with it, the same import is answered and "
        "nothing is imported twice.",
    )


@strawberry.input(description="An import to be stopped or continued.")
class ImportInput:
    import_id: strawberry.ID = strawberry.field(description="The import.")


@strawberry.type(description="The answer of `importPreview`.")
class ImportPreviewPayload:
    headers: list[str] | None = strawberry.field(description="The headers of the file.")
    sample_rows: list[JSON] | None = strawberry.field(
        description="The first 10 rows: objects by header, all values texts."
    )
    total_rows: int | None = strawberry.field(description="Rows in the whole file.")
    columns: list[SuggestedColumn] | None = strawberry.field(
        description="The columns that an import would make or fill."
    )
    errors: list[UserError] = strawberry.field(description="Why the file cannot be read.")


@strawberry.type(description="The answer of `importStart`, `importCancel` and `importResume`.")
class ImportPayload:
    run: Import | None = strawberry.field(name="import", description="The import as it stands.")
    errors: list[UserError] = strawberry.field(description="Why nothing was done.")


@strawberry.type
class ImportMutations:
    @strawberry.mutation(description="Look into a file: what would be imported. Writes nothing.")
    async def import_preview(
        self,
        info: Info,
        input: Annotated[ImportPreviewInput, strawberry.argument(description="The file.")],
    ) -> ImportPreviewPayload | None:
        try:
            found = await imports.preview_import(
                info.context.viewer,
                info.context.storage,
                given_id(input.table_id),
                given_id(input.file_id),
                Reading(input.sheet, input.encoding),
            )
        except EXPECTED as error:
            return ImportPreviewPayload(
                headers=None,
                sample_rows=None,
                total_rows=None,
                columns=None,
                errors=user_errors(error),
            )
        return ImportPreviewPayload(
            headers=found.preview.headers,
            sample_rows=[JSON(row) for row in found.preview.sample_rows],
            total_rows=found.total_rows,
            columns=[SuggestedColumn.of(column) for column in found.preview.columns],
            errors=[],
        )

    @strawberry.mutation(
        description="Import a file: columns that are missing are added, rows are added or update "
        "others. A small file is done at once, a larger one in the background: follow "
        "`importProgress`."
    )
    async def import_start(
        self,
        info: Info,
        input: Annotated[ImportStartInput, strawberry.argument(description="What to import.")],
    ) -> ImportPayload | None:
        mapping = [
            MappingEntry(each.key, each.label, str(each.type.value), each.skip)
            for each in input.columns or ()
        ]
        command = ImportStart(
            given_id(input.table_id),
            given_id(input.file_id),
            mapping,
            input.import_key,
            Reading(input.sheet, input.encoding),
            Mode(input.mode.value),
            input.key_columns or (),
            input.triggers is ImportTriggers.SKIP,
        )
        try:
            run = await imports.start_import(info.context.viewer, info.context.storage, command)
        except EXPECTED as error:
            return ImportPayload(run=None, errors=user_errors(error))
        return ImportPayload(run=Import.of(run), errors=[])

    @strawberry.mutation(description="Stop an import behind its current step; rows stay.")
    async def import_cancel(
        self,
        info: Info,
        input: Annotated[ImportInput, strawberry.argument(description="The import.")],
    ) -> ImportPayload | None:
        try:
            run = await imports.cancel_import(
                info.context.viewer, info.context.storage, given_id(input.import_id)
            )
        except EXPECTED as error:
            return ImportPayload(run=None, errors=user_errors(error))
        return ImportPayload(run=Import.of(run), errors=[])

    @strawberry.mutation(description="Go on with a cancelled or failed import where it stopped.")
    async def import_resume(
        self,
        info: Info,
        input: Annotated[ImportInput, strawberry.argument(description="The import.")],
    ) -> ImportPayload | None:
        try:
            run = await imports.resume_import(
                info.context.viewer, info.context.storage, given_id(input.import_id)
            )
        except EXPECTED as error:
            return ImportPayload(run=None, errors=user_errors(error))
        return ImportPayload(run=Import.of(run), errors=[])
