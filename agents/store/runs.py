"""The runs of one case, the superseded ones included."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from agents.store.engine import Database
from agents.store.tables import assessments, intake, reviews
from data_schemas import ClinicianReview, IntakeRecord, TriageAssessment


@dataclass(frozen=True, slots=True)
class StoredRun:
    """What one run was given, what came of it, and what was decided. ``number`` counts from 1 in a case."""

    assessment_id: str
    number: int
    record: IntakeRecord
    assessment: TriageAssessment | None
    review: ClinicianReview | None
    created_at: datetime


class Runs:
    """Reads runs."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of_case(self, case_id: str) -> tuple[StoredRun, ...]:
        """Every run of a case, oldest first; empty where there is no such case, or it was erased."""
        query = (
            select(intake, assessments.c.value, reviews.c.value.label("review"))
            .outerjoin(assessments, assessments.c.id == intake.c.id)
            .outerjoin(reviews, reviews.c.assessment_id == intake.c.id)
            .where(intake.c.case_id == case_id)
            .order_by(intake.c.number)
        )

        def work(connection: Connection) -> tuple[StoredRun, ...]:
            return tuple(
                StoredRun(
                    assessment_id=row.id,
                    number=row.number,
                    record=IntakeRecord.model_validate_json(row.record),
                    assessment=None if row.value is None else TriageAssessment.model_validate_json(row.value),
                    review=None if row.review is None else ClinicianReview.model_validate_json(row.review),
                    created_at=row.created_at,
                )
                for row in connection.execute(query)
            )

        return await self._database.read(work, snapshot=True)
