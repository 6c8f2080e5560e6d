"""Conformal risk control against hand-worked cases, and its promise by simulation."""

from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_schemas import LevelProbabilities
from triage.slm.calibration import Calibration, ScaleCalibration
from triage.slm.conformal import Risk, RiskPolicy, cases_needed, check, control, reach

DAY = date(2026, 11, 22)
HIGH = Risk.HIGH


@st.composite
def distributions(draw):
    weights = draw(st.lists(st.floats(0.0, 1.0), min_size=5, max_size=5).filter(lambda w: sum(w) > 1e-3))
    return LevelProbabilities(p=tuple(w / sum(weights) for w in weights))


def policy(p, said, truth, alpha, risk=HIGH, confidence=None, **more) -> RiskPolicy:
    bounds = [(risk, alpha)]
    return control(
        p, said, truth, bounds, fitted_on="made-up cases", fitted=DAY, confidence=confidence, **more
    )


def world(rng, cases, mix=(0.02, 0.14, 0.5, 0.28, 0.06)):
    """Patients whose model is informative and over-sure: probabilities, suggestions, true levels."""
    truth = rng.choice(5, size=cases, p=mix) + 1
    seen = truth[:, None] + rng.normal(0, 1.1, (cases, 1))
    p = np.exp(-((seen - np.arange(1, 6)) ** 2))
    p /= p.sum(axis=1, keepdims=True)
    return p, (p.argmax(axis=1) + 1).tolist(), truth.tolist()


def sets(p, said, threshold):
    return [
        reach(LevelProbabilities(p=tuple(row / row.sum())), level, threshold)
        for row, level in zip(p, said, strict=True)
    ]


def test_hand_worked_threshold():
    # Nine patients of level 2, suggested 3, with p(1-2) of 0.1 to 0.9: alpha 0.3 of ten allows 3 - 1 = 2 misses.
    p = [[0, k / 10, 1 - k / 10, 0, 0] for k in range(1, 10)]
    (bound,) = policy(p, [3] * 9, [2] * 9, 0.3).bounds
    assert (bound.cases, bound.missed) == (9, 2)
    assert bound.threshold == pytest.approx(0.3, abs=2e-6)
    assert [reach(LevelProbabilities(p=tuple(row)), 3, bound.threshold) for row in p] == [3, 3] + [2] * 7


def test_the_smallest_sample_allows_no_miss_and_one_case_less_allows_nothing():
    p = [[0, k / 10, 1 - k / 10, 0, 0] for k in range(1, 10)]
    (bound,) = policy(p, [3] * 9, [2] * 9, 0.1).bounds
    assert (bound.missed, bound.enough) == (0, True)
    assert bound.threshold == pytest.approx(0.1, abs=2e-6)
    too_few = policy(p[:8], [3] * 8, [2] * 8, 0.1, site="A")
    assert (too_few.threshold, too_few.bounds[0].enough) == (0.0, False)
    assert "8 such cases" in too_few.guarantee
    assert "too few" in too_few.guarantee
    assert "every set reaches level 1" in too_few.guarantee
    assert reach(LevelProbabilities(p=(0.0, 0.0, 0.0, 0.0, 1.0)), 5, too_few.threshold) == 1


@pytest.mark.parametrize(
    ("alpha", "cases"), [(0.5, 1), (0.3, 3), (0.15, 6), (0.1, 9), (0.07, 14), (0.05, 19)]
)
def test_cases_needed(alpha, cases):
    assert cases_needed(alpha) == cases
    p, said, truth = [[0, 0.4, 0.6, 0, 0]] * cases, [3] * cases, [2] * cases
    assert policy(p, said, truth, alpha).threshold > 0.0
    assert policy(p[1:], said[1:], truth[1:], alpha).threshold == 0.0


@pytest.mark.parametrize(
    ("alpha", "confidence", "cases"),
    [(0.05, 0.9, 45), (0.1, 0.9, 22), (0.15, 0.9, 15), (0.05, 0.95, 59), (0.5, 0.6, 2), (0.5, 0.9, 4)],
)
def test_cases_needed_with_a_confidence(alpha, confidence, cases):
    assert cases_needed(alpha, confidence) == cases
    assert (1 - alpha) ** cases <= 1 - confidence + 1e-9  # binomial: so many patients without a miss
    p, said, truth = [[0, 0.4, 0.6, 0, 0]] * cases, [3] * cases, [2] * cases
    (bound,) = policy(p, said, truth, alpha, confidence=confidence).bounds
    assert (bound.confidence, bound.missed) == (confidence, 0)
    assert bound.threshold > 0.0
    assert policy(p[1:], said[1:], truth[1:], alpha, confidence=confidence).bounds[0].confidence is None


