"""All of storage in one object: the `Storage` port over PostgreSQL."""

from persistence.aggregates import Aggregates
from persistence.blobs import Blobs
from persistence.change_log import ChangeLog
from persistence.charts import Charts
from persistence.columns import Columns
from persistence.engine import Database
from persistence.exports import Exports
from persistence.files import Files
from persistence.firings import Firings
from persistence.history import History
from persistence.idempotency import Idempotency
from persistence.imports import Imports
from persistence.keys import Keys
from persistence.projects import Projects
from persistence.relay import Relay
from persistence.rollbacks import Rollbacks
from persistence.rows import Rows
from persistence.shapes import Shapes
from persistence.tables import Tables
from persistence.tasks import Tasks
from persistence.templates import Templates
from persistence.triggers import Triggers
from persistence.unit_of_work import Wake


class PostgresStorage:
    """One attribute a noun, and the reader of the logs beside them.

    A process that never touches the bytes of files needs no `blobs`."""

    def __init__(self, database: Database, wake: Wake, blobs: Blobs | None = None) -> None:
        shapes = Shapes(database)
        self.keys = Keys(database, wake)
        self.projects = Projects(database, wake)
        self.tables = Tables(database, shapes, wake)
        self.columns = Columns(database, shapes, wake)
        self.rows = Rows(database, wake)
        self.aggregates = Aggregates(database)
        self.charts = Charts(database, wake)
        self.files = Files(database, blobs)
        self.exports = Exports(database)
        self.imports = Imports(database, wake)
        self.history = History(database)
        self.rollbacks = Rollbacks(database, wake)
        self.tasks = Tasks(database)
        self.templates = Templates(database, wake)
        self.triggers = Triggers(database, wake)
        self.firings = Firings(database)
        self.relay = Relay(database, shapes)
        self.idempotency = Idempotency(database.pool)
        self.log = ChangeLog(database, shapes)
