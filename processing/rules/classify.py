"""Choosing among the options of a column."""

import re
from collections.abc import Sequence

from domain.columns import Column, ColumnType
from processing.rules import fields
from processing.rules.buckets import bucket
from processing.rules.clues import ENOUGH, TOO_CLOSE, Verdict, verdicts, whole_cell
from processing.rules.prompts import HOLE, Brief
from processing.rules.records import NOTHING, REFUSED, Finding, Passage
from processing.rules.wanted import labels_of

_TASK = re.compile(
    r"\b(?:class\w*|categor\w*|assign|label|tag|tags|triage|route|choose|pick|select|sort"
    r"|determine|decide|which of|one of|match|map|bucket|group|normali[sz]e|standardi[sz]e"
    r"|extract|detect|mentioned|klassifizier\w*|kategorie|einordnen|classe\w*|topics?|keywords?)\b"
)
_FALLBACK_CONFIDENCE = 0.5


def answer(brief: Brief, column: Column, passages: Sequence[Passage]) -> Finding:
    """The option, or the options of a multi_select, that the inputs speak for. Nothing when they
    speak for none or for several alike; refused when the prompt asks no such question."""
    found = _by_form(brief, column, passages) or _by_clues(brief, column, passages)
    if found is not None:
        several = column.type is ColumnType.MULTI_SELECT and isinstance(found.value, str)
        return _with_value(found, [found.value]) if several else found
    if brief.otherwise is not None:
        value = [brief.otherwise] if column.type is ColumnType.MULTI_SELECT else brief.otherwise
        return Finding(value, _FALLBACK_CONFIDENCE)
    return NOTHING if _asks_for_options(brief) else REFUSED


def _asks_for_options(brief: Brief) -> bool:
    bare = not brief.plain.strip(f" \n\t.:{HOLE}")
    return bare or bool(any(brief.keywords.values()) or _TASK.search(brief.plain))


def _by_form(brief: Brief, column: Column, passages: Sequence[Passage]) -> Finding | None:
    """The cell is the option, a label names it, or a number falls into it."""
    options = column.options
    found = bucket(options, passages)
    if found is not None:
        return found
    for passage in passages:
        verdict = whole_cell(options, passage)
        if verdict is not None and _asked_alone(passage, passages):
            return _finding(verdict, verdict.score)
    labels = labels_of((column.label, column.key.replace("_", " ")))
    named = fields.field_of(labels, passages)
    if named is not None:
        written, finding = named
        inside = Passage("", "", written)
        verdict = whole_cell(options, inside)
        if verdict is not None:
            value = verdict.option
            confidence = min(verdict.score, finding.confidence)
            return Finding(value, confidence, finding.citations, None, finding.raw)
    return None


def _asked_alone(passage: Passage, passages: Sequence[Passage]) -> bool:
    """One cell of several says what the row is only when it is the longest text of it."""
    return len(passage.text) >= max(len(each.text) for each in passages)


def _by_clues(brief: Brief, column: Column, passages: Sequence[Passage]) -> Finding | None:
    found = [each for each in verdicts(brief, column.options, passages) if each.score >= ENOUGH]
    if not found:
        return None
    if column.type is ColumnType.MULTI_SELECT:
        return _all_of(found, column.options)
    best = found[0]
    if len(found) == 1:
        return _finding(best, best.score)
    runner_up = found[1].score
    if runner_up > TOO_CLOSE * best.score:
        return None
    return _finding(best, best.score * (1 - runner_up / 4))


def _all_of(found: Sequence[Verdict], options: Sequence[str]) -> Finding:
    chosen = sorted(found, key=lambda verdict: options.index(verdict.option))
    cites = tuple(cite for verdict in chosen for cite in verdict.citations)[:20]
    weakest = min(verdict.score for verdict in chosen)
    raw = ", ".join(dict.fromkeys(cite.text for cite in cites))
    return Finding([verdict.option for verdict in chosen], weakest, cites, None, raw)


def _finding(verdict: Verdict, confidence: float) -> Finding:
    raw = ", ".join(dict.fromkeys(cite.text for cite in verdict.citations))
    return Finding(verdict.option, confidence, verdict.citations, None, raw)


def _with_value(finding: Finding, value: list[str]) -> Finding:
    return Finding(value, finding.confidence, finding.citations, None, finding.raw)