def test_hand_worked_confidence():
    # P(at most 7 of 200) at a share of 5 % is 0.2133, of 5 of 200 0.0623, of 6 0.1237: at 0.9 five misses are allowed.
    p = [[0, k / 201, 1 - k / 201, 0, 0] for k in range(1, 201)]
    (bound,) = policy(p, [3] * 200, [2] * 200, 0.05, confidence=0.9).bounds
    assert (bound.missed, bound.confidence) == (5, 0.9)
    assert policy(p, [3] * 200, [2] * 200, 0.05).bounds[0].missed == 9


def test_where_the_suggestions_are_urgent_enough_nothing_is_added():
    found = policy([[0, 0.6, 0.4, 0, 0]] * 30, [2] * 30, [2] * 30, 0.1)
    assert found.threshold == 1.0
    assert reach(LevelProbabilities(p=(0.4, 0.1, 0.5, 0.0, 0.0)), 3, found.threshold) == 3


@pytest.mark.parametrize(
    ("risk", "cases"), [(Risk.HIGH, 50), (Risk.HIGH, 400), (Risk.ALL, 50), (Risk.ALL, 200)]
)
@pytest.mark.parametrize("alpha", [0.05, 0.1, 0.2])
def test_over_draws_the_mean_risk_is_at_most_alpha_and_not_far_below(risk, cases, alpha):
    rng = np.random.default_rng(7)
    p, said, truth = world(rng, 20_000)
    score = np.where(np.array(truth) < said, np.cumsum(p, 1)[np.arange(20_000), np.array(truth) - 1], np.inf)
    among = np.array(truth) <= 2 if risk is Risk.HIGH else np.ones(20_000, dtype=bool)
    rates = []
    for _ in range(400):
        draw = rng.integers(0, 20_000, cases)
        found = policy(p[draw], np.array(said)[draw].tolist(), np.array(truth)[draw].tolist(), alpha, risk)
        rates.append(0.0 if found.threshold == 0 else float((score[among] < found.threshold).mean()))
    error = np.std(rates) / 20
    assert np.mean(rates) <= alpha + 3 * error
    if cases >= 200:  # the bound is kept by the threshold, not by giving everything up
        assert np.mean(rates) >= min(alpha, (score[among] < 1).mean()) - 0.025 - 3 * error


@pytest.mark.parametrize(("risk", "cases"), [(Risk.HIGH, 400), (Risk.ALL, 50), (Risk.ALL, 400)])
@pytest.mark.parametrize(("alpha", "confidence"), [(0.05, 0.9), (0.2, 0.75)])
def test_with_a_confidence_so_many_draws_keep_the_bound_and_some_do_not(risk, cases, alpha, confidence):
    rng = np.random.default_rng(5)
    p, listed, levels = world(rng, 20_000)
    said, truth = np.array(listed), np.array(levels)
    score = np.where(truth < said, np.cumsum(p, 1)[np.arange(20_000), truth - 1], np.inf)
    among = truth <= 2 if risk is Risk.HIGH else np.ones(20_000, dtype=bool)
    broken = []
    for _ in range(200):
        draw = rng.integers(0, 20_000, cases)
        found = policy(p[draw], said[draw].tolist(), truth[draw].tolist(), alpha, risk, confidence)
        if found.bounds[0].confidence is not None:
            broken.append(float((score[among] < found.threshold).mean()) > alpha)
    assert len(broken) >= 190
    assert np.mean(broken) <= 1 - confidence + 3 * (confidence * (1 - confidence) / len(broken)) ** 0.5
    assert any(broken) or (score[among] < 1).mean() <= alpha + 0.02  # kept by the threshold, not by giving up


def test_a_bound_on_levels_1_2_outlives_another_mix_of_levels_and_one_on_all_does_not():
    rng = np.random.default_rng(3)
    ill = (0.06, 0.4, 0.4, 0.1, 0.04)
    high, overall = [], []
    for _ in range(150):
        p, said, truth = world(rng, 300)
        q, said_there, truth_there = world(rng, 600, ill)
        for risk, rates in ((Risk.HIGH, high), (Risk.ALL, overall)):
            found = policy(p, said, truth, 0.1, risk)
            first = sets(q, said_there, found.threshold)
            rates.append(check(found, first, truth_there)[0].rate)
    assert np.mean(high) <= 0.1 + 3 * np.std(high) / 12
    assert np.mean(overall) > 0.1 + 3 * np.std(overall) / 12


@given(st.integers(0, 2**32 - 1), st.floats(0.01, 0.5), st.floats(0.0, 0.4), st.sampled_from(Risk))
def test_a_smaller_alpha_never_makes_a_set_smaller(seed, alpha, step, risk):
    p, said, truth = world(np.random.default_rng(seed), 60)
    strict, loose = policy(p, said, truth, alpha, risk), policy(p, said, truth, alpha + step, risk)
    assert strict.threshold <= loose.threshold
    assert all(
        a <= b for a, b in zip(sets(p, said, strict.threshold), sets(p, said, loose.threshold), strict=True)
    )


