"""Changes to cases. Every method is one transaction, with its audit entries inside."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NoReturn
from uuid import uuid4

from sqlalchemy import Connection, Row, case, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError

from agents.alerts import Raised
from agents.errors import AlreadyDecidedError, NotReadyError, StaleAssessmentError, UnknownCaseError
from agents.store import audit as chain
from agents.store import outbox as box
from agents.store.alerts import locked, raise_alerts
from agents.store.canonical import canonical_json, fingerprint
from agents.store.engine import Database
from agents.store.lease import is_dead, own_name
from agents.store.tables import assessments, cases, intake, libraries, reviews
from agents.values import CasePhase, DeliveryKind, Step
from data_schemas import ClinicianReview, IntakeRecord, ModelAnswer, TriageAssessment


@dataclass(frozen=True, slots=True)
class Opened:
    """The run to look at. ``new``: it was created by this call."""

    case_id: str
    assessment_id: str
    phase: CasePhase
    new: bool


@dataclass(frozen=True, slots=True)
class MadeWith:
    """With what an assessment was made: canonical JSON of its provenance, and the library's statements by id."""

    provenance: str
    library_sha256: str
    statements: Mapping[str, str]


class Repository:
    """Cases, intake, assessments and reviews. ``lease``: seconds a working process may be silent."""

    def __init__(self, database: Database, lease: float) -> None:
        self._database = database
        self._lease = timedelta(seconds=lease)
        self.owner = own_name()

    async def open_case(
        self, record: IntakeRecord, now: datetime, *, renew: timedelta | None = None
    ) -> Opened:
        """The case of ``record``'s encounter; a new run where it is new or what is known has changed.

        With ``renew`` also where nothing changed and the suggestion has waited for a decision for longer than that.

        Raises:
            NotReadyError: the facts changed while another process works on the case; try again.
        """
        try:
            return await self._open_case(record, now, renew)
        except IntegrityError:
            # Another process created the case between our look and our insert: now it is there.
            return await self._open_case(record, now, renew)

    async def _open_case(self, record: IntakeRecord, now: datetime, renew: timedelta | None) -> Opened:
        mark = fingerprint(record)

        def work(connection: Connection) -> Opened:
            query = select(cases).where(cases.c.encounter_key == record.encounter_key).with_for_update()
            row = (connection.execute(query)).one_or_none()
            number = 1
            if row is not None:
                current = select(intake.c.fingerprint, intake.c.number, intake.c.created_at).where(
                    intake.c.id == row.assessment_id
                )
                last = (connection.execute(current)).one()
                waits = row.phase == CasePhase.AWAITING_REVIEW.value
                overdue = waits and renew is not None and now - last.created_at > renew
                if last.fingerprint == mark and not overdue:
                    return Opened(row.id, row.assessment_id, CasePhase(row.phase), new=False)
                if not self._free(row, now):
                    raise NotReadyError(row.id)
                number = last.number + 1
            case_id = str(uuid4()) if row is None else str(row.id)
            assessment_id = str(uuid4())
            values = {
                "phase": CasePhase.ASSESSING.value,
                "assessment_id": assessment_id,
                "lease_owner": self.owner,
                "lease_until": now + self._lease,
                "updated_at": now,
            }
            if row is None:
                connection.execute(
                    insert(cases).values(
                        id=case_id, encounter_key=record.encounter_key, created_at=now, **values
                    )
                )
            else:
                connection.execute(update(cases).where(cases.c.id == case_id).values(**values))
                box.supersede(connection, case_id, (DeliveryKind.PROPOSAL,), now)
            text = canonical_json(record)
            connection.execute(
                insert(intake).values(
                    id=assessment_id,
                    case_id=case_id,
                    number=number,
                    fingerprint=mark,
                    record=text,
                    created_at=now,
                )
            )
            detail = {"number": number, "facts": len(record.facts), "missing": list(record.missing)}
            chain.append(connection, now, [chain.Entry(case_id, assessment_id, Step.READ, detail, text)])
            return Opened(case_id, assessment_id, CasePhase.ASSESSING, new=True)

        return await self._database.write(work)

    async def store_assessment(
        self,
        case_id: str,
        assessment: TriageAssessment,
        answer: ModelAnswer | None,
        entries: Sequence[chain.Entry],
        now: datetime,
        made_with: MadeWith | None = None,
        alerts: Sequence[Raised] = (),
    ) -> tuple[TriageAssessment, box.OutboxItem | None]:
        """Keep the assessment, its proposal to the hospital's record, its alerts, and the audit entries.

        Returns the assessment that is kept and its proposal. Where a killed run had stored one already,
        that one stands, and the proposal is left to be looked up (None).
        """

        def work(connection: Connection) -> tuple[TriageAssessment, box.OutboxItem | None]:
            kept = select(assessments.c.value).where(assessments.c.id == assessment.id)
            there = (connection.execute(kept)).scalar()
            if there is not None:
                return TriageAssessment.model_validate_json(there), None
            if alerts:
                locked(connection, case_id)
            if made_with is not None:
                _keep_library(connection, made_with, now)
            connection.execute(
                insert(assessments).values(
                    id=assessment.id,
                    case_id=case_id,
                    value=canonical_json(assessment),
                    answer=None if answer is None else canonical_json(answer),
                    created_at=now,
                    provenance=None if made_with is None else made_with.provenance,
                )
            )
            item = box.put(connection, case_id, DeliveryKind.PROPOSAL, assessment.id, assessment.id, now)
            chain.append(connection, now, entries)
            raise_alerts(connection, case_id, assessment.id, alerts, now)
            return assessment, item

        return await self._database.write(work)

    async def claim(self, case_id: str, review: ClinicianReview, now: datetime) -> bool:
        """Keep the decision, exactly one for an assessment, and what must be written of it.

        Returns whether this process may go on with the case at once; if not, another one is working on it
        and the decision, which is safe, is written afterwards.

        Raises:
            UnknownCaseError, NotReadyError, StaleAssessmentError, AlreadyDecidedError
        """

        def work(connection: Connection) -> bool:
            row = self._locked(connection, case_id)
            if (row.assessment_id, row.phase) != (review.assessment_id, CasePhase.AWAITING_REVIEW.value):
                _refuse(connection, row, review.assessment_id)
            free = self._free(row, now)
            lease = {"lease_owner": self.owner, "lease_until": now + self._lease} if free else {}
            review_id = str(uuid4())
            text = canonical_json(review)
            connection.execute(
                insert(reviews).values(
                    id=review_id,
                    assessment_id=review.assessment_id,
                    case_id=case_id,
                    value=text,
                    created_at=now,
                )
            )
            connection.execute(
                update(cases)
                .where(cases.c.id == case_id)
                .values(phase=CasePhase.WRITE_PENDING.value, updated_at=now, **lease)
            )
            box.supersede(connection, case_id, (DeliveryKind.PROPOSAL, DeliveryKind.FINAL), now)
            box.put(connection, case_id, DeliveryKind.FINAL, review_id, review.assessment_id, now)
            detail = {"decision": review.decision, "level": review.level, "role": review.role}
            if review.reason is not None:
                detail["reason"] = review.reason
            if review.confirmed:
                detail["confirmed"] = True
            if review.why_not is not None:
                detail["why_not"] = "answered"
            if review.unaided_level is not None:
                detail["unaided_level"] = review.unaided_level
            entry = chain.Entry(case_id, review.assessment_id, Step.REVIEWED, detail, text)
            chain.append(connection, now, [entry])
            return free

        return await self._database.write(work)

    async def acquire(self, case_id: str, now: datetime) -> Row[Any] | None:
        """Take the case's lease; the case's row, or None where a living process holds it."""

        def work(connection: Connection) -> Row[Any] | None:
            row = self._locked(connection, case_id)
            if not self._free(row, now):
                return None
            connection.execute(
                update(cases)
                .where(cases.c.id == case_id)
                .values(lease_owner=self.owner, lease_until=now + self._lease)
            )
            return row

        return await self._database.write(work)

    async def release(self, case_id: str, assessment_id: str, *, reviewable: bool, now: datetime) -> None:
        """Give the lease back; with ``reviewable`` the case now waits for a clinician."""

        def work(connection: Connection) -> None:
            phase = {}
            if reviewable:
                here = (cases.c.assessment_id == assessment_id) & (cases.c.phase == CasePhase.ASSESSING.value)
                phase = {
                    "phase": case((here, CasePhase.AWAITING_REVIEW.value), else_=cases.c.phase),
                    "updated_at": now,
                }
            connection.execute(
                update(cases)
                .where(cases.c.id == case_id, cases.c.lease_owner == self.owner)
                .values(lease_owner=None, lease_until=None, **phase)
            )

        return await self._database.write(work)

    def _free(self, row: Row[Any], now: datetime) -> bool:
        """Whether this process may work on the case: nobody does, or it is ours, or the owner is gone."""
        owner = row.lease_owner
        return owner is None or owner == self.owner or row.lease_until <= now or is_dead(owner)

    def _locked(self, connection: Connection, case_id: str) -> Row[Any]:
        query = select(cases).where(cases.c.id == case_id).with_for_update()
        row = (connection.execute(query)).one_or_none()
        if row is None:
            raise UnknownCaseError(case_id)
        return row


def _keep_library(connection: Connection, made_with: MadeWith, now: datetime) -> None:
    """Once for each library that is used; of two processes that are first, one inserts and the other need not."""
    query = select(libraries.c.sha256).where(libraries.c.sha256 == made_with.library_sha256)
    if connection.execute(query).scalar() is not None:
        return
    values = {
        "sha256": made_with.library_sha256,
        "statements": canonical_json(dict(made_with.statements)),
        "created_at": now,
    }
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    connection.execute(dialect.insert(libraries).values(values).on_conflict_do_nothing())


def _refuse(connection: Connection, row: Row[Any], assessment_id: str) -> NoReturn:
    """Say why this assessment cannot be decided now."""
    query = select(reviews.c.value).where(reviews.c.assessment_id == assessment_id)
    text = (connection.execute(query)).scalar()
    if text is not None:
        first = ClinicianReview.model_validate_json(text)
        raise AlreadyDecidedError(row.id, first.reviewer, first.decided_at)
    if row.assessment_id != assessment_id:
        raise StaleAssessmentError(row.id, row.assessment_id)
    raise NotReadyError(row.id)
