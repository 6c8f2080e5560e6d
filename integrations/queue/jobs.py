"""What a job is: an encounter's id and a mark of its server; and how jobs are listed."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum

from integrations.fhir.identity import normal_base

TASK = "assess_encounter"
LOST = "WorkerLost"
"""Recorded for a job whose worker died over it."""
MOST_LOST = 3
"""Workers that a job may take with it before it is dead: it may be the job that kills them."""
MOST_DEFECTS = 5
"""Attempts at a job that fails for a reason that nobody foresaw."""


class Priority(IntEnum):
    """The higher is done first."""

    REREAD = 0
    ARRIVAL = 10


def server_mark(base_url: str) -> str:
    """Which server an encounter is on, without its URL: a worker of another server refuses the job."""
    return hashlib.sha256(normal_base(base_url).encode()).hexdigest()[:16]


def lock_of(mark: str, encounter: str) -> str:
    """Two jobs with the same lock are never done at once."""
    return f"{mark}/{encounter}"


@dataclass(frozen=True, slots=True)
class FailedJob:
    """A job that is given up, or one whose last attempt failed and that waits for the next.

    ``error``: the class of the last failure. ``dead``: nobody tries it again unless asked to (``triage worker retry``).
    """

    id: int
    encounter: str
    attempts: int
    error: str
    at: datetime | None
    dead: bool


@dataclass(frozen=True, slots=True)
class QueueState:
    """How a queue stands. ``oldest_seconds``: for how long the first of the jobs that are due has been due.

    ``stalled``: being done by a worker that is silent. ``workers``: heard of lately.
    """

    waiting: int
    doing: int
    dead: int
    stalled: int
    workers: int
    oldest_seconds: float | None
