"""Values that say themselves what they are, and need no label when there is only one of them."""

from collections.abc import Callable, Mapping, Sequence

from domain.columns import ColumnType
from domain.documents import Page, around
from domain.extraction_records import DocumentCitation, ExtractedCell
from processing.extraction import values
from processing.extraction.rules_fields import Role, Sought
from processing.extraction.values import Habits
from processing.rules import contacts, quantities
from processing.rules.candidates import Candidate
from processing.rules.records import Passage

_CONFIDENCE = 0.75
_MOST_CHARACTERS = 60_000
#: A dollar sign is one of twenty currencies.
_UNSURE = frozenset({"$", "kr", "¥"})
_PLAIN = frozenset({"email", "e-mail", "mail", "iban", "currency", "number", "account", "bank",
                    "code", "address", "addres", "contact", "invoic", "invoice"})  # fmt: skip


def leftovers(
    fields: Sequence[Sought],
    chosen: Mapping[int, ExtractedCell],
    pages: Sequence[Page],
    habits: Habits,
) -> dict[int, ExtractedCell]:
    """Cells of fields for which no label was found: the only IBAN or e-mail address of the
    document, and the currency of all its amounts. `chosen` are those that have a cell."""
    left = [each for each in fields if each.number not in chosen and _finder(each) is not None]
    if not left:
        return {}
    passages = _passages(pages)
    found: dict[int, ExtractedCell] = {}
    for sought in left:
        find = _finder(sought)
        candidates = find(passages) if find else []
        if len({str(each.value).lower() for each in candidates}) != 1:
            continue
        cell = _cell(sought, candidates[0], pages, habits)
        if cell is not None:
            found[sought.number] = cell
    return found


def _passages(pages: Sequence[Page]) -> list[Passage]:
    passages, room = [], _MOST_CHARACTERS
    for index, page in enumerate(pages):
        if room <= 0:
            break
        passages.append(Passage(str(index), "", page.text[:room]))
        room -= len(page.text)
    return passages


def _finder(sought: Sought) -> Callable[[Sequence[Passage]], list[Candidate]] | None:
    kind = sought.planned.column.type
    if sought.role is Role.CURRENCY:
        return _currencies
    special = {
        word for phrase, weight in sought.names.phrases if weight == 1 for word in phrase.special
    }
    if not special <= _PLAIN:
        return None
    if sought.role is Role.IBAN:
        return contacts.ibans
    return contacts.emails if sought.role is Role.EMAIL or kind is ColumnType.EMAIL else None


def _currencies(passages: Sequence[Passage]) -> list[Candidate]:
    """One amount for each currency, that with its code rather than with a sign."""
    found = quantities.find(passages, [])
    money = [each for each in found if each.kind == quantities.MONEY and each.unit]
    return sorted(
        (Candidate(each.passage, each.start, each.end, each.unit, each.kind) for each in money),
        key=lambda each: each.value not in each.written,
    )


def _cell(
    sought: Sought, candidate: Candidate, pages: Sequence[Page], habits: Habits
) -> ExtractedCell | None:
    page = pages[int(candidate.passage.key)]
    raw, start, end = candidate.written, candidate.start, candidate.end
    confidence = _CONFIDENCE
    if sought.role is Role.CURRENCY:
        at = raw.find(candidate.value)
        sign = "".join(each for each in raw if not (each.isdigit() or each in " .,'-+()\u00a0"))
        raw = candidate.value if at >= 0 else sign
        if sign in _UNSURE:
            confidence = 0.6
    read = values.read(sought.planned.column, sought.planned.field, candidate.value, habits)
    if read.value is None:
        return None
    boxes = page.boxes(start, end)
    citation = DocumentCitation(page.number, around(boxes) if boxes else None, page.text[start:end])
    return ExtractedCell(raw, read.value, confidence, citation)
