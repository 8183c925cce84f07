"""Which of several values is the wanted one: by the words beside it, or because it is the only one.

Confidence: 0.95 and more when the cell says nothing else or a label names the value, from 0.8 when
the label fits nearly, about 0.7 when it is the only value of its kind and nothing names it. All of
it times the certainty of the reading.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from processing.rules.candidates import Candidate
from processing.rules.labels import FITS, Beside, beside
from processing.rules.wanted import Wanted

WHOLE_CELL, ONLY_ONE = 0.97, 0.72
#: The least confidence with which a value is given.
LEAST = 0.5
_TIE = 0.12


@dataclass(frozen=True, slots=True)
class Choice:
    candidate: Candidate
    confidence: float


@dataclass(frozen=True, slots=True)
class _Scored:
    candidate: Candidate
    beside: Beside


def choose(
    candidates: Sequence[Candidate], wanted: Wanted, needs_label: Sequence[Candidate] = ()
) -> Choice | None:
    """The wanted one, None when it cannot be told. Those of `needs_label`, and all when the prompt
    names one special value, count only when a label names them or when they are all that the cell
    says. A unit or a percent sign that the prompt asks for is a label too."""
    labelled = [_scored(each, wanted) for each in (*candidates, *needs_label)]
    fitting = [each for each in labelled if each.beside.score >= FITS]
    if fitting:
        best = max(each.beside.score for each in fitting)
        top = [each for each in fitting if each.beside.score >= best - _TIE]
        return _one(top, wanted, 0.6 + 0.38 * best)
    if not wanted.explicit:
        return None
    whole = [each for each in labelled if each.candidate.whole]
    if whole:
        return _one(whole, wanted, WHOLE_CELL)
    if not wanted.vague:
        return None
    possible = [each for each in labelled[: len(candidates)] if not each.beside.other]
    return _one(possible, wanted, ONLY_ONE)


def _scored(candidate: Candidate, wanted: Wanted) -> _Scored:
    passage = candidate.passage
    whole = passage.label if candidate.whole else ""
    around = beside(passage.text, candidate.start, candidate.end, wanted.labels, whole)
    return _Scored(candidate, around)


def _one(group: Sequence[_Scored], wanted: Wanted, confidence: float) -> Choice | None:
    """The only value of the group, or the one that the prompt picks."""
    values = {repr(each.candidate.value) for each in group}
    if not values:
        return None
    if len(values) > 1:
        chosen = _picked([each.candidate for each in group], wanted.pick)
        confidence = min(confidence, 0.8)
    else:
        chosen = max((each.candidate for each in group), key=lambda each: each.certainty)
    if chosen is None:
        return None
    # A value with two readings is still the right place: it is given, as unsure as can be.
    return Choice(chosen, min(max(confidence * chosen.certainty, LEAST), 0.98))


def _picked(group: Sequence[Candidate], pick: str | None) -> Candidate | None:
    if pick is None:
        return None
    if pick in ("first", "last"):
        in_order = sorted(group, key=lambda each: each.start)
        same = len({id(each.passage) for each in group}) == 1
        return (in_order[0] if pick == "first" else in_order[-1]) if same else None
    try:
        ranked = sorted(group, key=lambda each: each.value)
    except TypeError:  # moments with a zone beside moments without
        return None
    return ranked[-1] if pick == "most" else ranked[0]
