"""Fitting a calibration: what it recovers, what it refuses, and that its halves stay apart."""

from datetime import date

import numpy as np
import pytest
from scipy.optimize import minimize

from triage.metrics import expected_calibration_error, log_loss, recall_high
from triage.slm.calibration import Calibration, ScaleCalibration
from triage.slm.conformal import Risk
from triage.training.calibrate import apply, fit, fit_with_bounds, level_row, suggestions

DAY = date(2026, 11, 22)


def cases(count, seed=0, *, boast=1.0, shift=(0.0, 0.0, 0.0, 0.0, 0.0)):
    """Probabilities that are honest but for a power and a shift of the log-odds."""
    rng = np.random.default_rng(seed)
    honest = rng.dirichlet((0.3, 0.8, 2.0, 1.2, 0.4), count)
    truth = [int(rng.choice(5, p=row)) + 1 for row in honest]
    said = np.clip(honest, 1e-6, 1) ** boast * np.exp(shift)
    return said / said.sum(axis=1, keepdims=True), truth


def test_it_undoes_a_boast_and_a_shift():
    p, truth = cases(3000, boast=1.5, shift=(-0.4, -0.4, 0.2, 0.3, 0.3))
    numbers = fit(p, truth, fitted_on="made-up cases")
    assert numbers.temperature == pytest.approx(1.5, abs=0.15)
    # A shift of the boasting log-odds is a smaller one of the honest ones; only differences count.
    found = np.array(numbers.bias) - np.mean(numbers.bias)
    assert found == pytest.approx(np.array((0.4, 0.4, -0.2, -0.3, -0.3)) / 1.5, abs=0.12)
    other, levels = cases(3000, 1, boast=1.5, shift=(-0.4, -0.4, 0.2, 0.3, 0.3))
    raw = expected_calibration_error(levels, other)
    assert expected_calibration_error(levels, apply(numbers, other)) < 0.04 < 0.1 < raw
    assert log_loss(levels, apply(numbers, other)) < log_loss(levels, other) - 0.05


def test_it_finds_the_minimum_that_scipy_finds():
    p, truth = cases(150, 5, boast=2.0)
    logs, hit = np.log(np.clip(p, 1e-9, 1)), np.array(truth) - 1
    spread = np.array([0.2, *[0.5] * 5])

    def loss(theta):
        z = logs * theta[0] + theta[1:]
        picked = z[np.arange(150), hit] - np.log(np.exp(z).sum(axis=1))
        return -picked.mean() + (((theta - [1, 0, 0, 0, 0, 0]) / spread) ** 2).sum() / 300

    best = minimize(loss, np.array([1.0, 0, 0, 0, 0, 0]), tol=1e-12).x
    numbers = fit(p, truth, fitted_on="x")
    assert (1 / numbers.temperature, *numbers.bias) == pytest.approx(best, abs=1e-3)


def test_many_cases_at_once_are_what_the_product_does_one_by_one():
    p, _ = cases(300, 1)
    numbers = ScaleCalibration(temperature=0.8, bias=(0.3, -0.2, 0.0, 0.1, 0.4), high_threshold=0.35)
    product = Calibration("x", numbers)
    one_by_one = [product.apply(level_row(row)) for row in p]
    assert apply(numbers, p) == pytest.approx(np.array([item.p for item in one_by_one]), abs=1e-12)
    assert suggestions(numbers, apply(numbers, p)) == [product.decide(item) for item in one_by_one]


def test_few_cases_stay_near_the_start():
    p, truth = cases(25, 3)
    start = ScaleCalibration(temperature=2.0, bias=(0.5, 0.5, 0.0, 0.0, 0.0), set_mass=0.9)
    numbers = fit(p, truth, fitted_on="x", start=start)
    alone = fit(p, truth, fitted_on="x")
    assert abs(1 / numbers.temperature - 0.5) < abs(1 / alone.temperature - 0.5)
    assert (numbers.set_mass, numbers.fitted_on) == (0.9, "x")


def test_a_greater_recall_wanted_gives_a_lower_threshold_and_more_recall():
    p, truth = cases(1500, 2)
    found = [fit(p, truth, fitted_on="x", recall_wanted=wanted) for wanted in (0.3, 0.6, 0.9)]
    assert found[0].high_threshold > found[1].high_threshold > found[2].high_threshold
    for numbers, wanted in zip(found, (0.3, 0.6, 0.9), strict=True):
        assert recall_high(truth, suggestions(numbers, apply(numbers, p))) >= wanted - 0.05


