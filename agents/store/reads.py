"""Reading cases and their history."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, and_, func, or_, select

from agents.errors import ErasedCaseError, UnknownCaseError
from agents.store import audit as chain
from agents.store.alerts import alert_texts
from agents.store.canonical import canonical_json
from agents.store.engine import Database
from agents.store.outbox import delivery_of
from agents.store.tables import assessments, cases, intake, outbox, reviews
from agents.values import Case, CasePhase, ChainReport, DeliveryKind, HistoryStep, Step
from data_schemas import (
    ClinicianReview,
    IntakeRecord,
    ModelAnswer,
    Reason,
    TriageAssessment,
    WriteRequest,
)


class Reads:
    """Queries; they change nothing and never wait for a writer."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def case(self, case_id: str) -> Case:
        """One case.

        Raises:
            UnknownCaseError: no case has this id, or it was erased (``ErasedCaseError``).
        """

        def work(connection: Connection) -> Case:
            row = connection.execute(CASES.where(cases.c.id == case_id)).one_or_none()
            if row is not None:
                return case_of(row)
            phase = connection.execute(select(cases.c.phase).where(cases.c.id == case_id)).scalar()
            raise UnknownCaseError(case_id) if phase is None else ErasedCaseError(case_id)

        return await self._database.read(work)

    async def cases(
        self, phases: Sequence[CasePhase] | None = None, *, limit: int | None = None
    ) -> tuple[Case, ...]:
        """Cases, the latest arrival in our books first; all phases when ``phases`` is None."""
        query = CASES.order_by(cases.c.created_at.desc(), cases.c.id)
        if phases is not None:
            query = query.where(cases.c.phase.in_([phase.value for phase in phases]))
        return tuple(await self._cases(query if limit is None else query.limit(limit)))

    async def by_encounter(self, encounter_key: str) -> str | None:
        """The id of an encounter's case, or None."""

        def work(connection: Connection) -> str | None:
            query = select(cases.c.id).where(cases.c.encounter_key == encounter_key)
            return (connection.execute(query)).scalar()

        return await self._database.read(work)

    async def unfinished(self) -> list[tuple[str, str]]:
        """Case id and encounter key of every run that is not at rest, oldest first."""
        query = (
            select(cases.c.id, cases.c.encounter_key)
            .where(
                or_(
                    cases.c.phase.in_([CasePhase.ASSESSING.value, CasePhase.WRITE_PENDING.value]),
                    cases.c.lease_owner.is_not(None),
                )
            )
            .order_by(cases.c.updated_at)
        )

        def work(connection: Connection) -> list[tuple[str, str]]:
            return [(row.id, row.encounter_key) for row in connection.execute(query)]

        return await self._database.read(work)

    async def record(self, assessment_id: str) -> IntakeRecord:
        """What a run was given."""

        def work(connection: Connection) -> IntakeRecord:
            query = select(intake.c.record).where(intake.c.id == assessment_id)
            return IntakeRecord.model_validate_json((connection.execute(query)).scalar_one())

        return await self._database.read(work)

    async def request(self, assessment_id: str) -> WriteRequest:
        """What the hospital's record is told of an assessment and, where there is one, of its decision."""
        query = (
            select(
                cases.c.id,
                cases.c.encounter_key,
                intake.c.record,
                assessments.c.value,
                reviews.c.value.label("review"),
            )
            .join(intake, intake.c.case_id == cases.c.id)
            .join(assessments, assessments.c.id == intake.c.id)
            .outerjoin(reviews, reviews.c.assessment_id == intake.c.id)
            .where(intake.c.id == assessment_id)
        )

        def work(connection: Connection) -> WriteRequest:
            row = (connection.execute(query)).one()
            return WriteRequest(
                case_id=row.id,
                encounter_key=row.encounter_key,
                record=IntakeRecord.model_validate_json(row.record),
                assessment=TriageAssessment.model_validate_json(row.value),
                review=None if row.review is None else ClinicianReview.model_validate_json(row.review),
            )

        return await self._database.read(work)

    async def review(self, assessment_id: str) -> tuple[str, ClinicianReview] | None:
        """The decision on an assessment with its id, or None while it waits."""

        def work(connection: Connection) -> tuple[str, ClinicianReview] | None:
            query = select(reviews.c.id, reviews.c.value).where(reviews.c.assessment_id == assessment_id)
            row = (connection.execute(query)).one_or_none()
            return None if row is None else (row.id, ClinicianReview.model_validate_json(row.value))

        return await self._database.read(work)

    async def verify_chain(self) -> ChainReport:
        """Walk the audit chain."""

        def work(connection: Connection) -> ChainReport:
            return chain.verify(connection)

        return await self._database.read(work, snapshot=True)

    async def check_run(self, assessment_id: str, required: Sequence[Step]) -> tuple[str, ...]:
        """What is wrong with one run's audit entries: changed ones, and required steps that are not there."""

        def work(connection: Connection) -> tuple[str, ...]:
            return chain.check_run(connection, assessment_id, required)

        return await self._database.read(work)

    async def history(self, case_id: str) -> tuple[HistoryStep, ...]:
        """Every step of a case, oldest first, with its evidence checked against the chain.

        Raises:
            UnknownCaseError: no case has this id.
        """

        def work(connection: Connection) -> tuple[HistoryStep, ...]:
            entries = chain.of_case(connection, case_id)
            if not entries:
                raise UnknownCaseError(case_id)
            records = _texts(connection, intake.c.id, intake.c.record, case_id)
            values = _texts(connection, assessments.c.id, assessments.c.value, case_id)
            answers = _texts(connection, assessments.c.id, assessments.c.answer, case_id)
            decisions = _texts(connection, reviews.c.assessment_id, reviews.c.value, case_id)
            called = alert_texts(connection, case_id)
            parsed = {key: TriageAssessment.model_validate_json(text) for key, text in values.items()}
            return tuple(
                _history_step(
                    row,
                    record=records.get(row.assessment_id),
                    assessment=parsed.get(row.assessment_id),
                    answer=answers.get(row.assessment_id),
                    review=decisions.get(row.assessment_id),
                    alerts=called,
                )
                for row in entries
            )

        return await self._database.read(work, snapshot=True)

    async def _cases(self, query: Select[Any]) -> list[Case]:

        def work(connection: Connection) -> list[Case]:
            rows = (connection.execute(query)).all()
            return [case_of(row) for row in rows]

        return await self._database.read(work)


