"""The outbox: what the hospital's record must be told, kept until it was seen to hold it."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import Connection, Row, case, insert, select, update

from agents.alerts import Raised
from agents.store import audit as chain
from agents.store.alerts import locked, raise_alerts
from agents.store.canonical import canonical_json
from agents.store.engine import Database
from agents.store.tables import cases, outbox
from agents.values import CasePhase, Delivery, DeliveryKind, PendingDelivery, Step
from data_schemas import WriteReceipt, WriteState

SUPERSEDED = "superseded"
UNDELIVERED = tuple(
    state.value for state in WriteState if state not in {WriteState.WRITTEN, WriteState.NOT_CONFIGURED}
)
_STEPS = {
    (DeliveryKind.PROPOSAL, True): Step.PROPOSED,
    (DeliveryKind.PROPOSAL, False): Step.PROPOSE_ATTEMPTED,
    (DeliveryKind.FINAL, True): Step.WRITTEN,
    (DeliveryKind.FINAL, False): Step.WRITE_ATTEMPTED,
}
_PHASES = {WriteState.WRITTEN: CasePhase.WRITTEN, WriteState.NOT_CONFIGURED: CasePhase.RECORDED}


@dataclass(frozen=True, slots=True)
class OutboxItem:
    """One delivery."""

    id: str
    case_id: str
    kind: DeliveryKind
    ref: str
    assessment_id: str
    attempts: int
    delivery: Delivery | None
    """What came of it so far; None where it was superseded."""


class Outbox:
    """Reads and settles deliveries."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, kind: DeliveryKind, ref: str) -> OutboxItem | None:
        """The delivery of this assessment or review."""

        def work(connection: Connection) -> OutboxItem | None:
            query = select(outbox).where(outbox.c.kind == kind.value, outbox.c.ref == ref)
            row = (connection.execute(query)).one_or_none()
            return None if row is None else _item(row)

        return await self._database.read(work)

    async def due(self, now: datetime, *, force: bool = False) -> list[OutboxItem]:
        """What is to be tried now, oldest first; with ``force`` everything undelivered."""
        query = select(outbox).where(outbox.c.state.in_(UNDELIVERED)).order_by(outbox.c.created_at)
        if not force:
            query = query.where(outbox.c.next_attempt_at <= now)

        def work(connection: Connection) -> list[OutboxItem]:
            return [_item(row) for row in connection.execute(query)]

        return await self._database.read(work)

    async def pending(self) -> tuple[PendingDelivery, ...]:
        """Everything that the hospital's record has not confirmed, oldest first."""
        query = select(outbox).where(outbox.c.state.in_(UNDELIVERED)).order_by(outbox.c.created_at)

        def work(connection: Connection) -> tuple[PendingDelivery, ...]:
            rows = (connection.execute(query)).all()
            return tuple(
                PendingDelivery(
                    case_id=row.case_id,
                    kind=DeliveryKind(row.kind),
                    state=WriteState(row.state),
                    attempts=row.attempts,
                    next_attempt_at=row.next_attempt_at,
                    last_error=row.last_error,
                )
                for row in rows
            )

        return await self._database.read(work)

    async def settle(
        self,
        item: OutboxItem,
        delivery: Delivery,
        error: str | None,
        now: datetime,
        retry_at: datetime,
        alerts: Sequence[Raised] = (),
    ) -> None:
        """Store what came of one attempt, its audit entries and alerts, and the case's phase, in one transaction."""
        final = item.kind is DeliveryKind.FINAL
        done = delivery.state is WriteState.WRITTEN
        receipts = canonical_json(delivery.receipts)

        def work(connection: Connection) -> None:
            if alerts:
                locked(connection, item.case_id)  # first, as a decision does: the order prevents a deadlock
            attempt = (
                connection.execute(
                    update(outbox)
                    .where(outbox.c.id == item.id)
                    .values(
                        # A delivery that was superseded meanwhile stays superseded.
                        state=case((outbox.c.state == SUPERSEDED, SUPERSEDED), else_=delivery.state.value),
                        receipts=receipts,
                        attempts=outbox.c.attempts + 1,
                        next_attempt_at=retry_at,
                        last_error=error,
                        updated_at=now,
                    )
                    .returning(outbox.c.attempts)
                )
            ).scalar_one()
            at_rest = False
            if final and delivery.state in _PHASES:
                result = connection.execute(
                    update(cases)
                    .where(
                        cases.c.id == item.case_id,
                        cases.c.assessment_id == item.assessment_id,
                        cases.c.phase == CasePhase.WRITE_PENDING.value,
                    )
                    .values(phase=_PHASES[delivery.state].value, updated_at=now)
                )
                at_rest = result.rowcount == 1
            step = _STEPS[item.kind, done]
            detail = {
                "state": delivery.state.value,
                "error": error,
                "receipts": [_receipt_words(receipt) for receipt in delivery.receipts],
            }
            entry = chain.Entry(item.case_id, item.assessment_id, step, detail, receipts, attempt)
            entries = [entry]
            if at_rest:
                closing = {"phase": _PHASES[delivery.state].value}
                entries.append(chain.Entry(item.case_id, item.assessment_id, Step.CLOSED, closing))
            chain.append(connection, now, entries)
            raise_alerts(connection, item.case_id, item.assessment_id, alerts, now)

        return await self._database.write(work)


