"""A bounded queue before the server: so many questions at once, so many waiting, and none for too long."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from triage.slm.errors import EngineBusyError


class Queue:
    """How many calls are accepted at once; from any thread."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._lock = threading.Lock()
        self._inside = 0

    @contextmanager
    def place(self) -> Iterator[None]:
        """One place.

        Raises:
            EngineBusyError: all are taken.
        """
        with self._lock:
            if self._inside >= self._size:
                raise EngineBusyError(f"{self._inside} questions wait already: try again later")
            self._inside += 1
        try:
            yield
        finally:
            with self._lock:
                self._inside -= 1


class Slots:
    """How many questions are at the server at once, first come first served; for one event loop."""

    def __init__(self, count: int, wait_seconds: float) -> None:
        self._free = asyncio.Semaphore(count)
        self._wait = wait_seconds

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        """One slot.

        Raises:
            EngineBusyError: none came free in time.
        """
        taken = False
        try:
            async with asyncio.timeout(self._wait):
                taken = await self._free.acquire()
        except TimeoutError:
            if taken:  # the time ran out in the very moment that it came free
                self._free.release()
            raise EngineBusyError(
                f"waited {self._wait:g} s for the model server; {self._wait:g} s is the limit"
            ) from None
        try:
            yield
        finally:
            self._free.release()
