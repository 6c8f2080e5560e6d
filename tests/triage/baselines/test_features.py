"""The features hold what was known at triage, all of it as it was, and nothing else."""

import math
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_schemas import FactKind, IntakeRecord, PatientIdentity
from triage.baselines import FeatureConfig, FeatureSpace
from triage.baselines.facts_table import CODES, FACT_NAMES, RULE_NAMES, fact_table
from triage.esi import screen
from triage.guidelines import record_from
from triage.training.corpus import LabelledCase, ktas, nhamcs, read_ktas, read_nhamcs

EVERY_TERM = FeatureConfig(min_count=1)


def row_of(record: IntakeRecord) -> dict[str, float]:
    return dict(zip(FACT_NAMES, fact_table([record])[0], strict=True))


def column(space: FeatureSpace, record: IntakeRecord, name: str) -> float:
    found = [screen(record)] if space.config.rules else None
    return float(space.transform([record], found).toarray()[0, space.names.index(name)])


def test_facts_stand_in_their_columns_in_canonical_units() -> None:
    row = row_of(
        record_from(
            {
                "age": "18 mo",
                "sex": "female",
                "arrival": "ambulance",
                "injury": "yes",
                "hr": 150,
                "sbp": 100,
                "dbp": 60,
                "temp": 38.5,
                "pain": 0,
                "avpu": "V",
                "complaint": "fever",
                "condition": ["asthma", "sickle cell disease"],
            }
        )
    )
    assert row["age_years"] == pytest.approx(1.5)
    assert (row["heart_rate"], row["temperature"], row["pain"]) == (150, 38.5, 0)
    assert row["shock_index"] == pytest.approx(1.5)
    assert row["pulse_pressure"] == 40
    assert row["count:condition"] == 2
    held = {name for name, value in row.items() if "=" in name and value == 1}
    assert held == {"sex=female", "arrival_mode=ambulance", "injury=yes", "avpu=V"}


def test_what_is_missing_is_unknown_and_flagged_never_normal_or_zero() -> None:
    row = row_of(record_from({"complaint": "dizzy", "pain": 0, "hr": 0}))
    assert (row["heart_rate"], row["missing:heart_rate"]) == (0, 0)
    for kind in (FactKind.OXYGEN_SATURATION, FactKind.SYSTOLIC_BP, FactKind.RESPIRATORY_RATE):
        assert math.isnan(row[kind.value])
        assert row[f"missing:{kind.value}"] == 1
    assert math.isnan(row["age_years"])
    assert math.isnan(row["shock_index"])
    assert [row[f"avpu={code}"] for code in CODES[FactKind.AVPU]] == [0] * 5


def test_unknown_stays_unknown_in_the_sparse_matrix() -> None:
    records = [record_from({"complaint": "dizzy"}), record_from({"complaint": "dizzy", "spo2": 97})]
    space = FeatureSpace.fit(EVERY_TERM, records)
    assert math.isnan(column(space, records[0], "oxygen_saturation"))
    assert column(space, records[1], "oxygen_saturation") == 97


@pytest.mark.parametrize(("kind", "code"), [(kind, code) for kind in CODES for code in CODES[kind]])
def test_a_code_fills_its_own_column_and_no_other(kind: FactKind, code: str) -> None:
    row = row_of(record_from({"complaint": "dizzy", kind.value: code}))
    columns = {name: value for name, value in row.items() if name.startswith(f"{kind.value}=")}
    assert columns.pop(f"{kind.value}={code}") == 1
    assert set(columns.values()) == {0}


def test_a_sex_that_is_not_known_fills_no_column() -> None:
    row = row_of(record_from({"complaint": "dizzy", "sex": "unknown"}))
    assert [value for name, value in row.items() if name.startswith("sex=")] == [0, 0, 0]
    assert row["missing:sex"] == 1


def test_words_pairs_parts_and_history_have_columns_of_their_own() -> None:
    record = record_from({"complaint": "Chest pain", "note": "sweaty", "condition": "Chest wall disease"})
    space = FeatureSpace.fit(EVERY_TERM, [record])
    names = set(space.names)
    assert {"word:chest", "word:chest pain", "word:sweaty", "part:chest", "history:disease"} <= names
    assert "word:disease" not in names
    assert "history:pain" not in names
    other = record_from({"complaint": "chestpain"})
    assert column(space, other, "part: che") == 1
    assert column(space, other, "word:chest") == 0


