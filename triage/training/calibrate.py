"""Fits a ``ScaleCalibration`` on labelled cases: of the training sites for a scale, of one hospital for a site.

Temperature and bias by penalised maximum likelihood (vector scaling, Guo et al. 2017), which is convex in 1/T and the
bias. Then the threshold of levels 1-2: the greatest accuracy plus quadratic weighted kappa among the thresholds that
reach the wanted recall of levels 1-2. Both are taken as the calibrated probabilities expect them, not as the labels
happened to fall: 100 cases hold about 14 of levels 1-2, and a threshold tuned to their labels moved recall at other
hospitals by 0.12 (standard deviation over draws) against 0.07. Only numpy: a hospital calibrates without the training
extra.
"""

from collections.abc import Sequence
from datetime import date

import numpy as np
from numpy.typing import ArrayLike, NDArray

from data_schemas import LevelProbabilities
from triage.slm.calibration import LevelBias, ScaleCalibration
from triage.slm.conformal import CONFIDENCE, Risk, cases_needed, control

FloatArray = NDArray[np.float64]

LEAST_CASES = 20
_GRID = tuple(round(0.05 + 0.025 * step, 3) for step in range(27))
_BIAS_SPREAD = 0.5
"""How far a level's log-odds may differ from the starting point's: chosen on sites of different level mix."""
_SHARPNESS_SPREAD = 0.2
"""The same for 1/T."""
_RULES_SPREAD = 1.5
"""The same for what a level of the rules adds to each level."""
_LEAST_SHARPNESS = 0.05
_FLOOR = 1e-9
_STEPS = 100
_WEIGHTS = (np.arange(5)[:, None] - np.arange(5)[None, :]) ** 2


def fit(
    probabilities: ArrayLike,
    truth: Sequence[int],
    *,
    fitted_on: str,
    recall_wanted: float = 0.6,
    start: ScaleCalibration | None = None,
) -> ScaleCalibration:
    """The calibration of one scale or site.

    Args:
        probabilities: the engine's, shape [cases, 5], rows summing to 1.
        truth: the labelled levels, 1 to 5.
        fitted_on: what these cases are, for the file.
        recall_wanted: the least recall of levels 1-2 expected of these cases; where no threshold reaches it, the
            lowest one.
        start: what few cases are drawn towards; the engine's own probabilities where None.

    Raises:
        ValueError: fewer than 20 cases, lengths differ, or a row is no distribution.
    """
    p = _checked(probabilities, truth)
    begin = start or ScaleCalibration()
    theta = _vector_scaling(
        np.log(np.clip(p, _FLOOR, 1.0)), np.asarray(truth) - 1, np.array([1 / begin.temperature, *begin.bias])
    )
    numbers = begin.model_copy(
        update={
            "temperature": round(1 / float(theta[0]), 4),
            "bias": _five(theta[1:]),
            "fitted_on": fitted_on,
            "risk": None,
            "groups": {},
            "beside_rules": None,
        }
    )
    calibrated = apply(numbers, p)
    return numbers.model_copy(update={"high_threshold": _threshold(calibrated, numbers, recall_wanted)})


def fit_beside_rules(
    probabilities: ArrayLike,
    truth: Sequence[int],
    rules_levels: Sequence[int],
    *,
    fitted_on: str,
    recall_wanted: float = 0.6,
    start: ScaleCalibration | None = None,
) -> ScaleCalibration:
    """Numbers for the model read beside the level of the rules alone: ``ScaleCalibration.beside_rules``.

    A logistic regression on both (stacking, Wolpert 1992): vector scaling as in ``fit``, and for each level of the
    rules a bias for each level, drawn towards none.

    Args:
        rules_levels: the level of the rules alone for each case, 1 to 5. The others are as in ``fit``.

    Raises:
        ValueError: as ``fit``, or there are not as many levels of the rules.
    """
    p = _checked(probabilities, truth)
    if len(rules_levels) != len(truth) or not set(rules_levels) <= {1, 2, 3, 4, 5}:
        raise ValueError("each case needs the level of the rules, 1 to 5")
    begin = start or ScaleCalibration()
    theta = _vector_scaling(
        np.log(np.clip(p, _FLOOR, 1.0)),
        np.asarray(truth) - 1,
        np.array([1 / begin.temperature, *begin.bias]),
        np.asarray(rules_levels) - 1,
    )
    sharpness, bias, table = theta[0], theta[1:6], theta[6:].reshape(5, 5)
    numbers = ScaleCalibration(
        temperature=round(1 / float(sharpness), 4),
        bias=_five(bias),
        level_1_threshold=begin.level_1_threshold,
        set_mass=begin.set_mass,
        fitted_on=fitted_on,
        rules_bias=(_five(table[0]), _five(table[1]), _five(table[2]), _five(table[3]), _five(table[4])),
    )
    calibrated = apply_beside_rules(numbers, p, rules_levels)
    return numbers.model_copy(update={"high_threshold": _threshold(calibrated, numbers, recall_wanted)})


