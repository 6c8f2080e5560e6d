"""Metrics of triage levels: pure functions of true and predicted levels. Definitions are in each docstring.

Every ``metric(truth, predicted)`` takes two sequences of the same length, true levels 1-5 and predicted levels 1-5
or None (an answer that could not be read, which is wrong), and raises ``ValueError`` on anything else.
"""

from triage.metrics.agreement import (
    accuracy,
    confusion_matrix,
    macro_f1,
    quadratic_weighted_kappa,
    within_one,
)
from triage.metrics.calibration import (
    ReliabilityBin,
    RiskCoverage,
    brier_score,
    expected_calibration_error,
    high_calibration_error,
    log_loss,
    reliability_table,
    risk_coverage_curve,
)
from triage.metrics.exact import binomial_at_most, clopper_pearson_interval
from triage.metrics.intervals import Interval, wilson_interval
from triage.metrics.levels import Predicted, Truth
from triage.metrics.safety import (
    over_triage,
    recall_high,
    significant_over_triage,
    significant_under_triage,
    significant_under_triage_high,
    strict_under_triage,
    under_triage,
    unreadable,
)

__all__ = [
    "Interval",
    "Predicted",
    "ReliabilityBin",
    "RiskCoverage",
    "Truth",
    "accuracy",
    "binomial_at_most",
    "brier_score",
    "clopper_pearson_interval",
    "confusion_matrix",
    "expected_calibration_error",
    "high_calibration_error",
    "log_loss",
    "macro_f1",
    "over_triage",
    "quadratic_weighted_kappa",
    "recall_high",
    "reliability_table",
    "risk_coverage_curve",
    "significant_over_triage",
    "significant_under_triage",
    "significant_under_triage_high",
    "strict_under_triage",
    "under_triage",
    "unreadable",
    "wilson_interval",
    "within_one",
]
