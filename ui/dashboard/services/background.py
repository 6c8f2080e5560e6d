"""One event loop in a thread of its own, with the agent open in it: pages are synchronous, the agent is not."""

import asyncio
import concurrent.futures
import logging
import threading
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from typing import Any, TypeVar

from integrations.assembly import Agent
from ui.dashboard.services.problems import Problem

logger = logging.getLogger(__name__)

T = TypeVar("T")
Opens = Callable[[], AbstractAsyncContextManager[Agent]]

_OPEN_TIMEOUT = 60.0
_RETRY_OPEN = 5.0
_RETRY_WRITES = 30.0


class Background:
    """The agent, opened once in a process; opened again later where that failed.

    Undelivered writes are retried every half minute, as ``triage recover`` would.
    """

    def __init__(self, opens: Opens) -> None:
        self._opens = opens
        self._loop = asyncio.new_event_loop()
        self._agent: Agent | None = None
        self._begun: set[asyncio.Task[Any]] = set()
        self._tried = threading.Event()
        self._stopping = asyncio.Event()
        self._thread = threading.Thread(target=self._serve, name="triage-agent", daemon=True)
        self._thread.start()

    def run(self, work: Callable[[Agent], Coroutine[Any, Any, T]], timeout: float = 60.0) -> T:
        """Do it with the agent and wait for it.

        Raises:
            Problem: ``service-away``: the agent cannot be opened, or did not answer in ``timeout`` seconds, or was
                closed meanwhile. What was begun goes on after a time-out: a decision is never cut off half-way.
        """
        self._tried.wait(_OPEN_TIMEOUT)
        if self._agent is None or not self._thread.is_alive():
            raise Problem("service-away", what="StoreError")
        future = asyncio.run_coroutine_threadsafe(self._do(work), self._loop)
        try:
            return future.result(timeout)
        except concurrent.futures.TimeoutError:
            raise Problem("service-away", what="TimeoutError") from None
        except concurrent.futures.CancelledError:
            raise Problem("service-away", what="CancelledError") from None

    def start(self, work: Callable[[Agent], Coroutine[Any, Any, None]]) -> None:
        """Begin something that goes on beside everything else, until ``close``."""
        self._tried.wait(_OPEN_TIMEOUT)
        if self._agent is not None:
            asyncio.run_coroutine_threadsafe(self._do(work), self._loop)

    def close(self) -> None:
        """Close the agent and end the thread.

        What still runs is ended; checkpoint and outbox hold it for the next start.
        """
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stopping.set)
            self._thread.join()

    def _serve(self) -> None:
        try:
            self._loop.run_until_complete(self._main())
        finally:
            self._loop.close()

    async def _main(self) -> None:
        while not self._stopping.is_set():
            try:
                async with self._opens() as agent:
                    self._agent = agent
                    self._tried.set()
                    try:
                        await self._tend(agent)
                    finally:
                        self._agent = None
                        await self._end_begun()
            except Exception as error:
                # Its words may name the database; its class says what kind of thing is away.
                logger.error("the agent cannot be opened: %s", type(error).__name__)
            self._tried.set()
            await self._pause(_RETRY_OPEN)

    async def _do(self, work: Callable[[Agent], Coroutine[Any, Any, T]]) -> T:
        if (agent := self._agent) is None:
            raise Problem("service-away", what="StoreError")
        task = asyncio.current_task()
        assert task is not None
        self._begun.add(task)
        try:
            return await work(agent)
        finally:
            self._begun.discard(task)

    async def _end_begun(self) -> None:
        """End what ``run`` and ``start`` began, and wait for it, so that nothing writes to a closed store.

        Only that: a task that one of them or the feed began is ended by its owner. A task group's child that is
        cancelled from outside before its first step leaves a coroutine that is never awaited.
        """
        await asyncio.sleep(0)  # what was handed over just now takes its first step and is known
        while self._begun:
            begun = tuple(self._begun)
            for task in begun:
                task.cancel()
            await asyncio.gather(*begun, return_exceptions=True)

    async def _tend(self, agent: Agent) -> None:
        while not self._stopping.is_set():
            await self._pause(_RETRY_WRITES)
            if self._stopping.is_set():
                return
            try:
                await agent.service.retry_pending()
            except Exception as error:
                logger.error("undelivered writes could not be retried: %s", type(error).__name__)

    async def _pause(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._stopping.wait(), seconds)
        except TimeoutError:
            return