def test_the_most_frequent_terms_are_kept_and_rare_ones_left_out() -> None:
    complaints = ["fall", "fall", "fall", "cough", "cough", "rash"]
    records = [record_from({"complaint": complaint}) for complaint in complaints]
    assert FeatureSpace.fit(FeatureConfig(words=1, parts=0, min_count=1), records).words == ("fall",)
    assert FeatureSpace.fit(FeatureConfig(parts=0, min_count=2), records).words == ("cough", "fall")


def test_rule_findings_are_columns_only_where_asked_for() -> None:
    record = record_from({"age": "60 a", "complaint": "chest pain", "hr": 130, "spo2": 88})
    screening = screen(record)
    assert screening.findings
    with_rules = FeatureSpace.fit(EVERY_TERM.model_copy(update={"rules": True}), [record], [screening])
    ids = {finding.statement.id for finding in screening.findings}
    assert set(with_rules.statements) == ids
    assert column(with_rules, record, f"statement:{min(ids)}") == 1
    assert column(with_rules, record, "rules:level") == screening.level
    well = record_from({"age": "30 a", "complaint": "prescription refill", "hr": 70, "spo2": 99})
    assert screen(well).floor is None
    assert math.isnan(column(with_rules, well, "rules:floor"))
    assert column(with_rules, well, f"statement:{min(ids)}") == 0
    without = FeatureSpace.fit(EVERY_TERM, [record], [screening])
    assert without.statements == ()
    assert not set(without.names) & set(RULE_NAMES)


def test_rule_features_without_screenings_are_an_error() -> None:
    record = record_from({"complaint": "cough"})
    config = EVERY_TERM.model_copy(update={"rules": True})
    with pytest.raises(ValueError, match="one screening for each record"):
        FeatureSpace.fit(config, [record])
    with pytest.raises(ValueError, match="one screening for each record"):
        FeatureSpace.fit(config, [record, record], [screen(record)])


def test_columns_of_another_version_are_refused() -> None:
    record = record_from({"complaint": "cough"})
    space = FeatureSpace.fit(EVERY_TERM, [record]).model_copy(update={"facts": FACT_NAMES[1:]})
    with pytest.raises(ValueError, match="fit the model again"):
        space.transform([record])


def test_column_names_are_unique_and_as_many_as_the_columns(cases: list[LabelledCase]) -> None:
    records = [case.record for case in cases]
    found = [screen(record) for record in records]
    space = FeatureSpace.fit(EVERY_TERM.model_copy(update={"rules": True}), records, found)
    assert len(set(space.names)) == len(space.names) == space.transform(records, found).shape[1]


def test_records_without_a_word_have_facts_only() -> None:
    record = record_from({"age": "40 a", "hr": 80})
    space = FeatureSpace.fit(EVERY_TERM, [record])
    assert space.names == FACT_NAMES
    assert space.transform([record]).shape == (1, len(FACT_NAMES))


def test_identity_times_and_where_a_fact_came_from_are_no_features(cases: list[LabelledCase]) -> None:
    record = cases[0].record
    moment = datetime(2031, 5, 5, 3, tzinfo=UTC)
    changed = record.model_copy(
        update={
            "encounter_key": "elsewhere|Encounter/9",
            "patient": PatientIdentity(reference="Patient/9", names=("Zzleak",)),
            "arrived_at": moment,
            "read_at": moment,
            "facts": tuple(
                fact.model_copy(update={"observed_at": moment, "as_received": "zzleak"})
                for fact in record.facts
            ),
        }
    )
    space = FeatureSpace.fit(EVERY_TERM, [changed])
    assert space == FeatureSpace.fit(EVERY_TERM, [record])
    first, second = space.transform([record]).toarray(), space.transform([changed]).toarray()
    assert np.array_equal(first, second, equal_nan=True)


