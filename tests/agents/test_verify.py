"""Citations are checked against the real guideline statements."""

import pytest
from agent_parts import answer, finding, record, screening

from agents.nodes.contradictions import contradictions
from agents.nodes.verify import model_reasons, rule_reasons
from data_schemas import DecisionPoint, ReasonOrigin, RuleTier
from triage.esi import screen
from triage.guidelines import GuidelineLibrary

LIBRARY = GuidelineLibrary.load()
FAST = record(hr=130)  # F2 complaint, F3 heart rate, F4 respiratory rate


def reasons(*cited: str, of=FAST):
    return model_reasons(answer(2, *cited), of, LIBRARY)


def test_a_supported_statement_stands_on_the_facts_that_carry_it():
    (statement, other) = reasons("F3", "F4", "esi.d.hr")
    assert statement.struck is None
    assert statement.statement.id == "esi.d.hr"
    assert statement.fact_ids == ("F3",)
    assert statement.level == 2
    # The respiratory rate carries nothing: it is an observation, not evidence for a statement.
    assert (other.fact_ids, other.statement, other.struck) == (("F4",), None, None)
    assert other.text.startswith("observed: ")


@pytest.mark.parametrize(
    ("cited", "of"),
    [
        (("F4", "esi.d.hr"), FAST),  # true of the record, but not by the fact cited
        (("esi.d.hr",), FAST),  # no fact cited at all
        (("F3", "esi.d.hr"), record(hr=88)),  # the fact says the opposite
        (("F3", "esi.no-such-statement"), FAST),
    ],
)
def test_an_unsupported_statement_is_struck_and_says_why(cited, of):
    struck = [r for r in reasons(*cited, of=of) if r.struck is not None]
    assert len(struck) == 1
    assert struck[0].struck
    assert not any(r.statement is not None and r.struck is None for r in reasons(*cited, of=of))


def test_an_invented_fact_is_struck():
    (reason,) = reasons("F99")
    assert reason.struck == "the record has no such fact"


def test_every_citation_ends_up_in_exactly_one_reason_of_its_own():
    found = reasons("F2", "F2", "F3", "F4", "esi.d.hr", "esi.d.hr")
    assert [r.statement.id for r in found if r.statement] == ["esi.d.hr"]
    assert [r.fact_ids for r in found if r.statement is None] == [("F2",), ("F4",)]


def test_the_rules_reasons_are_theirs():
    found = rule_reasons(screen(FAST))
    assert found
    assert {r.origin for r in found} == {ReasonOrigin.RULES}
    assert all(r.struck is None and r.statement is not None for r in found)


D = finding("d", RuleTier.CONSIDER, DecisionPoint.D, 2, "F3")
A = finding("a", RuleTier.DEMAND, DecisionPoint.A, 1, "F3")
B = finding("b", RuleTier.DEMAND, DecisionPoint.B, 2, "F3")


@pytest.mark.parametrize(
    ("given", "found", "codes"),
    [
        (answer(3), (), []),
        (answer(3), (D,), ["path-misses-danger-zone"]),
        (answer(3, danger_zone=True), (), ["path-invents-danger-zone"]),
        (answer(2, high_risk=False, resources=2, danger_zone=True), (D,), []),
        (answer(3, life_saving=True), (), ["path-contradicts-level"]),
        (answer(3, high_risk=True), (), ["path-contradicts-level"]),
        (answer(1, life_saving=False), (), ["path-contradicts-level"]),
        (answer(5, resources=2), (), ["path-contradicts-level"]),
        (answer(2), (A,), ["path-misses-life-saving"]),
        (answer(3), (B,), ["path-misses-high-risk"]),
        (answer(1), (B,), []),
    ],
)
def test_contradictions_are_flagged(given, found, codes):
    assert [f.code for f in contradictions(given, screening(3, *found))] == codes
