"""The words, the numbering and the missing list of facts."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_schemas.intake import CANONICAL_UNITS, EXPECTED_FACTS, Fact, FactKind, FactSource
from triage.facts import CODE_TEXTS, fact_text, make_fact, missing_kinds, number_facts

SOURCE = FactSource(resource_type="Observation", path="Observation.value")


@pytest.mark.parametrize(
    ("kind", "value", "unit", "text"),
    [
        (FactKind.AGE, "71", "a", "71 y"),
        (FactKind.AGE, "3", "mo", "3 mo"),
        (FactKind.AGE, "12", "d", "12 d"),
        (FactKind.AGE, "3", "wk", "3 wk"),
        (FactKind.AGE, "91", "d", "91 d"),
        (FactKind.AGE, "92", "d", "3 mo"),
        (FactKind.AGE, "365", "d", "11 mo"),
        (FactKind.AGE, "1000", "d", "2 y"),
        (FactKind.AGE, "17.96", "a", "17.9 y"),
        (FactKind.HEART_RATE, "104", "/min", "HR 104 /min"),
        (FactKind.HEART_RATE, "100", None, "HR 100 /min"),
        (FactKind.HEART_RATE, "1E+2", None, "HR 100 /min"),
        (FactKind.RESPIRATORY_RATE, "18.0", "/min", "RR 18 /min"),
        (FactKind.OXYGEN_SATURATION, "91.6", "%", "SpO2 91.6 %"),
        (FactKind.OXYGEN_FLOW, "0.25", "L/min", "O2 0.25 L/min"),
        (FactKind.INSPIRED_OXYGEN, "40", "%", "FiO2 40 %"),
        (FactKind.TEMPERATURE, "36.6", "Cel", "T 36.6 C"),
        (FactKind.TEMPERATURE, "37", "Cel", "T 37.0 C"),
        (FactKind.TEMPERATURE, "38.0556", "Cel", "T 38.1 C"),
        (FactKind.SYSTOLIC_BP, "160", "mm[Hg]", "SBP 160 mmHg"),
        (FactKind.DIASTOLIC_BP, "100", "mm[Hg]", "DBP 100 mmHg"),
        (FactKind.PAIN, "2", "{score}", "pain 2/10"),
        (FactKind.PAIN, "10", "{score}", "pain 10/10"),
        (FactKind.GCS, "14", "{score}", "GCS 14"),
        (FactKind.GCS_EYE, "4", "{score}", "GCS eye 4"),
        (FactKind.GLUCOSE, "54", "mg/dL", "glucose 54 mg/dL"),
        (FactKind.WEIGHT, "12.4", "kg", "weight 12.4 kg"),
    ],
)
def test_numbers_have_one_wording_and_keep_their_value(
    kind: FactKind, value: str, unit: str | None, text: str
) -> None:
    fact = make_fact(1, kind, value=Decimal(value), unit=unit, source=SOURCE)
    assert fact.text == text
    assert fact.value == Decimal(value)
    assert fact.unit == (CANONICAL_UNITS.get(kind) or unit)


@pytest.mark.parametrize(
    ("kind", "code", "text"),
    [
        (FactKind.SEX, "male", "male"),
        (FactKind.ARRIVAL_MODE, "ambulance", "ambulance"),
        (FactKind.AVPU, "A", "AVPU alert"),
        (FactKind.AVPU, "C", "AVPU new confusion"),
        (FactKind.AVPU, "V", "AVPU verbal"),
        (FactKind.AVPU, "P", "AVPU pain"),
        (FactKind.AVPU, "U", "AVPU unresponsive"),
        (FactKind.PREGNANCY, "not-pregnant", "not pregnant"),
        (FactKind.INJURY, "no", "no injury"),
        (FactKind.PAIN, "present", "pain present, not scored"),
    ],
)
def test_codes_have_one_wording(kind: FactKind, code: str, text: str) -> None:
    assert make_fact(1, kind, code=code, source=SOURCE).text == text


def test_every_measured_kind_has_words() -> None:
    for kind, unit in CANONICAL_UNITS.items():
        assert fact_text(kind, value=Decimal(7), unit=unit)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"kind": FactKind.TEMPERATURE, "value": 98, "unit": "[degF]"}, "convert the value first"),
        ({"kind": FactKind.AGE, "value": 3, "unit": "years"}, "is not one of d, wk, mo, a"),
        ({"kind": FactKind.AGE, "value": 3}, "is not one of d, wk, mo, a"),
        ({"kind": FactKind.AVPU, "code": "alert"}, "is not one of A, C, V, P, U"),
        ({"kind": FactKind.CHIEF_COMPLAINT}, "text="),
        ({"kind": FactKind.CONDITION, "value": 3}, "takes no number"),
    ],
)
def test_what_cannot_be_worded_is_refused(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make_fact(1, source=SOURCE, **arguments)  # type: ignore[arg-type]


def test_words_of_a_person_are_kept() -> None:
    fact = make_fact(1, FactKind.CHIEF_COMPLAINT, text="arm pain, Lt", source=SOURCE)
    assert fact.text == "arm pain, Lt"


def test_numbering_is_by_kind_and_latest_first() -> None:
    early, late = datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 1, 2, tzinfo=UTC)

    def rate(value: int, at: datetime | None) -> Fact:
        return make_fact(9, FactKind.HEART_RATE, value=value, observed_at=at, source=SOURCE)

    facts = number_facts(
        [rate(1, None), rate(2, early), rate(3, late), make_fact(5, FactKind.SEX, code="male", source=SOURCE)]
    )
    assert [(f.id, f.kind, f.value) for f in facts] == [
        ("F1", FactKind.SEX, None),
        ("F2", FactKind.HEART_RATE, 3),
        ("F3", FactKind.HEART_RATE, 2),
        ("F4", FactKind.HEART_RATE, 1),
    ]


@given(st.permutations(list(CANONICAL_UNITS)))
def test_numbering_does_not_depend_on_the_order_of_reading(kinds: list[FactKind]) -> None:
    facts = number_facts(make_fact(1, kind, value=5, source=SOURCE) for kind in kinds)
    assert facts == number_facts(make_fact(1, kind, value=5, source=SOURCE) for kind in CANONICAL_UNITS)
    assert [fact.id for fact in facts] == [f"F{n}" for n in range(1, len(kinds) + 1)]


def test_missing_names_everything_expected_of_an_empty_record() -> None:
    assert missing_kinds([]) == EXPECTED_FACTS


def test_a_fact_that_does_not_answer_is_still_missing() -> None:
    facts = [
        make_fact(1, FactKind.PAIN, code="present", source=SOURCE),
        make_fact(1, FactKind.SEX, code="unknown", source=SOURCE),
        make_fact(1, FactKind.AVPU, code="A", source=SOURCE),
    ]
    missing = missing_kinds(facts)
    assert FactKind.PAIN in missing
    assert FactKind.SEX in missing
    assert FactKind.AVPU not in missing


@given(st.decimals(min_value=0, max_value=400, places=3))
def test_words_round_and_values_do_not(value: Decimal) -> None:
    fact = make_fact(1, FactKind.SYSTOLIC_BP, value=value, source=SOURCE)
    assert fact.value == value
    shown = Decimal(fact.text.removeprefix("SBP ").removesuffix(" mmHg"))
    assert abs(shown - value) <= Decimal("0.05")


def test_code_words_are_never_empty() -> None:
    assert all(text for texts in CODE_TEXTS.values() for text in texts.values())
