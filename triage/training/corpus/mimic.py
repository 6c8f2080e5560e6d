"""Triage of MIMIC-IV-ED: visits to the ED of one Boston hospital, 2011-2019. A user's own licensed copy.

Johnson A et al., MIMIC-IV-ED (PhysioNet; credentialed access, data use agreement: rows may not be shared, nor sent to
a service outside). Read from the tables as PhysioNet names them: ``triage.csv`` (required), ``edstays.csv`` (sex,
arrival, disposition) and ``patients.csv`` of MIMIC-IV's module ``hosp`` (age), each plain or as ``.csv.gz``. The ESI
level is the triage nurse's. Temperature is in Fahrenheit, pain is free text. ``diagnosis.csv`` and all other tables are
never opened. Written and tested on made-up rows of this shape: no original file was at hand.
"""

import csv
import gzip
import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

from data_schemas.acuity import AcuityScale
from data_schemas.intake import FactKind, IntakeRecord, QualityIssue
from triage.training.corpus.case import LabelledCase
from triage.training.corpus.record import RecordBuilder
from triage.training.corpus.tables import CorpusError, Row, level_cell, number_cell, text_cell

DATASET = "mimic-iv-ed"

TRIAGE_COLUMNS: tuple[str, ...] = (
    "stay_id",
    "temperature",
    "heartrate",
    "resprate",
    "o2sat",
    "sbp",
    "dbp",
    "pain",
    "chiefcomplaint",
)
"""Columns of ``triage.csv`` that a record is made of; all must be there."""

STAY_COLUMNS: tuple[str, ...] = ("gender", "arrival_transport")
"""Columns of ``edstays.csv`` that a record is made of. Race, times and disposition are not."""

AGE_COLUMN = "age_years"
"""``anchor_age`` plus the years from ``anchor_year`` to arrival (MIMIC-IV's own rule); 91 stands for 90 and older."""

_SEX = {"f": "female", "m": "male"}
_ARRIVALS = {"ambulance": "ambulance", "walk in": "walk-in", "helicopter": "helicopter", "other": "other"}
_UNKNOWN = "unknown"
_ADMITTED = {
    "admitted": True,
    "home": False,
    "left without being seen": False,
    "left against medical advice": False,
}
"""Transfers, deaths and elopements say nothing on admission to this hospital."""
_DISPOSED = frozenset({*_ADMITTED, "transfer", "expired", "eloped", "other"})
_PAIN = re.compile(r"^(?:pain\s*)?(?P<score>\d{1,2}(?:\.5)?)(?:\s*/\s*10)?$")
_NO_PAIN = frozenset({"none", "no pain", "denies", "denies pain"})


def read(path: str | Path, *, labelled_only: bool = True) -> Iterator[LabelledCase]:
    """Yield the visits of ``triage.csv`` in its order, on the ESI scale.

    Args:
        path: the folder that holds the tables, or the triage table itself. ``edstays`` and ``patients`` are looked for
            beside it; without them sex, arrival and age are missing, by name.
        labelled_only: leave out visits whose ``acuity`` is not 1-5.

    ``group`` is the subject: no one's visits are split between training and testing. ``outcomes``: ``admission``, and
    ``critical`` where the patient died in the ED.

    Raises:
        CorpusError: a table lacks a column or cannot be read.
        FileNotFoundError: there is no triage table.
    """
    folder, triage = _place(Path(path))
    stays = _keyed(_beside(folder, "edstays"), "stay_id", (*STAY_COLUMNS, "disposition", "intime"))
    patients = _keyed(_beside(folder, "patients"), "subject_id", ("anchor_age", "anchor_year"))
    for row in _table(triage, ("subject_id", *TRIAGE_COLUMNS)):
        acuity = level_cell(row, "acuity")
        if labelled_only and acuity is None and "acuity" in row:
            continue
        stay = stays.get(str(row["stay_id"]), {})
        shown: dict[str, object] = {column: row[column] for column in TRIAGE_COLUMNS}
        shown |= {column: stay.get(column) for column in STAY_COLUMNS}
        shown[AGE_COLUMN] = _age(patients.get(str(row["subject_id"])), stay)
        yield LabelledCase(
            case_id=str(row["stay_id"]),
            record=to_record(shown),
            scale=AcuityScale.ESI,
            acuity=acuity,
            group=str(row["subject_id"]),
            source=DATASET,
            nurse_acuity=acuity,
            outcomes=outcomes_of(stay),
        )


