"""What reading a document may cost, and how a document is refused."""

from domain.documents import Unreadable

MEGABYTE = 1_000_000

#: Size of a file; of one that is text all through; and of what an e-mail carries.
FILE_BYTES = 200 * MEGABYTE
TEXT_BYTES = 20 * MEGABYTE
MAIL_BYTES = 50 * MEGABYTE
#: Address space and processor time of the reading process.
MEMORY_BYTES = 1_073_741_824
CPU_SECONDS = 240
TEXT_CPU_SECONDS = 60
#: OCR by models needs room for these.
MODELS_MEMORY_BYTES = 2_147_483_648
#: Wall time until a whole document, or one picture, must have come.
SECONDS = 600
PICTURE_SECONDS = 60
#: Of a whole document.
PAGES = 1_000
WORDS = 1_000_000
CHARACTERS = 20_000_000
TABLES = 10_000
CELLS = 500_000
FIELDS = 20_000
ATTACHMENTS = 100
#: What the reading process writes, and the longest part of it: one page.
OUTPUT_BYTES = 250 * MEGABYTE
#: How deep e-mails in e-mails are opened.
DEPTH = 3
#: Pixels of a picture, before anything of it is decoded.
PIXELS = 64_000_000
#: Pixels of the picture of a page, and its width.
SHOWN_PIXELS = 16_000_000
SHOWN_WIDTH = 4_000
#: Pages that are read by OCR, the time that it may take for all, and for one.
OCR_PAGES = 200
OCR_SECONDS = 480
OCR_PAGE_SECONDS = 60
#: Things drawn on one page among which lines of tables are looked for; and such lines.
DRAWN = 50_000
RULES = 1_000


def too_many(what: str, most: int) -> Unreadable:
    return Unreadable(f"The file has more than {most:,} {what}, which is the limit")
