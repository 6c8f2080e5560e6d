"""The KTAS reader: facts, missing things, labels kept apart."""

import subprocess
import sys
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data_schemas.acuity import AcuityScale
from data_schemas.intake import FactKind, IntakeRecord, QualityIssue
from triage.training.corpus import CorpusError, read_ktas
from triage.training.corpus.ktas import TRIAGE_COLUMNS

Row = dict[str, object]
Write = Callable[[list[Row], str], Path]


@pytest.fixture
def record(write: Write, ktas_row: Row) -> Callable[..., IntakeRecord]:
    def build(**changes: object) -> IntakeRecord:
        return next(read_ktas(write([{**ktas_row, **changes}], "k.csv"))).record

    return build


def test_a_row_becomes_numbered_facts_in_the_agreed_words(write: Write, ktas_row: Row) -> None:
    case = next(read_ktas(write([ktas_row], "k.csv")))
    assert [(fact.id, fact.text) for fact in case.record.facts] == [
        ("F1", "58 y"),
        ("F2", "male"),
        ("F3", "ambulance"),
        ("F4", "no injury"),
        ("F5", "arm pain, Lt"),
        ("F6", "HR 84 /min"),
        ("F7", "RR 18 /min"),
        ("F8", "SpO2 97 %"),
        ("F9", "T 36.6 C"),
        ("F10", "SBP 160 mmHg"),
        ("F11", "DBP 100 mmHg"),
        ("F12", "pain 2/10"),
        ("F13", "AVPU alert"),
    ]
    assert case.record.missing == ()
    assert (case.acuity, case.nurse_acuity, case.scale) == (3, 2, AcuityScale.KTAS)
    assert (case.group, case.source, case.case_id) == ("north", "ktas", "k-1")
    heart_rate = case.record.first(FactKind.HEART_RATE)
    assert heart_rate is not None
    assert heart_rate.as_received == "84.0 /min"
    assert (heart_rate.source.resource_type, heart_rate.source.path) == ("ktas", "pulse")


def test_no_fact_comes_from_a_column_that_is_not_allowed(record: Callable[..., IntakeRecord]) -> None:
    assert {fact.source.path for fact in record().facts} <= set(TRIAGE_COLUMNS)
    assert not any(
        column.startswith(("post_", "design_")) or "acuity" in column or "diagnosis" in column
        for column in TRIAGE_COLUMNS
    )


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40, deadline=None)
@given(
    values=st.lists(st.sampled_from(["1", "2", "5", "9", "", "Stroke", "sepsis"]), min_size=5, max_size=5),
)
def test_labels_and_outcomes_never_reach_the_record(write: Write, ktas_row: Row, values: list[str]) -> None:
    hidden = ["acuity", "nurse_acuity", "post_diagnosis", "post_disposition", "site"]
    changed = {**ktas_row, **dict(zip(hidden, values, strict=True)), "post_new": "1", "design_new": "1"}
    plain = next(read_ktas(write([ktas_row], "k.csv"), labelled_only=False)).record
    assert next(read_ktas(write([changed], "k.csv"), labelled_only=False)).record == plain


@pytest.mark.parametrize("column", [c for c in TRIAGE_COLUMNS if c not in {"case_id", "pain_present"}])
def test_every_allowed_column_does_reach_the_record(record: Callable[..., IntakeRecord], column: str) -> None:
    assert record(**{column: ""}) != record()


@pytest.mark.parametrize(
    ("column", "kind"),
    [
        ("age_years", FactKind.AGE),
        ("sex", FactKind.SEX),
        ("chief_complaint", FactKind.CHIEF_COMPLAINT),
        ("pulse", FactKind.HEART_RATE),
        ("resp_rate", FactKind.RESPIRATORY_RATE),
        ("spo2", FactKind.OXYGEN_SATURATION),
        ("temp_c", FactKind.TEMPERATURE),
        ("sbp", FactKind.SYSTOLIC_BP),
        ("dbp", FactKind.DIASTOLIC_BP),
        ("avpu", FactKind.AVPU),
    ],
)
def test_a_blank_is_missing_by_name(record: Callable[..., IntakeRecord], column: str, kind: FactKind) -> None:
    built = record(**{column: ""})
    assert built.missing == (kind,)
    assert built.first(kind) is None


@pytest.mark.parametrize(
    ("present", "score", "avpu", "text", "missing"),
    [
        ("yes", "7.0", "alert", "pain 7/10", False),
        ("yes", "", "alert", "pain present, not scored", True),
        ("no", "", "alert", "pain 0/10", False),
        ("no", "", "verbal", None, True),
        ("no", "", "unresponsive", None, True),
        ("", "", "alert", None, True),
    ],
)
def test_pain(
    record: Callable[..., IntakeRecord], present: str, score: str, avpu: str, text: str | None, missing: bool
) -> None:
    built = record(pain_present=present, pain_0_10=score, avpu=avpu)
    fact = built.first(FactKind.PAIN)
    assert (fact.text if fact else None) == text
    assert (FactKind.PAIN in built.missing) is missing


