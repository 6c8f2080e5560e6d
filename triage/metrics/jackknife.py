"""Intervals and tests from leaving out one unit at a time: right with few units, and of paired differences.

A unit is a case, or a whole hospital. The standard error is the jackknife's (Efron and Stein, Ann Stat
1981;9:586-596), held against Student's t with one degree of freedom less than there are units. Simulations are in
``benchmarks/interval_coverage.py``.
"""

import math

import numpy as np
from numpy.typing import NDArray

from triage.metrics.intervals import Interval, wilson_interval, wilson_of_share
from triage.metrics.student import student_p, student_quantile

FloatArray = NDArray[np.float64]

_NOTHING = 1e-12
"""A standard error below it is rounding."""


def jackknife_interval(
    estimate: float, left_out: FloatArray, *, confidence: float = 0.95, kappa: bool = False
) -> Interval:
    """The interval of a score or a paired difference; NaN where it has no value.

    Args:
        estimate: of all units.
        left_out: with each unit left out, shape (count,); NaN where it has no value then.
        confidence: how often it holds the truth.
        kappa: it is a coefficient in [-1, 1]: reckon on Fisher's scale, atanh, where it is nearer to normal.

    Raises:
        ValueError: a confidence outside (0, 1).
    """
    if kappa and abs(estimate) >= 1:
        return Interval(estimate, estimate)
    if kappa:
        bounds = jackknife_interval(
            math.atanh(estimate), np.arctanh(np.clip(left_out, -1 + 1e-9, 1 - 1e-9)), confidence=confidence
        )
        return Interval(math.tanh(bounds.low), math.tanh(bounds.high))
    error, df = _standard_error(left_out)
    if not math.isfinite(estimate) or df < 1:
        return Interval(math.nan, math.nan)
    half = student_quantile(confidence, df) * error
    return Interval(estimate - half, estimate + half)


def jackknife_p(estimate: float, left_out: FloatArray) -> float:
    """Two-sided p of the estimate being 0 by its t; 1 of an estimate that is 0, NaN of one without a value."""
    error, df = _standard_error(left_out)
    if not math.isfinite(estimate) or df < 1:
        return math.nan
    if error < _NOTHING:
        return 1.0 if abs(estimate) < _NOTHING else 0.0
    return student_p(estimate / error, df)


def resampled_share_interval(
    share: float, left_out: FloatArray, cases: int, *, most: float | None = None, confidence: float = 0.95
) -> Interval:
    """Wilson's interval of a share of clustered cases, at the number of independent cases that it is worth.

    That number is share * (1 - share) / error^2, at most ``most``, times the square of the normal quantile by
    Student's (Korn and Graubard, Surv Methodol 1998;24:193-201, with Wilson's interval for the exact one: Dean and
    Pagano, J Surv Stat Methodol 2015;3:484-503). None or all of the cases have no error to reckon with: all of them
    count, as in the standards of the US health surveys (NCHS Vital Health Stat 2(175), 2017), so 0 of n is not [0, 0].

    Args:
        share: of all cases, 0 to 1.
        left_out: the share with each unit left out, shape (count,).
        cases: how many.
        most: of independent cases; ``cases`` where None.
        confidence: how often it holds the truth.
    """
    if not math.isfinite(share) or cases < 1:
        return Interval(math.nan, math.nan)
    error, df = _standard_error(left_out[left_out != share])  # a unit without such cases changes nothing
    if share in (0.0, 1.0):
        return wilson_interval(round(share * cases), cases, confidence=confidence)
    limit = float(cases) if most is None else most
    if df < 1 or error < _NOTHING:
        return wilson_of_share(share, limit, confidence=confidence)
    few = student_quantile(confidence, 10**9) / student_quantile(confidence, df)
    worth = min(limit, share * (1 - share) / error**2) * few**2
    return wilson_of_share(share, worth, confidence=confidence)


def _standard_error(left_out: FloatArray) -> tuple[float, int]:
    """The jackknife's, and the degrees of freedom."""
    values = left_out[np.isfinite(left_out)]
    if len(values) < 2:
        return math.nan, len(values) - 1
    away = values - values.mean()
    return math.sqrt((len(values) - 1) / len(values) * float((away**2).sum())), len(values) - 1
