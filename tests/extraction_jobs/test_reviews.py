"""Reviews: accepting, correcting, and the one word that a document is reviewed."""

import asyncio
from decimal import Decimal
from uuid import UUID

import pytest

from domain import extraction_examples, reviews, rows
from domain.errors import Conflict, Invalid, NotFound
from domain.extraction_records import ReviewStatus, ReviewSummary, TableCorrections
from tests.extraction_jobs.office import Office, shown


async def test_accepting_all_tells_who_and_when(office: Office) -> None:
    file_id = await office.file()
    await office.read(file_id)
    summary = await _accept(office, file_id)
    tables = tuple(sorted((office.invoices, office.lines)))
    assert summary == ReviewSummary(5, 0, 0, 0, tables, 0)
    actor = office.world.viewer.actor
    for table in await office.tables(file_id):
        for row in table.rows:
            assert row.review.status is ReviewStatus.ACCEPTED
            assert row.review.reviewed_by == actor
            assert row.review.reviewed_at is not None
            assert row.record.version == 2
    entry = (await office.world.storage.log.table_entries(office.lines, 0, 100))[-1]
    assert entry.change.cause == {"kind": "review", "id": str(file_id)}
    assert (entry.change.actor, entry.change.rows_changed) == (actor, 4)
    [told] = await office.told("document_reviewed", file_id)
    assert told == {"schemaId": str(office.schema.id), "accepted": 5, "total": 5}
    await office.check_logs()


async def test_accepting_twice_says_so_once(office: Office) -> None:
    file_id = await office.file()
    await office.read(file_id)
    await _accept(office, file_id)
    assert await _accept(office, file_id) == ReviewSummary(0, 0, 0, 0, (), 0)
    assert len(await office.told("document_reviewed", file_id)) == 1
    # A file that is read again is reviewed again.
    await office.read(file_id)
    assert (await _accept(office, file_id)).rows_accepted == 5
    [_, again] = await office.told("document_reviewed", file_id)
    assert (again["accepted"], again["total"]) == (10, 10)


async def test_two_reviewers_at_once_say_so_once(office: Office) -> None:
    file_id = await office.file()
    await office.read(file_id)
    only_lines = {office.lines: TableCorrections()}
    only_invoices = {office.invoices: TableCorrections()}
    done = await asyncio.gather(
        *(_submit(office, file_id, each) for each in (only_lines, only_invoices) * 3),
        *(_accept(office, file_id) for _ in range(3)),
    )
    assert sum(each.rows_accepted for each in done) == 5
    assert len(await office.told("document_reviewed", file_id)) == 1
    await office.check_logs()


async def test_corrections_delete_change_and_add(office: Office) -> None:
    file_id = await office.file()
    await office.read(file_id)
    invoices, lines = await office.tables(file_id)
    nail, screw, *_ = (row.review.row_id for row in lines.rows)
    item, amount = (column.number for column in lines.columns)
    summary = await _submit(
        office,
        file_id,
        {
            office.lines: TableCorrections(
                [nail, UUID(int=5)],
                {screw: {amount: Decimal("4.5")}},
                [{"item": "washer", "amount": 7}],
            )
        },
    )
    assert summary == ReviewSummary(3, 1, 1, 1, (office.lines,), 1)
    invoices, lines = await office.tables(file_id)
    assert [(row["item"], row["amount"]) for row in shown(lines)] == [
        ("screw", 4.5),
        ("bolt", 5),
        ("nut", 6),
        ("washer", 7),
    ]
    assert {row.review.status for row in lines.rows} == {ReviewStatus.ACCEPTED}
    corrected = lines.rows[0]
    state = corrected.record.states[amount]
    assert state.producer == {"kind": "person", "actor": office.world.viewer.actor}
    assert (state.raw, corrected.cells[item].raw) == (None, "screw")
    # Rows of other tables wait.
    assert [row.review.status for row in invoices.rows] == [ReviewStatus.PENDING]
    assert await office.told("document_reviewed", file_id) == []
    await _accept(office, file_id)
    [told] = await office.told("document_reviewed", file_id)
    assert (told["accepted"], told["total"]) == (5, 5)
    await office.check_logs()


