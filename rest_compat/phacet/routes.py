"""The endpoints of this dialect, all in one table."""

from dataclasses import replace

from rest_compat.endpoints import Endpoint, Parameter, by_key_always
from rest_compat.phacet import (
    answers,
    bodies,
    cells,
    files,
    projects,
    rows,
    sessions,
    tables,
    webhooks,
)

#: The paths that belong to this dialect; what is under them and not in it does not exist.
PREFIXES = ("/api/v2", "/api/v1/phacets", "/api/v1/files")

_TABLE = "Table not found"
_ROW = "Table not found, or Row not found"
_CELL = "Table not found, or Cell not found"


_PROJECTS = (
    Endpoint(
        "GET",
        "/api/v2/projects",
        operation="projects",
        graphql_field="projects",
        summary="All projects with their tables, oldest first.",
        failure="list projects",
        handler=projects.list_projects,
        answer=list[answers.Project],
    ),
    Endpoint(
        "GET",
        "/api/v2/projects/{projectId}",
        operation="project",
        graphql_field="project",
        summary="One project with its tables and their columns.",
        failure="get project",
        handler=projects.get_project,
        answer=answers.Project,
        missing="Project not found",
    ),
)

_GET_TABLE = Endpoint(
    "GET",
    "/api/v2/tables/{tableId}",
    operation="table",
    graphql_field="table",
    summary="The structure of a table: its columns and sessions.",
    failure="get table",
    handler=tables.get_table,
    answer=answers.Table,
    missing=_TABLE,
)
_POST_SESSION = Endpoint(
    "POST",
    "/api/v2/tables/{tableId}/sessions",
    operation="sessionCreate",
    graphql_field="sessionCreate",
    summary="Make a session. The body may be empty.",
    failure="create session",
    handler=sessions.create_session,
    status=201,
    answer=answers.Session,
    body=bodies.SessionBody,
    body_needed=False,
    missing=_TABLE,
    exists=tables.exists,
)
_GET_ROWS = Endpoint(
    "GET",
    "/api/v2/tables/{tableId}/rows",
    operation="rows",
    graphql_field="table.rows",
    summary="A page of rows with their cells.",
    failure="list rows",
    handler=rows.list_rows,
    answer=answers.RowsPage,
    parameters=(
        Parameter(
            "take",
            "Rows at most.",
            {
                "type": "integer",
                "minimum": 1,
                "maximum": rows.MAX_TAKE,
                "default": rows.DEFAULT_TAKE,
            },
        ),
        Parameter("cursor", "`nextCursor` of the page before.", {"type": "string"}),
        Parameter("sessionId", "Only rows of this session.", {"type": "string"}),
    ),
    missing="Table not found, or Session not found",
    exists=tables.exists,
)
_POST_ROW = Endpoint(
    "POST",
    "/api/v2/tables/{tableId}/rows",
    operation="rowsAdd",
    graphql_field="rowsAdd",
    summary="Add a row, and start the tools of its columns with `triggerTasks`.",
    failure="add row",
    handler=rows.add_row,
    status=201,
    answer=answers.Row,
    body=bodies.RowBody,
    missing="Table not found, or Session not found",
    exists=tables.exists,
)
_GET_ROW = Endpoint(
    "GET",
    "/api/v2/tables/{tableId}/rows/{rowId}",
    operation="row",
    graphql_field="row",
    summary="One row with its cells.",
    failure="get row",
    handler=rows.get_row,
    answer=answers.Row,
    missing=_ROW,
)
_PUT_ROW = Endpoint(
    "PUT",
    "/api/v2/tables/{tableId}/rows/{rowId}",
    operation="rowsUpdate",
    graphql_field="rowsUpdate",
    summary="Change the listed cells of a row, and start the tools of its columns.",
    failure="update row",
    handler=rows.update_row,
    answer=answers.Row,
    body=bodies.RowChangeBody,
    missing=_ROW,
    exists=rows.exists,
)
_GET_CELL = Endpoint(
    "GET",
    "/api/v2/tables/{tableId}/cells/{cellId}",
    operation="row",
    graphql_field="cell",
    summary="One cell.",
    failure="get cell",
    handler=cells.get_cell,
    answer=answers.Cell,
    missing=_CELL,
)
_GET_LINK = Endpoint(
    "GET",
    "/api/v2/tables/{tableId}/cells/{cellId}/download-file-url",
    operation="file",
    graphql_field="cell",
    summary="A link to the file in a cell; it works for 15 minutes and needs no key.",
    failure="make a link",
    handler=cells.download_file_url,
    answer=answers.FileLink,
    missing="Table not found, Cell not found, or File not found",
)
_POST_FILE = Endpoint(
    "POST",
    "/api/v2/files",
    operation="fileUpload",
    graphql_field=None,
    summary="Upload a PDF as the part `file` of a form.",
    failure="upload file",
    handler=files.upload_file,
    status=201,
    answer=answers.UploadedFile,
    upload=True,
    errors={415: "The body is no form."},
)
_GET_FILE = Endpoint(
    "GET",
    "/api/v2/files/{fileId}",
    operation="file",
    graphql_field=None,
    summary="The bytes of a file, through a link that was made for it.",
    failure="get file",
    handler=files.download_file,
    media_type="*/*",
    parameters=(
        Parameter("key", "Whose right the link carries.", {"type": "string"}),
        Parameter("expires", "When it ends, in seconds since 1970.", {"type": "string"}),
        Parameter("signature", "Proves the other two.", {"type": "string"}),
    ),
    missing="File not found",
    admit=files.by_link,
    keyless=True,
)

