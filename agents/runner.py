"""Drives the graph: starts, resumes and settles runs, one at a time for each encounter."""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.types import Command
from langsmith import tracing_context

from agents.context import AgentContext
from agents.delivery import deliver
from agents.errors import RunFailedError
from agents.graph import CaseGraph
from agents.state import CaseInput, Run
from agents.store.outbox import OutboxItem
from agents.values import CasePhase, DeliveryKind
from data_schemas import IntakeRecord, WriteState

logger = logging.getLogger(__name__)

_AT_REST = (WriteState.WRITTEN, WriteState.NOT_CONFIGURED)


class Runner:
    """Runs of one process. A run's thread id is its assessment id: random, and new for every assessment."""

    def __init__(self, graph: CaseGraph, context: AgentContext) -> None:
        self._graph = graph
        self.context = context
        self._locks: dict[str, tuple[asyncio.Lock, int]] = {}

    @asynccontextmanager
    async def alone(self, key: str) -> AsyncIterator[None]:
        """Only one task of this process works on an encounter; other processes are kept off by the lease."""
        lock, users = self._locks.get(key, (asyncio.Lock(), 0))
        self._locks[key] = (lock, users + 1)
        try:
            async with lock:
                yield
        finally:
            lock, users = self._locks.pop(key)
            if users > 1:
                self._locks[key] = (lock, users - 1)

    async def drive(
        self, case_id: str, assessment_id: str, phase: CasePhase, fresh: IntakeRecord | None = None
    ) -> None:
        """Take a run as far as it goes: to the clinician, or after the decision to its end.

        The caller holds the case's lease. Looks at the checkpoint, so it starts, resumes or leaves alone;
        ``fresh`` is the record of a run that was opened just now and has no checkpoint yet.

        Raises:
            RunFailedError: the run stopped; it is kept and ``recover`` resumes it.
        """
        reviewable = False
        try:
            if phase is CasePhase.ASSESSING:
                await self._to_review(case_id, assessment_id, fresh)
                reviewable = True
            elif phase is not CasePhase.AWAITING_REVIEW:
                await self._to_end(case_id, assessment_id)
        except Exception as error:
            # The message may quote the patient; its class does not.
            logger.error("case %s: the run stopped: %s", case_id, type(error).__name__)
            raise RunFailedError(case_id, type(error).__name__) from None
        finally:
            await self.release(case_id, assessment_id, reviewable=reviewable)

    async def redeliver(self, item: OutboxItem) -> bool:
        """Try one outbox item again, with the case's lease; whether it came to rest."""
        store, clock = self.context.store, self.context.clock
        if await store.cases.acquire(item.case_id, clock()) is None:
            return False
        try:
            if item.kind is DeliveryKind.FINAL:
                await self._to_end(item.case_id, item.assessment_id)
            now = await store.outbox.find(item.kind, item.ref)
            if now is not None and item.kind is DeliveryKind.PROPOSAL and now.delivery is not None:
                delivery = now.delivery
                if delivery.state not in _AT_REST:
                    delivery = await deliver(self.context, now)
                return delivery.state in _AT_REST
            return now is None or now.delivery is None or now.delivery.state in _AT_REST
        finally:
            await self.release(item.case_id, item.assessment_id, reviewable=False)

    async def _to_review(self, case_id: str, assessment_id: str, fresh: IntakeRecord | None) -> None:
        if fresh is None:
            snapshot = await self._graph.aget_state(_config(assessment_id))
            if "review" in snapshot.next:
                return
            if snapshot.next:
                await self._invoke(None, assessment_id)
                return
        record = fresh or await self.context.store.reads.record(assessment_id)
        run = Run(case_id=case_id, assessment_id=assessment_id)
        await self._invoke(CaseInput(run=run, intake=record), assessment_id)

    async def _to_end(self, case_id: str, assessment_id: str) -> None:
        claimed = await self.context.store.reads.review(assessment_id)
        if claimed is None:
            return
        before = await self.context.store.outbox.find(DeliveryKind.FINAL, claimed[0])
        try:
            snapshot = await self._graph.aget_state(_config(assessment_id))
            if "review" in snapshot.next:
                await self._invoke(Command(resume=claimed[1]), assessment_id)
            elif snapshot.next:
                await self._invoke(None, assessment_id)
        except Exception as error:
            logger.error("case %s: the run stopped: %s", case_id, type(error).__name__)
        item = await self.context.store.outbox.find(DeliveryKind.FINAL, claimed[0])
        if item is None or item.delivery is None or item.delivery.state in _AT_REST:
            return
        if before is None or item.attempts == before.attempts:
            # The graph did not try: its checkpoint is lost (with the power, or deleted) or it stopped, or it
            # ended before. The outbox is the record, so the decision is written without it.
            await deliver(self.context, item)

    async def _invoke(self, value: Any, assessment_id: str) -> None:
        # A tracer switched on by an environment variable would send patient data to a third party.
        with tracing_context(enabled=False):
            await self._graph.ainvoke(
                value, _config(assessment_id), context=self.context, durability="sync", version="v2"
            )

    @property
    def checkpoints(self) -> BaseCheckpointSaver[str]:
        """Where the runs' checkpoints are.

        Raises:
            TypeError: the graph was compiled without a place for them.
        """
        saver = self._graph.checkpointer
        if not isinstance(saver, BaseCheckpointSaver):
            raise TypeError("this graph keeps no checkpoints")
        return saver

    async def forget(self, assessment_ids: Sequence[str]) -> None:
        """Delete every checkpoint of these runs."""
        for assessment_id in assessment_ids:
            await self.checkpoints.adelete_thread(assessment_id)

    async def release(self, case_id: str, assessment_id: str, *, reviewable: bool = False) -> None:
        """Give the case's lease back."""
        context = self.context
        try:
            await context.store.cases.release(
                case_id, assessment_id, reviewable=reviewable, now=context.clock()
            )
        except Exception as error:  # the lease then runs out by itself, and recover() settles the case
            logger.error("case %s: lease not released: %s", case_id, type(error).__name__)


def _config(assessment_id: str) -> RunnableConfig:
    return {"configurable": {"thread_id": assessment_id}}
