"""The NHAMCS reader: conversion, cleaning, targets kept apart from facts."""

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data_schemas.acuity import AcuityScale
from data_schemas.intake import FactKind, IntakeRecord, QualityIssue
from triage.training.corpus import CorpusError, LabelledCase, read_nhamcs
from triage.training.corpus.nhamcs import TRIAGE_COLUMNS
from triage.training.corpus.reasons import reason_words
from triage.training.corpus.record import fahrenheit_to_celsius

Row = dict[str, object]
Write = Callable[[list[Row], str], Path]
ReadOne = Callable[..., LabelledCase]


@pytest.fixture
def case(write: Write, nhamcs_row: Row) -> ReadOne:
    def build(**changes: object) -> LabelledCase:
        return next(read_nhamcs(write([{**nhamcs_row, **changes}], "n.parquet"), labelled_only=False))

    return build


def test_a_row_becomes_numbered_facts_in_the_agreed_words(case: ReadOne) -> None:
    found = case()
    assert [fact.text for fact in found.record.facts] == [
        "71 y",
        "female",
        "ambulance",
        "no injury",
        "back pain; accident",
        "HR 104 /min",
        "RR 18 /min",
        "SpO2 95 %",
        "T 37.0 C",
        "SBP 160 mmHg",
        "DBP 100 mmHg",
        "pain 8/10",
        "hypertension",
        "COPD",
    ]
    assert found.record.missing == (FactKind.AVPU,)
    assert (found.acuity, found.scale, found.group) == (3, AcuityScale.NHAMCS, "2020-hospital-17")
    temperature = found.record.first(FactKind.TEMPERATURE)
    assert temperature is not None
    assert (temperature.value, temperature.unit) == (Decimal("37.0"), "Cel")
    assert temperature.as_received == "98.6 [degF]"


@pytest.mark.parametrize(
    ("fahrenheit", "celsius"),
    [
        ("98.6", "37.0"),
        ("100.4", "38.0"),
        ("100.5", "38.1"),
        ("102.2", "39.0"),
        ("95.0", "35.0"),
        ("32", "0.0"),
    ],
)
def test_fahrenheit(fahrenheit: str, celsius: str) -> None:
    assert fahrenheit_to_celsius(Decimal(fahrenheit)) == Decimal(celsius)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=80, deadline=None)
@given(
    value=st.one_of(
        st.decimals(allow_nan=False, allow_infinity=False).map(str),
        st.decimals(60, 130, places=1).map(str),
        st.sampled_from(["1e30", "-1e300", "9" * 40, "1e-400", "999.99", "-1000", "1e999999"]),
    )
)
def test_a_temperature_is_a_fact_or_a_finding_and_never_an_error(
    write: Write, nhamcs_row: Row, value: str
) -> None:
    row = {**nhamcs_row, "temp_f": value}
    record = next(read_nhamcs(write([row], "t.jsonl"))).record
    found = [f for f in record.findings if f.kind is FactKind.TEMPERATURE]
    not_answered = Decimal(value) in {-7, -8, -9}
    assert not_answered or (record.number(FactKind.TEMPERATURE) is not None) != bool(found)
    if record.number(FactKind.TEMPERATURE) is None:
        assert FactKind.TEMPERATURE in record.missing


def test_no_fact_comes_from_a_column_that_is_not_allowed(case: ReadOne) -> None:
    assert {fact.source.path for fact in case().record.facts} <= set(TRIAGE_COLUMNS)
    assert not any(c.startswith(("post_", "design_")) or "acuity" in c or "DIAG" in c for c in TRIAGE_COLUMNS)
    assert "immedr_raw" not in TRIAGE_COLUMNS


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(data=st.data())
def test_labels_outcomes_and_design_never_reach_the_record(
    write: Write, nhamcs_row: Row, data: st.DataObject
) -> None:
    hidden = [column for column in nhamcs_row if column not in TRIAGE_COLUMNS]
    assert {"acuity", "immedr_raw", "post_DIAG1", "post_ADMITHOS", "design_PATWT"} <= set(hidden)
    changed = dict(nhamcs_row)
    for column in data.draw(st.sets(st.sampled_from(hidden), min_size=1)):
        changed[column] = data.draw(st.sampled_from([0, 1, 2, 5, -9, None, "I219"]))
    plain = next(read_nhamcs(write([nhamcs_row], "n.jsonl"), labelled_only=False)).record
    assert next(read_nhamcs(write([changed], "n.jsonl"), labelled_only=False)).record == plain


@pytest.mark.parametrize(
    "column", [c for c in TRIAGE_COLUMNS if c not in {"case_id", "age_days_if_under1"} and c < "rfv3"]
)
def test_every_allowed_column_does_reach_the_record(
    case: ReadOne, nhamcs_row: Row, write: Write, column: str
) -> None:
    blank = next(read_nhamcs(write([{**nhamcs_row, column: None}], "b.jsonl"))).record
    assert blank != case().record


def test_infants_have_their_age_in_days(case: ReadOne) -> None:
    record = case(age_years=0.0, age_days_if_under1=20.0).record
    assert record.age_days == 20
    assert record.facts[0].text == "20 d"


