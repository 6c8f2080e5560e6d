"""Nothing from after triage, and no level already given, reaches the facts."""

import time
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_schemas import FactKind, QualityIssue
from integrations.fhir.leaks import strip_acuity
from triage.text.instructions import holds_instruction

K, Q = FactKind, QualityIssue
ICD = "http://hl7.org/fhir/sid/icd-10-cm"
SNOMED = "http://snomed.info/sct"
CATEGORY = "http://terminology.hl7.org/CodeSystem/condition-category"


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("ESI Level 3", ""),
        ("ESI: 2 chest pain", "chest pain"),
        ("chest pain, ESI-3", "chest pain"),
        ("chest pain ESI3", "chest pain"),
        ("esi level two, cough", "cough"),
        ("ESI was a 2", ""),
        ("ESI v4 level 3 pale", "pale"),
        ("ESI version 5: level 2", ""),
        ("ESI (1-5): 3", ""),
        ("ESI 2/5 fever", "fever"),
        ("Emergency Severity Index 2", ""),
        ("KTAS 3", ""),
        ("KTAS：3등급", ""),
        ("CTAS level III", ""),
        ("MTS orange", ""),
        ("triage level 3, cough", "cough"),
        ("given triage category 1 on arrival", "given on arrival"),
        ("Triaged as category 2", ""),
        ("level 2 triage", ""),
        ("acuity 2", ""),
        ("Acuity: 3 (urgent), pale", "pale"),
        ("Level of acuity: 3", ""),
        ("cough (ESI 3) and fever", "cough and fever"),
        ("Triage level: ESI Level 4\nArrival mode: walk-in", "Arrival mode: walk-in"),
    ],
)
def test_a_stated_level_is_taken_out(text, left):
    assert strip_acuity(text) == (left, True)


@pytest.mark.parametrize(
    "text",
    [
        "visual acuity 6/9",
        "visual acuity 2 lines worse",
        "acuity 20/40 left eye",
        "triage 2 hours ago, then vomited",
        "triage: 3 yo boy with cough",
        "triage 38.5 C",
        "At triage I saw a pale man",
        "level 1 trauma",
        "pain level 8",
        "pain 5/10 at triage",
        "desirous 2",
        "- cough\n- fever (39)",
    ],
)
def test_other_text_stays_as_it_is(text):
    assert strip_acuity(text) == (text, False)


@given(
    st.text(max_size=80),
    st.sampled_from(["ESI level 2", "KTAS 3", "triage level 4", "ESI: 1"]),
    st.text(max_size=80),
)
def test_no_level_survives_between_other_words(before, level, after):
    stripped, found = strip_acuity(f"{before} {level} ; {after}")
    assert found
    assert strip_acuity(stripped) == (stripped, False)


@pytest.mark.parametrize("code", ["75636-1", "11283-9"])
def test_an_acuity_observation_is_left_out(visit, make, code):
    visit.add(make.observation("a", code, valueCodeableConcept=make.concept("LA21753-1", text="3")))
    record = visit.record()
    assert [f.issue for f in record.findings] == [Q.ACUITY_STRIPPED]
    assert "LA21753-1" not in record.model_dump_json()


def test_an_acuity_observation_under_a_local_code(visit, make):
    visit.add({**make.observation("a", "T1", valueInteger=2), "code": {"text": "Triage level"}})
    assert visit.issues() == {(Q.ACUITY_STRIPPED, None)}
    other = {**make.observation("b", "T2", valueInteger=2), "code": make.concept("T2", "urn:site")}
    visit.settings = replace(visit.settings, acuity_codes=frozenset({("urn:site", "T2")}))
    assert len(visit.add(other).record().findings) == 2


def test_a_level_in_complaint_and_note_is_taken_out(visit, make):
    visit.change("e1", reasonCode=[{"text": "chest pain, ESI 2"}]).add(make.note("Pale.\nTriage level: 2"))
    record = visit.record()
    assert {(f.issue, f.kind) for f in record.findings} == {
        (Q.ACUITY_STRIPPED, K.CHIEF_COMPLAINT),
        (Q.ACUITY_STRIPPED, K.TRIAGE_NOTE),
    }
    assert record.first(K.CHIEF_COMPLAINT).text == "chest pain"
    assert record.first(K.TRIAGE_NOTE).text == "Pale."


def test_a_level_in_encounter_priority_is_named(visit, make):
    visit.change("e1", priority=make.concept("2", "urn:esi"))
    assert visit.issues() == {(Q.ACUITY_STRIPPED, None)}


def lab(make, code="718-7", **more):
    category = [make.concept("laboratory", "http://terminology.hl7.org/CodeSystem/observation-category")]
    return make.observation("lab", code, 9.1, "g/dL", category=category, **more)


