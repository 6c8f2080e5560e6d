"""Cases as Inspect samples. Labels are targets only; nothing of them is in what a model is given."""

from typing import Any

from inspect_ai.dataset import MemoryDataset, Sample
from pydantic import ValidationError

from data_schemas import AcuityScale, IntakeRecord
from eval.cases import Task
from eval.harness.case_set import CaseSet
from eval.predictors import ReadCase, UnreadableCase
from eval.prompting import patient_text
from eval.semigran import CLASS_LEVELS

RECORD = "record"
SCALE = "scale"
TASK = "task"
ERROR = "error"

_CLASSES = {level: name for name, level in CLASS_LEVELS.items()}


def dataset(cases: CaseSet, *, records: bool = True) -> MemoryDataset:
    """One sample a case: id, the facts as text, the level (or class) as target, and the record for own models.

    Without ``records`` the log is a third of the size, and Inspect takes half the time for a case: enough where the
    solver has the cases already.
    """
    task = cases.choice.task
    samples = [
        sample(case, int(level), cases.scale, task, record=records)
        for case, level in zip(cases.cases, cases.labels.truth, strict=True)
    ]
    name = cases.choice.data.name if cases.choice.data is not None else task.value
    return MemoryDataset(samples, name=name)


def sample(
    case: ReadCase | UnreadableCase, level: int, scale: AcuityScale, task: Task, *, record: bool = True
) -> Sample:
    """A case as a sample; an unreadable one holds why, and no model is asked about it."""
    target = _CLASSES[level] if task is Task.SEMIGRAN else str(level)
    metadata: dict[str, Any] = {TASK: task.value, SCALE: scale.value}
    if isinstance(case, UnreadableCase):
        metadata[ERROR] = case.error
        text = "(unreadable)"
    else:
        if record:
            metadata[RECORD] = case.record.model_dump_json()
        text = patient_text(case.record)
    return Sample(id=case.case_id, input=text, target=target, metadata=metadata)


def case_of(case_id: str, metadata: dict[str, Any]) -> ReadCase:
    """The case that a sample's metadata holds.

    Raises:
        ValueError: it holds none: the sample is of another task.
    """
    try:
        return ReadCase(case_id, IntakeRecord.model_validate_json(metadata[RECORD]))
    except (KeyError, ValidationError):
        raise ValueError(
            "this sample has no intake record: models of triage/ answer the tasks of eval/tasks.py"
        ) from None