def verified_text(reasons: Sequence[Reason]) -> str:
    """The canonical JSON of checked evidence, as hashed into the chain."""
    return canonical_json(reasons)


_NUMBER = (
    select(func.count())
    .select_from(intake)
    .where(intake.c.case_id == cases.c.id)
    .correlate(cases)
    .scalar_subquery()
)
PROPOSAL, FINAL = outbox.alias("proposal"), outbox.alias("final")
PROPOSED = and_(
    PROPOSAL.c.case_id == cases.c.id,
    PROPOSAL.c.kind == DeliveryKind.PROPOSAL.value,
    PROPOSAL.c.ref == cases.c.assessment_id,
)
WRITTEN = and_(
    FINAL.c.case_id == cases.c.id,
    FINAL.c.kind == DeliveryKind.FINAL.value,
    FINAL.c.ref == reviews.c.id,
)
CASES = (
    select(
        cases,
        intake.c.record,
        assessments.c.value.label("assessment"),
        reviews.c.value.label("review"),
        _NUMBER.label("runs"),
        PROPOSAL.c.state.label("proposal_state"),
        PROPOSAL.c.receipts.label("proposal_receipts"),
        FINAL.c.state.label("final_state"),
        FINAL.c.receipts.label("final_receipts"),
    )
    .join(intake, intake.c.id == cases.c.assessment_id)
    .outerjoin(assessments, assessments.c.id == cases.c.assessment_id)
    .outerjoin(reviews, reviews.c.assessment_id == cases.c.assessment_id)
    .outerjoin(PROPOSAL, PROPOSED)
    .outerjoin(FINAL, WRITTEN)
)


def case_of(row: Row[Any]) -> Case:
    """A case from a row of ``CASES``."""
    return Case(
        id=row.id,
        encounter_key=row.encounter_key,
        phase=CasePhase(row.phase),
        intake=IntakeRecord.model_validate_json(row.record),
        assessment=None if row.assessment is None else TriageAssessment.model_validate_json(row.assessment),
        review=None if row.review is None else ClinicianReview.model_validate_json(row.review),
        assessments=row.runs,
        proposal=delivery_of(DeliveryKind.PROPOSAL, row.proposal_state, row.proposal_receipts),
        final=delivery_of(DeliveryKind.FINAL, row.final_state, row.final_receipts),
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def _history_step(
    row: Row[Any],
    *,
    record: str | None,
    assessment: TriageAssessment | None,
    answer: str | None,
    review: str | None,
    alerts: Mapping[tuple[Step, str], str],
) -> HistoryStep:
    step = Step(row.step)
    detail = json.loads(chain.detail_of(row))
    erased = row.phase == CasePhase.ERASED.value
    evidence: Any = None
    text: str | None = None
    seconds = None if assessment is None else assessment.seconds.get(_TIMED.get(step, ""))
    if step is Step.READ and record is not None:
        evidence, text = IntakeRecord.model_validate_json(record), record
    elif step is Step.SCREENED and assessment is not None:
        evidence = assessment.screening
        text = canonical_json(evidence)
    elif step is Step.ASSESSED and answer is not None:
        evidence, text = ModelAnswer.model_validate_json(answer), answer
    elif step is Step.VERIFIED and assessment is not None:
        evidence = assessment.reasons
        text = verified_text(evidence)
    elif step is Step.RECONCILED and assessment is not None:
        evidence = assessment
        text = canonical_json(evidence)
    elif step is Step.REVIEWED and review is not None:
        evidence, text = ClinicianReview.model_validate_json(review), review
    elif step in {Step.ALERTED, Step.ACKNOWLEDGED}:
        text = alerts.get((step, str(detail.get("alert"))))
    own = erased or step in _OWN_DETAIL or (step is Step.ASSESSED and row.digest == chain.NO_EVIDENCE)
    return HistoryStep(
        sequence=row.sequence,
        at=datetime.fromisoformat(row.at),
        step=step,
        assessment_id=row.assessment_id,
        detail=detail,
        evidence=evidence,
        intact=None if own else _as_recorded(row, text),
        seconds=seconds,
    )


def _as_recorded(row: Row[Any], text: str | None) -> bool:
    there = text is not None and (row.scheme == chain.PLAIN or row.salt is not None)
    return there and chain.evidence_digest(row.scheme, row.salt, text) == row.digest


_OWN_DETAIL = {
    Step.PROPOSED,
    Step.PROPOSE_ATTEMPTED,
    Step.WRITTEN,
    Step.WRITE_ATTEMPTED,
    Step.CLOSED,
    Step.ERASED,
    Step.EXPORTED,
}
_TIMED = {
    Step.SCREENED: "screen",
    Step.ASSESSED: "assess",
    Step.VERIFIED: "verify",
    Step.RECONCILED: "reconcile",
}


def _texts(connection: Connection, key: Any, value: Any, case_id: str) -> dict[str, str]:
    rows = connection.execute(select(key, value).where(key.table.c.case_id == case_id))
    return {row[0]: row[1] for row in rows if row[1] is not None}
