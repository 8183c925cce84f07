"""`python -m bench`: tablecast against the limit, printed as ratios. `--quick` for a small run,
`--write` to put the figures into docs/benchmarks.md."""

import argparse
import asyncio
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from bench.data import open_data
from bench.live import Crowd, Live
from bench.report import Line, render, write
from bench.runs import SIDES, Figures, Runner, median
from bench.servers import Servers
from bench.works import Side, Work, http_works
from persistence.migrate import upgrade_async
from server import bootstrap

REPORT = Path(__file__).parent.parent / "docs" / "benchmarks.md"


@dataclass(frozen=True, slots=True)
class Size:
    """How much is done. The whole run takes some five minutes, the quick one half a minute."""

    rows: int
    rounds: int
    seconds: float
    crowd: Crowd


WHOLE = Size(100_000, 5, 2.0, Crowd(1000, 300, 3.0))
QUICK = Size(20_000, 2, 0.5, Crowd(200, 100, 1.0))


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a small run, for developing")
    parser.add_argument("--write", action="store_true", help="put the figures into the docs")
    parser.add_argument("--only", nargs="*", default=[], help="works by name, such as Q1 S1")
    given = parser.parse_args()
    size = QUICK if given.quick else WHOLE
    servers = Servers()
    began = time.monotonic()
    try:
        lines = asyncio.run(_run(servers, size, set(given.only)))
    finally:
        servers.stop()
    text = render(lines, size.rounds, size.rows)
    print(f"\n{text}\n\n{time.monotonic() - began:.0f} s")
    if given.write:
        write(REPORT, text)


async def _run(servers: Servers, size: Size, only: set[str]) -> list[Line]:
    await servers.start_stores()
    settings = servers.settings
    await upgrade_async(settings.database_url or "")
    key = (await bootstrap.prepare(settings)).api_key
    assert key is not None, "a new database has a new key"
    async with open_data(settings, size.rows) as data:
        await servers.start_tablecast()
        live = Live(servers, data, key, size.crowd)
        is_watched = not only or "S1" in only
        # Both sides send the same frame.
        frame = await live.frame() if is_watched else "{}"
        await servers.start_limit(await data.statements(settings.database_url or "", frame))
        lines = [
            await _http_line(Runner(servers), work, size.rounds)
            for work in http_works(data, key, size.seconds)
            if not only or work.name in only
        ]
        if is_watched:
            lines += await _live_lines(live, size)
    return lines


async def _http_line(runner: Runner, work: Work, rounds: int) -> Line:
    runner.compare(work)
    found: dict[Side, list[Figures]] = {side: [] for side in SIDES}
    for side in SIDES:
        await runner.warm_up(side, work)
    for number in range(rounds):
        for side in SIDES:
            found[side].append(await runner.measure(side, work))
        _progress(f"{work.name} round {number + 1} of {rounds}")
    return Line(work.name, work.text, median(found["tablecast"]), median(found["limit"]))


async def _live_lines(live: Live, size: Size) -> list[Line]:
    bursts: dict[Side, list[Figures]] = {side: [] for side in SIDES}
    steady: dict[Side, list[Figures]] = {side: [] for side in SIDES}
    for number in range(size.rounds):
        for side in SIDES:
            burst, stream = await live.measure(side)
            bursts[side].append(burst)
            steady[side].append(stream)
        _progress(f"S1 round {number + 1} of {size.rounds}")
    crowd = f"{size.crowd.subscribers:,} subscribers"
    burst_text = f"{crowd}, a burst of {size.crowd.burst} changes; messages a second"
    steady_text = f"{crowd}, 20 changes a second; from commit to client"
    return [
        Line("S1 burst", burst_text, median(bursts["tablecast"]), median(bursts["limit"])),
        Line("S1 steady", steady_text, median(steady["tablecast"]), median(steady["limit"])),
    ]


def _progress(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
