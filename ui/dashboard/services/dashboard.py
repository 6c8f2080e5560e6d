"""The one facade between pages and agent. Synchronous; every action names its actor, and the role is asked again."""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping
from datetime import datetime, tzinfo
from decimal import Decimal
from typing import Any, TypeVar

from agents import (
    AgentError,
    Alert,
    Call,
    Case,
    ChainReport,
    Changes,
    Clock,
    Export,
    HistoryStep,
    PendingDelivery,
    PendingWrite,
    Replay,
    ReviewPolicy,
    utc_now,
)
from agents.quality import Figures, Outcome, Period, figures
from data_schemas import (
    FactKind,
    IntakeRecord,
    OverrideReason,
    ReviewDecision,
    TriageOutcome,
)
from integrations.assembly import Agent, reader_settings
from integrations.feed import FeedStatus, open_fed_agent
from integrations.fhir import FhirError, IntakeError, read_bundle
from integrations.intake import SOURCE, IntakeForm
from integrations.settings import Settings
from ui.dashboard.auth.roles import Actor, Permission
from ui.dashboard.services.arriving import Entered, arrive
from ui.dashboard.services.background import Background, Opens
from ui.dashboard.services.board import Board, Snapshot, rows_of
from ui.dashboard.services.deciding import check_decision
from ui.dashboard.services.measurements import Typed, with_measurements
from ui.dashboard.services.model_facts import ModelFacts, model_facts
from ui.dashboard.services.privacy import case_without_names, step_without_names
from ui.dashboard.services.problems import Problem, named
from ui.dashboard.services.unaided import Unaided, row_without_suggestion

logger = logging.getLogger(__name__)

T = TypeVar("T")


