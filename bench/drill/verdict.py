"""Does what a subscriber was told equal what the log says it must have been told?"""

import statistics
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import orjson

from bench.drill.expectation import (
    Told,
    organization_told,
    statuses_told,
    table_told,
    told_by,
)
from bench.drill.subscribers import Subscriber, Wish
from bench.drill.truth import Truth
from bench.drill.writers import Journal

_SHOWN = 5


@dataclass(slots=True)
class Compared:
    """One subscriber against the log. `examples` show some of what is wrong."""

    name: str
    connections: int
    expected: int
    got: int
    lost: int = 0
    doubled: int = 0
    different: int = 0
    unexpected: int = 0
    unordered: int = 0
    examples: list[str] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        return not (
            self.lost or self.doubled or self.different or self.unexpected or self.unordered
        )


class Judge:
    """Compares subscribers with one truth. Messages are parsed once, however many got them."""

    def __init__(self, truth: Truth) -> None:
        self._truth = truth
        self._expected: dict[str, dict[int, Told]] = {}
        self._told: dict[str, tuple[int, Told | None]] = {}

    def expected(self, wish: Wish, after: int) -> dict[int, Told]:
        """What must have come since a revision."""
        name = orjson.dumps([wish.field, dict(wish.variables)]).decode()
        if name not in self._expected:
            self._expected[name] = dict(self._all(wish))
        return {
            revision: told for revision, told in self._expected[name].items() if revision > after
        }

    def compare(self, subscriber: Subscriber) -> Compared:
        """The subscriber's whole story against the log."""
        story = subscriber.story
        expected = self.expected(subscriber.wish, story.first_revision or 0)
        got = [self._parsed(subscriber.wish, text) for text, _ in story.messages]
        events = [(revision, told) for revision, told in got if told is not None]
        result = Compared(subscriber.wish.name, story.connections, len(expected), len(events))
        counts = Counter(revision for revision, _ in events)
        lost = [revision for revision in expected if revision not in counts]
        result.lost = len(lost)
        result.doubled = sum(count - 1 for count in counts.values())
        result.unexpected = sum(revision not in expected for revision in counts)
        revisions = [revision for revision, _ in events]
        result.unordered = sum(a > b for a, b in pairwise(revisions))
        wrong = [each for each in events if each[0] in expected and each[1] != expected[each[0]]]
        result.different = len(wrong)
        result.examples += [f"lost {revision}: {expected[revision]}" for revision in lost[:_SHOWN]]
        result.examples += [
            f"different {revision}: {told}\n  instead of {expected[revision]}"
            for revision, told in wrong[:_SHOWN]
        ]
        result.examples += [
            f"unexpected {revision}: {told}"
            for revision, told in events
            if revision not in expected
        ][:_SHOWN]
        return result

    def _all(self, wish: Wish) -> Iterable[tuple[int, Told]]:
        if wish.field == "organizationChanged":
            return organization_told(self._truth.organization)
        if wish.field == "cellStatusChanged":
            return statuses_told(self._truth.entries, wish.variables.get("statuses"))
        return table_told(self._truth.entries, wish.variables.get("filter"))

    def _parsed(self, wish: Wish, text: str) -> tuple[int, Told | None]:
        if text not in self._told:
            event: Mapping[str, Any] = orjson.loads(text)["payload"]["data"][wish.field]
            told = None if event["__typename"] == "StreamStarted" else told_by(event)
            self._told[text] = (event["revision"], told)
        return self._told[text]

    def delays(self, subscribers: Sequence[Subscriber]) -> dict[int, list[float]]:
        """By revision of the table: the seconds from commit to arrival at each subscriber of the
        table that was told of it."""
        at = {entry.revision: entry.at for entry in self._truth.entries}
        found: dict[int, list[float]] = {}
        for subscriber in subscribers:
            if subscriber.wish.field == "organizationChanged":
                continue
            for text, arrived in subscriber.story.messages:
                revision, told = self._parsed(subscriber.wish, text)
                if told is not None:
                    found.setdefault(revision, []).append(arrived - at[revision])
        return found


@dataclass(frozen=True, slots=True)
class Writes:
    """The writers' side: what was acknowledged must be in the log, nothing may be there twice."""

    acknowledged: int
    missing: int
    doubled: int
    unanswered: int
    unanswered_done: int
    outcomes: Mapping[str, int]
    refusals: Mapping[str, int]

    @property
    def passed(self) -> bool:
        return not (self.missing or self.doubled)


def judge_writes(truth: Truth, journals: Sequence[Journal]) -> Writes:
    """Look for every acknowledged write in the log, and for writes that came in twice."""
    revisions_of: dict[str, set[int]] = {}
    deleted: dict[str, int] = {}
    known = {entry.revision for entry in truth.entries}
    for entry in truth.entries:
        for row in entry.rows:
            if row.action == "delete":
                deleted[row.row_id] = entry.revision
            elif row.before is None or row.before["token"] != row.values["token"]:
                revisions_of.setdefault(row.values["token"], set()).add(entry.revision)
    missing = 0
    for journal in journals:
        for write in journal.acknowledged:
            found = all(token in revisions_of for token in write.tokens)
            found = found and all(row_id in deleted for row_id in write.deleted)
            if write.revision is not None:
                found = found and write.revision in known
                found = found and all(write.revision in revisions_of[t] for t in write.tokens)
            missing += not found
    unknown = [token for journal in journals for token in journal.unknown]
    outcomes: Counter[str] = Counter()
    refusals: Counter[str] = Counter()
    for journal in journals:
        outcomes.update(journal.outcomes)
        refusals.update(journal.refusals)
    return Writes(
        acknowledged=outcomes["acknowledged"],
        missing=missing,
        doubled=sum(len(revisions) - 1 for revisions in revisions_of.values()),
        unanswered=len(unknown),
        unanswered_done=sum(token in revisions_of for token in unknown),
        outcomes=dict(outcomes),
        refusals=dict(refusals),
    )


def percentile(values: Sequence[float], percent: int) -> float:
    """A percentile of at least two values."""
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]