@given(st.integers(0, 2**32 - 1), st.floats(0.02, 0.5), st.floats(0.55, 0.99), st.sampled_from(Risk))
def test_a_confidence_never_makes_a_set_smaller(seed, alpha, confidence, risk):
    p, said, truth = world(np.random.default_rng(seed), 80)
    sure, average = (policy(p, said, truth, alpha, risk, c) for c in (confidence, None))
    assert sure.threshold <= average.threshold
    if sure.bounds[0].confidence is None:
        assert sure.threshold == average.threshold


@given(st.integers(0, 2**32 - 1), st.floats(0.02, 0.5), st.sampled_from(Risk))
def test_on_its_own_cases_the_corrected_risk_is_kept(seed, alpha, risk):
    p, said, truth = world(np.random.default_rng(seed), 80)
    found = policy(p, said, truth, alpha, risk)
    first = sets(p, said, found.threshold)
    own = [(level, top) for level, top in zip(truth, first, strict=True) if risk is Risk.ALL or level <= 2]
    missed = sum(level < top for level, top in own)
    assert missed == found.bounds[0].missed
    assert not found.bounds[0].enough or (missed + 1) / (len(own) + 1) <= alpha + 1e-12


@given(distributions(), st.floats(0.0, 1.0), st.floats(0.05, 1.0), st.floats(0.05, 1.0))
def test_the_set_holds_the_suggestion_and_reaches_as_far_as_the_policy(p, threshold, mass, high):
    bound = {"risk": HIGH, "alpha": 0.1, "cases": 9, "missed": 0, "threshold": threshold}
    risk = RiskPolicy.model_validate({"bounds": [bound], "fitted_on": "x", "fitted": DAY})
    calibration = Calibration("x", ScaleCalibration(risk=risk, set_mass=mass, high_threshold=high))
    first, last = calibration.prediction_set(p)
    assert first <= calibration.decide(p) <= last
    assert first == reach(p, calibration.decide(p), threshold)
    assert sum(p.p[first - 1 : last]) >= mass * sum(p.p[first - 1 :]) - 1e-9
    assert first == 1 or sum(p.p[: first - 1]) < threshold
    plain = Calibration("x", ScaleCalibration(set_mass=mass, high_threshold=high))
    assert plain.decide(p) == calibration.decide(p)


@given(distributions(), st.integers(1, 5), st.floats(0.0, 1.0), st.floats(0.0, 1.0))
def test_reach_is_monotone_and_never_below_the_suggestion(p, said, a, b):
    assert reach(p, said, min(a, b)) <= reach(p, said, max(a, b)) <= said


def test_the_strictest_of_several_bounds_is_kept():
    p, said, truth = world(np.random.default_rng(1), 300)
    both = control(p, said, truth, [(HIGH, 0.1), (Risk.ALL, 0.05)], fitted_on="x", fitted=DAY, site="A")
    assert both.threshold == min(bound.threshold for bound in both.bounds)
    assert both.guarantee.count("A: with 90% confidence at most") == 2


def test_what_few_cases_can_only_keep_on_average_is_promised_as_such():
    p, said, truth = world(np.random.default_rng(1), 100)
    found = policy(p, said, truth, 0.1, confidence=0.9, site="A")
    assert found.bounds[0].cases < cases_needed(0.1, 0.9)
    assert "A: on average at most 10.0%" in found.guarantee
    assert found == policy(p, said, truth, 0.1, site="A")


def test_without_labels_of_the_site_nothing_is_promised():
    p, said, truth = world(np.random.default_rng(1), 300)
    assert policy(p, said, truth, 0.1).guarantee is None
    said_out = policy(p, said, truth, 0.1, site="west").guarantee
    for part in ("west", "10.0%", "levels 1-2", "made-up cases", "2026-11-22", "exchangeable"):
        assert part in said_out


def test_a_finding_has_its_exact_interval():
    p, said, truth = world(np.random.default_rng(2), 100)
    found = policy(p, said, truth, 0.1)
    (finding,) = check(found, [3] * 20 + [2] * 20, [2] * 40)
    assert (finding.cases, finding.missed, finding.rate) == (40, 20, 0.5)
    assert (finding.low, finding.high) == pytest.approx((0.3380, 0.6620), abs=1e-4)
    assert finding.broken
    assert check(found, [4], [5]) == ()  # no patient of levels 1-2: nothing was found out


def test_wrong_input_is_refused():
    p, said, truth = world(np.random.default_rng(2), 30)
    with pytest.raises(ValueError, match="between 0 and 1"):
        policy(p, said, truth, 1.0)
    with pytest.raises(ValueError, match="at least one bound"):
        control(p, said, truth, [], fitted_on="x", fitted=DAY)
    with pytest.raises(ValueError, match=r"confidence 0\.5 is not between"):
        policy(p, said, truth, 0.1, confidence=0.5)
    with pytest.raises(ValueError, match="for each case"):
        policy(p, said[1:], truth, 0.1)
    with pytest.raises(ValueError, match="sets"):
        check(policy(p, said, truth, 0.1), [1], [1, 2])
