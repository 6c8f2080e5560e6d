"""What is typed into a note and into no field is named, looked at as if measured, and never makes anything calmer."""

import pytest
from agent_parts import Recorded, answer, service
from hypothesis import given
from hypothesis import strategies as st

from agents.nodes.written_signs import CODE, written_signs
from data_schemas import EsiVersion
from triage.esi import screen
from triage.guidelines import record_from

SHOCK = "BP 70/40 HR 130 SpO2 82% RA"
EMPTY = {"age": "60 a", "complaint": "weak"}


def found(level=3, **facts):
    return written_signs(record_from(facts), screen, EsiVersion.V5, level)


def test_signs_of_a_note_that_no_field_holds_are_named_and_judged():
    said = found(**EMPTY, note=SHOCK)
    assert said.flag.code == CODE
    assert said.level is not None
    assert said.level <= 2
    for part in ('"BP 70/40"', '"HR 130"', '"SpO2 82%"', f"level {said.level}"):
        assert part in said.flag.message


def test_normal_signs_are_named_and_nothing_more():
    said = found(**EMPTY, note="BP 124/76, HR 78, SpO2 98%")
    assert said.level is None
    assert "Enter it if it was measured now" in said.flag.message


def test_a_complaint_is_read_like_a_note():
    assert found(age="60 a", complaint="dizzy, BP 70/40").level <= 2


@pytest.mark.parametrize(
    "note", ["", "weak since noon", "mother's BP 70/40", "usual BP 85/50 at home", "BP 20/100"]
)
def test_what_is_not_the_patients_now_is_left_out(note):
    more = {"note": note} if note else {}
    assert found(**EMPTY, **more) is None


def test_what_the_record_holds_is_the_records():
    measured = {"hr": 80, "rr": 16, "spo2": 98, "temp": 37.0, "sbp": 120, "dbp": 70, "gcs": 15}
    assert found(**EMPTY, **measured, note=SHOCK) is None
    part = found(**EMPTY, hr=80, sbp=120, dbp=70, note=SHOCK)
    assert '"SpO2 82%"' in part.flag.message
    assert "HR" not in part.flag.message


def test_a_level_that_is_urgent_already_asks_for_nothing_more():
    assert found(level=1, **EMPTY, note=SHOCK).level is None


@given(st.text(max_size=120), st.integers(1, 5))
def test_no_text_makes_anything_less_urgent(note, level):
    said = found(level=level, **EMPTY, note=f"{note} BP 124/76 HR 80")
    assert said is None or said.level is None or said.level < level


@pytest.mark.parametrize("triager", [Recorded(answer(4)), None], ids=["model", "rules only"])
async def test_the_agent_asks_for_a_deliberate_look_and_widens_the_set(tmp_path, triager):
    async with service(tmp_path, triager=triager) as opened:
        case = await opened.assess(record_from({**EMPTY, "note": SHOCK}))
        plain = await opened.assess(
            record_from({**EMPTY, "note": "weak since noon"}).model_copy(
                update={"encounter_key": "tests|Encounter/other"}
            )
        )
    found, other = case.assessment, plain.assessment
    (flag,) = [flag for flag in found.flags if flag.code == CODE]
    assert flag.message in found.needs_human
    assert found.set_most_urgent <= 2
    assert found.level == other.level
    assert CODE not in [flag.code for flag in other.flags]
