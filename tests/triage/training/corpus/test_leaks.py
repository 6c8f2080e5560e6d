"""One test for every corpus: columns that must not be known at triage change neither record nor prompt.

(A hospital's FHIR export has its own, in `tests/integrations/fhir/test_export_corpus.py`: it is a floor above.)
"""

import csv
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from triage.esi import screen
from triage.guidelines import GuidelineLibrary
from triage.slm.prompt import build_prompt
from triage.training.corpus import (
    LabelledCase,
    authored_cases,
    read_authored,
    read_ktas,
    read_mimic,
    read_nhamcs,
    read_vignettes,
)
from triage.training.corpus import ktas as ktas_corpus
from triage.training.corpus import nhamcs as nhamcs_corpus
from triage.training.corpus.nhamcs_cdc import AFTER_TRIAGE, CONDITIONS, DESIGN, REQUIRED

Row = dict[str, Any]
Build = Callable[[Row], LabelledCase]

POISON = st.fixed_dictionaries(
    {},
    optional={
        "acuity": st.sampled_from(["1", "2", "3", "4", "5"]),
        "nurse_acuity": st.sampled_from(["1", "2", "3", "4", "5"]),
        "diagnosis": st.sampled_from(["I219", "Sepsis", "Fracture of humerus"]),
        "disposition": st.sampled_from(["ADMITTED", "HOME", "EXPIRED"]),
        "rationale": st.sampled_from(["ESI level 2: high risk", "no resources"]),
        "why": st.sampled_from(["Needs an immediate life-saving intervention", "One resource"]),
        "post_diagnosis": st.sampled_from(["I219", "Sepsis"]),
        "post_disposition": st.sampled_from(["1", "7"]),
        "post_ADMITHOS": st.sampled_from(["0", "1"]),
        "post_new_column": st.text(max_size=5),
        "design_PATWT": st.sampled_from(["1", "9999.5"]),
        "design_HOSPCODE": st.sampled_from(["3", "232"]),
        "immedr_raw": st.sampled_from(["1", "5"]),
        "resources": st.sampled_from(["0", "2"]),
        "high_risk": st.sampled_from(["True", "False"]),
        "site": st.sampled_from(["A", "B"]),
    },
)
LIBRARY = GuidelineLibrary.load()


def seen(case: LabelledCase) -> tuple[Any, str]:
    """The record, whole, and the prompt."""
    record = case.record
    return record, build_prompt(record, screen(record, library=LIBRARY), LIBRARY.short, case.scale).text


def only(cases: Iterable[LabelledCase]) -> LabelledCase:
    (case,) = cases
    return case


CDC_VISIT: Row = {
    **dict.fromkeys((*REQUIRED, *AFTER_TRIAGE, *DESIGN), 0),
    **{
        "YEAR": 2020,
        "AGE": 71,
        "AGEDAYS": -7,
        "SEX": 1,
        "ARREMS": 1,
        "TEMPF": 986,
        "PULSE": 104,
        "RESPR": 18,
    },
    **{"BPSYS": 160, "BPDIAS": 100, "POPCT": 95, "PAINSCALE": 8, "RFV1": 19050, "IMMEDR": 3, "HTN": 1},
    **{"DIAG1": "M545", "DIAG2": "-9", "DIAG3": "-9"},
}


@pytest.fixture(params=["ktas", "nhamcs", "vignettes", "mimic"])
def build(
    request: pytest.FixtureRequest,
    write: Callable[..., Path],
    ktas_row: Row,
    nhamcs_row: Row,
    mimic_rows: dict[str, Row],
    tmp_path: Path,
) -> Build:
    """Makes the case of a row with more, or other, columns."""

    def mimic(poison: Row) -> LabelledCase:
        for name, row in mimic_rows.items():
            changed = {**row, **{k: v for k, v in poison.items() if name == "triage" or k in row}}
            with (tmp_path / f"{name}.csv").open("w", newline="") as file:
                writer = csv.DictWriter(file, fieldnames=list(changed))
                writer.writeheader()
                writer.writerow(changed)
        return only(read_mimic(tmp_path, labelled_only=False))

    vignette: Row = {
        "case_id": "v-1",
        "vignette": "A man of 52 with a cough, HR 96, T 100.4 F.",
        "acuity": "3",
    }
    builders: dict[str, Build] = {
        "ktas": lambda poison: only(read_ktas(write([{**ktas_row, **poison}], "k.csv"), labelled_only=False)),
        "nhamcs": lambda poison: only(
            read_nhamcs(write([{**nhamcs_row, **poison}], "n.csv"), labelled_only=False)
        ),
        "vignettes": lambda poison: only(
            read_vignettes(write([{**vignette, **poison}], "v.jsonl"), labelled_only=False)
        ),
        "mimic": mimic,
    }
    chosen: Build = builders[request.param]
    return chosen


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40, deadline=None)
@given(poison=POISON)
def test_poisoned_columns_give_the_same_record_and_prompt(build: Build, poison: Row) -> None:
    assert seen(build(poison)) == seen(build({}))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=15, deadline=None)
@given(data=st.data())
def test_poisoned_variables_of_the_cdcs_file_give_the_same_record_and_prompt(
    tmp_path: Path, data: st.DataObject
) -> None:
    hidden = [*AFTER_TRIAGE, *DESIGN, "IMMEDR"]
    changed = dict(CDC_VISIT)
    for name in data.draw(st.sets(st.sampled_from(hidden), min_size=1)):
        changed[name] = data.draw(
            st.sampled_from(["I219", "A419"]) if name.startswith("DIAG") else st.integers(-9, 5)
        )
    cases = []
    for place, visit in enumerate((CDC_VISIT, changed)):
        path = tmp_path / f"ed2020-{place}.dta"
        labels = {"RFV1": {19050: "Back pain, ache, soreness, discomfort"}}
        pd.DataFrame([visit]).to_stata(path, write_index=False, value_labels=labels, version=118)
        cases.append(only(read_nhamcs(path, labelled_only=False)))
    assert seen(cases[0]) == seen(cases[1])


def test_the_shipped_cases_records_come_from_the_vignette_alone(write: Callable[..., Path]) -> None:
    """The same vignettes without any other field, read as a foreign file, give the same prompts."""
    sources = list(authored_cases())[::40]
    path = write([{"case_id": case.case_id, "vignette": case.vignette} for case in sources], "bare.jsonl")
    shipped = {case.case_id: case for case in read_authored()}
    for bare in read_vignettes(path):
        assert seen(bare) == seen(shipped[bare.case_id])


def test_the_allow_lists_name_no_leak() -> None:
    forbidden = ("post_", "design_", "acuity", "diag", "disposition", "immedr")
    allowed = (*ktas_corpus.TRIAGE_COLUMNS, *nhamcs_corpus.TRIAGE_COLUMNS)
    assert not [name for name in allowed if any(word in name.lower() for word in forbidden)]
    assert not set(CONDITIONS) & set(AFTER_TRIAGE)
