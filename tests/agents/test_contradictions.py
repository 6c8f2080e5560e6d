"""Where the model's answers contradict the record, the rules or its own reasons."""

import pytest
from agent_parts import IDENTITY, answer, finding, record, screening

from agents.nodes.concerns import collect
from agents.nodes.contradictions import contradictions
from agents.nodes.verify import model_reasons, rule_reasons
from agents.state import Asked, Verified
from data_schemas import (
    Check,
    Claim,
    DecisionPoint,
    ModelAnswer,
    ReasonOrigin,
    ResourceEstimate,
    RuleTier,
)
from triage.esi import screen
from triage.guidelines import GuidelineLibrary

LIBRARY = GuidelineLibrary.load()
FAST = record(hr=150)


def codes(given, found, **more):
    return [flag.code for flag in contradictions(given, found, **more)]


def test_no_danger_zone_with_a_heart_rate_of_150_is_a_finding():
    assert "path-misses-danger-zone" in codes(answer(3), screen(FAST, library=LIBRARY), record=FAST)
    assert "path-misses-danger-zone" not in codes(
        answer(3, danger_zone=True), screen(FAST, library=LIBRARY), record=FAST
    )


def test_a_danger_zone_is_not_denied_of_signs_that_nobody_measured():
    bare = record(hr=None, rr=None, spo2=None)
    assert "path-unknown-danger-zone" in codes(answer(3), screening(3), record=bare)
    assert "path-unknown-danger-zone" not in codes(answer(3), screening(3), record=record(hr=88))


def test_one_resource_where_the_rules_name_two_is_said():
    two = screening(3).model_copy(
        update={"resources": ResourceEstimate(count=2, kinds=("laboratory", "IV fluids"), source="test")}
    )
    assert codes(answer(4), two) == ["path-misses-resources"]
    assert codes(answer(3), two) == []
    assert codes(answer(2), two) == []  # decided at B, before resources are counted
    unknown = two.model_copy(update={"resources": ResourceEstimate(count=2, kinds=(), source="test")})
    assert codes(answer(4), unknown) == []  # assumed, not named


def test_no_life_saving_need_against_a_rule_that_demands_it_is_a_finding():
    demand = finding("a", RuleTier.DEMAND, DecisionPoint.A, 1, "F3")
    assert "path-misses-life-saving" in codes(answer(3), screening(1, demand))


def test_a_reason_that_demands_more_than_the_level_is_a_finding():
    hurt = record(avpu="U")
    rules = screen(hurt, library=LIBRARY)
    avpu = next(fact.id for fact in hurt.facts if fact.kind.value == "avpu")
    given = answer(3, avpu, "esi.a.unresponsive")
    reasons = model_reasons(given, hurt, LIBRARY)
    assert "reason-contradicts-level" in codes(given, rules, reasons=reasons)
    assert "reason-contradicts-level" not in codes(answer(1), rules, reasons=reasons)


def claiming(level: int, *claims: Claim) -> ModelAnswer:
    return answer(level).model_copy(update={"claims": claims})


def test_a_claim_that_is_not_borne_out_is_struck_and_counted_by_kind():
    given = claiming(
        2,
        Claim(fact_id="F3", text="HR 150 /min, above 100", statement_id="esi.d.hr"),
        Claim(fact_id="F3", text="HR 90 /min"),
        Claim(fact_id="F4", text="SpO2 98 %"),
    )
    stands, value, fact = model_reasons(given, FAST, LIBRARY)
    assert (stands.struck, stands.statement.id, stands.fact_ids) == (None, "esi.d.hr", ("F3",))
    assert (value.struck_by, fact.struck_by) == (Check.VALUE, Check.FACT)
    assert value.struck == "it says heart rate 90 /min; the record says 150 /min"
    assert all(reason.claims for reason in (stands, value, fact))


def test_a_claim_and_a_bare_citation_of_one_statement_are_one_reason():
    given = claiming(2, Claim(fact_id="F3", statement_id="esi.d.hr")).model_copy(
        update={"citations": answer(2, "F3", "esi.d.hr").citations}
    )
    assert len(model_reasons(given, FAST, LIBRARY)) == 1


@pytest.mark.parametrize("level", [1, 2, 3, 4, 5])
def test_an_assessment_whose_every_reason_was_struck_needs_a_person(level):
    given = claiming(level, Claim(fact_id="F3", text="HR 40 /min"), Claim(fact_id="F99", kind="pain"))
    reasons = model_reasons(given, FAST, LIBRARY)
    assert all(reason.struck for reason in reasons)
    asked = Asked(answer=given, failure=None, seconds=0.1)
    rules = screening(level)
    found = collect(FAST, rules, asked, Verified(reasons=reasons, flags=(), seconds=0.0), level, level)
    assert "no-evidence" in {flag.code for flag in found.flags}
    assert any(f"No checked evidence supports level {level}" in why for why in found.needs_human)


def test_struck_reasons_of_old_assessments_say_the_same_json():
    (reason, *_) = rule_reasons(screen(FAST, library=LIBRARY))
    assert reason.origin is ReasonOrigin.RULES
    assert {"struck_by", "claims"}.isdisjoint(reason.model_dump(mode="json"))
    assert "claims" not in answer(3).model_dump(mode="json")
    assert IDENTITY.engine == "recorded"
