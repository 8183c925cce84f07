"""Rollbacks of many rows: what they did, and those that run in the background."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

import strawberry

from domain import ids, rollbacks
from domain.rollback_records import RollbackRun, RowConflict
from gql.context import Info
from gql.types.history_words import RollbackConflictReason, RollbackKind, RollbackStatus
from gql.types.tables import Table


@strawberry.type(description="A row that a rollback left alone.")
class RollbackConflict:
    row_id: strawberry.ID = strawberry.field(description="The row.")
    revision: int = strawberry.field(description="The later change that is in the way.")
    actor: str = strawberry.field(description="Who made that change.")
    reason: RollbackConflictReason = strawberry.field(description="Why it is in the way.")


def shown_conflicts(found: Sequence[RowConflict]) -> list[RollbackConflict]:
    """Conflicts as the schema has them."""
    return [
        RollbackConflict(
            row_id=strawberry.ID(str(each.row_id)),
            revision=each.revision,
            actor=each.actor,
            reason=RollbackConflictReason(each.reason.value),
        )
        for each in found
    ]


@strawberry.type(description="A rollback of more than 10,000 rows, which runs in the background.")
class Rollback:
    run: strawberry.Private[RollbackRun]
    id: strawberry.ID = strawberry.field(description="The id of the rollback.")
    kind: RollbackKind = strawberry.field(description="What is undone.")
    status: RollbackStatus = strawberry.field(description="Where it stands.")
    rows_total: int = strawberry.field(description="Rows that the undone changes touched.")
    rows_seen: int = strawberry.field(description="Rows that it has looked at.")
    rows_deleted: int = strawberry.field(description="Rows that it deleted.")
    rows_changed: int = strawberry.field(description="Rows to which it gave other values.")
    rows_restored: int = strawberry.field(description="Rows that it made again.")
    conflict_count: int = strawberry.field(description="Rows that it left alone.")
    revision: int = strawberry.field(description="The table's revision after its last step.")
    error: str | None = strawberry.field(description="Why it stopped, when it failed.")
    created_at: datetime = strawberry.field(description="When it was asked for.")
    finished_at: datetime | None = strawberry.field(description="When it ended.")

    @strawberry.field(description="Its table; null when that was deleted.")
    async def table(self, info: Info) -> Table | None:
        table = await info.context.loaders.tables.load(self.run.table_id)
        return Table.of(table) if table else None

    @strawberry.field(description="The rows that it left alone, by id.")
    async def conflicts(
        self,
        info: Info,
        first: Annotated[int, strawberry.argument(description="How many, 1 to 1,000.")] = 20,
        after_row: Annotated[
            strawberry.ID | None, strawberry.argument(description="Only those behind this row.")
        ] = None,
    ) -> list[RollbackConflict]:
        after = ids.parse(after_row) if after_row is not None else None
        found = await rollbacks.rollback_conflicts(
            info.context.viewer, info.context.storage, self.run.id, after, first
        )
        return shown_conflicts(found)

    @classmethod
    def of(cls, run: RollbackRun) -> "Rollback":
        return cls(
            run=run,
            id=strawberry.ID(str(run.id)),
            kind=RollbackKind(run.undo.kind.value),
            status=RollbackStatus(run.status.value),
            rows_total=run.rows_total,
            rows_seen=run.rows_seen,
            rows_deleted=run.rows_deleted,
            rows_changed=run.rows_changed,
            rows_restored=run.rows_restored,
            conflict_count=run.conflict_count,
            revision=run.revision,
            error=run.error,
            created_at=run.created_at,
            finished_at=run.finished_at,
        )
