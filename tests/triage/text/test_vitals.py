"""What prose says about a patient: each sign with its offsets, and what must not be taken."""

import time
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_schemas.intake import CANONICAL_UNITS, FactKind, QualityIssue
from triage.facts import CODE_TEXTS
from triage.text.vitals import facts_in_text, mentions


def said(text: str, kind: FactKind) -> list[str]:
    """Values or codes of ``kind``, the one to use first."""
    return [str(m.value) if m.value is not None else str(m.code) for m in mentions(text) if m.kind is kind]


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("HR 160", FactKind.HEART_RATE, "160"),
        ("Hr 100, BP 130/80", FactKind.HEART_RATE, "100"),
        ("heart rate of 160", FactKind.HEART_RATE, "160"),
        ("Heart rate: 160: respiratory rate 48", FactKind.HEART_RATE, "160"),
        ("the patient's heart rate is 106", FactKind.HEART_RATE, "106"),
        ("pulse 88 and regular", FactKind.HEART_RATE, "88"),
        ("Pulse is tachycardic at a rate of 140", FactKind.HEART_RATE, "140"),
        ("T 98.6, P 88, R 18, BP 120/70", FactKind.HEART_RATE, "88"),
        ("T 98.6, P 88, R 18, BP 120/70", FactKind.RESPIRATORY_RATE, "18"),
        ("RR 24", FactKind.RESPIRATORY_RATE, "24"),
        ("respiratory rate 48", FactKind.RESPIRATORY_RATE, "48"),
        ("respirations are 22 and shallow", FactKind.RESPIRATORY_RATE, "22"),
        ("RR 22 breaths/ minute", FactKind.RESPIRATORY_RATE, "22"),
        ("BP 120/70", FactKind.SYSTOLIC_BP, "120"),
        ("BP 120/70", FactKind.DIASTOLIC_BP, "70"),
        ("blood pressure of 210/120", FactKind.SYSTOLIC_BP, "210"),
        ("blood pressure is 120 / 70", FactKind.DIASTOLIC_BP, "70"),
        ("VS: 118/78, HR 88", FactKind.SYSTOLIC_BP, "118"),
        ("BP 92/pal, HR 130", FactKind.SYSTOLIC_BP, "92"),
        ("BP 70/palp", FactKind.SYSTOLIC_BP, "70"),
        ("a blood pressure of 80 palpable", FactKind.SYSTOLIC_BP, "80"),
        ("SpO2 is 95% on room air", FactKind.OXYGEN_SATURATION, "95"),
        ("SpO2 is 95% on room air", FactKind.INSPIRED_OXYGEN, "21"),
        ("SpO2, 98% RA.", FactKind.INSPIRED_OXYGEN, "21"),
        ("oxygen saturation of 97% on room air", FactKind.OXYGEN_SATURATION, "97"),
        ("displaying a saturation of 79 percent", FactKind.OXYGEN_SATURATION, "79"),
        ("O2 97%.", FactKind.OXYGEN_SATURATION, "97"),
        ("O2 sat 88 on 4 L nasal cannula", FactKind.OXYGEN_SATURATION, "88"),
        ("O2 sat 88 on 4 L nasal cannula", FactKind.OXYGEN_FLOW, "4"),
        ("on 15 L/min by non-rebreather", FactKind.OXYGEN_FLOW, "15"),
        ("2 liters of oxygen", FactKind.OXYGEN_FLOW, "2"),
        ("SpO2 92% on 3L, RR 20", FactKind.OXYGEN_FLOW, "3"),
        ("Pain: 8, T 98.6", FactKind.PAIN, "8"),
        ("Brought by mother HR 160", FactKind.HEART_RATE, "160"),
        ("pain 8/10", FactKind.PAIN, "8"),
        ("rates her pain as 10/10", FactKind.PAIN, "10"),
        ("low abdominal pain (6/10) for about 4 days", FactKind.PAIN, "6"),
        ("right lower quadrant pain, 5/10, all day", FactKind.PAIN, "5"),
        ("with 9/10 abdominal pain", FactKind.PAIN, "9"),
        ("headache, 7 out of 10", FactKind.PAIN, "7"),
        ("pain score of 4", FactKind.PAIN, "4"),
        ("GCS 14", FactKind.GCS, "14"),
        ("has a Glasgow Coma Scale score of 14.", FactKind.GCS, "14"),
        ("GCS 13/15", FactKind.GCS, "13"),
        ("E3V4M6", FactKind.GCS_VERBAL, "4"),
        ("blood glucose 54 mg/dL", FactKind.GLUCOSE, "54"),
        ("glucose 3.0 mmol/L", FactKind.GLUCOSE, "54.0"),
        ("fingerstick 312", FactKind.GLUCOSE, "312"),
        ("weighs 12.4 kg", FactKind.WEIGHT, "12.4"),
        ("weight 22 lbs", FactKind.WEIGHT, "9.98"),
    ],
)
def test_numbers(text: str, kind: FactKind, value: str) -> None:
    assert said(text, kind) == [value]


