"""Gradient boosting on the facts and words of the record (``triage.baselines.boosting``)."""

from collections.abc import Collection, Sequence
from pathlib import Path

from eval.predictors.comparators import ComparatorPredictor, open_comparator
from eval.predictors.inputs import InputTask


def open_boosting(
    task: InputTask, *, fitted: Path | None, train: Sequence[Path], ids: Collection[str]
) -> ComparatorPredictor:
    """See ``open_comparator``."""
    return open_comparator(
        "boosting",
        "triage.baselines.boosting",
        "Boosting",
        task=task,
        fitted=fitted,
        train=train,
        ids=ids,
    )
