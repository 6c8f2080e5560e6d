"""Quick sequential organ failure assessment (qSOFA)."""

from decimal import Decimal

from data_schemas.intake import FactKind, IntakeRecord
from data_schemas.screening import ScorePart, ScoreResult
from triage.scores._mentation import mentation

SOURCE = "Singer et al., JAMA 2016;315:801-810 (Sepsis-3), box 4; Seymour et al., JAMA 2016;315:762-774"
MIN_AGE_YEARS = 18
MIN_RESPIRATORY_RATE = 22
MAX_SYSTOLIC_BP = 100
POSITIVE_FROM = 2


def qsofa(record: IntakeRecord) -> ScoreResult:
    """qSOFA for adults: a point each for RR >= 22 /min, SBP <= 100 mmHg, altered mentation.

    Mentation is altered by the AVPU, else by a GCS below 15. Bands: ``positive`` 2-3, ``negative`` 0-1; with
    inputs missing the score is a lower bound (``at least ...``).
    It was derived in patients of 18 years and over with suspected infection; it is no test for sepsis.
    """
    years = record.age_years
    if years is None or years < MIN_AGE_YEARS:
        why = "under 18 years" if years is not None else "the age is not known; qSOFA is for adults"
        return ScoreResult(name="qSOFA", applicable=False, why_not=why, source=SOURCE)
    parts: list[ScorePart] = []
    missing: list[FactKind] = []

    rate = record.first(FactKind.RESPIRATORY_RATE)
    if rate is None or rate.value is None:
        missing.append(FactKind.RESPIRATORY_RATE)
    else:
        point = int(rate.value >= MIN_RESPIRATORY_RATE)
        parts.append(ScorePart(kind=rate.kind, points=point, fact_ids=(rate.id,)))

    pressure = record.first(FactKind.SYSTOLIC_BP)
    if pressure is None or pressure.value is None:
        missing.append(FactKind.SYSTOLIC_BP)
    else:
        point = int(pressure.value <= MAX_SYSTOLIC_BP)
        parts.append(ScorePart(kind=pressure.kind, points=point, fact_ids=(pressure.id,)))

    found = mentation(record)
    if found is None:
        missing.append(FactKind.AVPU)
    else:
        parts.append(ScorePart(kind=found.kind, points=int(found.altered), fact_ids=found.fact_ids))

    if not parts:
        return ScoreResult(name="qSOFA", applicable=True, missing=tuple(missing), source=SOURCE)
    total = sum(part.points for part in parts)
    band = "positive" if total >= POSITIVE_FROM else "negative"
    return ScoreResult(
        name="qSOFA",
        applicable=True,
        value=Decimal(total),
        complete=not missing,
        missing=tuple(missing),
        parts=tuple(parts),
        band=f"at least {band}" if missing else band,
        source=SOURCE,
    )
