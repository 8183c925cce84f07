"""Sealing all secrets with another key, so that the one before can be taken away."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from domain.errors import SecretLost
from persistence.engine import Connection, Database
from persistence.secret_box import SecretBox

#: Table and column of everything that is sealed, by what their purposes begin with.
SEALED: Mapping[str, tuple[tuple[str, str], ...]] = MappingProxyType(
    {
        "provider": (("provider", "api_key"),),
        "secret": (("secret", "value"),),
        "webhook": (("webhook_endpoint", "secret"), ("webhook_endpoint", "previous_secret")),
    }
)


@dataclass(frozen=True, slots=True)
class Resealed:
    """How many values the first key seals now that another one sealed before, and how many no key
    opens: those stay as they are."""

    changed: int
    lost: int


async def reseal(database: Database, box: SecretBox) -> Resealed:
    """Seal everything with the first key of the box, in one transaction. Who changes a secret at
    the same moment waits."""
    changed = lost = 0
    async with database.pool.acquire() as connection, connection.transaction():
        for kind, places in SEALED.items():
            for table, column in places:
                more, fewer = await _reseal(connection, box, kind, table, column)
                changed, lost = changed + more, lost + fewer
    return Resealed(changed, lost)


async def _reseal(
    connection: Connection, box: SecretBox, kind: str, table: str, column: str
) -> tuple[int, int]:
    records = await connection.fetch(
        f"SELECT organization_id, id, {column} AS sealed FROM {table} WHERE {column} IS NOT NULL"
        " ORDER BY id FOR UPDATE"
    )
    changed = lost = 0
    for record in records:
        if box.is_sealed_by_first(record["sealed"]):
            continue
        organization_id, purpose = record["organization_id"], f"{kind}:{record['id']}"
        try:
            opened = box.open(organization_id, purpose, record["sealed"])
        except SecretLost:
            lost += 1
            continue
        anew = box.seal(organization_id, purpose, opened)
        await connection.execute(
            f"UPDATE {table} SET {column} = $2 WHERE id = $1", record["id"], anew
        )
        changed += 1
    return changed, lost
