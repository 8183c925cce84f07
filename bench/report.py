"""The figures as a table."""

import os
import platform
import re
from dataclasses import dataclass
from pathlib import Path

from bench.runs import Figures

_BEGIN, _END = "<!-- figures begin -->", "<!-- figures end -->"


@dataclass(frozen=True, slots=True)
class Line:
    """One work: the medians of both sides."""

    name: str
    text: str
    ours: Figures
    limit: Figures


def render(lines: list[Line], rounds: int, rows: int) -> str:
    """Markdown: the ratios first, then the figures of both sides."""
    head = [
        f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores shared by the servers,"
        f" PostgreSQL and the load; Python {platform.python_version()}; a table of {rows:,} rows;"
        f" medians of {rounds} rounds, both sides in turn.",
        "",
        "| work | what | tablecast / limit | web CPU, tablecast / limit |",
        "|---|---|---|---|",
        *(f"| {x.name} | {x.text} | {_ratio(x)} | {_cpu_ratio(x)} |" for x in lines),
        "",
        "| work | side | a second | p50 ms | p99 ms | web CPU ms | PostgreSQL CPU ms |",
        "|---|---|---|---|---|---|---|",
    ]
    return "\n".join([*head, *(_side(x, "tablecast") + "\n" + _side(x, "limit") for x in lines)])


def write(file: Path, text: str) -> None:
    """Put the figures between the marks in the file. Raises ValueError when there are none."""
    before = file.read_text()
    if _BEGIN not in before or _END not in before:
        raise ValueError(f"{file} has no place for figures between {_BEGIN} and {_END}")
    place = re.compile(f"{re.escape(_BEGIN)}.*{re.escape(_END)}", re.DOTALL)
    file.write_text(place.sub(lambda _: f"{_BEGIN}\n{text}\n{_END}", before))


def _ratio(line: Line) -> str:
    if line.name == "S1 steady":  # the rate is given; what differs is the delay
        return f"{line.ours.p99 / line.limit.p99:.2f} times the p99"
    return f"{line.ours.per_second / line.limit.per_second:.2f}"


def _cpu_ratio(line: Line) -> str:
    if not line.limit.web_cpu:
        return ""
    return f"{line.ours.web_cpu / line.limit.web_cpu:.1f}"


def _side(line: Line, side: str) -> str:
    figures = line.ours if side == "tablecast" else line.limit
    return (
        f"| {line.name} | {side} | {figures.per_second:,.0f} | {figures.p50:.2f} |"
        f" {figures.p99:.2f} | {figures.web_cpu:.3f} | {figures.postgres_cpu:.3f} |"
    )
