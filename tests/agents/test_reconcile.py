"""The safety floor, the prediction set, and what a person must look at."""

from agent_parts import answer, finding, record, screening
from hypothesis import given
from hypothesis import strategies as st

from agents.nodes.caution import cautious
from agents.nodes.concerns import collect
from agents.nodes.reconcile import applicable, critical_missing, floor_statements, suggest
from agents.nodes.verify import rule_reasons
from agents.state import Asked, Verified
from data_schemas import (
    DataQualityFinding,
    DecisionPoint,
    FactKind,
    LevelProbabilities,
    QualityIssue,
    Reason,
    ReasonOrigin,
    RuleTier,
)
from triage.slm.calibration import Calibration, ScaleCalibration

NONE = Calibration.none()
FULL = record()
OBSERVED = Reason(origin=ReasonOrigin.MODEL, text="observed: HR 88", fact_ids=("F3",))
STRUCK = OBSERVED.model_copy(update={"struck": "no"})


def asked(level: int = 3, p=None) -> Asked:
    return Asked(answer=answer(level, p=p), failure=None, seconds=0.1)


NO_MODEL = Asked(answer=None, failure="EngineTimeoutError", seconds=1.0)


def concerns(rec=FULL, rules=None, ask=None, reasons=(OBSERVED,), calibration=NONE):
    rules = rules or screening(3)
    ask = ask or asked()
    used, doubt = applicable(calibration, ask.answer)
    found = suggest(rec, rules, ask, used)
    return collect(
        rec,
        rules,
        ask,
        Verified(reasons=reasons, flags=(), seconds=0.0),
        found.level,
        found.model_level,
        calibration_doubt=doubt,
    )


def codes(*args, **kwargs) -> list[str]:
    return [flag.code for flag in concerns(*args, **kwargs).flags]


def rule(tier: RuleTier, level: int, name: str = "r"):
    return finding(name, tier, DecisionPoint.B, level, "F3")


def test_the_floor_raises_and_never_lowers():
    rules = screening(2, rule(RuleTier.DEMAND, 2))
    raised = suggest(FULL, rules, asked(4), NONE)
    assert (raised.level, raised.model_level, raised.floor) == (2, 4, 2)
    assert raised.least_urgent == 2
    kept = suggest(FULL, rules, asked(1), NONE)
    assert (kept.level, kept.model_level) == (1, 1)


def test_the_rules_that_set_the_floor_are_named():
    rules = screening(
        1, rule(RuleTier.DEMAND, 2, "two"), rule(RuleTier.DEMAND, 1, "one"), rule(RuleTier.CONSIDER, 1)
    )
    assert floor_statements(rules) == ("one",)
    assert "raised-by-floor" in codes(rules=rules, ask=asked(3))
    assert any("(one)" in message for message in concerns(rules=rules, ask=asked(3)).needs_human)


def test_consider_rules_widen_the_set_and_never_move_the_level():
    rules = screening(3, rule(RuleTier.CONSIDER, 2))
    found = suggest(FULL, rules, asked(4), NONE)
    assert found.level == 4
    assert found.most_urgent == 2
    assert "consider" in codes(rules=rules, ask=asked(4))
    # A suggestion that is as urgent already asks nothing.
    assert "consider" not in codes(rules=rules, ask=asked(2))


def test_without_the_model_the_rules_level_stands_and_a_person_is_required():
    rules = screening(3, rule(RuleTier.CONSIDER, 2))
    found = suggest(FULL, rules, NO_MODEL, NONE)
    assert (found.level, found.model_level, found.probabilities) == (3, None, None)
    assert (found.most_urgent, found.least_urgent) == (2, 3)
    result = concerns(rules=rules, ask=NO_MODEL)
    assert result.flags[0].code == "rules-only"
    assert "EngineTimeoutError" in result.needs_human[0]


