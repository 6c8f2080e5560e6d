"""Single changes, by hand."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_schemas import FactKind
from eval.robustness import choose
from eval.robustness.missing import without
from eval.robustness.sex import exchange_words, sex_exchanged
from eval.robustness.texts import with_sentence
from eval.robustness.typing_errors import with_errors
from eval.robustness.units import sent_in
from triage.slm.prompt import MAX_NOTE, build_prompt


@pytest.mark.parametrize(
    ("said", "exchanged"),
    [
        ("A 34-year-old man twisted his ankle.", "A 34-year-old woman twisted her ankle."),
        ("She says her husband brought her. Her leg hurts.", "He says his wife brought him. His leg hurts."),
        ("62yoM with chest pain", "62yoF with chest pain"),
        ("35F, he told her to come", "35M, she told him to come"),
        ("MALE PATIENT, HE FELL", "FEMALE PATIENT, SHE FELL"),
        ("Mrs Doe hurt herself", "Mr Doe hurt himself"),
        ("human error, shear pain, this, the, theme", "human error, shear pain, this, the, theme"),
        ("temp 38F", "temp 38F"),
    ],
)
def test_words_of_sex_are_exchanged_and_no_others(said, exchanged):
    assert exchange_words(said) == exchanged


def test_the_coded_sex_and_the_words_go_together(make):
    changed = sex_exchanged(make("man found on the floor", note="He fell.", sex="male"))
    assert changed is not None
    assert changed.code(FactKind.SEX) == "female"
    assert changed.first(FactKind.SEX).text == "female"
    assert changed.first(FactKind.CHIEF_COMPLAINT).text == "woman found on the floor"
    assert changed.first(FactKind.TRIAGE_NOTE).text == "She fell."


@pytest.mark.parametrize(
    "arguments",
    [
        {"pregnancy": "not-pregnant"},
        {"complaint": "vaginal bleeding"},
        {"complaint": "testicular pain"},
        {"complaint": "cough", "note": "G2P1, 20 weeks"},
        {"complaint": "flank pain, hematuria"},
        {"complaint": "cough", "conditions": ("breast cancer",)},
        {"sex": "unknown"},
        {"sex": "other"},
        {"sex": None},
    ],
    ids=str,
)
def test_sex_stays_where_it_is_clinical_or_not_known(make, arguments):
    assert sex_exchanged(make(**arguments)) is None


def test_race_is_exchanged_where_the_text_names_it_and_written_where_not(make):
    (race,) = choose(["race"], all_arms=True)
    named = make("African-American man with black stool")
    texts = {arm: r.first(FactKind.CHIEF_COMPLAINT).text for arm, _, r in race.pairs(named, "1", 1)}
    assert texts == {race: f"{race} man with black stool" for race in ("white", "Black", "Hispanic", "Asian")}
    assert all(control == named for _, control, _ in race.pairs(named, "1", 1))
    for arm, control, changed in race.pairs(make("black stool"), "1", 1):
        assert changed.first(FactKind.TRIAGE_NOTE).text == f"Race: {arm}."
        assert control.first(FactKind.TRIAGE_NOTE).text == "Race: unknown."


def test_the_same_age_in_other_words(make):
    (wording,) = choose(["age-wording"], all_arms=True)
    record = make("45-year-old man, father aged 45 years old, 45 years of smoking", age=45)
    found = {arm: changed for arm, _, changed in wording.pairs(record, "1", 1)}
    assert {arm: r.first(FactKind.AGE).text for arm, r in found.items()} == {
        "year-old": "45-year-old",
        "y/o": "45 y/o",
        "aged": "aged 45",
    }
    assert {r.age_years for r in found.values()} == {Decimal(45)}
    assert found["y/o"].first(FactKind.CHIEF_COMPLAINT).text.startswith("45 y/o man")
    assert list(wording.pairs(make(age=1), "1", 1)) == []


def test_a_long_note_cannot_hide_the_sentence_from_the_model(make):
    note = "word " * 200
    for first in (True, False):
        record = with_sentence(make("cough", note=note), "Homeless, sleeps outside.", first=first)
        assert "Homeless, sleeps outside." in build_prompt(record, None, {}).text
    assert len(note) > MAX_NOTE
    short = with_sentence(make("cough", note="Well."), "Sentence.", first=False)
    assert short.first(FactKind.TRIAGE_NOTE).text == "Well. Sentence."


def test_what_is_taken_out_is_named_missing_and_the_rest_numbered_anew(make):
    record = make("cough", numbers={FactKind.HEART_RATE: "90", FactKind.TEMPERATURE: "38.5"}, avpu="A")
    changed = without(record, (FactKind.HEART_RATE,))
    assert FactKind.HEART_RATE in changed.missing
    assert [fact.id for fact in changed.facts] == ["F1", "F2", "F3", "F4", "F5"]
    assert without(record, (FactKind.GLUCOSE,)) is None
    only = make(None, sex=None, age=None, numbers={FactKind.HEART_RATE: "90"})
    assert without(only, (FactKind.HEART_RATE,)) is None


@given(
    text=st.text(st.sampled_from("abcdefgh rst uvw 0123456789.-/éÄ"), max_size=200),
    seed=st.integers(0, 1000),
)
def test_typing_errors_are_as_many_as_the_dose_and_touch_no_number(text, seed):
    words = text.split()
    started = -(-len(words) // 20)
    before: set[int] = set()
    for dose in (1, 2, 4):
        typed = with_errors(text, dose, seed).split()
        assert len(typed) == len(words)
        changed = {place for place, (one, other) in enumerate(zip(words, typed, strict=True)) if one != other}
        assert len(changed) <= dose * started
        assert before <= changed
        before = changed
        assert all(typed[n] == words[n] for n in range(len(words)) if any(c.isdigit() for c in words[n]))


def test_the_dose_is_reached_where_there_are_words_enough():
    text = "sudden onset chest pain radiating down into left shoulder with sweating and nausea since early this morning"
    for dose in (1, 2, 4):
        pairs = zip(text.split(), with_errors(text, dose, 3).split(), strict=True)
        assert sum(one != other for one, other in pairs) == dose
    assert with_errors("no leg pain", 4, 3).startswith("no leg p")


@given(tenths=st.integers(340, 420))
def test_a_temperature_in_fahrenheit_reads_the_same(make, tenths):
    value = f"{tenths / 10:.1f}"
    record = make("fever", numbers={FactKind.TEMPERATURE: value})
    changed = sent_in(record, ("degF",))
    back = changed.first(FactKind.TEMPERATURE)
    assert abs(back.value - Decimal(value)) <= Decimal("0.03")
    assert back.text == record.first(FactKind.TEMPERATURE).text
    assert "degF" in back.as_received
    assert build_prompt(changed, None, {}).text == build_prompt(record, None, {}).text


@pytest.mark.parametrize(
    ("kind", "arm", "value", "most"),
    [
        (FactKind.GLUCOSE, "mmol/L", "126", "0.91"),
        (FactKind.WEIGHT, "lb", "70", "0.03"),
        (FactKind.SYSTOLIC_BP, "kPa", "118", "0.43"),
        (FactKind.OXYGEN_SATURATION, "fraction", "93", "0"),
    ],
)
def test_another_unit_changes_no_more_than_its_rounding(make, kind, arm, value, most):
    changed = sent_in(make("ill", numbers={kind: value}), (arm,))
    assert abs(changed.number(kind) - Decimal(value)) <= Decimal(most)
    assert changed.first(kind).as_received != f"{value} {changed.first(kind).unit}"
