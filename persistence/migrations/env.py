"""Alembic's entry: runs the migrations on the connection that `persistence.migrate` hands over."""

from alembic import context
from sqlmodel import SQLModel

from persistence import models

assert models  # importing the models registers them

connection = context.config.attributes["connection"]
context.configure(
    connection=connection, target_metadata=SQLModel.metadata, compare_server_default=True
)
with context.begin_transaction():
    context.run_migrations()
