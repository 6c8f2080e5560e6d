"""The cases of one evaluation: what a model may see of each, and apart from it the labels."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from data_schemas import AcuityScale, FactKind, IntakeRecord
from eval.cases import Task, read_labelled, sample_cases
from eval.comparison.errors import ComparisonError
from eval.comparison.labels import Labels, labels_of
from eval.harness.checks import SCALES, check_inputs, check_labels
from eval.harness.errors import HarnessError
from eval.harness.sampling import hash_of, stratified
from eval.predictors import CaseFile, InputError, InputTask, ReadCase, UnreadableCase
from eval.predictors.inputs import DIAGNOSIS, sha256_of
from integrations.fhir.leaks import strip_acuity
from triage.facts import make_fact, missing_kinds, number_facts
from triage.training.corpus import LabelledCase
from triage.training.corpus.nhamcs_cdc import SUFFIXES
from triage.training.corpus.record import column_source
from triage.training.corpus.tables import read_rows, text_cell

_FILES = {Task.KTAS: InputTask.KTAS, Task.NHAMCS: InputTask.NHAMCS, Task.ESI: InputTask.ESI}

DECLARED = "diagnosis_asked_for"
"""The element of a diagnosis that is shown because the user said so."""


@dataclass(frozen=True)
class CaseChoice:
    """Which cases, and what is shown of them.

    ``group_prefix``: only cases whose group begins so. ``sample``: so many of them, chosen by hash (``stratified``).
    ``limit``: only the first. ``inputs``: further columns shown as notes. ``with_diagnosis``: see ``CaseFile``.
    """

    task: Task
    data: Path | None = None
    group_prefix: str | None = None
    sample: int | None = None
    limit: int | None = None
    inputs: tuple[str, ...] = ()
    with_diagnosis: bool = False


@dataclass(frozen=True)
class CaseSet:
    """``cases`` and ``labels`` have the same order. ``words``: how the cases were chosen."""

    choice: CaseChoice
    scale: AcuityScale
    cases: tuple[ReadCase | UnreadableCase, ...]
    labels: Labels
    labelled: tuple[LabelledCase, ...]
    words: str
    data_sha256: dict[str, str] = field(default_factory=dict)

    @property
    def ids_sha256(self) -> str:
        """Names the choice of cases."""
        return hash_of(self.labels.case_ids)

    @property
    def readable(self) -> tuple[ReadCase, ...]:
        """The cases that a model can be asked about."""
        return tuple(case for case in self.cases if isinstance(case, ReadCase))


def read_all(choice: CaseChoice) -> list[LabelledCase]:
    """Every labelled case of the choice's file, checked.

    Raises:
        HarnessError: the file cannot be evaluated.
        CorpusError: it is not of the task's form.
    """
    if choice.task is Task.SAMPLES:
        if choice.data is not None:
            raise HarnessError("the samples ship with the project: leave --data out")
        return [
            LabelledCase(
                case_id=case.case_id,
                record=case.record,
                scale=case.scale,
                acuity=case.truth,
                group=case.case_id,
                source="samples",
            )
            for case in sample_cases()
        ]
    if choice.data is None:
        raise HarnessError(f"{choice.task.value} needs its file: give --data FILE")
    if not choice.data.exists():
        raise HarnessError(f"{choice.data.name}: there is no such file")
    check_inputs(choice.inputs)
    check_labels(choice.task, choice.data)
    _check_file(choice)
    try:
        return list(read_labelled(choice.task, choice.data))
    except UnicodeDecodeError:
        raise HarnessError(f"{choice.data.name}: not UTF-8 text; save it as UTF-8") from None


def case_set(choice: CaseChoice, labelled: Sequence[LabelledCase] | None = None) -> CaseSet:
    """The cases of ``choice``, of those that ``read_all`` gave.

    Raises:
        HarnessError: no case is left, ids are blank or double, or scales are mixed.
        CorpusError: the file is not of the task's form.
    """
    found = read_all(choice) if labelled is None else labelled
    kept = [case for case in found if case.group.startswith(choice.group_prefix or "")]
    words = f"all {len(kept)} labelled cases"
    if choice.group_prefix:
        words += f" whose group begins with {choice.group_prefix}"
    if choice.sample is not None and choice.sample < len(kept):
        ids = set(stratified({case.case_id: case.acuity or 0 for case in kept}, choice.sample))
        words = f"{len(ids)} of {words}: by level, those with the smallest SHA-256 of their case_id"
        kept = [case for case in kept if case.case_id in ids]
    if choice.limit is not None and choice.limit < len(kept):
        kept = kept[: choice.limit]
        words = f"the first {len(kept)} of {words}"
    scales = {case.scale for case in kept}
    if len(scales) > 1:
        raise HarnessError("levels of several scales: " + ", ".join(sorted(scales)) + "; evaluate each apart")
    paths = (choice.data,) if choice.data is not None else ()
    try:
        labels = labels_of(choice.task, paths, kept, group_prefix=choice.group_prefix)
    except ComparisonError as error:
        raise HarnessError(str(error)) from None
    shown = {case.case_id: case for case in _shown(choice, kept)}
    scale = next(iter(scales)) if scales else SCALES[choice.task]
    return CaseSet(
        choice=choice,
        scale=scale,
        cases=tuple(shown[case_id] for case_id in labels.case_ids),
        labels=labels,
        labelled=tuple(kept),
        words=f"{words}; SHA-256 of the list of ids {hash_of(labels.case_ids)}",
        data_sha256={path.name: sha256_of(path) for path in paths if path.is_file()},
    )


def _check_file(choice: CaseChoice) -> CaseFile | None:
    """The whole file's columns and ids, where the task's files are read as ``triage predict`` reads them."""
    if choice.task not in _FILES or choice.data is None or choice.data.suffix.lower() in SUFFIXES:
        if choice.with_diagnosis or choice.inputs:
            raise HarnessError(f"{choice.task.value}: nothing can be shown beside the record")
        return None
    try:
        return CaseFile(choice.data, _FILES[choice.task], with_diagnosis=choice.with_diagnosis)
    except InputError as error:
        raise HarnessError(str(error)) from None


def _shown(choice: CaseChoice, kept: Sequence[LabelledCase]) -> Iterator[ReadCase | UnreadableCase]:
    """What models see: the records that ``triage predict`` makes, else the labelled case's own."""
    file = _check_file(choice)
    if file is None:
        for case in kept:
            record = _without_levels(case.record)
            if record.facts:
                yield ReadCase(case.case_id, record)
            else:
                yield UnreadableCase(case.case_id, "unreadable: nothing is there that was known at triage")
        return
    wanted = {case.case_id for case in kept}
    notes = _notes(choice, wanted)
    for one in file.cases(skip=set(file.ids) - wanted):
        if isinstance(one, ReadCase) and choice.with_diagnosis:
            yield ReadCase(one.case_id, _declared(one.record))
        elif isinstance(one, ReadCase) and one.case_id in notes:
            yield ReadCase(one.case_id, _with_notes(one.record, notes[one.case_id], choice.task.value))
        else:
            yield one


