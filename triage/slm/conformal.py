"""Conformal risk control: how far up the prediction set must reach so that an ill patient rarely lies above it.

A hospital bounds a rate of under-triage: of the patients whose level is more urgent than every level of the set. The
set's most urgent level moves up until p(more urgent) is below a threshold; the smaller the threshold, the larger the
set and the fewer the misses. The threshold is the largest at which ``misses / (n + 1) + 1 / (n + 1) <= alpha`` on n
labelled cases that nothing else was fitted on (Angelopoulos, Bates, Fisch, Lei and Schuster, "Conformal Risk Control",
ICLR 2024, equation 4, with a loss bounded by B = 1). Then the expected rate of misses for the next patient is at
most alpha, whatever the model, where that patient and the n cases are exchangeable. The average is over patients and
over draws of the n cases: one draw can lie above alpha, the more so the smaller n is.

A hospital has one draw. So, where n is large enough, the threshold is also the largest at which the exact upper limit
of the rate of misses (Clopper-Pearson, one-sided) is at most alpha: then at most one draw in ten lies above alpha at a
confidence of 0.9 (Bates, Angelopoulos, Lei, Malik and Jordan, "Distribution-free, risk-controlling prediction sets",
JACM 2021, theorem 1 with the binomial bound). With fewer cases the promise is the average, and says so.

Only an upward step of the set is governed here. The suggestion stays what the decision rule says.
"""

import bisect
import math
from collections.abc import Sequence
from datetime import date
from enum import StrEnum
from fractions import Fraction

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import Field

from data_schemas import LevelProbabilities
from data_schemas._base import Frozen
from triage.metrics import binomial_at_most, clopper_pearson_interval

CONFIDENCE = 0.9
"""In so many of ten draws of the labelled cases the bound holds for the patients to come."""
_DIGITS = 1_000_000
_ROUNDING = 1e-9
"""Sums of five floats differ in the last digits with their order; a threshold stays clear of that."""


class Risk(StrEnum):
    """Whose under-triage is bounded.

    ``HIGH`` is a rate among patients of levels 1-2. It holds although another mix of levels comes through the door, as
    long as patients of levels 1-2 are like those it was fitted on. ``ALL`` is a rate among all patients and does not.
    """

    HIGH = "levels 1-2"
    ALL = "all levels"


class RiskBound(Frozen):
    """One bound, and the threshold that keeps it.

    ``cases`` are those it rests on (of levels 1-2 for ``Risk.HIGH``), ``missed`` those of them above their set.
    ``confidence`` is how often a draw of the cases keeps it; None where it is kept on average over draws.
    """

    risk: Risk
    alpha: float = Field(gt=0.0, lt=1.0)
    cases: int = Field(ge=0)
    missed: int = Field(ge=0)
    threshold: float = Field(ge=0.0, le=1.0)
    confidence: float | None = Field(default=None, gt=0.5, lt=1.0)

    @property
    def enough(self) -> bool:
        """Whether there were enough cases for the bound; without, every set reaches level 1."""
        return self.cases >= cases_needed(self.alpha)


class RiskPolicy(Frozen):
    """What a site asked for and what keeps it: part of a calibration.

    ``site`` is the site whose labels were used, None where they were not the target site's: then the sets are as large
    as those cases asked for, and nothing is promised. ``fitted_on`` says what the cases are, ``fitted`` the day.
    """

    bounds: tuple[RiskBound, ...] = Field(min_length=1)
    site: str | None = None
    fitted_on: str
    fitted: date

    @property
    def threshold(self) -> float:
        """The strictest of the bounds: it keeps the others too."""
        return min(bound.threshold for bound in self.bounds)

    @property
    def guarantee(self) -> str | None:
        """What is promised and on what it rests; None where the labels were not the target site's."""
        if self.site is None:
            return None
        return " ".join(_promise(bound, self.site, self.fitted_on, self.fitted) for bound in self.bounds)


