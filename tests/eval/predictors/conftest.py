"""Small files of made-up patients in the layouts of the public data sets, and the real base model."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from eval.predictors import CaseFile, InputTask, ModelName, Predictor, ReadCase, open_predictor
from integrations.settings import Settings

Rows = list[dict[str, Any]]

_KTAS = {
    "site": "north",
    "sex": "male",
    "age_years": "58",
    "arrival_mode": "walking",
    "injury": "no",
    "chief_complaint": "",
    "avpu": "alert",
    "pain_present": "no",
    "pain_0_10": "",
    "sbp": "130.0",
    "dbp": "80.0",
    "pulse": "84.0",
    "resp_rate": "18.0",
    "temp_c": "36.6",
    "spo2": "97.0",
    "acuity": "3",
    "nurse_acuity": "2",
    "post_diagnosis": "Fracture of humerus",
    "post_disposition": "2",
}
KTAS: Rows = [
    {**_KTAS, "case_id": "k-1", "chief_complaint": "chest pain", "age_years": "71", "pulse": "118.0"},
    {**_KTAS, "case_id": "k-2", "chief_complaint": "finger laceration", "injury": "yes", "age_years": "24"},
    {
        **_KTAS,
        "case_id": "k-3",
        "chief_complaint": "drowsy mentality",
        "avpu": "unresponsive",
        "spo2": "81.0",
    },
    {**_KTAS, "case_id": "k-4", "chief_complaint": "medication refill", "age_years": "45", "spo2": ""},
    {**_KTAS, "case_id": "k-5", "chief_complaint": "fever, cough", "temp_c": "38.9", "resp_rate": "22.0"},
]

_NHAMCS = {
    "survey_year": 2020,
    "age_years": 44.0,
    "age_days_if_under1": None,
    "sex": "female",
    "arrival_ambulance": "no",
    "injury_flag": 0.0,
    "temp_f": 98.6,
    "pulse": 88.0,
    "resp_rate": 18.0,
    "sbp": 132.0,
    "dbp": 84.0,
    "spo2": 98.0,
    "pain_0_10": 4.0,
    "chronic_conditions": "HTN",
    "rfv1_text": "Back pain, ache, soreness, discomfort",
    "rfv2_text": None,
    "rfv3_text": None,
    "rfv4_text": None,
    "rfv5_text": None,
    "immedr_raw": 3,
    "acuity": 3,
    "post_DOA": 0.0,
    "post_ADMITHOS": 1.0,
    "post_DIAG1": "M545",
    "design_HOSPCODE": 17.0,
}
NHAMCS: Rows = [
    {**_NHAMCS, "case_id": "n-1"},
    {**_NHAMCS, "case_id": "n-2", "post_DOA": 1.0, "pulse": 0.0, "rfv1_text": "Cardiac arrest"},
    {**_NHAMCS, "case_id": "n-3", "acuity": 0, "age_years": 3.0, "temp_f": 103.1, "rfv1_text": "Fever"},
    {**_NHAMCS, "case_id": "n-4", "spo2": 4.0, "sbp": 20.0, "dbp": 90.0, "rfv1_text": "Cough"},
]

ESI: Rows = [
    {
        "case_id": "e-1",
        "vignette": "A 34-year-old man twisted his ankle. HR 78, RR 16, BP 122/70, SpO2 99%.",
        "acuity": 4,
        "rationale": "ESI level 4: one resource.",
    },
    {
        "case_id": "e-2",
        "vignette": "A 66-year-old woman is gasping and cyanotic. HR 140, RR 40, SpO2 78%.",
        "acuity": 1,
        "rationale": "ESI level 1: needs an airway.",
    },
    {"case_id": "e-3", "vignette": " ", "acuity": 5, "rationale": "ESI level 5."},
]

ROWS = {InputTask.KTAS: KTAS, InputTask.NHAMCS: NHAMCS, InputTask.ESI: ESI}


@pytest.fixture(scope="session")
def rows() -> Callable[[InputTask], Rows]:
    """Fresh rows of a task."""
    return lambda task: [dict(row) for row in ROWS[task]]


@pytest.fixture
def settings(tmp_path, monkeypatch) -> Settings:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TRIAGE_CONFIG", raising=False)
    return Settings(data_dir=tmp_path / "records")


@pytest.fixture
def without_adapter(settings) -> Settings:
    return settings.with_adapter("none")


@pytest.fixture
def ktas_cases(write, rows) -> list[ReadCase]:
    file = CaseFile(write(rows(InputTask.KTAS), "ktas.csv"), InputTask.KTAS)
    cases = list(file.cases())
    assert all(isinstance(case, ReadCase) for case in cases)
    return cases


@pytest.fixture(scope="session")
def base() -> Iterator[Predictor]:
    """The base model, only the level decoded."""
    predictor = open_predictor(ModelName.BASE, InputTask.KTAS, Settings(), levels_only=True)
    yield predictor
    predictor.close()
