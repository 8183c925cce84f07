"""Public files of many origins come in and go out again cell by cell."""

import re
from typing import Any

import pytest

from tests.rest.calls import Calls
from tests.roundtrip.choosing import parameters
from tests.roundtrip.journeys import goes_round
from tests.roundtrip.real_files import Content, RealFile, content_of, fits, real_files
from tests.rules.source import ROOT

FILES = real_files()


def test_there_are_enough() -> None:
    assert len(FILES) >= 20
    assert len({file.package for file in FILES}) >= 2


def test_each_is_listed_with_its_origin_and_licence() -> None:
    text = (ROOT / "docs" / "real-files.md").read_text()
    listed = set(re.findall(r"^\| `([^`]+)` \|", text, re.MULTILINE))
    assert {str(file) for file in FILES} <= listed


def _kind(file: RealFile) -> tuple[str, str]:
    return file.package, file.path.suffix


@pytest.mark.parametrize("file", parameters(FILES, _kind))
async def test_a_real_file_round_trips(calls: Calls, file: RealFile) -> None:
    content = content_of(file)
    table, types = await imported(calls, file, content)
    await goes_round(calls, table["id"], content, types)


async def imported(
    calls: Calls, file: RealFile, content: Content
) -> tuple[dict[str, Any], list[str]]:
    """A table with all rows of the file, and the types of its columns by place.

    Types are guessed from 100 rows. Where the guess does not fit the whole file, the column is
    taken as text, as somebody would who looks at the preview."""
    document = await calls.upload(content.data, file.name)
    table = await calls.table(name=str(file))
    seen = await calls.import_(table["id"], document["id"], preview=True)
    assert seen["totalRows"] == len(content.records)
    mapping, types = [], []
    for place, column in enumerate(seen["inferredColumns"]):
        options = column.get("config", {}).get("options", [])
        texts = [record[place] for record in content.records]
        type_ = column["dataType"]
        if type_ == "date" and any(":" in text for text in texts):
            type_ = "datetime"  # this dialect calls both date
        types.append(type_ if fits(type_, options, texts) else "text")
        if types[-1] != type_:
            told = {"name": column["name"], "displayName": column["displayName"]}
            mapping.append(told | {"dataType": "text"})
    told = await calls.import_(table["id"], document["id"], columnMapping=mapping)
    assert (told["rowsImported"], told["rowsSkipped"]) == (len(content.records), 0), told
    return table, types
