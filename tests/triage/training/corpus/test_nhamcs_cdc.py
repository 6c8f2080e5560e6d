"""The CDC's own files, on made-up visits written as Stata files: the same cases as from the decoded table."""

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from data_schemas.intake import FactKind
from triage.training.corpus import CorpusError, read_nhamcs
from triage.training.corpus.nhamcs import CONDITIONS, TRIAGE_COLUMNS
from triage.training.corpus.nhamcs_cdc import AFTER_TRIAGE, DESIGN, REQUIRED, decode, labels_of_formats
from triage.training.corpus.nhamcs_cdc import CONDITIONS as CDC_CONDITIONS

LABELS = {19050: "Back pain, ache, soreness, discomfort", 58990: "Accident, NOS"}
VISIT: dict[str, Any] = {
    **dict.fromkeys(REQUIRED, 0),
    **dict.fromkeys(AFTER_TRIAGE, 0),
    **dict.fromkeys(DESIGN, 1),
    "YEAR": 2020,
    "AGE": 71,
    "AGEDAYS": -7,
    "SEX": 1,
    "ARREMS": 1,
    "INJURY": 0,
    "TEMPF": 986,
    "PULSE": 104,
    "RESPR": 18,
    "BPSYS": 160,
    "BPDIAS": 100,
    "POPCT": 95,
    "PAINSCALE": 8,
    "RFV1": 19050,
    "RFV2": 58990,
    "RFV3": -9,
    "RFV4": -9,
    "RFV5": -9,
    "IMMEDR": 3,
    "HTN": 1,
    "COPD": 1,
    "ADMITHOS": 1,
    "CBC": 1,
    "BMP": 1,
    "HOSPCODE": 17,
    "PATWT": 1234.5,
    "DIAG1": "M545",
    "DIAG2": "-9",
    "DIAG3": "-9",
}
Stata = Callable[..., Path]


@pytest.fixture
def stata(tmp_path: Path) -> Stata:
    def build(*visits: dict[str, Any], name: str = "ed2020-stata.dta", labels: bool = True) -> Path:
        frame = pd.DataFrame([{**VISIT, **visit} for visit in visits or ({},)])
        sets = {f"RFV{n}": LABELS for n in range(1, 6)} if labels else None
        frame.to_stata(tmp_path / name, write_index=False, value_labels=sets, version=118)
        return tmp_path / name

    return build


def test_a_visit_is_the_same_case_as_from_the_decoded_table(
    stata: Stata, write: Callable[..., Path], nhamcs_row: dict[str, object]
) -> None:
    (case,) = read_nhamcs(stata())
    table_row = {**nhamcs_row, "case_id": "nhamcs-2020-00000", "chronic_conditions": "COPD;HTN"}
    (same,) = read_nhamcs(write([table_row], "n.parquet"))

    def meaning(found: Any) -> Any:
        facts = [(f.kind, f.text, f.value, f.unit, f.code, f.source) for f in found.record.facts]
        return facts, found.record.missing, found.record.findings, found.model_dump(exclude={"record"})

    assert meaning(case) == meaning(same)
    assert case.group == "2020-hospital-17"
    assert case.outcomes == {"admission": True, "critical": False}


def test_the_decoded_row_has_the_columns_that_the_reader_needs() -> None:
    row = decode(VISIT, LABELS)
    assert {column for column in TRIAGE_COLUMNS if column != "case_id"} <= row.keys()
    assert set(CDC_CONDITIONS) == set(CONDITIONS)


@pytest.mark.parametrize(
    ("variable", "value", "kind"),
    [
        ("TEMPF", -9, FactKind.TEMPERATURE),
        ("PULSE", -9, FactKind.HEART_RATE),
        ("PULSE", 998, FactKind.HEART_RATE),
        ("RESPR", -9, FactKind.RESPIRATORY_RATE),
        ("BPSYS", -9, FactKind.SYSTOLIC_BP),
        ("BPDIAS", -9, FactKind.DIASTOLIC_BP),
        ("BPDIAS", 998, FactKind.DIASTOLIC_BP),
        ("POPCT", -9, FactKind.OXYGEN_SATURATION),
        ("PAINSCALE", -9, FactKind.PAIN),
        ("PAINSCALE", -8, FactKind.PAIN),
        ("AGE", -9, FactKind.AGE),
        ("RFV1", -9, FactKind.CHIEF_COMPLAINT),
    ],
)
def test_codes_for_no_answer_are_missing_by_name(
    stata: Stata, variable: str, value: int, kind: FactKind
) -> None:
    (case,) = read_nhamcs(stata({variable: value, "RFV2": -9}))
    assert case.record.first(kind) is None
    assert kind in case.record.missing


