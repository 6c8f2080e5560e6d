"""What an answer is worth: the level decides, towards less urgent costs more, and nothing unsupported pays."""

from itertools import product

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from data_schemas import DecisionPath
from triage.esi import path_levels
from triage.slm.answer import format_answer
from triage.training.preference.reward import RewardWeights, grade, reward

LEVELS = st.integers(1, 5)
PATHS = st.builds(
    DecisionPath,
    life_saving=st.booleans(),
    high_risk=st.booleans(),
    resources=st.integers(0, 2),
    danger_zone=st.booleans(),
)


@st.composite
def weights(draw):
    parts = [draw(st.floats(0.01, 0.2)) for _ in range(4)]
    path, fact, statement, unsupported = parts
    assume(path + fact + 2 * statement + 2 * unsupported < 0.99)
    return RewardWeights(
        under_triage=draw(st.floats(1.05, 8.0)),
        strict_under_triage=draw(st.floats(0.0, 20.0)),
        path=path,
        fact=fact,
        statement=statement,
        unsupported=unsupported,
    )


@st.composite
def answers(draw, case, level=None):
    """Any answer that the grammar allows to the case."""
    prompt = case.judged.prompt
    facts = draw(st.lists(st.sampled_from(list(prompt.facts)), min_size=1, max_size=4, unique=True))
    labels = (
        draw(st.lists(st.sampled_from(list(prompt.statements)), max_size=2, unique=True))
        if prompt.statements
        else []
    )
    return format_answer(level or draw(LEVELS), draw(PATHS), facts, labels, prompt)


def closer(case, level):
    """The same question for a patient whose label is ``level``."""
    return type(case.judged)(
        case.judged.case_id, case.judged.prompt, case.judged.record, case.judged.screening, level
    )


@settings(deadline=None, max_examples=50)
@given(data=st.data())
def test_the_right_level_beats_every_wrong_one_whatever_is_cited(cases, library, data):
    case = data.draw(st.sampled_from(cases))
    chosen = data.draw(weights())
    truth = case.judged.level
    right = reward(data.draw(answers(case, truth)), case.judged, library, chosen)
    other = data.draw(LEVELS.filter(lambda level: level != truth))
    wrong = reward(data.draw(answers(case, other)), case.judged, library, chosen)
    assert right > wrong


@settings(deadline=None, max_examples=50)
@given(data=st.data(), truth=LEVELS, chosen=weights())
def test_farther_is_worse_and_towards_less_urgent_worse_still(cases, library, data, truth, chosen):
    case = data.draw(st.sampled_from(cases))
    judged = closer(case, truth)
    facts = [next(iter(case.judged.prompt.facts))]
    path = data.draw(PATHS)

    def worth(level):
        text = format_answer(level, path, facts, [], case.judged.prompt)
        graded = grade(text, judged, library, chosen)
        return graded.total - (chosen.path if graded.path_holds else 0.0)

    for near, far in product(range(1, 6), repeat=2):
        if (near - truth) * (far - truth) >= 0 and abs(near - truth) < abs(far - truth):
            assert worth(near) > worth(far)
        if near < truth < far and truth - near == far - truth:
            assert worth(near) > worth(far)


@settings(deadline=None, max_examples=50)
@given(chosen=weights())
def test_strict_under_triage_costs_more_than_the_distance(chosen):
    for truth, answered in ((1, 4), (1, 5), (2, 4), (2, 5)):
        extra = chosen.level_cost(answered, truth) - chosen.under_triage * (answered - truth) ** 2
        assert extra == pytest.approx(chosen.strict_under_triage)
    assert chosen.level_cost(5, 3) == pytest.approx(chosen.under_triage * 4)


@settings(deadline=None, max_examples=50)
@given(data=st.data())
def test_an_unsupported_citation_never_pays(cases, library, data):
    case = data.draw(st.sampled_from([c for c in cases if c.judged.prompt.statements]))
    prompt = case.judged.prompt
    facts = data.draw(st.lists(st.sampled_from(list(prompt.facts)), min_size=1, max_size=4, unique=True))
    level, path = data.draw(LEVELS), data.draw(PATHS)
    without = grade(format_answer(level, path, facts, [], prompt), case.judged, library)
    for label in prompt.statements:
        cited = grade(format_answer(level, path, facts, [label], prompt), case.judged, library)
        if cited.unsupported:
            assert cited.total < without.total
        else:
            assert cited.supported
            assert cited.total >= without.total


def test_the_statements_include_supported_and_unsupported_ones(cases, library):
    """The property above would hold on nothing at all if no citation ever stood, or none ever fell."""
    stood, fell = set(), set()
    for case in cases:
        prompt = case.judged.prompt
        for name, label in product(prompt.facts, prompt.statements):
            text = format_answer(case.judged.level, PATH, [name], [label], prompt)
            graded = grade(text, case.judged, library)
            stood.update(graded.supported)
            fell.update(graded.unsupported)
    assert stood
    assert fell


PATH = DecisionPath(life_saving=False, high_risk=True, resources=2, danger_zone=False)


def test_a_standing_statement_pays_only_for_the_level_it_argues_for(cases, library):
    paid = 0
    for case in cases:
        prompt = case.judged.prompt
        for finding in case.judged.screening.findings:
            label = next((k for k, v in prompt.statements.items() if v == finding.statement.id), None)
            facts = [name for name, fact_id in prompt.facts.items() if fact_id in finding.fact_ids]
            if label is None or not facts or finding.level > 2:
                continue
            for level in range(1, 6):
                plain = grade(format_answer(level, PATH, facts, [], prompt), case.judged, library)
                cited = grade(format_answer(level, PATH, facts, [label], prompt), case.judged, library)
                if not cited.supported:
                    continue
                gain = cited.total - plain.total
                assert gain == pytest.approx(0.15 if level <= 2 else 0.0)
                paid += level <= 2
    assert paid


@settings(deadline=None, max_examples=50)
@given(data=st.data())
def test_what_cannot_be_read_or_cites_what_is_not_shown_is_worth_least(cases, library, data):
    case = data.draw(st.sampled_from(cases))
    chosen = data.draw(weights())
    readable = reward(data.draw(answers(case)), case.judged, library, chosen)
    text = case.example.target
    for broken in ("", "Level: 2", text + " and more", text.replace("Facts:", "Facts: bogus")):
        assert reward(broken, case.judged, library, chosen) < readable


@settings(deadline=None, max_examples=50)
@given(data=st.data())
def test_a_path_holds_only_where_the_algorithm_leads_to_the_level(cases, library, data):
    case = data.draw(st.sampled_from(cases))
    level, path = data.draw(LEVELS), data.draw(PATHS)
    text = format_answer(level, path, list(case.judged.prompt.facts)[:1], [], case.judged.prompt)
    assert not grade(text, case.judged, library).path_holds or level in path_levels(path)


def test_a_path_that_holds_pays_and_one_that_does_not_does_not(cases, library):
    for case in cases:
        target = grade(case.example.target, case.judged, library)
        assert target.path_holds
        flipped = case.example.target.replace("\nA no B", "\nA yes B") if case.judged.level > 1 else None
        if flipped:
            graded = grade(flipped, case.judged, library)
            assert not graded.path_holds
            assert graded.total == pytest.approx(target.total - 0.2)


def test_weights_that_let_citations_buy_a_level_are_refused():
    with pytest.raises(ValidationError, match="less than 1"):
        RewardWeights(statement=0.4)
    with pytest.raises(ValidationError, match="greater than 1"):
        RewardWeights(under_triage=1.0)
