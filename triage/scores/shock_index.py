"""Shock index: heart rate over systolic pressure, with the age-adjusted thresholds for children (SIPA)."""

from decimal import ROUND_HALF_UP, Decimal

from data_schemas.intake import FactKind, IntakeRecord
from data_schemas.screening import ScorePart, ScoreResult

SOURCE = (
    "Allgoewer and Burri, Dtsch Med Wochenschr 1967;92:1947-1950; adults > 0.9: Rady et al., "
    "Ann Emerg Med 1994;24:685-690; children (SIPA): Acker et al., J Pediatr Surg 2015;50:331-334"
)

SIPA_THRESHOLDS: tuple[tuple[int, int, Decimal], ...] = (
    (4, 7, Decimal("1.22")),
    (7, 13, Decimal("1.0")),
    (13, 17, Decimal("0.9")),
)
"""[from, to) years and the index above which it is raised (Acker 2015: 4-6, 7-12 and 13-16 years)."""

ADULT_THRESHOLD = Decimal("0.9")
_NAME = "shock index"


def raised_above(years: Decimal) -> Decimal | None:
    """The index above which it is raised at this age; None under 4 years, where none is published."""
    for low, high, threshold in SIPA_THRESHOLDS:
        if low <= years < high:
            return threshold
    return ADULT_THRESHOLD if years >= SIPA_THRESHOLDS[-1][1] else None


def shock_index(record: IntakeRecord) -> ScoreResult:
    """Heart rate (/min) over systolic pressure (mm[Hg]), rounded to three decimals; judged before rounding.

    Bands: ``raised`` or ``not raised`` with the threshold of the age, or why there is none. Both inputs are
    needed: without one of them the value is None. The parts carry the facts used; they have no points.
    """
    rate, pressure = record.first(FactKind.HEART_RATE), record.first(FactKind.SYSTOLIC_BP)
    given = [fact for fact in (rate, pressure) if fact is not None and fact.value is not None]
    parts = tuple(ScorePart(kind=fact.kind, points=0, fact_ids=(fact.id,)) for fact in given)
    missing = tuple(
        kind
        for kind in (FactKind.HEART_RATE, FactKind.SYSTOLIC_BP)
        if kind not in {fact.kind for fact in given}
    )
    if rate is None or pressure is None or rate.value is None or pressure.value is None:
        return ScoreResult(name=_NAME, applicable=True, missing=missing, parts=parts, source=SOURCE)
    if pressure.value <= 0:
        return ScoreResult(
            name=_NAME,
            applicable=True,
            why_not="no measurable systolic pressure: the index has no value",
            parts=parts,
            source=SOURCE,
        )
    index = rate.value / pressure.value
    return ScoreResult(
        name=_NAME,
        applicable=True,
        value=index.quantize(Decimal("0.001"), ROUND_HALF_UP),
        complete=True,
        parts=parts,
        band=_band(index, record.age_years),
        source=SOURCE,
    )


def _band(index: Decimal, years: Decimal | None) -> str:
    if years is None:
        return "no threshold: the age is not known"
    threshold = raised_above(years)
    if threshold is None:
        return "no published threshold under 4 years"
    variant = "adults" if years >= SIPA_THRESHOLDS[-1][1] else "SIPA for the age"
    return f"{'raised' if index > threshold else 'not raised'} (threshold {threshold}, {variant})"
