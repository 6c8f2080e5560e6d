"""What is asked for by name: only what could make the suggestion more urgent."""

import pytest
from agent_parts import Recorded, answer, record, service
from hypothesis import given
from hypothesis import strategies as st

from agents.nodes.asking import asking_flag, wanted
from data_schemas import FactKind
from triage.guidelines import GuidelineLibrary

LIBRARY = GuidelineLibrary.load()
DANGER = {FactKind.HEART_RATE, FactKind.RESPIRATORY_RATE, FactKind.OXYGEN_SATURATION}


def kinds(level: int, **given) -> set[FactKind]:
    return {item.kind for item in wanted(record(**given), LIBRARY, level)}


@pytest.mark.parametrize(
    ("missing", "kind"),
    [
        ({"hr": None}, FactKind.HEART_RATE),
        ({"rr": None}, FactKind.RESPIRATORY_RATE),
        ({"spo2": None}, FactKind.OXYGEN_SATURATION),
        ({"sbp": None}, FactKind.SYSTOLIC_BP),
    ],
)
def test_a_sign_whose_danger_zone_is_open_is_asked_for(missing, kind):
    assert kinds(4, **missing) == {kind}
    assert kinds(1, **missing) == set()  # nothing is more urgent than 1


def test_nothing_is_asked_of_a_full_record():
    assert kinds(5) == set()


def test_consciousness_is_asked_for_where_nothing_speaks_for_it():
    assert FactKind.AVPU in kinds(3, pain=None)
    assert FactKind.AVPU not in kinds(3, pain=3)
    assert FactKind.AVPU not in kinds(3, pain=None, avpu="A")


def test_glucose_is_asked_for_where_it_matters():
    assert FactKind.GLUCOSE in kinds(2, complaint="confused and sweating", avpu="C")
    assert FactKind.GLUCOSE not in kinds(3)


async def test_the_assessment_says_what_to_ask_for(tmp_path):
    async with service(tmp_path, triager=Recorded(answer(4))) as opened:
        full = await opened.assess(record("test|Encounter/full"))
        assert full.assessment.ask_for == ()
        assert "ask_for" not in full.assessment.model_dump(mode="json")
        case = await opened.assess(record(rr=None, spo2=None, sbp=None))
        assessment = case.assessment
        assert set(assessment.ask_for) == {
            FactKind.RESPIRATORY_RATE,
            FactKind.OXYGEN_SATURATION,
            FactKind.SYSTOLIC_BP,
        }
        (flag,) = [flag for flag in assessment.flags if flag.code == "ask-for"]
        for name in ("respiratory rate", "oxygen saturation", "systolic blood pressure"):
            assert name in flag.message
        replayed = await opened.records.replay(case.id)
        assert replayed.identical, replayed.differences


@given(
    gone=st.sets(st.sampled_from(["hr", "rr", "spo2", "sbp", "pain"])),
    level=st.integers(1, 5),
)
def test_only_what_is_not_known_and_more_urgent_is_asked(gone, level):
    rec = record(**dict.fromkeys(gone))
    found = wanted(rec, LIBRARY, level)
    for item in found:
        assert rec.first(item.kind) is None
        assert item.level < level
        assert LIBRARY.by_id(item.statement_id) is not None
    if level >= 3:
        names = {
            "hr": FactKind.HEART_RATE,
            "rr": FactKind.RESPIRATORY_RATE,
            "spo2": FactKind.OXYGEN_SATURATION,
        }
        assert {names[name] for name in gone & names.keys()} <= {item.kind for item in found}
    assert (asking_flag(found) is None) == (not found)
