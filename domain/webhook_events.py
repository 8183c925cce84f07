"""The events that webhooks tell of, dialect by dialect."""

from collections.abc import Mapping
from enum import StrEnum


class WebhookDialect(StrEnum):
    """In which words an endpoint is told. It decides events, payloads and headers."""

    NATIVE = "native"
    PHACET = "phacet"
    LIMAI = "limai"

    @property
    def follows_schemas(self) -> bool:
        """Whether its endpoints follow documents of an extraction schema, and no tables."""
        return self is WebhookDialect.LIMAI


class WebhookEvent(StrEnum):
    """Every event. Some belong to one dialect only; `EVENTS` tells."""

    ROW_CREATED = "row.created"
    ROW_UPDATED = "row.updated"
    ROW_DELETED = "row.deleted"
    CELL_STATUS = "cell.status"
    CALCULATION_STARTED = "row.calculation.started"
    CALCULATION_COMPLETED = "row.calculation.completed"
    CALCULATION_FAILED = "row.calculation.failed"
    RUN_ENDED = "run.ended"
    TABLE_CREATED = "table.created"
    TABLE_UPDATED = "table.updated"
    TABLE_DELETED = "table.deleted"
    COLUMNS_CHANGED = "columns.changed"
    PHACET_CREATED = "phacet.created"
    DOCUMENT_EXTRACTED = "DOCUMENT_EXTRACTED"
    DOCUMENT_REVIEWED = "DOCUMENT_REVIEWED"


_CALCULATION: Mapping[WebhookEvent, str] = {
    WebhookEvent.CALCULATION_STARTED: "The first cell of a row begins to wait for its tool.",
    WebhookEvent.CALCULATION_COMPLETED: "No cell of a row waits any more, and none is in error.",
    WebhookEvent.CALCULATION_FAILED: "No cell of a row waits any more, and one is in error.",
}

#: What each dialect tells of, and when.
EVENTS: Mapping[WebhookDialect, Mapping[WebhookEvent, str]] = {
    WebhookDialect.NATIVE: {
        WebhookEvent.ROW_CREATED: "A row was added, or came back by a rollback.",
        WebhookEvent.ROW_UPDATED: "A row was changed.",
        WebhookEvent.ROW_DELETED: "A row was deleted.",
        WebhookEvent.CELL_STATUS: "Cells of a row moved to another status.",
        **_CALCULATION,
        WebhookEvent.RUN_ENDED: "A run over cells ended, however it did.",
        WebhookEvent.TABLE_CREATED: "A table was made.",
        WebhookEvent.TABLE_UPDATED: "A table got another name, description or project.",
        WebhookEvent.TABLE_DELETED: "A table was deleted.",
        WebhookEvent.COLUMNS_CHANGED: "Columns of a table were added, changed, moved or deleted.",
    },
    WebhookDialect.PHACET: {
        WebhookEvent.PHACET_CREATED: "A table was made.",
        WebhookEvent.ROW_CREATED: "A row was added, or came back by a rollback.",
        WebhookEvent.ROW_UPDATED: "A row was changed, or the work of its tools came to an end.",
        **_CALCULATION,
    },
    WebhookDialect.LIMAI: {
        WebhookEvent.DOCUMENT_EXTRACTED: "The reading of a document ended, well or not.",
        WebhookEvent.DOCUMENT_REVIEWED: "The last pending row of a document was accepted.",
    },
}

#: The event of a test call. Nobody asks for it by name.
PING = "webhook.ping"
#: What an endpoint that has to be verified is sent: it answers with the challenge. Nobody asks for
#: it by name either.
VERIFICATION = "VERIFICATION"
#: They are tried once, and say nothing about how an endpoint does.
TRIED_ONCE = frozenset({PING, VERIFICATION})
