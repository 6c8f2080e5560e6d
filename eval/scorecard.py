"""The scores of one model on one set of cases, proportions with a 95 % Wilson interval."""

from collections.abc import Sequence

from data_schemas._base import Frozen
from triage.metrics import (
    accuracy,
    confusion_matrix,
    macro_f1,
    over_triage,
    quadratic_weighted_kappa,
    recall_high,
    strict_under_triage,
    under_triage,
    unreadable,
    wilson_interval,
    within_one,
)

_PROPORTIONS = {
    "accuracy": accuracy,
    "within one level": within_one,
    "under-triage": under_triage,
    "over-triage": over_triage,
    "unreadable": unreadable,
}
_AMONG_HIGH = {"recall of levels 1-2": recall_high, "strict under-triage": strict_under_triage}


class Proportion(Frozen):
    """``value`` of ``total`` cases with its 95 % Wilson interval."""

    value: float
    low: float
    high: float
    total: int


class Scorecard(Frozen):
    """``confusion`` has the true level in the row, the predicted one in the column, 1 to 5."""

    model: str
    data: str
    cases: int
    proportions: dict[str, Proportion]
    quadratic_weighted_kappa: float
    macro_f1: float
    confusion: tuple[tuple[int, ...], ...]


def score(model: str, data: str, truth: Sequence[int], predicted: Sequence[int | None]) -> Scorecard:
    """Score predictions; None is an answer that could not be read, and wrong.

    Raises:
        ValueError: no cases, lengths differ, or a level is outside 1-5.
    """
    if not truth:
        raise ValueError("there is no case to score")
    high = [(t, p) for t, p in zip(truth, predicted, strict=True) if t <= 2]
    proportions = {
        name: _interval(metric(truth, predicted), len(truth)) for name, metric in _PROPORTIONS.items()
    }
    if high:
        for name, metric in _AMONG_HIGH.items():
            value = metric([t for t, _ in high], [p for _, p in high])
            proportions[name] = _interval(value, len(high))
    return Scorecard(
        model=model,
        data=data,
        cases=len(truth),
        proportions=proportions,
        quadratic_weighted_kappa=quadratic_weighted_kappa(truth, predicted),
        macro_f1=macro_f1(truth, predicted),
        confusion=tuple(tuple(int(n) for n in row) for row in confusion_matrix(truth, predicted)),
    )


def _interval(value: float, total: int) -> Proportion:
    bounds = wilson_interval(round(value * total), total)
    return Proportion(value=value, low=bounds.low, high=bounds.high, total=total)
