"""The documents name everything that a client or operator can meet, and lead nowhere wrong."""

import re
from collections.abc import Iterable
from pathlib import Path

import pytest

from domain.cells import REPORT_MOVES
from domain.changes import OrganizationChangeKind
from domain.columns import ColumnType
from domain.errors import ErrorCode
from domain.filters import OPERATORS
from gql.errors import Code
from gql.schema import core_schema
from gql.types.vocabulary import ResetReason, StreamState
from rest_compat.limai import errors as limai_errors
from rest_compat.limai.routes import ENDPOINTS as LIMAI
from rest_compat.phacet.errors import KEYS, VALIDATION
from rest_compat.phacet.routes import ENDPOINTS as PHACET
from rest_compat.stagent.routes import ENDPOINTS
from tests.rules.source import ROOT, report

DOCUMENTS = sorted(
    [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), ROOT / "server" / "demo" / "README.md"]
)
RECORDS = ROOT / "docs" / "decisions"


def _text(*parts: str) -> str:
    return ROOT.joinpath(*parts).read_text()


def _rows(text: str, heading: str) -> set[str]:
    """The first cells, in code, of the tables under a heading."""
    section = re.split(rf"^#+ {re.escape(heading)}$", text, maxsplit=1, flags=re.MULTILINE)[1]
    section = re.split(r"^#", section, maxsplit=1, flags=re.MULTILINE)[0]
    return set(re.findall(r"^\| `([^`]+)` \|", section, re.MULTILINE))


def _compare(known: Iterable[str], written: set[str], place: str) -> None:
    report(sorted(set(known) - written), f"Give it a row in {place}.")
    report(sorted(written - set(known)), f"Take its row out of {place}.")


def _members(union: str) -> list[str]:
    found = core_schema.get_type(union)
    return [member.name for member in getattr(found, "types", ())]


def test_every_error_code_is_documented() -> None:
    text = _text("docs", "graphql.md")
    _compare(ErrorCode, _rows(text, "Errors"), "docs/graphql.md, Errors")
    report(
        [code for code in Code if f"`{code}`" not in text],
        "Name it among the errors of the response in docs/graphql.md.",
    )


def test_every_operator_is_documented() -> None:
    text = _text("docs", "graphql.md")
    _compare(OPERATORS, _rows(text, "Filters"), "docs/graphql.md, Filters")
    missing = [
        each.value for each in OPERATORS if f"`{each}`" not in _text("docs", "tables-api.md")
    ]
    report(missing, "Name the operator in docs/tables-api.md.")


def test_every_column_type_is_documented() -> None:
    _compare(ColumnType, _rows(_text("docs", "graphql.md"), "Values"), "docs/graphql.md, Values")


def test_every_event_is_documented() -> None:
    text = _text("docs", "live.md")
    _compare(_members("TableEvent"), _rows(text, "Events of a table"), "docs/live.md")
    others = {*_members("CellStatusEvent"), *_members("OrganizationEvent"), "ImportProgress"}
    words = [*StreamState, *ResetReason]
    known = [*others, *(word.name for word in words)]
    report([name for name in known if f"`{name}`" not in text], "Tell of it in docs/live.md.")


def test_every_subscription_and_its_arguments_are_documented() -> None:
    subscriptions = core_schema.subscription_type
    assert subscriptions is not None
    calls = [f"{name}({', '.join(field.args)})" for name, field in subscriptions.fields.items()]
    written = _rows(_text("docs", "live.md"), "What can be followed")
    _compare(calls, written, "docs/live.md, What can be followed")


def test_every_move_of_a_cell_is_documented() -> None:
    written = re.findall(r"(\w+) +→ (\w+(?:, \w+)*)", _text("docs", "live.md"))
    moves = {status: set(found.split(", ")) for status, found in written}
    assert moves == {status.value: {to.value for to in to_} for status, to_ in REPORT_MOVES.items()}


def test_every_change_of_an_organisation_has_a_description() -> None:
    kinds = core_schema.get_type("OrganizationChangeKind")
    assert {*getattr(kinds, "values", {})} == {kind.name for kind in OrganizationChangeKind}


def test_every_endpoint_is_documented() -> None:
    calls = [f"{endpoint.method} {endpoint.path}" for endpoint in ENDPOINTS]
    _compare(calls, _rows(_text("docs", "tables-api.md"), "Endpoints"), "docs/tables-api.md")


def test_every_endpoint_of_the_phacet_api_is_documented() -> None:
    calls = [f"{endpoint.method} {endpoint.path}" for endpoint in PHACET]
    _compare(calls, _rows(_text("docs", "phacet-api.md"), "Endpoints"), "docs/phacet-api.md")


def test_every_endpoint_of_the_limai_api_is_documented() -> None:
    text = _text("docs", "limai-api.md")
    calls = [f"{endpoint.method} {endpoint.path}" for endpoint in LIMAI]
    _compare(calls, _rows(text, "Endpoints"), "docs/limai-api.md")
    named = [limai_errors.UNAUTHENTICATED, limai_errors.FORBIDDEN, limai_errors.RUNNING]
    missing = [endpoint.missing or "" for endpoint in LIMAI]
    named += {each for text in missing for each in text.replace(" or ", " ").split(", ")} - {""}
    report([each for each in named if f"`{each.strip()}`" not in text], "docs/limai-api.md")


def test_every_error_of_the_phacet_api_is_documented() -> None:
    written = _rows(_text("docs", "phacet-api.md"), "Errors")
    _compare([*KEYS.values(), VALIDATION], written, "docs/phacet-api.md, Errors")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(document: Path) -> None:
    faults = []
    for link in re.findall(r"\]\(([^)\s]+)\)", document.read_text()):
        path, _, anchor = link.partition("#")
        if "://" in link:
            continue
        target = (document.parent / path).resolve() if path else document
        if not target.exists() or (anchor and anchor not in _anchors(target)):
            faults.append(f"{document.relative_to(ROOT)}: {link}")
    report(faults, "Correct the link.")


def _anchors(document: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", document.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_that_are_named_exist(document: Path) -> None:
    names = set(re.findall(r"`((?:\w+/)+\w+\.(?:py|md|csv))`", document.read_text()))
    faults = sorted(name for name in names if not (ROOT / name).exists())
    report(faults, f"{document.relative_to(ROOT)} names a file that is not there.")


def test_decision_records_are_numbered_and_listed() -> None:
    names = sorted(path.name for path in RECORDS.glob("[0-9]*.md"))
    assert [name[:4] for name in names] == [f"{n:04}" for n in range(1, len(names) + 1)]
    listed = set(re.findall(r"\]\(([^)]+)\)", (RECORDS / "README.md").read_text()))
    _compare(names, listed, "docs/decisions/README.md")
    for name in names:
        text = (RECORDS / name).read_text()
        assert text.startswith(f"# {name[:4]}: "), name
        parts = [part for part in ("Context", "Decision", "Consequences") if f"**{part}.**" in text]
        assert len(parts) == 3, f"{name} has only {parts}"
