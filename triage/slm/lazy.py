"""An engine that is opened at the first question, so that commands which ask nothing start at once."""

import asyncio
import time
from collections.abc import Callable, Sequence

from triage.slm.engine import Engine, EngineAnswer, EngineIdentity, EngineRequest
from triage.slm.errors import EngineError


class LazyEngine:
    """Opens the real engine in a thread at the first question, once, and passes everything on to it.

    Args:
        open_engine: opens the real one; its ``EngineError`` reaches every caller, and the next call tries again.
        rest_seconds: within so long after it failed, the same error is given without trying.
    """

    def __init__(self, open_engine: Callable[[], Engine], *, rest_seconds: float = 0.0) -> None:
        self._open = open_engine
        self._rest = rest_seconds
        self._failed: tuple[float, EngineError] | None = None
        self._engine: Engine | None = None
        self._opening: asyncio.Task[Engine] | None = None

    @property
    def identity(self) -> EngineIdentity:
        """What answers.

        Raises:
            EngineError: nothing was asked yet.
        """
        if self._engine is None:
            raise EngineError("the model is not loaded yet")
        return self._engine.identity

    async def ready(self) -> Engine:
        """The open engine.

        Raises:
            EngineError: it cannot be opened.
        """
        if self._engine is None:
            if self._failed is not None and time.monotonic() < self._failed[0] + self._rest:
                raise type(self._failed[1])(*self._failed[1].args)
            if self._opening is None:
                self._opening = asyncio.create_task(self._open_once())
                # Where every caller gave up, nobody is left to hear of a failure; the next one tries again.
                self._opening.add_done_callback(lambda task: task.cancelled() or task.exception())
            # A caller that gives up must not throw the work away: on a slow machine no engine would ever open.
            return await asyncio.shield(self._opening)
        return self._engine

    async def _open_once(self) -> Engine:
        try:
            self._engine = await asyncio.to_thread(self._open)
            return self._engine
        except EngineError as error:
            self._failed = (time.monotonic(), error)
            raise
        finally:
            self._opening = None

    async def answer(self, request: EngineRequest) -> EngineAnswer:
        """See ``Engine.answer``."""
        return await (await self.ready()).answer(request)

    async def levels(self, requests: Sequence[EngineRequest]) -> list[EngineAnswer]:
        """See ``Engine.levels``."""
        return await (await self.ready()).levels(requests)

    async def close(self) -> None:
        """Close the real engine, where one was opened."""
        if self._opening is not None:
            await asyncio.wait([self._opening])
        if self._engine is not None:
            await self._engine.close()
