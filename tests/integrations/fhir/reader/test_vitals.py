"""Vital signs: what is used, and for every bad input the exact finding."""

from dataclasses import replace
from decimal import Decimal

import pytest

from data_schemas import VITAL_SIGNS, FactKind, QualityIssue
from integrations.fhir.bundle import parse_json
from integrations.fhir.reader_settings import ReaderSettings

K, Q = FactKind, QualityIssue


def test_a_complete_visit_has_no_finding(visit):
    record = visit.record()
    assert record.findings == ()
    assert record.missing == ()
    assert {kind: record.number(kind) for kind in VITAL_SIGNS} == {
        K.HEART_RATE: 88,
        K.RESPIRATORY_RATE: 16,
        K.OXYGEN_SATURATION: 97,
        K.TEMPERATURE: Decimal("36.9"),
        K.SYSTOLIC_BP: 128,
        K.DIASTOLIC_BP: 76,
    }
    assert (record.number(K.PAIN), record.code(K.AVPU)) == (4, "A")
    assert [fact.id for fact in record.facts] == [f"F{i}" for i in range(1, len(record.facts) + 1)]
    pressure = record.first(K.DIASTOLIC_BP)
    assert (pressure.source.resource_type, pressure.source.resource_id) == ("Observation", "bp")
    assert pressure.source.path == "component[1].valueQuantity"


def test_decimals_stay_as_received(visit, make):
    visit.change(
        "temp",
        valueQuantity=parse_json(
            b'{"value": 98.60, "system": "http://unitsofmeasure.org", "code": "[degF]"}'
        ),
    )
    fact = visit.record().first(K.TEMPERATURE)
    assert fact.as_received == "98.60 [degF]"
    assert fact.value == 37


def vital(name, **fields):
    return lambda visit, make: visit.change(
        name, **{k: v(make) if callable(v) else v for k, v in fields.items()}
    )


def value(number, unit):
    return lambda make: make.quantity(number, unit)