def test_a_model_that_knows_nothing_still_gives_numbers():
    _, truth = cases(40, 4)
    numbers = fit(np.full((40, 5), 0.2), truth, fitted_on="x")
    shares = apply(numbers, np.full((1, 5), 0.2))[0]
    assert shares.argmax() == 2  # nothing but the mix of levels is left to learn
    backwards, levels = cases(2000, 4, boast=-3.0)
    assert fit(backwards, levels, fitted_on="x").temperature <= 20


def test_bounds_rest_on_cases_that_nothing_was_fitted_on():
    p, truth = cases(600, 6)
    numbers, kept = fit_with_bounds(p, truth, [(Risk.HIGH, 0.1)], fitted_on="x", fitted=DAY, site="w", seed=7)
    assert kept.sum() == 300
    assert numbers.risk.bounds[0].cases == sum(level <= 2 for level in np.array(truth)[kept])
    assert numbers.risk.site == "w"
    # What was fitted does not know the other half: other labels there leave temperature, bias and threshold alone.
    other = np.where(kept, 3, truth).tolist()
    again, same = fit_with_bounds(p, other, [(Risk.HIGH, 0.1)], fitted_on="x", fitted=DAY, site="w", seed=7)
    assert (same == kept).all()
    assert again.model_copy(update={"risk": None}) == numbers.model_copy(update={"risk": None})
    assert again.risk.bounds[0].cases == 0
    assert again.risk.threshold == 0.0


def test_too_few_for_two_halves_leaves_the_start_as_it_is():
    p, truth = cases(120, 6)
    start = ScaleCalibration(temperature=1.1, high_threshold=0.4, fitted_on="elsewhere")
    numbers, kept = fit_with_bounds(
        p, truth, [(Risk.HIGH, 0.05)], fitted_on="x", fitted=DAY, site="w", start=start
    )
    assert kept.all()
    assert numbers.model_copy(update={"risk": None}) == start
    assert numbers.risk.bounds[0].enough


def rates_over_draws(confidence, rows, times):
    """The share of levels 1-2 above their set, of one calibration a draw, on all others of a large world."""
    p, truth = cases(30_000, 8, boast=1.4)
    true = np.array(truth)
    ill = np.flatnonzero(true <= 2)
    rng, rates = np.random.default_rng(9), []
    for seed in range(times):
        draw = rng.integers(0, 30_000, rows)
        numbers, _ = fit_with_bounds(
            p[draw],
            true[draw].tolist(),
            [(Risk.HIGH, 0.15)],
            fitted_on="x",
            fitted=DAY,
            seed=seed,
            confidence=confidence,
        )
        calibrated = apply(numbers, p[ill])
        reached = np.cumsum(calibrated, axis=1)[np.arange(len(ill)), true[ill] - 1]
        above = (true[ill] < np.array(suggestions(numbers, calibrated))) & (reached < numbers.risk.threshold)
        rates.append(above.mean())
    return np.array(rates)


def test_the_promise_is_kept_on_average_over_draws():
    rates = rates_over_draws(None, 160, 60)
    assert rates.mean() <= 0.15 + 3 * rates.std() / np.sqrt(60)
    assert rates.mean() >= 0.08
    assert (rates > 0.15).mean() > 0.2  # what an average does not promise


def test_the_promise_with_a_confidence_is_kept_by_so_many_draws():
    rates = rates_over_draws(0.9, 300, 60)
    assert (rates > 0.15).mean() <= 0.1 + 3 * np.sqrt(0.09 / 60)
    assert rates.mean() >= 0.04


@pytest.mark.parametrize(
    ("p", "truth", "message"),
    [
        (np.full((5, 5), 0.2), [3] * 5, "at least 20 cases"),
        (np.full((20, 5), 0.2), [3] * 21, "one row of five"),
        (np.full((20, 5), 0.2), [0] * 20, "levels 1 to 5"),
        (np.full((20, 5), 0.3), [3] * 20, "sum to 1"),
        (np.full((20, 5), np.nan), [3] * 20, "sum to 1"),
    ],
)
def test_wrong_input_is_refused(p, truth, message):
    with pytest.raises(ValueError, match=message):
        fit(p, truth, fitted_on="x")
