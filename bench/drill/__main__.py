"""`python -m bench.drill`: everything, and the report into docs/drill.md."""

import argparse
import asyncio
import os
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

import asyncpg

from bench.drill.flights import FlightDrill, Flights
from bench.drill.live import Live, LiveDrill
from bench.drill.report import Versions, render
from bench.drill.site import Site
from bench.drill.wire import Http

_REPORT = Path(__file__).parent.parent.parent / "docs" / "drill.md"
#: The drill ends by itself, whatever hangs.
_MOST_SECONDS = 900


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.drill", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="how often each process is killed")
    parser.add_argument("--rows", type=int, help="flights to take; all of them without it")
    parser.add_argument("--only", choices=("live", "flights"), help="one part of the two")
    parser.add_argument("--report", type=Path, default=_REPORT, help="the file to write")
    parser.add_argument("--keep", action="store_true", help="keep the folder with the logs")
    return parser.parse_args()


async def _drill(options: argparse.Namespace, folder: Path) -> bool:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        task = asyncio.current_task()
        assert task is not None
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    load = os.getloadavg()[0]
    site = Site(folder)
    live: Live | None = None
    flights: Flights | None = None
    try:
        async with asyncio.timeout(_MOST_SECONDS):
            _say("starting PostgreSQL, Valkey, two web processes and a worker")
            await site.start()
            versions = await _versions(site, load)
            async with Http(site.api_key) as http:
                if options.only != "flights":
                    _say("live: writers, 50 subscribers, faults")
                    live = await LiveDrill(site, http).run(options.rounds)
                if options.only != "live":
                    _say("flights: import, page, count, compare")
                    flights = await FlightDrill(site, http, options.rows).run()
    finally:
        await site.stop()
    options.report.write_text(render(versions, live, flights))
    _say(f"the report is in {options.report}")
    return (live is None or live.passed) and (flights is None or flights.passed)


async def _versions(site: Site, load: float) -> Versions:
    connection = await asyncpg.connect(site.database_url)
    try:
        postgres = str(await connection.fetchval("SHOW server_version"))
    finally:
        await connection.close()
    return Versions(postgres, await asyncio.to_thread(site.valkey_version), load)


def _say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", flush=True)


def main() -> int:
    """Run the drill; 0 when it passed, 1 when not."""
    options = _arguments()
    os.umask(0o077)
    folder = Path(tempfile.mkdtemp(prefix="tcd-"))
    try:
        passed = asyncio.run(_drill(options, folder))
    except asyncio.CancelledError:
        _say("stopped")
        return 130
    except TimeoutError:
        _say(f"FAILED: not over after {_MOST_SECONDS} s")
        return 1
    finally:
        if options.keep:
            _say(f"the logs are in {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)
    _say("passed" if passed else "FAILED")
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
