"""Reading one segment with a model: questions about its parts, until every row that it should give
is there, or is known to be missing."""

import asyncio
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from uuid import UUID

import structlog

from domain.extraction_ports import ExtractionWork, PlannedTable
from domain.extraction_records import ExtractedRow, Segment, SegmentFound
from domain.provider_records import Provider
from domain.tool_ports import TryLater
from domain.tool_records import Producer, ProducerKind, Usage
from processing.extraction import model_answers, model_plan, model_prompt, values
from processing.extraction.model_answers import Claims, TableClaim
from processing.extraction.model_coverage import Coverage, Lack, Outcome, Rest
from processing.extraction.model_expected import PrintedRow
from processing.extraction.model_finding import compact
from processing.extraction.model_lines import lines_of
from processing.extraction.model_parts import Part, asked_tables, is_single
from processing.extraction.model_rows import Collected, ReadRow, RowReader
from processing.providers.replies import Failed, Prompt, Told, TooLong, TooSlow

Ask = Callable[[Prompt], Awaitable[Told]]
#: A record by the table that it belongs to, and by texts of its columns.
RowKey = tuple[UUID, frozenset[tuple[int, str]]]

#: Questions that a segment may take: for each that it begins with, and in any case.
_ASKS_A_PART = 3
_ASKS_MORE = 12
_MOST_MISSING = 2_000
_TOO_MANY = "the model needs too many questions for it"
_NOTHING = "the model found nothing for it"

_log = structlog.get_logger()


