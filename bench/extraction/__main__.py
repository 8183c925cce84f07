"""`python -m bench.extraction`: public documents with known answers, read by the rules engine.
`--write` puts the figures into docs/benchmarks.md, `--show` prints what is wrong or missing."""

import argparse
import asyncio
import re
import time
from collections.abc import Iterable
from pathlib import Path

from bench.extraction.archives import FACTUR_X, INVOICES, TABLES
from bench.extraction.cases import Case, all_cases
from bench.extraction.works import Tally, compared, work_of
from domain.extraction_ports import ExtractionWork
from domain.extraction_records import ExtractedRow
from processing.documents.reading import DocumentReader
from processing.extraction import rules_extraction

REPORT = Path(__file__).parents[2] / "docs" / "benchmarks.md"
_BEGIN, _END = "<!-- extraction begin -->", "<!-- extraction end -->"


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.extraction", description=__doc__)
    parser.add_argument("--write", action="store_true", help="put the figures into the docs")
    parser.add_argument("--show", action="store_true", help="print the cells that were read")
    given = parser.parse_args()
    results = asyncio.run(_run(show=given.show))
    report = _report(results)
    print(report)
    if given.write:
        before = REPORT.read_text()
        place = re.compile(f"{re.escape(_BEGIN)}.*{re.escape(_END)}", re.DOTALL)
        REPORT.write_text(place.sub(lambda _: f"{_BEGIN}\n{report}\n{_END}", before))


async def _run(*, show: bool) -> list[tuple[Case, Tally, float]]:
    reader = DocumentReader(at_once=1)
    results = []
    for case in all_cases():
        document = await reader.read(case.document())
        work = work_of(case, document)
        start = time.process_time()
        rows = [
            row
            for segment in rules_extraction.plan(work)
            for row in rules_extraction.extract(work, segment).rows
        ]
        seconds = time.process_time() - start
        results.append((case, compared(case, work, rows), seconds / len(document.pages)))
        if show:
            _show(case, work, rows)
    return results


def _show(case: Case, work: ExtractionWork, rows: Iterable[ExtractedRow]) -> None:
    print(f"\n{case.name}")
    by_id = {table.table.table_id: table for table in work.tables}
    for row in rows:
        table = by_id[row.table_id]
        labels = {each.column.number: each.column.label for each in table.fields}
        print(f"  {table.name}", {labels[at]: cell.value for at, cell in row.cells.items()})
    print("  wanted", *case.rows[:3])


def _report(results: Iterable[tuple[Case, Tally, float]]) -> str:
    sources = ", ".join(
        f"{each.package} {each.version} ({each.licence})" for each in (INVOICES, TABLES, FACTUR_X)
    )
    lines = [
        f"Documents of {sources}, rules engine {rules_extraction.VERSION}.",
        "",
        "| document | right | wrong | missing | rows too many or too few | ms a page |",
        "|---|---|---|---|---|---|",
    ]
    every, invoices = Tally(), Tally()
    for case, tally, seconds in results:
        every.add(tally)
        if case.schema == "Invoices":
            invoices.add(tally)
        lines.append(
            f"| {case.name} | {tally.right} | {tally.wrong} | {tally.missing} | {tally.rows}"
            f" | {seconds * 1000:.0f} |"
        )
    lines.append(f"| **all** | {every.right} | {every.wrong} | {every.missing} | {every.rows} | |")
    lines += [
        "",
        f"Of the cells that the rules filled {every.precision:.1%} are right, of those of invoices"
        f" {invoices.precision:.1%}; of all values that the documents hold they found"
        f" {every.recall:.1%}, of those of invoices {invoices.recall:.1%}.",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
