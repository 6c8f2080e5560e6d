"""NEWS2: every edge of every cell, missing inputs, monotony."""

import time
from collections.abc import Callable
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_schemas.intake import FactKind, IntakeRecord
from triage.scores import all_scores, news2
from triage.scores.news2 import (
    PULSE,
    RESPIRATORY_RATE,
    SPO2_SCALE_1,
    SPO2_SCALE_2_AIR,
    SPO2_SCALE_2_OXYGEN,
    SYSTOLIC_BP,
    TEMPERATURE,
    Cell,
    points_for,
)

Build = Callable[..., IntakeRecord]
CALM = {
    "respiratory_rate": 16,
    "oxygen_saturation": 98,
    "oxygen_flow": 0,
    "systolic_bp": 120,
    "heart_rate": 70,
    "avpu": "A",
    "temperature": 37,
}

EDGES = {
    "respiratory_rate": [
        (0, 3), (8, 3), (9, 1), (11, 1), (12, 0), (20, 0), (21, 2), (24, 2), (25, 3), (60, 3),
    ],
    "oxygen_saturation": [(50, 3), (91, 3), (92, 2), (93, 2), (94, 1), (95, 1), (96, 0), (100, 0), (91.6, 3)],
    "systolic_bp": [
        (0, 3), (90, 3), (91, 2), (100, 2), (101, 1), (110, 1), (111, 0), (219, 0), (220, 3), (300, 3),
    ],
    "heart_rate": [
        (0, 3), (40, 3), (41, 1), (50, 1), (51, 0), (90, 0), (91, 1), (110, 1), (111, 2), (130, 2), (131, 3),
    ],
    "temperature": [
        (20, 3), (35.0, 3), (35.1, 1), (36.0, 1), (36.1, 0), (38.0, 0), (38.1, 1), (39.0, 1), (39.1, 2),
        (42, 2), (35.05, 3), (36.05, 1), (38.05, 1), (39.05, 2),
    ],
}  # fmt: skip


@pytest.mark.parametrize(("kind", "value", "points"), [(k, *edge) for k, es in EDGES.items() for edge in es])
def test_every_edge_of_the_chart(build: Build, kind: str, value: float, points: int) -> None:
    result = news2(build(**{**CALM, kind: value}))
    part = next(part for part in result.parts if part.kind is FactKind(kind))
    assert part.points == points
    assert result.value == points
    assert result.complete


@pytest.mark.parametrize(
    ("saturation", "on_air", "on_oxygen"),
    [
        (80, 3, 3),
        (83, 3, 3),
        (84, 2, 2),
        (85, 2, 2),
        (86, 1, 1),
        (87, 1, 1),
        (88, 0, 0),
        (92, 0, 0),
        (93, 0, 1),
        (94, 0, 1),
        (95, 0, 2),
        (96, 0, 2),
        (97, 0, 3),
        (100, 0, 3),
    ],
)
def test_scale_2(build: Build, saturation: int, on_air: int, on_oxygen: int) -> None:
    air = news2(build(**{**CALM, "oxygen_saturation": saturation}), spo2_scale=2)
    oxygen = news2(build(**{**CALM, "oxygen_saturation": saturation, "oxygen_flow": 2}), spo2_scale=2)
    assert air.value == on_air
    assert oxygen.value == on_oxygen + 2
    assert air.name == "NEWS2 (SpO2 scale 2)"


@pytest.mark.parametrize(("code", "points"), [("A", 0), ("C", 3), ("V", 3), ("P", 3), ("U", 3)])
def test_avpu(build: Build, code: str, points: int) -> None:
    result = news2(build(**{**CALM, "avpu": code}))
    assert result.value == points
    assert result.band == ("urgent" if points else "low")


def test_gcs_counts_only_without_an_avpu(build: Build) -> None:
    without = {kind: value for kind, value in CALM.items() if kind != "avpu"}
    assert news2(build(**without, gcs=14)).value == 3
    assert news2(build(**without, gcs=15)).value == 0
    assert news2(build(**without, gcs=15)).complete
    assert news2(build(**CALM, gcs=14)).value == 0
    assert news2(build(**without, gcs_verbal=4)).value == 3
    assert news2(build(**without, gcs_eye=4, gcs_verbal=5, gcs_motor=6)).complete
    assert not news2(build(**without, gcs_eye=4)).complete


@pytest.mark.parametrize(
    ("oxygen", "points", "complete"),
    [
        ({"oxygen_flow": 0}, 0, True),
        ({"oxygen_flow": 2}, 2, True),
        ({"inspired_oxygen": 21}, 0, True),
        ({"inspired_oxygen": 24}, 2, True),
        ({"oxygen_flow": 0, "inspired_oxygen": 40}, 2, True),
        ({}, 0, False),
    ],
)
def test_oxygen(build: Build, oxygen: dict[str, int], points: int, complete: bool) -> None:
    rest = {kind: value for kind, value in CALM.items() if kind != "oxygen_flow"}
    result = news2(build(**rest, **oxygen))
    assert result.value == points
    assert result.complete is complete
    assert (FactKind.OXYGEN_FLOW in result.missing) is not complete