@pytest.mark.parametrize(
    ("column", "value", "kind", "issue"),
    [
        ("temp_c", "98.6", FactKind.TEMPERATURE, QualityIssue.IMPOSSIBLE),
        ("spo2", "980", FactKind.OXYGEN_SATURATION, QualityIssue.IMPOSSIBLE),
        ("pulse", "-9", FactKind.HEART_RATE, QualityIssue.IMPOSSIBLE),
        ("pulse", "fast", FactKind.HEART_RATE, QualityIssue.NOT_NUMERIC),
        ("age_years", "580", FactKind.AGE, QualityIssue.IMPOSSIBLE),
        ("dbp", "180", FactKind.SYSTOLIC_BP, QualityIssue.CONTRADICTORY),
        ("sex", "m/f", FactKind.SEX, QualityIssue.UNREADABLE),
    ],
)
def test_the_impossible_is_a_finding_and_no_fact(
    record: Callable[..., IntakeRecord], column: str, value: str, kind: FactKind, issue: QualityIssue
) -> None:
    built = record(**{column: value})
    assert built.first(kind) is None
    assert kind in built.missing
    assert (issue, kind) in {(finding.issue, finding.kind) for finding in built.findings}


@pytest.mark.parametrize(
    ("words", "kept"), [("?? ???", None), ("Pain, ?nus", "Pain, ?nus"), ("fever", "fever")]
)
def test_lost_characters_are_named(record: Callable[..., IntakeRecord], words: str, kept: str | None) -> None:
    built = record(chief_complaint=words)
    fact = built.first(FactKind.CHIEF_COMPLAINT)
    assert (fact.text if fact else None) == kept
    assert bool(built.findings) is ("?" in words)


def test_unlabelled_rows_are_left_out_only_when_training(write: Write, ktas_row: Row) -> None:
    rows = [
        ktas_row,
        {**ktas_row, "case_id": "k-2", "acuity": ""},
        {**ktas_row, "case_id": "k-3", "acuity": "7"},
    ]
    path = write(rows, "k.csv")
    assert [case.case_id for case in read_ktas(path)] == ["k-1"]
    assert [case.acuity for case in read_ktas(path, labelled_only=False)] == [3, None, None]


def test_a_file_without_labels_is_read_whole(write: Write, ktas_row: Row) -> None:
    del ktas_row["acuity"], ktas_row["nurse_acuity"], ktas_row["site"]
    (case,) = read_ktas(write([ktas_row], "k.csv"))
    assert (case.acuity, case.nurse_acuity, case.group) == (None, None, "ktas")


@pytest.mark.parametrize("name", ["k.csv", "k.jsonl", "k.parquet"])
def test_the_format_does_not_matter(write: Write, ktas_row: Row, name: str) -> None:
    expected = list(read_ktas(write([ktas_row], "first.csv")))
    assert list(read_ktas(write([ktas_row], name))) == expected


@pytest.mark.parametrize("name", ["k.csv", "k.jsonl", "k.parquet"])
def test_a_missing_column_is_named_with_its_file(write: Write, ktas_row: Row, name: str) -> None:
    del ktas_row["pulse"]
    with pytest.raises(CorpusError, match=rf"{name}.*missing column pulse"):
        list(read_ktas(write([ktas_row], name)))


def test_broken_files_say_where(tmp_path: Path, write: Write, ktas_row: Row) -> None:
    path = tmp_path / "k.jsonl"
    path.write_text('{"case_id": "1"\n')
    with pytest.raises(CorpusError, match=r"k\.jsonl, line 1: not JSON"):
        list(read_ktas(path))
    with pytest.raises(CorpusError, match=r"unknown format '\.xlsx'"):
        list(read_ktas(tmp_path / "k.xlsx"))
    short = write([ktas_row], "short.csv")
    short.write_text(short.read_text() + "k-2,north,male\n")
    with pytest.raises(CorpusError, match=r"short\.csv, record 3: not as many cells"):
        list(read_ktas(short))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(
    values=st.fixed_dictionaries(
        dict.fromkeys(
            ["pulse", "resp_rate", "spo2", "temp_c", "sbp", "dbp", "pain_0_10"], st.text(max_size=8)
        )
    )
)
def test_whatever_is_in_a_cell_is_a_fact_a_finding_or_missing(
    write: Write, ktas_row: Row, values: dict[str, str]
) -> None:
    path = write([{**ktas_row, **values}], "k.jsonl")
    built = next(read_ktas(path)).record
    for kind in (FactKind.HEART_RATE, FactKind.TEMPERATURE, FactKind.SYSTOLIC_BP):
        fact = built.first(kind)
        assert (fact is None) is (kind in built.missing)
        assert fact is None or (isinstance(fact.value, Decimal) and fact.value.is_finite())


def test_the_plain_install_needs_neither_pandas_nor_pyarrow(write: Write, ktas_row: Row) -> None:
    code = (
        "import sys; from triage.training.corpus import read_ktas; "
        "assert len(list(read_ktas(sys.argv[1]))) == 1; "
        "assert not {'pandas', 'pyarrow', 'torch', 'sklearn'} & set(sys.modules)"
    )
    path = write([ktas_row], "k.csv")
    subprocess.run([sys.executable, "-c", code, str(path)], check=True, timeout=120)