NHAMCS_ROW: dict[str, object] = {
    "case_id": "n-1",
    "survey_year": 2019,
    "age_years": 64,
    "age_days_if_under1": None,
    "sex": "male",
    "arrival_ambulance": "yes",
    "injury_flag": 0,
    "temp_f": 99.1,
    "pulse": 112,
    "resp_rate": 24,
    "sbp": 104,
    "dbp": 66,
    "spo2": 90,
    "pain_0_10": 6,
    "chronic_conditions": "COPD",
    "rfv1_text": "Shortness of breath",
    "rfv2_text": None,
    "rfv3_text": None,
    "rfv4_text": None,
    "rfv5_text": None,
    "immedr_raw": 2,
    "acuity": 2,
    "post_DOA": 0,
    "post_ADMITHOS": 1,
    "post_DIEDED": 0,
    "post_CBC": 1,
    "post_DIAG1": "J441",
    "design_HOSPCODE": 4,
    "design_PATWT": 830.0,
}
KTAS_ROW: dict[str, object] = {
    "case_id": "k-1",
    "site": "north",
    "sex": "female",
    "age_years": "44",
    "arrival_mode": "walking",
    "injury": "no",
    "chief_complaint": "headache",
    "avpu": "alert",
    "pain_present": "yes",
    "pain_0_10": "7",
    "sbp": "150",
    "dbp": "90",
    "pulse": "88",
    "resp_rate": "18",
    "temp_c": "36.8",
    "spo2": "99",
    "acuity": "3",
    "nurse_acuity": "2",
    "post_diagnosis": "Migraine",
    "post_disposition": "1",
}


@pytest.mark.parametrize(
    ("reader", "row", "allowed"),
    [
        (read_nhamcs, NHAMCS_ROW, nhamcs.TRIAGE_COLUMNS),
        (read_ktas, KTAS_ROW, ktas.TRIAGE_COLUMNS),
    ],
)
def test_no_column_from_after_triage_moves_a_feature(
    reader: object, row: dict[str, object], allowed: tuple[str, ...], tmp_path: Path
) -> None:
    """Every label, outcome, diagnosis and design column, changed one at a time and all at once."""
    rest = [name for name in row if name not in allowed]
    assert len(rest) >= 4
    plain = _case(reader, row, tmp_path)
    config = EVERY_TERM.model_copy(update={"rules": True})
    space = FeatureSpace.fit(config, [plain.record], [screen(plain.record)])
    expected = space.transform([plain.record], [screen(plain.record)]).toarray()
    for names in [*([name] for name in rest), rest]:
        changed = {**row, **{name: _other(row[name]) for name in names}}
        record = _case(reader, changed, tmp_path).record
        assert FeatureSpace.fit(config, [record], [screen(record)]) == space
        found = space.transform([record], [screen(record)]).toarray()
        assert np.array_equal(found, expected, equal_nan=True), names
    changed = {**row, "spo2": 71}
    record = _case(reader, changed, tmp_path).record
    found = space.transform([record], [screen(record)]).toarray()
    assert not np.array_equal(found, expected, equal_nan=True)  # the check can tell


def _other(value: object) -> object:
    return "Zzleak" if isinstance(value, str) and not value.isdigit() else 5


def _case(reader: object, row: dict[str, object], folder: Path) -> LabelledCase:
    import csv

    path = folder / "one.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(row))
        writer.writeheader()
        writer.writerow(row)
    assert callable(reader)
    case = next(reader(path, labelled_only=False))
    assert isinstance(case, LabelledCase)
    return case


SPACE = FeatureSpace.fit(
    EVERY_TERM, [record_from({"complaint": "chest pain", "note": "short of breath", "condition": "asthma"})]
)


@given(st.text(min_size=1), st.text(min_size=1), st.integers(0, 250))
def test_any_words_give_a_row(complaint: str, condition: str, rate: int) -> None:
    record = record_from({"complaint": complaint, "condition": condition, "hr": rate})
    row = SPACE.transform([record]).toarray()[0]
    assert row.shape == (len(SPACE.names),)
    assert not np.isinf(row).any()
    assert np.isin(row[len(FACT_NAMES) :], (0, 1)).all()
