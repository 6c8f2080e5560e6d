"""What 100 labelled cases of the target hospital would buy: calibration on them, scores on the rest."""

from collections.abc import Sequence

import numpy as np

from eval.comparison.answers import Answers
from eval.comparison.errors import ComparisonError
from eval.comparison.result import Estimate, SiteLabels, number
from triage.metrics.confusions import SCORES, FloatArray, confusions_by_unit, scores_of
from triage.metrics.levels import UNREADABLE, IntArray
from triage.slm.calibration import ScaleCalibration
from triage.training.calibrate import fit

LEFT = 50
"""At least so many cases must be left to be scored."""


def site_labels(
    answers: Sequence[Answers], truth: IntArray, *, labels: int, draws: int, seed: int
) -> list[SiteLabels]:
    """Each score of every row with probabilities, with and without ``labels`` random cases to calibrate on.

    The same draws for every row; both values of a draw are of the same cases. The range over draws is no confidence
    interval: it says what another choice of the labelled cases would have given.

    Raises:
        ComparisonError: too few cases for so many labels.
    """
    n = len(truth)
    if labels < 20 or draws < 2 or n < labels + LEFT:
        raise ComparisonError(
            f"{labels} site labels in {draws} draws of {n} cases: give 20 or more labels, 2 draws or more, and "
            f"leave {LEFT} cases to score"
        )
    rng = np.random.default_rng(seed)
    chosen = [rng.permutation(n)[:labels] for _ in range(draws)]
    found: list[SiteLabels] = []
    for item in answers:
        if item.probabilities is None:
            continue
        without, calibrated = [], []
        for drawn in chosen:
            rest = np.setdiff1d(np.arange(n), drawn)
            known = drawn[np.isfinite(item.probabilities[drawn, 0])]
            if len(known) < 20:
                raise ComparisonError(f"{item.name}: too few cases have probabilities to calibrate on")
            numbers = fit(item.probabilities[known], truth[known].tolist(), fitted_on="site labels")
            given = np.where(item.given == UNREADABLE, UNREADABLE, decide(numbers, item.with_probabilities))
            without.append(_scores(truth[rest], item.given[rest]))
            calibrated.append(_scores(truth[rest], given[rest].astype(np.int64)))
        before, after = np.asarray(without), np.asarray(calibrated)
        found.extend(
            SiteLabels(
                row=item.name,
                labels=labels,
                draws=draws,
                score=score,
                without=_over_draws(before[:, index]),
                with_labels=_over_draws(after[:, index]),
                gain=_over_draws(after[:, index] - before[:, index]),
            )
            for index, score in enumerate(SCORES)
        )
    return found


def decide(numbers: ScaleCalibration, probabilities: FloatArray) -> IntArray:
    """``Calibration.apply`` and ``decide`` of many cases at once, shape (n, 5) to (n,)."""
    logs = np.log(np.maximum(probabilities, 1e-12)) / numbers.temperature + np.asarray(numbers.bias)
    weights = np.exp(logs - logs.max(axis=1, keepdims=True))
    p = weights / weights.sum(axis=1, keepdims=True)
    level = p.argmax(axis=1) + 1
    level = np.where((p[:, 0] + p[:, 1] >= numbers.high_threshold) & (level > 2), 2, level)
    return np.where(p[:, 0] >= numbers.level_1_threshold, 1, level).astype(np.int64)


def _scores(truth: IntArray, given: IntArray) -> FloatArray:
    one = np.zeros(len(truth), dtype=np.int64)
    return np.asarray(scores_of(confusions_by_unit(truth, given, one, 1))[0], dtype=np.float64)


def _over_draws(values: FloatArray) -> Estimate:
    finite = values[np.isfinite(values)]
    if finite.size == 0:
        return Estimate(value=None)
    low, high = np.percentile(finite, [2.5, 97.5])
    return Estimate(value=number(float(finite.mean())), low=number(float(low)), high=number(float(high)))
