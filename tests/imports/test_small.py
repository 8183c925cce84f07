"""Imports of small files: preview, mapping, missing columns, refused rows, idempotent keys."""

import asyncio
from decimal import Decimal

import pytest

from domain import imports, tables
from domain.access import Role, Viewer
from domain.columns import ColumnType, ComputedBy, NewColumn
from domain.entities import ImportRejection, ImportStatus
from domain.errors import Conflict, Forbidden, Invalid, NotFound
from domain.ids import Kind, new_id
from domain.imports import ImportStart
from domain.inference import MappingEntry
from tests.imports.importing import Importer

PEOPLE = (
    b"Name,Age,E-mail,Joined,Note\r\n"
    b'Ann,31,ann@example.org,2024-02-29,"two\r\nlines, ""quoted"""\r\n'
    b"Bob,,bob@example.org,2023-01-01,\r\n"
    b'"Zo\xc3\xab",7.50,zoe@example.org,1999-12-31,\\N\r\n'
)


async def test_preview_shows_what_an_import_would_do(importer: Importer) -> None:
    world = importer.world
    table_id = await world.table()
    file = await importer.upload(PEOPLE)
    seen = await imports.preview_import(world.viewer, world.storage, table_id, file.id)
    assert seen.total_rows == 3
    assert seen.preview.headers == ["Name", "Age", "E-mail", "Joined", "Note"]
    assert seen.preview.sample_rows[0]["Note"] == 'two\r\nlines, "quoted"'
    assert [(c.key, c.type.value) for c in seen.preview.columns] == [
        ("name", "text"),
        ("age", "number"),
        ("e_mail", "email"),
        ("joined", "date"),
        ("note", "text"),
    ]
    assert (await world.shape(table_id)).columns == ()


async def test_a_small_file_arrives_in_one_revision(importer: Importer) -> None:
    world = importer.world
    table_id = await world.table()
    run = await importer.start(table_id, PEOPLE)
    assert (run.status, run.rows_imported, run.rows_skipped) == (ImportStatus.COMPLETED, 3, 0)
    assert [each["name"] for each in run.plan["columns"]] == [
        "name",
        "age",
        "e_mail",
        "joined",
        "note",
    ]
    assert await importer.cells(table_id) == [
        {
            "name": "Ann",
            "age": 31,
            "e_mail": "ann@example.org",
            "joined": "2024-02-29",
            "note": 'two\r\nlines, "quoted"',
        },
        {
            "name": "Bob",
            "age": None,
            "e_mail": "bob@example.org",
            "joined": "2023-01-01",
            "note": None,
        },
        {
            "name": "Zoë",
            "age": 7.5,
            "e_mail": "zoe@example.org",
            "joined": "1999-12-31",
            "note": "\\N",
        },
    ]
    await importer.check_log(table_id, 3)
    change = await world.database.pool.fetchrow(
        "SELECT kind, cause::text AS cause, actor FROM change"
        " WHERE table_id = $1 AND revision = $2",
        table_id,
        run.revision,
    )
    assert change is not None
    assert (change["kind"], change["actor"]) == ("rows_added", world.viewer.actor)
    assert str(run.id) in change["cause"]
    assert await importer.get(run) == run


async def test_images_in_history_are_those_that_other_writes_make(importer: Importer) -> None:
    world = importer.world
    columns = [
        NewColumn(type_.value, type_.value, type_)
        for type_ in ColumnType
        if type_ is not ColumnType.COMPUTED
    ]
    table_id = await world.table(*columns)
    linked = str(new_id(Kind.ROW))
    row = {
        "text": 'back\\slash "quote" tab\there, line\nbreak \u2028 {"a":1}',
        "number": Decimal("12345678901234567890.125"),
        "boolean": True,
        "date": "2024-02-29",
        "datetime": "2024-02-29T12:30:00.250Z",
        "select": "one",
        "url": "https://example.org/a?b=c",
        "email": "a@example.org",
        "relation": [linked],
    }
    text = str(row["text"]).replace('"', '""')
    record = (
        f'"{text}",12345678901234567890.125,yes,2024-02-29,2024-02-29T12:30:00.250Z,one,'
        f"https://example.org/a?b=c,a@example.org,{linked}\n"
    )
    content = ",".join(row) + "\n" + record
    run = await importer.start(table_id, content.encode())
    assert run.rows_skipped == 0
    await world.add(table_id, row)
    images = await world.database.pool.fetch(
        "SELECT data::text FROM row_version WHERE table_id = $1 ORDER BY position", table_id
    )
    assert len(images) == 2
    assert images[0] == images[1]


async def test_mapping_renames_retypes_and_skips_and_existing_columns_are_filled(
    importer: Importer,
) -> None:
    world = importer.world
    table_id = await world.table(NewColumn("age", "Years", ColumnType.TEXT))
    mapping = [
        MappingEntry("name", "Full name", "text"),
        MappingEntry("mail", "E-mail", "text"),
        MappingEntry("note", "Note", "text", skip=True),
    ]
    await importer.start(table_id, PEOPLE, mapping)
    shape = await world.shape(table_id)
    assert [(c.key, c.label, c.type.value) for c in shape.columns] == [
        ("age", "Years", "text"),
        ("name", "Full name", "text"),
        ("mail", "E-mail", "text"),
        ("joined", "Joined", "date"),
    ]
    first = (await importer.cells(table_id))[0]
    assert first == {
        "age": "31",
        "name": "Ann",
        "mail": "ann@example.org",
        "joined": "2024-02-29",
    }


