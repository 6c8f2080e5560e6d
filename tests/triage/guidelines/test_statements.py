"""Every shipped statement: it loads, its examples come out, its wording and source are there."""

import pytest

from data_schemas import DecisionPoint, EsiVersion, FactKind, RuleTier
from triage.guidelines import GuidelineLibrary, Statement, example_problems, record_from
from triage.guidelines.examples import example_version
from triage.guidelines.view import RecordView

SHIPPED = {version: GuidelineLibrary.load(version) for version in EsiVersion}
STATEMENTS = {item.id: item for library in SHIPPED.values() for item in library}


@pytest.mark.parametrize("statement", STATEMENTS.values(), ids=STATEMENTS.keys())
def test_its_own_examples_come_out(statement: Statement) -> None:
    assert example_problems(statement) == ()


def test_there_are_enough_and_their_tiers_are_right() -> None:
    assert len(STATEMENTS) >= 150
    tiers = {item.tier for item in STATEMENTS.values()}
    points = {item.decision_point for item in STATEMENTS.values()}
    assert tiers == set(RuleTier)
    assert points == set(DecisionPoint)


@pytest.mark.parametrize("statement", STATEMENTS.values(), ids=STATEMENTS.keys())
def test_a_demand_never_rests_on_pain_or_the_danger_zone_alone(statement: Statement) -> None:
    """Danger-zone signs and pain only ask; they never set a floor by themselves."""
    if statement.tier is not RuleTier.DEMAND:
        return
    for compact in (
        {
            "age": "40 a",
            "sex": "female",
            "hr": 120,
            "rr": 24,
            "spo2": 91,
            "pain": 10,
            "complaint": "unspecified",
        },
        {"age": "2 a", "sex": "male", "hr": 160, "rr": 45, "spo2": 91, "complaint": "unspecified"},
    ):
        record = record_from(compact)
        assert statement.id not in {m.statement.id for m in SHIPPED[EsiVersion.V5].applicable(record)}


@pytest.mark.parametrize("statement", STATEMENTS.values(), ids=STATEMENTS.keys())
def test_what_holds_is_supported_by_the_facts_it_names(statement: Statement) -> None:
    for compact in statement.examples.holds:
        version = example_version(compact, statement.scope.esi[-1])
        library = SHIPPED[version]
        record = record_from(compact)
        match = next(m for m in library.applicable(record) if m.statement.id == statement.id)
        assert match.fact_ids
        assert match.explanation
        support = library.supports(statement, record, match.fact_ids)
        assert support.ok, support.why
        for span in match.spans:
            fact = record.fact(span.fact_id)
            assert fact is not None
            assert 0 <= span.start < span.end <= len(fact.text)


@pytest.mark.parametrize("statement", STATEMENTS.values(), ids=STATEMENTS.keys())
def test_an_empty_record_satisfies_nothing(statement: Statement) -> None:
    view = RecordView(record_from({}), statement.scope.esi[-1])
    assert statement.condition.evaluate(view, view).truth.value != "true"
    assert view.first(FactKind.AGE) is None
