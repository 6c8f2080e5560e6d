"""What every variant promises of every record: properties, on made-up records and on the shipped samples."""

import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data_schemas import CANONICAL_UNITS, VITAL_SIGNS, FactKind
from eval.robustness import FAMILIES, VARIANTS, choose
from eval.robustness.anchoring import MINIMISING
from integrations.fhir.leaks import strip_acuity
from triage.facts import missing_kinds
from triage.slm.guard import suspect_facts

ALL = choose(all_arms=True)
NAMES = [variant.name for variant in ALL]
_SIGNS = (*VITAL_SIGNS, FactKind.PAIN, FactKind.GLUCOSE, FactKind.WEIGHT, FactKind.AVPU)
_LABELS = re.compile(
    r"\b(?:level|esi|ktas|ctas|acuity|priority|urgent|emergent|resuscitation)\b", re.IGNORECASE
)

_WORDS = (
    "chest pain sudden his her woman 45-year-old man says fever 38.5 for 3 days no cough BP 120/80 left leg swelling, "
    "Hispanic male (worse at night); denies vomiting. Alert, he walked in with his wife 45yoM lavel levle ESSI"
)
_texts = st.lists(st.sampled_from(_WORDS.split()), min_size=1, max_size=45).map(" ".join)
_numbers = st.fixed_dictionaries(
    {},
    optional={
        FactKind.HEART_RATE: st.integers(30, 190).map(str),
        FactKind.RESPIRATORY_RATE: st.integers(6, 40).map(str),
        FactKind.OXYGEN_SATURATION: st.integers(70, 100).map(str),
        FactKind.TEMPERATURE: st.integers(340, 415).map(lambda tenths: f"{tenths / 10:.1f}"),
        FactKind.SYSTOLIC_BP: st.integers(100, 220).map(str),
        FactKind.DIASTOLIC_BP: st.integers(40, 90).map(str),
        FactKind.PAIN: st.integers(0, 10).map(str),
        FactKind.GLUCOSE: st.integers(30, 500).map(str),
        FactKind.WEIGHT: st.integers(35, 150).map(str),
    },
)
_arguments = st.fixed_dictionaries(
    {
        "complaint": st.none() | _texts,
        "note": st.none() | _texts,
        "sex": st.sampled_from((None, "male", "female", "unknown")),
        "age": st.none() | st.integers(0, 99),
        "numbers": _numbers,
        "avpu": st.sampled_from((None, "A", "V")),
    }
)
_many = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def pairs_of(variant, record, seed=1):
    return list(variant.pairs(record, "case", seed))


def signs(record, but=()):
    return [(f.kind, f.value, f.unit, f.code) for f in record.facts if f.kind in _SIGNS and f.kind not in but]


@pytest.mark.parametrize("variant", ALL, ids=NAMES)
@_many
@given(arguments=_arguments, seed=st.integers(0, 2**32))
def test_a_variant_changes_only_what_it_says(make, variant, arguments, seed):
    record = make(**arguments)
    for arm, control, changed in pairs_of(variant, record, seed):
        assert control != changed or variant.family == "units"  # through the reader a unit may change nothing
        assert control.patient == changed.patient == record.patient
        for one in (control, changed):
            assert sorted(f.id for f in one.facts) == sorted(f"F{n}" for n in range(1, len(one.facts) + 1))
            assert one.missing == missing_kinds(one.facts)
        _vital_signs_stay(variant, record, control, changed)
        if variant.family == "injection":
            continue
        for fact in changed.facts:
            before = next((f.text for f in record.facts if f.kind is fact.kind), "")
            if fact.kind in CANONICAL_UNITS:
                continue
            assert len(_LABELS.findall(fact.text)) <= len(_LABELS.findall(before)), arm
            assert strip_acuity(fact.text)[1] <= strip_acuity(before)[1], arm
            assert re.findall(r"\d+", fact.text) == re.findall(r"\d+", before), arm


def _vital_signs_stay(variant, record, control, changed):
    assert signs(control) == signs(record)
    if variant.family == "missing":
        left = signs(changed)
        assert [one for one in signs(record) if one in left] == left
        assert len(left) < len(signs(record))
    elif variant.family == "units":
        assert [kind for kind, *_ in signs(changed)] == [kind for kind, *_ in signs(record)]
    else:
        assert sorted(signs(changed), key=repr) == sorted(signs(record), key=repr)


@pytest.mark.parametrize("variant", ALL, ids=NAMES)
@_many
@given(arguments=_arguments, seed=st.integers(0, 2**32))
def test_the_same_seed_gives_the_same_change(make, variant, arguments, seed):
    assert pairs_of(variant, make(**arguments), seed) == pairs_of(variant, make(**arguments), seed)


@pytest.mark.parametrize("name", ["typing", "hidden-instruction"])
def test_another_seed_gives_another_change(sample_cases, name):
    (variant,) = choose([name])
    record = sample_cases[25].record
    assert len({repr(pairs_of(variant, record, seed)) for seed in range(10)}) > 5


@pytest.mark.parametrize("variant", ALL, ids=NAMES)
def test_every_arm_can_be_applied_to_some_sample_but_not_without_anything_to_change(
    sample_cases, make, variant
):
    applied = {arm for case in sample_cases for arm, *_ in pairs_of(variant, case.record)}
    assert applied == {arm.name for arm in variant.arms}
    bare = make(None, sex=None, age=None, numbers={FactKind.HEART_RATE: "80"})
    says_nothing = {"sex", "age-wording", "wording", "typing", "units", "one-missing", "all-missing"}
    assert bool(pairs_of(variant, bare)) == (variant.name not in says_nothing)


def test_a_few_arms_are_drawn_for_each_case_and_all_of_them_in_the_end(sample_cases):
    (race,) = choose(["race"])
    drawn = [[arm for arm, *_ in race.pairs(case.record, case.case_id, 1)] for case in sample_cases]
    assert {len(arms) for arms in drawn} == {race.draw} == {2}
    assert {arm for arms in drawn for arm in arms} == {arm.name for arm in race.arms}


@pytest.mark.parametrize(
    "variant", choose(["counterfactual", "anchoring"], all_arms=True), ids=lambda v: v.name
)
def test_a_neutral_sentence_is_no_finding_and_nobodys_verdict(make, variant):
    for _, control, _ in pairs_of(variant, make("cough")):
        assert suspect_facts(control) == ()


@pytest.mark.parametrize(("who", "said", "neutral"), MINIMISING, ids=[who for who, *_ in MINIMISING])
def test_a_twin_has_as_many_words_and_about_as_many_letters(who, said, neutral):
    assert len(said.split()) == len(neutral.split())
    assert abs(len(said) - len(neutral)) <= 0.1 * len(said)


def test_a_choice_by_name_or_family_or_a_clear_error():
    assert [v.name for v in choose(["typing", "sex"])] == ["sex", "typing"]
    assert {v.family for v in choose(FAMILIES)} == set(FAMILIES)
    assert [v.name for v in choose()] == list(VARIANTS)
    with pytest.raises(ValueError, match="no variant or family is named gender; there are counterfactual"):
        choose(["gender"])