class Reading:
    """The reading of one segment. What was read stays when the provider asks for a rest: `read`
    goes on where it was.

    `rows` are those that the document should give. `earlier` are the records of earlier segments:
    what prints its number on every page is one record all the same."""

    def __init__(
        self,
        work: ExtractionWork,
        segment: Segment,
        provider: Provider,
        rows: Sequence[PrintedRow],
        earlier: Collection[RowKey] = (),
    ) -> None:
        self._work, self._provider = work, provider
        self._earlier = earlier
        self._is_first = segment.first_page == work.document.pages[0].number
        self._tables = tuple(
            table for table in asked_tables(work) if table.table.table_id in segment.table_ids
        )
        numbers = model_plan.shown_pages(work.document, segment, self._tables)
        self._lines = lines_of(work.document, numbers)
        known = {table.table.table_id for table in self._tables}
        rows = [row for row in rows if row.place.page in numbers and row.table_id in known]
        self._collected = {table.table.table_id: Collected(table) for table in self._tables}
        self._coverage = Coverage(self._lines, rows, self._collected)
        by_line = defaultdict(list)
        for row in rows:
            by_line[self._lines.places.get(row.place, 0)].append(row)
        most = model_prompt.most_tokens(provider)
        self._queue = model_plan.parts(self._lines, self._tables, by_line, most)
        self._asks_left = _ASKS_A_PART * len(self._queue) + _ASKS_MORE
        self._reader = RowReader(self._lines, values.habits_of(work.document))
        self._lacks: dict[UUID, list[Lack]] = defaultdict(list)
        self._usage = Usage()
        self._version: str | None = None

    async def read(self, ask: Ask) -> SegmentFound:
        """Everything that the segment holds. Raises `TryLater`."""
        while self._queue:
            asked, over = self._queue[: self._asks_left], self._queue[self._asks_left :]
            for part in over:
                self._give_up(part, _TOO_MANY)
            self._queue = []
            self._asks_left -= len(asked)
            told = await asyncio.gather(
                *(ask(self._prompt(part)) for part in asked), return_exceptions=True
            )
            # To look up texts that stand nowhere may take seconds.
            later = await asyncio.to_thread(self._hear, asked, told)
            if later is not None:
                raise later
        return self._found()

    def records(self) -> set[RowKey]:
        """The records that were read, as later segments know them again."""
        return {
            self._key(each.table, row)
            for each in self._collected.values()
            if self._is_record(each.table)
            for row in each.rows
        }

    def _key(self, table: PlannedTable, row: ReadRow) -> RowKey:
        return _key_of(table, {number: cell.raw or "" for number, cell in row.cells.items()})

    def _prompt(self, part: Part) -> Prompt:
        return model_prompt.prompt(self._work, self._provider, self._lines, part)

    def _hear(self, asked: Sequence[Part], told: Sequence[Told | BaseException]) -> TryLater | None:
        """Take all answers. What the provider had no time for is left for the next time."""
        later: TryLater | None = None
        for part, answer in zip(asked, told, strict=True):
            match answer:
                case TryLater():
                    later = answer
                    self._queue.append(part)
                    self._asks_left += 1
                case TooSlow() | TooLong():
                    self._follow(self._coverage.split(part, _lowered(str(answer))))
                case Failed():
                    self._give_up(part, _lowered(str(answer)))
                case BaseException():
                    raise answer
                case _:
                    self._take(part, answer)
        return later

    def _take(self, part: Part, told: Told) -> None:
        self._usage = plus(self._usage, told.usage)
        self._version = told.model or self._version
        claims = model_answers.read(told, part)
        if not claims.tables:
            why = claims.problem or "the answer is empty"
            again = self._coverage.split if claims.cut else self._coverage.again
            self._follow(again(part, why))
            return
        known = {claim.table.table.table_id: claim for claim in claims.tables}
        for table in part.tables:
            claim = known.get(table.table.table_id)
            take = self._take_single if is_single(table) else self._take_list
            self._follow(take(part.of([table]), claims, claim))

    def _take_single(self, part: Part, claims: Claims, claim: TableClaim | None) -> Rest:
        """The only row of a table, or some of its columns."""
        [table] = part.tables
        collected = self._collected[table.table.table_id]
        rows = claim.rows if claim is not None else ()
        if rows:
            collected.merge(self._reader.row(table, rows[0]))
            collected.repeated += len(rows) - 1
            if any(row.cells for row in collected.rows) or part.tries:
                return Rest()
            return self._coverage.again(part, "the row is empty")
        why = claims.problem or f"there is no row of {table.name}"
        if claims.cut:
            return self._coverage.split(part, why)
        is_primary = table.table.table_id == self._work.tables[0].table.table_id
        if part.tries and claim is not None and not is_primary:
            return Rest()  # Asked twice, the model says that there is none.
        return self._coverage.again(part, why)

    def _take_list(self, part: Part, claims: Claims, claim: TableClaim | None) -> Rest:
        """Rows of a table that may have many."""
        [table] = part.tables
        collected = self._collected[table.table.table_id]
        if claim is None:
            return self._coverage.rest(part, Outcome(broken=True, fault=claims.problem))
        gained, strange, last = 0, 0, None
        printed = self._coverage.columns(table)
        for given in claim.rows:
            row = self._reader.row(table, given)
            if row.line is not None:
                row = replace(row, line=self._coverage.whole(row.line))
            if not row.seen:
                strange += 1
            elif row.line not in printed and self._is_known(collected, row):
                collected.repeated += 1
            elif row.line is not None and self._is_wanted(row.line):
                gained += collected.add(row, printed)
                last = max(last or 0, row.line)
        broken = claims.cut and claim is claims.tables[-1]
        fault = claims.problem if broken else _fault(claim, strange)
        return self._coverage.rest(part, Outcome(gained, last, broken, fault))

    def _is_known(self, collected: Collected, row: ReadRow) -> bool:
        """Whether a record, or more of it, was read before: it prints its number on every page. On
        the pages that a model sees together it tells that itself, unless there are keys."""
        table = collected.table
        if not self._is_record(table):
            return False
        known = list(self._earlier)
        if _has_keys(table):
            known += [self._key(table, each) for each in collected.rows if each.line != row.line]
        id_, cells = self._key(table, row)
        return any(id_ == other and cells <= texts for other, texts in known)

    def _is_record(self, table: PlannedTable) -> bool:
        """Whether rows of a table are told apart by what they hold: by keys, or since others belong
        to them. Rows of lists may well be alike, and keys of children repeat."""
        if table.table.parent_id is not None:
            return False
        parents = (other.table.parent_id for other in self._work.tables)
        return table.table.table_id in parents or _has_keys(table)

    def _is_wanted(self, line: int) -> bool:
        return line in self._lines.own and not self._coverage.is_heading(line)

    def _follow(self, rest: Rest) -> None:
        self._queue += rest.parts
        for lack in rest.lacks:
            self._lacks[lack.table.table.table_id].append(lack)

    def _give_up(self, part: Part, why: str) -> None:
        self._follow(Rest(lacks=list(self._coverage.lacks(part, why))))

    def _found(self) -> SegmentFound:
        missing = list(self._missing())
        repeated = sum(each.repeated for each in self._collected.values())
        if missing or repeated:
            _log.info("extraction_segment_read", missing=len(missing), repeated=repeated)
        told = "; ".join(missing)
        return SegmentFound(
            rows=list(self._rows()),
            producer=Producer(
                ProducerKind.MODEL,
                self._work.actor,
                self._provider.name,
                self._work.schema.model or self._provider.model,
                self._version,
                model_prompt.prompt_hash(self._work, self._provider, self._tables),
            ),
            usage=self._usage,
            missing=told[:_MOST_MISSING] or None,
        )

    def _missing(self) -> Iterator[str]:
        for table in self._tables:
            lacks = self._lacks[table.table.table_id]
            yield from self._coverage.missing(table, lacks)
            if not lacks and self._should_have_rows(table):
                yield f"{table.name}: no row ({_NOTHING})"

    def _should_have_rows(self, table: PlannedTable) -> bool:
        """Whether a document without a row of this table is none: it is the primary one."""
        if table.table.table_id != self._work.tables[0].table.table_id or not self._lines.own:
            return False
        empty = not any(row.cells for row in self._collected[table.table.table_id].rows)
        return empty and (is_single(table) or self._is_first)

    def _rows(self) -> Iterator[ExtractedRow]:
        """Parents before children; children of a parent in an earlier segment before both."""
        orphans: list[ExtractedRow] = []
        rows: list[ExtractedRow] = []
        for table in self._tables:
            for row in self._sorted(table):
                parent = self._parent(table, row)
                page = self._lines[row.line].page if row.line is not None else None
                found = ExtractedRow(table.table.table_id, row.cells, parent, page)
                is_orphan = table.table.parent_id is not None and parent is None
                (orphans if is_orphan else rows).append(found)
        yield from orphans
        yield from rows

    def _sorted(self, table: PlannedTable) -> list[ReadRow]:
        rows = [row for row in self._collected[table.table.table_id].rows if row.cells]
        return sorted(rows, key=lambda row: row.line or 0)

    def _parent(self, table: PlannedTable, row: ReadRow) -> int | None:
        """The place of a row's parent among its table's rows: the one that the model names, or the
        last one before it."""
        known = self._collected.get(table.table.parent_id) if table.table.parent_id else None
        if known is None:
            return None
        parents = self._sorted(known.table)
        if is_single(known.table):
            return 0 if parents else None
        line = row.parent if row.parent in self._lines.own else row.line
        begins = [parent.line or 0 for parent in parents]
        place = bisect_right(begins, line or 0) - 1
        return place if place >= 0 else None


