"""One patient's data in one JSON document: everything that is kept, and nothing of anybody else.

Who exports stands in the audit chain before anything is handed out, also of a case that was erased.
"""

import json
import os
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import Connection, Row, select

from agents.alerts import Alert
from agents.errors import UnknownCaseError
from agents.provenance import Provenance
from agents.runner import Runner
from agents.store import audit as chain
from agents.store.alerts import alert_of
from agents.store.patients import cases_of_patient
from agents.store.tables import alerts, assessments, cases, intake, outbox, reviews
from agents.values import CasePhase, DeliveryKind, Step
from data_schemas import ClinicianReview, IntakeRecord, ModelAnswer, TriageAssessment, WriteReceipt
from data_schemas._base import Frozen

EXPORT_SCHEMA: Literal["ed-triage-agent/records"] = "ed-triage-agent/records"
EXPORT_VERSION: Literal[1] = 1


class ExportedDelivery(Frozen):
    """What the hospital's record was told. ``state`` may also be ``superseded``: never told."""

    kind: DeliveryKind
    state: str
    attempts: int
    receipts: tuple[WriteReceipt, ...]
    last_error: str | None
    created_at: datetime
    updated_at: datetime


class ExportedRun(Frozen):
    """One run: what it was given, what it gave, and what was decided. ``number`` counts from 1 in a case."""

    assessment_id: str
    number: int
    created_at: datetime
    intake: IntakeRecord
    assessment: TriageAssessment | None
    model_answer: ModelAnswer | None
    provenance: Provenance | None
    review: ClinicianReview | None
    deliveries: tuple[ExportedDelivery, ...]


class ExportedEntry(Frozen):
    """One audit entry, with what its hash is made of."""

    sequence: int
    at: str
    step: Step
    assessment_id: str
    attempt: int
    scheme: int
    detail: dict[str, Any]
    digest: str
    detail_digest: str | None
    previous: str
    hash: str


class ExportedCase(Frozen):
    """One case. With ``salt`` the digests of its audit entries can be recomputed; None where it was erased."""

    case_id: str
    encounter_key: str
    phase: CasePhase
    created_at: datetime
    updated_at: datetime
    salt: str | None
    runs: tuple[ExportedRun, ...]
    audit: tuple[ExportedEntry, ...]
    alerts: tuple[Alert, ...] = ()


class Export(Frozen):
    """The document. ``patient`` is the reference that was asked for; None where it was a case."""

    schema_name: Literal["ed-triage-agent/records"] = EXPORT_SCHEMA
    schema_version: Literal[1] = EXPORT_VERSION
    exported_at: datetime
    patient: str | None
    cases: tuple[ExportedCase, ...]


async def export_case(runner: Runner, case_id: str, *, by: str) -> Export:
    """Everything kept of one case; of an erased one its audit entries.

    Raises:
        UnknownCaseError: no case has this id.
        ValueError: ``by`` names nobody.
    """
    return await _export(runner, None, [case_id], by)


async def export_patient(runner: Runner, reference: str, *, by: str) -> Export:
    """Everything kept of one patient; without cases where there is none.

    Raises:
        AmbiguousPatientError: the reference may mean more than one person.
        ValueError: ``by`` names nobody.
    """
    found = await cases_of_patient(runner.context.store.database, reference)
    return await _export(runner, reference, found, by)


def write_export(export: Export, path: Path) -> None:
    """Write the document, readable by its owner only. An existing file is never overwritten.

    Raises:
        FileExistsError: there is a file of this name.
        OSError: it cannot be written; nothing is left of it.
    """
    text = json.dumps(export.model_dump(mode="json"), indent=2, ensure_ascii=False) + "\n"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="surrogatepass") as file:
            file.write(text)
    except BaseException:
        path.unlink(missing_ok=True)
        raise


