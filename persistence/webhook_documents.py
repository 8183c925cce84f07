"""What endpoints of dialect LIMAI are told: how the reading and the review of documents ended.

An extraction schema is also what that API calls a deployment, so both ids are its."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from domain.changes import OrganizationChangeKind
from domain.extraction_records import JobStatus
from domain.numbers import loads
from domain.webhook_events import VERIFICATION, WebhookDialect, WebhookEvent
from persistence.webhook_bodies import Draft, Follower, body

#: How the organisation's log calls what they are told.
DOCUMENT_EVENTS = {
    OrganizationChangeKind.DOCUMENT_EXTRACTED.value: WebhookEvent.DOCUMENT_EXTRACTED,
    OrganizationChangeKind.DOCUMENT_REVIEWED.value: WebhookEvent.DOCUMENT_REVIEWED,
}


@dataclass(frozen=True, slots=True)
class DocumentFact:
    """An entry of the organisation's log that is about a document."""

    revision: int
    kind: str
    file_id: UUID
    at: datetime
    details: Mapping[str, Any]


def document_fact(r: asyncpg.Record) -> DocumentFact:
    """The fact of an entry."""
    details = loads(r["details"] or "{}")
    return DocumentFact(r["revision"], r["kind"], r["subject_id"], r["at"], details)


def document_drafts(follower: Follower, facts: Sequence[DocumentFact]) -> Iterator[Draft]:
    """What a follower is told of documents, in order."""
    own = str(follower.schema_id) if follower.schema_id else None
    for fact in facts:
        event = DOCUMENT_EVENTS[fact.kind]
        if (
            follower.dialect.follows_schemas
            and event.value in follower.events
            and fact.revision > follower.from_revision
            and own in (None, fact.details.get("schemaId"))
        ):
            data = _told(follower.organization_id, fact.details.get("schemaId"), fact)
            yield Draft(follower, event, None, fact.file_id, fact.revision, fact.at, data)


def verification_body(
    message_id: UUID,
    organization_id: UUID,
    schema_id: str | None,
    challenge: str,
    at: datetime,
) -> str:
    """The body of a verification. The challenge stands in two places: nobody says in which one
    receivers look for it."""
    data = _told(organization_id, schema_id, None)
    data |= {"challenge": challenge, "data": {"challenge": challenge}}
    return body(WebhookDialect.LIMAI, VERIFICATION, message_id, at, data)


def _told(
    organization_id: UUID, schema_id: str | None, fact: DocumentFact | None
) -> dict[str, Any]:
    return {
        "organizationId": str(organization_id),
        "deploymentId": schema_id,
        "extractionSchemaId": schema_id,
        "fileId": str(fact.file_id) if fact else None,
        "jobId": _job_id(fact) if fact else None,
        "data": _outcome(fact) if fact else {},
    }


def _job_id(fact: DocumentFact) -> str | None:
    """A review belongs to no job."""
    extracted = fact.kind == OrganizationChangeKind.DOCUMENT_EXTRACTED
    return fact.details.get("jobId") if extracted else None


def _outcome(fact: DocumentFact) -> dict[str, Any]:
    details = fact.details
    if fact.kind == OrganizationChangeKind.DOCUMENT_REVIEWED:
        return {
            "status": "reviewed",
            "acceptedRowsCount": details["accepted"],
            "totalRowsCount": details["total"],
        }
    if details["status"] == JobStatus.COMPLETED:
        return {"status": "success", "errorMessage": None}
    return {"status": "failed", "errorMessage": details["errorMessage"]}
