"""Imports of files: preview, start, cancel, resume.

CSV and TSV are read as they are; spreadsheets and JSON are converted to CSV once, before. A small
file goes in at once, in one transaction. A larger one becomes a job: chunks, each with its own
revision, that a worker writes and that can be cancelled and resumed between any two."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from uuid import UUID

from domain import access, checks, column_editing, ids
from domain.access import Viewer
from domain.column_rules import new_column_problems
from domain.columns import NewColumn, TableShape
from domain.csv_text import Batch, CsvError
from domain.entities import File, Import, ImportRejection, ImportStatus
from domain.errors import Conflict, ErrorCode, Invalid, NotFound, StructureMoved, invalid
from domain.files import require_bytes
from domain.import_merges import check_keys
from domain.import_plans import ImportMode, ImportPlan
from domain.import_reading import Opened, Reading, batches_of, count_rows, encode_batch, open_file
from domain.inference import InferredColumn, MappingEntry, Preview, apply_mapping, found_by_label
from domain.ports import Storage
from domain.tables import on_table, shape_of

#: Up to this many rows and bytes an import is one transaction in the process that was asked.
INLINE_ROWS = 5_000
INLINE_BYTES = 4_000_000
MAX_REJECTIONS = 1_000

_FIRST_PAUSE, _LONGEST_PAUSE = 0.01, 0.5
_ACTIVE = (ImportStatus.QUEUED, ImportStatus.RUNNING)


@dataclass(frozen=True, slots=True)
class ImportStart:
    """What to import where. The same `import_key` again gives the same import.

    `key_columns` are keys of columns: with `UPSERT`, a row of the file updates the row that has the
    same values in them. `skip_triggers` keeps all triggers still; the log says so."""

    table_id: UUID
    file_id: UUID
    mapping: Sequence[MappingEntry] = ()
    import_key: str | None = None
    reading: Reading = field(default_factory=Reading)
    mode: ImportMode = ImportMode.APPEND
    key_columns: Sequence[str] = ()
    skip_triggers: bool = False


@dataclass(frozen=True, slots=True)
class ImportPreview:
    """What an import would see. `total_rows` counts the whole file without its header."""

    preview: Preview
    total_rows: int


async def preview_import(
    viewer: Viewer,
    storage: Storage,
    table_id: UUID,
    file_id: UUID,
    reading: Reading | None = None,
) -> ImportPreview:
    """Headers, sample rows, guessed columns and the count of rows. Nothing is written.

    Raises `NotFound` and `Invalid`."""
    access.require(viewer, "importPreview")
    shape = await shape_of(viewer, storage, table_id)
    file = await _file(viewer, storage, file_id)
    opened = await open_file(storage, file, reading or Reading())
    seen = replace(opened.preview, columns=found_by_label(opened.preview.columns, shape))
    return ImportPreview(seen, await count_rows(storage, opened))


async def start_import(viewer: Viewer, storage: Storage, command: ImportStart) -> Import:
    """Import a file: columns that are missing are added, then rows are added or updated.

    A small file is done when this returns, a larger one is queued. Rows that break a rule are left
    out and told (`import_rejections`). Raises `NotFound`, `Invalid`, `TableBusy`, and `Conflict`
    for an import key that was used for something else."""
    access.require(viewer, "importStart")
    checks.refuse(checks.text_problems("importKey", command.import_key, 1, 256))
    if command.import_key is not None:
        known = await storage.imports.by_key(viewer.organization_id, command.import_key)
        if known is not None:
            return _same(known, command)
    shape = await shape_of(viewer, storage, command.table_id)
    file = await _file(viewer, storage, command.file_id)
    opened = await open_file(storage, file, command.reading)
    inferred = found_by_label(opened.preview.columns, shape)
    wanted = apply_mapping(inferred, command.mapping)
    if not wanted:
        raise invalid(ErrorCode.REQUIRED, "No column is left to import", "columnMapping")
    check_keys(command.mode, command.key_columns, wanted, shape)
    await _add_missing(viewer, storage, command.table_id, wanted)
    whole = await _whole(storage, opened)

    async def work(shape: TableShape) -> Import:
        plan = _plan(command, opened, wanted, shape)
        new = _new(viewer, command, plan, opened)
        if whole is None:
            return await storage.imports.queue(new)
        encoded = await encode_batch(storage, shape, new, plan.checker(shape), whole, True)
        return await storage.imports.add_whole(shape, new, encoded)

    return _same(await on_table(viewer, storage, command.table_id, work), command)


async def get_import(viewer: Viewer, storage: Storage, import_id: UUID) -> Import:
    """An import with its progress. Raises `NotFound`."""
    access.require(viewer, "import")
    return await _existing(viewer, storage, import_id)


async def import_progress(viewer: Viewer, storage: Storage, import_id: UUID) -> Import:
    """An import as it stands, for somebody who follows it.

    Whoever hears of a new revision of its table asks again: each chunk and each end makes one.
    Raises `NotFound`."""
    access.require(viewer, "importProgress")
    return await _existing(viewer, storage, import_id)


async def import_rejections(
    viewer: Viewer, storage: Storage, import_id: UUID, after_line: int = 0, limit: int = 20
) -> list[ImportRejection]:
    """Rows that were not imported, in the order of the file, behind `after_line`; 1,000 at most."""
    access.require(viewer, "import")
    if not 1 <= limit <= MAX_REJECTIONS:
        raise invalid(ErrorCode.OUT_OF_RANGE, f"limit must be 1 to {MAX_REJECTIONS}", "limit")
    return await storage.imports.rejections(viewer.organization_id, import_id, after_line, limit)


async def finished_import(viewer: Viewer, storage: Storage, import_id: UUID) -> Import:
    """Wait until the import has ended, whatever its end is. Raises `NotFound`."""
    access.require(viewer, "import")
    pause = _FIRST_PAUSE
    while (found := await get_import(viewer, storage, import_id)).status in _ACTIVE:
        await asyncio.sleep(pause)
        pause = min(pause * 2, _LONGEST_PAUSE)
    return found


async def cancel_import(viewer: Viewer, storage: Storage, import_id: UUID) -> Import:
    """Stop an import before its next chunk; what was written stays. One that has ended stays as it
    is. Raises `NotFound`."""
    access.require(viewer, "importCancel")
    run = await _existing(viewer, storage, import_id)
    if await storage.tables.shape(viewer.organization_id, run.table_id) is None:
        await storage.imports.finish(None, viewer.actor, run, ImportStatus.CANCELLED, None)
        return await _existing(viewer, storage, import_id)

    async def work(shape: TableShape) -> Import | None:
        return await storage.imports.finish(shape, viewer.actor, run, ImportStatus.CANCELLED, None)

    ended = await on_table(viewer, storage, run.table_id, work)
    return ended or await _existing(viewer, storage, import_id)


async def resume_import(viewer: Viewer, storage: Storage, import_id: UUID) -> Import:
    """Go on with a cancelled or failed import where it stopped; one that runs is left alone.

    Raises `NotFound`, also for its table or file, and `Conflict` for a completed one."""
    access.require(viewer, "importResume")
    run = await _existing(viewer, storage, import_id)
    if run.status in _ACTIVE:
        return run
    if run.status is ImportStatus.COMPLETED:
        raise Conflict("The import has completed")
    await shape_of(viewer, storage, run.table_id)
    await _file(viewer, storage, run.file_id)
    resumed = await storage.imports.resume(viewer.organization_id, import_id)
    return resumed or await _existing(viewer, storage, import_id)


def _plan(
    command: ImportStart, opened: Opened, wanted: Sequence[InferredColumn], shape: TableShape
) -> ImportPlan:
    plan = ImportPlan.of(
        opened.form,
        opened.preview.headers,
        wanted,
        shape,
        sheet=command.reading.sheet,
        skip_triggers=command.skip_triggers,
        literal=opened.literal,
    )
    if any(key not in shape.columns_by_key for key in command.key_columns):
        raise StructureMoved
    keys = [shape.columns_by_key[key].number for key in command.key_columns]
    return replace(plan, keys=keys)


async def _whole(storage: Storage, opened: Opened) -> Batch | None:
    """All rows of a small file as one batch; None for a file that becomes a job."""
    if opened.text.size > INLINE_BYTES:
        return None
    try:
        reader = opened.reader(INLINE_ROWS)
        async for batch, last in batches_of(storage, opened.text, reader, opened.offset):
            return batch if last else None
    except CsvError as error:
        raise invalid(ErrorCode.INVALID, str(error), "fileId") from None
    return Batch([], 2, opened.offset)


async def _add_missing(
    viewer: Viewer, storage: Storage, table_id: UUID, wanted: Sequence[InferredColumn]
) -> None:
    shape = await shape_of(viewer, storage, table_id)
    missing = [
        NewColumn(each.key, each.label, each.type, config=each.config)
        for each in wanted
        if each.key not in shape.columns_by_key
    ]
    checks.refuse(new_column_problems(missing, shape.columns))
    for column in missing:
        try:
            await column_editing.add_column(viewer, storage, table_id, column)
        except Invalid as error:
            # Somebody else, perhaps the same import twice at once, has just made it.
            if any(problem.code is not ErrorCode.DUPLICATE for problem in error.problems):
                raise


def _new(viewer: Viewer, command: ImportStart, plan: ImportPlan, opened: Opened) -> Import:
    now = datetime.now(UTC)
    return Import(
        id=ids.new_id(ids.Kind.IMPORT),
        organization_id=viewer.organization_id,
        table_id=command.table_id,
        file_id=command.file_id,
        import_key=command.import_key,
        status=ImportStatus.QUEUED,
        plan=plan.as_json(),
        bytes_total=opened.text.size,
        byte_offset=opened.offset,
        next_line=2,
        rows_imported=0,
        rows_updated=0,
        rows_skipped=0,
        revision=0,
        error=None,
        created_by=viewer.actor,
        created_at=now,
        updated_at=now,
        finished_at=None,
    )


def _same(known: Import, command: ImportStart) -> Import:
    if (known.table_id, known.file_id) != (command.table_id, command.file_id):
        raise Conflict("The import key was used for another file or table")
    return known


async def _file(viewer: Viewer, storage: Storage, file_id: UUID) -> File:
    file = await storage.files.get(viewer.organization_id, file_id)
    if file is None:
        raise NotFound("File")
    return require_bytes(file)


async def _existing(viewer: Viewer, storage: Storage, import_id: UUID) -> Import:
    run = await storage.imports.get(viewer.organization_id, import_id)
    if run is None:
        raise NotFound("Import")
    return run