class Dashboard:
    """What pages may ask and do. One in a process; safe to use from many sessions at once.

    Every method raises ``Problem`` and nothing else: ``not-allowed`` and ``signed-out`` before anything happens,
    ``service-away`` where records or agent do not answer.
    """

    def __init__(self, settings: Settings, *, opens: Opens | None = None, clock: Clock = utc_now) -> None:
        self.settings = settings
        self.clock = clock
        self._feed: FeedStatus | None = None
        self.background = Background(
            opens or (lambda: open_fed_agent(settings, clock=clock, on_status=self._fed))
        )
        self._unaided = Unaided()
        self._snapshot = Snapshot(fresh_for=min(2.0, settings.ui.refresh_seconds / 2))

    def close(self) -> None:
        """Close the agent."""
        self.background.close()

    # -- reading ---------------------------------------------------------------------------------------------------

    def board(self, actor: Actor) -> Board:
        """Everybody who waits, most urgent first. Where it cannot be read, the last good one with ``stale``."""
        self._require(actor, Permission.SEE_BOARD)
        with self._snapshot.lock:
            board = self._snapshot.board if self._snapshot.fresh else self._read_board()
        rows = board.rows
        if self._level_first(actor):
            seen = self._unaided.has_seen
            rows = tuple(r if seen(actor.name, r.case_id) else row_without_suggestion(r) for r in rows)
        if not actor.may(Permission.SEE_NAMES):
            rows = tuple(row.without_name() for row in rows)
        return Board(rows, board.as_of, board.stale)

    def case(self, actor: Actor, case_id: str) -> Case:
        """One case; without names for who may not see them."""
        case = self._ask(actor, Permission.SEE_CASE, lambda agent: agent.service.get(case_id))
        return case if actor.may(Permission.SEE_NAMES) else case_without_names(case)

    def cases(self, actor: Actor, limit: int | None = None) -> tuple[Case, ...]:
        """Cases of every phase, the newest first, without names: for the quality page."""
        found = self._ask(actor, Permission.SEE_QUALITY, lambda agent: agent.service.list(limit=limit))
        return tuple(case_without_names(case) for case in found)

    def changes(self, actor: Actor, case_id: str) -> Changes | None:
        """What the current assessment has that the one before had not; None where there is only one."""
        return self._ask(actor, Permission.SEE_CASE, lambda agent: agent.service.changes(case_id))

    def alerts(
        self, actor: Actor, case_id: str | None = None, *, open_only: bool = True
    ) -> tuple[Alert, ...]:
        """Alerts of one case or of all, oldest first."""
        return self._ask(
            actor, Permission.SEE_BOARD, lambda agent: agent.service.alerts(case_id, open_only=open_only)
        )

    def timeline(self, actor: Actor, case_id: str) -> tuple[HistoryStep, ...]:
        """Every step of a case with its evidence checked against the audit chain, oldest first."""
        steps = self._ask(actor, Permission.SEE_CASE, lambda agent: agent.service.history(case_id))
        if actor.may(Permission.SEE_NAMES):
            return steps
        return tuple(step_without_names(step) for step in steps)

    def verify_chain(self, actor: Actor) -> ChainReport:
        """Walk the whole audit chain."""
        return self._ask(actor, Permission.SEE_AUDIT, lambda agent: agent.service.verify_chain(), timeout=600)

    def pending(self, actor: Actor) -> tuple[PendingDelivery, ...]:
        """What the hospital's record has not confirmed, oldest first. Holds no patient data."""
        return self._ask(actor, Permission.SEE_BOARD, lambda agent: agent.service.pending())

    def replay(self, actor: Actor, case_id: str, assessment_id: str | None = None) -> Replay:
        """A stored answer made again, and compared."""
        return self._ask(
            actor,
            Permission.REPLAY,
            lambda agent: agent.service.records.replay(case_id, assessment_id),
            timeout=300,
        )

    def export(self, actor: Actor, case_id: str) -> Export:
        """Everything kept of one case."""
        return self._ask(
            actor,
            Permission.EXPORT,
            lambda agent: agent.service.records.export_case(case_id, by=actor.name),
            timeout=300,
        )

    def quality(
        self,
        actor: Actor,
        period: Period,
        *,
        truth: Mapping[str, Outcome] | None = None,
        zone: tzinfo | None = None,
    ) -> Figures:
        """The figures of a period; they hold no name, identifier or case."""

        async def work(agent: Agent) -> Figures:
            records = agent.service.records
            visits = await records.visits(period.before, period.end)
            alerts = await records.alert_times(period.start, period.end)
            return await asyncio.to_thread(figures, visits, alerts, period, zone=zone, truth=truth)

        return self._ask(actor, Permission.SEE_QUALITY, work, timeout=300)

    def model(self, actor: Actor) -> ModelFacts:
        """What is known of the configured model."""
        self._require(actor, Permission.SEE_MODEL)
        with named():
            return model_facts(self.settings)

    def policy(self, actor: Actor) -> ReviewPolicy:
        """What a decision must bring with it here."""

        async def work(agent: Agent) -> ReviewPolicy:
            return agent.service.policy

        return self._ask(actor, Permission.SEE_CASE, work)

    def model_problem(self, actor: Actor) -> str | None:
        """The class of what keeps the model from answering; None where it answers. May take its loading time."""

        async def work(agent: Agent) -> str | None:
            try:
                await agent.engine.ready()
            except Exception as error:
                return type(error).__name__
            return None

        return self._ask(actor, Permission.SEE_BOARD, work)

    def level_asked(self, actor: Actor, case: Case) -> bool:
        """Whether this person must give a level of their own before they are shown the suggestion."""
        undecided = case.review is None and case.assessment is not None
        return undecided and self._level_first(actor) and not self._unaided.has_seen(actor.name, case.id)

    def unaided_level(self, actor: Actor, assessment_id: str) -> int | None:
        """The level that this person gave before they saw this suggestion; None where they were not asked."""
        return self._unaided.level(actor.name, assessment_id)

    def feed(self, actor: Actor) -> FeedStatus | None:
        """How the arrivals from the hospital's record stand; None where no server is configured or none was asked."""
        self._require(actor, Permission.SEE_BOARD)
        return self._feed

    # -- doing -----------------------------------------------------------------------------------------------------

    def decide(
        self,
        actor: Actor,
        case_id: str,
        assessment_id: str,
        decision: ReviewDecision,
        *,
        level: int | None = None,
        reason: OverrideReason | None = None,
        comment: str | None = None,
        confirmed: bool = False,
        why_not: str | None = None,
    ) -> TriageOutcome | PendingWrite:
        """Decide on the assessment that was on the screen. Exactly once; ``PendingWrite``: kept, not yet confirmed.

        Raises:
            Problem: ``already-decided`` (``who``, ``at``), ``newer-suggestion``, ``suggestion-expired``, or what
                the decision still needs: ``confirm-needed``, ``reason-needed``, ``why-not-needed``,
                ``floor-needs-physician``, ``same-level``, ``level-first``.
        """
        role = actor.reviewer_role
        self._require(actor, Permission.DECIDE)
        assert role is not None

        async def work(agent: Agent) -> TriageOutcome | PendingWrite:
            case = await agent.service.get(case_id)
            current = case.review is None and case.assessment is not None
            if self.level_asked(actor, case):
                raise Problem("level-first", field="level")
            if current and case.assessment is not None and case.assessment.id == assessment_id:
                check_decision(
                    case.assessment,
                    agent.service.policy,
                    decision=decision,
                    level=level,
                    reason=reason,
                    role=role,
                    confirmed=confirmed,
                    why_not=why_not,
                )
            return await agent.service.review(
                case_id,
                decision,
                level=level,
                reason=reason,
                comment=comment or None,
                reviewer=actor.name,
                role=role,
                assessment_id=assessment_id,
                confirmed=confirmed,
                why_not=why_not or None,
                unaided_level=self.unaided_level(actor, assessment_id),
            )

        return self._do(actor, Permission.DECIDE, work)

    def give_level(self, actor: Actor, case_id: str, assessment_id: str, level: int) -> int:
        """Keep the level that they give before seeing the suggestion; it goes into the decision. The first holds."""
        self._require(actor, Permission.DECIDE)
        return self._unaided.give(actor.name, case_id, assessment_id, level)

    def acknowledge(self, actor: Actor, alert_id: str) -> Call:
        """Take note of an alert and of every open one that was raised with it, by name.

        Raises:
            Problem: ``already-acknowledged`` (``who``, ``at``).
        """
        role = actor.reviewer_role
        self._require(actor, Permission.ACKNOWLEDGE)
        assert role is not None
        return self._do(
            actor,
            Permission.ACKNOWLEDGE,
            lambda agent: agent.service.take_note(alert_id, by=actor.name, role=role),
        )

    def intake(self, actor: Actor, bundle: Mapping[str, Any]) -> Case:
        """Assess an arrival that was entered here: a FHIR R4 Bundle with one ED encounter.

        Raises:
            Problem: ``unreadable``: no such encounter in it; ``field`` names the element.
        """
        self._require(actor, Permission.INTAKE)
        with named():
            read = read_bundle(
                dict(bundle), source=SOURCE, now=self.clock(), settings=reader_settings(self.settings)
            )
            if len(read) != 1:
                raise Problem("unreadable", field="Bundle.entry", detail=f"Encounter: {len(read)}")
            if isinstance(read[0], IntakeError):
                raise read[0]
        return self.assess(actor, read[0])

    def arrive(self, actor: Actor, form: IntakeForm, *, local_only: bool = False) -> Entered:
        """File an arrival that was entered here where the site writes back, and assess it. Once a form.

        The actor signs the entries, whatever name the form brings.

        Raises:
            Problem: ``not-filed`` (``reason``, see ``NotFiled``) or ``not-kept`` (``facts``): nothing is assessed.
        """
        signed = form.model_copy(update={"entered_by": actor.name})
        return self._do(
            actor,
            Permission.INTAKE,
            lambda agent: arrive(agent, signed, self.clock(), local_only=local_only),
            timeout=120,
        )

    def assess(self, actor: Actor, record: IntakeRecord) -> Case:
        """Assess a record that was read here."""
        return self._do(actor, Permission.INTAKE, lambda agent: agent.service.assess(record), timeout=120)

    def reassess(
        self, actor: Actor, case_id: str, values: Mapping[FactKind, Decimal | int | str | Typed] | None = None
    ) -> Case:
        """Assess a waiting patient again, with new vital signs where there are some (see ``with_measurements``).

        They are kept in our records; the hospital's own record of observations is not written.

        Raises:
            Problem: ``invalid``, with the vital sign as ``field``.
        """

        async def work(agent: Agent) -> Case:
            record = (await agent.service.get(case_id)).intake
            if values:
                record = with_measurements(record, values, self.clock())
            return await agent.service.assess(record)

        return self._do(actor, Permission.REASSESS, work, timeout=120)

    def _fed(self, status: FeedStatus) -> None:
        self._feed = status

    # -- how -------------------------------------------------------------------------------------------------------

    def _read_board(self) -> Board:
        async def work(agent: Agent) -> Board:
            waiting, alerts = await agent.service.waiting(), await agent.service.alerts()
            return Board(rows_of(waiting, alerts, agent.settings.scale, self._snapshot.known), self.clock())

        try:
            with named():
                return self._snapshot.put(self.background.run(work, timeout=20))
        except Problem:
            return self._snapshot.aged()

    def _level_first(self, actor: Actor) -> bool:
        return self.settings.ui.level_first and actor.may(Permission.DECIDE)

    def _require(self, actor: Actor, permission: Permission) -> None:
        if actor.until is not None and self.clock() >= actor.until:
            raise Problem("signed-out")
        if not actor.may(permission):
            raise Problem("not-allowed", role=actor.role.value, permission=permission.value)

    def _ask(
        self,
        actor: Actor,
        permission: Permission,
        work: Callable[[Agent], Coroutine[Any, Any, T]],
        timeout: float = 60,
    ) -> T:
        self._require(actor, permission)
        with named():
            try:
                return self.background.run(work, timeout)
            except (Problem, AgentError, FhirError, IntakeError, OSError):
                raise
            except Exception as error:
                # A defect: its words may quote the patient, its class does not.
                logger.error("an action failed: %s", type(error).__name__)
                raise Problem("failed", what=type(error).__name__) from None

    def _do(
        self,
        actor: Actor,
        permission: Permission,
        work: Callable[[Agent], Coroutine[Any, Any, T]],
        timeout: float = 60,
    ) -> T:
        try:
            return self._ask(actor, permission, work, timeout)
        finally:
            self._snapshot.expire()

    @property
    def now(self) -> datetime:
        """The time now."""
        return self.clock()
