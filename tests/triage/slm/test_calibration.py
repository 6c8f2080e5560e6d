import json
from contextlib import nullcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_schemas import AcuityScale, LevelProbabilities
from triage.slm.calibration import Calibration, ScaleCalibration
from triage.slm.errors import ModelIntegrityError
from triage.slm.prompt import PROMPT_VERSION


@st.composite
def distributions(draw):
    weights = draw(st.lists(st.floats(0.0, 1.0), min_size=5, max_size=5).filter(lambda w: sum(w) > 1e-3))
    total = sum(weights)
    return LevelProbabilities(p=tuple(w / total for w in weights))


@given(distributions())
def test_no_calibration_leaves_probabilities_as_they_are(probabilities):
    applied = Calibration.none().apply(probabilities)
    assert applied.p == pytest.approx(probabilities.p, abs=1e-9)


@given(distributions(), st.floats(0.2, 5.0), st.lists(st.floats(-2, 2), min_size=5, max_size=5))
def test_calibrated_probabilities_are_a_distribution(probabilities, temperature, bias):
    numbers = ScaleCalibration(temperature=temperature, bias=tuple(bias))
    assert sum(Calibration("x", numbers).apply(probabilities).p) == pytest.approx(1.0)


@given(distributions(), st.floats(0.05, 1.0))
def test_the_prediction_set_holds_the_suggestion_and_its_mass(probabilities, mass):
    calibration = Calibration("x", ScaleCalibration(set_mass=mass))
    first, last = calibration.prediction_set(probabilities)
    assert first <= calibration.decide(probabilities) <= last
    assert sum(probabilities.p[first - 1 : last]) >= mass - 1e-9 or (first, last) == (1, 5)


@given(distributions(), st.floats(0.05, 0.5), st.floats(0.0, 0.5))
def test_a_lower_threshold_is_never_less_urgent(probabilities, threshold, step):
    lower = Calibration("x", ScaleCalibration(high_threshold=threshold))
    higher = Calibration("x", ScaleCalibration(high_threshold=threshold + step))
    assert lower.decide(probabilities) <= higher.decide(probabilities)


@given(distributions(), st.floats(0.05, 1.0), st.floats(0.05, 1.0))
def test_the_suggestion_is_never_less_urgent_than_the_most_likely_level(probabilities, high, first):
    numbers = ScaleCalibration(high_threshold=high, level_1_threshold=first)
    assert Calibration("x", numbers).decide(probabilities) <= probabilities.most_likely


def test_two_likely_urgent_levels_short_of_the_threshold_are_not_argued_away():
    # 2 is the most likely level, and levels 1 and 2 together stay below one half.
    assert Calibration.none().decide(LevelProbabilities(p=(0.0, 0.42, 0.30, 0.28, 0.0))) == 2
    assert Calibration.none().decide(LevelProbabilities(p=(0.4, 0.3, 0.3, 0.0, 0.0))) == 1


def test_a_calibration_fits_the_adapter_and_the_prompt_it_was_fitted_on(tmp_path):
    path = tmp_path / "calibration.json"

    def load(scale=AcuityScale.KTAS, **changes):
        content = {"name": "k", "adapter_sha256": "ab", "prompt_version": PROMPT_VERSION}
        path.write_text(json.dumps(content | {"scales": {"KTAS": {"temperature": 1.5}}} | changes))
        return Calibration.load(path, scale)

    assert load().fits("ab")
    assert not load().fits(None)
    assert not load().fits("cd")
    assert not load(prompt_version="older").fits("ab")
    assert not load(prompt_version=None).fits("ab")
    # The defaults are fitted on nothing and may be used for anything, and say so.
    none = load(AcuityScale.ESI)
    assert (none.fits("cd"), none.fitted, load().fitted) == (True, False, True)


@given(
    fitted_on=st.sampled_from([None, "ab", "cd"]),
    asked=st.sampled_from([None, "ab", "cd"]),
    ours=st.booleans(),
)
def test_an_evaluation_refuses_exactly_what_does_not_fit(fitted_on, asked, ours):
    calibration = Calibration(
        "k", ScaleCalibration(), adapter_sha256=fitted_on, prompt_version=PROMPT_VERSION if ours else "older"
    )
    refusal = (
        nullcontext()
        if calibration.fits(asked)
        else pytest.raises(ModelIntegrityError, match="calibrate again")
    )
    with refusal:
        calibration.require_fit(asked)
    assert (fitted_on == asked and ours) == calibration.fits(asked)