def records_before(work: ExtractionWork, segment: Segment) -> set[RowKey]:
    """The records of earlier segments that somebody else has read."""
    primary = work.tables[0]
    return {
        _key_of(primary, texts)
        for number, rows in work.earlier.items()
        for texts in rows
        if number < segment.number
    }


def _key_of(table: PlannedTable, texts: Mapping[int, str]) -> RowKey:
    """What tells a record of a table from another one: its keys, or all that it has."""
    keys = [each.column.number for each in table.fields if each.field.is_key]
    numbers = [number for number in keys if number in texts] or texts
    return table.table.table_id, frozenset((number, compact(texts[number])) for number in numbers)


def _has_keys(table: PlannedTable) -> bool:
    return any(each.field.is_key for each in table.fields)


def _fault(claim: TableClaim, strange: int) -> str | None:
    """What is wrong with the rows of an answer that is whole."""
    if strange:
        return f"{strange} of the {len(claim.rows)} rows do not stand in the document"
    if claim.count is not None and claim.count > len(claim.rows):
        return f"the model counts {claim.count} rows and gives {len(claim.rows)}"
    return None


def _lowered(told: str) -> str:
    return told[:1].lower() + told[1:]


def plus(one: Usage, other: Usage) -> Usage:
    """What both used together."""
    known = one.cost is not None and other.cost is not None
    return Usage(
        one.input_tokens + other.input_tokens,
        one.output_tokens + other.output_tokens,
        one.cost + other.cost if known else None,  # type: ignore[operator]
    )