def test_missing_critical_data_widens_the_set_and_is_asked_for_by_name():
    bare = record(hr=None, rr=None, spo2=None, sbp=None)
    assert critical_missing(bare) == ("vital signs",)
    sure = asked(3, p=(0.0, 0.0, 1.0, 0.0, 0.0))
    assert suggest(FULL, screening(3), sure, NONE).most_urgent == 3
    assert suggest(bare, screening(3), sure, NONE).most_urgent == 2
    message = next(m for m in concerns(bare).needs_human if "vital" in m)
    assert "heart rate" in message
    assert "oxygen saturation" in message
    silent = record(complaint=None)
    assert any("complaint" in message for message in concerns(silent).needs_human)
    partly = codes(record(spo2=None))
    assert "missing-vital-signs" in partly


def test_a_wide_disagreement_with_the_rules_is_flagged():
    assert "rules-disagree" in codes(rules=screening(2), ask=asked(4))
    assert "rules-disagree" not in codes(rules=screening(3), ask=asked(4))


def test_a_suggestion_without_evidence_says_so():
    assert "no-evidence" in codes(reasons=())
    assert "no-evidence" in codes(reasons=(STRUCK,))
    assert concerns(reasons=(STRUCK,)).needs_human
    assert "no-guideline-evidence" in codes(reasons=(OBSERVED, STRUCK))


def test_a_fact_that_no_statement_took_up_is_not_evidence():
    # "observed: private vehicle" says nothing for any level.
    assert "no-evidence" in codes(reasons=(OBSERVED,))
    assert any("No checked evidence" in why for why in concerns(reasons=(OBSERVED,)).needs_human)


def test_a_reason_for_another_level_is_not_evidence_for_this_one():
    rules = screening(3, rule(RuleTier.CONSIDER, 2))
    against = concerns(rules=rules, ask=asked(4), reasons=rule_reasons(rules))
    message = next(flag.message for flag in against.flags if flag.code == "no-evidence")
    assert message == "No checked evidence supports level 4; what was checked argues for level 2."
    assert "no-evidence" not in codes(rules=rules, ask=asked(2), reasons=rule_reasons(rules))


def test_statements_about_resources_argue_together():
    each = finding("c", RuleTier.INFORM, DecisionPoint.C, 4, "F2")
    rules = screening(3, each)  # two types of resources in all
    assert "no-evidence" in codes(rules=rules, ask=asked(4), reasons=rule_reasons(rules))
    assert "no-evidence" not in codes(rules=rules, ask=asked(3), reasons=rule_reasons(rules))
    # "A cold needs no resource" argues neither for level 3 nor, beside what does need some, for level 5.
    cold = finding("cold", RuleTier.INFORM, DecisionPoint.C, 5, "F2")
    mixed = screening(3, cold, each)
    (mild,) = rule_reasons(screening(3, cold))
    assert mild.argues_for(mixed) is None
    assert "no-evidence" in codes(rules=mixed, ask=asked(5), reasons=rule_reasons(mixed))
    assert "no-evidence" in codes(rules=mixed, ask=asked(3), reasons=(mild,))


def test_a_model_that_cites_no_statement_is_not_said_to_have_cited_a_wrong_one():
    def message(*cited):
        ask = Asked(answer=answer(3, *cited), failure=None, seconds=0.1)
        return next(f.message for f in concerns(ask=ask).flags if f.code == "no-guideline-evidence")

    assert message("F2") == "The model cited no guideline statement for its level."
    assert "None of the model's" in message("F2", "esi.d.hr")


def test_a_level_less_urgent_than_the_models_own_answer_is_looked_at():
    # The threshold of levels 1-2 is not reached, and 3 is the likeliest after the bias.
    calibration = Calibration("test", ScaleCalibration(bias=(0.0, -2.0, 0.0, 0.0, 0.0)))
    ask = asked(2, p=(0.05, 0.5, 0.4, 0.05, 0.0))
    found = concerns(ask=ask, calibration=calibration)
    assert "calibration-changed-level" in [flag.code for flag in found.flags]
    assert any("own answer says level 2" in why for why in found.needs_human)
    # More urgent than the model's own answer: said, and nothing to fear.
    low = Calibration("test", ScaleCalibration(high_threshold=0.1))
    raised = concerns(ask=asked(3, p=(0.0, 0.2, 0.7, 0.1, 0.0)), calibration=low)
    assert "calibration-changed-level" in [flag.code for flag in raised.flags]
    assert not any("own answer" in why for why in raised.needs_human)


