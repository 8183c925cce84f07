"""The documents of the faces that stand in the repository: written from the code, compared in
CI."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from gql.schema import schema_text
from rest_compat.app import FACES, document_of


def _openapi_text(face: str) -> str:
    return document_of(face).decode() + "\n"


#: File name in the repository → what makes it.
PRODUCERS: dict[str, Callable[[], str]] = {
    "schema.graphql": schema_text,
    **{f"docs/openapi/{face}.json": partial(_openapi_text, face) for face in FACES},
}


def export(folder: Path) -> None:
    """Write every document below `folder`."""
    for name, produce in PRODUCERS.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(produce())


def check(folder: Path) -> list[str]:
    """One line for each document below `folder` that is missing or differs from the code."""
    differences = []
    for name, produce in PRODUCERS.items():
        path = folder / name
        if not path.exists():
            differences.append(f"{name} is missing")
        elif path.read_text() != produce():
            differences.append(f"{name} differs from the code")
    return differences
