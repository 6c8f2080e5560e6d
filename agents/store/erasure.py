"""Takes a patient's data out of the records for good, and leaves the audit chain standing."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Row, delete, func, select, update

from agents.errors import NotClosedError, UnknownCaseError
from agents.store import audit as chain
from agents.store.engine import Database
from agents.store.outbox import UNDELIVERED
from agents.store.tables import alerts, assessments, audit, audit_details, cases, intake, outbox, reviews
from agents.values import CasePhase, DeliveryKind, Step

CLOSED = (CasePhase.WRITTEN, CasePhase.RECORDED)


@dataclass(frozen=True, slots=True)
class Held:
    """A case that is in the records; ``threads`` are its runs, whose checkpoints hold the patient's data, too."""

    case_id: str
    encounter_key: str
    phase: CasePhase
    updated_at: datetime
    threads: tuple[str, ...]


class Erasure:
    """Finds what may be erased, and erases it; ``owner`` is the lease that the caller holds."""

    def __init__(self, database: Database, owner: str) -> None:
        self._database = database
        self._owner = owner

    async def look(self, case_id: str) -> Held:
        """One case, erased or not.

        Raises:
            UnknownCaseError: no case has this id.
        """

        def work(connection: Connection) -> Held:
            row = connection.execute(select(cases).where(cases.c.id == case_id)).one_or_none()
            if row is None:
                raise UnknownCaseError(case_id)
            # The chain knows every run, also those of a case whose rows are gone already.
            runs = select(audit.c.assessment_id).where(audit.c.case_id == case_id).distinct()
            threads = tuple(sorted(connection.execute(runs).scalars()))
            return Held(row.id, row.encounter_key, CasePhase(row.phase), row.updated_at, threads)

        return await self._database.read(work)

    async def closed_before(self, instant: datetime) -> list[tuple[str, datetime]]:
        """Id and closing time of every case that came to rest before ``instant`` and owes nobody anything."""
        owed = select(outbox.c.id).where(outbox.c.case_id == cases.c.id, outbox.c.state.in_(UNDELIVERED))
        query = (
            select(cases.c.id, cases.c.updated_at)
            .where(
                cases.c.phase.in_([phase.value for phase in CLOSED]),
                cases.c.updated_at < instant,
                ~owed.exists(),
            )
            .order_by(cases.c.updated_at)
        )

        def work(connection: Connection) -> list[tuple[str, datetime]]:
            return [(row.id, row.updated_at) for row in connection.execute(query)]

        return await self._database.read(work)

    async def check(self, case_id: str, *, before: datetime | None = None, undecided: bool = False) -> None:
        """Whether the case may be erased; ``erase`` looks again.

        Raises:
            UnknownCaseError, NotClosedError
        """

        def work(connection: Connection) -> None:
            row = connection.execute(select(cases).where(cases.c.id == case_id)).one_or_none()
            if row is None:
                raise UnknownCaseError(case_id)
            self._check(connection, row, before, undecided)

        await self._database.read(work, snapshot=True)

    async def erase(
        self,
        case_id: str,
        *,
        reason: str,
        by: str,
        now: datetime,
        before: datetime | None = None,
        undecided: bool = False,
    ) -> int:
        """Remove everything but the chain, which gets one entry, in one transaction.

        Args:
            case_id: the case, whose lease the caller holds.
            reason: the code in the chain's entry.
            by: who erases.
            now: the time now.
            before: only where the case came to rest before this instant.
            undecided: also a case that waits for a decision which nobody will take.

        Returns:
            How many of its entries have the plain digests and the details of schema 0001, which stay as they are.

        Raises:
            UnknownCaseError, NotClosedError
        """

        def work(connection: Connection) -> int:
            row = connection.execute(
                select(cases).where(cases.c.id == case_id).with_for_update()
            ).one_or_none()
            if row is None:
                raise UnknownCaseError(case_id)
            self._check(connection, row, before, undecided)
            detail = {"reason": reason, "by": by, "phase": row.phase}
            entry = chain.Entry(case_id, row.assessment_id, Step.ERASED, detail, lasting=True)
            chain.append(connection, now, [entry])
            for table in (alerts, outbox, reviews, assessments, intake, audit_details):
                connection.execute(delete(table).where(table.c.case_id == case_id))
            connection.execute(
                update(cases)
                .where(cases.c.id == case_id)
                .values(
                    encounter_key=f"erased|{case_id}",
                    phase=CasePhase.ERASED.value,
                    salt=None,
                    lease_owner=None,
                    lease_until=None,
                    updated_at=now,
                )
            )
            older = select(func.count()).where(audit.c.case_id == case_id, audit.c.scheme == chain.PLAIN)
            return int(connection.execute(older).scalar_one())

        return await self._database.write(work)

    def _check(
        self, connection: Connection, row: Row[tuple[object, ...]], before: datetime | None, undecided: bool
    ) -> None:
        """Nothing that anybody waits for is erased."""
        if row.lease_owner != self._owner:
            raise NotClosedError(row.id, "a process works on it")
        phase = CasePhase(row.phase)
        abandoned = undecided and phase is CasePhase.AWAITING_REVIEW
        if phase not in CLOSED and not abandoned:
            raise NotClosedError(row.id, phase.value)
        if before is not None and row.updated_at >= before:
            raise NotClosedError(row.id, "changed meanwhile")
        owed = select(func.count()).where(outbox.c.case_id == row.id, outbox.c.state.in_(UNDELIVERED))
        if abandoned:
            owed = owed.where(outbox.c.kind == DeliveryKind.FINAL.value)
        if connection.execute(owed).scalar_one():
            raise NotClosedError(row.id, "the hospital's record has not confirmed it")
