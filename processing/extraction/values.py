"""Printed texts as values of columns. The text itself is kept, so that it can be given back as it
is printed."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from domain import numbers
from domain import values as stored
from domain.columns import Column, ColumnType
from domain.documents import Document
from domain.errors import ErrorCode
from domain.extraction_records import ExtractedCell, SchemaField
from domain.file_types import OLD_SHEET, OPEN_SHEET, ZIPPED_SHEET
from domain.rejections import Rejected, show
from domain.structured_values import choices_in
from processing.extraction.printed_numbers import read_number
from processing.rules import contacts, dates, number_forms, yes_no
from processing.rules.clues import whole_cell
from processing.rules.normalise import WEEKDAY, spaces
from processing.rules.records import Passage
from processing.rules.units import CURRENCIES, unit_of
from processing.rules.word_sets import word_set
from processing.rules.words import fold

#: A reading that is less certain than this is none.
LEAST = 0.7
#: Characters of a document that tell how it writes numbers and dates.
_HABITS_FROM = 60_000

_SHEETS = frozenset({ZIPPED_SHEET, OLD_SHEET, OPEN_SHEET})
#: What documents print in a cell that is empty.
_DASHES = word_set("- -- --- \u2013 \u2014 \u2212 ./. /")
_BLANK = _DASHES | word_set(". n/a n.a. na none null nil k.a. keine entfallt")
_NUMBER = re.compile(r"(?<![\w.,])[0-9]{1,3}(?:[.,][0-9]{3})*[.,][0-9]{1,2}(?![\w]|[.,][0-9])")
_MONTH_FIRST = re.compile(r"\b[A-Z]{2} [0-9]{5}(?:-[0-9]{4})?\b|\b(?:ZIP|[Ss]ales [Tt]ax|EIN)\b")
_DAY_FIRST = re.compile(
    r"€|£|\b(?:EUR|GBP|CHF|VAT|MwSt|USt|TVA|IVA|BTW|GST|ABN|Rechnung|Facture|Factura|Fattura"
    r"|Datum)\b"
)
_SLASHED = re.compile(
    r"(?<![\w/.-])([0-9]{1,2})([/-])([0-9]{1,2})\2(?:[0-9]{4}|[0-9]{2})(?![\w/-])"
)
#: Spaces that some programs print: August 3 , 2014.
_BEFORE_COMMA = re.compile(r" (?=,)")
_TICKED = word_set("☑ ☒ ✓ ✔ ✗ ✘ [x] (x) ⊠ ■")
_UNTICKED = word_set("☐ □ [] () ○")


@dataclass(frozen=True, slots=True)
class Habits:
    """How a document writes: whether decimals follow a comma, and whether days come before months;
    None when nothing tells."""

    decimal_comma: bool | None = None
    day_first: bool | None = None


UNKNOWN = Habits()


def habits_of(document: Document) -> Habits:
    """What the first pages tell of how a document writes numbers and dates."""
    if document.kind in _SHEETS:
        # Values of workbooks are stored ones, without the look of the cells.
        return Habits(decimal_comma=False)
    text = ""
    for page in document.pages:
        text += page.text[: _HABITS_FROM - len(text)] + "\n"
        if len(text) >= _HABITS_FROM:
            break
    return habits_in(text)


def habits_in(text: str) -> Habits:
    """As `habits_of`, from a text."""
    commas = {number_forms.uses_decimal_comma(found) for found in _NUMBER.findall(text)} - {None}
    comma = commas.pop() if len(commas) == 1 else None
    orders = set()
    for first, _, second in _SLASHED.findall(text):
        if int(first) > 12 >= int(second):
            orders.add(True)
        elif int(second) > 12 >= int(first):
            orders.add(False)
    if len(orders) == 1:
        return Habits(comma, orders.pop())
    if orders:
        return Habits(comma, None)
    month_first, day_first = _MONTH_FIRST.search(text), _DAY_FIRST.search(text) or comma
    return Habits(comma, bool(day_first) if bool(day_first) != bool(month_first) else None)


def read(
    column: Column, field: SchemaField, raw: str | None, habits: Habits = UNKNOWN
) -> ExtractedCell:
    """A printed text as a cell: `raw` as it is, the value that the column stores, and how sure the
    reading is, 0 to 1. A text that the column cannot hold, or that could mean two things, leaves
    the cell empty with an error. Blank texts and what stands for them are no cell: `raw` None.

    The date format of the field, and its unit, decide; then the habits of the document do."""
    text = spaces(raw or "")
    if fold(text) in ({""} | (_DASHES if column.type is ColumnType.TEXT else _BLANK)):
        return ExtractedCell(None)
    try:
        value, certainty = _READERS[column.type](column, field, text, habits)
        value = stored.accept(column, value)
    except Rejected as error:
        return ExtractedCell(raw, error=_sentence(error.message))
    if value is None:
        return ExtractedCell(None)
    return ExtractedCell(raw, value, round(certainty, 2))


def takes_printed(column: Column) -> bool:
    """Whether a column can be filled from documents at all."""
    return column.type in _READERS and column.type not in _NEVER


_Read = tuple[Any, float]
_Reader = Callable[[Column, SchemaField, str, Habits], _Read]


def _text(column: Column, field: SchemaField, text: str, habits: Habits) -> _Read:
    return text, 1.0


def _number(column: Column, field: SchemaField, text: str, habits: Habits) -> _Read:
    wanted = field.unit or ""
    return _amount(text, wanted, habits)


def _measurement(column: Column, field: SchemaField, text: str, habits: Habits) -> _Read:
    wanted = str((column.config or {}).get("unit") or field.unit or "")
    return _amount(text, wanted, habits)


def _amount(text: str, wanted: str, habits: Habits) -> _Read:
    """The number, when it is not printed with another unit than the wanted one. Nothing is
    converted."""
    found = read_number(text, habits.decimal_comma)
    if found is None:
        raise _unfit(f"{show(text)} is not a number")
    if wanted and found.unit and not _same_unit(found.unit, wanted):
        raise _unfit(f"{show(text)} is not in {show(wanted)}")
    certainty = 1.0 if wanted and found.unit else found.certainty
    if found.certainty < LEAST:
        raise _unfit(f"{show(text)} can be read with a decimal sign or with thousands")
    try:
        return numbers.normal(found.value), certainty
    except ValueError as error:
        raise _unfit(str(error)) from None


def _same_unit(printed: str, wanted: str) -> bool:
    low = wanted.strip().lower()
    forms = {low, (unit_of(low) or low).lower(), CURRENCIES.get(low, low).lower()}
    return printed.lower() in forms


def _date(column: Column, field: SchemaField, text: str, habits: Habits) -> _Read:
    value, certainty = _moment(field, text, habits)
    return dates.iso_date(value), certainty


def _datetime(column: Column, field: SchemaField, text: str, habits: Habits) -> _Read:
    value, certainty = _moment(field, text, habits)
    return dates.iso_datetime(value), certainty


def _moment(field: SchemaField, text: str, habits: Habits) -> _Read:
    day_first = _ORDERS.get((field.date_format or "").strip().upper(), habits.day_first)
    order = "" if day_first is None else ("day first" if day_first else "month first")
    text = _BEFORE_COMMA.sub("", text)
    found = dates.find([Passage("", "", text)], order)
    if len(found) != 1:
        raise _unfit(f"{show(text)} is not a date")
    beside = text[: found[0].start] + " " + text[found[0].end :]
    if WEEKDAY.sub("", beside).strip(" .,()"):
        raise _unfit(f"{show(text)} is not a date alone")
    if found[0].certainty < LEAST:
        raise _unfit(f"{show(text)} can be read with the day or the month first")
    return found[0].value, found[0].certainty


def _boolean(column: Column, field: SchemaField, text: str, habits: Habits) -> _Read:
    if text in _TICKED or text in _UNTICKED:
        return text in _TICKED, 1.0
    value = yes_no.word_value(text)
    if value is None:
        raise _unfit(f"{show(text)} is neither yes nor no")
    return value, 1.0


def _select(column: Column, field: SchemaField, text: str, habits: Habits) -> _Read:
    return _option(column.options, text) if column.options else (text, 1.0)


def _multi_select(column: Column, field: SchemaField, text: str, habits: Habits) -> _Read:
    if not column.options:
        return [part.strip() for part in choices_in(text)], 1.0
    if text in column.options:
        return [text], 1.0
    read_ones = [_option(column.options, part.strip()) for part in choices_in(text) if part.strip()]
    return [value for value, _ in read_ones], min((sure for _, sure in read_ones), default=1.0)


def _option(options: tuple[str, ...], text: str) -> tuple[str, float]:
    """The option that a text is, or is but for its case or a slip of spelling."""
    if text in options:
        return text, 1.0
    verdict = whole_cell(options, Passage("", "", text))
    if verdict is None:
        listed = ", ".join(show(option) for option in options[:10])
        raise _unfit(f"{show(text)} is not one of the options {listed}")
    return verdict.option, verdict.score


def _email(column: Column, field: SchemaField, text: str, habits: Habits) -> _Read:
    found = contacts.emails([Passage("", "", text)])
    if len({each.value.lower() for each in found}) != 1:
        raise _unfit(f"{show(text)} is not one e-mail address")
    return found[0].value, 1.0


def _url(column: Column, field: SchemaField, text: str, habits: Habits) -> _Read:
    found = contacts.urls([Passage("", "", text)])
    if len({each.value for each in found}) != 1:
        raise _unfit(f"{show(text)} is not one web address")
    return found[0].value, found[0].certainty


def _json(column: Column, field: SchemaField, text: str, habits: Habits) -> _Read:
    return stored.file_reader(column)(text), 1.0


def _refused(column: Column, field: SchemaField, text: str, habits: Habits) -> _Read:
    raise _unfit(f"a column of type {column.type.value} is not filled from documents")


def _unfit(message: str) -> Rejected:
    return Rejected(ErrorCode.INVALID_TYPE, message)


def _sentence(message: str) -> str:
    return message[:1].upper() + message[1:]


_ORDERS: Mapping[str, bool] = {
    "EU": True, "DMY": True, "DD/MM/YYYY": True, "DD.MM.YYYY": True, "DD-MM-YYYY": True,
    "US": False, "MDY": False, "MM/DD/YYYY": False, "MM-DD-YYYY": False,
}  # fmt: skip

_NEVER = frozenset({ColumnType.FILE, ColumnType.RELATION, ColumnType.COMPUTED})
_READERS: Mapping[ColumnType, _Reader] = {
    ColumnType.TEXT: _text,
    ColumnType.NUMBER: _number,
    ColumnType.MEASUREMENT: _measurement,
    ColumnType.DATE: _date,
    ColumnType.DATETIME: _datetime,
    ColumnType.BOOLEAN: _boolean,
    ColumnType.SELECT: _select,
    ColumnType.MULTI_SELECT: _multi_select,
    ColumnType.EMAIL: _email,
    ColumnType.URL: _url,
    ColumnType.JSON: _json,
    ColumnType.FILE: _refused,
    ColumnType.RELATION: _refused,
    ColumnType.COMPUTED: _refused,
}
