"""Names of sheets that no process can be started with."""

import pytest

from domain import imports
from domain.errors import Invalid
from domain.import_reading import Reading
from tests.imports.importing import Importer


@pytest.mark.parametrize("sheet", ["\0", "\ud800", "x" * 200_000])
async def test_what_no_sheet_is_called_is_refused(importer: Importer, sheet: str) -> None:
    world = importer.world
    table_id = await world.table("a")
    file = await importer.upload(b'[{"a": 1}]', "a.json")
    with pytest.raises(Invalid, match="sheet"):
        await imports.preview_import(
            world.viewer, world.storage, table_id, file.id, Reading(sheet=sheet)
        )
