"""Every edge of the danger-zone tables: strictly greater, half-open ages."""

from decimal import Decimal

import pytest

from data_schemas import EsiVersion, FactKind
from triage.esi import hypotension_limit, in_danger_zone, screen
from triage.guidelines import GuidelineLibrary, record_from

MONTH = Decimal("30.4375")
YEAR = Decimal("365.25")
HR, RR, SPO2 = FactKind.HEART_RATE, FactKind.RESPIRATORY_RATE, FactKind.OXYGEN_SATURATION
# version, first day, first day of the next band, heart rate, respiratory rate (ESI v4 and v5, danger zone vitals)
BANDS = [
    (EsiVersion.V5, Decimal(0), Decimal(28), 190, 60),
    (EsiVersion.V5, Decimal(28), 12 * MONTH, 180, 55),
    (EsiVersion.V5, 12 * MONTH, 3 * YEAR, 140, 40),
    (EsiVersion.V5, 3 * YEAR, 5 * YEAR, 120, 35),
    (EsiVersion.V5, 5 * YEAR, 12 * YEAR, 120, 30),
    (EsiVersion.V5, 12 * YEAR, 120 * YEAR, 100, 20),
    (EsiVersion.V4, Decimal(0), 3 * MONTH, 180, 50),
    (EsiVersion.V4, 3 * MONTH, 3 * YEAR, 160, 40),
    (EsiVersion.V4, 3 * YEAR, 8 * YEAR, 140, 30),
    (EsiVersion.V4, 8 * YEAR, 120 * YEAR, 100, 20),
]


@pytest.mark.parametrize(("version", "first", "end", "hr", "rr"), BANDS)
@pytest.mark.parametrize("place", ["first", "last"])
def test_band_edges(version: EsiVersion, first: Decimal, end: Decimal, hr: int, rr: int, place: str) -> None:
    age = first if place == "first" else end - Decimal("0.001")
    assert in_danger_zone(HR, Decimal(hr), age, version) is False
    assert in_danger_zone(HR, hr + Decimal("0.1"), age, version) is True
    assert in_danger_zone(RR, Decimal(rr), age, version) is False
    assert in_danger_zone(RR, rr + Decimal("0.1"), age, version) is True


@pytest.mark.parametrize("version", list(EsiVersion))
@pytest.mark.parametrize("age", [None, Decimal(0), 50 * YEAR])
def test_saturation_below_92_at_any_age(version: EsiVersion, age: Decimal | None) -> None:
    assert in_danger_zone(SPO2, Decimal("91.9"), age, version) is True
    assert in_danger_zone(SPO2, Decimal(92), age, version) is False


def test_unknown_is_not_normal() -> None:
    assert in_danger_zone(HR, None, 50 * YEAR) is None
    assert in_danger_zone(HR, Decimal(300), None) is None
    assert in_danger_zone(SPO2, None, 50 * YEAR) is None


@pytest.mark.parametrize(
    ("days", "limit"),
    [
        (0, 60),
        (27, 60),
        (28, 70),
        (364, 70),
        (366, 72),
        (731, 74),
        (5 * 365.25, 80),
        (3652, 88),
        (3653, 90),
        (30000, 90),
    ],
)
def test_hypotension_limits(days: float, limit: int) -> None:
    assert hypotension_limit(Decimal(str(days)))[0] == limit


@pytest.mark.parametrize(("version", "first", "end", "hr", "rr"), BANDS)
def test_the_statements_use_the_same_edges(
    version: EsiVersion, first: Decimal, end: Decimal, hr: int, rr: int
) -> None:
    library = GuidelineLibrary.load(version)

    def found(days: Decimal, **signs: int) -> set[str]:
        record = record_from({"age": f"{days} d", **signs})
        return {finding.statement.id for finding in screen(record, version, library).findings}

    inside = end - Decimal("0.01")
    assert "esi.d.hr" in found(inside, hr=hr + 1)
    assert "esi.d.hr" not in found(first, hr=hr)
    assert "esi.d.rr" in found(first, rr=rr + 1)
    assert "esi.d.rr" not in found(inside, rr=rr)


@pytest.mark.parametrize(
    ("age", "temperature", "floor"),
    [
        ("0 d", 38.1, 2),
        ("27 d", 38.1, 2),
        ("27 d", 38.0, None),
        ("28 d", 38.1, 2),
        ("89 d", 38.1, 2),
        ("89 d", 38.0, None),
        ("90 d", 38.1, None),
    ],
)
def test_fever_in_the_first_ninety_days_demands_level_two(
    age: str, temperature: float, floor: int | None
) -> None:
    assert screen(record_from({"age": age, "temp": temperature})).floor == floor


@pytest.mark.parametrize(
    ("age", "temperature", "considered"),
    [("90 d", 39.1, True), ("90 d", 39.0, False), ("90 d", 35.9, True), ("90 d", 36.0, False),
     ("1095 d", 39.1, True), ("1096 d", 39.1, False)],
)  # fmt: skip
def test_fever_from_three_months_asks_for_level_two(age: str, temperature: float, considered: bool) -> None:
    assert (2 in screen(record_from({"age": age, "temp": temperature})).considered) is considered