BAD = {
    "no unit": ("hr", {"valueQuantity": value(88, None)}, Q.UNIT_MISSING, K.HEART_RATE),
    "unit without code": (
        "hr",
        {"valueQuantity": {"value": 88, "unit": "bpm"}},
        Q.UNIT_UNKNOWN,
        K.HEART_RATE,
    ),
    "code without system": (
        "hr",
        {"valueQuantity": {"value": 88, "code": "/min"}},
        Q.UNIT_UNKNOWN,
        K.HEART_RATE,
    ),
    "not a UCUM code": ("temp", {"valueQuantity": value(98.6, "degF")}, Q.UNIT_UNKNOWN, K.TEMPERATURE),
    "another dimension": ("temp", {"valueQuantity": value(36.9, "kg")}, Q.UNIT_UNKNOWN, K.TEMPERATURE),
    "number as text": ("temp", {"valueQuantity": value("98.6", "[degF]")}, Q.NOT_NUMERIC, K.TEMPERATURE),
    "valueString": ("temp", {"valueQuantity": None, "valueString": "98.6"}, Q.NOT_NUMERIC, K.TEMPERATURE),
    "true as value": ("hr", {"valueQuantity": value(True, "/min")}, Q.NOT_NUMERIC, K.HEART_RATE),
    "NaN": ("hr", {"valueQuantity": value(float("nan"), "/min")}, Q.NOT_NUMERIC, K.HEART_RATE),
    "a bound": (
        "spo2",
        {"valueQuantity": lambda make: {**make.quantity(70, "%"), "comparator": "<"}},
        Q.NOT_NUMERIC,
        K.OXYGEN_SATURATION,
    ),
    "no value": ("hr", {"valueQuantity": None}, Q.EMPTY, K.HEART_RATE),
    "quantity without value": ("hr", {"valueQuantity": {"unit": "/min"}}, Q.EMPTY, K.HEART_RATE),
    "quantity of another type": ("hr", {"valueQuantity": [88]}, Q.EMPTY, K.HEART_RATE),
    "a whole number without unit": (
        "hr",
        {"valueQuantity": None, "valueInteger": 88},
        Q.UNIT_MISSING,
        K.HEART_RATE,
    ),
    "pulse 0": ("hr", {"valueQuantity": value(0, "/min")}, Q.IMPOSSIBLE, K.HEART_RATE),
    "pulse 900": ("hr", {"valueQuantity": value(900, "/min")}, Q.IMPOSSIBLE, K.HEART_RATE),
    "pulse -5": ("hr", {"valueQuantity": value(-5, "/min")}, Q.IMPOSSIBLE, K.HEART_RATE),
    "pulse 1e30": ("hr", {"valueQuantity": value(Decimal("1e30"), "/min")}, Q.IMPOSSIBLE, K.HEART_RATE),
    "SpO2 140": ("spo2", {"valueQuantity": value(140, "%")}, Q.IMPOSSIBLE, K.OXYGEN_SATURATION),
    "SpO2 97 as fraction": ("spo2", {"valueQuantity": value(97, "1")}, Q.IMPOSSIBLE, K.OXYGEN_SATURATION),
    "9 degrees": ("temp", {"valueQuantity": value(9, "Cel")}, Q.IMPOSSIBLE, K.TEMPERATURE),
    "98.6 said to be Celsius": ("temp", {"valueQuantity": value(98.6, "Cel")}, Q.IMPOSSIBLE, K.TEMPERATURE),
    "pain 11": ("pain", {"valueQuantity": value(11, "{score}")}, Q.IMPOSSIBLE, K.PAIN),
    "entered in error": ("hr", {"status": "entered-in-error"}, Q.NOT_FINAL, K.HEART_RATE),
    "cancelled": ("hr", {"status": "cancelled"}, Q.NOT_FINAL, K.HEART_RATE),
    "preliminary": ("hr", {"status": "preliminary"}, Q.NOT_FINAL, K.HEART_RATE),
    "no status": ("hr", {"status": None}, Q.NOT_FINAL, K.HEART_RATE),
    "in the future": ("hr", {"effectiveDateTime": "2026-03-01T13:00:00Z"}, Q.FUTURE, K.HEART_RATE),
    "yesterday": ("hr", {"effectiveDateTime": "2026-02-28T11:45:00Z"}, Q.STALE, K.HEART_RATE),
    "unknown AVPU": (
        "avpu",
        {"valueCodeableConcept": {"text": "a bit drowsy"}},
        Q.UNREADABLE,
        K.AVPU,
    ),
    "AVPU code and words differ": (
        "avpu",
        {"valueCodeableConcept": lambda make: make.concept("LA9340-6", text="Unresponsive")},
        Q.CONTRADICTORY,
        K.AVPU,
    ),
    "no AVPU answer": ("avpu", {"valueCodeableConcept": None}, Q.EMPTY, K.AVPU),
    "about another patient": ("hr", {"subject": {"reference": "Patient/p2"}}, Q.CONTRADICTORY, None),
    "unknown code": ("hr", {"code": {"text": "Puls"}}, Q.UNREADABLE, None),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_vital_sign_is_named_and_not_used(case, visit, make):
    name, fields, issue, kind = BAD[case]
    vital(name, **fields)(visit, make)
    record = visit.record()
    of = {
        "hr": K.HEART_RATE,
        "temp": K.TEMPERATURE,
        "spo2": K.OXYGEN_SATURATION,
        "pain": K.PAIN,
        "avpu": K.AVPU,
    }[name]
    assert record.first(of) is None
    assert of in record.missing
    assert [(f.issue, f.kind) for f in record.findings] == [(issue, kind)]
    assert len(record.facts) == 10


def test_a_pulse_of_zero_sends_someone_to_the_patient(visit, make):
    visit.change("hr", valueQuantity=make.quantity(0, "/min"))
    (finding,) = visit.record().findings
    assert "Check the patient" in finding.message


def test_what_cannot_be_read_is_not_quoted(visit):
    visit.change("hr", valueQuantity={"value": "Erika Musterfrau", "code": "Erika", "unit": "Musterfrau"})
    assert "Erika" not in str(visit.record().findings)


@pytest.mark.parametrize(
    ("minutes", "pulse", "contradict"),
    [("47", 140, True), ("50", 140, True), ("51", 140, False), ("47", 118, False), ("47", 119, True)],
)
def test_readings_that_contradict_each_other(visit, make, minutes, pulse, contradict):
    visit.add(make.observation("hr2", "8867-4", pulse, "/min", at=f"11:{minutes}"))
    record = visit.record()
    if contradict:
        assert {(f.issue, f.kind) for f in record.findings} == {(Q.CONTRADICTORY, K.HEART_RATE)}
        assert K.HEART_RATE in record.missing
    else:
        assert record.findings == ()
        assert record.number(K.HEART_RATE) == pulse  # the latest
        assert [fact.value for fact in record.all(K.HEART_RATE)] == [pulse, 88]


def test_consciousness_that_changes_is_no_contradiction(visit, make):
    visit.add(make.observation("avpu2", "67775-7", at="11:47", valueCodeableConcept=make.concept("LA9343-0")))
    record = visit.record()
    assert record.findings == ()
    assert record.code(K.AVPU) == "U"


def test_consciousness_in_two_states_at_once_is(visit, make):
    visit.add(make.observation("avpu2", "80288-4", valueCodeableConcept=make.concept("LA9343-0")))
    assert visit.issues() == {(Q.CONTRADICTORY, K.AVPU)}


def test_the_same_reading_twice_is_used_once(visit, make):
    visit.add(make.observation("hr2", "8867-4", 88, "/min"))
    record = visit.record()
    assert {(f.issue, f.kind) for f in record.findings} == {(Q.DUPLICATE, K.HEART_RATE)}
    assert len(record.all(K.HEART_RATE)) == 1


def test_diastolic_above_systolic(visit, make):
    visit.change(
        "bp",
        component=[
            {"code": make.concept("8480-6"), "valueQuantity": make.quantity(70, "mm[Hg]")},
            {"code": make.concept("8462-4"), "valueQuantity": make.quantity(120, "mm[Hg]")},
        ],
    )
    record = visit.record()
    assert {f.issue for f in record.findings} == {Q.CONTRADICTORY}
    assert {K.SYSTOLIC_BP, K.DIASTOLIC_BP} <= set(record.missing)


def gcs(make, total, eye, verbal, motor):
    codes = {"9269-2": total, "9267-6": eye, "9270-0": verbal, "9268-4": motor}
    return [make.observation(f"g{code}", code, valueInteger=score) for code, score in codes.items()]


def test_gcs_with_its_parts(visit, make):
    record = visit.add(*gcs(make, 14, 4, 4, 6)).record()
    assert record.findings == ()
    assert [record.number(k) for k in (K.GCS, K.GCS_EYE, K.GCS_VERBAL, K.GCS_MOTOR)] == [14, 4, 4, 6]


def test_gcs_that_is_not_the_sum_of_its_parts(visit, make):
    record = visit.add(*gcs(make, 15, 4, 4, 6)).record()
    assert {(f.issue, f.kind) for f in record.findings} == {(Q.CONTRADICTORY, K.GCS)}
    assert record.first(K.GCS) is None
    assert record.first(K.GCS_EYE) is None


def test_half_a_gcs_point(visit, make):
    visit.add(make.observation("g", "9269-2", 14.5, "{score}"))
    assert visit.issues() == {(Q.IMPOSSIBLE, K.GCS)}


def test_separate_pressures_and_oxygen_components(visit, make):
    visit.drop("bp")
    visit.add(
        make.observation("s", "8480-6", 16, "kPa"),
        make.observation("d", "8462-4", 10, "kPa"),
    ).change(
        "spo2",
        component=[
            {"code": make.concept("3151-8"), "valueQuantity": make.quantity(2, "L/min")},
            {"code": make.concept("3150-0"), "valueQuantity": make.quantity(0.28, "1")},
        ],
    )
    record = visit.record()
    assert record.findings == ()
    assert record.number(K.SYSTOLIC_BP) == 120
    assert record.number(K.DIASTOLIC_BP) == 75
    assert record.number(K.OXYGEN_FLOW) == 2
    assert record.number(K.INSPIRED_OXYGEN) == 28


def test_no_vital_sign_at_all_is_named(visit):
    visit.drop("hr", "rr", "spo2", "temp", "bp")
    record = visit.record()
    assert [f.issue for f in record.findings] == [Q.MISSING]
    assert set(VITAL_SIGNS) <= set(record.missing)


def test_an_observation_of_another_visit_is_not_used(visit):
    visit.change("hr", encounter={"reference": "Encounter/other"})
    assert K.HEART_RATE in visit.record().missing
    assert visit.issues() == {(Q.UNREADABLE, None)}  # the other encounter is not here: perhaps a wrong id
    visit.add({"resourceType": "Encounter", "id": "other", "class": {"code": "AMB"}})
    assert K.HEART_RATE in visit.record().missing
    assert visit.record().findings == ()


@pytest.mark.parametrize(("at", "used"), [("11:45", True), ("11:26", True), ("11:20", False)])
def test_an_observation_without_encounter_counts_by_its_time(visit, at, used):
    visit.change("hr", encounter=None, effectiveDateTime=f"2026-03-01T{at}:00Z")
    record = visit.record()
    assert (record.first(K.HEART_RATE) is not None) is used
    assert record.findings == ()


def test_site_settings_map_local_codes_and_units(visit, make):
    visit.settings = ReaderSettings(
        local_codes={("urn:site", "P"): K.HEART_RATE}, unit_aliases={"bpm": "/min"}
    )
    visit.change("hr", code=make.concept("P", "urn:site"), valueQuantity={"value": 88, "unit": "bpm"})
    record = visit.record()
    assert record.number(K.HEART_RATE) == 88
    assert record.findings == ()


def test_glucose_codes_are_a_setting(visit, make):
    category = [make.concept("laboratory", "http://terminology.hl7.org/CodeSystem/observation-category")]
    visit.add(make.observation("sugar", "2339-0", 3.1, "mmol/L", category=category))
    assert visit.record().first(K.GLUCOSE) is None
    visit.settings = replace(visit.settings, glucose_codes=frozenset({"2339-0"}))
    assert visit.record().number(K.GLUCOSE) == Decimal("55.8")


def test_two_versions_of_one_observation(visit, make):
    visit.add(make.observation("hr", "8867-4", 130, "/min"))
    record = visit.record()
    assert [f.issue for f in record.findings] == [Q.CONTRADICTORY]
    assert K.HEART_RATE in record.missing


def test_one_observation_sent_twice(visit, make):
    visit.add(make.observation("hr", "8867-4", 88, "/min"))
    record = visit.record()
    assert [f.issue for f in record.findings] == [Q.DUPLICATE]
    assert record.number(K.HEART_RATE) == 88


def test_neither_encounter_nor_time_is_not_this_visit(visit):
    visit.change("hr", encounter=None, effectiveDateTime=None)
    assert visit.issues() == {(Q.UNREADABLE, K.HEART_RATE)}


def test_endless_defects_end_with_a_finding_that_says_so(visit, make):
    visit.add(*(make.observation(f"o{i}", "8867-4", 88, None) for i in range(300)))
    findings = visit.record().findings
    assert len(findings) == 201
    assert findings[-1].issue is Q.TRUNCATED


def test_a_monitors_stream_is_cut_to_the_latest_and_named(visit, make):
    visit.now = visit.now.replace(hour=18)
    visit.add(*(make.observation(f"o{i}", "8867-4", 90, "/min", at=f"12:{i:02d}") for i in range(40)))
    record = visit.record()
    assert len(record.all(K.HEART_RATE)) == 10
    assert record.first(K.HEART_RATE).observed_at.minute == 39
    assert visit.issues() == {(Q.TRUNCATED, K.HEART_RATE)}


def test_thousands_of_readings_do_not_hang(visit, make):
    visit.add(
        *(
            make.observation(f"o{i}", "8867-4", 40 + i % 200, "/min", at=f"11:{i % 9 + 41}")
            for i in range(3000)
        )
    )
    assert K.HEART_RATE in visit.record().missing
