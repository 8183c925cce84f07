"""What use cases need of storage for triggers and their firings."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Protocol
from uuid import UUID

from domain.trigger_records import (
    Firing,
    FiringPage,
    FiringResult,
    FiringStatus,
    Replayed,
    TakenFiring,
    Trigger,
    TriggerCreate,
)


class TriggerStore(Protocol):
    async def of_table(self, organization_id: UUID, table_id: UUID) -> list[Trigger]: ...

    async def get(self, organization_id: UUID, trigger_id: UUID) -> Trigger | None: ...

    async def create(
        self,
        organization_id: UUID,
        actor: str,
        command: TriggerCreate,
        condition: Any,
        most: int,
    ) -> Trigger | None:
        """The trigger, from the table's present revision on; None when it has `most` already."""

    async def update(
        self, organization_id: UUID, actor: str, trigger_id: UUID, changes: Mapping[str, Any]
    ) -> Trigger | None:
        """A trigger that becomes active again goes on from the table's present revision."""

    async def delete(self, organization_id: UUID, actor: str, trigger_id: UUID) -> bool: ...


class FiringStore(Protocol):
    async def page(
        self,
        organization_id: UUID,
        trigger_id: UUID,
        status: FiringStatus | None,
        after: UUID | None,
        limit: int,
    ) -> FiringPage: ...

    async def count(
        self, organization_id: UUID, trigger_id: UUID, status: FiringStatus | None
    ) -> int: ...

    async def get(self, organization_id: UUID, firing_id: UUID) -> Firing | None: ...

    async def replay(self, firing: Firing) -> Firing:
        """A new firing with the same input, queued."""

    async def replay_all(
        self,
        organization_id: UUID,
        trigger_id: UUID,
        statuses: Collection[FiringStatus],
        most: int,
    ) -> Replayed: ...

    async def take(self, first: UUID, last: UUID, most: int) -> list[TakenFiring]:
        """Set the first firings between two ids running that have not ended, whoever began them;
        in order."""

    async def leave(self, first: UUID, last: UUID) -> None:
        """Have the firings between two ids run by another job."""

    async def finish(self, results: Sequence[FiringResult]) -> None:
        """Store how attempts ended, and count the successes of their triggers."""