async def test_a_correction_becomes_an_example(office: Office) -> None:
    viewer, storage = office.world.viewer, office.world.storage
    file_id = await office.file("line: item=nail; amount=3\nline: item=screw; amount=oops")
    await office.read(file_id)
    _, lines = await office.tables(file_id)
    amount = lines.columns[1].number
    # The first one is confirmed, the second corrected.
    given = {row.review.row_id: {amount: 3} for row in lines.rows}
    await _submit(office, file_id, {office.lines: TableCorrections(updated=given)})
    [example] = await extraction_examples.list_examples(viewer, storage, office.schema.id, 10)
    assert (example.table_id, example.column_number, example.file_id) == (
        office.lines,
        amount,
        file_id,
    )
    assert (example.text, example.before, example.after) == ("screw | oops", "oops", "3")
    assert example.created_by == viewer.actor


async def test_bad_corrections_change_nothing(office: Office) -> None:
    file_id, other = await office.file(), await office.file(name="other.txt")
    await office.read(file_id)
    await office.read(other)
    _, lines = await office.tables(file_id)
    _, others = await office.tables(other)
    mine, foreign = lines.rows[0].review.row_id, others.rows[0].review.row_id
    with pytest.raises(Invalid) as caught:
        await _submit(
            office,
            file_id,
            {
                office.lines: TableCorrections(
                    [mine], {foreign: {"item": "x"}, mine: {"amount": "many", 99: 1}}
                )
            },
        )
    told = [problem.message for problem in caught.value.problems]
    assert [each for each in told if "Row not found" in each]
    assert [each for each in told if "shall be deleted" in each]
    assert [each for each in told if "amount" in each]
    assert [each for each in told if "no column 99" in each]
    with pytest.raises(NotFound, match="Table not found"):
        await _submit(office, file_id, {UUID(int=1): TableCorrections()})
    with pytest.raises(Invalid):
        await _submit(office, file_id, {})
    # The row of another file is not deleted through this one.
    assert (await _submit(office, file_id, {office.lines: TableCorrections([foreign])})).pending
    assert len((await office.tables(other))[1].rows) == 4


async def test_rows_deleted_elsewhere_are_not_pending(office: Office) -> None:
    viewer, storage = office.world.viewer, office.world.storage
    file_id = await office.file()
    await office.read(file_id)
    invoices, _ = await office.tables(file_id)
    await rows.delete_rows(viewer, storage, office.invoices, [invoices.rows[0].review.row_id])
    summary = await _submit(office, file_id, {office.lines: TableCorrections()})
    assert summary.pending == 0
    [told] = await office.told("document_reviewed", file_id)
    assert (told["accepted"], told["total"]) == (4, 4)


async def test_only_what_was_read_is_reviewed(office: Office) -> None:
    file_id = await office.file()
    with pytest.raises(NotFound, match="File not found"):
        await _accept(office, UUID(int=1))
    with pytest.raises(Conflict, match="No processed data"):
        await _accept(office, file_id)
    job = await office.start(file_id)
    with pytest.raises(Conflict, match="being processed"):
        await _accept(office, file_id)
    await office.work(job)
    assert (await _accept(office, file_id)).rows_accepted == 5


async def test_a_reading_that_failed_is_not_reviewed(office: Office) -> None:
    file_id = await office.file("broken")
    await office.read(file_id)
    assert (await _accept(office, file_id)).rows_accepted == 0
    assert await office.told("document_reviewed", file_id) == []


async def _accept(office: Office, file_id: UUID) -> ReviewSummary:
    return await reviews.accept_all(office.world.viewer, office.world.storage, file_id)


async def _submit(
    office: Office, file_id: UUID, corrections: dict[UUID, TableCorrections]
) -> ReviewSummary:
    return await reviews.submit(office.world.viewer, office.world.storage, file_id, corrections)