_WEBHOOKS = (
    Endpoint(
        "POST",
        "/api/v2/webhooks/endpoints",
        operation="webhookCreate",
        graphql_field="webhookCreate",
        summary="Have events sent to a URL. The answer tells the secret, once.",
        failure="create webhook endpoint",
        handler=webhooks.create_endpoint,
        status=201,
        answer=answers.WebhookEndpoint,
        body=bodies.WebhookBody,
    ),
    Endpoint(
        "DELETE",
        "/api/v2/webhooks/endpoints/{endpointId}",
        operation="webhookDelete",
        graphql_field="webhookDelete",
        summary="Have no more events sent.",
        failure="delete webhook endpoint",
        handler=webhooks.delete_endpoint,
        status=204,
        missing="Webhook endpoint not found",
    ),
)

_TABLES = (_GET_TABLE, _POST_SESSION, _GET_ROWS, _POST_ROW, _GET_ROW, _PUT_ROW)
_CELLS = (_GET_CELL, _GET_LINK)
_FILES = (_POST_FILE, _GET_FILE)


def _in_version_1(endpoint: Endpoint) -> Endpoint:
    """The same endpoint under the path that it had before."""
    path = endpoint.path.replace("/api/v2/tables", "/api/v1/phacets")
    path = path.replace("/api/v2/", "/api/v1/").replace("download-file-url", "file-download-url")
    return replace(endpoint, path=path, summary=f"{endpoint.summary} An old path.")


_VERSION_1 = (
    Endpoint(
        "GET",
        "/api/v1/phacets",
        operation="tables",
        graphql_field="tables",
        summary="All tables, those of no project too, oldest first. An old path.",
        failure="list tables",
        handler=tables.list_tables,
        answer=list[answers.Table],
    ),
    *(_in_version_1(endpoint) for endpoint in (*_TABLES, *_CELLS, _POST_FILE)),
)

ENDPOINTS: tuple[Endpoint, ...] = tuple(
    endpoint if endpoint.keyless else replace(endpoint, admit=by_key_always)
    for endpoint in (*_PROJECTS, *_TABLES, *_CELLS, *_FILES, *_WEBHOOKS, *_VERSION_1)
)
