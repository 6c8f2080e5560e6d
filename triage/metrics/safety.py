"""Errors by direction: under-triage keeps the ill waiting, over-triage takes their bed.

Level 1 is the most urgent, so a predicted number above the true one is under-triage. An unreadable answer is neither
direction in over-triage, and counts as under-triage wherever the case could be under-triaged: nobody was called.
Rates whose denominator holds no case are NaN, never 0.
"""

import math

import numpy as np
from numpy.typing import NDArray

from data_schemas.acuity import LEVELS
from triage.metrics.levels import UNREADABLE, IntArray, Predicted, Truth, checked

BoolArray = NDArray[np.bool_]


def under_triage(truth: Truth, predicted: Predicted) -> float:
    """Share of all cases predicted less urgent than they are (predicted > true), or not readable."""
    true, given = checked(truth, predicted)
    return float(np.mean(_less_urgent(true, given)))


def over_triage(truth: Truth, predicted: Predicted) -> float:
    """Share of all cases predicted more urgent than they are (predicted < true)."""
    true, given = checked(truth, predicted)
    return float(np.mean((given < true) & (given != UNREADABLE)))


def recall_high(truth: Truth, predicted: Predicted) -> float:
    """Of the cases of levels 1-2, the share predicted as 1 or 2; NaN where there are none."""
    true, given = checked(truth, predicted)
    return _share(np.isin(given, (1, 2)), true <= 2)


def significant_under_triage(truth: Truth, predicted: Predicted) -> float:
    """Share of all cases that are level 2 and predicted 3-5 (arXiv 2604.26766), or not readable."""
    true, given = checked(truth, predicted)
    return float(np.mean((true == 2) & _low(given)))


def significant_under_triage_high(truth: Truth, predicted: Predicted) -> float:
    """Share of all cases that are level 1-2 and predicted 3-5 (TriageAgent, EMNLP Findings 2024), or not readable."""
    true, given = checked(truth, predicted)
    return float(np.mean((true <= 2) & _low(given)))


def significant_over_triage(truth: Truth, predicted: Predicted) -> float:
    """Share of all cases that are level 3-5 and predicted 1-2."""
    true, given = checked(truth, predicted)
    return float(np.mean((true >= 3) & np.isin(given, (1, 2))))


def strict_under_triage(truth: Truth, predicted: Predicted) -> float:
    """Share of all cases that are level 1-2 and predicted 4-5, or not readable."""
    true, given = checked(truth, predicted)
    return float(np.mean((true <= 2) & ((given >= 4) | (given == UNREADABLE))))


def unreadable(truth: Truth, predicted: Predicted) -> float:
    """Share of all cases without a readable answer."""
    _, given = checked(truth, predicted)
    return float(np.mean(given == UNREADABLE))


def _less_urgent(true: IntArray, given: IntArray) -> BoolArray:
    less: BoolArray = (given > true) | ((given == UNREADABLE) & (true < LEVELS[-1]))
    return less


def _low(given: IntArray) -> BoolArray:
    low: BoolArray = (given >= 3) | (given == UNREADABLE)
    return low


def _share(hit: BoolArray, among: BoolArray) -> float:
    count = int(among.sum())
    return math.nan if count == 0 else float((hit & among).sum()) / count