class RiskFinding(Frozen):
    """What was found on other cases: ``missed`` of ``cases``, with a 95 % Clopper-Pearson interval."""

    risk: Risk
    alpha: float
    cases: int
    missed: int
    low: float
    high: float

    @property
    def rate(self) -> float:
        """Share of the cases that lay above their set."""
        return self.missed / self.cases

    @property
    def broken(self) -> bool:
        """Whether the whole interval lies above the bound: more than chance explains."""
        return self.low > self.alpha


def cases_needed(alpha: float, confidence: float | None = None) -> int:
    """The least cases for which any threshold but 0 can keep ``alpha``.

    On average over draws ceil(1 / alpha) - 1, with a confidence where that many patients without a miss would be less
    likely than 1 - confidence: 19 and 45 for 5 % and a confidence of 0.9.
    """
    average = math.ceil(1 / _exact(alpha)) - 1
    if confidence is None:
        return average
    return max(average, math.ceil(math.log(1 - confidence) / math.log1p(-alpha) - _ROUNDING))


def reach(probabilities: LevelProbabilities, suggested: int, threshold: float) -> int:
    """The set's most urgent level: up from the suggestion while p(more urgent) is at least ``threshold``.

    A threshold of 0 gives level 1, a threshold of 1 the suggestion.
    """
    level = suggested
    while level > 1 and (threshold <= 0.0 or sum(probabilities.p[: level - 1]) >= threshold):
        level -= 1
    return level


def control(
    probabilities: ArrayLike,
    suggested: Sequence[int],
    truth: Sequence[int],
    bounds: Sequence[tuple[Risk, float]],
    *,
    fitted_on: str,
    fitted: date,
    site: str | None = None,
    confidence: float | None = CONFIDENCE,
) -> RiskPolicy:
    """The policy that keeps the bounds.

    Nothing may have been fitted on these cases, neither probabilities nor decision rule: the bound would not hold.

    Args:
        probabilities: calibrated, shape [cases, 5].
        suggested: the decision rule's level, a case each.
        truth: the labelled levels, 1 to 5.
        bounds: each risk with its alpha, in (0, 1).
        fitted_on: what the cases are, for the file.
        fitted: the day.
        site: the site they come from, where it is the one that the policy is for.
        confidence: how often a draw of the cases is to keep each bound, in (0.5, 1); None, or too few cases for it:
            on average over draws.

    Raises:
        ValueError: no bounds, lengths differ, an alpha outside (0, 1), or a confidence outside (0.5, 1).
    """
    if not bounds:
        raise ValueError("risk control needs at least one bound")
    if confidence is not None and not 0.5 < confidence < 1.0:
        raise ValueError(f"confidence {confidence} is not between 0.5 and 1")
    scores, true = _scores(probabilities, suggested, truth), np.asarray(truth, dtype=np.int64)
    found = []
    for risk, alpha in bounds:
        if not 0.0 < alpha < 1.0:
            raise ValueError(f"alpha {alpha} is not between 0 and 1")
        own = scores[_among(risk, true)]
        kept = confidence if confidence and len(own) >= cases_needed(alpha, confidence) else None
        threshold = _threshold(own, _allowed(len(own), alpha, kept))
        missed = int((own < threshold).sum())
        found.append(
            RiskBound(
                risk=risk, alpha=alpha, cases=len(own), missed=missed, threshold=threshold, confidence=kept
            )
        )
    return RiskPolicy(bounds=tuple(found), site=site, fitted_on=fitted_on, fitted=fitted)