def test_a_calibration_of_another_adapter_is_not_applied():
    numbers = ScaleCalibration(bias=(-9.0, -9.0, 0.0, 0.0, 9.0))
    other = Calibration("other", numbers, adapter_sha256="a" * 64)
    used, doubt = applicable(other, answer(2))
    assert (used.name, doubt.code) == ("uncalibrated", "calibration-mismatch")
    assert any(
        "not the one the calibration was fitted on" in why for why in concerns(calibration=other).needs_human
    )
    assert applicable(Calibration("same", numbers), answer(2))[1] is None
    assert "uncalibrated" in codes(calibration=NONE)


def test_an_unknown_age_is_named_because_limits_depend_on_it():
    facts = tuple(fact for fact in FULL.facts if fact.kind is not FactKind.AGE)
    ageless = FULL.model_copy(update={"facts": facts})
    assert any("age is not recorded" in why for why in concerns(ageless).needs_human)
    assert "missing-age" not in codes()


def test_what_the_model_did_not_read_is_said():
    long = record(complaint="dull " * 100 + "chest pain")
    assert any("F2 (chief complaint)" in why for why in concerns(long).needs_human)
    assert "model-did-not-read" not in codes()
    assert "model-did-not-read" not in codes(long, ask=NO_MODEL)


def test_a_word_read_as_another_is_said():
    found = concerns(record(complaint="chset pian, no fever"))
    assert [f.message for f in found.flags if f.code == "respelled"] == [
        'Taken for slips of the hand: "chset" as "chest" (chief complaint), "pian" as "pain" (chief complaint). '
        "Correct the text where that is wrong."
    ]
    assert not any("slips" in why for why in found.needs_human)
    assert "respelled" not in codes()


def test_unrecorded_consciousness_and_pain_are_named():
    def said(rec):
        return [f.message for f in concerns(rec).flags if f.code == "missing-observations"]

    assert said(record(pain=None)) == ["Not recorded, so not reassuring: consciousness (AVPU), pain."]
    assert said(record(avpu="A")) == []


def test_defects_of_the_record_are_flagged():
    def defect(issue):
        return record(
            findings=(DataQualityFinding(issue=issue, kind=FactKind.HEART_RATE, message="look here"),)
        )

    found = concerns(defect(QualityIssue.INSTRUCTION_IN_TEXT))
    assert "instruction-in-text" in [f.code for f in found.flags]
    assert "look here" in found.needs_human
    assert "look here" in concerns(defect(QualityIssue.IMPOSSIBLE)).needs_human
    assert "quality-stale" in codes(defect(QualityIssue.STALE))


LEVEL = st.integers(1, 5)
FINDING = st.builds(rule, st.sampled_from(RuleTier), LEVEL, st.sampled_from(["x", "y"]))
WEIGHTS = st.lists(st.floats(0.001, 1.0), min_size=5, max_size=5)


@given(
    weights=WEIGHTS,
    findings=st.lists(FINDING, max_size=4),
    own=LEVEL,
    model=st.booleans(),
    vitals=st.booleans(),
    threshold=st.floats(0.05, 0.95),
)
def test_whatever_the_model_says_the_safety_rules_hold(weights, findings, own, model, vitals, threshold):
    total = sum(weights)
    p = LevelProbabilities(p=tuple(w / total for w in weights)).p
    demanded = [f.level for f in findings if f.tier is RuleTier.DEMAND]
    rules = screening(min([own, *demanded]), *findings)
    calibration = Calibration("test", ScaleCalibration(high_threshold=threshold))
    rec = FULL if vitals else record(hr=None, rr=None, spo2=None, sbp=None)
    found = suggest(rec, rules, asked(3, p=p) if model else NO_MODEL, calibration)
    assert found.most_urgent <= found.level <= found.least_urgent
    if rules.floor is not None:
        assert found.level <= rules.floor
        assert found.least_urgent <= rules.floor
    for level in rules.considered:
        assert found.most_urgent <= level
        assert level <= found.least_urgent or level > rules.floor
    if found.model_level is not None:
        assert found.level == min(cautious(found.model_level, rules, found.probabilities), rules.floor or 5)
    if not vitals:
        assert found.most_urgent == 1 or found.most_urgent < found.level
