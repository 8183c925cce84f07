"""A process that draws: Vega-Lite specifications come in, SVG or PNG goes out.

A request is a line of JSON, `{"format", "spec"}`. The answer is a line with `ok` or `bad` and a
number of bytes, then the bytes. It ends when its input does, so it never outlives its parent. It
runs apart because the JavaScript engine inside the converter needs a heap of its own, and may be
killed with it."""

import struct
import sys
import zlib
from typing import Any, BinaryIO

import orjson
import vl_convert

_VERSION = "5.21"
#: Pixels for each of the picture's own, so that it is sharp on today's screens.
_SCALE = 1.5


#: What leads elsewhere. The converter keeps its list of allowed addresses for data only, and would
#: fetch the image of a mark.
_ADDRESSES = frozenset({"url", "href"})


def draw(request: bytes) -> bytes:
    """The picture of a request. Nothing is fetched: a specification with an address is refused."""
    given = orjson.loads(request)
    _refuse_addresses(given["spec"])
    spec = orjson.dumps(given["spec"]).decode()
    if given["format"] == "svg":
        return vl_convert.vegalite_to_svg(spec, _VERSION, allowed_base_urls=[]).encode()
    png = vl_convert.vegalite_to_png(spec, _VERSION, scale=_SCALE, allowed_base_urls=[])
    return smaller(png)


def _refuse_addresses(part: Any) -> None:
    if isinstance(part, dict):
        if not _ADDRESSES.isdisjoint(part):
            raise ValueError("a specification must hold its data and name no address")
        for each in part.values():
            _refuse_addresses(each)
    elif isinstance(part, list):
        for each in part:
            _refuse_addresses(each)


def smaller(png: bytes) -> bytes:
    """The same pixels in a quarter of the bytes: the converter hardly compresses."""
    head, pixels, place = png[:8], b"", 8
    while place < len(png):
        (size,) = struct.unpack(">I", png[place : place + 4])
        kind, end = png[place + 4 : place + 8], place + size + 12
        if kind == b"IDAT":
            pixels += png[place + 8 : end - 4]
        elif kind != b"IEND":
            head += png[place:end]
        place = end
    packed = zlib.compress(zlib.decompress(pixels), 6)
    return head + _chunk(b"IDAT", packed) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def answer(request: bytes, out: BinaryIO) -> None:
    """Draw one picture, or say why not."""
    try:
        word, body = b"ok", draw(request)
    except Exception as error:  # whatever the engine raises, the next picture may succeed
        word, body = b"bad", str(error).encode("utf-8", "replace")[:1000]
    out.write(b"%s %d\n" % (word, len(body)))
    out.write(body)
    out.flush()


def main() -> None:
    """Draw until the input ends."""
    for line in sys.stdin.buffer:
        answer(line, sys.stdout.buffer)


if __name__ == "__main__":
    main()
