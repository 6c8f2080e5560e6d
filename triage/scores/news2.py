"""National Early Warning Score 2 (Royal College of Physicians, London, 2017)."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal, NamedTuple

from data_schemas.intake import FactKind, IntakeRecord
from data_schemas.screening import ScorePart, ScoreResult
from triage.scores._mentation import mentation

SOURCE = "Royal College of Physicians: National Early Warning Score (NEWS) 2, London 2017, chart 1"
MIN_AGE_YEARS = 16


class Cell(NamedTuple):
    """One cell of the chart: the closed interval [low, high], None for open, and its points."""

    low: Decimal | None
    high: Decimal | None
    points: int


def _cells(*cells: tuple[str | None, str | None, int]) -> tuple[Cell, ...]:
    return tuple(
        Cell(None if low is None else Decimal(low), None if high is None else Decimal(high), points)
        for low, high, points in cells
    )


RESPIRATORY_RATE = _cells((None, "8", 3), ("9", "11", 1), ("12", "20", 0), ("21", "24", 2), ("25", None, 3))
SPO2_SCALE_1 = _cells((None, "91", 3), ("92", "93", 2), ("94", "95", 1), ("96", None, 0))
SPO2_SCALE_2_AIR = _cells((None, "83", 3), ("84", "85", 2), ("86", "87", 1), ("88", None, 0))
SPO2_SCALE_2_OXYGEN = _cells(
    (None, "83", 3),
    ("84", "85", 2),
    ("86", "87", 1),
    ("88", "92", 0),
    ("93", "94", 1),
    ("95", "96", 2),
    ("97", None, 3),
)
SYSTOLIC_BP = _cells(
    (None, "90", 3), ("91", "100", 2), ("101", "110", 1), ("111", "219", 0), ("220", None, 3)
)
PULSE = _cells(
    (None, "40", 3), ("41", "50", 1), ("51", "90", 0), ("91", "110", 1), ("111", "130", 2), ("131", None, 3)
)
TEMPERATURE = _cells(
    (None, "35.0", 3), ("35.1", "36.0", 1), ("36.1", "38.0", 0), ("38.1", "39.0", 1), ("39.1", None, 2)
)

_MEASURED = (
    (FactKind.RESPIRATORY_RATE, RESPIRATORY_RATE),
    (FactKind.SYSTOLIC_BP, SYSTOLIC_BP),
    (FactKind.HEART_RATE, PULSE),
    (FactKind.TEMPERATURE, TEMPERATURE),
)
_OXYGEN_POINTS = 2
_ALTERED_POINTS = 3


@dataclass
class _Tally:
    parts: list[ScorePart] = field(default_factory=list)
    missing: list[FactKind] = field(default_factory=list)

    def add(self, kind: FactKind, points: int, *fact_ids: str) -> None:
        self.parts.append(ScorePart(kind=kind, points=points, fact_ids=fact_ids))


def points_for(value: Decimal, cells: tuple[Cell, ...]) -> int:
    """Points of ``value`` (in the chart's unit). A value between two cells takes the worse of the two.

    The chart is printed for whole numbers, and tenths of a degree; 91.6 % is between 91 and 92.
    """
    worst = 0
    for below, cell in zip((None, *cells), cells, strict=False):
        if cell.low is not None and value < cell.low:
            return max(worst, cell.points) if below is not None else cell.points
        if cell.high is None or value <= cell.high:
            return cell.points
        worst = cell.points
    raise AssertionError("the last cell of a chart is open")


def news2(record: IntakeRecord, *, spo2_scale: Literal[1, 2] = 1) -> ScoreResult:
    """NEWS2 for patients of 16 years and over who are not pregnant.

    ``spo2_scale`` 2 is for hypercapnic respiratory failure, prescribed by a clinician (target 88-92 %).
    Oxygen counts 2 points where a flow above 0 or an inspired fraction above 21 % is recorded; air must be
    recorded as flow 0 or fraction 21 %, else oxygen is named as missing. Consciousness: AVPU, else GCS.
    Bands: ``low`` 0-4, ``urgent`` 5-6 or any single parameter of 3, ``emergency`` 7 and over; with inputs
    missing the score is a lower bound and the band reads ``at least ...``.
    """
    name = "NEWS2" if spo2_scale == 1 else "NEWS2 (SpO2 scale 2)"
    why_not = _why_not(record)
    if why_not is not None:
        return ScoreResult(name=name, applicable=False, why_not=why_not, source=SOURCE)
    tally = _Tally()
    for kind, cells in _MEASURED:
        fact = record.first(kind)
        if fact is None or fact.value is None:
            tally.missing.append(kind)
        else:
            tally.add(kind, points_for(fact.value, cells), fact.id)
    on_oxygen = _count_oxygen(record, tally)
    _count_saturation(record, tally, spo2_scale, on_oxygen)
    _count_consciousness(record, tally)
    return _result(name, tally)


def _why_not(record: IntakeRecord) -> str | None:
    years = record.age_years
    if years is None:
        return "the age is not known; NEWS2 is for 16 years and over"
    if years < MIN_AGE_YEARS:
        return "under 16 years"
    if record.code(FactKind.PREGNANCY) == "pregnant":
        return "pregnant; use a modified obstetric early warning score"
    return None


def _count_oxygen(record: IntakeRecord, tally: _Tally) -> bool:
    flow, fraction = record.first(FactKind.OXYGEN_FLOW), record.first(FactKind.INSPIRED_OXYGEN)
    known = [fact for fact in (flow, fraction) if fact is not None and fact.value is not None]
    if not known:
        tally.missing.append(FactKind.OXYGEN_FLOW)
        return False
    given = [
        fact
        for fact in known
        if fact.value is not None and fact.value > (0 if fact.kind is FactKind.OXYGEN_FLOW else 21)
    ]
    shown = given or known
    tally.add(shown[0].kind, _OXYGEN_POINTS if given else 0, *(fact.id for fact in shown))
    return bool(given)


def _count_saturation(record: IntakeRecord, tally: _Tally, scale: int, on_oxygen: bool) -> None:
    fact = record.first(FactKind.OXYGEN_SATURATION)
    if fact is None or fact.value is None:
        tally.missing.append(FactKind.OXYGEN_SATURATION)
        return
    scale_2 = SPO2_SCALE_2_OXYGEN if on_oxygen else SPO2_SCALE_2_AIR
    cells = SPO2_SCALE_1 if scale == 1 else scale_2
    tally.add(FactKind.OXYGEN_SATURATION, points_for(fact.value, cells), fact.id)


def _count_consciousness(record: IntakeRecord, tally: _Tally) -> None:
    found = mentation(record)
    if found is None:
        tally.missing.append(FactKind.AVPU)
    else:
        tally.add(found.kind, _ALTERED_POINTS if found.altered else 0, *found.fact_ids)


def _result(name: str, tally: _Tally) -> ScoreResult:
    order = list(FactKind)
    missing = tuple(sorted(tally.missing, key=order.index))
    if not tally.parts:
        return ScoreResult(name=name, applicable=True, missing=missing, source=SOURCE)
    parts = tuple(sorted(tally.parts, key=lambda part: order.index(part.kind)))
    total = sum(part.points for part in parts)
    if total >= 7:
        band = "emergency"
    elif total >= 5 or any(part.points == 3 for part in parts):
        band = "urgent"
    else:
        band = "low"
    return ScoreResult(
        name=name,
        applicable=True,
        value=Decimal(total),
        complete=not missing,
        missing=missing,
        parts=parts,
        band=f"at least {band}" if missing else band,
        source=SOURCE,
    )
