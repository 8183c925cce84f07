"""All of storage in one object: the `Storage` port over PostgreSQL."""

from copy import copy

from domain.access import Viewer
from domain.addresses import Allowed
from persistence.aggregates import Aggregates
from persistence.blobs import Blobs
from persistence.cell_batches import CellBatches
from persistence.change_log import ChangeLog
from persistence.charts import Charts
from persistence.classifiers import Classifiers
from persistence.columns import Columns
from persistence.dependents import Dependents
from persistence.engine import Database
from persistence.enrichment import Enrichments
from persistence.exports import Exports
from persistence.extracted_rows import ExtractedRows
from persistence.extraction import ExtractionSchemas
from persistence.extraction_jobs import ExtractionJobs
from persistence.files import Files
from persistence.firings import Firings
from persistence.history import History
from persistence.idempotency import Idempotency
from persistence.imports import Imports
from persistence.keys import Keys
from persistence.lookups import Lookups
from persistence.named_secrets import NamedSecrets
from persistence.projects import Projects
from persistence.providers import Providers
from persistence.relay import Consumer, Relay
from persistence.rollbacks import Rollbacks
from persistence.rows import Rows
from persistence.runs import Runs
from persistence.scoped import (
    ScopedCharts,
    ScopedClassifiers,
    ScopedColumns,
    ScopedEnrichments,
    ScopedExtractionJobs,
    ScopedExtractionSchemas,
    ScopedFiles,
    ScopedImports,
    ScopedProjects,
    ScopedRollbacks,
    ScopedRuns,
    ScopedTables,
)
from persistence.secret_box import SecretBox
from persistence.shapes import Shapes
from persistence.tables import Tables
from persistence.tasks import Tasks
from persistence.templates import Templates
from persistence.tool_cache import ToolCache
from persistence.trigger_relay import TriggerRelay
from persistence.triggers import Triggers
from persistence.unit_of_work import Wake
from persistence.webhook_deliveries import WebhookDeliveries
from persistence.webhook_relay import WebhookRelay
from persistence.webhook_replays import WebhookReplays
from persistence.webhook_sending import WebhookSending
from persistence.webhooks import Webhooks
from persistence.workflow_runs import WorkflowRuns
from persistence.workflow_steps import WorkflowSteps
from persistence.workflows import Workflows


class PostgresStorage:
    """One attribute a noun, and the reader of the logs beside them.

    A process that never touches the bytes of files needs no `blobs`, one that neither stores nor
    uses secrets no `secret_box`."""

    def __init__(
        self,
        database: Database,
        wake: Wake,
        blobs: Blobs | None = None,
        secret_box: SecretBox | None = None,
        egress: Allowed | None = None,
    ) -> None:
        shapes = Shapes(database)
        self.secret_box = secret_box or SecretBox()
        self.egress = egress or Allowed()
        self.keys = Keys(database, wake)
        self.projects = Projects(database, wake)
        self.tables = Tables(database, shapes, wake)
        self.columns = Columns(database, shapes, wake)
        self.rows = Rows(database, wake)
        self.aggregates = Aggregates(database)
        self.lookups = Lookups(database)
        self.charts = Charts(database, wake)
        self.files = Files(database, blobs)
        self.exports = Exports(database)
        self.imports = Imports(database, wake)
        self.extraction_jobs = ExtractionJobs(database, wake)
        self.extracted_rows = ExtractedRows(database, wake)
        self.history = History(database)
        self.rollbacks = Rollbacks(database, wake)
        self.runs = Runs(database, wake)
        self.cell_batches = CellBatches(database, wake)
        self.enrichments = Enrichments(database)
        self.extraction_schemas = ExtractionSchemas(database, wake)
        self.classifiers = Classifiers(database, wake)
        self.tasks = Tasks(database)
        self.workflows = Workflows(database, wake)
        self.workflow_runs = WorkflowRuns(database, wake)
        self.workflow_steps = WorkflowSteps(database, wake)
        self.providers = Providers(database, wake, self.secret_box)
        self.secrets = NamedSecrets(database, wake, self.secret_box)
        self.tool_cache = ToolCache(database)
        self.templates = Templates(database, wake)
        self.triggers = Triggers(database, wake)
        self.firings = Firings(database)
        consumers: list[Consumer] = [TriggerRelay(shapes), Dependents(shapes), WebhookRelay(shapes)]
        self.relay = Relay(database, consumers, wake)
        self.webhooks = Webhooks(database, wake, self.secret_box)
        self.webhook_deliveries = WebhookDeliveries(database)
        self.webhook_sending = WebhookSending(database, self.secret_box)
        self.webhook_replays = WebhookReplays(database, shapes)
        self.idempotency = Idempotency(database.pool)
        self.log = ChangeLog(database, shapes)

    def seen_by(self, viewer: Viewer) -> "PostgresStorage":
        """This storage as the viewer may see it: a key with a scope sees what lies inside."""
        if viewer.scope is None:
            return self
        seen = copy(self)
        tables = ScopedTables(self.tables, viewer.scope)
        seen.tables = tables
        seen.projects = ScopedProjects(self.projects, viewer.scope)
        seen.columns = ScopedColumns(self.columns)
        seen.charts = ScopedCharts(self.charts, tables)
        seen.files = ScopedFiles(self.files, viewer.actor)
        seen.imports = ScopedImports(self.imports, tables)
        seen.rollbacks = ScopedRollbacks(self.rollbacks, tables)
        seen.runs = ScopedRuns(self.runs, tables)
        seen.enrichments = ScopedEnrichments(self.enrichments, tables)
        schemas = ScopedExtractionSchemas(self.extraction_schemas, tables, viewer.scope)
        seen.extraction_schemas = schemas
        seen.extraction_jobs = ScopedExtractionJobs(self.extraction_jobs, schemas)
        seen.classifiers = ScopedClassifiers(self.classifiers, schemas)
        return seen
