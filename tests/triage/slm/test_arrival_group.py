"""Which arrivals have a decision rule of their own, and that a calibration keeps to it."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from data_schemas import Fact, FactKind, FactSource, IntakeRecord, LevelProbabilities, PatientIdentity
from triage.slm.arrival_group import ADULT_YEARS, NOTE_WORDS, ArrivalGroup, arrival_group
from triage.slm.calibration import Calibration, ScaleCalibration
from triage.slm.conformal import RiskPolicy

NARRATIVE, CHILD = ArrivalGroup.NARRATIVE, ArrivalGroup.CHILD


def arrival(*, years: int | None = None, months: int | None = None, words: int = 0) -> IntakeRecord:
    source = FactSource(resource_type="Test", path="x")
    facts = []
    if years is not None:
        facts.append(
            Fact(id="F1", kind=FactKind.AGE, text="age", value=Decimal(years), unit="a", source=source)
        )
    if months is not None:
        facts.append(
            Fact(id="F1", kind=FactKind.AGE, text="age", value=Decimal(months), unit="mo", source=source)
        )
    if words:
        facts.append(Fact(id="F2", kind=FactKind.TRIAGE_NOTE, text=" ".join(["word"] * words), source=source))
    return IntakeRecord(
        encounter_key="test|Encounter/1",
        patient=PatientIdentity(reference="Patient/1"),
        read_at=datetime(2026, 11, 20, 9, 0, tzinfo=UTC),
        facts=tuple(facts),
    )


@pytest.mark.parametrize(
    ("record", "group"),
    [
        (arrival(years=44), None),
        (arrival(), None),
        (arrival(years=ADULT_YEARS), None),
        (arrival(years=ADULT_YEARS - 1), CHILD),
        (arrival(months=5), CHILD),
        (arrival(years=44, words=NOTE_WORDS), NARRATIVE),
        (arrival(words=NOTE_WORDS - 1), None),
        (arrival(years=3, words=NOTE_WORDS), NARRATIVE),
        (arrival(years=3, words=NOTE_WORDS - 1), CHILD),
    ],
)
def test_a_record_is_of_one_group_or_none(record, group):
    assert arrival_group(record) is group


@given(st.sampled_from([None, 3, 44]), st.integers(0, 30), st.floats(0.05, 0.95), st.floats(0.05, 0.95))
def test_the_rule_is_the_groups_where_it_has_one(years, words, own, other):
    record = arrival(years=years, words=words)
    calibration = Calibration(
        "x", ScaleCalibration(high_threshold=other, groups={CHILD: ScaleCalibration(high_threshold=own)})
    )
    used = calibration.for_arrival(record)
    assert used.numbers.high_threshold == (own if arrival_group(record) is CHILD else other)
    assert (used.name, used.fitted) == (calibration.name, calibration.fitted)
    assert used.for_arrival(record).numbers == used.numbers


def test_a_group_changes_what_is_suggested():
    groups = {CHILD: ScaleCalibration(high_threshold=0.15)}
    calibration = Calibration("x", ScaleCalibration(high_threshold=0.4, groups=groups))
    p = LevelProbabilities(p=(0.0, 0.2, 0.5, 0.3, 0.0))
    assert calibration.for_arrival(arrival(years=40)).decide(p) == 3
    assert calibration.for_arrival(arrival(years=4)).decide(p) == 2


def test_a_bound_and_groups_do_not_go_together():
    bound = {"risk": "levels 1-2", "alpha": 0.1, "cases": 40, "missed": 2, "threshold": 0.05}
    policy = RiskPolicy.model_validate(
        {"bounds": [bound], "site": "west", "fitted_on": "made-up cases", "fitted": "2026-11-22"}
    )
    with pytest.raises(ValidationError, match="all patients alike"):
        ScaleCalibration(risk=policy, groups={CHILD: ScaleCalibration()})
    with pytest.raises(ValidationError, match="neither groups nor a bound"):
        ScaleCalibration(groups={CHILD: ScaleCalibration(risk=policy)})
    nested = ScaleCalibration(groups={NARRATIVE: ScaleCalibration()})
    with pytest.raises(ValidationError, match="neither groups nor a bound"):
        ScaleCalibration(groups={CHILD: nested})