def test_the_set_widens_to_the_more_urgent_side_of_equals():
    calibration = Calibration("x", ScaleCalibration(set_mass=0.7))
    assert calibration.prediction_set(LevelProbabilities(p=(0.0, 0.25, 0.5, 0.25, 0.0))) == (2, 3)


def test_a_file_is_read_for_its_scale_and_named_with_its_digest(tmp_path):
    path = tmp_path / "calibration.json"
    path.write_text(
        json.dumps({"name": "k", "scales": {"KTAS": {"temperature": 1.5, "high_threshold": 0.25}}})
    )
    loaded = Calibration.load(path, AcuityScale.KTAS)
    assert loaded.name.startswith("k@")
    assert loaded.decide(LevelProbabilities(p=(0.05, 0.25, 0.6, 0.1, 0.0))) == 2
    assert Calibration.load(path, AcuityScale.ESI).name == "uncalibrated"


def risk(site, threshold=0.2):
    bound = {"risk": "levels 1-2", "alpha": 0.1, "cases": 40, "missed": 3, "threshold": threshold}
    return {"bounds": [bound], "site": site, "fitted_on": "100 cases", "fitted": "2026-11-22"}


def test_a_sites_numbers_go_before_the_scales(tmp_path):
    path = tmp_path / "calibration.json"
    scales = {"KTAS": {"high_threshold": 0.4}, "ESI": {"high_threshold": 0.3, "risk": risk(None)}}
    sites = {"west": {"KTAS": {"high_threshold": 0.2, "risk": risk("west")}}, "east": {}}
    path.write_text(json.dumps({"name": "k", "scales": scales, "sites": sites}))
    own = Calibration.load(path, AcuityScale.KTAS, "west")
    assert (own.numbers.high_threshold, own.name.split("@")[0]) == (0.2, "k/west")
    assert "west: on average at most 10.0%" in own.guarantee
    assert own.prediction_set(LevelProbabilities(p=(0.0, 0.19, 0.81, 0.0, 0.0))) == (3, 3)
    assert own.prediction_set(LevelProbabilities(p=(0.05, 0.14, 0.0, 0.81, 0.0))) == (4, 4)
    assert own.prediction_set(LevelProbabilities(p=(0.05, 0.14, 0.01, 0.8, 0.0))) == (3, 4)
    # A site without numbers for the scale has the scale's, and nobody's promise.
    for other in (
        Calibration.load(path, AcuityScale.ESI, "west"),
        Calibration.load(path, AcuityScale.ESI, "east"),
        Calibration.load(path, AcuityScale.ESI),
    ):
        assert (other.numbers.high_threshold, other.name.split("@")[0], other.guarantee) == (0.3, "k", None)


def test_an_unknown_site_is_an_error_that_says_what_to_do(tmp_path):
    path = tmp_path / "calibration.json"
    path.write_text(json.dumps({"name": "k", "scales": {"KTAS": {}}, "sites": {"west": {}}}))
    with pytest.raises(ModelIntegrityError, match=r"wset.*holds: west.*triage model calibrate --site wset"):
        Calibration.load(path, AcuityScale.KTAS, "wset")


@pytest.mark.parametrize(
    "content",
    [
        {"scales": {"KTAS": {"risk": risk("west")}}},
        {"scales": {}, "sites": {"east": {"KTAS": {"risk": risk("west")}}}},
        {"scales": {}, "sites": {"east": {"KTAS": {"risk": risk(None)}}}},
        {"scales": {}, "sites": {"no such/site": {}}},
    ],
)
def test_a_promise_stands_only_with_its_site(tmp_path, content):
    path = tmp_path / "calibration.json"
    path.write_text(json.dumps({"name": "k"} | content))
    with pytest.raises(ModelIntegrityError, match=r"calibration\.json"):
        Calibration.load(path, AcuityScale.KTAS)


@pytest.mark.parametrize("content", ["", "[]", '{"name": "k", "scales": {"KTAS": {"temperature": -1}}}'])
def test_a_bad_file_is_a_named_error(tmp_path, content):
    path = tmp_path / "calibration.json"
    path.write_text(content)
    with pytest.raises(ModelIntegrityError, match=r"calibration\.json"):
        Calibration.load(path, AcuityScale.KTAS)
