"""Documents by their kind, and that none is an answer."""

from collections.abc import Sequence
from typing import Any
from uuid import uuid4

import pytest

from domain.extraction_records import Classification, Classifier, ClassifierRoute, ExtractionSchema
from processing.extraction.rules_classify import classify
from tests.extraction_rules.conftest import Read
from tests.extraction_rules.works import NOW, file_named, schema

KINDS = [
    schema("Invoices", (), description="Invoices of suppliers with lines, VAT and a due date"),
    schema("Bank statements", (), description="Statements of accounts with transactions"),
    schema("Price lists", (), description="Articles and what they cost"),
]


def classifier(routes: Sequence[ClassifierRoute], threshold: float = 0.4) -> Classifier:
    return Classifier(
        id=uuid4(), organization_id=uuid4(), project_id=None, name="Post", threshold=threshold,
        provider=None, model=None, routes=tuple(routes), created_by="tester", created_at=NOW,
        updated_at=NOW,
    )  # fmt: skip


async def classified(
    read: Read, name: str, schemas: Sequence[ExtractionSchema] = KINDS, **route: Any
) -> Classification:
    routes = [ClassifierRoute(each.id) for each in schemas[1:]]
    first = ClassifierRoute(schemas[0].id, **route)
    document = await read(name)
    return classify(classifier([first, *routes]), schemas, file_named("scan.pdf"), document, "me")


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("english", 0), ("german", 0), ("french", 0), ("american", 0), ("statement", 1),
        ("prices", 2), ("form", None), ("mail", None),
    ],
)  # fmt: skip
async def test_kinds(name: str, kind: int | None, read: Read) -> None:
    found = await classified(read, name)
    assert found.schema_id == (None if kind is None else KINDS[kind].id)
    scores = [score for _, score in found.scores]
    assert scores == sorted(scores, reverse=True)
    assert len(scores) == 3
    assert all(0 <= score <= 1 for score in scores)
    assert found.confidence == scores[0]


async def test_two_kinds_alike_are_none(read: Read) -> None:
    twins = [schema("Invoices", ()), schema("Invoices", ())]
    assert (await classified(read, "english", twins)).schema_id is None


async def test_labels_and_examples_of_a_route_tell(read: Read) -> None:
    vague = [schema("Membership", ()), schema("Travel", ())]
    before = await classified(read, "prices", vague)
    assert before.schema_id is None
    by_label = await classified(read, "prices", vague, labels=("Price list", "Article No."))
    assert by_label.schema_id == vague[0].id
    text = (await read("prices")).text()
    by_example = await classified(read, "prices", vague, examples=(text[:2000],))
    assert by_example.schema_id == vague[0].id
