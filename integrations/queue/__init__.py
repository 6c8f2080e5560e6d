"""Assessment jobs on PostgreSQL, for several workers: ``procrastinate`` keeps them, the agent makes them idempotent.

Needs the extra ``queue``. A job names an encounter and nothing else of a patient.
"""

from integrations.queue.jobs import FailedJob, Priority, QueueState
from integrations.queue.queue import AssessmentQueue, open_queue
from integrations.queue.worker import WorkerReport, run_worker
from integrations.queue_errors import QueueAwayError, QueueError, QueueMissingError

__all__ = [
    "AssessmentQueue",
    "FailedJob",
    "Priority",
    "QueueAwayError",
    "QueueError",
    "QueueMissingError",
    "QueueState",
    "WorkerReport",
    "open_queue",
    "run_worker",
]
