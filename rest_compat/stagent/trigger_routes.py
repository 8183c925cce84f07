"""The endpoints of triggers."""

from rest_compat.endpoints import Endpoint
from rest_compat.stagent import answers, bodies, tables, triggers

_TABLE = "Table not found"
_TRIGGER = "Trigger not found"

TRIGGERS = (
    Endpoint(
        "GET",
        "/api/tables/{id}/triggers",
        operation="triggers",
        graphql_field="table.triggers",
        summary="The triggers of a table, oldest first.",
        failure="list triggers",
        handler=triggers.list_triggers,
        answer=list[answers.Trigger],
        missing=_TABLE,
    ),
    Endpoint(
        "POST",
        "/api/tables/{id}/triggers",
        operation="triggerCreate",
        graphql_field="triggerCreate",
        summary="Make a trigger: what to do when rows are added, updated or deleted.",
        failure="create trigger",
        handler=triggers.create_trigger,
        status=201,
        answer=answers.Trigger,
        body=bodies.TriggerBody,
        missing=_TABLE,
        exists=tables.exists,
    ),
    Endpoint(
        "PATCH",
        "/api/tables/{id}/triggers/{triggerId}",
        operation="triggerUpdate",
        graphql_field="triggerUpdate",
        summary="Change, pause or resume a trigger.",
        failure="update trigger",
        handler=triggers.update_trigger,
        answer=answers.Trigger,
        body=bodies.TriggerChangeBody,
        missing=_TRIGGER,
        exists=triggers.exists,
    ),
    Endpoint(
        "DELETE",
        "/api/tables/{id}/triggers/{triggerId}",
        operation="triggerDelete",
        graphql_field="triggerDelete",
        summary="Delete a trigger with its firings.",
        failure="delete trigger",
        handler=triggers.delete_trigger,
        status=204,
        missing=_TRIGGER,
    ),
)
