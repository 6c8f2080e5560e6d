"""The intake reader names what each sample's manifest says it should, at the desk and a day later."""

import base64
from datetime import timedelta
from decimal import Decimal

import pytest

from data_schemas import FactKind, IntakeRecord, QualityIssue
from integrations.fhir.bundle import parse_json
from integrations.fhir.reader import read_bundle
from integrations.samples import Sample, samples

AT_THE_DESK = timedelta(minutes=10)
A_DAY_LATER = timedelta(hours=30)

by_sample = pytest.mark.parametrize("sample", samples(), ids=lambda sample: sample.id)


def read(sample: Sample, delay: timedelta = AT_THE_DESK) -> IntakeRecord:
    (record,) = read_bundle(
        parse_json(sample.raw().encode()), source="samples", now=sample.arrived_at + delay
    )
    assert isinstance(record, IntakeRecord), record
    return record


def read_by_id(number: str) -> IntakeRecord:
    return read(next(sample for sample in samples() if sample.id == number))


@by_sample
@pytest.mark.parametrize("delay", [AT_THE_DESK, A_DAY_LATER], ids=["desk", "day-later"])
def test_findings_and_missing_facts(sample, delay):
    record = read(sample, delay)
    assert {finding.issue for finding in record.findings} - {QualityIssue.MISSING} == set(sample.findings)
    assert record.missing == sample.missing
    assert record.arrived_at == sample.arrived_at


@by_sample
def test_nothing_but_what_was_known_at_triage(sample):
    texts = " ".join(fact.text for fact in read(sample, A_DAY_LATER).facts).lower()
    assert "cholangitis" not in texts
    assert "bilirubin" not in texts
    assert "esi" not in texts.split()


@by_sample
def test_the_note_is_read(sample):
    sent = [
        base64.b64decode(entry["resource"]["content"][0]["attachment"]["data"]).decode()
        for entry in sample.bundle()["entry"]
        if entry["resource"]["resourceType"] == "DocumentReference"
    ]
    note = read(sample).first(FactKind.TRIAGE_NOTE)
    assert (note is not None) == bool(sent)
    if note is not None and QualityIssue.ACUITY_STRIPPED not in sample.findings:
        assert note.text == sent[0]


def test_values_in_other_units_are_converted():
    fahrenheit = read_by_id("39").first(FactKind.TEMPERATURE)
    assert fahrenheit is not None
    assert fahrenheit.as_received == "100.9 [degF]"
    assert round(fahrenheit.value, 1) == Decimal("38.3")
    glucose = read_by_id("29").first(FactKind.GLUCOSE)
    assert glucose is not None
    assert glucose.as_received == "27.8 mmol/L"
    assert 495 < glucose.value < 506


def test_oxygen_flow_and_coma_components_are_read():
    assert read_by_id("18").number(FactKind.OXYGEN_FLOW) == 2
    coma = read_by_id("15")
    assert [coma.number(k) for k in (FactKind.GCS_EYE, FactKind.GCS_VERBAL, FactKind.GCS_MOTOR)] == [3, 4, 6]


def test_responsiveness_pregnancy_and_arrival_are_read():
    assert [read_by_id(number).code(FactKind.AVPU) for number in ("26", "15", "02", "24")] == list("AVPU")
    assert {read_by_id(n).code(FactKind.PREGNANCY) for n in ("11", "12", "13")} == {"pregnant"}
    assert read_by_id("26").code(FactKind.ARRIVAL_MODE) == "ambulance"


def test_a_coded_acuity_and_one_in_words_are_both_named():
    stripped = [f for f in read_by_id("19").findings if f.issue is QualityIssue.ACUITY_STRIPPED]
    assert len(stripped) == 2
    assert read_by_id("19").first(FactKind.TRIAGE_NOTE).text.find("Level 4") == -1
