"""The rows of an import that were refused, as a file to be mended and imported again."""

import csv
import io
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from domain import access
from domain.access import Viewer
from domain.entities import Import
from domain.errors import NotFound
from domain.formula_guard import guarded
from domain.import_plans import ImportPlan
from domain.ports import Storage

_AT_ONCE = 1_000
#: What stands in front of the fields of each row.
LEADING = ("line", "error")


@dataclass(frozen=True, slots=True)
class ErrorFile:
    """The refused rows of one import as CSV."""

    file_name: str
    _storage: Storage
    _run: Import
    _guard: Callable[[str], str]

    async def stream(self) -> AsyncIterator[bytes]:
        """The file: `line`, `error`, and the fields of the row as the imported file has them."""
        headers = ImportPlan.from_json(self._run.plan).headers
        yield self._text([(*LEADING, *map(self._guard, headers))])
        line = 0
        while True:
            found = await self._storage.imports.rejections(
                self._run.organization_id, self._run.id, line, _AT_ONCE
            )
            if not found:
                return
            line = found[-1].line
            yield self._text(
                (str(each.line), each.error, *map(self._guard, each.record)) for each in found
            )

    @staticmethod
    def _text(records: Iterable[Sequence[str]]) -> bytes:
        text = io.StringIO()
        csv.writer(text, lineterminator="\r\n").writerows(records)
        return text.getvalue().encode("utf-8", "replace")


async def import_error_file(
    viewer: Viewer, storage: Storage, import_id: UUID, *, guards: bool = True
) -> ErrorFile:
    """The file of an import's refused rows, those that are known now. Raises `NotFound`.

    Without `guards`, texts that a spreadsheet would take for formulas stay as they are."""
    access.require(viewer, "import")
    run = await storage.imports.get(viewer.organization_id, import_id)
    if run is None:
        raise NotFound("Import")
    return ErrorFile(f"import {run.id} errors.csv", storage, run, guarded if guards else str)