@pytest.mark.parametrize(
    ("text", "celsius"),
    [
        ("temperature 102.2\u00b0F", "39.0"),
        ("T 38.4 C", "38.4"),
        ("T 36.7\u00b0C (98\u00b0F), HR 120", "36.7"),
        ("Temperature: 100.8\u00b0 F (38.2\u00b0 C); Heart rate: 160", "38.2"),
        ("T 97\u02daF", "36.1"),
        ("T.98\u02daF", "36.7"),
        ("T102, HR 128", "38.9"),
        ("T102F, HR 128", "38.9"),
        ("T is 38.4", "38.4"),
        ("temperature 102.0.", "38.9"),
        ("temp of 39", "39"),
        ("a fever of 100.8F", "38.2"),
        ("temperature 39\u00b0C rectal", "39"),
        ("febrile to 103", "39.4"),
        ("her temperature at the desk is 38.3\u00b0C", "38.3"),
    ],
)
def test_temperatures(text: str, celsius: str) -> None:
    assert said(text, FactKind.TEMPERATURE) == [celsius]


@pytest.mark.parametrize(
    "text",
    [
        "T 991. HR 112",
        "temp 60",
        "T 12",
        "T2 lesion",
        "IT 40",
        "at 40",
        "temperature 50",
        "tetanus 99",
        "TB 38",
    ],
)
def test_a_temperature_that_is_not_certain_is_not_taken(text: str) -> None:
    assert said(text, FactKind.TEMPERATURE) == []


@pytest.mark.parametrize(
    ("text", "value", "unit"),
    [
        ("88-year-old female with pain", "88", "a"),
        ("6-month-old", "6", "mo"),
        ("3-week-old male with poor feeding", "3", "wk"),
        ("14-day-old baby with a fever", "14", "d"),
        ("22 month old with fever", "22", "mo"),
        ("5 yo boy", "5", "a"),
        ("5 y/o boy", "5", "a"),
        ("62-year- old male", "62", "a"),
        ("9 year olf male", "9", "a"),
        ("45F with chest pain", "45", "a"),
        ("45 years of age", "45", "a"),
        ("45 yo F with chest pain", "45", "a"),
        ("Patient aged 71 with a fall", "71", "a"),
        ("A 14-year-old with rash on feet", "14", "a"),
        ("reports the daughter of a 72-year-old female", "72", "a"),
        ("Her husband is 60 years old. The patient is a 58-year-old woman.", "58", "a"),
        ("A 40-year-old male brought by his 10-year-old son", "40", "a"),
        ("Mother brings her 3-year-old son with a cough", "3", "a"),
        ("3-day-old laceration in a 20-year-old man", "20", "a"),
    ],
)
def test_ages(text: str, value: str, unit: str) -> None:
    assert [(str(m.value), m.unit) for m in mentions(text) if m.kind is FactKind.AGE] == [(value, unit)]


@pytest.mark.parametrize(
    "text",
    [
        "her husband is 60 years old",
        "wife of 56 years died",
        "2 weeks ago",
        "for 3 days",
        "a 3-day-old wound",
        "her 10-year-old sister had it",
        "heart attack 6 years ago",
        "5 mg of morphine",
    ],
)
def test_what_is_no_age_of_the_patient(text: str) -> None:
    assert said(text, FactKind.AGE) == []


