"""Whether a text speaks well or badly of its subject, by a list of words with their weights.

A word is turned around by a negation before it, and strengthened or weakened by words such as very
and slightly. What comes after "but" counts more than what came before. English only: a text with
few English words has no sentiment here.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from domain.columns import Column, ColumnType
from domain.tool_records import Citation
from processing.rules.lexicon import INDIFFERENT, PHRASES, SIGNS, STRENGTH, WEIGHTS
from processing.rules.prompts import Brief
from processing.rules.records import NOTHING, REFUSED, Finding, Passage
from processing.rules.word_sets import word_set
from processing.rules.words import NEGATIONS, STOP_WORDS, Word, fold, words

POSITIVE, NEGATIVE, NEUTRAL, MIXED = "positive", "negative", "neutral", "mixed"

_CLASSES: Mapping[str, frozenset[str]] = {
    POSITIVE: word_set("positive pos good happy satisfied favorable favourable positiv positif "
                        "promoter praise"),
    NEGATIVE: word_set("negative neg bad unhappy dissatisfied unsatisfied unfavorable unfavourable "
                        "negativ negatif detractor angry"),
    NEUTRAL: word_set("neutral neither indifferent neutre passive ok okay"),
    MIXED: word_set("mixed ambivalent both gemischt mitige"),
}  # fmt: skip
_STRONG = {"very": 0.55, "extremely": 0.55, "strongly": 0.55}
_ASKED = re.compile(
    r"\b(?:sentiments?|polarity|stimmung|tonalitat|tonalität|positive or negative"
    r"|positive, negative"
    r"|happy or unhappy|good or bad review)\b"
)
_SCALE = re.compile(
    r"(-?[0-9]{1,3}(?:\.[0-9])?)\s?(?:to|-|\u2013|through|and|\.\."
    r"|bis)\s?\+?(-?[0-9]{1,3}(?:\.[0-9])?)"
)
_CLAUSE = re.compile(r"\b(?:but|however|although|though|yet|except)\b", re.IGNORECASE)
_FLIP, _DAMP, _AFTER_BUT, _BEFORE_BUT = -0.8, 15.0, 1.3, 0.6
#: Scores nearer to zero than this are neither good nor bad.
_LEAN = 0.3
_MOST_CITATIONS = 8
_LONGEST_PHRASE = 5
_FIRST_INDIFFERENT = frozenset(phrase.split()[0] for phrase in INDIFFERENT)
_FIRST_WORDS = frozenset(phrase.split()[0] for phrase in PHRASES)


@dataclass(frozen=True, slots=True)
class Mood:
    """`score` from -1 to 1; `good` and `bad` are what speaks on each side. `neutral` says that the
    text calls its subject neither good nor bad."""

    score: float
    good: float
    bad: float
    citations: tuple[Citation, ...]
    neutral: bool

    @property
    def mixed(self) -> bool:
        return (
            self.good > 0
            and self.bad > 0
            and min(self.good, self.bad) > 0.55 * max(self.good, self.bad)
        )


def asked(brief: Brief, column: Column) -> bool:
    """Whether the question is one of sentiment: by the prompt, or by the names of the options."""
    kinds = {kind for option in column.options if (kind := _class(option)) is not None}
    if column.options:
        return {POSITIVE, NEGATIVE} <= kinds
    named = {"sentiment", "polarity"} & {word.folded for word in words(column.label)}
    return bool(_ASKED.search(brief.plain) or named)


def _class(option: str) -> str | None:
    terms = [fold(term) for term in re.findall(r"[^\W_]+", option) if fold(term) not in _STRONG]
    if len(terms) != 1:
        return None
    return next((kind for kind, names in _CLASSES.items() if terms[0] in names), None)


def answer(brief: Brief, column: Column, passages: Sequence[Passage]) -> Finding:
    """The sentiment of all inputs together, in the form that the column takes."""
    mood = _mood(passages)
    if column.type is ColumnType.NUMBER:
        return _as_number(brief, mood)
    kind, confidence = _kind(mood)
    if column.type is ColumnType.BOOLEAN:
        return _as_boolean(brief, kind, confidence, mood)
    if column.type in (ColumnType.SELECT, ColumnType.MULTI_SELECT) and column.options:
        return _as_option(column, kind, confidence, mood)
    if column.type in (ColumnType.TEXT, ColumnType.SELECT):
        return NOTHING if kind is None else _finding(kind, confidence, mood)
    return REFUSED


def _as_number(brief: Brief, mood: Mood) -> Finding:
    """From -1 to 1, or on the scale that the prompt names, such as 1 to 5."""
    if not mood.citations:
        return NOTHING
    low, high = _scale(brief)
    value: Any = low + (mood.score + 1) / 2 * (high - low)
    whole = low == int(low) and high == int(high) and high - low > 2
    value = round(value) if whole else round(value, 2)
    _, confidence = _kind(mood)
    return _finding(value, max(confidence, 0.5), mood)


def _scale(brief: Brief) -> tuple[float, float]:
    match = _SCALE.search(brief.plain)
    if match is None or float(match[1]) >= float(match[2]):
        return -1.0, 1.0
    return float(match[1]), float(match[2])


def _as_boolean(brief: Brief, kind: str | None, confidence: float, mood: Mood) -> Finding:
    """True for the side that the prompt asks for: the good one unless it speaks of bad only."""
    if kind not in (POSITIVE, NEGATIVE):
        return NOTHING
    terms = brief.terms
    about_bad = bool(terms & _CLASSES[NEGATIVE]) and not terms & _CLASSES[POSITIVE]
    return _finding((kind == NEGATIVE) == about_bad, confidence, mood)


def _as_option(column: Column, kind: str | None, confidence: float, mood: Mood) -> Finding:
    if kind is None:
        return NOTHING
    fitting = [option for option in column.options if _class(option) == kind]
    if not fitting and kind == MIXED:
        return NOTHING
    if not fitting:
        return NOTHING
    strong = [option for option in fitting if any(fold(w) in _STRONG for w in option.split())]
    plain = [option for option in fitting if option not in strong]
    chosen = strong if strong and (abs(mood.score) >= 0.75 or not plain) else plain
    value: Any = chosen[0]
    return _finding([value] if column.type is ColumnType.MULTI_SELECT else value, confidence, mood)


def _finding(value: Any, confidence: float, mood: Mood) -> Finding:
    raw = ", ".join(dict.fromkeys(cite.text for cite in mood.citations))
    return Finding(value, confidence, mood.citations, None, raw or None)


def _kind(mood: Mood) -> tuple[str | None, float]:
    """The class of a mood and how sure it is."""
    if mood.neutral and not mood.good and not mood.bad:
        return NEUTRAL, 0.7
    if not mood.citations:
        # Texts without such a word are neutral, or say it in words that nobody listed.
        return None, 0.0
    if mood.mixed and abs(mood.score) < 0.5:
        return MIXED, 0.6
    if abs(mood.score) < _LEAN:
        return None, 0.0
    one_sided = 1 - min(mood.good, mood.bad) / max(mood.good, mood.bad)
    confidence = 0.5 + 0.45 * min(abs(mood.score) / 0.7, 1.0) * (0.4 + 0.6 * one_sided)
    return (POSITIVE if mood.score > 0 else NEGATIVE), confidence


def _mood(passages: Sequence[Passage]) -> Mood:
    total = good = bad = 0.0
    cites: list[Citation] = []
    indifferent: list[Citation] = []
    for passage in passages:
        found = words(passage.text)
        for weight, start, end in _weights(passage.text, found):
            total += weight
            good, bad = good + max(weight, 0.0), bad + max(-weight, 0.0)
            if len(cites) < _MOST_CITATIONS:
                cites.append(passage.cite(start, end))
        indifferent += _indifferent(passage, found)
    score = total / math.sqrt(total * total + _DAMP) if total else 0.0
    cites = cites or indifferent[:_MOST_CITATIONS]
    return Mood(score, good, bad, tuple(cites), bool(indifferent))


def _indifferent(passage: Passage, found: Sequence[Word]) -> list[Citation]:
    cites = []
    for index, word in enumerate(found):
        if word.folded in _FIRST_INDIFFERENT and not _negated(passage.text, found, index):
            for length in (4, 2, 1):
                span = found[index : index + length]
                if " ".join(each.folded for each in span) in INDIFFERENT:
                    cites.append(passage.cite(span[0].start, span[-1].end))
                    break
    return cites


def _weights(text: str, found: Sequence[Word]) -> list[tuple[float, int, int]]:
    """What each word or sign adds, and where it stands."""
    turns = [match.start() for match in _CLAUSE.finditer(text)]
    ends = [match.start() for match in re.finditer(r"[.!?\n]", text)]
    weights = []
    index = 0
    while index < len(found):
        weight, length = _at(text, found, index)
        if weight:
            start, end = found[index].start, found[index + length - 1].end
            weights.append((weight, start, end))
        index += length
    weights += [(SIGNS[match[0]], *match.span()) for match in _SIGN.finditer(text)]
    return _around_but(sorted(weights, key=lambda each: each[1]), turns, ends)


def _at(text: str, found: Sequence[Word], index: int) -> tuple[float, int]:
    """The weight of the phrase or word at this place, and of how many words it is."""
    longest = _LONGEST_PHRASE if found[index].folded in _FIRST_WORDS else 1
    for length in range(min(longest, len(found) - index), 1, -1):
        span = found[index : index + length]
        weight = PHRASES.get(" ".join(word.folded for word in span))
        if weight is not None:
            negated = _negated(text, found, index)
            return (weight * _FLIP if negated else weight), length
    word = found[index]
    single = PHRASES.get(word.folded)
    weight = WEIGHTS.get(word.stem, 0.0) if single is None else single
    if not weight or word.folded in STOP_WORDS:
        return 0.0, 1
    strength = STRENGTH.get(found[index - 1].folded, 1.0) if index else 1.0
    weight *= strength
    return (weight * _FLIP if _negated(text, found, index) else weight), 1


def _negated(text: str, found: Sequence[Word], index: int) -> bool:
    """Whether one of the three words before, in the same clause, turns the word around."""
    for back in range(index - 1, max(index - 4, -1), -1):
        between = text[found[back].end : found[back + 1].start]
        if re.search(r"[.,;:!?()\n]", between) or found[back].folded in ("but", "because", "and"):
            return False
        if found[back].folded in NEGATIONS:
            following = found[back + 1].folded
            return following not in ("only", "just", "wait", "hesitate")
    return False


def _around_but(
    weights: list[tuple[float, int, int]], turns: Sequence[int], ends: Sequence[int]
) -> list[tuple[float, int, int]]:
    """More weight for what follows a "but" in its sentence, less for what came before it."""
    if not turns:
        return weights
    changed = []
    turn = end = 0
    for weight, start, stop in weights:
        while end < len(ends) and ends[end] < start:
            end += 1
        begins = ends[end - 1] if end else -1
        closes = ends[end] if end < len(ends) else 1 << 60
        while turn < len(turns) and turns[turn] < begins:
            turn += 1
        factor = 1.0
        if turn < len(turns) and turns[turn] < closes:
            factor = _AFTER_BUT if turns[turn] < start else _BEFORE_BUT
        changed.append((weight * factor, start, stop))
    return changed


_SIGN = re.compile(
    "|".join(re.escape(sign) for sign in sorted(SIGNS, key=len, reverse=True)).replace(
        ":/", ":/(?!/)"
    )
)
