"""A small text encoder, frozen, with a logistic regression on it (``triage.baselines.encoder``)."""

from collections.abc import Collection, Sequence
from pathlib import Path

from eval.predictors.comparators import ComparatorPredictor, open_comparator
from eval.predictors.inputs import InputTask


def open_encoder(
    task: InputTask, *, fitted: Path | None, train: Sequence[Path], ids: Collection[str]
) -> ComparatorPredictor:
    """See ``open_comparator``."""
    return open_comparator(
        "encoder", "triage.baselines.encoder", "Encoder", task=task, fitted=fitted, train=train, ids=ids
    )