def apply_beside_rules(
    numbers: ScaleCalibration, probabilities: ArrayLike, rules_levels: Sequence[int]
) -> NDArray[np.float64]:
    """Calibrated probabilities (n, 5), each row read with ``numbers`` beside its level of the rules alone."""
    whole = ScaleCalibration(beside_rules=numbers)
    rows = np.asarray(probabilities, dtype=np.float64)
    return np.concatenate(
        [apply(whole.with_rules(level), row) for level, row in zip(rules_levels, rows, strict=True)]
    )


def fit_with_bounds(
    probabilities: ArrayLike,
    truth: Sequence[int],
    bounds: Sequence[tuple[Risk, float]],
    *,
    fitted_on: str,
    fitted: date,
    site: str | None = None,
    seed: int = 0,
    recall_wanted: float = 0.6,
    start: ScaleCalibration | None = None,
    confidence: float | None = CONFIDENCE,
) -> tuple[ScaleCalibration, NDArray[np.bool_]]:
    """``fit`` on one random half, and the bounds on under-triage on the other, which nothing was fitted on.

    Where that half is too small for the bounds and there is a ``start``, its numbers stay as they are and all cases
    go to the bounds.

    Returns:
        The calibration, and which cases the bounds rest on: those tell how it does on cases it has not seen.

    Raises:
        ValueError: as ``fit``, and as ``control``.
    """
    p, true = _checked(probabilities, truth), np.asarray(truth)
    order = np.random.default_rng(seed).permutation(len(true))
    kept = np.zeros(len(true), dtype=np.bool_)
    kept[order[len(true) // 2 :]] = True
    if start is not None and not all(
        int((true[kept] <= 2).sum() if risk is Risk.HIGH else kept.sum()) >= cases_needed(alpha)
        for risk, alpha in bounds
    ):
        kept[:] = True
    if kept.all() and start is not None:
        numbers = start.model_copy(update={"risk": None, "groups": {}, "beside_rules": None})
    else:
        half = true[~kept].tolist()
        numbers = fit(p[~kept], half, fitted_on=fitted_on, recall_wanted=recall_wanted, start=start)
    calibrated = apply(numbers, p[kept])
    policy = control(
        calibrated,
        suggestions(numbers, calibrated),
        true[kept].tolist(),
        bounds,
        fitted_on=fitted_on,
        fitted=fitted,
        site=site,
        confidence=confidence,
    )
    return numbers.model_copy(update={"risk": policy}), kept


def apply(numbers: ScaleCalibration, probabilities: ArrayLike) -> FloatArray:
    """``Calibration.apply`` for many cases: shape [cases, 5]."""
    logs = np.log(np.clip(np.asarray(probabilities, dtype=np.float64).reshape(-1, 5), 1e-12, 1.0))
    z = logs / numbers.temperature + np.array(numbers.bias)
    weights: FloatArray = np.exp(z - z.max(axis=1, keepdims=True))
    shares: FloatArray = weights / weights.sum(axis=1, keepdims=True)
    return shares


def suggestions(numbers: ScaleCalibration, calibrated: ArrayLike) -> list[int]:
    """``Calibration.decide`` for many cases, their probabilities calibrated already."""
    p = np.asarray(calibrated, dtype=np.float64).reshape(-1, 5)
    by_threshold = np.where(p[:, 0] + p[:, 1] >= numbers.high_threshold, 2, 5)
    by_threshold = np.where(p[:, 0] >= numbers.level_1_threshold, 1, by_threshold)
    return [int(level) for level in np.minimum(by_threshold, p.argmax(axis=1) + 1)]


def level_row(row: ArrayLike) -> LevelProbabilities:
    """One row as probabilities, its sum made 1."""
    values = np.asarray(row, dtype=np.float64)
    p1, p2, p3, p4, p5 = (float(value) for value in values / values.sum())
    return LevelProbabilities(p=(p1, p2, p3, p4, p5))


def _checked(probabilities: ArrayLike, truth: Sequence[int]) -> FloatArray:
    p = np.asarray(probabilities, dtype=np.float64)
    if len(truth) < LEAST_CASES or p.shape != (len(truth), 5):
        raise ValueError(
            f"calibration needs at least {LEAST_CASES} cases, one row of five probabilities each; "
            f"got {len(truth)} cases"
        )
    if not set(truth) <= {1, 2, 3, 4, 5}:
        raise ValueError("calibration needs levels 1 to 5")
    if not bool((p >= 0.0).all()) or not bool((np.abs(p.sum(axis=1) - 1.0) <= 1e-4).all()):
        raise ValueError("a row of probabilities is negative, not a number, or does not sum to 1")
    return p


def _vector_scaling(
    logs: FloatArray, target: NDArray[np.int64], start: FloatArray, rules: NDArray[np.int64] | None = None
) -> FloatArray:
    """1/T, the bias, and with ``rules`` (0 to 4) a bias of each level for each of theirs, row by row.

    The penalised loss is strictly convex in them, so damped Newton steps find its minimum.
    """
    cases = len(target)
    spreads = [_SHARPNESS_SPREAD, *[_BIAS_SPREAD] * 5]
    parts = [logs[:, :, None], np.broadcast_to(np.eye(5), (cases, 5, 5))]
    if rules is not None:
        spreads += [_RULES_SPREAD] * 25
        start = np.concatenate([start, np.zeros(25)])
        parts.append(np.einsum("nr,kl->nkrl", np.eye(5)[rules], np.eye(5)).reshape(cases, 5, 25))
    penalty = np.array(spreads) ** -2.0 / cases
    design = np.concatenate(parts, axis=2)
    hit = np.eye(5)[target]

    def loss(theta: FloatArray) -> float:
        z = design @ theta
        top = z.max(axis=1)
        partition = top + np.log(np.exp(z - top[:, None]).sum(axis=1))
        return float(
            (partition - (hit * z).sum(axis=1)).mean() + 0.5 * (penalty * (theta - start) ** 2).sum()
        )

    theta, now = start.copy(), loss(start)
    for _ in range(_STEPS):
        z = design @ theta
        q = np.exp(z - z.max(axis=1, keepdims=True))
        q /= q.sum(axis=1, keepdims=True)
        gradient = np.einsum("nk,nkd->d", q - hit, design) / cases + penalty * (theta - start)
        mean = np.einsum("nk,nkd->nd", q, design)
        second = np.einsum("nk,nkd,nke->de", q, design, design) - mean.T @ mean
        step = np.linalg.solve(second / cases + np.diag(penalty), gradient)
        size = 1.0
        while loss(theta - size * step) > now and size > 1e-10:
            size /= 2
        theta = theta - size * step
        before, now = now, loss(theta)
        if before - now < 1e-12:
            break
    theta[0] = max(float(theta[0]), _LEAST_SHARPNESS)
    return theta


def _five(row: FloatArray) -> LevelBias:
    b1, b2, b3, b4, b5 = (round(float(value), 4) for value in row)
    return b1, b2, b3, b4, b5


def _threshold(calibrated: FloatArray, numbers: ScaleCalibration, recall_wanted: float) -> float:
    scored = []
    for threshold in _GRID:
        rule = numbers.model_copy(update={"high_threshold": threshold})
        expected = np.zeros((5, 5))
        np.add.at(expected.T, np.array(suggestions(rule, calibrated)) - 1, calibrated)
        high = expected[:2].sum()
        scored.append((threshold, _worth(expected), expected[:2, :2].sum() / high if high else 1.0))
    enough = [item for item in scored if item[2] >= recall_wanted]
    return max(enough, key=lambda item: item[1])[0] if enough else _GRID[0]


def _worth(expected: FloatArray) -> float:
    """Accuracy plus quadratic weighted kappa of an expected confusion: true level in the row, suggestion in the column.

    ``metrics`` takes counted cases; these are shares of cases.
    """
    total = expected.sum()
    by_chance = (_WEIGHTS * np.outer(expected.sum(axis=1), expected.sum(axis=0))).sum() / total
    kappa = 1.0 - (_WEIGHTS * expected).sum() / by_chance if by_chance else 0.0
    return float(np.trace(expected) / total + kappa)
