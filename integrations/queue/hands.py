"""What a worker has in hand, and what the database believes it has."""

import asyncio
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
        self._tasks: set[asyncio.Task[object]] = set()
        self._suspects: set[int] = set()

    @contextmanager
    def holding(self, job: int | None) -> Iterator[None]:
        """For as long as the job is done."""
        task = asyncio.current_task()
        if job is not None:
            self._jobs.add(job)
        if task is not None:
            self._tasks.add(task)
        try:
            yield
        finally:
            if job is not None:
                self._jobs.discard(job)
            if task is not None:
                self._tasks.discard(task)

    def let_go(self) -> None:
        """Break off what is in hand; each job is due again at once, for another worker."""
        for task in tuple(self._tasks):
            task.cancel()

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