async def test_refused_rows_are_told_and_the_others_go_in(importer: Importer) -> None:
    world = importer.world
    table_id = await world.table(
        NewColumn("name", "Name", ColumnType.TEXT, required=True),
        NewColumn("mail", "Mail", ColumnType.EMAIL),
        NewColumn("level", "Level", ColumnType.NUMBER, default_value="1"),
    )
    content = (
        b"name,mail\nA,a@b.org\n,x@y.org\nC,nonsense\nD,d@b.org,extra\nE\n" + b"x" * 1500 + b",?\n"
    )
    run = await importer.start(table_id, content)
    assert (run.status, run.rows_imported, run.rows_skipped) == (ImportStatus.COMPLETED, 2, 4)
    told = await imports.import_rejections(world.viewer, world.storage, run.id)
    assert [(each.line, each.record) for each in told] == [
        (3, ["", "x@y.org"]),
        (4, ["C", "nonsense"]),
        (5, ["D", "d@b.org", "extra"]),
        (7, ["x" * 1000, "?"]),
    ]
    assert all(each.error for each in told)
    rest = await imports.import_rejections(world.viewer, world.storage, run.id, 4, 1)
    assert rest == told[2:3]
    assert isinstance(rest[0], ImportRejection)
    assert await importer.cells(table_id) == [
        {"name": "A", "mail": "a@b.org", "level": 1},
        {"name": "E", "mail": None, "level": 1},
    ]
    await importer.check_log(table_id, 2)


async def test_a_file_without_good_rows_completes_without_a_revision_of_rows(
    importer: Importer,
) -> None:
    table_id = await importer.world.table(NewColumn("mail", "Mail", ColumnType.EMAIL))
    only_header = await importer.start(table_id, b"mail\n")
    all_bad = await importer.start(table_id, b"mail\nx\ny\n")
    for run, skipped in ((only_header, 0), (all_bad, 2)):
        assert (run.status, run.rows_imported) == (ImportStatus.COMPLETED, 0)
        assert run.rows_skipped == skipped
    await importer.check_log(table_id, 0)


async def test_the_same_key_gives_the_same_import(importer: Importer) -> None:
    world = importer.world
    table_id = await world.table()
    file = await importer.upload(PEOPLE)
    command = ImportStart(table_id, file.id, (), "once")
    runs = await asyncio.gather(
        *(imports.start_import(world.viewer, world.storage, command) for _ in range(5))
    )
    assert len({run.id for run in runs}) == 1
    assert len(await importer.cells(table_id)) == 3
    other = await importer.upload(PEOPLE)
    with pytest.raises(Conflict):
        await imports.start_import(
            world.viewer, world.storage, ImportStart(table_id, other.id, (), "once")
        )
    again = await imports.start_import(
        world.viewer, world.storage, ImportStart(table_id, file.id, (), "twice")
    )
    assert again.id != runs[0].id
    assert len(await importer.cells(table_id)) == 6


async def test_values_for_outside_workers_resolve_their_cells(importer: Importer) -> None:
    world = importer.world
    table_id = await world.table(
        "a", NewColumn("b", "B", ColumnType.TEXT, computed_by=ComputedBy.EXTERNAL)
    )
    await importer.start(table_id, b"a,b\n1,x\n2,\n")
    for table in ("cell_state", "cell_change"):
        found = await world.database.pool.fetch(
            f"SELECT status FROM {table} WHERE table_id = $1", table_id
        )
        assert [each["status"] for each in found] == ["resolved"]


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b"%PDF-1.7", "a.csv"),
        (b"just some words", "letter.txt"),
        (b"", "empty.csv"),
        (b'a,b\n1,"open\n', "a.csv"),
        (b"a\n" + b"," * 600, "a.csv"),
    ],
)
async def test_what_cannot_be_read_is_refused_and_changes_nothing(
    importer: Importer, content: bytes, name: str
) -> None:
    world = importer.world
    table_id = await world.table()
    file = await importer.upload(content, name)
    with pytest.raises(Invalid):
        await imports.start_import(world.viewer, world.storage, ImportStart(table_id, file.id))
    with pytest.raises(Invalid):
        await imports.preview_import(world.viewer, world.storage, table_id, file.id)
    await importer.check_log(table_id, 0)


async def test_unknown_tables_files_and_imports_do_not_exist(importer: Importer) -> None:
    world = importer.world
    viewer, storage = world.viewer, world.storage
    table_id = await world.table()
    file = await importer.upload(PEOPLE)
    for command in (
        ImportStart(new_id(Kind.TABLE), file.id),
        ImportStart(table_id, new_id(Kind.FILE)),
    ):
        with pytest.raises(NotFound):
            await imports.start_import(viewer, storage, command)
    for call in (imports.get_import, imports.cancel_import, imports.resume_import):
        with pytest.raises(NotFound):
            await call(viewer, storage, new_id(Kind.IMPORT))
    stranger = Viewer(new_id(Kind.ORGANIZATION), Role.ADMIN)
    run = await importer.start(table_id, PEOPLE)
    with pytest.raises(NotFound):
        await imports.get_import(stranger, storage, run.id)
    assert await imports.import_rejections(stranger, storage, run.id) == []
    looker = Viewer(viewer.organization_id, Role.VIEWER)
    with pytest.raises(Forbidden):
        await imports.start_import(looker, storage, ImportStart(table_id, file.id))
    await tables.delete_table(viewer, storage, table_id)
    with pytest.raises(NotFound):
        await imports.start_import(viewer, storage, ImportStart(table_id, file.id))