def test_laboratory_results_are_left_out(visit, make):
    visit.add(lab(make))
    assert visit.issues() == {(Q.LATER_STRIPPED, None)}


@pytest.mark.parametrize(("at", "used"), [("11:55", True), ("13:30", False)])
def test_point_of_care_glucose_counts_within_the_window(visit, make, at, used):
    visit.now = visit.now.replace(hour=15)
    visit.change("e1", status="in-progress")
    sugar = lab(make, "41653-7", at=at)
    sugar["valueQuantity"] = make.quantity(54, "mg/dL")
    record = visit.add(sugar).record()
    assert (record.number(K.GLUCOSE) == 54) is used
    assert ({f.issue for f in record.findings} == {Q.LATER_STRIPPED}) is not used


@pytest.mark.parametrize(
    ("status", "used"),
    [("planned", True), ("arrived", True), ("triaged", False), ("in-progress", False), ("finished", False)],
)
def test_vital_signs_after_the_window_count_only_while_the_patient_waits(visit, status, used):
    visit.now = visit.now.replace(hour=15)
    visit.change("e1", status=status).change("hr", effectiveDateTime="2026-03-01T13:10:00Z")
    record = visit.record()
    assert (record.first(K.HEART_RATE) is not None) is used
    assert ((Q.LATER_STRIPPED, K.HEART_RATE) in visit.issues()) is not used


def test_the_window_ends_when_triage_ended(visit):
    visit.now = visit.now.replace(hour=15)
    history = [{"status": "triaged", "period": {"start": "2026-03-01T13:15:00Z"}}]
    visit.change("e1", status="in-progress", statusHistory=history)
    visit.change("hr", effectiveDateTime="2026-03-01T13:10:00Z")
    assert visit.record().number(K.HEART_RATE) == 88


def test_a_day_without_time_is_not_known_to_be_before_triage(visit):
    visit.change("hr", effectiveDateTime="2026-03-01")
    assert visit.record().number(K.HEART_RATE) == 88  # arrived: whatever is there was known
    visit.change("e1", status="finished")
    assert (Q.LATER_STRIPPED, K.HEART_RATE) in visit.issues()


def test_no_time_at_all(visit):
    visit.change("hr", effectiveDateTime=None)
    assert visit.record().number(K.HEART_RATE) == 88
    visit.change("e1", status="in-progress")
    assert (Q.UNREADABLE, K.HEART_RATE) in visit.issues()


def test_a_time_without_zone_is_not_read(visit):
    visit.change("e1", status="in-progress").change("hr", effectiveDateTime="2026-03-01T11:45:00")
    assert (Q.UNREADABLE, K.HEART_RATE) in visit.issues()


def reason(code, system=ICD, text="Acute myocardial infarction"):
    return [{"coding": [{"system": system, "code": code, "display": text}], "text": text}]


@pytest.mark.parametrize(
    ("status", "code", "system", "kept"),
    [
        ("finished", "I21.9", ICD, False),
        ("in-progress", "I21.9", ICD, False),
        ("triaged", "I21.9", ICD, True),
        ("arrived", "I21.9", ICD, True),
        ("finished", "R07.9", ICD, True),
        ("finished", "22298006", SNOMED, False),
        ("finished", "29857009", SNOMED, True),
        ("finished", "X1", "urn:local-complaints", True),
    ],
)
def test_a_diagnosis_in_the_reason(visit, status, code, system, kept):
    visit.change("e1", status=status, reasonCode=reason(code, system))
    record = visit.record()
    assert (record.first(K.CHIEF_COMPLAINT) is not None) is kept
    if not kept:
        assert {(f.issue, f.kind) for f in record.findings} == {
            (Q.LATER_STRIPPED, K.CHIEF_COMPLAINT),
            (Q.EMPTY, K.CHIEF_COMPLAINT),
        }
        assert "infarction" not in record.model_dump_json()


def test_a_site_may_code_its_complaints(visit):
    visit.settings = replace(visit.settings, coded_reasons_are_complaints=True)
    visit.change("e1", status="in-progress", reasonCode=reason("S93.4", text="ankle twisted"))
    assert visit.record().first(K.CHIEF_COMPLAINT).text == "ankle twisted"


def test_a_reason_that_repeats_the_diagnosis_of_the_visit(visit, make):
    diagnosis = make.condition(
        "dx",
        "Acute myocardial infarction",
        category=[make.concept("encounter-diagnosis", CATEGORY)],
        encounter={"reference": "Encounter/e1"},
    )
    visit.add(diagnosis).change(
        "e1",
        reasonCode=[{"text": "acute myocardial infarction"}],
        reasonReference=[{"reference": "Condition/dx"}],
    )
    record = visit.record()
    assert "infarction" not in record.model_dump_json()
    assert (Q.LATER_STRIPPED, K.CHIEF_COMPLAINT) in visit.issues()
    assert (Q.LATER_STRIPPED, K.CONDITION) in visit.issues()