@pytest.mark.parametrize(
    ("text", "sex"),
    [
        ("88-year-old female", ["female"]),
        ("20-year-old tall thin male with", ["male"]),
        ("A 60-year-old man requests", ["male"]),
        ("Healthy 29-year-old assigned female at birth", ["female"]),
        ("45M with chest pain", ["male"]),
        ("5 yo F", ["female"]),
        ("A young male walks into triage", ["male"]),
        ("30-year-old transgender male", []),
        ("A 46-year-old asthmatic using her inhaler", []),
        ("A 10-year-old with a sick male cat", []),
    ],
)
def test_sex(text: str, sex: list[str]) -> None:
    assert said(text, FactKind.SEX) == sex


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("28 weeks pregnant", ["pregnant"]),
        ("The patient is 7 months pregnant", ["pregnant"]),
        ("\u201cI\u2019m 7 weeks pregnant, and every time", ["pregnant"]),
        ("I think I\u2019m pregnant", []),
        ("she might be pregnant", []),
        ("his wife is pregnant", []),
        ("not pregnant", ["not-pregnant"]),
        ("I had a baby 5 weeks ago", ["postpartum"]),
        ("10 days postpartum", ["postpartum"]),
        ("She is 3 months post partum", []),
        ("8 weeks of pain", []),
    ],
)
def test_pregnancy(text: str, codes: list[str]) -> None:
    assert said(text, FactKind.PREGNANCY) == codes


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("He is alert and oriented", ["A"]),
        ("not alert", []),
        ("She is usually awake, alert, and oriented. She has become increasingly confused", ["C", "A"]),
        ("wears a medical alert bracelet", []),
        ("responds to verbal stimuli but is disoriented", ["V"]),
        ("responds only to painful stimuli", ["P"]),
        ("found unresponsive by parents", ["U"]),
        ("The patient is usually unresponsive.", []),
        ("was unresponsive, now alert", ["A"]),
        ("no response to pain", ["U"]),
        ("confused (at baseline per daughter)", []),
        ("alert but newly confused", ["C", "A"]),
        ("stroke alert called at 10:00", []),
        ("Trauma alert activated", []),
        ("isn\u2019t alert", []),
        ("alert to voice only", ["V"]),
        ("fever unresponsive to acetaminophen", []),
        ("pupils unresponsive to light", []),
        ("unresponsive to pain", ["U"]),
        ("responds to pain medication", []),
        ("found by his wife unresponsive", ["U"]),
        ("his wife is unresponsive", []),
    ],
)
def test_consciousness(text: str, codes: list[str]) -> None:
    assert said(text, FactKind.AVPU) == codes


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("EMS arrives with a man", ["ambulance"]),
        ("brought in by EMS", ["ambulance"]),
        ("presents via ambulance.", ["ambulance"]),
        ("brought in by  ambulance", ["ambulance"]),
        ("brought in by the police", ["police"]),
        ("The local police arrive with a man", ["police"]),
        ("walks into triage", ["walk-in"]),
        ("is wheeled into triage", ["wheelchair"]),
        ("airlifted from the scene", ["helicopter"]),
        ("drove herself", ["private"]),
        ("he was defibrillated once by the paramedics", []),
        ("brought by his son", []),
    ],
)
def test_arrival(text: str, codes: list[str]) -> None:
    assert said(text, FactKind.ARRIVAL_MODE) == codes


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("her baseline BP is 90/60", FactKind.SYSTOLIC_BP),
        ("usually HR 50", FactKind.HEART_RATE),
        ("states her SpO2 is 90 to 91% at home", FactKind.OXYGEN_SATURATION),
        ("SpO2 90-92%", FactKind.OXYGEN_SATURATION),
        ("HR in the 140s", FactKind.HEART_RATE),
        ("HR 140s", FactKind.HEART_RATE),
        ("a temperature of 101\u00b0F (38.3\u00b0C) last night", FactKind.TEMPERATURE),
        ("a fever of 38.7\u00b0C at home", FactKind.TEMPERATURE),
        ("fetal heart rate 150", FactKind.HEART_RATE),
        ("his mother's heart rate was 120", FactKind.HEART_RATE),
        ("took 80 mg aspirin, BP medication 10 mg", FactKind.SYSTOLIC_BP),
        ("strength 2/5, reflexes 2/10", FactKind.PAIN),
        ("+2 pedal pulse", FactKind.HEART_RATE),
        ("Peak expiratory flow rate 200", FactKind.HEART_RATE),
        ("glucose 30", FactKind.GLUCOSE),
        ("on 10/10/2020 she fell", FactKind.PAIN),
        ("weight loss of 10 kg", FactKind.WEIGHT),
    ],
)
def test_what_is_of_another_time_person_or_thing_is_not_taken(text: str, kind: FactKind) -> None:
    assert said(text, kind) == []


