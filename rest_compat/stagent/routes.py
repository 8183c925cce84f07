"""The endpoints of this dialect, all in one table."""

from domain.entities import TableSource
from domain.export_formats import FORMATS, ExportFormat
from domain.template_records import TemplateCategory, TemplateScope
from rest_compat.endpoints import Endpoint, Parameter, json_parameter
from rest_compat.stagent import (
    answers,
    bodies,
    columns,
    exports,
    files,
    imports,
    rows,
    tables,
    templates,
)
from rest_compat.stagent.chart_routes import CHARTS
from rest_compat.stagent.enrichment_routes import ENRICHMENT
from rest_compat.stagent.history_routes import HISTORY
from rest_compat.stagent.trigger_routes import TRIGGERS

_TABLE = "Table not found"
_ROW = "Row not found"
_FILE = "File not found"

_TABLES = (
    Endpoint(
        "GET",
        "/api/tables",
        operation="tables",
        graphql_field="tables",
        summary="List tables, the last updated first.",
        failure="list tables",
        handler=tables.list_tables,
        answer=list[answers.TableItem],
        parameters=(
            Parameter("projectId", "Only tables of this project.", {"type": "string"}),
            Parameter(
                "source",
                "Only tables that came from here; an unknown source has none.",
                {"type": "string", "examples": [each.value for each in TableSource]},
            ),
            Parameter(
                "search",
                "Only tables with this text in name or description, in any case.",
                {"type": "string", "maxLength": 1000},
            ),
        ),
    ),
    Endpoint(
        "POST",
        "/api/tables",
        operation="tableCreate",
        graphql_field="tableCreate",
        summary="Make a table with its columns.",
        failure="create table",
        handler=tables.create_table,
        status=201,
        answer=answers.Table,
        body=bodies.TableBody,
        missing="Template not found",
    ),
    Endpoint(
        "GET",
        "/api/tables/{id}",
        operation="table",
        graphql_field="table",
        summary="One table with its columns.",
        failure="get table",
        handler=tables.get_table,
        answer=answers.Table,
        missing=_TABLE,
    ),
    Endpoint(
        "PATCH",
        "/api/tables/{id}",
        operation="tableUpdate",
        graphql_field="tableUpdate",
        summary="Change name, description or project of a table.",
        failure="update table",
        handler=tables.update_table,
        answer=answers.Table,
        body=bodies.TableChangeBody,
        missing=_TABLE,
        exists=tables.exists,
    ),
    Endpoint(
        "DELETE",
        "/api/tables/{id}",
        operation="tableDelete",
        graphql_field="tableDelete",
        summary="Delete a table with its rows and columns.",
        failure="delete table",
        handler=tables.delete_table,
        status=204,
        missing=_TABLE,
    ),
)

_TEMPLATES = (
    Endpoint(
        "GET",
        "/api/tables/templates",
        operation="templates",
        graphql_field="templates",
        summary="List templates by name.",
        failure="list templates",
        handler=templates.list_templates,
        answer=answers.TemplateList,
        parameters=(
            Parameter(
                "category",
                "Only templates for this.",
                {"type": "string", "enum": [each.value for each in TemplateCategory]},
            ),
            Parameter(
                "scope",
                "Only those of the system, or of users.",
                {"type": "string", "enum": [each.value for each in TemplateScope]},
            ),
        ),
    ),
    Endpoint(
        "POST",
        "/api/tables/templates",
        operation="templateCreate",
        graphql_field="templateCreate",
        summary="Save a table as a template.",
        failure="save template",
        handler=templates.save_template,
        status=201,
        answer=answers.Named,
        body=bodies.TemplateBody,
        missing=_TABLE,
    ),
)

