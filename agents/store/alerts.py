"""Keeps alerts: raised once, open until a named clinician acknowledges them, both in the audit chain."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import Connection, Row, insert, select, update

from agents.alerts import Acknowledgement, Alert, Raised
from agents.errors import AlreadyAcknowledgedError, UnknownAlertError
from agents.store import audit as chain
from agents.store.canonical import canonical_json
from agents.store.engine import Database
from agents.store.tables import alerts, cases
from agents.values import CasePhase, Step
from data_schemas import ReviewerRole


class Alerts:
    """Reads and acknowledges alerts."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, case_id: str | None = None, *, open_only: bool = False) -> tuple[Alert, ...]:
        """Alerts of one case or of all, oldest first."""
        query = select(alerts).order_by(alerts.c.created_at, alerts.c.id)
        if case_id is not None:
            query = query.where(alerts.c.case_id == case_id)
        if open_only:
            query = query.where(alerts.c.acknowledged_at.is_(None))

        def work(connection: Connection) -> tuple[Alert, ...]:
            return tuple(alert_of(row) for row in connection.execute(query))

        return await self._database.read(work)

    async def acknowledge(self, alert_id: str, by: str, role: ReviewerRole, now: datetime) -> Alert:
        """Note who took note, exactly once.

        Raises:
            UnknownAlertError: no alert has this id, or its case was erased.
            AlreadyAcknowledgedError: somebody did before.
        """

        def work(connection: Connection) -> Alert:
            row = connection.execute(select(alerts).where(alerts.c.id == alert_id)).one_or_none()
            if row is None:
                raise UnknownAlertError(alert_id)
            locked(connection, row.case_id)
            done = connection.execute(
                update(alerts)
                .where(alerts.c.id == alert_id, alerts.c.acknowledged_at.is_(None))
                .values(acknowledged_by=by, acknowledged_role=role.value, acknowledged_at=now)
            )
            now_there = connection.execute(select(alerts).where(alerts.c.id == alert_id)).one_or_none()
            if now_there is None:
                raise UnknownAlertError(alert_id)
            alert = alert_of(now_there)
            if done.rowcount != 1:
                assert alert.acknowledged is not None
                raise AlreadyAcknowledgedError(alert_id, alert.acknowledged.by, alert.acknowledged.at)
            detail = {"alert": alert.id, "code": alert.code.value, "role": role.value}
            attempt = chain.next_attempt(connection, alert.assessment_id, Step.ACKNOWLEDGED)
            evidence = canonical_json(alert)
            entry = chain.Entry(
                alert.case_id, alert.assessment_id, Step.ACKNOWLEDGED, detail, evidence, attempt
            )
            chain.append(connection, now, [entry])
            return alert

        return await self._database.write(work)


def raise_alerts(
    connection: Connection, case_id: str, assessment_id: str, raised: Sequence[Raised], now: datetime
) -> None:
    """Keep what is not kept yet of one assessment, with its audit entries, in the caller's transaction."""
    if not raised:
        return
    phase = locked(connection, case_id)
    if phase is None or phase == CasePhase.ERASED.value:
        return
    query = select(alerts.c.code, alerts.c.subject).where(alerts.c.assessment_id == assessment_id)
    there = {(row.code, row.subject) for row in connection.execute(query)}
    entries: list[chain.Entry] = []
    attempt = chain.next_attempt(connection, assessment_id, Step.ALERTED)
    for item in raised:
        if (item.code.value, item.subject) in there:
            continue
        alert = Alert(
            id=str(uuid4()), case_id=case_id, assessment_id=assessment_id, raised_at=now, **item.model_dump()
        )
        connection.execute(
            insert(alerts).values(
                id=alert.id,
                case_id=case_id,
                assessment_id=assessment_id,
                code=item.code.value,
                subject=item.subject,
                value=canonical_json(item),
                created_at=now,
            )
        )
        detail = {"alert": alert.id, "code": item.code.value, "subject": item.subject}
        entries.append(
            chain.Entry(case_id, assessment_id, Step.ALERTED, detail, canonical_json(item), attempt)
        )
        attempt += 1
    if entries:
        chain.append(connection, now, entries)


def alert_of(row: Row[Any]) -> Alert:
    """The alert that a row holds."""
    taken = (
        None
        if row.acknowledged_at is None
        else Acknowledgement(
            by=row.acknowledged_by, role=ReviewerRole(row.acknowledged_role), at=row.acknowledged_at
        )
    )
    return Alert(
        **Raised.model_validate_json(row.value).model_dump(),
        id=row.id,
        case_id=row.case_id,
        assessment_id=row.assessment_id,
        raised_at=row.created_at,
        acknowledged=taken,
    )


def alert_texts(connection: Connection, case_id: str) -> dict[tuple[Step, str], str]:
    """What the audit chain recorded of a case's alerts, by step and alert id."""
    found: dict[tuple[Step, str], str] = {}
    for row in connection.execute(select(alerts).where(alerts.c.case_id == case_id)):
        found[Step.ALERTED, row.id] = row.value
        if row.acknowledged_at is not None:
            found[Step.ACKNOWLEDGED, row.id] = canonical_json(alert_of(row))
    return found


def locked(connection: Connection, case_id: str) -> str | None:
    """The case's phase, its row locked until the transaction ends; None where there is no such case."""
    query = select(cases.c.phase).where(cases.c.id == case_id).with_for_update()
    phase: str | None = connection.execute(query).scalar()
    return phase
