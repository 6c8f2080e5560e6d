"""Alembic migrations of the case store; ``agents.store.engine.migrate`` runs them."""
