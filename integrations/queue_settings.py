"""The settings of the work queue (``TRIAGE_QUEUE__*``), for several workers on one PostgreSQL."""

from pydantic import Field, SecretStr, field_validator

from data_schemas._base import Frozen


class QueueSettings(Frozen):
    """Where jobs wait, and how workers treat them.

    ``url``: of a PostgreSQL database, ``postgresql://...``; None is no queue: what reads arrivals assesses them.
    ``name``: several queues may share a database. ``concurrency``: jobs that one worker does at once. ``attempts``: at
    a job that fails for a passing reason, before it counts as dead; ``longest_pause_seconds``: between two of them.
    ``silent_seconds``: a worker that has not been heard of for so long is taken for dead and its jobs go to others.
    ``stop_seconds``: how long a worker that is told to stop may finish its jobs; then they go to others.
    """

    url: SecretStr | None = None
    name: str = Field(default="triage", pattern=r"^[a-z][a-z0-9_-]{0,40}$")
    concurrency: int = Field(default=4, ge=1, le=64)
    attempts: int = Field(default=60, ge=1)
    longest_pause_seconds: float = Field(default=60, gt=0)
    silent_seconds: float = Field(default=30, ge=3)
    stop_seconds: float = Field(default=30, ge=0)

    @field_validator("url")
    @classmethod
    def _is_postgresql(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not value.get_secret_value().startswith(
            ("postgresql://", "postgresql+psycopg://")
        ):
            raise ValueError("must start with postgresql://: the queue needs PostgreSQL")
        return value

    @property
    def conninfo(self) -> str | None:
        """The URL as libpq reads it."""
        return None if self.url is None else self.url.get_secret_value().replace("+psycopg://", "://", 1)
