"""Questions of yes and no that words alone can answer: whether a text says a word, holds an e-mail
address, or says yes."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from domain.columns import Column
from processing.rules import clues, contacts, dates, fields, prompts, quantities
from processing.rules.candidates import Candidate
from processing.rules.prompts import HOLE, Brief
from processing.rules.records import NOTHING, REFUSED, Finding, Passage
from processing.rules.wanted import labels_of
from processing.rules.word_sets import word_set
from processing.rules.words import denied, fold, words

#: The names under which a prompt may give keywords of a boolean.
NAMES = ("true", "false", "yes", "no")

_YES = word_set("yes y true 1 on x ok checked ja oui si wahr vrai enabled active")
_NO = word_set("no n false 0 off unchecked nein non falsch faux disabled inactive")
_SAYS = re.compile(
    r"\b(?:contains?|containing|mentions?|mentioned|includes?|including|says?|the words?|the terms?"
    r"|the phrases?|keywords?|refers? to|talks? about|enthalt|erwahnt|contient|mentionne)\b"
)
_WHOLE_CELL, _LABELLED, _SAID, _NOT_SAID, _NOT_QUOTED = 0.96, 0.92, 0.9, 0.85, 0.7

_PRESENT: Mapping[re.Pattern[str], Callable[[Sequence[Passage]], list[Candidate]]] = {
    re.compile(r"e-?mail address"): contacts.emails,
    re.compile(r"\b(?:url|link|web ?(?:site|address))\b"): contacts.urls,
    re.compile(r"\biban\b"): contacts.ibans,
    re.compile(r"\bdate\b"): lambda passages: dates.find(passages, ""),
    re.compile(r"\b(?:price|amount of money|money amount)\b"): lambda passages: [
        each for each in quantities.find(passages, []) if each.kind == quantities.MONEY
    ],
}


def answer(brief: Brief, column: Column, passages: Sequence[Passage]) -> Finding:
    """True, false, nothing, or refused when words alone do not answer the question."""
    found = _stated(column, passages)
    if found is not None:
        return found
    if any(brief.keywords.values()):
        return _by_keywords(brief, passages)
    says = _SAYS.search(brief.plain)
    if says is None:
        return REFUSED
    for noun, find in _PRESENT.items():
        if noun.search(brief.plain, says.end()) and not brief.quoted:
            return _presence(find(passages))
    return _said(brief, says.end(), passages)


def polar(options: Sequence[str]) -> bool:
    """Whether the options of a select are a yes and a no."""
    folded = [fold(option.strip()) for option in options]
    return (
        len(folded) == 2
        and any(each in _YES for each in folded)
        and any(each in _NO for each in folded)
    )


def as_option(prompt: str, column: Column, passages: Sequence[Passage]) -> Finding:
    """The answer to a question of yes and no as one of the two options."""
    found = answer(prompts.read(prompt, NAMES), column, passages)
    if not isinstance(found.value, bool):
        return found
    sought = _YES if found.value else _NO
    option = next(each for each in column.options if fold(each.strip()) in sought)
    return replace(found, value=option)


def _stated(column: Column, passages: Sequence[Passage]) -> Finding | None:
    """The cell says yes or no, or a label does."""
    if len(passages) == 1:
        value = word_value(passages[0].text)
        if value is not None:
            cite = passages[0].cite_all()
            return Finding(value, _WHOLE_CELL, (cite,), None, passages[0].text.strip())
    named = fields.field_of(labels_of((column.label, column.key.replace("_", " "))), passages)
    if named is not None:
        value = word_value(named[0])
        if value is not None:
            return Finding(value, _LABELLED, named[1].citations, None, named[0])
    return None


def word_value(text: str) -> bool | None:
    """What a text that is nothing but a yes or a no says."""
    if len(text) > 40:
        return None
    word = fold(text.strip(" \t\r\n.!\"'"))
    if word in _YES:
        return True
    return False if word in _NO else None


def _by_keywords(brief: Brief, passages: Sequence[Passage]) -> Finding:
    """Keywords that the prompt gives for true and false."""
    found = clues.verdicts(brief, NAMES, passages)
    strong = [each for each in found if each.score >= clues.ENOUGH and each.citations]
    if not strong or len({each.option in ("true", "yes") for each in strong}) > 1:
        if brief.otherwise is not None and not strong:
            return Finding(brief.otherwise in ("true", "yes"), 0.5)
        return NOTHING
    best = strong[0]
    raw = ", ".join(dict.fromkeys(cite.text for cite in best.citations))
    return Finding(best.option in ("true", "yes"), best.score, best.citations, None, raw)


def _presence(found: Sequence[Candidate]) -> Finding:
    if not found:
        return Finding(False, _NOT_SAID)
    first = found[0]
    cite = first.passage.cite(first.start, first.end)
    return Finding(True, 0.95 * first.certainty, (cite,), None, first.written)


def _said(brief: Brief, place: int, passages: Sequence[Passage]) -> Finding:
    """Whether one of the words stands in the text. Words that the prompt does not quote are taken
    up to the end of its sentence."""
    phrases = list(brief.quoted) or _phrases_behind(brief.plain, place)
    if not phrases:
        return REFUSED
    for passage in passages:
        found = words(passage.text)
        stems = [word.stem for word in found]
        for phrase in phrases:
            sought = [word.stem for word in words(phrase)]
            for index in range(len(stems) - len(sought) + 1 if sought else 0):
                if stems[index : index + len(sought)] == sought:
                    start, end = found[index].start, found[index + len(sought) - 1].end
                    sure = 0.6 if denied(passage.text, found, index) else _SAID
                    cite = passage.cite(start, end)
                    return Finding(True, sure, (cite,), None, cite.text)
    return Finding(False, _NOT_SAID if brief.quoted else _NOT_QUOTED)


def _phrases_behind(plain: str, place: int) -> list[str]:
    rest = re.split(rf"[.?!\n{HOLE}]", plain[place : place + 200], maxsplit=1)[0]
    rest = re.sub(
        r"^\W*(?:the |a |an |any |any of |one of |words? |terms? |of |phrases? |:)*", "", rest
    )
    parts = re.split(r",|\bor\b|\boder\b|\bou\b", rest)
    phrases = [" ".join(part.split()) for part in parts]
    # A long phrase is a description, and no words that a text would say.
    return phrases if all(0 < len(phrase.split()) <= 2 for phrase in phrases) else []
