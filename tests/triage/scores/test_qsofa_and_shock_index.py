"""qSOFA and shock index: edges, ages, missing inputs."""

from collections.abc import Callable
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_schemas.intake import FactKind, IntakeRecord
from triage.scores import all_scores, qsofa, shock_index

Build = Callable[..., IntakeRecord]


@pytest.mark.parametrize(
    ("values", "points", "band"),
    [
        ({"respiratory_rate": 21, "systolic_bp": 101, "avpu": "A"}, 0, "negative"),
        ({"respiratory_rate": 22, "systolic_bp": 101, "avpu": "A"}, 1, "negative"),
        ({"respiratory_rate": 21, "systolic_bp": 100, "avpu": "A"}, 1, "negative"),
        ({"respiratory_rate": 21, "systolic_bp": 101, "avpu": "C"}, 1, "negative"),
        ({"respiratory_rate": 22, "systolic_bp": 100, "avpu": "A"}, 2, "positive"),
        ({"respiratory_rate": 22, "systolic_bp": 100, "gcs": 14}, 3, "positive"),
        ({"respiratory_rate": 22, "systolic_bp": 100}, 2, "at least positive"),
        ({"respiratory_rate": 16}, 0, "at least negative"),
    ],
)
def test_qsofa(build: Build, values: dict[str, object], points: int, band: str) -> None:
    result = qsofa(build(**values))
    assert (result.value, result.band) == (points, band)
    assert result.complete is (len(values) == 3)


def test_qsofa_is_for_adults(build: Build) -> None:
    assert not qsofa(build(age=17.9, respiratory_rate=30)).applicable
    assert not qsofa(build(age=None, respiratory_rate=30)).applicable
    assert qsofa(build(age=18, respiratory_rate=30)).applicable


def test_qsofa_of_nothing_has_no_value(build: Build) -> None:
    result = qsofa(build())
    assert result.value is None
    assert result.missing == (FactKind.RESPIRATORY_RATE, FactKind.SYSTOLIC_BP, FactKind.AVPU)


@pytest.mark.parametrize(
    ("age", "rate", "pressure", "band"),
    [
        (40, 90, 100, "not raised (threshold 0.9, adults)"),
        (40, 91, 100, "raised (threshold 0.9, adults)"),
        (17, 91, 100, "raised (threshold 0.9, adults)"),
        (16.9, 91, 100, "raised (threshold 0.9, SIPA for the age)"),
        (13, 90, 100, "not raised (threshold 0.9, SIPA for the age)"),
        (12.9, 100, 100, "not raised (threshold 1.0, SIPA for the age)"),
        (7, 101, 100, "raised (threshold 1.0, SIPA for the age)"),
        (6.9, 122, 100, "not raised (threshold 1.22, SIPA for the age)"),
        (4, 123, 100, "raised (threshold 1.22, SIPA for the age)"),
        (3.9, 160, 80, "no published threshold under 4 years"),
        (None, 160, 80, "no threshold: the age is not known"),
    ],
)
def test_shock_index_bands(build: Build, age: float | None, rate: int, pressure: int, band: str) -> None:
    result = shock_index(build(age=age, heart_rate=rate, systolic_bp=pressure))
    assert result.band == band
    assert result.complete
    assert [part.kind for part in result.parts] == [FactKind.HEART_RATE, FactKind.SYSTOLIC_BP]


def test_shock_index_is_judged_before_rounding(build: Build) -> None:
    result = shock_index(build(heart_rate="135.01", systolic_bp=150))
    assert result.value == Decimal("0.900")
    assert (result.band or "").startswith("raised")


def test_shock_index_needs_both_and_a_pressure(build: Build) -> None:
    assert shock_index(build(heart_rate=100)).missing == (FactKind.SYSTOLIC_BP,)
    assert shock_index(build(systolic_bp=100)).missing == (FactKind.HEART_RATE,)
    stopped = shock_index(build(heart_rate=100, systolic_bp=0))
    assert stopped.value is None
    assert "no measurable" in (stopped.why_not or "")
    assert not stopped.complete


@given(rate=st.integers(0, 250), pressure=st.integers(1, 250), more=st.integers(1, 50))
def test_faster_or_lower_never_lowers_the_index(build: Build, rate: int, pressure: int, more: int) -> None:
    base = shock_index(build(heart_rate=rate, systolic_bp=pressure)).value
    faster = shock_index(build(heart_rate=rate + more, systolic_bp=pressure)).value
    higher = shock_index(build(heart_rate=rate, systolic_bp=pressure + more)).value
    assert base is not None
    assert faster is not None
    assert higher is not None
    assert higher <= base <= faster


def test_all_scores_keep_their_order_and_name_their_source(build: Build) -> None:
    scores = all_scores(build(age=3))
    assert [score.name for score in scores] == ["NEWS2", "shock index", "qSOFA"]
    assert all(score.source for score in scores)
