"""The endpoints of history."""

from rest_compat.endpoints import Endpoint, Parameter
from rest_compat.stagent import answers, bodies, history

_TABLE = "Table not found"


def _limit(bounds: tuple[int, int]) -> Parameter:
    default, most = bounds
    text = f"Entries at most; more than {most} count as {most}, anything else as {default}."
    return Parameter("limit", text, {"type": "integer", "default": default})


HISTORY = (
    Endpoint(
        "GET",
        "/api/tables/{id}/history",
        operation="history",
        graphql_field="table.history",
        summary="What happened to the rows of a table, the newest first.",
        failure="list history",
        handler=history.table_history,
        answer=list[answers.HistoryEntry],
        parameters=(_limit(history.TABLE_LIMITS),),
        missing=_TABLE,
    ),
    Endpoint(
        "GET",
        "/api/tables/{id}/rows/{rowId}/history",
        operation="history",
        graphql_field="row.history",
        summary="What happened to a row, the newest first; a deleted one too.",
        failure="list row history",
        handler=history.row_history,
        answer=list[answers.HistoryEntry],
        parameters=(_limit(history.ROW_LIMITS),),
        missing=_TABLE,
    ),
    Endpoint(
        "POST",
        "/api/tables/{id}/rows/{rowId}/history",
        operation="rowRollback",
        graphql_field="rowRollback",
        summary="Give a row the data that an entry of its history holds.",
        failure="roll back row",
        handler=history.roll_back_row,
        answer=answers.Done,
        body=bodies.RollbackBody,
        missing="History entry not found",
        exists=history.exists,
    ),
)
