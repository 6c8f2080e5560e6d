"""The labels of a data file: read here for the first time, no predictor has seen them."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from data_schemas import FactKind
from eval.cases import Task
from eval.comparison.errors import ComparisonError
from triage.metrics.levels import UNREADABLE, IntArray
from triage.training.corpus import CorpusError, LabelledCase, read_ktas, read_nhamcs, read_vignettes
from triage.training.corpus.tables import Row, level_cell, read_rows, text_cell

AGE_BANDS: tuple[tuple[int, str], ...] = (
    (18, "under 18"),
    (40, "18-39"),
    (65, "40-64"),
    (80, "65-79"),
    (200, "80 and over"),
)
RACE_COLUMNS = ("race", "ethnicity", "race_ethnicity")
"""Columns of a data file that say who a patient is taken to be; compared by, never shown to a model."""

UNKNOWN = "unknown"
_DAYS_IN_YEAR = 365.25


class _Reader(Protocol):
    def __call__(self, path: str | Path, *, labelled_only: bool = True) -> Iterator[LabelledCase]: ...


_READERS: dict[Task, _Reader] = {
    Task.ESI: read_vignettes,
    Task.KTAS: read_ktas,
    Task.NHAMCS: read_nhamcs,
}


@dataclass(frozen=True)
class Labels:
    """The labelled cases of a file, n of them, in its order.

    ``truth`` and ``nurse`` are levels of shape (n,), the latter ``UNREADABLE`` where none was recorded. ``outcomes``
    holds 1, 0 or NaN (not recorded), shape (n,). ``attributes`` holds a word per case, ``unknown`` where not known.
    ``in_files``: every case of the files, those without a label, too: a predictor that saw no label predicted them.
    """

    case_ids: tuple[str, ...]
    truth: IntArray
    groups: tuple[str, ...]
    nurse: IntArray
    outcomes: Mapping[str, NDArray[np.float64]]
    attributes: Mapping[str, tuple[str, ...]]
    in_files: frozenset[str]

    def __len__(self) -> int:
        return len(self.case_ids)

    @property
    def nurse_differs(self) -> bool:
        """Whether the nurse's level was recorded beside another label."""
        return bool((self.nurse != UNREADABLE).any() and (self.nurse != self.truth).any())


def read_labels(task: Task, paths: Sequence[Path], *, group_prefix: str | None = None) -> Labels:
    """The labelled cases of data files.

    Args:
        task: what the files are.
        paths: the files; no case may stand in two of them.
        group_prefix: only cases whose group begins so (``2020-`` for one year of NHAMCS).

    Raises:
        ComparisonError: no labelled case, a case stands twice, a level is not 1-5, or the task has no file.
        CorpusError: a file is not of the task's form.
    """
    if task not in _READERS:
        raise ComparisonError(f"{task.value} takes no data file; give --task esi, ktas or nhamcs")
    for path in paths:
        _levels_of_the_scale(path)
    cases = [
        case
        for path in paths
        for case in _READERS[task](path)
        if case.acuity is not None and case.group.startswith(group_prefix or "")
    ]
    return labels_of(task, paths, cases, group_prefix=group_prefix)


def labels_of(
    task: Task, paths: Sequence[Path], cases: Sequence[LabelledCase], *, group_prefix: str | None = None
) -> Labels:
    """The labels of ``cases``, which were read from ``paths`` (all of them, or a part that was chosen).

    Raises:
        ComparisonError: no labelled case, or a case stands twice.
    """
    names = ", ".join(path.name for path in paths) or task.value
    if not cases:
        only = f" in a group that begins with {group_prefix!r}" if group_prefix else ""
        raise ComparisonError(f"{names}: no labelled case{only}")
    if max(Counter(case.case_id for case in cases).values()) > 1:
        raise ComparisonError(f"{names}: a case_id stands twice; keep one row a case")
    found = sorted({name for case in cases for name in case.outcomes})
    attributes = {
        "age": tuple(_age_band(case) for case in cases),
        "sex": tuple(case.record.code(FactKind.SEX) or UNKNOWN for case in cases),
    }
    in_files, who = _who(task, paths)
    attributes.update(
        {column: tuple(words.get(case.case_id, UNKNOWN) for case in cases) for column, words in who.items()}
    )
    return Labels(
        case_ids=tuple(case.case_id for case in cases),
        truth=np.asarray([case.acuity for case in cases], dtype=np.int64),
        groups=tuple(case.group for case in cases),
        nurse=np.asarray([case.nurse_acuity or UNREADABLE for case in cases], dtype=np.int64),
        outcomes={
            name: np.asarray([case.outcomes.get(name, np.nan) for case in cases], dtype=np.float64)
            for name in found
        },
        attributes=attributes,
        in_files=in_files | {case.case_id for case in cases},
    )


def _levels_of_the_scale(path: Path) -> None:
    """A level outside 1-5 is of another scale, or a code: left out silently, it would flatter or spoil every row."""
    try:
        rows = read_rows(path, required=("acuity",), only=("acuity",))
        wrong = sum(_is_no_level(row) for row in rows)
    except (
        CorpusError
    ):  # an original without the column, or no table: the task's own reader says what is wrong
        return
    if wrong:
        raise ComparisonError(
            f"{path.name}: {wrong} cases have an acuity that is not 1-5; bring them to the task's scale, or leave the "
            "cell empty where there is no label"
        )


def _is_no_level(row: Row) -> bool:
    text = text_cell(row, "acuity")
    return text is not None and level_cell(row, "acuity") is None


def _age_band(case: LabelledCase) -> str:
    days = case.record.age_days
    if days is None:
        return UNKNOWN
    return next((name for limit, name in AGE_BANDS if float(days) / _DAYS_IN_YEAR < limit), UNKNOWN)


def _who(task: Task, paths: Sequence[Path]) -> tuple[frozenset[str], dict[str, dict[str, str]]]:
    """Every case_id of the files, and the columns of ``RACE_COLUMNS`` that they have, by case_id."""
    if task not in _READERS:
        return frozenset(), {}
    found: dict[str, dict[str, str]] = {}
    case_ids: set[str] = set()
    for path in paths:
        try:
            rows = read_rows(path, required=("case_id",), only=("case_id", *RACE_COLUMNS))
        except (
            CorpusError
        ):  # an original of the survey's own form: it has no case_id and none of these columns
            case_ids.update(case.case_id for case in _READERS[task](path, labelled_only=False))
            continue
        for row in rows:
            case_id = str(row["case_id"])
            case_ids.add(case_id)
            for column in RACE_COLUMNS:
                text = text_cell(row, column)
                if text is not None:
                    found.setdefault(column, {})[case_id] = text
    return frozenset(case_ids), found
