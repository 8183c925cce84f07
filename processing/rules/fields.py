"""Texts behind a label: "Invoice no: A-123", "Customer: Smith & Sons"."""

import re
from collections.abc import Sequence

from processing.rules import contacts, dates
from processing.rules.candidates import Candidate, blanked
from processing.rules.labels import FITS, Label, beside, fit
from processing.rules.prompts import Brief
from processing.rules.records import NOTHING, REFUSED, Finding, Passage
from processing.rules.wanted import Wanted
from processing.rules.word_sets import word_set

_MOST_CHARACTERS = 200
_FIELD = re.compile(
    r"(?:^|(?<=[\n;|\t])|(?<=, ))[ \t*•-]{0,8}(?P<label>[^\n:;|\t=,]{1,50})[:=][ \t*]{0,20}"
    r"(?P<value>[^\n;|\t]{1,300})"
)
_NEXT_LABEL = re.compile(r",\s{1,3}[^\W\d_][^\n:;|\t=,]{0,40}[:=]\s|\s{3,}|\s[-\u2013—]\s")
_CODE = re.compile(r"(?<!\w)(?=[A-Za-z0-9/._-]{0,39}[0-9])[A-Za-z0-9][A-Za-z0-9/._-]{0,39}")
_CODE_WORDS = word_set(
    "number no nr id code reference ref sku ean isbn serial tracking po vat tax ticket invoice "
    "order nummer rechnungsnummer bestellnummer kundennummer numero facture commande case"
)


def labelled(brief: Brief, wanted: Wanted, passages: Sequence[Passage]) -> Finding:
    """What stands behind the wanted label. A number or code that is not there is nothing; of other
    texts nobody can say that they are not there, so the question is refused."""
    if wanted.names & _CODE_WORDS:
        return _code(brief, wanted, passages)
    found = _field(wanted.labels, passages)
    return REFUSED if found is None else found


def field_of(labels: Sequence[Label], passages: Sequence[Passage]) -> tuple[str, Finding] | None:
    """The text behind one of the labels, and the finding that it makes."""
    found = _field(labels, passages)
    return None if found is None else (str(found.value), found)


def _field(labels: Sequence[Label], passages: Sequence[Passage]) -> Finding | None:
    best: list[tuple[float, str, Passage, int]] = []
    for passage in passages:
        for match in _FIELD.finditer(passage.text):
            score = max((fit(label, match["label"]) for label in labels), default=0.0)
            start, value = match.start("value"), match["value"]
            cut = _NEXT_LABEL.search(value)
            value = value[: cut.start()] if cut else value
            start += len(value) - len(value.lstrip(_QUOTES))
            value = value.strip(_QUOTES)
            if score >= FITS + 0.1 and 0 < len(value) <= _MOST_CHARACTERS:
                best.append((score, value, passage, start))
    if not best:
        return None
    top = max(score for score, *_ in best)
    chosen = [each for each in best if each[0] >= top - 0.1]
    if len({value for _, value, *_ in chosen}) != 1:
        return NOTHING
    score, value, passage, start = chosen[0]
    cite = passage.cite(start, start + len(value))
    return Finding(value, 0.6 + 0.36 * score, (cite,), None, value)


_QUOTES = " \t\r\"'“”\u2018\u2019*_"


def _code(brief: Brief, wanted: Wanted, passages: Sequence[Passage]) -> Finding:
    found: list[tuple[float, Candidate]] = []
    for candidate in _codes(brief, passages):
        text, start, end = candidate.passage.text, candidate.start, candidate.end
        around = beside(text[:end], start, end, wanted.labels, "")
        if around.score >= FITS and (around.labelled or _looks_like_code(str(candidate.value))):
            found.append((around.score, candidate))
    if not found:
        return NOTHING
    top = max(score for score, _ in found)
    chosen = [candidate for score, candidate in found if score >= top - 0.1]
    if len({candidate.value for candidate in chosen}) != 1:
        return NOTHING
    first = chosen[0]
    cite = first.passage.cite(first.start, first.end)
    return Finding(first.value, 0.6 + 0.38 * top, (cite,), None, first.written)


def _looks_like_code(value: str) -> bool:
    digits = sum(map(str.isdigit, value))
    return digits >= 4 or (digits >= 2 and any(map(str.isalpha, value)))


def _codes(brief: Brief, passages: Sequence[Passage]) -> list[Candidate]:
    """Words with a digit that are no dates and no addresses."""
    others = [*dates.find(passages, brief.plain), *contacts.emails(passages)]
    others += contacts.urls(passages)
    found = []
    for passage in passages:
        spans = [(each.start, each.end) for each in others if each.passage is passage]
        for match in _CODE.finditer(blanked(passage.text, spans)):
            written = match[0].rstrip("/._-")
            if any(map(str.isdigit, written)):
                end = match.start() + len(written)
                found.append(Candidate(passage, match.start(), end, written, "code"))
    return found[:2_000]