def to_record(row: Row) -> IntakeRecord:
    """The intake record of a row that holds ``TRIAGE_COLUMNS``, ``STAY_COLUMNS`` and the age, and nothing else."""
    builder = RecordBuilder(DATASET, str(row["stay_id"]))
    years = builder.number(row, AGE_COLUMN, FactKind.AGE)
    builder.age(years, "a", years, AGE_COLUMN)
    builder.coded(row, "gender", FactKind.SEX, _SEX)
    if (text_cell(row, "arrival_transport") or _UNKNOWN).lower() != _UNKNOWN:
        builder.coded(row, "arrival_transport", FactKind.ARRIVAL_MODE, _ARRIVALS)
    complaint = text_cell(row, "chiefcomplaint")
    if complaint is not None and any(character.isalnum() for character in complaint):
        builder.words(FactKind.CHIEF_COMPLAINT, complaint, "chiefcomplaint", as_received=complaint)
    builder.vital(row, "heartrate", FactKind.HEART_RATE)
    builder.vital(row, "resprate", FactKind.RESPIRATORY_RATE)
    builder.vital(row, "o2sat", FactKind.OXYGEN_SATURATION)
    _temperature(builder, row)
    builder.pressures(row, "sbp", "dbp")
    _pain(builder, row)
    return builder.build()


def outcomes_of(stay: Row) -> dict[str, bool]:
    """``admission`` and ``critical`` (died in the ED) as far as the disposition tells; empty where it does not."""
    disposition = (text_cell(stay, "disposition") or "").lower()
    outcomes = {"admission": _ADMITTED[disposition]} if disposition in _ADMITTED else {}
    if disposition in _DISPOSED:
        outcomes["critical"] = disposition == "expired"
    return outcomes


def _temperature(builder: RecordBuilder, row: Row) -> None:
    """Fahrenheit by the table's definition. A value that only Celsius would explain is named and not used: some were
    typed in Celsius, and which of them cannot be known."""
    value = builder.number(row, "temperature", FactKind.TEMPERATURE)
    if value is None:
        return
    if Decimal(25) <= value <= Decimal(45):
        builder.find(
            QualityIssue.UNIT_UNKNOWN,
            FactKind.TEMPERATURE,
            "temperature",
            f"temperature of {value} in a column of degrees Fahrenheit looks like Celsius; not used. Measure again",
        )
        return
    as_received = f"{text_cell(row, 'temperature')} [degF]"
    builder.fahrenheit(value, "temperature", as_received)


def _pain(builder: RecordBuilder, row: Row) -> None:
    """A score where the words are one ("8", "8/10"); no pain where they say so. All else is named, not guessed.

    Scores over 10 are not pain: the table uses 13 and the like for patients who cannot be asked.
    """
    words = (text_cell(row, "pain") or "").lower()
    if not words:
        return
    match = _PAIN.match(words.removesuffix(".0"))
    score = Decimal(match["score"]) if match else Decimal(0) if words in _NO_PAIN else None
    if score is not None:
        builder.measured(FactKind.PAIN, score, "pain", words)
        return
    message = "pain: the words are no score from 0 to 10; not used. Ask the patient"
    builder.find(QualityIssue.NOT_NUMERIC, FactKind.PAIN, "pain", message)


def _age(patient: Row | None, stay: Row) -> Decimal | None:
    """Years at arrival, None where a table or a cell is missing."""
    arrived = text_cell(stay, "intime") or ""
    if patient is None or not arrived[:4].isdigit():
        return None
    try:
        age, year = number_cell(patient, "anchor_age"), number_cell(patient, "anchor_year")
    except ValueError:
        return None
    if age is None or year is None:
        return None
    return age + int(arrived[:4]) - year


def _place(path: Path) -> tuple[Path, Path]:
    if not path.is_dir():
        return path.parent, path
    found = _beside(path, "triage")
    if found is None:
        raise FileNotFoundError(2, "no triage.csv or triage.csv.gz in this folder", str(path))
    return path, found


def _beside(folder: Path, name: str) -> Path | None:
    return next((p for p in (folder / f"{name}.csv", folder / f"{name}.csv.gz") if p.is_file()), None)


def _keyed(path: Path | None, key: str, columns: tuple[str, ...]) -> dict[str, dict[str, str]]:
    """The wanted columns of a small table by its key; empty where there is no such table."""
    if path is None:
        return {}
    return {row[key]: {column: row[column] for column in columns} for row in _table(path, (key, *columns))}


def _table(path: Path, required: tuple[str, ...]) -> Iterator[dict[str, str]]:
    open_text = gzip.open if path.suffix.lower() == ".gz" else open
    with open_text(path, "rt", encoding="utf-8-sig", newline="") as file:
        try:
            reader = csv.DictReader(file)
            missing = [column for column in required if column not in (reader.fieldnames or ())]
            if missing:
                raise CorpusError(
                    f"{path.name}: missing column{'s' if len(missing) > 1 else ''} {', '.join(missing)}; give MIMIC's "
                    "own table"
                )
            for number, row in enumerate(reader, start=2):
                if None in row or None in row.values():
                    raise CorpusError(
                        f"{path.name}, record {number}: not as many cells as the header has columns"
                    )
                yield row
        except (gzip.BadGzipFile, EOFError, UnicodeDecodeError) as error:
            raise CorpusError(
                f"{path.name}: not readable ({type(error).__name__}); download it again"
            ) from None