def put(
    connection: Connection, case_id: str, kind: DeliveryKind, ref: str, assessment_id: str, now: datetime
) -> OutboxItem:
    """Put one delivery into the outbox, in the caller's transaction; twice violates a unique constraint."""
    item = OutboxItem(
        id=str(uuid4()),
        case_id=case_id,
        kind=kind,
        ref=ref,
        assessment_id=assessment_id,
        attempts=0,
        delivery=Delivery(kind=kind, state=WriteState.PENDING),
    )
    connection.execute(
        insert(outbox).values(
            id=item.id,
            case_id=case_id,
            kind=kind.value,
            ref=ref,
            assessment_id=assessment_id,
            state=WriteState.PENDING.value,
            receipts="[]",
            attempts=0,
            next_attempt_at=now,
            created_at=now,
            updated_at=now,
        )
    )
    return item


def supersede(connection: Connection, case_id: str, kinds: Sequence[DeliveryKind], now: datetime) -> None:
    """Never deliver what was overtaken: an older suggestion or decision must not follow a newer one."""
    connection.execute(
        update(outbox)
        .where(
            outbox.c.case_id == case_id,
            outbox.c.kind.in_([kind.value for kind in kinds]),
            outbox.c.state.in_(UNDELIVERED),
        )
        .values(state=SUPERSEDED, updated_at=now)
    )


def delivery_of(kind: DeliveryKind, state: str | None, receipts: str | None) -> Delivery | None:
    """The delivery that an outbox row describes; None where there is none or it was superseded."""
    if state is None or receipts is None or state == SUPERSEDED:
        return None
    found = tuple(WriteReceipt.model_validate(item) for item in json.loads(receipts))
    return Delivery(kind=kind, state=WriteState(state), receipts=found)


def _item(row: Row[Any]) -> OutboxItem:
    kind = DeliveryKind(row.kind)
    return OutboxItem(
        id=row.id,
        case_id=row.case_id,
        kind=kind,
        ref=row.ref,
        assessment_id=row.assessment_id,
        attempts=row.attempts,
        delivery=delivery_of(kind, row.state, row.receipts),
    )


def _receipt_words(receipt: WriteReceipt) -> str:
    version = "" if receipt.version_id is None else f"/_history/{receipt.version_id}"
    where = (
        receipt.resource_type
        if receipt.resource_id is None
        else f"{receipt.resource_type}/{receipt.resource_id}"
    )
    return f"{where}{version} {receipt.state.value}"
