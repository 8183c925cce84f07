"""What the hub needs from the change log: clocks and entries. Whoever has the SQL provides it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol
from uuid import UUID

TopicKind = Literal["table", "organization", "workflow", "extraction"]


@dataclass(frozen=True, slots=True)
class Topic:
    """One log that can be followed: a table's, an organisation's, a workflow's or an extraction
    job's."""

    kind: TopicKind
    id: UUID

    @property
    def channel(self) -> str:
        """The name of the topic on the bus."""
        return f"{self.kind}:{self.id}"


class Entry(Protocol):
    """One change. Apart from its revision the hub never looks inside."""

    @property
    def revision(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Clock:
    """Where a log stands.

    `revision` is its last committed revision; `oldest` is the revision before the first entry still
    kept, so 0 means that everything is kept and `after >= oldest` can be replayed.
    """

    revision: int
    oldest: int = 0


class Unavailable(Exception):
    """The store cannot answer now, the same call may succeed later.

    A render that raises it is tried again with back-off; any other exception ends its subscribers.
    """


class LogReader(Protocol):
    """Reads logs. Both calls may raise anything: the hub waits and tries again.

    Answers must not run backwards: what one call has shown, the next one shows too.
    """

    async def clocks(self, topics: Sequence[Topic]) -> Mapping[Topic, Clock]:
        """The clocks of all topics in one statement. A topic that is missing no longer exists."""
        ...

    async def read(self, topic: Topic, after: int, limit: int) -> Sequence[Entry]:
        """At most `limit` entries with a revision above `after`, ascending and without holes."""
        ...
