"""Cases with a known level, from the shipped samples or a labelled data set."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

from data_schemas import AcuityScale, EsiVersion, IntakeRecord
from data_schemas._base import Frozen
from eval import semigran
from integrations.assembly import reader_settings
from integrations.fhir import read_bundle
from integrations.fhir.export_corpus import read_export
from integrations.samples import samples
from integrations.settings import Settings
from triage.training.corpus import LabelledCase, read_ktas, read_mimic, read_nhamcs, read_vignettes


class Task(StrEnum):
    """A kind of labelled data; each has its own loader and label scale."""

    SAMPLES = "samples"
    ESI = "esi"
    KTAS = "ktas"
    NHAMCS = "nhamcs"
    FHIR = "fhir"
    """A hospital's own export."""
    MIMIC = "mimic"
    """MIMIC-IV-ED, the user's own licensed copy."""
    SEMIGRAN = "semigran"
    """Vignettes in three classes (``eval.semigran``)."""


class EvaluationCase(Frozen):
    """What was known at triage, and the level it is scored against."""

    case_id: str
    record: IntakeRecord
    truth: int
    scale: AcuityScale


def _read_site_export(path: Path) -> Iterator[LabelledCase]:
    return read_export(path, settings=reader_settings(Settings()))


_READERS: dict[Task, Callable[[Path], Iterator[LabelledCase]]] = {
    Task.ESI: read_vignettes,
    Task.KTAS: read_ktas,
    Task.NHAMCS: read_nhamcs,
    Task.FHIR: _read_site_export,
    Task.MIMIC: read_mimic,
    Task.SEMIGRAN: semigran.read,
}


def read_labelled(task: Task, path: Path) -> Iterator[LabelledCase]:
    """The labelled cases of a data file with their groups, outcomes and the nurse's level.

    Raises:
        CorpusError: the file is not of the task's form; the message names the column.
        ValueError: the task has no file (``samples`` ship with the project).
    """
    if task not in _READERS:
        raise ValueError(f"{task.value} takes no file")
    return (case for case in _READERS[task](path) if case.acuity is not None)


def load_cases(task: Task, path: Path) -> list[EvaluationCase]:
    """The labelled cases of a data file.

    Raises:
        CorpusError: the file is not of the task's form; the message names the column.
        ValueError: the task has no file (``samples`` ship with the project).
    """
    return [
        EvaluationCase(case_id=case.case_id, record=case.record, truth=case.acuity, scale=case.scale)
        for case in read_labelled(task, path)
        if case.acuity is not None
    ]


def sample_cases(version: EsiVersion = EsiVersion.V5) -> list[EvaluationCase]:
    """The shipped sample patients, read from their FHIR Bundles as the agent reads them.

    Raises:
        IntakeError: a sample could not be read.
    """
    cases = []
    for sample in samples():
        result = read_bundle(sample.bundle(), source="samples", now=datetime(2026, 11, 20, 17, tzinfo=UTC))[0]
        if not isinstance(result, IntakeRecord):
            raise result
        truth = sample.expected_level(version)
        cases.append(EvaluationCase(case_id=sample.id, record=result, truth=truth, scale=AcuityScale.ESI))
    return cases
