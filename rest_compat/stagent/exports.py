"""Export as a file, of at most 10,000 rows."""

from starlette.responses import Response

from domain.export_formats import ExportFormat
from domain.exports import ExportRequest
from rest_compat.endpoints import Call
from rest_compat.export_answers import export_answer

MAX_ROWS = 10_000
FORMATS = (ExportFormat.CSV, ExportFormat.JSON, ExportFormat.XLSX)


async def export_table(call: Call) -> Response:
    """The first rows of the table as a file; an unknown format is csv."""
    given = call.query("format")
    return await export_answer(
        call,
        ExportRequest(
            table_id=call.id("id", "Table"),
            format=ExportFormat(given) if given in FORMATS else ExportFormat.CSV,
            limit=MAX_ROWS,
            guards=call.query("guard") != "off",
        ),
    )
