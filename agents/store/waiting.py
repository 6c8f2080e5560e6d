"""Reading everybody who waits, again and again, without reading again what did not change."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

from sqlalchemy import Connection, Select, and_, or_, select

from agents.store.engine import Database
from agents.store.reads import CASES, FINAL, PROPOSAL, PROPOSED, WRITTEN, case_of
from agents.store.runs import StoredRun
from agents.store.tables import assessments, cases, intake, reviews
from agents.values import Case, CasePhase
from data_schemas import ClinicianReview, IntakeRecord, TriageAssessment

Stamp: TypeAlias = tuple[object, ...]
"""What changes whenever anything of a case does that is shown of somebody who waits."""

_CHUNK = 500
_UNDECIDED = (CasePhase.ASSESSING.value, CasePhase.AWAITING_REVIEW.value)


@dataclass(frozen=True, slots=True)
class Stored:
    """A case that waits, and its runs before the current one, oldest first."""

    stamp: Stamp
    case: Case
    earlier: tuple[StoredRun, ...]


class WaitingReads:
    """Three queries however many wait: stamps, changed cases, their earlier runs.

    What was read before is kept in memory, by case; parsing a thousand unchanged cases every few seconds would take
    most of a core.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._kept: dict[str, Stored] = {}

    async def since(self, decided_after: datetime) -> tuple[Stored, ...]:
        """Everybody undecided, and everybody decided after ``decided_after``; the newest arrival first.

        Raises:
            StoreError: the database cannot be used; what was kept stays.
        """
        kept = self._kept

        def work(connection: Connection) -> dict[str, Stored]:
            stamps = {row.id: tuple(row) for row in connection.execute(_stamps(decided_after))}
            changed = [key for key, stamp in stamps.items() if key not in kept or kept[key].stamp != stamp]
            fresh: dict[str, Stored] = {}
            for chunk in _chunks(changed):
                found = [case_of(row) for row in connection.execute(CASES.where(cases.c.id.in_(chunk)))]
                before = _earlier(connection, [case for case in found if case.assessments > 1])
                for case in found:
                    fresh[case.id] = Stored(stamps[case.id], case, before.get(case.id, ()))
            # A case that was erased between the two queries is in neither.
            return {key: fresh.get(key) or kept[key] for key in stamps if key in fresh or key in kept}

        self._kept = await self._database.read(work, snapshot=True)
        return tuple(self._kept.values())


def _stamps(decided_after: datetime) -> Select[Any]:
    return (
        select(
            cases.c.id,
            cases.c.phase,
            cases.c.assessment_id,
            cases.c.updated_at,
            reviews.c.id.label("review"),
            PROPOSAL.c.updated_at.label("proposed"),
            FINAL.c.updated_at.label("written"),
        )
        .select_from(cases)
        .outerjoin(reviews, reviews.c.assessment_id == cases.c.assessment_id)
        .outerjoin(PROPOSAL, PROPOSED)
        .outerjoin(FINAL, WRITTEN)
        .where(
            cases.c.phase != CasePhase.ERASED.value,
            # A case is touched when it is decided, so the narrow table alone leaves out the closed ones.
            or_(cases.c.phase.in_(_UNDECIDED), cases.c.updated_at > decided_after),
            or_(reviews.c.id.is_(None), reviews.c.created_at > decided_after),
        )
        .order_by(cases.c.created_at.desc(), cases.c.id)
    )


def _earlier(connection: Connection, of: Iterable[Case]) -> dict[str, tuple[StoredRun, ...]]:
    ids = [case.id for case in of]
    if not ids:
        return {}
    query = (
        select(intake, assessments.c.value, reviews.c.value.label("review"))
        .join(cases, and_(cases.c.id == intake.c.case_id, cases.c.assessment_id != intake.c.id))
        .outerjoin(assessments, assessments.c.id == intake.c.id)
        .outerjoin(reviews, reviews.c.assessment_id == intake.c.id)
        .where(intake.c.case_id.in_(ids))
        .order_by(intake.c.case_id, intake.c.number)
    )
    found: dict[str, list[StoredRun]] = defaultdict(list)
    for row in connection.execute(query):
        found[row.case_id].append(
            StoredRun(
                assessment_id=row.id,
                number=row.number,
                record=IntakeRecord.model_validate_json(row.record),
                assessment=None if row.value is None else TriageAssessment.model_validate_json(row.value),
                review=None if row.review is None else ClinicianReview.model_validate_json(row.review),
                created_at=row.created_at,
            )
        )
    return {key: tuple(runs) for key, runs in found.items()}


def _chunks(keys: Sequence[str]) -> Iterable[Sequence[str]]:
    return (keys[start : start + _CHUNK] for start in range(0, len(keys), _CHUNK))
