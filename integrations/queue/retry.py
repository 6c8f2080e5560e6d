"""When a job that failed is tried again."""

import asyncio
import random

from procrastinate import BaseRetryStrategy, RetryDecision
from procrastinate.exceptions import JobAborted
from procrastinate.jobs import Job

from integrations.queue.jobs import MOST_DEFECTS
from integrations.queue_errors import HopelessJobError, PassingJobError

_FIRST_PAUSE_S = 2.0


class Backoff(BaseRetryStrategy):
    """2, 4, 8 ... seconds up to ``longest_pause`` with jitter, ``attempts`` times in all.

    A job that a worker gave back because it was told to stop is due at once.
    """

    def __init__(self, attempts: int, longest_pause: float) -> None:
        self._attempts = attempts
        self._longest = longest_pause

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:
        """See ``procrastinate.BaseRetryStrategy``; None gives the job up."""
        if isinstance(exception, JobAborted | asyncio.CancelledError):
            return RetryDecision(retry_in={"seconds": 0})
        if isinstance(exception, HopelessJobError):
            return None
        most = self._attempts if isinstance(exception, PassingJobError) else min(self._attempts, MOST_DEFECTS)
        if job.attempts + 1 >= most:
            return None
        return RetryDecision(retry_in={"milliseconds": round(1000 * self.pause(job.attempts))})

    def pause(self, attempts: int) -> float:
        """Seconds after so many attempts; workers that failed together do not come back together."""
        longest = min(self._longest, _FIRST_PAUSE_S * 2.0 ** min(attempts, 30))
        return random.uniform(longest / 2, longest)  # noqa: S311 - jitter, not a secret