_ROWS = (
    Endpoint(
        "GET",
        "/api/tables/{id}/rows",
        operation="rows",
        graphql_field="table.rows",
        summary="A page of rows; `X-Total-Count` tells how many match in all.",
        failure="list rows",
        handler=rows.list_rows,
        answer=list[answers.Row],
        parameters=(
            Parameter(
                "limit",
                "Rows at most.",
                {
                    "type": "integer",
                    "minimum": 1,
                    "maximum": rows.MAX_LIMIT,
                    "default": rows.DEFAULT_LIMIT,
                },
            ),
            Parameter(
                "offset",
                "Rows to pass over.",
                {"type": "integer", "minimum": 0, "maximum": rows.MAX_OFFSET, "default": 0},
            ),
            json_parameter("filters", "Conditions that must all hold, as JSON.", rows.CONDITIONS),
            json_parameter(
                "sorts", "Keys of the order, as JSON; else by position.", rows.SORT_KEYS
            ),
            Parameter(
                "search",
                "Only rows with this text in a text or number column, in any case.",
                {"type": "string", "maxLength": 1000},
            ),
        ),
        missing=_TABLE,
        exists=tables.exists,
    ),
    Endpoint(
        "POST",
        "/api/tables/{id}/rows",
        operation="rowsAdd",
        graphql_field="rowsAdd",
        summary="Add 1 to 1,000 rows, all or none.",
        failure="add rows",
        handler=rows.add_rows,
        status=201,
        answer=list[answers.Row],
        body=bodies.RowsBody,
        missing=_TABLE,
        exists=tables.exists,
    ),
    Endpoint(
        "PATCH",
        "/api/tables/{id}/rows/{rowId}",
        operation="rowsUpdate",
        graphql_field="rowsUpdate",
        summary="Replace the whole content of a row.",
        failure="update row",
        handler=rows.replace_row,
        answer=answers.Row,
        body=bodies.RowBody,
        missing=_ROW,
        exists=rows.exists,
    ),
    Endpoint(
        "DELETE",
        "/api/tables/{id}/rows/{rowId}",
        operation="rowsDelete",
        graphql_field="rowsDelete",
        summary="Delete a row; one that is not there is fine.",
        failure="delete row",
        handler=rows.delete_row,
        status=204,
    ),
)

_COLUMNS = (
    Endpoint(
        "POST",
        "/api/tables/{id}/columns",
        operation="columnAdd",
        graphql_field="columnAdd",
        summary="Add a column at the end of a table.",
        failure="add column",
        handler=columns.add_column,
        status=201,
        answer=answers.TableColumn,
        body=bodies.ColumnBody,
        missing=_TABLE,
        exists=tables.exists,
    ),
    Endpoint(
        "PATCH",
        "/api/tables/{id}/columns",
        operation="columnsReorder",
        graphql_field="columnsReorder",
        summary="Put all columns of a table in order.",
        failure="reorder columns",
        handler=columns.reorder_columns,
        answer=list[answers.TableColumn],
        body=bodies.OrderBody,
        missing=_TABLE,
        exists=tables.exists,
    ),
)

_FILES = (
    Endpoint(
        "POST",
        "/api/tables/{id}/import",
        operation="importStart",
        graphql_field="importStart",
        summary="Import an uploaded CSV or TSV file, or show what would be imported.",
        failure="import file",
        handler=imports.import_file,
        answer=answers.ImportPreview | answers.ImportResult,
        body=bodies.ImportBody,
        missing="Table not found, or Document not found",
        exists=tables.exists,
    ),
    Endpoint(
        "GET",
        "/api/tables/{id}/export",
        operation="export",
        graphql_field="table.exportUrl",
        summary="The first 10,000 rows as a file.",
        failure="export table",
        handler=exports.export_table,
        media_type=FORMATS[ExportFormat.CSV].media_type,
        other_media_types=tuple(FORMATS[each].media_type for each in exports.FORMATS[1:]),
        parameters=(
            Parameter(
                "format",
                "What to write: csv, json or xlsx; an unknown format is csv.",
                {"type": "string", "default": "csv", "examples": [*exports.FORMATS]},
            ),
            Parameter(
                "guard",
                "`off` leaves texts as they are that a spreadsheet would run as formulas.",
                {"type": "string", "default": "on"},
            ),
        ),
        missing=_TABLE,
    ),
    Endpoint(
        "POST",
        "/api/uploads",
        operation="fileUpload",
        graphql_field=None,
        summary="Upload a file as the part `file` of a form.",
        failure="upload file",
        handler=files.upload_file,
        status=201,
        answer=answers.UploadedFile,
        upload=True,
        fields=(Parameter("taskId", "Kept with it.", {"type": "string", "maxLength": 256}),),
    ),
    Endpoint(
        "GET",
        "/api/uploads/{id}",
        operation="file",
        graphql_field=None,
        summary="The bytes of a file as an attachment.",
        failure="get file",
        handler=files.download_file,
        media_type="*/*",
        missing=_FILE,
    ),
    Endpoint(
        "DELETE",
        "/api/uploads/{id}",
        operation="fileDelete",
        graphql_field=None,
        summary="Delete a file.",
        failure="delete file",
        handler=files.delete_file,
        status=204,
        missing=_FILE,
    ),
)

ENDPOINTS: tuple[Endpoint, ...] = (
    *_TEMPLATES,
    *_TABLES,
    *_ROWS,
    *HISTORY,
    *_COLUMNS,
    *_FILES,
    *TRIGGERS,
    *CHARTS,
    *ENRICHMENT,
)
