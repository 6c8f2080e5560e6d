"""Visits of the US National Hospital Ambulatory Medical Care Survey, emergency departments, 2016-2020.

CDC/NCHS public-use files: a table of them, decoded (.parquet, .csv, .jsonl), or one of the CDC's own (.dta, .sas7bdat;
see ``nhamcs_cdc``). The level is the one that the triage nurse recorded (``AcuityScale.NHAMCS``). There
is no free text: the complaint is up to five coded reasons for the visit. Terms: statistical analysis only.
"""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

from data_schemas.acuity import AcuityScale
from data_schemas.intake import CANONICAL_UNITS, FactKind, IntakeRecord, QualityIssue
from triage.training.corpus import nhamcs_cdc
from triage.training.corpus.case import LabelledCase
from triage.training.corpus.nhamcs_outcomes import outcomes_of, resources_used
from triage.training.corpus.reasons import reason_words
from triage.training.corpus.record import RecordBuilder
from triage.training.corpus.tables import Row, flag_cell, level_cell, number_cell, read_rows, text_cell

DATASET = "nhamcs"

REASON_COLUMNS: tuple[str, ...] = tuple(f"rfv{number}_text" for number in range(1, 6))

TRIAGE_COLUMNS: tuple[str, ...] = (
    "case_id",
    "age_years",
    "age_days_if_under1",
    "sex",
    "arrival_ambulance",
    "injury_flag",
    "temp_f",
    "pulse",
    "resp_rate",
    "sbp",
    "dbp",
    "spo2",
    "pain_0_10",
    "chronic_conditions",
    *REASON_COLUMNS,
)
"""All that the record is made of, and all that a file must have. Nothing recorded after triage is here."""

CONDITIONS: dict[str, str] = {
    "ALZHD": "Alzheimer's disease or dementia",
    "ASTHMA": "asthma",
    "CAD": "coronary artery disease",
    "CANCER": "cancer",
    "CEBVD": "cerebrovascular disease, stroke or TIA",
    "CHF": "congestive heart failure",
    "CKD": "chronic kidney disease",
    "COPD": "COPD",
    "DEPRN": "depression",
    "DIABTYP0": "diabetes mellitus, type unspecified",
    "DIABTYP1": "diabetes mellitus type 1",
    "DIABTYP2": "diabetes mellitus type 2",
    "EDHIV": "HIV infection",
    "ESRD": "end-stage renal disease",
    "ETOHAB": "alcohol abuse or dependence",
    "HPE": "previous pulmonary embolism or deep vein thrombosis",
    "HTN": "hypertension",
    "HYPLIPID": "hyperlipidemia",
    "OBESITY": "obesity",
    "OSA": "obstructive sleep apnea",
    "OSTPRSIS": "osteoporosis",
    "SUBSTAB": "substance abuse or dependence",
}
"""The survey's check boxes for what the patient already had, by variable name."""

TRANSCRIPTION_LIMITS: dict[FactKind, tuple[int, int]] = {
    FactKind.HEART_RATE: (20, 300),
    FactKind.RESPIRATORY_RATE: (4, 100),
    FactKind.OXYGEN_SATURATION: (50, 100),
}
"""Closed intervals outside which a survey value is a transcription error: a saturation of 4 % is a flow of 4 L/min, one
of 20 % a breathing rate (three quarters of them at levels 3-5). Narrower than for live patients. A heart or breathing
rate of 0 is kept."""

_NOT_A_NUMBER = frozenset({Decimal(-7), Decimal(-8), Decimal(-9)})
"""NCHS codes for not applicable, unknown and blank."""
_SEX = {"female": "female", "male": "male"}
_INJURY = {"1": "yes", "0": "no"}
_DAYS_IN_YEAR = Decimal("365.25")


def read(path: str | Path, *, labelled_only: bool = True) -> Iterator[LabelledCase]:
    """Yield the visits of ``path`` (.parquet, .csv, .jsonl, or the CDC's .dta or .sas7bdat) in its order.

    With ``labelled_only``, visits of people dead on arrival and rows whose ``acuity`` is there but is not 1-5 are left
    out; a file without the column is read whole, with ``acuity`` None. ``group`` is year and hospital
    (``2020-hospital-17``), hospital codes being given anew each year; where the file has no hospital, the year.

    Raises:
        CorpusError: a column of ``TRIAGE_COLUMNS`` is missing, or the file cannot be read.
    """
    path = Path(path)
    original = path.suffix.lower() in nhamcs_cdc.SUFFIXES
    for row in nhamcs_cdc.rows(path) if original else read_rows(path, required=TRIAGE_COLUMNS):
        acuity = level_cell(row, "acuity")
        if labelled_only and (flag_cell(row, "post_DOA") or (acuity is None and "acuity" in row)):
            continue
        yield LabelledCase(
            case_id=str(row["case_id"]),
            record=to_record({column: row[column] for column in TRIAGE_COLUMNS}),
            scale=AcuityScale.NHAMCS,
            acuity=acuity,
            group=_group(row),
            source=DATASET,
            nurse_acuity=acuity,
            resources_used=resources_used(row),
            outcomes=outcomes_of(row),
        )


