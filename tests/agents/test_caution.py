"""A 3 of the rules against an unsure 4 or 5 of the model."""

import pytest
from agent_parts import answer, finding, record, screening
from hypothesis import given
from hypothesis import strategies as st

from agents.nodes.caution import UNSURE, cautious
from agents.nodes.concerns import collect
from agents.nodes.reconcile import suggest
from agents.state import Asked, Verified
from data_schemas import DecisionPoint, LevelProbabilities, RuleTier
from triage.slm.calibration import Calibration

UNSURE_4 = (0.02, 0.08, 0.32, 0.48, 0.1)
SURE_4 = (0.0, 0.05, 0.25, 0.6, 0.1)


def probabilities(*p: float) -> LevelProbabilities:
    return LevelProbabilities(p=p)


@pytest.mark.parametrize(
    ("rules", "p", "level"),
    [
        (3, UNSURE_4, 3),
        (2, UNSURE_4, 3),
        (1, UNSURE_4, 3),
        (4, UNSURE_4, 4),
        (5, UNSURE_4, 4),
        (3, SURE_4, 4),
    ],
)
def test_only_an_unsure_model_gives_way_and_only_to_a_three(rules, p, level):
    assert cautious(4, screening(rules), probabilities(*p)) == level


@given(
    st.integers(1, 5),
    st.integers(1, 5),
    st.lists(st.floats(0.01, 1), min_size=5, max_size=5).map(lambda w: [x / sum(w) for x in w]),
)
def test_never_less_urgent_and_never_beyond_three(model, rules, p):
    found = cautious(model, screening(rules), LevelProbabilities(p=tuple(p)))
    assert found == model or (found == 3 < model and rules <= 3 and sum(p[:3]) >= UNSURE)


def test_who_moved_it_and_why_is_said():
    rules = screening(3, finding("two", RuleTier.INFORM, DecisionPoint.C, 4, "F3"))
    asked = Asked(answer=answer(4, p=UNSURE_4), failure=None, seconds=0.1)
    found = suggest(record(), rules, asked, Calibration.none())
    assert (found.level, found.model_level, found.floor) == (3, 4, None)
    assert found.most_urgent <= 3 <= found.least_urgent
    nothing = Verified(reasons=(), flags=(), seconds=0.0)
    told = {flag.code: flag.message for flag in collect(record(), rules, asked, nothing, 3, 4).flags}
    assert "was not sure; the rules alone say level 3" in told["raised-by-caution"]
    assert "raised-by-floor" not in told
