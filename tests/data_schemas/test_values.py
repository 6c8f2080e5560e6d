from datetime import UTC, datetime
from decimal import Decimal

import pytest
from pydantic import ValidationError

from data_schemas import (
    SCALES,
    AcuityScale,
    ClinicianReview,
    Fact,
    FactKind,
    FactSource,
    IntakeRecord,
    LevelProbabilities,
    PatientIdentity,
    ReviewDecision,
    ReviewerRole,
    is_more_urgent,
    most_urgent,
)

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)


def record(*facts: Fact) -> IntakeRecord:
    return IntakeRecord(
        encounter_key="test|Encounter/1",
        patient=PatientIdentity(reference="Patient/1"),
        read_at=NOW,
        facts=facts,
    )


def age(value: str, unit: str) -> Fact:
    return Fact(
        id="F1",
        kind=FactKind.AGE,
        text=f"{value} {unit}",
        value=Decimal(value),
        unit=unit,
        source=FactSource(resource_type="Patient", path="birthDate"),
    )


def test_level_1_is_the_most_urgent_on_every_scale():
    assert most_urgent(3, 1, 5) == 1
    assert is_more_urgent(1, than=2)
    for scale in SCALES.values():
        if scale.target_minutes is not None:
            assert list(scale.target_minutes) == sorted(scale.target_minutes)


def test_every_scale_is_defined():
    assert set(SCALES) == set(AcuityScale)


@pytest.mark.parametrize(
    ("value", "unit", "days"),
    [("12", "d", "12"), ("2", "wk", "14"), ("3", "mo", "91.3125"), ("71", "a", "25932.75")],
)
def test_age_in_days(value, unit, days):
    assert record(age(value, unit)).age_days == Decimal(days)


def test_unknown_is_none_and_never_a_number():
    empty = record()
    assert empty.age_days is None
    assert empty.age_years is None
    assert empty.number(FactKind.HEART_RATE) is None
    assert empty.code(FactKind.AVPU) is None


def test_values_are_frozen_and_refuse_unknown_fields():
    fact = age("3", "mo")
    with pytest.raises(ValidationError):
        fact.value = Decimal(4)
    with pytest.raises(ValidationError):
        Fact.model_validate({**fact.model_dump(), "colour": "red"})


def test_most_likely_prefers_the_more_urgent_of_equals():
    assert LevelProbabilities(p=(0.0, 0.4, 0.4, 0.1, 0.1)).most_likely == 2


@pytest.mark.parametrize("p", [(0.5, 0.5, 0.5, 0.0, 0.0), (-0.1, 0.5, 0.6, 0.0, 0.0), (0.2,) * 4])
def test_probabilities_must_be_a_distribution(p):
    with pytest.raises(ValidationError):
        LevelProbabilities(p=p)


def test_an_override_needs_a_reason():
    given = {
        "assessment_id": "a",
        "level": 2,
        "reviewer": "x",
        "role": ReviewerRole.NURSE,
        "decided_at": NOW,
    }
    with pytest.raises(ValidationError, match="needs a reason"):
        ClinicianReview(decision=ReviewDecision.OVERRIDE, **given)
    with pytest.raises(ValidationError, match="no override reason"):
        ClinicianReview(decision=ReviewDecision.ACCEPT, reason="other", **given)