def test_a_later_reading_comes_first() -> None:
    assert said("HR 130 on arrival. HR 110 after fluids.", FactKind.HEART_RATE) == ["110", "130"]


def test_facts_point_at_the_very_characters() -> None:
    text = "A 45-year-old woman, BP 92/50mm Hg, T 102\u00b0F, pain 8/10."
    facts, findings = facts_in_text(
        text, resource_type="Observation", path="Observation.note.text", resource_id="7"
    )
    assert findings == ()
    assert [fact.text for fact in facts] == [
        "45 y",
        "female",
        "T 38.9 C",
        "SBP 92 mmHg",
        "DBP 50 mmHg",
        "pain 8/10",
    ]
    for fact in facts:
        assert text[fact.source.start : fact.source.end] == fact.as_received
        assert fact.source.resource_id == "7"


def test_the_impossible_is_a_finding() -> None:
    facts, findings = facts_in_text("pain is 20/10, BP 80/120, HR 900", resource_type="x", path="y")
    assert facts == ()
    assert {(finding.issue, finding.kind) for finding in findings} == {
        (QualityIssue.IMPOSSIBLE, FactKind.PAIN),
        (QualityIssue.IMPOSSIBLE, FactKind.HEART_RATE),
        (QualityIssue.CONTRADICTORY, FactKind.SYSTOLIC_BP),
        (QualityIssue.CONTRADICTORY, FactKind.DIASTOLIC_BP),
    }


PIECES = st.sampled_from(
    [
        "HR ",
        "BP ",
        "T ",
        "98.6",
        "120/70",
        "36",
        " year-old",
        "\u00b0F",
        "alert",
        " pain",
        "/10",
        "\n",
        ".",
        "mother ",
    ]
)


@given(st.one_of(st.text(), st.lists(PIECES).map("".join)))
def test_any_text_gives_well_formed_mentions(text: str) -> None:
    for mention in mentions(text):
        assert text[mention.start : mention.end] == mention.as_received
        assert mention.as_received
        if mention.kind in CANONICAL_UNITS:
            assert mention.unit == CANONICAL_UNITS[mention.kind]
            assert isinstance(mention.value, Decimal)
        elif mention.kind is not FactKind.AGE:
            assert mention.code in CODE_TEXTS[mention.kind]
    facts_in_text(text, resource_type="x", path="y")


def test_a_long_note_is_read_in_good_time() -> None:
    text = "58-year-old man, HR 104, BP 120/70, T 99.1, pain 4/10, alert, 2 L nasal cannula; " * 100
    started = time.process_time()
    assert len(mentions(text)) > 500
    assert time.process_time() - started < 3
    started = time.process_time()
    mentions("pain " + "1 " * 5_000 + "a" * 5_000 + " (" * 5_000 + " a 5 year old" + " tall" * 5_000)
    assert time.process_time() - started < 3


@given(
    st.integers(20, 250), st.sampled_from(["HR {}", "heart rate of {}", "pulse {} bpm", "Heart rate: {}."])
)
def test_a_rate_survives_the_round_trip(rate: int, template: str) -> None:
    assert said(f"Looks unwell, {template.format(rate)}", FactKind.HEART_RATE) == [str(rate)]