@pytest.mark.parametrize(
    ("column", "value", "kind", "issue"),
    [
        ("spo2", 4.0, FactKind.OXYGEN_SATURATION, QualityIssue.IMPOSSIBLE),
        ("pulse", 998.0, FactKind.HEART_RATE, QualityIssue.IMPOSSIBLE),
        ("pulse", 8.0, FactKind.HEART_RATE, QualityIssue.IMPOSSIBLE),
        ("resp_rate", 142.0, FactKind.RESPIRATORY_RATE, QualityIssue.IMPOSSIBLE),
        ("temp_f", 366.0, FactKind.TEMPERATURE, QualityIssue.IMPOSSIBLE),
        ("sbp", 100.0, FactKind.SYSTOLIC_BP, QualityIssue.CONTRADICTORY),
    ],
)
def test_the_impossible_is_a_finding_and_no_fact(
    case: ReadOne, column: str, value: float, kind: FactKind, issue: QualityIssue
) -> None:
    record = case(**{column: value}).record
    assert record.first(kind) is None
    assert kind in record.missing
    assert (issue, kind) in {(finding.issue, finding.kind) for finding in record.findings}


@pytest.mark.parametrize("code", [-7.0, -8.0, -9.0])
def test_codes_for_no_answer_are_missing_without_a_finding(case: ReadOne, code: float) -> None:
    record = case(pulse=code, sbp=code, temp_f=code, pain_0_10=code, injury_flag=code).record
    assert record.findings == ()
    assert set(record.missing) >= {
        FactKind.HEART_RATE,
        FactKind.SYSTOLIC_BP,
        FactKind.TEMPERATURE,
        FactKind.PAIN,
    }
    assert record.first(FactKind.INJURY) is None


def test_arrest_values_are_kept(case: ReadOne) -> None:
    record = case(pulse=0.0, resp_rate=0.0, sbp=0.0, dbp=0.0).record
    assert record.number(FactKind.HEART_RATE) == 0
    assert record.number(FactKind.RESPIRATORY_RATE) == 0
    assert record.number(FactKind.SYSTOLIC_BP) == 0


def test_dead_on_arrival_and_unlabelled_are_left_out_when_training(write: Write, nhamcs_row: Row) -> None:
    rows = [
        nhamcs_row,
        {**nhamcs_row, "case_id": "n-2", "post_DOA": 1.0},
        {**nhamcs_row, "case_id": "n-3", "acuity": None},
    ]
    path = write(rows, "n.parquet")
    assert [found.case_id for found in read_nhamcs(path)] == ["n-1"]
    assert [found.acuity for found in read_nhamcs(path, labelled_only=False)] == [3, 3, None]


def test_a_file_of_triage_columns_alone_is_read(write: Write, nhamcs_row: Row) -> None:
    row = {column: nhamcs_row[column] for column in TRIAGE_COLUMNS}
    (found,) = read_nhamcs(write([row], "n.jsonl"))
    assert (found.acuity, found.resources_used, dict(found.outcomes)) == (None, None, {})
    assert found.group == "nhamcs"


@pytest.mark.parametrize(
    ("changes", "used"),
    [
        ({"post_CBC": 0.0, "post_BMP": 0.0}, 0),
        ({}, 1),
        ({"post_XRAY": 1.0}, 2),
        ({"post_CBC": 0.0, "post_BMP": 0.0, "post_LUMBAR": 1.0}, 2),
        ({"post_XRAY": 1.0, "post_CONSULT": 1.0, "post_IVFLUIDS": 1.0}, 2),
    ],
)
def test_resources_are_counted_by_type(case: ReadOne, changes: dict[str, object], used: int) -> None:
    assert case(**changes).resources_used == used


def test_outcomes(case: ReadOne) -> None:
    assert case().outcomes == {"admission": True, "critical": False}
    assert case(post_BPAP=1.0, post_ADMITHOS=0.0).outcomes == {"admission": False, "critical": True}


@pytest.mark.parametrize(
    ("label", "words"),
    [
        ("Back pain, ache, soreness, discomfort", "back pain"),
        ("Abdominal pain, cramps, spasms, NOS", "abdominal pain"),
        ("Low back pain, ache, soreness, discom", "low back pain"),
        ("Lower abdominal pain, cramps, spasms,", "lower abdominal pain"),
        ("Foot and toe pain, ache, soreness, di", "foot and toe pain"),
        ("Accident, NOS", "accident"),
        ("Headache, pain in head", "headache, pain in head"),
        ("Labored or difficult breathing (dyspnea)", "labored or difficult breathing (dyspnea)"),
        ("Oth symptoms/problems relat to psycho", "other psychological or mental symptoms or problems"),
        ("Injury, other and unspecified, of ankle", "injury of ankle"),
        ("Fever", "fever"),
        ("Sprain and strain of cervical spine,", "sprain and strain of cervical spine"),
    ],
)
def test_reasons_read_as_a_nurse_writes_them(label: str, words: str) -> None:
    assert reason_words(label) == words


@given(st.text(min_size=1).filter(lambda text: any(c.isalnum() for c in text)))
def test_a_reason_is_never_emptied(label: str) -> None:
    assert reason_words(label)


def test_the_published_label_is_kept(case: ReadOne) -> None:
    complaint = case().record.first(FactKind.CHIEF_COMPLAINT)
    assert complaint is not None
    assert complaint.as_received == "Back pain, ache, soreness, discomfort; Accident, NOS"


def test_a_missing_column_is_named_with_its_file(write: Write, nhamcs_row: Row) -> None:
    del nhamcs_row["temp_f"]
    with pytest.raises(CorpusError, match=r"n\.parquet: missing column temp_f"):
        list(read_nhamcs(write([nhamcs_row], "n.parquet")))


def test_equal_rows_give_equal_records(case: ReadOne) -> None:
    first: IntakeRecord = case().record
    assert case().record == first
