"""Fits a ``ScaleCalibration`` on held-out labelled cases of the training sites.

Temperature and bias by maximum likelihood with a small penalty on the bias (vector scaling, Guo et al. 2017); the
thresholds by a grid on the same cases: the highest quadratic weighted kappa among the thresholds that reach the
wanted recall of levels 1-2.
"""

from collections.abc import Sequence

import numpy as np
import torch

from data_schemas import LevelProbabilities
from triage.metrics import quadratic_weighted_kappa, recall_high
from triage.slm.calibration import Calibration, ScaleCalibration

_GRID = tuple(round(0.10 + 0.025 * step, 3) for step in range(25))


def fit(
    probabilities: np.ndarray,
    truth: Sequence[int],
    *,
    fitted_on: str,
    recall_wanted: float = 0.6,
    bias_penalty: float = 0.05,
) -> ScaleCalibration:
    """The calibration of one scale.

    Args:
        probabilities: the engine's, shape [cases, 5], rows summing to 1.
        truth: the labelled levels, 1 to 5.
        fitted_on: what these cases are, for the file.
        recall_wanted: the least recall of levels 1-2 on these cases; where no threshold reaches it, the lowest one.
        bias_penalty: weight of the squared bias; keeps a level that is rare here from being argued away.

    Raises:
        ValueError: fewer than 20 cases, or lengths differ.
    """
    if len(truth) < 20 or len(truth) != len(probabilities):
        raise ValueError("calibration needs at least 20 cases, one row of probabilities each")
    logs = torch.tensor(np.log(np.clip(probabilities, 1e-9, 1.0)), dtype=torch.float64)
    target = torch.tensor([level - 1 for level in truth])
    log_temperature = torch.zeros(1, dtype=torch.float64, requires_grad=True)
    bias = torch.zeros(5, dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.LBFGS([log_temperature, bias], max_iter=200, line_search_fn="strong_wolfe")

    def closure() -> torch.Tensor:
        optimiser.zero_grad()
        loss = torch.nn.functional.cross_entropy(logs / log_temperature.exp() + bias, target)
        loss = loss + bias_penalty * (bias**2).mean() + 0.01 * log_temperature.pow(2).sum()
        loss.backward()
        return loss

    optimiser.step(closure)
    b1, b2, b3, b4, b5 = (round(float(value), 4) for value in bias.detach())
    base = ScaleCalibration(
        temperature=round(float(log_temperature.detach().exp()), 4),
        bias=(b1, b2, b3, b4, b5),
        fitted_on=fitted_on,
    )
    calibrated = [Calibration("fit", base).apply(_row(row)) for row in probabilities]
    return base.model_copy(update={"high_threshold": _threshold(calibrated, truth, base, recall_wanted)})


def _threshold(
    calibrated: Sequence[LevelProbabilities],
    truth: Sequence[int],
    base: ScaleCalibration,
    recall_wanted: float,
) -> float:
    scored = []
    for threshold in _GRID:
        rule = Calibration("fit", base.model_copy(update={"high_threshold": threshold}))
        predicted = [rule.decide(p) for p in calibrated]
        scored.append((threshold, quadratic_weighted_kappa(truth, predicted), recall_high(truth, predicted)))
    enough = [item for item in scored if item[2] >= recall_wanted]
    return max(enough, key=lambda item: item[1])[0] if enough else _GRID[0]


def _row(row: np.ndarray) -> LevelProbabilities:
    total = float(row.sum())
    p1, p2, p3, p4, p5 = (float(value) / total for value in row)
    return LevelProbabilities(p=(p1, p2, p3, p4, p5))
