"""The one entrance to cases, for the command line, the dashboard and the hooks."""

import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Self

from sqlalchemy.engine import make_url

from agents.context import AgentContext, AgentSettings, utc_now
from agents.delivery import deliver
from agents.errors import (
    AlreadyDecidedError,
    ExpiredSuggestionError,
    NotReadyError,
    RunFailedError,
    StaleAssessmentError,
)
from agents.graph import build_graph
from agents.ports import Asks, AsksAgain, Calibrates, Clock, OutcomeSink, Screens
from agents.records import Records
from agents.reviewing import make_review
from agents.runner import Runner
from agents.sinks import NoSink
from agents.store.checkpoints import open_checkpoints
from agents.store.store import open_store
from agents.values import (
    Case,
    CasePhase,
    ChainReport,
    DeliveryKind,
    HistoryStep,
    PendingDelivery,
    PendingWrite,
    Recovery,
)
from agents.waiting import WaitingPatients
from data_schemas import (
    ClinicianReview,
    IntakeRecord,
    OverrideReason,
    ReviewDecision,
    ReviewerRole,
    TriageOutcome,
    WriteState,
)
from triage.esi import screen
from triage.guidelines import GuidelineLibrary

logger = logging.getLogger(__name__)


class CaseService(WaitingPatients):
    """Assesses arrivals, takes decisions, and sees that they reach the hospital's record.

    One service serves many cases at once; open it once a process and call ``recover`` first.
    """

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        database_url: str,
        *,
        triager: Asks,
        calibration: Calibrates,
        sink: OutcomeSink,
        clock: Clock = utc_now,
        settings: AgentSettings | None = None,
        library: GuidelineLibrary | None = None,
        rules: Screens = screen,
        checkpoints_url: str | None = None,
        second: Asks | None = None,
    ) -> AsyncIterator[Self]:
        """Open the store (migrated to the newest schema) and the checkpoints.

        Args:
            database_url: ``sqlite:///<path>`` or ``postgresql+psycopg://...``.
            triager: asks the model.
            calibration: reads its probabilities.
            sink: the hospital's record, or ``NoSink()``.
            clock: the time now, with a zone.
            settings: how the agent behaves.
            library: checks the model's citations; the shipped statements by default.
            rules: screens the record.
            checkpoints_url: where checkpoints go; by default a second SQLite file beside the first, or the
                same PostgreSQL database.
            second: another model, asked too where there is doubt; ``triager`` itself is asked again where it can be.
        """
        settings = settings or AgentSettings()
        async with (
            open_store(database_url, settings.lease) as store,
            open_checkpoints(checkpoints_url or default_checkpoints(database_url)) as saver,
        ):
            context = AgentContext(
                screen=rules,
                triager=triager,
                library=library or GuidelineLibrary.load(settings.esi_version),
                calibration=calibration,
                sink=sink,
                store=store,
                clock=clock,
                settings=settings,
                again=triager if isinstance(triager, AsksAgain) else None,
                second=second,
            )
            yield cls(Runner(build_graph(saver), context))

    async def assess(self, record: IntakeRecord) -> Case:
        """The case of this arrival, with a suggestion that waits for a clinician.

        The same facts give the same case, whatever its phase. Changed facts give a new assessment in the
        same case, which supersedes the one before; a case decided before waits for a decision again. So do the same
        facts where the suggestion has waited too long to be decided on.

        Raises:
            NotReadyError: the facts changed while another process works on the case; try again.
            RunFailedError: the run stopped; it is kept, and ``recover`` resumes it.
        """
        store, clock = self._store, self._context.clock
        async with self._runner.alone(record.encounter_key):
            opened = await store.cases.open_case(record, clock(), renew=self._suggestion_age)
            # A run that was not opened now was left by a process that died, or a living one has it.
            if opened.phase is CasePhase.ASSESSING and (
                opened.new or await store.cases.acquire(opened.case_id, clock()) is not None
            ):
                fresh = record if opened.new else None
                await self._runner.drive(opened.case_id, opened.assessment_id, opened.phase, fresh)
            elif opened.phase is CasePhase.AWAITING_REVIEW:
                await self._propose_again(opened.assessment_id)
            return await store.reads.case(opened.case_id)

    async def review(
        self,
        case_id: str,
        decision: ReviewDecision,
        *,
        level: int | None = None,
        reason: OverrideReason | None = None,
        comment: str | None = None,
        reviewer: str,
        role: ReviewerRole,
        assessment_id: str | None = None,
        confirmed: bool = False,
        why_not: str | None = None,
        unaided_level: int | None = None,
    ) -> TriageOutcome | PendingWrite:
        """Decide a case. The decision is kept before anything else happens, and exactly once.

        Args:
            case_id: the case.
            decision: accept, or override with ``level`` and ``reason``.
            level: the level decided; for an acceptance it may repeat the suggestion.
            reason: why it was changed.
            comment: free text.
            reviewer: who decides.
            role: in which role.
            assessment_id: the assessment that the clinician looked at. Without it the only one is meant; a case
                that was assessed again asks for it, because the newer one may not be what was seen.
            confirmed: they say expressly that they looked; the policy asks for it with some suggestions.
            why_not: their answer to the rules that ask to consider a more urgent level.
            unaided_level: the level that they gave before they saw the suggestion, where they were asked.

        Returns:
            A ``TriageOutcome`` when the case came to rest, or a ``PendingWrite``: the decision is safe here,
            and the hospital's record has not confirmed it yet.

        Raises:
            UnknownCaseError, NotReadyError, StaleAssessmentError, AlreadyDecidedError, InvalidReviewError,
            ExpiredSuggestionError
        """
        store, clock = self._store, self._context.clock
        case = await store.reads.case(case_id)
        assessment = case.assessment
        if assessment is None or (assessment_id is not None and assessment_id != assessment.id):
            await self._refuse(case, assessment_id)
        assert assessment is not None
        if case.review is not None:
            raise AlreadyDecidedError(case_id, case.review.reviewer, case.review.decided_at)
        if assessment_id is None and case.assessments > 1:
            raise StaleAssessmentError(case_id, assessment.id)
        limit = self._suggestion_age
        if limit is not None and clock() - assessment.created_at > limit:
            raise ExpiredSuggestionError(case_id, assessment.id, limit.total_seconds() / 60)
        made = make_review(
            assessment,
            decision=decision,
            level=level,
            reason=reason,
            comment=comment,
            reviewer=reviewer,
            role=role,
            confirmed=confirmed,
            why_not=why_not,
            unaided_level=unaided_level,
            settings=self._context.settings,
            now=clock(),
        )
        ours = await store.cases.claim(case_id, made, clock())
        # From here on the decision is safe: nothing below may turn it into an error.
        try:
            if ours:
                async with self._runner.alone(case.encounter_key):
                    await self._runner.drive(case_id, assessment.id, CasePhase.WRITE_PENDING)
            return await self._outcome(case_id, made)
        except Exception as error:
            name = error.error if isinstance(error, RunFailedError) else type(error).__name__
            logger.error("case %s: decided, not yet written (%s)", case_id, name)
            return PendingWrite(case_id=case_id, level=made.level, receipts=())

    async def recover(self) -> Recovery:
        """Finish what a dead process left: call it at the start of every process, and now and then.

        Runs killed on the way to the clinician, decisions not written, proposals not delivered. Cases that
        a living process works on are left to it.
        """
        store, clock = self._store, self._context.clock
        resumed: list[str] = []
        failed: list[str] = []
        for case_id, key in await store.reads.unfinished():
            async with self._runner.alone(key):
                row = await store.cases.acquire(case_id, clock())
                if row is None:
                    continue
                try:
                    await self._runner.drive(case_id, row.assessment_id, CasePhase(row.phase))
                    resumed.append(case_id)
                except RunFailedError as error:
                    failed.append(f"{case_id}: {error.error}")
        rest = await self.retry_pending(force=True)
        return Recovery(
            resumed=tuple(resumed),
            delivered=rest.delivered,
            still_pending=rest.still_pending,
            failed=tuple(failed) + rest.failed,
        )

    async def retry_pending(self, *, force: bool = False) -> Recovery:
        """Try again what the hospital's record has not confirmed and is due; with ``force`` all of it."""
        delivered: list[str] = []
        pending: list[str] = []
        failed: list[str] = []
        for item in await self._store.outbox.due(self._context.clock(), force=force):
            case = await self._store.reads.case(item.case_id)
            try:
                async with self._runner.alone(case.encounter_key):
                    done = await self._runner.redeliver(item)
                (delivered if done else pending).append(item.case_id)
            except Exception as error:
                failed.append(f"{item.case_id}: {type(error).__name__}")
        return Recovery(delivered=tuple(delivered), still_pending=tuple(pending), failed=tuple(failed))

    async def get(self, case_id: str) -> Case:
        """One case.

        Raises:
            UnknownCaseError: no case has this id.
        """
        return await self._store.reads.case(case_id)

    async def find(self, encounter_key: str) -> Case | None:
        """The case of an encounter, or None."""
        case_id = await self._store.reads.by_encounter(encounter_key)
        return None if case_id is None else await self._store.reads.case(case_id)

    async def list(
        self, *, phases: Sequence[CasePhase] | None = None, limit: int | None = None
    ) -> tuple[Case, ...]:
        """Cases in these phases (all when None), the newest first."""
        return await self._store.reads.cases(phases, limit=limit)

    async def history(self, case_id: str) -> tuple[HistoryStep, ...]:
        """Every step of a case with its evidence, oldest first.

        Raises:
            UnknownCaseError: no case has this id.
        """
        return await self._store.reads.history(case_id)

    async def pending(self) -> tuple[PendingDelivery, ...]:
        """What the hospital's record has not confirmed, oldest first."""
        return await self._store.outbox.pending()

    async def verify_chain(self) -> ChainReport:
        """Walk the audit chain; its problems by entry."""
        return await self._store.reads.verify_chain()

    @property
    def records(self) -> Records:
        """What becomes of records after a case: replay, export, retention, erasure."""
        return Records(self._runner)

    @property
    def _suggestion_age(self) -> timedelta | None:
        seconds = self._context.settings.suggestion_age
        return timedelta(seconds=seconds) if seconds else None

    async def _propose_again(self, assessment_id: str) -> None:
        """A suggestion that was made without a record goes to the record that there is now."""
        if isinstance(self._context.sink, NoSink):
            return
        item = await self._store.outbox.find(DeliveryKind.PROPOSAL, assessment_id)
        if item is None or item.delivery is None or item.delivery.state is not WriteState.NOT_CONFIGURED:
            return
        if await self._store.cases.acquire(item.case_id, self._context.clock()) is not None:
            try:
                await deliver(self._context, item)
            finally:
                await self._runner.release(item.case_id, assessment_id)

    async def _refuse(self, case: Case, assessment_id: str | None) -> None:
        """Say why there is nothing to decide."""
        if assessment_id is not None and (case.assessment is None or assessment_id != case.assessment.id):
            first = await self._store.reads.review(assessment_id)
            if first is not None:
                raise AlreadyDecidedError(case.id, first[1].reviewer, first[1].decided_at)
            if case.assessment is not None:
                raise StaleAssessmentError(case.id, case.assessment.id)
        raise NotReadyError(case.id)

    async def _outcome(self, case_id: str, made: ClinicianReview) -> TriageOutcome | PendingWrite:
        case = await self._store.reads.case(case_id)
        receipts = () if case.final is None else case.final.receipts
        ours = case.review is not None and case.review.assessment_id == made.assessment_id
        if not ours or case.phase not in {CasePhase.WRITTEN, CasePhase.RECORDED}:
            return PendingWrite(case_id=case_id, level=made.level, receipts=receipts if ours else ())
        return TriageOutcome(
            case_id=case_id, level=made.level, receipts=receipts, completed_at=case.updated_at
        )


def default_checkpoints(database_url: str) -> str:
    """A SQLite file ``<name>-checkpoints`` beside the database, or the PostgreSQL database itself."""
    url = make_url(database_url)
    if url.get_backend_name() != "sqlite" or not url.database:
        return database_url
    path = Path(url.database)
    return url.set(database=str(path.with_name(f"{path.stem}-checkpoints{path.suffix}"))).render_as_string(
        hide_password=False
    )
