"""The repository's own Python files, parsed once for all rules."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from server.guards import ROOMS

ROOT = Path(__file__).parent.parent.parent
BESIDE = ("tests", "bench")
#: Generated once and never changed again: a record, not code to read.
RECORDS = Path("persistence", "migrations", "versions")


@dataclass(frozen=True)
class Source:
    """One file. `path` is relative to the root."""

    path: Path
    text: str
    tree: ast.Module

    @property
    def folder(self) -> str:
        """The room, or tests, or bench."""
        return self.path.parts[0]

    def at(self, line: int) -> str:
        """A place in the way editors understand it."""
        return f"{self.path}:{line}"


def sources() -> tuple[Source, ...]:
    """Every Python file of the rooms, the tests and the benches, in order of their names."""
    return tuple(source for name in (*ROOMS, *BESIDE) for source in sources_of(name))


@cache
def sources_of(folder: str) -> tuple[Source, ...]:
    """Every Python file of a room, the tests or the benches."""
    texts = {
        file.relative_to(ROOT): file.read_text() for file in sorted((ROOT / folder).rglob("*.py"))
    }
    return tuple(
        Source(path, text, ast.parse(text, str(path)))
        for path, text in texts.items()
        if path.parent != RECORDS
    )


def in_rooms() -> Iterator[Source]:
    """The files of the product."""
    return (source for source in sources() if source.folder in ROOMS)


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """All functions and methods, nested ones too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def imported(node: ast.Import | ast.ImportFrom) -> set[str]:
    """The top-level names of what an import statement imports."""
    if isinstance(node, ast.Import):
        return {alias.name.split(".")[0] for alias in node.names}
    return {(node.module or "").split(".")[0]}


def report(faults: list[str], advice: str) -> None:
    """Fail with every place and with what to do instead."""
    assert not faults, "\n".join(["", *faults, "", advice])
