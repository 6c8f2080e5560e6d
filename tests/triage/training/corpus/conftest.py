"""Small data of our own, in the layout of the public data sets."""

import pytest

KTAS_ROW: dict[str, object] = {
    "case_id": "k-1",
    "site": "north",
    "sex": "male",
    "age_years": "58",
    "arrival_mode": "public ambulance",
    "injury": "no",
    "chief_complaint": "arm pain, Lt",
    "avpu": "alert",
    "pain_present": "yes",
    "pain_0_10": "2.0",
    "sbp": "160.0",
    "dbp": "100.0",
    "pulse": "84.0",
    "resp_rate": "18.0",
    "temp_c": "36.6",
    "spo2": "97.0",
    "acuity": "3",
    "nurse_acuity": "2",
    "post_diagnosis": "Fracture of humerus",
    "post_disposition": "2",
}

NHAMCS_ROW: dict[str, object] = {
    "case_id": "n-1",
    "survey_year": 2020,
    "age_years": 71.0,
    "age_days_if_under1": None,
    "sex": "female",
    "arrival_ambulance": "yes",
    "injury_flag": 0.0,
    "temp_f": 98.6,
    "pulse": 104.0,
    "resp_rate": 18.0,
    "sbp": 160.0,
    "dbp": 100.0,
    "spo2": 95.0,
    "pain_0_10": 8.0,
    "chronic_conditions": "HTN;COPD",
    "rfv1_text": "Back pain, ache, soreness, discomfort",
    "rfv2_text": "Accident, NOS",
    "rfv3_text": None,
    "rfv4_text": None,
    "rfv5_text": None,
    "immedr_raw": 3,
    "acuity": 3,
    "post_DOA": 0.0,
    "post_ADMITHOS": 1.0,
    "post_DIEDED": 0.0,
    "post_ENDOINT": 0.0,
    "post_CPR": 0.0,
    "post_BPAP": 0.0,
    "post_CENTLINE": 0.0,
    "post_LUMBAR": 0.0,
    "post_CBC": 1.0,
    "post_BMP": 1.0,
    "post_CMP": 0.0,
    "post_LACTATE": 0.0,
    "post_BLOODCX": 0.0,
    "post_URINE": 0.0,
    "post_EKG": 0.0,
    "post_XRAY": 0.0,
    "post_CATSCAN": 0.0,
    "post_MRI": 0.0,
    "post_ULTRASND": 0.0,
    "post_IVFLUIDS": 0.0,
    "post_NEBUTHER": 0.0,
    "post_CONSULT": 0.0,
    "post_SUTURE": 0.0,
    "post_INCDRAIN": 0.0,
    "post_DIAG1": "M545",
    "design_HOSPCODE": 17.0,
    "design_PATWT": 1234.5,
}

MIMIC_ROWS: dict[str, dict[str, object]] = {
    "triage": {
        "subject_id": "10000001",
        "stay_id": "30000001",
        "temperature": "100.7",
        "heartrate": "112.0",
        "resprate": "24.0",
        "o2sat": "91.0",
        "sbp": "142.0",
        "dbp": "80.0",
        "pain": "4",
        "acuity": "2.0",
        "chiefcomplaint": "SOB, Cough",
    },
    "edstays": {
        "subject_id": "10000001",
        "hadm_id": "20000001",
        "stay_id": "30000001",
        "intime": "2151-03-02 17:05:00",
        "outtime": "2151-03-02 23:40:00",
        "gender": "F",
        "race": "OTHER",
        "arrival_transport": "AMBULANCE",
        "disposition": "ADMITTED",
    },
    "patients": {
        "subject_id": "10000001",
        "gender": "F",
        "anchor_age": "65",
        "anchor_year": "2149",
        "anchor_year_group": "2014 - 2016",
        "dod": "",
    },
}
"""By table, of the shape that PhysioNet publishes; every value is made up."""


@pytest.fixture
def ktas_row() -> dict[str, object]:
    """A row of the KTAS set's layout."""
    return dict(KTAS_ROW)


@pytest.fixture
def nhamcs_row() -> dict[str, object]:
    """A row of the NHAMCS set's layout."""
    return dict(NHAMCS_ROW)


@pytest.fixture
def mimic_rows() -> dict[str, dict[str, object]]:
    """A row of each MIMIC table that is read."""
    return {name: dict(row) for name, row in MIMIC_ROWS.items()}
