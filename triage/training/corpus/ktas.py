"""Adult visits of two Korean emergency departments, triaged with KTAS by three experts.

Moon SH et al., PLoS ONE 2019;14(9):e0216972 (CC BY 4.0). Korean free-text complaints in English, many abbreviated;
some lost their characters and read ``??``. Vital signs are in canonical units, temperature in Celsius.
"""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

from data_schemas.acuity import AcuityScale
from data_schemas.intake import FactKind, IntakeRecord, QualityIssue
from triage.training.corpus.case import LabelledCase
from triage.training.corpus.record import RecordBuilder
from triage.training.corpus.tables import Row, level_cell, read_rows, text_cell

DATASET = "ktas"

TRIAGE_COLUMNS: tuple[str, ...] = (
    "case_id",
    "sex",
    "age_years",
    "arrival_mode",
    "injury",
    "chief_complaint",
    "avpu",
    "pain_present",
    "pain_0_10",
    "sbp",
    "dbp",
    "pulse",
    "resp_rate",
    "temp_c",
    "spo2",
)
"""All that the record is made of, and all that a file must have. Labels, outcomes and diagnoses are not here."""

_ARRIVALS = {
    "private vehicle": "private",
    "public ambulance": "ambulance",
    "private ambulance": "ambulance",
    "walking": "walk-in",
    "wheelchair": "wheelchair",
    "public transportation": "public",
    "police": "police",
    "other": "other",
}
_AVPU = {"alert": "A", "verbal": "V", "pain": "P", "unresponsive": "U"}
_SEX = {"female": "female", "male": "male"}
_YES_NO = {"yes": "yes", "no": "no"}


def read(path: str | Path, *, labelled_only: bool = True) -> Iterator[LabelledCase]:
    """Yield the visits of ``path`` (.csv, .jsonl or .parquet) in its order.

    With ``labelled_only``, rows whose ``acuity`` is there but is not 1-5 are left out; a file without the column is
    read whole, with ``acuity`` None. ``group`` is the site.

    Raises:
        CorpusError: a column of ``TRIAGE_COLUMNS`` is missing, or the file cannot be read.
    """
    for row in read_rows(Path(path), required=TRIAGE_COLUMNS):
        acuity = level_cell(row, "acuity")
        if labelled_only and acuity is None and "acuity" in row:
            continue
        yield LabelledCase(
            case_id=str(row["case_id"]),
            record=to_record({column: row[column] for column in TRIAGE_COLUMNS}),
            scale=AcuityScale.KTAS,
            acuity=acuity,
            group=text_cell(row, "site") or DATASET,
            source=DATASET,
            nurse_acuity=level_cell(row, "nurse_acuity"),
        )


def to_record(row: Row) -> IntakeRecord:
    """The intake record of a row that holds ``TRIAGE_COLUMNS`` and nothing else.

    A row of the project's own cases may give ``age_months`` instead of ``age_years``.
    """
    builder = RecordBuilder(DATASET, str(row["case_id"]))
    years = builder.number(row, "age_years", FactKind.AGE)
    builder.age(years, "a", years, "age_years")
    months = builder.number(row, "age_months", FactKind.AGE)
    builder.age(months, "mo", None if months is None else months / 12, "age_months")
    builder.coded(row, "sex", FactKind.SEX, _SEX)
    builder.coded(row, "arrival_mode", FactKind.ARRIVAL_MODE, _ARRIVALS)
    builder.coded(row, "injury", FactKind.INJURY, _YES_NO)
    _complaint(builder, row)
    builder.vital(row, "pulse", FactKind.HEART_RATE)
    builder.vital(row, "resp_rate", FactKind.RESPIRATORY_RATE)
    builder.vital(row, "spo2", FactKind.OXYGEN_SATURATION)
    builder.vital(row, "temp_c", FactKind.TEMPERATURE)
    builder.pressures(row, "sbp", "dbp")
    avpu = builder.coded(row, "avpu", FactKind.AVPU, _AVPU)
    _pain(builder, row, avpu)
    return builder.build()


def _complaint(builder: RecordBuilder, row: Row) -> None:
    text = text_cell(row, "chief_complaint")
    if text is None:
        return
    if "?" in text:
        message = "chief complaint has lost characters (shown as ?); ask again"
        builder.find(QualityIssue.UNREADABLE, FactKind.CHIEF_COMPLAINT, "chief_complaint", message)
    if any(character.isalnum() for character in text):
        builder.words(FactKind.CHIEF_COMPLAINT, text, "chief_complaint", as_received=text)


def _pain(builder: RecordBuilder, row: Row, avpu: str | None) -> None:
    """The score where there is one. No pain is 0 only from a patient who is alert and can say so."""
    score = builder.number(row, "pain_0_10", FactKind.PAIN)
    if score is not None:
        builder.measured(FactKind.PAIN, score, "pain_0_10", f"{text_cell(row, 'pain_0_10')} {{score}}")
        return
    present = (text_cell(row, "pain_present") or "").lower()
    if present == "yes":
        builder.coded(row, "pain_present", FactKind.PAIN, {"yes": "present"})
    elif present == "no" and avpu == "A":
        builder.measured(FactKind.PAIN, Decimal(0), "pain_present", "no")
