"""The endpoints of enrichment."""

from domain.enrichment_records import DEFAULT_RUNS, MAX_RUNS
from rest_compat.endpoints import Endpoint, Parameter
from rest_compat.stagent import enrichment
from rest_compat.stagent import enrichment_answers as answers
from rest_compat.stagent import enrichment_bodies as bodies

_TABLE = "Table <id> not found"

ENRICHMENT = (
    Endpoint(
        "POST",
        "/api/tables/{id}/enrich/plan",
        operation="enrichmentPlan",
        graphql_field="enrichmentPlan",
        summary="How a column would be filled where it is empty. Nothing is written or asked.",
        failure="plan enrichment",
        handler=enrichment.plan,
        answer=answers.EnrichmentPlan,
        body=bodies.PlanRequestBody,
        missing=_TABLE,
        exists=enrichment.exists,
    ),
    Endpoint(
        "POST",
        "/api/tables/{id}/enrich",
        operation="enrichmentStart",
        graphql_field="enrichmentStart",
        summary="Fill a column where it is empty, in the background.",
        failure="start enrichment",
        handler=enrichment.start,
        status=202,
        answer=answers.EnrichmentStarted,
        body=bodies.EnrichBody,
        missing=_TABLE,
        exists=enrichment.exists,
    ),
    Endpoint(
        "GET",
        "/api/tables/{id}/enrich/runs",
        operation="enrichmentRuns",
        graphql_field="enrichmentRuns",
        summary="What was begun on a table, the newest first.",
        failure="list enrichment runs",
        handler=enrichment.list_runs,
        answer=list[answers.EnrichmentRun],
        parameters=(
            Parameter(
                "limit",
                "How many; what is out of bounds is brought back into them.",
                {"type": "integer", "minimum": 1, "maximum": MAX_RUNS, "default": DEFAULT_RUNS},
            ),
        ),
        missing="Table not found",
    ),
)
