"""Whether a row's urgency ranks what became of the patients better than the nurse's level does."""

from collections.abc import Sequence

import numpy as np

from eval.comparison.answers import Answers
from eval.comparison.labels import Labels
from eval.comparison.result import Difference, Estimate, Ranking, number
from eval.comparison.scoring import JACKKNIFE
from triage.metrics.bootstrap import Replicates, Units
from triage.metrics.confusions import FloatArray
from triage.metrics.levels import UNREADABLE, IntArray
from triage.metrics.outcomes import replicate_auc
from triage.metrics.paired import holm

NURSE = "triage nurse"


def rankings(answers: Sequence[Answers], labels: Labels, units: Units) -> list[Ranking]:
    """AUC of each outcome: the nurse's level, each row's level, and the expected level of rows with probabilities.

    A level has five values, probabilities have many: an expected level ranks finer than any level can, the nurse's
    included. Visits whose outcome was not recorded are left out of it, and those without the nurse's level of all.
    """
    found = []
    for outcome, values in labels.outcomes.items():
        cases = np.flatnonzero(np.isfinite(values) & (labels.nurse != UNREADABLE))
        happened = values[cases] == 1.0
        if not happened.any() or happened.all():
            continue

        def of(
            urgency: FloatArray,
            cases: IntArray = cases,
            happened: "np.typing.NDArray[np.bool_]" = happened,
        ) -> Replicates:
            return replicate_auc(urgency[cases], happened, cases, units)

        nurse = of(-labels.nurse.astype(np.float64))
        parts: list[tuple[str, str, Replicates]] = [(NURSE, "level", nurse)]
        for item in answers:
            parts.extend((item.name, kind, of(urgency)) for kind, urgency in _urgencies(item))
        p_values = holm([own.minus(nurse).p_value(0) for _, _, own in parts[1:]])
        for (name, kind, own), p in zip(parts, (float("nan"), *p_values), strict=True):
            found.append(
                Ranking(
                    row=name,
                    urgency=kind,
                    outcome=outcome,
                    cases=len(cases),
                    events=int(happened.sum()),
                    auc=Estimate.of(float(own.estimate[0]), own.interval(0)),
                    against_nurse=None if own is nurse else difference(own, nurse, p),
                )
            )
    return found


def difference(own: Replicates, other: Replicates, p_holm: float) -> Difference:
    """The paired difference of a statistic of one value."""
    apart = own.minus(other)
    plain = Estimate.of(float(apart.estimate[0]), apart.interval(0))
    return Difference(
        value=plain.value,
        low=plain.low,
        high=plain.high,
        p=number(apart.p_value(0)),
        p_holm=number(p_holm),
        test=JACKKNIFE,
    )


def _urgencies(item: Answers) -> list[tuple[str, FloatArray]]:
    """Larger is more urgent; an unreadable answer called nobody: level 5."""
    level = np.where(item.given == UNREADABLE, 5, item.given).astype(np.float64)
    found = [("level", -level)]
    if item.probabilities is not None:
        found.append(("expected level", -(item.with_probabilities @ np.arange(1.0, 6.0))))
    return found
