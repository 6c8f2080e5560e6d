"""The model read beside the level of the rules alone: what the fit learns, and where its numbers are used."""

import numpy as np
import pytest
from pydantic import ValidationError
from scipy.optimize import minimize

from data_schemas import LevelProbabilities
from triage.guidelines import record_from
from triage.metrics import log_loss
from triage.slm.arrival_group import ArrivalGroup
from triage.slm.calibration import Calibration, ScaleCalibration
from triage.training.calibrate import apply, apply_beside_rules, fit, fit_beside_rules

NO_BIAS = (0.0, 0.0, 0.0, 0.0, 0.0)
TO_TWO = (0.0, 3.0, 0.0, 0.0, 0.0)
ROWS = (NO_BIAS, TO_TWO, NO_BIAS, NO_BIAS, NO_BIAS)


def witnesses(count, seed, knows):
    """Two witnesses of a level: an unsure model, and rules that are right with probability ``knows``."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(1, 6, count)
    p = rng.dirichlet(np.ones(5), count) + 0.5 * np.eye(5)[truth - 1]
    p /= p.sum(axis=1, keepdims=True)
    guessed = rng.integers(1, 6, count)
    rules = np.where(rng.random(count) < knows, truth, guessed)
    return p, truth.tolist(), rules.tolist()


def test_rules_that_know_something_are_listened_to():
    p, truth, rules = witnesses(600, 0, 0.7)
    numbers = fit_beside_rules(p, truth, rules, fitted_on="made-up cases")
    assert np.argmax(np.array(numbers.rules_bias), axis=1).tolist() == [0, 1, 2, 3, 4]
    new, labels, said = witnesses(600, 1, 0.7)
    alone = fit(p, truth, fitted_on="made-up cases")
    assert (
        log_loss(labels, apply_beside_rules(numbers, new, said)) < log_loss(labels, apply(alone, new)) - 0.1
    )


def test_rules_that_know_nothing_change_little():
    p, truth, rules = witnesses(2000, 2, 0.0)
    numbers = fit_beside_rules(p, truth, rules, fitted_on="made-up cases")
    assert np.abs(np.array(numbers.rules_bias)).max() < 0.6
    new, labels, said = witnesses(2000, 3, 0.0)
    alone = fit(p, truth, fitted_on="made-up cases")
    assert (
        log_loss(labels, apply_beside_rules(numbers, new, said)) < log_loss(labels, apply(alone, new)) + 0.02
    )


def test_it_finds_the_minimum_that_scipy_finds():
    p, truth, rules = witnesses(80, 4, 0.6)
    logs, hit, by = np.log(np.clip(p, 1e-9, 1)), np.array(truth) - 1, np.array(rules) - 1
    spread = np.array([0.2, *[0.5] * 5, *[1.5] * 25])
    start = np.array([1.0, *[0.0] * 30])

    def loss(theta):
        z = logs * theta[0] + theta[1:6] + theta[6:].reshape(5, 5)[by]
        top = z.max(axis=1)
        picked = z[np.arange(80), hit] - top - np.log(np.exp(z - top[:, None]).sum(axis=1))
        return -picked.mean() + (((theta - start) / spread) ** 2).sum() / 160

    best = minimize(loss, start, tol=1e-12).x
    numbers = fit_beside_rules(p, truth, rules, fitted_on="x")
    found = np.concatenate([[1 / numbers.temperature], numbers.bias, np.array(numbers.rules_bias).ravel()])
    assert found == pytest.approx(best, abs=2e-3)


def test_what_cannot_be_fitted():
    p, truth, rules = witnesses(40, 5, 0.5)
    with pytest.raises(ValueError, match="level of the rules"):
        fit_beside_rules(p, truth, rules[:-1], fitted_on="x")
    with pytest.raises(ValueError, match="at least 20"):
        fit_beside_rules(p[:5], truth[:5], rules[:5], fitted_on="x")


def test_only_who_names_the_level_of_the_rules_gets_these_numbers():
    own = ScaleCalibration(temperature=2.0, beside_rules=ScaleCalibration(rules_bias=ROWS))
    scale = ScaleCalibration(groups={ArrivalGroup.NARRATIVE: own})
    told = record_from(
        {"age": "40 a", "note": "a man of forty who has had a cough for as long as ten days now"}
    )
    terse = record_from({"age": "40 a", "complaint": "cough"})
    p = LevelProbabilities(p=(0.1, 0.2, 0.4, 0.2, 0.1))
    calibration = Calibration("made up", scale)
    assert calibration.for_arrival(terse, 2).decide(p) == 3
    assert calibration.for_arrival(told).numbers == own
    with_two, with_three = (calibration.for_arrival(told, level) for level in (2, 3))
    assert with_two.decide(with_two.apply(p)) == 2
    assert with_three.decide(with_three.apply(p)) == 3
    assert with_two.apply(p).p[1] == pytest.approx(0.2 * np.exp(3) / (0.8 + 0.2 * np.exp(3)))


@pytest.mark.parametrize(
    "inner",
    [
        {},
        {"rules_bias": ROWS, "beside_rules": {"rules_bias": ROWS}},
        {"rules_bias": ROWS, "groups": {"child": {}}},
    ],
)
def test_numbers_beside_the_rules_hold_a_table_and_nothing_else(inner):
    with pytest.raises(ValidationError, match="beside"):
        ScaleCalibration.model_validate({"beside_rules": inner})


def test_a_file_without_them_reads_and_writes_as_before():
    assert "rules" not in ScaleCalibration().model_dump_json()
