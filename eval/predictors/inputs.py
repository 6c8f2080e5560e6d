"""The file of cases to predict: its triage columns, row by row. No label, outcome or diagnosis column is read."""

import csv
import hashlib
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from data_schemas import AcuityScale, FactKind, IntakeRecord
from integrations.fhir.leaks import strip_acuity
from triage.facts import make_fact, missing_kinds, number_facts
from triage.training.corpus import CorpusError, ktas, nhamcs, vignettes
from triage.training.corpus.record import column_source
from triage.training.corpus.tables import Row, read_rows, text_cell

DIAGNOSIS = "post_diagnosis"
"""The final diagnosis of the ED visit: known only after triage."""


class InputError(ValueError):
    """The cases cannot be predicted as asked; names the file, the field and the remedy, never a patient."""


class OptionError(InputError):
    """What was asked for does not go together, whatever the files hold."""


class InputTask(StrEnum):
    """Whose layout a file of cases has."""

    KTAS = "ktas"
    NHAMCS = "nhamcs"
    ESI = "esi"


@dataclass(frozen=True, slots=True)
class Layout:
    """``columns``: all that is read. ``words``: those of them that hold free text."""

    scale: AcuityScale
    columns: tuple[str, ...]
    words: tuple[str, ...]
    to_record: Callable[[Row], IntakeRecord]


LAYOUTS = {
    InputTask.KTAS: Layout(AcuityScale.KTAS, ktas.TRIAGE_COLUMNS, ("chief_complaint",), ktas.to_record),
    InputTask.NHAMCS: Layout(
        AcuityScale.NHAMCS, nhamcs.TRIAGE_COLUMNS, nhamcs.REASON_COLUMNS, nhamcs.to_record
    ),
    InputTask.ESI: Layout(AcuityScale.ESI, vignettes.TRIAGE_COLUMNS, ("vignette",), vignettes.to_record),
}


@dataclass(frozen=True, slots=True)
class ReadCase:
    """A case that can be asked about."""

    case_id: str
    record: IntakeRecord


@dataclass(frozen=True, slots=True)
class UnreadableCase:
    """A row of which no record can be made. ``error`` has no patient data in it."""

    case_id: str
    error: str


class CaseFile:
    """The cases of ``path``, checked as a whole before any work: columns, ids, every row's form.

    Args:
        path: .csv, .jsonl or .parquet.
        task: the layout.
        with_diagnosis: also read ``post_diagnosis`` (KTAS only), for a comparison with models that were given it.

    Raises:
        InputError: the file is empty, of an unknown form, lacks a column, or an id is blank or stands twice.
        OSError: the file cannot be opened.
    """

    def __init__(self, path: Path, task: InputTask, *, with_diagnosis: bool = False) -> None:
        if with_diagnosis and task is not InputTask.KTAS:
            raise OptionError(
                f"the diagnosis is an input only for the KTAS comparison: leave --with-diagnosis out for {task.value}"
            )
        self.path = path
        self.task = task
        self.layout = LAYOUTS[task]
        self.with_diagnosis = with_diagnosis
        self.columns = (*self.layout.columns, *((DIAGNOSIS,) if with_diagnosis else ()))
        self.counts: Counter[str] = Counter()
        """``levels_in_text``: texts that named an acuity level, taken out as from any arriving patient's;
        ``diagnoses``: records that hold the diagnosis."""
        if path.stat().st_size == 0:
            raise InputError(f"{path.name} is empty; give a file with a row a case")
        self.ids = self._ids()
        self.sha256 = sha256_of(path)

    def cases(self, skip: Collection[str] = frozenset()) -> Iterator[ReadCase | UnreadableCase]:
        """Every case in the file's order, without those of ``skip``."""
        for row in self._rows(self.columns):
            case_id = text_cell(row, "case_id") or ""
            if case_id not in skip:
                yield self._case(case_id, row)

    def _case(self, case_id: str, row: Row) -> ReadCase | UnreadableCase:
        try:
            record = self.layout.to_record(self._without_levels(row))
            if self.with_diagnosis:
                record = self._diagnosed(record, row)
        except (
            Exception
        ) as error:  # any defect of one row: its words could quote the patient, its class does not
            return UnreadableCase(case_id, f"unreadable: {type(error).__name__}")
        if not record.facts:
            return UnreadableCase(case_id, "unreadable: the row holds nothing that was known at triage")
        return ReadCase(case_id, record)

    def _without_levels(self, row: Row) -> dict[str, object]:
        cells = {column: row[column] for column in self.layout.columns}
        for column in self.layout.words:
            text = text_cell(row, column)
            stripped, found = strip_acuity(text) if text else (text, False)
            if found:
                cells[column] = stripped
                self.counts["levels_in_text"] += 1
        return cells

    def _diagnosed(self, record: IntakeRecord, row: Row) -> IntakeRecord:
        text = text_cell(row, DIAGNOSIS)
        if text is None:
            return record
        self.counts["diagnoses"] += 1
        source = column_source(ktas.DATASET, DIAGNOSIS)
        fact = make_fact(1, FactKind.TRIAGE_NOTE, text=f"ED diagnosis: {text}", source=source)
        facts = number_facts((*record.facts, fact))
        return record.model_copy(update={"facts": facts, "missing": missing_kinds(facts)})

    def _ids(self) -> tuple[str, ...]:
        seen: dict[str, int] = {}
        for number, row in enumerate(self._rows(("case_id",)), start=1):
            case_id = text_cell(row, "case_id")
            if case_id is None:
                raise InputError(f"{self.path.name}, case {number}: case_id is empty; give every case an id")
            if not case_id.isprintable():
                raise InputError(f"{self.path.name}, case {number}: case_id holds a control character")
            if case_id in seen:
                raise InputError(
                    f"{self.path.name}: cases {seen[case_id]} and {number} have the same case_id; give each its own"
                )
            seen[case_id] = number
        if not seen:
            raise InputError(f"{self.path.name} holds no case, only a header; give a file with a row a case")
        return tuple(seen)

    def _rows(self, only: tuple[str, ...]) -> Iterator[Row]:
        try:
            yield from read_rows(self.path, required=self.columns, only=only)
        except CorpusError as error:
            hint = (
                ". Labels, outcomes and what is known only later are never taken in a missing column's place"
                if "missing column" in str(error)
                else ""
            )
            raise InputError(f"{error}{hint}") from None
        except UnicodeDecodeError:
            raise InputError(f"{self.path.name}: not UTF-8 text; save it as UTF-8") from None
        except csv.Error as error:
            raise InputError(f"{self.path.name}: not CSV ({error})") from None
        except ValueError as error:  # pyarrow's errors for what is no parquet
            if type(error).__module__.startswith("pyarrow"):
                raise InputError(
                    f"{self.path.name}: not a parquet file; give .csv, .jsonl or .parquet"
                ) from None
            raise


def sha256_of(path: Path) -> str:
    """The hash of a file, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