def test_temperature_is_in_tenths_unless_it_cannot_be(stata: Stata) -> None:
    tenths, degrees = read_nhamcs(stata({"TEMPF": 1022}, {"TEMPF": 102}))
    assert [c.record.first(FactKind.TEMPERATURE).text for c in (tenths, degrees)] == ["T 39.0 C", "T 38.9 C"]  # type: ignore[union-attr]


def test_infants_have_their_age_in_days(stata: Stata) -> None:
    infant, adult = read_nhamcs(stata({"AGE": 0, "AGEDAYS": 20}, {"AGE": 30, "AGEDAYS": 20}))
    assert (infant.record.age_days, adult.record.age_years) == (20, 30)


@pytest.mark.parametrize("level", [-9, -8, 0, 7])
def test_visits_without_a_level_are_left_out(stata: Stata, level: int) -> None:
    path = stata({"IMMEDR": level}, {})
    assert [case.case_id for case in read_nhamcs(path)] == ["nhamcs-2020-00001"]


def test_the_dead_on_arrival_are_left_out(stata: Stata) -> None:
    assert list(read_nhamcs(stata({"DOA": 1}))) == []


def test_lower_case_names_and_text_cells_are_understood(tmp_path: Path) -> None:
    frame = pd.DataFrame([{name.lower(): str(value) for name, value in VISIT.items()}])
    labelled = tmp_path / "rfv_code_to_label.csv"
    with labelled.open("w", newline="") as file:
        csv.writer(file).writerows([("code", "label"), (-9, "Blank"), *LABELS.items()])
    path = tmp_path / "ed2020-stata.dta"
    frame.to_stata(path, write_index=False, version=118)
    (case,) = read_nhamcs(path)
    assert [fact.text for fact in case.record.facts][:6] == [
        "71 y",
        "female",
        "ambulance",
        "no injury",
        "back pain; accident",
        "HR 104 /min",
    ]


def test_the_words_can_come_from_the_format_file(stata: Stata, tmp_path: Path) -> None:
    formats = "proc format;\n value SEXF 1='Female' 2='Male';\n VALUE RFVF -9='Blank'\n"
    formats += " 19050 = 'Back pain, ache, sorene'\n"
    (tmp_path / "ed20for.txt").write_text(
        formats + " 58990='Accident, NOS';\n value RFV3DF 10050='Chills';\n"
    )
    (case,) = read_nhamcs(stata(labels=False))
    assert case.record.first(FactKind.CHIEF_COMPLAINT).text == "back pain; accident"  # type: ignore[union-attr]
    assert labels_of_formats("value RFVF\n10050='1005.0 Chills';")[10050] == "Chills"


def test_without_words_or_variables_or_year_nothing_is_guessed(stata: Stata, tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="no words for the reasons"):
        list(read_nhamcs(stata(labels=False)))
    frame = pd.DataFrame([{name: value for name, value in VISIT.items() if name not in {"TEMPF", "YEAR"}}])
    frame.to_stata(tmp_path / "x.dta", write_index=False)
    with pytest.raises(CorpusError, match="missing variable TEMPF"):
        list(read_nhamcs(tmp_path / "x.dta"))
    frame["TEMPF"] = 986
    frame.to_stata(tmp_path / "x.dta", write_index=False, value_labels={"RFV1": LABELS}, version=118)
    with pytest.raises(CorpusError, match="which year"):
        list(read_nhamcs(tmp_path / "x.dta"))
    (tmp_path / "ed2020.dta").write_bytes(b"zip")
    with pytest.raises(CorpusError, match="not readable"):
        list(read_nhamcs(tmp_path / "ed2020.dta"))
