"""The rules engine: answers that take no model, offline and always the same.

It classifies by words, takes values out of texts, brings texts into a form, and reads sentiment by
a list of words. Everything else it refuses with `NO_PROVIDER`. It leaves a cell empty rather than
guess.
"""

import re

from domain import values
from domain.columns import Column, ColumnType
from domain.rejections import Rejected
from processing.rules import classify, extract, normalise, prompts, sentiment, wanted, yes_no
from processing.rules.choosing import LEAST
from processing.rules.prompts import Brief
from processing.rules.records import (
    NO_PROVIDER,
    NOTHING,
    REFUSED,
    Finding,
    Input,
    Question,
    passages,
)

__all__ = ["NO_PROVIDER", "VERSION", "Finding", "Input", "Question", "answer"]

#: Changes whenever the same question may get another answer.
VERSION = "2"

_NEVER = frozenset({ColumnType.RELATION, ColumnType.FILE, ColumnType.JSON, ColumnType.COMPUTED})
_CHOICES = frozenset({ColumnType.SELECT, ColumnType.MULTI_SELECT})

_OPENING = r"(?:^|[.;:!?\n,]|\b(?:please|and|then|to|you|also|kindly|bitte)\b)[\s\ufffc\-*•\d]{0,6}"
_MAKES = re.compile(
    rf"{_OPENING}(?:summari[sz]e|translate|paraphrase|rephrase|reword|compose|generate|invent"
    r"|imagine|brainstorm|explain|describe|elaborate|predict|forecast|recommend|suggest|advise"
    r"|research|google|look up|browse|calculate|compute|add up|sum up|proofread|infer|deduce"
    r"|(?:write|create|produce|give me|make up|come up with|make|draft)\s"
    r"(?:a|an|me|one|two|three|some|up|short|brief)\b(?! slug)|résume[rz]?|tradui\w*)\b"
)
#: Words that stand in lists of options too, so only in front of what is to be done.
_WORKS_OUT = re.compile(
    r"(?:^|[.;!?\n]|\b(?:please|and|then|you)\b)[\s\ufffc\-*•\d]{0,6}"
    r"(?:average|count|estimate|compare|correct|judge|rank|evaluate|expand|shorten|simplify|complete"
    r"|guess|rewrite|draft|answer)\s(?:the|a|an|all|each|this|these|it|how|what|whether|\ufffc)"
)
_MADE = re.compile(
    r"\b(?:translation|summary|explanation|tagline|slogan|headline|poem|story|abstract"
    r"|synopsis)\sof\b"
    r"|\b(?:a|an|one|short|brief|concise)(?:\s|-)(?:[a-z]+(?:\s|-)){0,2}"
    r"(?:summary|tagline|slogan|poem|story|synopsis|paragraph)\b|\b(?:zusammenfass\w*"
    r"|zusammen\b|übersetz\w*|search the (?:web|internet)"
    r"|how many (?:words|characters|letters|times|sentences)|in your (?:own )?(?:words|opinion)"
    r"|into (?:english|german|french|spanish|italian|chinese|japanese|portuguese|dutch))\b"
)


def answer(question: Question) -> Finding:
    """What the rules find for one cell; never raises.

    The value is in the stored form of the target column. Time grows with the length of the inputs,
    of which 200,000 characters are read."""
    column = question.target
    brief = prompts.read(question.prompt, _names(column))
    if column.type in _NEVER or _is_for_a_model(brief):
        return REFUSED
    found = _answer(question, column, brief)
    return _fitted(column, found)


def _names(column: Column) -> tuple[str, ...]:
    """Words for which a prompt can give keywords."""
    return yes_no.NAMES if column.type is ColumnType.BOOLEAN else column.options


def _is_for_a_model(brief: Brief) -> bool:
    return any(pattern.search(brief.demand) for pattern in (_MAKES, _WORKS_OUT, _MADE))


def _answer(question: Question, column: Column, brief: Brief) -> Finding:
    texts = passages(question)
    if not texts:
        return NOTHING if question.inputs else REFUSED
    if sentiment.asked(brief, column):
        return sentiment.answer(brief, column, texts)
    if column.type is ColumnType.BOOLEAN:
        return yes_no.answer(brief, column, texts)
    if column.type in _CHOICES and column.options:
        if column.type is ColumnType.SELECT and yes_no.polar(column.options):
            return yes_no.as_option(question.prompt, column, texts)
        return classify.answer(brief, column, texts)
    looked_for = wanted.read(brief, column)
    if column.type is ColumnType.TEXT and normalise.asked(brief):
        found = normalise.answer(brief, texts)
        if found is not None:
            return found
    return extract.answer(brief, column, looked_for, texts)


def _fitted(column: Column, found: Finding) -> Finding:
    """With the value in stored form and the confidence in two digits. A value that the column does
    not take was not found."""
    if found.value is None:
        return found
    if found.confidence < LEAST:
        return NOTHING
    try:
        value = values.accept(column, found.value)
    except Rejected:
        return NOTHING
    if value is None:
        return NOTHING
    confidence = round(min(max(found.confidence, 0.0), 1.0), 2)
    return Finding(value, confidence, tuple(found.citations), None, found.raw)
