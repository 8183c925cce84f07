"""Values that stand in the text: for each type of column what to look for."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from domain.columns import Column, ColumnType
from domain.tool_records import Citation
from processing.rules import contacts, dates, fields, quantities
from processing.rules.amount_kinds import sort_out
from processing.rules.candidates import Candidate
from processing.rules.choosing import LEAST, Choice, choose
from processing.rules.prompts import Brief
from processing.rules.records import NOTHING, REFUSED, Finding, Passage
from processing.rules.wanted import Wanted

Finder = Callable[[Brief, Column, Wanted, Sequence[Passage]], Finding]


def answer(brief: Brief, column: Column, wanted: Wanted, passages: Sequence[Passage]) -> Finding:
    """The wanted value. Nothing when the prompt says that it is to be taken from the text and it is
    not there; refused when the prompt may ask for what nobody wrote there."""
    found = _FINDERS[column.type](brief, column, wanted, passages)
    if found is NOTHING and not wanted.explicit:
        return REFUSED
    return found


def _date(brief: Brief, column: Column, wanted: Wanted, passages: Sequence[Passage]) -> Finding:
    choice = choose(dates.find(passages, brief.plain), wanted)
    return _finding(choice, lambda candidate: dates.iso_date(candidate.value))


def _datetime(brief: Brief, column: Column, wanted: Wanted, passages: Sequence[Passage]) -> Finding:
    found = dates.find(passages, brief.plain)
    timed = [candidate for candidate in found if candidate.kind == "datetime"]
    choice = choose(timed or found, wanted)
    finding = _finding(choice, lambda candidate: dates.iso_datetime(candidate.value))
    if choice is not None and not timed:
        # Midnight is what the column keeps, not what anybody wrote.
        return replace(finding, confidence=max(finding.confidence * 0.85, LEAST))
    return finding


def _email(brief: Brief, column: Column, wanted: Wanted, passages: Sequence[Passage]) -> Finding:
    return _only(contacts.emails(passages), wanted)


def _url(brief: Brief, column: Column, wanted: Wanted, passages: Sequence[Passage]) -> Finding:
    found = contacts.urls(passages)
    written_out = [each for each in found if each.certainty == 1]
    return _only(written_out or found, wanted)


def _only(found: Sequence[Candidate], wanted: Wanted) -> Finding:
    """Addresses say what they are: a single one needs no label."""
    choice = choose(found, wanted)
    if choice is None and len({each.value.lower() for each in found}) == 1:
        choice = Choice(found[0], 0.9 * found[0].certainty)
    elif choice is not None and len(found) == 1:
        choice = Choice(choice.candidate, max(choice.confidence, 0.9 * found[0].certainty))
    return _finding(choice, lambda candidate: candidate.value)


def _number(brief: Brief, column: Column, wanted: Wanted, passages: Sequence[Passage]) -> Finding:
    found = quantities.find(passages, _no_numbers(brief, passages))
    chosen, others, wanted = sort_out(brief, column, wanted, found)
    return _finding(choose(chosen, wanted, others), lambda candidate: candidate.value)


def _no_numbers(brief: Brief, passages: Sequence[Passage]) -> list[Candidate]:
    """What has digits and is no number."""
    numbers_abroad = [each for each in contacts.phones(passages) if each.certainty == 1]
    return [
        *dates.find(passages, brief.plain),
        *contacts.emails(passages),
        *contacts.urls(passages),
        *contacts.ibans(passages),
        *numbers_abroad,
    ]


def _text(brief: Brief, column: Column, wanted: Wanted, passages: Sequence[Passage]) -> Finding:
    """A text that is of a known form, as it is written, or what stands behind a label."""
    for names, find in _FORMS:
        if wanted.names & names:
            return find(brief, column, wanted, passages)
    return fields.labelled(brief, wanted, passages)


def _phone(brief: Brief, column: Column, wanted: Wanted, passages: Sequence[Passage]) -> Finding:
    found = contacts.phones(passages)
    whole = [each for each in found if each.whole]
    sure = [each for each in found if each.certainty == 1]
    if wanted.every and sure:
        return _listed(column, sure)
    others = [each for each in found if each.certainty < 1]
    return _finding(choose(sure or whole, wanted, others), lambda each: each.value.strip())


def _text_email(
    brief: Brief, column: Column, wanted: Wanted, passages: Sequence[Passage]
) -> Finding:
    found = contacts.emails(passages)
    return _listed(column, found) if wanted.every else _only(found, wanted)


def _text_url(brief: Brief, column: Column, wanted: Wanted, passages: Sequence[Passage]) -> Finding:
    found = contacts.urls(passages)
    return _listed(column, found) if wanted.every else _only(found, wanted)


def _domain(brief: Brief, column: Column, wanted: Wanted, passages: Sequence[Passage]) -> Finding:
    """The host of a web address, or what stands behind the @ of an e-mail address."""
    found = [*contacts.urls(passages), *contacts.emails(passages)]
    hosts = {_host(each): each for each in found}
    if len(hosts) != 1:
        return NOTHING
    host, candidate = hosts.popitem()
    return _finding(Choice(candidate, 0.93 * candidate.certainty), lambda _: host)


def _host(candidate: Candidate) -> str:
    written = str(candidate.value).lower()
    if candidate.kind == contacts.EMAIL:
        return written.rpartition("@")[2]
    host = re.split(r"[/?#]", written.split("://", 1)[1], maxsplit=1)[0]
    return host.rpartition("@")[2].split(":")[0].removeprefix("www.")


def _iban(brief: Brief, column: Column, wanted: Wanted, passages: Sequence[Passage]) -> Finding:
    return _only(contacts.ibans(passages), wanted)


def _postcode(brief: Brief, column: Column, wanted: Wanted, passages: Sequence[Passage]) -> Finding:
    found = contacts.postcodes(passages)
    choice = choose(found, wanted)
    if choice is None and len({each.value for each in found}) == 1:
        choice = Choice(found[0], 0.8)
    return _finding(choice, lambda candidate: candidate.value)


def _currency(brief: Brief, column: Column, wanted: Wanted, passages: Sequence[Passage]) -> Finding:
    """The code of the one currency of all amounts."""
    found = quantities.find(passages, _no_numbers(brief, passages))
    money = [each for each in found if each.kind == quantities.MONEY and each.unit]
    currencies = {each.unit for each in money}
    if len(currencies) > 1:
        return NOTHING
    if not currencies:
        return fields.labelled(brief, wanted, passages)
    # A dollar sign is one of twenty currencies.
    sure = 0.8 if "$" in money[0].written and money[0].unit == "USD" else 0.95
    return _finding(Choice(money[0], sure), lambda candidate: candidate.unit)


def _text_amount(
    brief: Brief, column: Column, wanted: Wanted, passages: Sequence[Passage]
) -> Finding:
    found = quantities.find(passages, _no_numbers(brief, passages))
    chosen, others, wanted = sort_out(brief, column, wanted, found)
    return _finding(choose(chosen, wanted, others), lambda candidate: candidate.written.strip())


def _listed(column: Column, found: Sequence[Candidate]) -> Finding:
    """All different ones, as a list where the column takes one."""
    if not found:
        return NOTHING
    values = list(dict.fromkeys(str(each.value) for each in found))[:100]
    value: Any = values if column.type is ColumnType.MULTI_SELECT else ", ".join(values)
    cites = tuple(_cite(each) for each in found[:20])
    return Finding(value, 0.9, cites, None, ", ".join(each.written for each in found[:20]))


def _finding(choice: Choice | None, value_of: Callable[[Candidate], Any]) -> Finding:
    if choice is None:
        return NOTHING
    candidate = choice.candidate
    value = value_of(candidate)
    return Finding(value, choice.confidence, (_cite(candidate),), None, candidate.written)


def _cite(candidate: Candidate) -> Citation:
    return candidate.passage.cite(candidate.start, candidate.end)


_FORMS: Sequence[tuple[frozenset[str], Finder]] = (
    (frozenset({"iban"}), _iban),
    (frozenset({"postcode", "zip", "postal", "plz", "zipcode"}), _postcode),
    (frozenset({"domain", "hostname", "host"}), _domain),
    (frozenset({"email", "emails", "mail"}), _text_email),
    (frozenset({"website", "url", "urls", "link", "links", "homepage", "webseite"}), _text_url),
    (frozenset({"phone", "telephone", "mobile", "fax", "telefon", "telefonnummer"}), _phone),
    (frozenset({"currency", "wahrung", "devise"}), _currency),
    (frozenset({"date", "datum", "deadline", "birthday"}), _date),
    (
        frozenset(
            {
                "price",
                "amount",
                "total",
                "subtotal",
                "cost",
                "fee",
                "salary",
                "percentage",
                "percent",
            }
            | {"betrag", "preis", "prix", "montant", "weight", "discount", "budget", "deposit"}
        ),
        _text_amount,
    ),
)

_FINDERS: Mapping[ColumnType, Finder] = {
    ColumnType.DATE: _date,
    ColumnType.DATETIME: _datetime,
    ColumnType.EMAIL: _email,
    ColumnType.URL: _url,
    ColumnType.NUMBER: _number,
    ColumnType.MEASUREMENT: _number,
    ColumnType.TEXT: _text,
    ColumnType.SELECT: _text,
    ColumnType.MULTI_SELECT: _text,
}
