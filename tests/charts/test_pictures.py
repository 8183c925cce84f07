"""Pictures of charts: drawn for real, with whatever stands in names and cells."""

import asyncio
import socket
import struct
import xml.etree.ElementTree as ET
from collections.abc import AsyncIterator

import pytest

from rest_compat.native.charts import FORMATS
from server.picture_worker import draw, smaller
from server.pictures import Pictures
from tests.charts.drawing import new_chart
from tests.gql.documents import add, new_table
from tests.rest.calls import UNKNOWN, refused
from tests.serving import Site

HOSTILE = [
    "<script>alert(1)</script>",
    "]]></svg><script>alert(1)</script>",
    '" onload="alert(1)',
    "javascript:alert(1)",
    "datum['x'] + alert(1)",
    "https://example.invalid/a.svg",
    "\x01\x08\x1b control \ufffe\uffff",
    "😀 ünï \u202e evil",
    "a.b[0]['c']",
    "long " * 500,
]
_SVG = "{http://www.w3.org/2000/svg}"


def elements(svg: bytes) -> set[str]:
    """The names of all elements; the picture is well-formed, and none of its attributes acts."""
    tree = ET.fromstring(svg)
    for element in tree.iter():
        for name, value in element.attrib.items():
            assert not name.lower().startswith("on"), name
            assert "href" not in name, name
            assert not value.strip().lower().startswith(("javascript:", "data:", "http")), value
    return {element.tag.removeprefix(_SVG) for element in tree.iter()}


@pytest.mark.parametrize("type_", ["BAR", "LINE", "PIE", "SCATTER", "HISTOGRAM"])
async def test_hostile_texts_are_only_texts(site: Site, type_: str) -> None:
    columns = [{"key": HOSTILE[0], "label": HOSTILE[1]}, {"key": "n", "type": "NUMBER"}]
    table_id = await new_table(site, *columns, {"key": "s", "label": HOSTILE[4]})
    rows = [{HOSTILE[0]: text, "n": n, "s": text} for n, text in enumerate(HOSTILE)]
    await add(site, table_id, *rows, {"n": 1e30}, {"n": "-1" + "0" * 400})
    x = "n" if type_ == "HISTOGRAM" else HOSTILE[0]
    more = {} if type_ == "HISTOGRAM" else {"yColumn": "n", "seriesColumn": "s"}
    chart_id = await new_chart(site, table_id, x, type_, name=HOSTILE[0] + HOSTILE[6][3:], **more)
    answer = await site.shared.get(f"/charts/{chart_id}.svg")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("image/svg+xml")
    assert "sandbox" in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    found = elements(answer.content)
    assert found <= {"svg", "g", "path", "text", "rect", "line", "defs", "clipPath", "tspan"}
    assert "script" not in found
    png = await site.shared.get(f"/charts/{chart_id}.png")
    assert png.headers["content-type"] == "image/png"
    assert png.content.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", png.content[16:24])
    assert 100 < width < 5000
    assert 100 < height < 5000


async def test_a_picture_is_sent_again_only_when_it_changed(site: Site) -> None:
    table_id = await new_table(site, "x")
    await add(site, table_id, {"x": "a"})
    chart_id = await new_chart(site, table_id, "x", aggregation="COUNT")
    query = "query($id: ID!) { chart(id: $id) { image png: image(format: PNG) vegaLite } }"
    chart = (await site.graphql(query, id=chart_id))["chart"]
    assert chart["image"] == f"/charts/{chart_id}.svg"
    assert chart["png"] == f"/charts/{chart_id}.png"
    assert chart["vegaLite"]["data"]["values"] == [{"x": "a", "y": 1, "place": 0}]
    first = await site.shared.get(chart["image"])
    known = {"if-none-match": first.headers["etag"]}
    again = await site.shared.get(chart["image"], headers=known)
    assert (again.status_code, again.content) == (304, b"")
    await add(site, table_id, {"x": "b"})
    anew = await site.shared.get(chart["image"], headers=known)
    assert (anew.status_code, anew.content != first.content) == (200, True)


async def test_a_picture_needs_a_key_and_a_chart(site: Site) -> None:
    for unknown in UNKNOWN:
        for ending in ("svg", "png"):
            answer = await site.shared.get(f"/charts/{unknown}.{ending}")
            refused(answer, 404, "Chart not found")
    async with site.client("") as nobody:
        assert (await nobody.get(f"/charts/{UNKNOWN[0]}.svg")).status_code == 401
    assert (await site.shared.get(f"/charts/{UNKNOWN[0]}.pdf")).status_code == 404


@pytest.fixture
async def pictures() -> AsyncIterator[Pictures]:
    own = Pictures()
    yield own
    await own.aclose()


SPEC = {
    "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
    "data": {"values": [{"x": 1}]},
    "mark": "bar",
    "encoding": {"x": {"field": "x", "type": "quantitative"}},
}


async def test_the_converter_reaches_nothing(pictures: Pictures) -> None:
    """Our specifications hold no address. Were there one, it would lead nowhere."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/data.json"
        image = {"type": "image", "url": url}
        for more in ({"data": {"url": url}}, {"mark": image}):
            for format in FORMATS:
                with pytest.raises(RuntimeError, match="name no address"):
                    await pictures.draw(SPEC | more, format)
        with pytest.raises(BlockingIOError):
            listener.accept()
    assert (await pictures.draw(SPEC, "svg")).startswith(b"<svg")


async def test_a_child_that_died_is_replaced(pictures: Pictures) -> None:
    first, second = await asyncio.gather(*(pictures.draw(SPEC, "svg") for _ in range(2)))
    assert first == second
    assert pictures._child is not None
    pictures._child.kill()
    await pictures._child.wait()
    assert (await pictures.draw(SPEC, "png")).startswith(b"\x89PNG")


def test_pixels_are_packed_without_a_change() -> None:
    request = b'{"format": "png", "spec": {"mark": "bar", "data": {"values": []}}}'
    png = draw(request)
    assert smaller(png) == png
