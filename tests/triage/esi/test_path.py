"""Where the answers to the decision points lead."""

from hypothesis import given
from hypothesis import strategies as st

from data_schemas import DecisionPath
from triage.esi import path_levels

PATHS = st.builds(
    DecisionPath,
    life_saving=st.booleans(),
    high_risk=st.booleans(),
    resources=st.integers(0, 2),
    danger_zone=st.booleans(),
)


def test_the_path_gives_the_level_of_the_algorithm():
    def levels(a, b, resources, danger):
        return set(
            path_levels(DecisionPath(life_saving=a, high_risk=b, resources=resources, danger_zone=danger))
        )

    assert levels(True, True, 0, False) == {1}
    assert levels(False, True, 0, True) == {2}
    assert [levels(False, False, n, False) for n in (0, 1, 2)] == [{5}, {4}, {3}]
    assert levels(False, False, 0, True) == {2, 5}


@given(path=PATHS)
def test_a_path_leads_somewhere_and_no_more_urgent_answer_leads_to_a_less_urgent_level(path):
    levels = path_levels(path)
    assert levels
    assert levels <= {1, 2, 3, 4, 5}
    for update in ({"life_saving": True}, {"high_risk": True}, {"danger_zone": True}, {"resources": 2}):
        assert min(path_levels(path.model_copy(update=update))) <= min(levels)