def _without_levels(record: IntakeRecord) -> IntakeRecord:
    """The record with statements of an acuity level taken out of its words."""
    facts = []
    for fact in record.facts:
        text, found = (
            strip_acuity(fact.text) if fact.value is None and fact.code is None else (fact.text, False)
        )
        if not found:
            facts.append(fact)
        elif text:
            facts.append(fact.model_copy(update={"text": text, "as_received": None}))
    if tuple(facts) == record.facts:
        return record
    numbered = number_facts(facts)
    return record.model_copy(update={"facts": numbered, "missing": missing_kinds(numbered)})


def _declared(record: IntakeRecord) -> IntakeRecord:
    """The record with the diagnosis under another element: it was asked for, and is no leak that prompts refuse."""
    facts = tuple(
        fact.model_copy(update={"source": fact.source.model_copy(update={"path": DECLARED})})
        if fact.source.path == DIAGNOSIS
        else fact
        for fact in record.facts
    )
    return record.model_copy(update={"facts": facts})


def _notes(choice: CaseChoice, wanted: set[str]) -> dict[str, dict[str, str]]:
    if not choice.inputs or choice.data is None:
        return {}
    rows = read_rows(choice.data, required=("case_id", *choice.inputs), only=("case_id", *choice.inputs))
    found = {}
    for row in rows:
        case_id = text_cell(row, "case_id") or ""
        if case_id in wanted:
            cells = {name: strip_acuity(text_cell(row, name) or "")[0] for name in choice.inputs}
            found[case_id] = {name: text for name, text in cells.items() if text}
    return found


def _with_notes(record: IntakeRecord, notes: dict[str, str], dataset: str) -> IntakeRecord:
    more = [
        make_fact(1, FactKind.TRIAGE_NOTE, text=f"{name}: {text}", source=column_source(dataset, name))
        for name, text in notes.items()
    ]
    facts = number_facts((*record.facts, *more))
    return record.model_copy(update={"facts": facts, "missing": missing_kinds(facts)})
