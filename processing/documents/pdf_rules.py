"""Drawn lines of a page of a PDF, and how much of it is pictures."""

import ctypes
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, NamedTuple

import pypdfium2.raw as pdfium

from processing.documents.bounds import DRAWN, RULES
from processing.documents.pdf_text import Frame
from processing.documents.ruled_tables import Rule, Rules, merged

#: A filled shape no thicker than this is a line.
_THIN = 3.0
#: A line that leans more than this is none of a table.
_LEANS = 0.5
_DEEPEST = 6

_Point = tuple[float, float]


class _Matrix(NamedTuple):
    a: float = 1.0
    b: float = 0.0
    c: float = 0.0
    d: float = 1.0
    e: float = 0.0
    f: float = 0.0

    def after(self, inner: "_Matrix") -> "_Matrix":
        """First the inner one, then this one."""
        return _Matrix(
            inner.a * self.a + inner.b * self.c,
            inner.a * self.b + inner.b * self.d,
            inner.c * self.a + inner.d * self.c,
            inner.c * self.b + inner.d * self.d,
            inner.e * self.a + inner.f * self.c + self.e,
            inner.e * self.b + inner.f * self.d + self.f,
        )

    def point(self, x: float, y: float) -> _Point:
        return x * self.a + y * self.c + self.e, x * self.b + y * self.d + self.f


@dataclass(slots=True)
class Drawn:
    """What is drawn on a page. `is_whole` is False when there was too much to look at all of it:
    then there are no lines. `pictured` is the share of the page under its largest picture."""

    frame: Frame
    pictured: float = 0.0
    is_whole: bool = True
    left: int = DRAWN
    level: list[Rule] = field(default_factory=list)
    upright: list[Rule] = field(default_factory=list)

    def rules(self) -> Rules:
        if not self.is_whole:
            return Rules()
        level, upright = merged(self.level), merged(self.upright)
        if max(len(level), len(upright)) > RULES:
            self.is_whole = False
            return Rules()
        return Rules(level, upright)

    def add_line(self, one: _Point, other: _Point) -> None:
        (x1, y1), (x2, y2) = self.frame.point(*one), self.frame.point(*other)
        if not all(map(math.isfinite, (x1, y1, x2, y2))):
            return
        width, height = self.frame.size
        if abs(y1 - y2) <= _LEANS and 0 <= y1 <= height:
            self.level.append(Rule((y1 + y2) / 2, max(min(x1, x2), 0), min(max(x1, x2), width)))
        elif abs(x1 - x2) <= _LEANS and 0 <= x1 <= width:
            self.upright.append(Rule((x1 + x2) / 2, max(min(y1, y2), 0), min(max(y1, y2), height)))

    def add_shape(self, points: list[_Point]) -> None:
        """A filled shape: a line when it is thin."""
        xs, ys = [x for x, _ in points], [y for _, y in points]
        left, right, bottom, top = min(xs), max(xs), min(ys), max(ys)
        if top - bottom <= _THIN < right - left:
            middle = (top + bottom) / 2
            self.add_line((left, middle), (right, middle))
        elif right - left <= _THIN < top - bottom:
            middle = (left + right) / 2
            self.add_line((middle, bottom), (middle, top))

    def add_picture(self, points: list[_Point]) -> None:
        xs, ys = [x for x, _ in points], [y for _, y in points]
        frame = self.frame
        wide = min(max(xs), frame.right) - max(min(xs), frame.left)
        high = min(max(ys), frame.top) - max(min(ys), frame.bottom)
        area = (frame.right - frame.left) * (frame.top - frame.bottom)
        if wide > 0 and high > 0 and area > 0:
            self.pictured = max(self.pictured, wide * high / area)


def drawn_on(page: Any, frame: Frame) -> Drawn:
    """`page` is the handle of a loaded page."""
    drawn = Drawn(frame)
    count = pdfium.FPDFPage_CountObjects(page)
    things = (pdfium.FPDFPage_GetObject(page, index) for index in range(count))
    _look(things, _Matrix(), drawn, 0)
    return drawn


def _look(things: Iterator[Any], outer: _Matrix, drawn: Drawn, depth: int) -> None:
    for thing in things:
        drawn.left -= 1
        if drawn.left < 0:
            drawn.is_whole = False
            return
        kind = pdfium.FPDFPageObj_GetType(thing)
        if kind == pdfium.FPDF_PAGEOBJ_PATH:
            _add_path(thing, outer.after(_matrix(thing)), drawn)
        elif kind == pdfium.FPDF_PAGEOBJ_IMAGE:
            matrix = outer.after(_matrix(thing))
            drawn.add_picture([matrix.point(x, y) for x in (0, 1) for y in (0, 1)])
        elif kind == pdfium.FPDF_PAGEOBJ_FORM and depth < _DEEPEST:
            count = max(pdfium.FPDFFormObj_CountObjects(thing), 0)
            inner = (pdfium.FPDFFormObj_GetObject(thing, index) for index in range(count))
            _look(inner, outer.after(_matrix(thing)), drawn, depth + 1)


def _matrix(thing: Any) -> _Matrix:
    told = pdfium.FS_MATRIX()
    if not pdfium.FPDFPageObj_GetMatrix(thing, ctypes.byref(told)):
        return _Matrix()
    return _Matrix(told.a, told.b, told.c, told.d, told.e, told.f)


def _add_path(thing: Any, matrix: _Matrix, drawn: Drawn) -> None:
    fill, stroke = ctypes.c_int(), ctypes.c_int()
    if not pdfium.FPDFPath_GetDrawMode(thing, ctypes.byref(fill), ctypes.byref(stroke)):
        return
    if not (fill.value or stroke.value):
        return
    for points, is_straight in _outlines(thing, matrix, drawn):
        if stroke.value:
            for one, other in pairwise(points):
                drawn.add_line(one, other)
        elif is_straight and len(points) > 1:
            drawn.add_shape(points)


def _outlines(thing: Any, matrix: _Matrix, drawn: Drawn) -> Iterator[tuple[list[_Point], bool]]:
    """The outlines of a path as points, and whether they have no curve."""
    x, y = ctypes.c_float(), ctypes.c_float()
    points: list[_Point] = []
    is_straight = True
    for index in range(max(pdfium.FPDFPath_CountSegments(thing), 0)):
        drawn.left -= 1
        if drawn.left < 0:
            drawn.is_whole = False
            return
        segment = pdfium.FPDFPath_GetPathSegment(thing, index)
        if not pdfium.FPDFPathSegment_GetPoint(segment, ctypes.byref(x), ctypes.byref(y)):
            continue
        kind = pdfium.FPDFPathSegment_GetType(segment)
        if kind == pdfium.FPDF_SEGMENT_MOVETO and points:
            yield points, is_straight
            points, is_straight = [], True
        if kind == pdfium.FPDF_SEGMENT_BEZIERTO:
            is_straight = False
        points.append(matrix.point(x.value, y.value))
        if pdfium.FPDFPathSegment_GetClose(segment):
            points.append(points[0])
    if points:
        yield points, is_straight