async def _export(runner: Runner, patient: str | None, case_ids: Sequence[str], by: str) -> Export:
    if not by.strip():
        raise ValueError("say who exports")
    now = runner.context.clock()

    def work(connection: Connection) -> tuple[ExportedCase, ...]:
        chain.append(connection, now, [_noted(connection, case_id, by) for case_id in sorted(case_ids)])
        return tuple(_case(connection, case_id) for case_id in case_ids)

    found = await runner.context.store.database.write(work) if case_ids else ()
    return Export(exported_at=now, patient=patient, cases=found)


def _noted(connection: Connection, case_id: str, by: str) -> chain.Entry:
    """The entry of this export; the case's row stays locked until the transaction ends."""
    locked = connection.execute(select(cases).where(cases.c.id == case_id).with_for_update()).one_or_none()
    if locked is None:
        raise UnknownCaseError(case_id)
    attempt = chain.next_attempt(connection, locked.assessment_id, Step.EXPORTED)
    detail = {"by": by}
    return chain.Entry(case_id, locked.assessment_id, Step.EXPORTED, detail, attempt=attempt, lasting=True)


def _case(connection: Connection, case_id: str) -> ExportedCase:
    row = connection.execute(select(cases).where(cases.c.id == case_id)).one_or_none()
    if row is None:
        raise UnknownCaseError(case_id)
    deliveries: dict[str, list[ExportedDelivery]] = {}
    sent = select(outbox).where(outbox.c.case_id == case_id).order_by(outbox.c.created_at, outbox.c.id)
    for item in connection.execute(sent):
        deliveries.setdefault(item.assessment_id, []).append(_delivery(item))
    called = select(alerts).where(alerts.c.case_id == case_id).order_by(alerts.c.created_at, alerts.c.id)
    runs = connection.execute(_RUNS.where(intake.c.case_id == case_id).order_by(intake.c.number)).all()
    return ExportedCase(
        case_id=row.id,
        encounter_key=row.encounter_key,
        phase=CasePhase(row.phase),
        created_at=row.created_at,
        updated_at=row.updated_at,
        salt=row.salt,
        runs=tuple(_run(run, tuple(deliveries.get(run.id, ()))) for run in runs),
        audit=tuple(_entry(entry) for entry in chain.of_case(connection, case_id)),
        alerts=tuple(alert_of(item) for item in connection.execute(called)),
    )


def _run(row: Row[Any], deliveries: tuple[ExportedDelivery, ...]) -> ExportedRun:
    return ExportedRun(
        assessment_id=row.id,
        number=row.number,
        created_at=row.created_at,
        intake=IntakeRecord.model_validate_json(row.record),
        assessment=None if row.value is None else TriageAssessment.model_validate_json(row.value),
        model_answer=None if row.answer is None else ModelAnswer.model_validate_json(row.answer),
        provenance=None if row.provenance is None else Provenance.model_validate_json(row.provenance),
        review=None if row.review is None else ClinicianReview.model_validate_json(row.review),
        deliveries=deliveries,
    )


def _delivery(row: Row[Any]) -> ExportedDelivery:
    return ExportedDelivery(
        kind=DeliveryKind(row.kind),
        state=row.state,
        attempts=row.attempts,
        receipts=tuple(WriteReceipt.model_validate(item) for item in json.loads(row.receipts)),
        last_error=row.last_error,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def _entry(row: Row[Any]) -> ExportedEntry:
    return ExportedEntry(
        sequence=row.sequence,
        at=row.at,
        step=Step(row.step),
        assessment_id=row.assessment_id,
        attempt=row.attempt,
        scheme=row.scheme,
        detail=json.loads(chain.detail_of(row)),
        digest=row.digest,
        detail_digest=row.detail_digest,
        previous=row.previous,
        hash=row.hash,
    )


_RUNS = (
    select(
        intake,
        assessments.c.value,
        assessments.c.answer,
        assessments.c.provenance,
        reviews.c.value.label("review"),
    )
    .outerjoin(assessments, assessments.c.id == intake.c.id)
    .outerjoin(reviews, reviews.c.assessment_id == intake.c.id)
)
