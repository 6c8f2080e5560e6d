"""Clinical scores on an intake record. Pure functions; a missing input is named, never read as normal."""

from data_schemas.intake import IntakeRecord
from data_schemas.screening import ScoreResult
from triage.scores.news2 import news2
from triage.scores.qsofa import qsofa
from triage.scores.shock_index import shock_index

__all__ = ["all_scores", "news2", "qsofa", "shock_index"]


def all_scores(record: IntakeRecord) -> tuple[ScoreResult, ...]:
    """Every score, in a fixed order: NEWS2 (SpO2 scale 1), shock index, qSOFA.

    Those that do not apply are there too, with ``applicable`` False and the reason. SpO2 scale 2 of NEWS2
    needs a clinician's decision for this patient and is therefore only computed on request.
    """
    return (news2(record), shock_index(record), qsofa(record))