def check(policy: RiskPolicy, most_urgent: Sequence[int], truth: Sequence[int]) -> tuple[RiskFinding, ...]:
    """How often cases lay above their set, a finding for each bound that any case speaks to.

    Args:
        policy: whose bounds.
        most_urgent: of each case's prediction set. The cases must be others than those of the policy.
        truth: the labelled levels, 1 to 5.

    Raises:
        ValueError: lengths differ.
    """
    first, true = np.asarray(most_urgent, dtype=np.int64), np.asarray(truth, dtype=np.int64)
    if first.shape != true.shape:
        raise ValueError(f"{len(true)} true levels but {len(first)} sets")
    findings = []
    for bound in policy.bounds:
        among = _among(bound.risk, true)
        cases, missed = int(among.sum()), int((among & (true < first)).sum())
        if cases:
            low, high = clopper_pearson_interval(missed, cases)
            findings.append(
                RiskFinding(
                    risk=bound.risk, alpha=bound.alpha, cases=cases, missed=missed, low=low, high=high
                )
            )
    return tuple(findings)


def _scores(probabilities: ArrayLike, suggested: Sequence[int], truth: Sequence[int]) -> NDArray[np.float64]:
    """Shape [cases]: a case lies above its set exactly where the threshold exceeds its score.

    The score is p(as urgent as the true level or more), and infinite where the suggestion is urgent enough already.
    """
    p = np.asarray(probabilities, dtype=np.float64)
    p = p.reshape(0, 5) if p.size == 0 else p
    true, said = np.asarray(truth, dtype=np.int64), np.asarray(suggested, dtype=np.int64)
    if p.shape != (len(true), 5) or said.shape != true.shape:
        raise ValueError("risk control needs five probabilities, a suggestion and a true level for each case")
    reached = np.cumsum(p, axis=1)[np.arange(len(true)), true - 1]
    return np.where(true < said, reached, np.inf)


def _allowed(cases: int, alpha: float, confidence: float | None) -> int:
    """The most misses with (misses + 1) / (cases + 1) <= alpha and, with a confidence, an exact upper limit <= alpha.

    -1 where not even none will do.
    """
    average = math.floor(_exact(alpha) * (cases + 1)) - 1
    if confidence is None:
        return average
    # The upper limit is at most alpha where so few misses would be no likelier than 1 - confidence at a rate of alpha.
    unlikely = bisect.bisect_right(
        range(cases), 1 - confidence + _ROUNDING, key=lambda misses: binomial_at_most(misses, cases, alpha)
    )
    return min(average, unlikely - 1)


def _threshold(scores: NDArray[np.float64], allowed: int) -> float:
    """The largest threshold with that many misses, a little less by rounding; 0 where not even none is allowed."""
    if allowed < 0:
        return 0.0
    if allowed >= len(scores):
        return 1.0
    bound = min(1.0, float(np.sort(scores)[allowed]))
    return bound if bound == 1.0 else max(0.0, math.floor((bound - _ROUNDING) * _DIGITS) / _DIGITS)


def _among(risk: Risk, true: NDArray[np.int64]) -> NDArray[np.bool_]:
    return np.asarray(true <= 2) if risk is Risk.HIGH else np.ones(len(true), dtype=np.bool_)


def _exact(alpha: float) -> Fraction:
    """0.07 is seven hundredths, not the nearest binary fraction: 0.07 * 100 must be 7."""
    return Fraction(str(alpha))


def _promise(bound: RiskBound, site: str, fitted_on: str, fitted: date) -> str:
    whose = "patients of levels 1-2" if bound.risk is Risk.HIGH else "patients"
    basis = f"{bound.cases} such cases ({fitted_on}; {fitted.isoformat()})"
    if not bound.enough:
        return (
            f"{site}: {basis} are too few for a bound of {bound.alpha:.1%} (needs {cases_needed(bound.alpha)}): "
            "every set reaches level 1."
        )
    how = "on average" if bound.confidence is None else f"with {bound.confidence:.0%} confidence"
    return (
        f"{site}: {how} at most {bound.alpha:.1%} of {whose} are more urgent than every level of their set. "
        f"Rests on {basis}, and holds while patients, labels, model and prompt stay as they were (exchangeable)."
    )
