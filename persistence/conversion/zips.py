"""Zipped workbooks are inflated once, part by part, and counted, before anything else reads them.

What the directory of a zip says is not trusted: the library that reads sheets would inflate
whatever comes. Nothing is kept here, so a bomb costs time and no memory."""

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO
from zipfile import BadZipFile, ZipFile, ZipInfo

from persistence.conversion.bounds import Unreadable

MAX_ENTRIES = 5_000
MAX_INFLATED_BYTES = 1_000_000_000
#: A part that grows more than this is a bomb. XML of sheets shrinks to a tenth, seldom a fiftieth.
MAX_RATIO = 200
#: Smaller parts may shrink as they like.
RATIO_FROM_BYTES = 10_000_000

_CHUNK = 1_048_576
_STORED, _DEFLATED = 0, 8
_ENCRYPTED = 0x1
_LOCAL_HEADER = struct.Struct("<4s5H3L2H")
#: A document type is where entities are declared. No workbook has one, in no encoding of XML.
_FORBIDDEN = tuple(
    word.encode(encoding)
    for word in ("<!DOCTYPE", "<!ENTITY")
    for encoding in ("utf-8", "utf-16-le", "utf-16-be")
)
_OVERLAP = max(map(len, _FORBIDDEN)) - 1
#: What programs keep beside the sheets, such as the queries of Excel, which are in UTF-16.
_BESIDE = "customxml/"
_DAMAGED = "The workbook is damaged or was cut off"


def check(path: Path) -> None:
    """Raise `Unreadable` for a zip that is damaged, encrypted, too large when inflated, or whose
    XML declares a document type."""
    try:
        with ZipFile(path) as archive:
            entries = archive.infolist()
    except (BadZipFile, OSError, ValueError):
        raise Unreadable(_DAMAGED) from None
    if len(entries) > MAX_ENTRIES:
        raise Unreadable(f"The workbook has more than {MAX_ENTRIES} parts")
    if sum(entry.file_size for entry in entries) > MAX_INFLATED_BYTES:
        raise _too_large()
    left = MAX_INFLATED_BYTES
    with path.open("rb") as file:
        for entry in entries:
            left -= _check_entry(file, entry, left)


def _check_entry(file: BinaryIO, entry: ZipInfo, most: int) -> int:
    """Inflate one part; its real size."""
    if entry.flag_bits & _ENCRYPTED:
        raise Unreadable("The workbook is protected with a password")
    name = entry.filename.lower()
    is_xml = name.endswith((".xml", ".rels"))
    size, tail = 0, b""
    for piece in _inflated(file, entry):
        if is_xml:
            if size == 0 and not name.startswith(_BESIDE):
                _check_encoding(piece)
            read = tail + piece
            _check_words(read)
            tail = read[-_OVERLAP:]
        size += len(piece)
        if size > most:
            raise _too_large()
        if size > RATIO_FROM_BYTES and size > MAX_RATIO * max(entry.compress_size, 1):
            told = f"A part of the workbook grows to more than {MAX_RATIO} times its size"
            raise Unreadable(f"{told} when it is unpacked; save the sheet as CSV")
    if size != entry.file_size:
        raise Unreadable(_DAMAGED)
    return size


def _inflated(file: BinaryIO, entry: ZipInfo) -> Iterator[bytes]:
    """The content of a part in pieces of 1 MB at most, straight from its compressed bytes."""
    file.seek(entry.header_offset)
    header = file.read(_LOCAL_HEADER.size)
    if len(header) < _LOCAL_HEADER.size:
        raise Unreadable(_DAMAGED)
    magic, *_, name_length, extra_length = _LOCAL_HEADER.unpack(header)
    if magic != b"PK\x03\x04" or entry.compress_type not in (_STORED, _DEFLATED):
        raise Unreadable(_DAMAGED)
    file.seek(name_length + extra_length, 1)
    left = entry.compress_size
    inflater = zlib.decompressobj(-zlib.MAX_WBITS) if entry.compress_type == _DEFLATED else None
    while left > 0:
        raw = file.read(min(_CHUNK, left))
        if not raw:
            raise Unreadable(_DAMAGED)
        left -= len(raw)
        if inflater is None:
            yield raw
        else:
            yield from _pieces(inflater, raw)


def _pieces(inflater: "zlib._Decompress", raw: bytes) -> Iterator[bytes]:
    try:
        while raw and not inflater.eof:
            yield inflater.decompress(raw, _CHUNK)
            raw = inflater.unconsumed_tail
    except zlib.error:
        raise Unreadable(_DAMAGED) from None


def _check_encoding(beginning: bytes) -> None:
    if beginning[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\0" in beginning[:4]:
        raise Unreadable("The XML of the workbook is not UTF-8")


def _check_words(piece: bytes) -> None:
    if any(word in piece for word in _FORBIDDEN):
        raise Unreadable("The XML of the workbook declares a document type, which none may")


def _too_large() -> Unreadable:
    return Unreadable(
        f"The workbook is larger than {MAX_INFLATED_BYTES // 1_000_000} MB when it is unpacked"
    )
