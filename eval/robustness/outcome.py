"""From a row's answers to pairs of records to a ``VariantResult``."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from eval.comparison.result import Estimate
from eval.predictions import Prediction
from eval.robustness.variant import Variant
from eval.suite.result import VariantResult
from triage.metrics import clopper_pearson_interval
from triage.metrics.bootstrap import Units, replicate

RESAMPLES = 2000


class Moved(NamedTuple):
    """One case under one arm: the answers to its control and to its changed record."""

    case_id: str
    arm: str
    control: Prediction
    changed: Prediction

    @property
    def answered(self) -> bool:
        """Whether there is a level to compare with."""
        return self.control.predicted is not None

    @property
    def other(self) -> bool:
        """Whether the level is another one; an answer lost to the change is another one."""
        return self.control.predicted != self.changed.predicted

    @property
    def less_urgent(self) -> bool:
        """Whether the level is less urgent; an answer lost to the change is, for nobody is told of the patient."""
        before, after = self.control.predicted, self.changed.predicted
        return before is not None and (after is None or after > before)

    @property
    def more_urgent(self) -> bool:
        """Whether the level is more urgent."""
        before, after = self.control.predicted, self.changed.predicted
        return before is not None and after is not None and after < before

    @property
    def p_high_shift(self) -> float | None:
        """Change of p(1-2), None where either answer has no probabilities."""
        before, after = self.control.probabilities, self.changed.probabilities
        return (
            None if before is None or after is None else after.p[0] + after.p[1] - before.p[0] - before.p[1]
        )


def share(hits: Iterable[bool]) -> Estimate:
    """A share of cases with its exact interval; no value of no cases."""
    found = list(hits)
    if not found:
        return Estimate(value=None)
    return Estimate.of(sum(found) / len(found), clopper_pearson_interval(sum(found), len(found)))


def mean(values: Sequence[float], seed: int) -> Estimate | None:
    """A mean over cases with its bootstrap interval (BCa); None of no cases, no interval of one."""
    if not values:
        return None
    if len(values) == 1:
        return Estimate(value=values[0])
    units = Units.of([str(number) for number in range(len(values))], resamples=RESAMPLES, seed=seed)
    sums = np.bincount(units.of_case, weights=np.asarray(values), minlength=units.count)
    sizes = np.bincount(units.of_case, minlength=units.count).astype(np.float64)
    found = replicate(lambda weights: (weights @ sums / (weights @ sizes))[:, None], units)
    return Estimate.of(float(found.estimate[0]), found.interval(0))


def variant_result(
    variant: Variant, row: str, moved: Sequence[Moved], skipped: int, seed: int
) -> VariantResult:
    """What a row did under a variant.

    The case is the unit, so that the intervals are exact: it counts as changed where one arm at least changed its
    level, and so for less and more urgent (one case can be both, under two arms). Its shift of p(1-2) is the mean over
    its arms. Cases that the row gave no level for unchanged are left out and counted as ``unanswered``.
    """
    cases: dict[str, list[Moved]] = {}
    for one in moved:
        cases.setdefault(one.case_id, []).append(one)
    answered = [[one for one in arms if one.answered] for arms in cases.values()]
    answered = [arms for arms in answered if arms]
    shifts = [_mean_shift(arms) for arms in answered]
    by_arm = {
        arm.name: [one for one in moved if one.arm == arm.name and one.answered] for arm in variant.arms
    }
    by_arm = {name: ones for name, ones in by_arm.items() if ones}
    return VariantResult(
        variant=variant.name,
        family=variant.family,
        wanted=variant.wanted,
        row=row,
        cases=len(answered),
        skipped=skipped,
        unanswered=len(cases) - len(answered),
        against=variant.against,
        changed=share(any(one.other for one in arms) for arms in answered),
        less_urgent=share(any(one.less_urgent for one in arms) for arms in answered),
        more_urgent=share(any(one.more_urgent for one in arms) for arms in answered),
        p_high_shift=mean([shift for shift in shifts if shift is not None], seed),
        by={name: share(one.other for one in ones) for name, ones in by_arm.items()},
        by_less_urgent={name: share(one.less_urgent for one in ones) for name, ones in by_arm.items()},
        by_p_high_shift=_shifts(by_arm, seed),
        by_cases={name: len(ones) for name, ones in by_arm.items()},
    )


def _mean_shift(arms: Sequence[Moved]) -> float | None:
    shifts = [one.p_high_shift for one in arms if one.p_high_shift is not None]
    return sum(shifts) / len(shifts) if shifts else None


def _shifts(by_arm: Mapping[str, Sequence[Moved]], seed: int) -> dict[str, Estimate]:
    found = {
        name: mean([one.p_high_shift for one in ones if one.p_high_shift is not None], seed)
        for name, ones in by_arm.items()
    }
    return {name: estimate for name, estimate in found.items() if estimate is not None}
