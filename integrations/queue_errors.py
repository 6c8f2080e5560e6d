"""What can go wrong with the queue and with a job. No message holds patient data or an encounter.

QueueError
├── QueueMissingError   no queue is configured, or its libraries are not installed
└── QueueAwayError      the database of the queue does not answer

JobError                raised inside a job; only its class and the name that it carries are kept
├── PassingJobError     worth another attempt
└── HopelessJobError    the same attempt would fail again: the job is dead at once
"""


class QueueError(Exception):
    """The queue cannot be used."""


class QueueMissingError(QueueError):
    """No queue is configured, or its libraries are not installed."""


class QueueAwayError(QueueError):
    """The database of the queue does not answer."""

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"the queue's database cannot be used ({reason}); check TRIAGE_QUEUE__URL and PostgreSQL"
        )


class JobError(Exception):
    """A job failed. ``name`` is the class of what happened: messages could hold patient data."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


class PassingJobError(JobError):
    """Worth another attempt: a server was away, or another worker has the case."""


class HopelessJobError(JobError):
    """The same attempt would fail again."""
