"""The floor under test, on cases whose answer can be counted by hand."""

from decimal import Decimal

import pytest

from data_schemas import AcuityScale, FactKind, FactSource, IntakeRecord, PatientIdentity
from eval.cases import EvaluationCase, sample_cases
from eval.floor import check_floor, undemanded
from triage.esi import screen
from triage.facts import make_fact, missing_kinds, number_facts
from triage.guidelines import GuidelineLibrary

LIBRARY = GuidelineLibrary.load()
SOURCE = FactSource(resource_type="Test", path="x")


def case(number: int, truth: int, *, avpu: str | None = None, scale=AcuityScale.ESI) -> EvaluationCase:
    facts = [
        make_fact(1, FactKind.AGE, source=SOURCE, value=Decimal(40), unit="a"),
        make_fact(1, FactKind.CHIEF_COMPLAINT, source=SOURCE, text="cough"),
    ]
    if avpu is not None:
        facts.append(make_fact(1, FactKind.AVPU, source=SOURCE, code=avpu))
    facts = number_facts(facts)
    record = IntakeRecord(
        encounter_key=f"test|{number}",
        patient=PatientIdentity(reference=f"Patient/{number}"),
        read_at="2026-03-04T12:00:00Z",
        facts=facts,
        missing=missing_kinds(facts),
    )
    return EvaluationCase(case_id=str(number), record=record, truth=truth, scale=scale)


def test_counts_are_those_of_the_cases():
    cases = [
        case(1, 1, avpu="U"),
        case(2, 2, avpu="U"),
        case(3, 4, avpu="U"),
        case(4, 2, avpu="V"),
        case(5, 2),
        case(6, 5),
    ]
    seen: list[int] = []
    report = check_floor("by hand", cases, LIBRARY, done=seen.append)
    assert seen == [1, 2, 3, 4, 5, 6]
    assert (report.fires.value, report.fires.total) == (4 / 6, 6)
    assert (report.precision.value, report.precision.total) == (0.5, 4)
    assert (report.recall_high.value, report.recall_high.total) == (3 / 4, 4)
    assert report.over_alone.value == 2 / 6
    assert (report.checked, report.below_floor) == (4, ())
    unresponsive = next(item for item in report.statements if item.statement_id == "esi.a.unresponsive")
    assert (unresponsive.level, unresponsive.fires, unresponsive.decisive) == (1, 3, 3)
    assert (unresponsive.precision.value, unresponsive.near.value) == (1 / 3, 2 / 3)
    assert unresponsive.precision.low < 1 / 3 < unresponsive.precision.high
    for added in (report.over_rules, report.over_agent):
        assert added.added == pytest.approx(added.with_floor - added.without)
        assert added.low <= added.added <= added.high
    # Without demand rules a cough is a 5: two of the unresponsive are over-triaged by the floor alone.
    assert (report.over_rules.without, report.over_rules.with_floor) == (0.0, 2 / 6)


def test_a_suggestion_below_the_floor_is_named(monkeypatch):
    import eval.floor

    real = eval.floor.suggest

    def broken(*args):
        return real(*args).model_copy(update={"level": 5, "least_urgent": 5})

    monkeypatch.setattr(eval.floor, "suggest", broken)
    report = check_floor("by hand", [case(1, 1, avpu="U"), case(2, 5)], LIBRARY)
    assert report.below_floor == ("1",)


@pytest.mark.parametrize("asked", ["none", "5"])
def test_a_floor_that_gives_way_to_one_answer_only_is_named(monkeypatch, asked):
    """The prior's most likely level is 3: it is the other answers that find this."""
    import eval.floor

    real = eval.floor.suggest

    def broken(record, screening, given, calibration):
        said = "none" if given.answer is None else str(given.answer.level)
        found = real(record, screening, given, calibration)
        return found.model_copy(update={"level": 4, "least_urgent": 4}) if said == asked else found

    monkeypatch.setattr(eval.floor, "suggest", broken)
    report = check_floor("by hand", [case(1, 1, avpu="U"), case(2, 5)], LIBRARY)
    assert (report.checked, report.answers, report.below_floor) == (1, 7, ("1",))


def test_the_samples_hold():
    report = check_floor("samples", sample_cases(), LIBRARY)
    assert report.below_floor == ()
    assert report.precision.value == 1.0


def test_without_demand_rules_the_level_is_that_of_a_library_without_them():
    from data_schemas import RuleTier

    rest = GuidelineLibrary([item for item in LIBRARY if item.tier is not RuleTier.DEMAND], LIBRARY.version)
    for item in sample_cases():
        whole = screen(item.record, LIBRARY.version, LIBRARY)
        assert undemanded(whole, LIBRARY) == screen(item.record, LIBRARY.version, rest).level


def test_no_cases_and_mixed_scales_are_refused():
    with pytest.raises(ValueError, match="no case"):
        check_floor("nothing", [], LIBRARY)
    with pytest.raises(ValueError, match="several scales"):
        check_floor("mixed", [case(1, 1), case(2, 2, scale=AcuityScale.KTAS)], LIBRARY)
