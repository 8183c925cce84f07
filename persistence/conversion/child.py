"""The converting process: `python -m persistence.conversion.child kind path [sheet]`.

It writes the text to its standard output, and why it refuses a file to its standard error. It
limits itself: whatever a file makes the libraries do, memory and processor time are bounded."""

import sys
from pathlib import Path

from domain.inference import Kind
from persistence.confinement import OUT_OF_MEMORY, REFUSED, confine
from persistence.conversion import json_records, normal_csv, sheets
from persistence.conversion.bounds import CPU_SECONDS, MEMORY_BYTES, Unreadable


def main(kind: str, path: Path, sheet: str | None) -> int:
    """Convert one file; the exit code."""
    confine(MEMORY_BYTES, CPU_SECONDS)
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


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2]), sys.argv[3] if len(sys.argv) > 3 else None))
