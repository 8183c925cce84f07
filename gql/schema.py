"""The assembly of the schema."""

import strawberry
from graphql import GraphQLSchema
from strawberry.schema.config import StrawberryConfig

from gql.execution import Executor
from gql.mutations.cells import CellMutations
from gql.mutations.charts import ChartMutations
from gql.mutations.classifiers import ClassifierMutations
from gql.mutations.column_types import ColumnTypeMutations
from gql.mutations.columns import ColumnMutations
from gql.mutations.enrichment import EnrichmentMutations
from gql.mutations.extraction import ExtractionSchemaMutations
from gql.mutations.extraction_examples import ExtractionExampleMutations
from gql.mutations.extraction_jobs import ExtractionJobMutations
from gql.mutations.files import FileMutations
from gql.mutations.imports import ImportMutations
from gql.mutations.keys import KeyMutations
from gql.mutations.named_secrets import SecretMutations
from gql.mutations.projects import ProjectMutations
from gql.mutations.providers import ProviderMutations
from gql.mutations.reviews import ReviewMutations
from gql.mutations.rollbacks import RollbackMutations
from gql.mutations.rows import RowMutations
from gql.mutations.runs import RunMutations
from gql.mutations.tables import TableMutations
from gql.mutations.tasks import TaskMutations
from gql.mutations.templates import TemplateMutations
from gql.mutations.triggers import TriggerMutations
from gql.mutations.webhook_deliveries import WebhookDeliveryMutations
from gql.mutations.webhooks import WebhookMutations
from gql.mutations.workflow_runs import WorkflowRunMutations
from gql.mutations.workflows import WorkflowMutations
from gql.queries import Query
from gql.scalars import SCALARS
from gql.subscriptions import Subscription
from gql.types.cells import Cell
from gql.types.charts import Chart
from gql.types.projects import Project
from gql.types.rows import Row
from gql.types.tables import Table


@strawberry.type(description="What can be changed. Each takes one input and gives a payload.")
class Mutation(
    ProjectMutations,
    TableMutations,
    ColumnMutations,
    ColumnTypeMutations,
    RowMutations,
    CellMutations,
    RunMutations,
    KeyMutations,
    ProviderMutations,
    SecretMutations,
    ImportMutations,
    ExtractionJobMutations,
    ReviewMutations,
    EnrichmentMutations,
    ExtractionSchemaMutations,
    ExtractionExampleMutations,
    ClassifierMutations,
    FileMutations,
    ChartMutations,
    RollbackMutations,
    TriggerMutations,
    TemplateMutations,
    WorkflowMutations,
    WorkflowRunMutations,
    TaskMutations,
    WebhookMutations,
    WebhookDeliveryMutations,
):
    """All mutations, noun by noun."""


schema = strawberry.Schema(
    query=Query,
    mutation=Mutation,
    subscription=Subscription,
    types=[Project, Table, Row, Cell, Chart],
    execution_context_class=Executor,
    config=StrawberryConfig(scalar_map=SCALARS),
)

#: The same for graphql-core, which runs it.
core_schema: GraphQLSchema = schema._schema


def schema_text() -> str:
    """The schema in SDL."""
    return schema.as_str().rstrip() + "\n"