@pytest.mark.parametrize(
    ("changes", "value", "band"),
    [
        ({}, 0, "low"),
        ({"heart_rate": 111, "temperature": 39.1}, 4, "low"),
        ({"heart_rate": 131}, 3, "urgent"),
        ({"heart_rate": 111, "temperature": 39.1, "oxygen_saturation": 95}, 5, "urgent"),
        ({"heart_rate": 111, "temperature": 39.1, "oxygen_saturation": 93}, 6, "urgent"),
        ({"heart_rate": 111, "temperature": 39.1, "respiratory_rate": 25}, 7, "emergency"),
    ],
)
def test_bands(build: Build, changes: dict[str, float], value: int, band: str) -> None:
    result = news2(build(**{**CALM, **changes}))
    assert (result.value, result.band) == (value, band)


@pytest.mark.parametrize(
    ("record", "why"),
    [
        ({"age": 15.9}, "under 16"),
        ({"age": None}, "not known"),
        ({"age": 30, "pregnancy": "pregnant"}, "pregnant"),
    ],
)
def test_not_for_everyone(build: Build, record: dict[str, object], why: str) -> None:
    result = news2(build(**record, **CALM))
    assert not result.applicable
    assert result.value is None
    assert why in (result.why_not or "")


@pytest.mark.parametrize("record", [{"age": 16}, {"age": 30, "pregnancy": "not-pregnant"}])
def test_applies_from_sixteen(build: Build, record: dict[str, object]) -> None:
    assert news2(build(**record, **CALM)).applicable


def test_nothing_recorded_is_no_value(build: Build) -> None:
    result = news2(build())
    assert result.value is None
    assert result.band is None
    assert not result.complete
    assert len(result.missing) == 7


@pytest.mark.parametrize("kind", list(CALM))
def test_one_missing_is_named_and_makes_a_lower_bound(build: Build, kind: str) -> None:
    result = news2(build(**{name: value for name, value in CALM.items() if name != kind}))
    assert result.missing == (FactKind(kind),)
    assert not result.complete
    assert result.band == "at least low"


@given(data=st.data())
@settings(max_examples=60)
def test_forgetting_never_raises_the_score(build: Build, data: st.DataObject) -> None:
    values = {
        "respiratory_rate": data.draw(st.integers(0, 60)),
        "oxygen_saturation": data.draw(st.integers(50, 100)),
        "oxygen_flow": data.draw(st.integers(0, 15)),
        "systolic_bp": data.draw(st.integers(40, 260)),
        "heart_rate": data.draw(st.integers(0, 220)),
        "avpu": data.draw(st.sampled_from("ACVPU")),
        "temperature": data.draw(st.integers(300, 420)) / 10,
    }
    kept = data.draw(st.sets(st.sampled_from(list(values)), min_size=1))
    scale = data.draw(st.sampled_from([1, 2]))
    full = news2(build(**values), spo2_scale=scale)
    part = news2(build(**{k: v for k, v in values.items() if k in kept}), spo2_scale=scale)
    assert full.value is not None
    assert part.value is not None
    assert part.value <= full.value
    assert full.value == sum(p.points for p in full.parts)


@pytest.mark.parametrize(
    ("cells", "best"),
    [
        (RESPIRATORY_RATE, 16),
        (SPO2_SCALE_1, 100),
        (SPO2_SCALE_2_AIR, 100),
        (SPO2_SCALE_2_OXYGEN, 90),
        (SYSTOLIC_BP, 150),
        (PULSE, 70),
        (TEMPERATURE, 37),
    ],
)
@given(first=st.integers(0, 3000), second=st.integers(0, 3000))
@settings(max_examples=100)
def test_further_from_normal_never_scores_less(
    cells: tuple[Cell, ...], best: int, first: int, second: int
) -> None:
    a, b = Decimal(first) / 10, Decimal(second) / 10
    near, far = sorted((a, b), key=lambda value: abs(value - best))
    if (near - best) * (far - best) >= 0:
        assert points_for(near, cells) <= points_for(far, cells)


def test_cells_touch(build: Build) -> None:
    for cells in (RESPIRATORY_RATE, SPO2_SCALE_1, SPO2_SCALE_2_OXYGEN, SYSTOLIC_BP, PULSE):
        assert all(below.high is not None and above.low == below.high + 1 for below, above in pairwise(cells))


def test_all_scores_take_under_a_millisecond_each(build: Build) -> None:
    record = build(**CALM)
    all_scores(record)
    started = time.perf_counter()
    for _ in range(100):
        all_scores(record)
    assert (time.perf_counter() - started) / 300 < 0.001
