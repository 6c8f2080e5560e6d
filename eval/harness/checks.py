"""What a labelled file must not have: levels that are none, another scale, and columns that give the answer away."""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from data_schemas import AcuityScale
from eval.cases import Task
from eval.harness.errors import HarnessError
from triage.training.corpus.nhamcs_cdc import SUFFIXES
from triage.training.corpus.tables import read_rows, text_cell

SCALES = {
    Task.KTAS: AcuityScale.KTAS,
    Task.NHAMCS: AcuityScale.NHAMCS,
    Task.ESI: AcuityScale.ESI,
    Task.SEMIGRAN: AcuityScale.ESI,
    Task.MIMIC: AcuityScale.ESI,
    Task.SAMPLES: AcuityScale.ESI,
}
"""The scale of a task's labels; a hospital's own export says its scale itself."""

_LEVELS = frozenset("12345")
_SURVEY_CODES = frozenset({"0", "7", "-7", "-8", "-9"})
"""The survey's own codes for no triage, not applicable, unknown and blank (NHAMCS documentation, item IMMEDR)."""

_LEAK = re.compile(
    r"(?i)^(?:post_|design_)|acuity|triage_?level|^(?:esi|ktas|ctas|mts|ats)(?:_?level)?$|diagnos|dispos|outcome|"
    r"^label|^target|^level|icd_?\d*|nurse|rationale|urgency|immedr|admit|admission|died|death|length_?of_?stay|^los$"
)
_LISTED = 3


def check_labels(task: Task, path: Path, column: str = "acuity") -> None:
    """Refuse a file with a level that is none, or that says it is on another scale.

    A blank level is no mistake: that case is not scored.

    Raises:
        HarnessError: as said, with the number of rows and where the first are.
        CorpusError: the file has no such column or cannot be read.
    """
    if task not in {Task.KTAS, Task.NHAMCS, Task.ESI} or path.suffix.lower() in SUFFIXES:
        return
    allowed = _LEVELS | (_SURVEY_CODES if task is Task.NHAMCS else frozenset())
    wrong: list[int] = []
    scales: set[str] = set()
    for number, row in enumerate(read_rows(path, required=(column,), only=(column, "scale")), start=1):
        level = (text_cell(row, column) or "").removesuffix(".0")
        if level and level not in allowed:
            wrong.append(number)
        scale = text_cell(row, "scale")
        if scale:
            scales.add(scale.upper())
    if wrong:
        raise HarnessError(
            f"{path.name}: {column} is no level 1-5 in {len(wrong)} rows (case {_some(wrong)}); "
            "mend them, or leave the cell empty where there is no level"
        )
    foreign = sorted(scales - {SCALES[task].value})
    if foreign:
        raise HarnessError(
            f"{path.name}: its levels are on the scale {', '.join(foreign)}, and {task.value} is scored on "
            f"{SCALES[task].value}: levels of different scales are never mixed; choose the --task of that scale"
        )


def check_inputs(columns: Sequence[str]) -> None:
    """Refuse to show a model what is known only later, or what is the answer.

    Raises:
        HarnessError: a column's name says label, nurse's level, outcome, diagnosis or survey design.
    """
    leaks = [name for name in columns if leaks_answer(name)]
    if leaks:
        raise HarnessError(
            f"{', '.join(leaks)}: not known at triage, or the answer itself, and never an input; leave the column out"
        )


def leaks_answer(column: str) -> bool:
    """Whether a column's name says that it holds the answer or what came after triage."""
    return _LEAK.search(column.strip()) is not None


def _some(numbers: Iterable[int]) -> str:
    listed = list(numbers)
    return ", ".join(map(str, listed[:_LISTED])) + (" ..." if len(listed) > _LISTED else "")
