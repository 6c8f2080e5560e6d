"""The MIMIC-IV-ED reader, on made-up rows of the tables' shape."""

import csv
import gzip
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data_schemas.acuity import AcuityScale
from data_schemas.intake import FactKind, QualityIssue
from triage.training.corpus import CorpusError, LabelledCase, read_mimic

Row = dict[str, object]
Tables = Callable[..., Path]


@pytest.fixture
def tables(tmp_path: Path, mimic_rows: dict[str, Row]) -> Tables:
    def build(packed: bool = False, without: tuple[str, ...] = (), **changes: object) -> Path:
        for name, row in mimic_rows.items():
            if name in without:
                continue
            changed = {**row, **{k: v for k, v in changes.items() if k in row}}
            path = tmp_path / (f"{name}.csv.gz" if packed else f"{name}.csv")
            with (gzip.open if packed else open)(path, "wt", encoding="utf-8", newline="") as file:
                writer = csv.DictWriter(file, fieldnames=list(changed))
                writer.writeheader()
                writer.writerow(changed)
        return tmp_path

    return build


def one(folder: Path) -> LabelledCase:
    (case,) = read_mimic(folder)
    return case


@pytest.mark.parametrize("packed", [False, True])
def test_three_tables_become_one_record(tables: Tables, packed: bool) -> None:
    case = one(tables(packed))
    assert [fact.text for fact in case.record.facts] == [
        "67 y",
        "female",
        "ambulance",
        "SOB, Cough",
        "HR 112 /min",
        "RR 24 /min",
        "SpO2 91 %",
        "T 38.2 C",
        "SBP 142 mmHg",
        "DBP 80 mmHg",
        "pain 4/10",
    ]
    assert case.record.missing == (FactKind.AVPU,)
    assert (case.acuity, case.nurse_acuity, case.scale) == (2, 2, AcuityScale.ESI)
    assert (case.case_id, case.group, case.source) == ("30000001", "10000001", "mimic-iv-ed")
    assert case.outcomes == {"admission": True, "critical": False}
    temperature = case.record.first(FactKind.TEMPERATURE)
    assert temperature is not None
    assert temperature.as_received == "100.7 [degF]"


def test_without_the_other_tables_sex_age_and_arrival_are_missing_by_name(tables: Tables) -> None:
    case = one(tables(without=("edstays", "patients")))
    assert {FactKind.AGE, FactKind.SEX} <= set(case.record.missing)
    assert case.record.first(FactKind.ARRIVAL_MODE) is None
    assert case.outcomes == {}
    assert len(case.record.facts) == 8


def test_the_triage_table_can_be_named_itself(tables: Tables) -> None:
    folder = tables()
    assert one(folder / "triage.csv") == one(folder)


@pytest.mark.parametrize(
    ("words", "score"),
    [
        ("4", "4"),
        ("4.0", "4"),
        ("10", "10"),
        ("8/10", "8"),
        ("7.5", "7.5"),
        ("none", "0"),
        ("Denies", "0"),
        ("", None),
        ("13", None),
        ("uta", None),
        ("severe", None),
        ("6-7", None),
        ("-1", None),
    ],
)
def test_pain_is_a_score_or_nothing(tables: Tables, words: str, score: str | None) -> None:
    record = one(tables(pain=words)).record
    assert record.number(FactKind.PAIN) == (None if score is None else Decimal(score))
    named = [finding for finding in record.findings if finding.kind is FactKind.PAIN]
    assert bool(named) is (score is None and words != "")
    assert (FactKind.PAIN in record.missing) is (score is None)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(words=st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), max_size=12))
def test_no_words_become_an_impossible_score(tables: Tables, words: str) -> None:
    score = one(tables(pain=words)).record.number(FactKind.PAIN)
    assert score is None or 0 <= score <= 10


def test_celsius_in_a_fahrenheit_column_is_named_and_not_used(tables: Tables) -> None:
    record = one(tables(temperature="38.4")).record
    assert record.first(FactKind.TEMPERATURE) is None
    assert QualityIssue.UNIT_UNKNOWN in {finding.issue for finding in record.findings}


@pytest.mark.parametrize(
    ("disposition", "outcomes"),
    [
        ("ADMITTED", {"admission": True, "critical": False}),
        ("HOME", {"admission": False, "critical": False}),
        ("EXPIRED", {"critical": True}),
        ("TRANSFER", {"critical": False}),
        ("something new", {}),
        ("", {}),
    ],
)
def test_outcomes(tables: Tables, disposition: str, outcomes: dict[str, bool]) -> None:
    assert one(tables(disposition=disposition)).outcomes == outcomes


def test_a_deidentified_complaint_is_no_complaint(tables: Tables) -> None:
    assert FactKind.CHIEF_COMPLAINT in one(tables(chiefcomplaint="___")).record.missing


def test_unlabelled_visits_are_left_out_only_when_training(tables: Tables) -> None:
    folder = tables(acuity="")
    assert list(read_mimic(folder)) == []
    assert [case.acuity for case in read_mimic(folder, labelled_only=False)] == [None]


def test_broken_tables_say_what_is_wrong(tables: Tables, tmp_path: Path) -> None:
    folder = tables(without=("triage",))
    with pytest.raises(FileNotFoundError, match=r"triage\.csv"):
        list(read_mimic(folder))
    (folder / "triage.csv").write_text("subject_id,stay_id\n1,2\n")
    with pytest.raises(CorpusError, match=r"triage\.csv: missing columns temperature, heartrate"):
        list(read_mimic(folder))
    (folder / "triage.csv").unlink()
    (folder / "triage.csv.gz").write_bytes(b"not packed")
    with pytest.raises(CorpusError, match=r"triage\.csv\.gz: not readable"):
        list(read_mimic(folder))