@pytest.mark.parametrize(
    ("more", "kept"),
    [
        ({}, True),
        ({"recordedDate": "2020-05-01"}, True),
        ({"recordedDate": "2026-03-01"}, True),
        ({"recordedDate": "2026-03-01T13:00:00Z"}, False),
        ({"onsetDateTime": "2026-03-02"}, False),
        ({"encounter": {"reference": "Encounter/e1"}}, False),
        ({"encounter": {"reference": "Encounter/e1"}, "recordedDate": "2026-03-01T11:40:00Z"}, False),
        ({"encounter": {"reference": "Encounter/e1"}, "recordedDate": "2019-01-01"}, True),
        ({"encounter": {"reference": "Encounter/old"}, "recordedDate": "2019-01-01"}, True),
        ({"category": [{"coding": [{"code": "encounter-diagnosis"}]}]}, False),
        ({"category": [{"coding": [{"code": "encounter-diagnosis"}]}], "recordedDate": "2020-01-01"}, True),
        ({"abatementDateTime": "2020-01-01", "clinicalStatus": None}, False),
    ],
)
def test_which_conditions_were_known(visit, make, more, kept):
    visit.now = visit.now.replace(hour=15)
    item = {k: v for k, v in make.condition("c", "Asthma", **more).items() if v is not None}
    visit.change("e1", status="triaged").add(item)
    assert (visit.record().first(K.CONDITION) is not None) is kept


def test_what_encounter_diagnosis_lists_is_left_out_but_for_comorbidity(visit, make):
    role = "http://terminology.hl7.org/CodeSystem/diagnosis-role"
    visit.add(make.condition("dx", "Pneumonia"), make.condition("old", "Asthma"))
    visit.change(
        "e1",
        diagnosis=[
            {"condition": {"reference": "Condition/dx"}, "use": make.concept("DD", role)},
            {"condition": {"reference": "Condition/old"}, "use": make.concept("CM", role)},
        ],
    )
    assert [fact.text for fact in visit.record().all(K.CONDITION)] == ["Asthma"]


@pytest.mark.parametrize(
    ("more", "kept"),
    [
        ({"authoredOn": "2025-01-01"}, True),
        ({}, True),
        ({"authoredOn": "2026-03-01T11:55:00Z"}, False),
        ({"authoredOn": "2026-03-01T11:55:00Z", "encounter": {"reference": "Encounter/e1"}}, False),
        ({"encounter": {"reference": "Encounter/e1"}}, False),
        (
            {
                "authoredOn": "2026-03-01T11:45:00Z",
                "encounter": {"reference": "Encounter/e1"},
                "reportedBoolean": True,
            },
            True,
        ),
        ({"status": "stopped"}, False),
        ({"status": "entered-in-error"}, False),
    ],
)
def test_medicines_ordered_in_the_visit_are_not_home_medicines(visit, more, kept):
    request = {
        "resourceType": "MedicationRequest",
        "id": "m",
        "status": "active",
        "intent": "order",
        "medicationCodeableConcept": {"text": "apixaban 5 mg"},
        "subject": {"reference": "Patient/p1"},
        **more,
    }
    assert (visit.add(request).record().first(K.MEDICATION) is not None) is kept


def test_a_note_written_after_triage_is_left_out(visit, make):
    visit.now = visit.now.replace(hour=15)
    visit.change("e1", status="finished").add(
        make.note("Final diagnosis: appendicitis", date="2026-03-01T14:00:00Z")
    )
    record = visit.record()
    assert {(f.issue, f.kind) for f in record.findings} == {(Q.LATER_STRIPPED, K.TRIAGE_NOTE)}
    assert "appendicitis" not in record.model_dump_json()


@pytest.mark.parametrize(
    "text",
    [
        "ESI" + " " * 8000 + "x",
        "triage level " * 600,
        "triaged" + " " * 4000 + "level" + " " * 4000,
        "ESI " + ": " * 4000 + "x",
        "ESI level " * 800,
        "acuity " + "is " * 2600,
        "\n" * 8000 + "system",
        "ignore " * 1100,
        "set " * 2000 + " level " * 1000,
    ],
)
def test_no_text_makes_the_patterns_hang(text):
    start = time.perf_counter()
    strip_acuity(text)
    holds_instruction(text)
    assert time.perf_counter() - start < 1
