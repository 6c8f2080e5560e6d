"""What changed between two records, and its direction."""

import pytest
from agent_parts import record
from hypothesis import given
from hypothesis import strategies as st

from agents import Trend
from agents.retriage import ChangeKind, record_changes
from data_schemas import EsiVersion, FactKind
from triage.esi import screen


def trend(kind: FactKind, before: dict, after: dict) -> Trend:
    one, two = record(**before), record(**after)
    (change,) = [c for c in record_changes(one, two, (screen(one), screen(two))) if c.kind is kind]
    assert change.why
    return change.trend


@pytest.mark.parametrize(
    ("kind", "before", "after", "expected"),
    [
        (FactKind.HEART_RATE, {"hr": 88}, {"hr": 140}, Trend.WORSE),
        (FactKind.HEART_RATE, {"hr": 140}, {"hr": 88}, Trend.BETTER),
        (FactKind.HEART_RATE, {"hr": 120}, {"hr": 150}, Trend.WORSE),  # still in the zone, further in
        (FactKind.HEART_RATE, {"hr": 150}, {"hr": 120}, Trend.BETTER),
        (FactKind.HEART_RATE, {"hr": 88}, {"hr": 38}, Trend.WORSE),  # NEWS2: slow is 3 points
        (FactKind.HEART_RATE, {"hr": 70}, {"hr": 80}, Trend.UNCLEAR),
        (FactKind.HEART_RATE, {"hr": None}, {"hr": 140}, Trend.WORSE),
        (FactKind.HEART_RATE, {"hr": None}, {"hr": 80}, Trend.UNCLEAR),  # known now: neither better nor worse
        (FactKind.HEART_RATE, {"hr": 140}, {"hr": None}, Trend.UNCLEAR),  # gone is not better
        (FactKind.OXYGEN_SATURATION, {"spo2": 98}, {"spo2": 91}, Trend.WORSE),
        (FactKind.OXYGEN_SATURATION, {"spo2": 91}, {"spo2": 85}, Trend.WORSE),
        (FactKind.OXYGEN_SATURATION, {"spo2": 97}, {"spo2": 94}, Trend.WORSE),
        (FactKind.SYSTOLIC_BP, {"sbp": 128}, {"sbp": 85}, Trend.WORSE),
        (FactKind.SYSTOLIC_BP, {"sbp": 85}, {"sbp": 75}, Trend.WORSE),
        (FactKind.SYSTOLIC_BP, {"sbp": 75}, {"sbp": 85}, Trend.BETTER),
        (FactKind.SYSTOLIC_BP, {"sbp": 85}, {"sbp": 128}, Trend.BETTER),
        (FactKind.PAIN, {"pain": 2}, {"pain": 5}, Trend.WORSE),
        (FactKind.PAIN, {"pain": 5}, {"pain": 2}, Trend.BETTER),
        (FactKind.AVPU, {"avpu": "A"}, {"avpu": "V"}, Trend.WORSE),
        (FactKind.AVPU, {"avpu": "V"}, {"avpu": "U"}, Trend.WORSE),
        (FactKind.AVPU, {"avpu": "P"}, {"avpu": "A"}, Trend.BETTER),
        (FactKind.AVPU, {}, {"avpu": "C"}, Trend.WORSE),
    ],
)
def test_the_direction(kind, before, after, expected):
    assert trend(kind, before, after) is expected


VITALS = st.fixed_dictionaries(
    {
        "hr": st.none() | st.integers(20, 220),
        "rr": st.none() | st.integers(4, 60),
        "spo2": st.none() | st.integers(60, 100),
        "sbp": st.none() | st.integers(40, 250),
        "pain": st.none() | st.integers(0, 10),
        "complaint": st.none() | st.sampled_from(["cough", "chest pain", "fall"]),
    }
)


@given(VITALS, VITALS)
def test_every_difference_is_named_once_and_turned_round_the_other_way(one, two):
    before, after = record(**one), record(**two)
    screened = (screen(before, EsiVersion.V5), screen(after, EsiVersion.V5))
    there = record_changes(before, after, screened)
    back = {c.kind: c for c in record_changes(after, before, screened[::-1])}
    assert {c.kind for c in there} == back.keys()
    assert len(there) == sum(one[name] != two[name] for name in one)
    opposite = {Trend.WORSE: Trend.BETTER, Trend.BETTER: Trend.WORSE, Trend.UNCLEAR: Trend.UNCLEAR}
    for change in there:
        other = back[change.kind]
        assert (change.before, change.after) == (other.after, other.before)
        if change.change is ChangeKind.VANISHED:
            assert change.trend is Trend.UNCLEAR
        elif change.change is ChangeKind.CHANGED:
            assert other.trend is opposite[change.trend]


@given(VITALS)
def test_nothing_new_is_no_change(one):
    assert record_changes(record(**one), record(**one)) == ()
