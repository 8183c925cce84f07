"""The converting process: `python -m persistence.conversion.child kind path [sheet]`.

It writes the text to its standard output, and why it refuses a file to its standard error. It
limits itself: whatever a file makes the libraries do, memory and processor time are bounded."""

import resource
import sys
from contextlib import suppress
from pathlib import Path

from domain.inference import Kind
from persistence.conversion import json_records, normal_csv, sheets
from persistence.conversion.bounds import (
    CPU_SECONDS,
    MEMORY_BYTES,
    OUT_OF_MEMORY,
    REFUSED,
    Unreadable,
)


def main(kind: str, path: Path, sheet: str | None) -> int:
    """Convert one file; the exit code."""
    _limit()
    try:
        if kind == "sheet":
            headers, records = sheets.read(path, sheet)
            kinds = [Kind.ANY] * len(headers)
        else:
            headers, kinds, records = json_records.read(path, lines=kind == "jsonl")
        normal_csv.write(sys.stdout.buffer, headers, kinds, records)
    except Unreadable as error:
        sys.stderr.write(str(error))
        return REFUSED
    except MemoryError:
        return OUT_OF_MEMORY
    return 0


def _limit() -> None:
    for limit, most in (
        (resource.RLIMIT_AS, MEMORY_BYTES),
        (resource.RLIMIT_CPU, CPU_SECONDS),
        (resource.RLIMIT_CORE, 0),
    ):
        # macOS refuses a limit of the address space; processor and wall time still hold there.
        with suppress(ValueError, OSError):
            resource.setrlimit(limit, (most, most))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2]), sys.argv[3] if len(sys.argv) > 3 else None))
