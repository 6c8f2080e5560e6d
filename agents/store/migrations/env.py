"""Runs the migrations on the connection that ``agents.store.engine.migrate`` hands over."""

from alembic import context

from agents.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    # SQLite's DDL is transactional once the driver's own BEGIN is switched off, as the engine does.
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
