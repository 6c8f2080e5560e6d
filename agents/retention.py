"""Erasing a patient's data: on request, or because they were kept long enough."""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum

from agents.errors import NotClosedError
from agents.runner import Runner
from agents.store.compaction import compact
from agents.values import CasePhase
from data_schemas._base import Frozen

logger = logging.getLogger(__name__)


class ErasureReason(StrEnum):
    """Why data were erased; the code stands in the audit chain for good."""

    RETENTION = "retention-period"
    PATIENT_REQUEST = "patient-request"
    WRONG_PATIENT = "wrong-patient"
    LEGAL_ORDER = "legal-order"
    TEST_DATA = "test-data"
    OTHER = "other"


class DueCase(Frozen):
    """A closed case that was kept long enough."""

    case_id: str
    closed_at: datetime


class ErasureReport(Frozen):
    """What was erased.

    ``already``: erased before. ``kept``: each case that keeps its data, with the reason. ``left``: what the
    databases' files may still hold, and what to do. ``older_entries``: audit entries from before digests were
    salted; they keep codes and plain digests.
    """

    erased: tuple[str, ...] = ()
    already: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    older_entries: int = 0


async def due(runner: Runner, days: int) -> tuple[DueCase, ...]:
    """Closed cases that came to rest more than ``days`` days ago, oldest first.

    Raises:
        ValueError: ``days`` is not at least 1.
    """
    if days < 1:
        raise ValueError("data are kept for one day at least")
    found = await runner.context.store.erasure.closed_before(_limit(runner, days))
    return tuple(DueCase(case_id=case_id, closed_at=at) for case_id, at in found)


async def purge(runner: Runner, days: int, *, by: str) -> ErasureReport:
    """Erase every case of ``due``; one that somebody takes up again meanwhile keeps its data."""
    cases = await due(runner, days)
    return await erase(
        runner,
        [case.case_id for case in cases],
        reason=ErasureReason.RETENTION,
        by=by,
        before=_limit(runner, days),
    )


async def erase(
    runner: Runner,
    case_ids: Sequence[str],
    *,
    reason: ErasureReason,
    by: str,
    before: datetime | None = None,
    undecided: bool = False,
) -> ErasureReport:
    """Erase these cases one by one, then overwrite what their rows left in the files.

    Erasing twice is safe: what an interrupted erasure left is removed by the next one.

    Raises:
        ValueError: ``by`` names nobody.
        StoreError: the database cannot be used; cases erased before stay so.
    """
    if not by.strip():
        raise ValueError("say who erases")
    erased: list[str] = []
    already: list[str] = []
    kept: list[str] = []
    older = 0
    for case_id in case_ids:
        try:
            count = await _erase(runner, case_id, reason, by, before, undecided)
        except NotClosedError as error:
            kept.append(str(error))
            continue
        (already if count is None else erased).append(case_id)
        older += count or 0
    left = await compact(runner.context.store.database, runner.checkpoints) if erased or already else ()
    return ErasureReport(
        erased=tuple(erased),
        already=tuple(already),
        kept=tuple(kept),
        left=left,
        older_entries=older,
    )


async def _erase(
    runner: Runner,
    case_id: str,
    reason: ErasureReason,
    by: str,
    before: datetime | None,
    undecided: bool,
) -> int | None:
    """One case; how many of its entries are of the older scheme, None where it was erased before."""
    store, clock = runner.context.store, runner.context.clock
    key = (await store.erasure.look(case_id)).encounter_key
    async with runner.alone(key):
        row = await store.cases.acquire(case_id, clock())
        if row is None:
            raise NotClosedError(case_id, "a process works on it")
        held = await store.erasure.look(case_id)
        try:
            if held.phase is not CasePhase.ERASED:
                await store.erasure.check(case_id, before=before, undecided=undecided)
            # Before the rows: cut short here, the case is whole but for its checkpoints, which it can do without.
            await runner.forget(held.threads)
            if held.phase is CasePhase.ERASED:
                return None
            older = await store.erasure.erase(
                case_id, reason=reason.value, by=by, now=clock(), before=before, undecided=undecided
            )
        finally:
            await runner.release(case_id, row.assessment_id)
        logger.info("case %s: erased (%s)", case_id, reason.value)
        return older


def _limit(runner: Runner, days: int) -> datetime:
    return runner.context.clock() - timedelta(days=days)
