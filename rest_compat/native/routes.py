"""Our own endpoints, all in one table: what GraphQL leads to by address because it is no JSON."""

from domain.export_formats import FORMATS, ExportFormat
from rest_compat.endpoints import Endpoint, Parameter, json_parameter
from rest_compat.native import answers, charts, exports, files, imports, uploads
from rest_compat.native.bodies import FILTER, SORT

#: The paths that belong to this table; what is under them and not in it does not exist.
PREFIXES = ("/export", "/charts", "/imports", "/files", "/upload")

_EXPORTS = (
    Endpoint(
        "GET",
        "/export/{tableId}",
        operation="export",
        graphql_field="table.exportUrl",
        summary="All rows of a table that match, as a file, streamed.",
        failure="export table",
        handler=exports.export_table,
        media_type=FORMATS[ExportFormat.CSV].media_type,
        other_media_types=tuple(
            entry.media_type for format, entry in FORMATS.items() if format != ExportFormat.CSV
        ),
        parameters=(
            Parameter(
                "format",
                "What to write.",
                {"type": "string", "enum": [*ExportFormat], "default": "csv"},
            ),
            json_parameter("filter", "Which rows, as JSON like GraphQL's RowFilter.", FILTER),
            json_parameter("sort", "Keys of the order, as JSON; else by position.", SORT),
            Parameter(
                "columns",
                "Keys of the columns to write, in this order, between commas or as a JSON list.",
                {"type": "string"},
            ),
            Parameter(
                "asOf",
                "A revision, or a moment in ISO 8601: the table as it was then.",
                {"type": "string"},
            ),
            Parameter(
                "guard",
                "`off` leaves texts as they are that a spreadsheet would run as formulas.",
                {"type": "string", "enum": ["on", "off"], "default": "on"},
            ),
            Parameter("session", "Only rows of this session.", {"type": "string"}),
        ),
        missing="Table not found, or Session not found",
    ),
)

_IMPORTS = (
    Endpoint(
        "GET",
        "/imports/{id}/errors.csv",
        operation="import",
        graphql_field="Import.errorFileUrl",
        summary="Every row that an import refused, and why, as CSV.",
        failure="get the refused rows",
        handler=imports.error_file,
        media_type="text/csv; charset=utf-8",
        parameters=(
            Parameter(
                "guard",
                "`off` leaves texts as they are that a spreadsheet would run as formulas.",
                {"type": "string", "enum": ["on", "off"], "default": "on"},
            ),
        ),
        missing="Import not found",
    ),
)

_CHARTS = tuple(
    Endpoint(
        "GET",
        f"/charts/{{id}}.{format}",
        operation="chart",
        graphql_field="Chart.image",
        summary=f"A chart as a picture, {format.upper()}.",
        failure="draw chart",
        handler=charts.picture(format),
        media_type=charts.MEDIA_TYPES[format],
        missing="Chart not found",
    )
    for format in charts.FORMATS
)

_UPLOADS = (
    Endpoint(
        "PUT",
        "/upload/{token}",
        operation="fileUpload",
        graphql_field="fileUploadUrl",
        summary="The bytes of a file, for whoever has the address, for 15 minutes.",
        failure="store the file",
        handler=uploads.put_file,
        raw_body=True,
        missing="File not found",
        errors={403: "The link is not valid, or has expired."},
        admit=uploads.by_link,
        keyless=True,
    ),
)

_FILES = (
    Endpoint(
        "POST",
        "/files",
        operation="fileUpload",
        graphql_field=None,
        summary="Upload a file of any kind as the part `file` of a form.",
        failure="upload file",
        handler=files.upload_file,
        status=201,
        answer=answers.StoredFile,
        upload=True,
    ),
    Endpoint(
        "GET",
        "/files/{id}",
        operation="file",
        graphql_field="File.url",
        summary="The bytes of a file as an attachment.",
        failure="get file",
        handler=files.download_file,
        media_type="*/*",
        missing="File not found",
        errors={409: "The file has not been uploaded yet."},
    ),
    Endpoint(
        "DELETE",
        "/files/{id}",
        operation="fileDelete",
        graphql_field="fileDelete",
        summary="Delete a file.",
        failure="delete file",
        handler=files.delete_file,
        status=204,
        missing="File not found",
    ),
    Endpoint(
        "GET",
        "/files/{id}/pages/{page}.png",
        operation="filePicture",
        graphql_field="File.pictureUrl",
        summary="A page of a file as a picture.",
        failure="draw page",
        handler=files.picture,
        media_type="image/png",
        parameters=(
            Parameter(
                "width",
                "Pixels across.",
                {"type": "integer", "minimum": 1, "maximum": 4000, "default": 1000},
            ),
        ),
        missing="File not found, or Page not found",
        errors={409: "The file has not been uploaded yet."},
        exists=files.exists,
    ),
)

ENDPOINTS: tuple[Endpoint, ...] = _EXPORTS + _IMPORTS + _CHARTS + _FILES + _UPLOADS
