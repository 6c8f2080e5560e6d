"""What a worker has in hand, and what the database believes it has."""

from collections.abc import Iterator
from contextlib import contextmanager

from integrations.queue.queue import AssessmentQueue


class Hands:
    """Jobs that this worker really does.

    A connection that breaks while a job is taken or ended leaves a job that is in nobody's hand: the worker lives, so
    no other one takes it, and its lock keeps every later job of the same encounter waiting.
    """

    def __init__(self) -> None:
        self._jobs: set[int] = set()
        self._suspects: set[int] = set()

    @contextmanager
    def holding(self, job: int | None) -> Iterator[None]:
        """For as long as the job is done."""
        if job is not None:
            self._jobs.add(job)
        try:
            yield
        finally:
            if job is not None:
                self._jobs.discard(job)

    async def put_back_orphans(self, queue: AssessmentQueue, worker: int | None) -> int:
        """Jobs that the database gives to ``worker`` and that are not in hand, now and at the call before; how many.

        Raises:
            QueueAwayError: the database does not answer.
        """
        if worker is None:
            return 0
        orphans = set(await queue.held_by(worker)) - self._jobs
        certain, self._suspects = orphans & self._suspects, orphans
        return await queue.put_back(sorted(certain), worker) if certain else 0