def to_record(row: Row) -> IntakeRecord:
    """The intake record of a row that holds ``TRIAGE_COLUMNS`` and nothing else."""
    builder = RecordBuilder(DATASET, str(row["case_id"]))
    _age(builder, row)
    builder.coded(row, "sex", FactKind.SEX, _SEX)
    _arrival(builder, row)
    _injury(builder, row)
    _complaint(builder, row)
    _vital(builder, row, "pulse", FactKind.HEART_RATE)
    _vital(builder, row, "resp_rate", FactKind.RESPIRATORY_RATE)
    _vital(builder, row, "spo2", FactKind.OXYGEN_SATURATION)
    _temperature(builder, row)
    builder.pressures(_without_codes(row, "sbp", "dbp"), "sbp", "dbp")
    _vital(builder, row, "pain_0_10", FactKind.PAIN)
    _conditions(builder, row)
    return builder.build()


def _group(row: Row) -> str:
    year = (text_cell(row, "survey_year") or DATASET).removesuffix(".0")
    hospital = text_cell(row, "design_HOSPCODE")
    return year if hospital is None else f"{year}-hospital-{hospital.removesuffix('.0')}"


def _without_codes(row: Row, *columns: str) -> dict[str, object]:
    """The cells, those that hold an NCHS code for no answer emptied."""
    cells: dict[str, object] = {}
    for column in columns:
        try:
            cells[column] = None if number_cell(row, column) in _NOT_A_NUMBER else row[column]
        except ValueError:
            cells[column] = row[column]
    return cells


def _age(builder: RecordBuilder, row: Row) -> None:
    cells = _without_codes(row, "age_days_if_under1", "age_years")
    days = builder.number(cells, "age_days_if_under1", FactKind.AGE)
    if days is not None:
        builder.age(days, "d", days / _DAYS_IN_YEAR, "age_days_if_under1")
        return
    years = builder.number(cells, "age_years", FactKind.AGE)
    builder.age(years, "a", years, "age_years")


def _arrival(builder: RecordBuilder, row: Row) -> None:
    """The survey tells only whether it was an ambulance."""
    text = "not by ambulance" if text_cell(row, "arrival_ambulance") == "no" else None
    codes = {"yes": "ambulance", "no": "other"}
    builder.coded(row, "arrival_ambulance", FactKind.ARRIVAL_MODE, codes, text=text)


def _injury(builder: RecordBuilder, row: Row) -> None:
    raw = (text_cell(row, "injury_flag") or "").removesuffix(".0")
    if raw in _INJURY:
        builder.coded({"injury_flag": raw}, "injury_flag", FactKind.INJURY, {"1": "yes", "0": "no"})


def _complaint(builder: RecordBuilder, row: Row) -> None:
    labels = [label for column in REASON_COLUMNS if (label := text_cell(row, column)) is not None]
    words = list(dict.fromkeys(reason_words(label) for label in labels))
    if words:
        builder.words(FactKind.CHIEF_COMPLAINT, "; ".join(words), REASON_COLUMNS[0], "; ".join(labels))


def _vital(builder: RecordBuilder, row: Row, column: str, kind: FactKind) -> None:
    cells = _without_codes(row, column)
    value = builder.number(cells, column, kind)
    if value is None:
        return
    low, high = TRANSCRIPTION_LIMITS.get(kind, (None, None))
    arrest = value == 0 and kind in {FactKind.HEART_RATE, FactKind.RESPIRATORY_RATE}
    if low is not None and high is not None and not arrest and not low <= value <= high:
        message = f"{kind.value} of {value} {CANONICAL_UNITS[kind]} is outside {low} to {high}; measure again"
        builder.find(QualityIssue.IMPOSSIBLE, kind, column, message)
        return
    builder.measured(kind, value, column, f"{text_cell(row, column)} {CANONICAL_UNITS[kind]}")


def _temperature(builder: RecordBuilder, row: Row) -> None:
    value = builder.number(_without_codes(row, "temp_f"), "temp_f", FactKind.TEMPERATURE)
    if value is not None:
        builder.fahrenheit(value, "temp_f", f"{text_cell(row, 'temp_f')} [degF]")


def _conditions(builder: RecordBuilder, row: Row) -> None:
    for code in (text_cell(row, "chronic_conditions") or "").split(";"):
        name = code.strip()
        if name in CONDITIONS:
            builder.words(FactKind.CONDITION, CONDITIONS[name], "chronic_conditions", name)
        elif name:
            message = "condition: column chronic_conditions holds a code that is not of the data set's list"
            builder.find(QualityIssue.UNREADABLE, FactKind.CONDITION, "chronic_conditions", message)
