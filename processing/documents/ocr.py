"""Words of a picture: by tesseract when it is installed, else by the models of the extra `ocr`."""

import csv
import importlib
import io
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PIL import Image

from domain.documents import Box
from persistence.scratch import PREFIX
from processing.documents.bounds import OCR_PAGE_SECONDS, OCR_PAGES, OCR_SECONDS
from processing.documents.characters import clean
from processing.documents.child import Options
from processing.documents.lines import Span

#: Pictures of pages are read at this many dots per inch.
DOTS = 300
#: What is less certain than this is dirt more often than a word: tesseract's percentage, and the
#: share of the models.
_CERTAIN = 30.0
_CERTAIN_MODELS = 0.5
_WORD_LEVEL = "5"
_MODELS = "rapidocr_onnxruntime"

NO_OCR = (
    "This page is a picture without text, and nothing is installed that reads pictures: "
    "install tesseract, or tablecast with the extra ocr"
)
_FAILED = "The picture of this page could not be read"


@dataclass(slots=True)
class Ocr:
    """Reads pictures until its time for this document is over."""

    options: Options
    pages: int = 0
    started: float = field(default_factory=time.monotonic)
    _models: Any = None

    @property
    def is_there(self) -> bool:
        return self.options.tesseract is not None or self.options.models

    def read(self, picture: Image.Image, width: float, height: float) -> tuple[list[Span], str]:
        """The words of a picture that fills a page of this size, in points; and a sentence when
        it could not be read, else nothing."""
        if not self.is_there:
            return [], NO_OCR
        self.pages += 1
        if self.pages > OCR_PAGES:
            return [], f"Only the first {OCR_PAGES} pages without text are read by OCR"
        if time.monotonic() - self.started > OCR_SECONDS:
            return [], f"OCR of this document took more than {OCR_SECONDS} seconds before this page"
        across, down = width / picture.width, height / picture.height
        try:
            by = self._by_tesseract if self.options.tesseract else self._by_models
            words = by(picture)
        except subprocess.TimeoutExpired:
            return [], f"OCR of this page took more than {OCR_PAGE_SECONDS} seconds"
        except (OSError, RuntimeError, ValueError):
            return [], _FAILED
        return [
            Span(text, Box(b.left * across, b.top * down, b.right * across, b.bottom * down))
            for text, b in words
        ], ""

    def _by_tesseract(self, picture: Image.Image) -> list[tuple[str, Box]]:
        with tempfile.TemporaryDirectory(prefix=PREFIX) as folder:
            program, path = str(self.options.tesseract), Path(folder) / "page.png"
            picture.convert("L").save(path, compress_level=1)
            languages = ["-l", self.options.languages] if self.options.languages else []
            done = subprocess.run(  # noqa: S603 (a program that the operator installed)
                [program, str(path), "-", "--dpi", str(DOTS), *languages, "tsv"],
                capture_output=True,
                check=False,
                timeout=OCR_PAGE_SECONDS,
                stdin=subprocess.DEVNULL,
            )
        if done.returncode != 0:
            raise RuntimeError(done.stderr.decode(errors="replace"))
        return list(_words_of_tsv(done.stdout.decode(errors="replace")))

    def _by_models(self, picture: Image.Image) -> list[tuple[str, Box]]:
        if self._models is None:
            self._models = importlib.import_module(_MODELS).RapidOCR(
                intra_op_num_threads=1, inter_op_num_threads=1
            )
        bytes_of = io.BytesIO()
        picture.convert("RGB").save(bytes_of, "PNG", compress_level=1)
        lines, _ = self._models(bytes_of.getvalue())
        return [word for line in lines or () for word in _words_of_line(*line)]


def _words_of_tsv(text: str) -> Iterator[tuple[str, Box]]:
    for row in csv.DictReader(io.StringIO(text), delimiter="\t", quoting=csv.QUOTE_NONE):
        if row.get("level") != _WORD_LEVEL or float(row["conf"]) < _CERTAIN:
            continue
        left, top = float(row["left"]), float(row["top"])
        box = Box(left, top, left + float(row["width"]), top + float(row["height"]))
        yield from _parts(row["text"] or "", box)


def _words_of_line(corners: Any, text: str, certainty: Any) -> Iterator[tuple[str, Box]]:
    if float(certainty) < _CERTAIN_MODELS:
        return
    xs, ys = [float(x) for x, _ in corners], [float(y) for _, y in corners]
    yield from _parts(text, Box(min(xs), min(ys), max(xs), max(ys)))


def _parts(text: str, box: Box) -> Iterator[tuple[str, Box]]:
    for part in spread(text, box):
        yield part.text, part.box


def spread(text: str, box: Box) -> list[Span]:
    """The words of one line of text in a box, each with the part that its letters take."""
    spans, at, step = [], 0, box.width / max(len(text), 1)
    for part in text.split():
        start = text.index(part, at)
        at = start + len(part)
        word = clean(part)
        if word:
            left, right = box.left + start * step, box.left + at * step
            spans.append(Span(word, Box(left, box.top, right, box.bottom)))
    return spans
