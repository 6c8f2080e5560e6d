"""What was entered is what is read: nothing lost, nothing added, nothing changed."""

import uuid
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from fhir.resources.R4B import get_fhir_model_class
from hypothesis import given, settings
from hypothesis import strategies as st

from data_schemas import EXPECTED_FACTS, FactKind
from integrations.fhir.units import to_canonical
from integrations.fhir.validation import structural_problems
from integrations.intake import UNITS, Age, IntakeForm, Measured, build_bundle
from integrations.intake.arriving import lacks, read_local
from integrations.intake.bundle import encounter_id
from integrations.intake.checks import UNUSUAL
from integrations.settings import Settings
from triage.plausibility import LIMITS

NOON = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
WORDS = [
    "chest pain",
    "cough",
    "fell from stairs",
    "dolor de cabeza",
    "ängstlich",
    "vomiting twice",
    "5 stitches",
]
PARTS = (FactKind.GCS_EYE, FactKind.GCS_VERBAL, FactKind.GCS_MOTOR)


def numbers(kind: FactKind) -> st.SearchStrategy[Measured]:
    low, high = UNUSUAL.get(kind, LIMITS[kind])
    places = 0 if UNITS[kind] == ("{score}",) else 1
    value = st.decimals(low, high, places=places, allow_nan=False)
    return value.map(lambda number: Measured(value=number, unit=UNITS[kind][0]))


@st.composite
def forms(draw: st.DrawFn) -> IntakeForm:
    kinds = draw(st.sets(st.sampled_from([kind for kind in UNITS if kind is not FactKind.GCS])))
    measured = {kind: draw(numbers(kind)) for kind in sorted(kinds)}
    if {FactKind.SYSTOLIC_BP, FactKind.DIASTOLIC_BP} <= kinds:
        systolic = measured[FactKind.SYSTOLIC_BP].value
        if measured[FactKind.DIASTOLIC_BP].value >= systolic:
            measured[FactKind.DIASTOLIC_BP] = Measured(value=systolic - 10, unit="mm[Hg]")
    if set(PARTS) <= kinds:
        total = sum((measured[kind].value for kind in PARTS), Decimal(0))
        measured[FactKind.GCS] = Measured(value=total, unit="{score}")
    born = draw(st.none() | st.dates(date(1910, 1, 1), NOON.date()))
    unit = draw(st.sampled_from(["a", "mo", "wk", "d"]))
    words = st.lists(st.sampled_from(WORDS), max_size=3, unique=True).map(tuple)
    allergies = draw(words)
    return IntakeForm(
        token=str(draw(st.uuids())),
        arrived_at=NOON - timedelta(minutes=draw(st.integers(0, 60))),
        measured_at=NOON,
        entered_by=draw(st.sampled_from([None, "nurse one"])),
        test_data=draw(st.booleans()),
        given=draw(st.sampled_from([None, "Ada", "Ada Maria"])),
        family=draw(st.sampled_from([None, "Example"])),
        record_number=draw(st.sampled_from([None, "77-3"])),
        birth_date=born,
        age=None if born else draw(st.none() | st.integers(1, 90).map(lambda v: Age(value=v, unit=unit))),
        sex=draw(st.sampled_from([None, "female", "male", "other", "unknown"])),
        pregnancy=draw(st.sampled_from([None, "pregnant", "not-pregnant", "postpartum"])),
        arrival_mode=draw(
            st.sampled_from(
                [
                    None,
                    "walk-in",
                    "private",
                    "ambulance",
                    "wheelchair",
                    "public",
                    "police",
                    "helicopter",
                    "other",
                ]
            )
        ),
        injury=draw(st.sampled_from([None, "yes", "no"])),
        complaint=draw(st.sampled_from([None, *WORDS])),
        note=draw(st.sampled_from([None, *WORDS])),
        measured=measured,
        avpu=draw(st.sampled_from([None, *"ACVPU"])),
        conditions=draw(words),
        medications=draw(words),
        allergies=allergies,
        no_known_allergies=not allergies and draw(st.booleans()),
    )


@settings(max_examples=60, deadline=None)
@given(forms())
def test_the_record_is_what_was_entered(form):
    bundle = build_bundle(form)
    record = read_local(Settings(), form, bundle, NOON)
    assert list(lacks(form, record)) == []
    assert record.encounter_key == f"dashboard|Encounter/{encounter_id(form)}"
    assert record.arrived_at == form.arrived_at
    for kind, measured in form.measured.items():
        (fact,) = record.all(kind)
        assert fact.value == to_canonical(kind, measured.value, measured.unit)
        assert fact.observed_at == NOON
        assert str(measured.value) in fact.as_received
    texts = {
        FactKind.CHIEF_COMPLAINT: [form.complaint] if form.complaint else [],
        FactKind.TRIAGE_NOTE: [form.note] if form.note else [],
        FactKind.CONDITION: list(form.conditions),
        FactKind.MEDICATION: list(form.medications),
        FactKind.ALLERGY: list(form.allergies) or ["No known allergy"] * form.no_known_allergies,
    }
    for kind, words in texts.items():
        assert Counter(fact.text for fact in record.all(kind)) == Counter(words)
    entered = set(form.measured) | {kind for kind, words in texts.items() if words}
    codes = {
        FactKind.SEX: form.sex,
        FactKind.PREGNANCY: form.pregnancy,
        FactKind.ARRIVAL_MODE: form.arrival_mode,
        FactKind.INJURY: form.injury,
        FactKind.AVPU: form.avpu,
    }
    for kind, code in codes.items():
        assert record.code(kind) == code
        entered |= {kind} if code else set()
    if form.birth_date or form.age:
        entered.add(FactKind.AGE)
    assert {fact.kind for fact in record.facts} == entered  # nothing was made up
    known = entered - ({FactKind.SEX} if form.sex == "unknown" else set())
    assert record.missing == tuple(kind for kind in EXPECTED_FACTS if kind not in known)


@settings(max_examples=25, deadline=None)
@given(forms())
def test_every_resource_is_valid_r4(form):
    bundle = build_bundle(form)
    assert structural_problems(bundle) == []
    for entry in bundle["entry"]:
        resource = entry["resource"]
        get_fhir_model_class(resource["resourceType"]).model_validate(resource)
        assert entry["request"]["ifNoneExist"].endswith(resource["identifier"][0]["value"])
        if form.test_data:
            assert resource["meta"]["security"][0]["code"] == "HTEST"
        if resource["resourceType"] == "Observation":
            assert resource["status"] == "final"
            assert resource["code"]["coding"]
            quantities = [resource, *resource.get("component", [])]
            for quantity in (holder["valueQuantity"] for holder in quantities if "valueQuantity" in holder):
                assert quantity["system"] == "http://unitsofmeasure.org"
    ids = [entry["fullUrl"] for entry in bundle["entry"]]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize(
    ("kind", "typed", "unit", "loinc"),
    [
        (FactKind.TEMPERATURE, "98.60", "[degF]", "8310-5"),
        (FactKind.WEIGHT, "150", "[lb_av]", "29463-7"),
        (FactKind.GLUCOSE, "5.5", "mmol/L", "14743-9"),
        (FactKind.GLUCOSE, "99", "mg/dL", "41653-7"),
    ],
)
def test_a_number_is_sent_in_the_unit_and_with_the_digits_that_were_typed(form, kind, typed, unit, loinc):
    filled = form(measured={kind: Measured(value=Decimal(typed), unit=unit)})
    bundle = build_bundle(filled)
    found = [e["resource"] for e in bundle["entry"] if e["resource"]["resourceType"] == "Observation"]
    assert [o["code"]["coding"][0]["code"] for o in found] == [loinc]
    assert str(found[0]["valueQuantity"]["value"]) == typed
    assert found[0]["valueQuantity"]["code"] == unit
    record = read_local(Settings(), filled, bundle, NOON)
    assert record.number(kind) == to_canonical(kind, Decimal(typed), unit)


def test_the_saturation_has_both_codes_and_its_oxygen(form):
    bundle = build_bundle(form(oxygen_saturation=93, oxygen_flow=2))
    (found,) = [e["resource"] for e in bundle["entry"] if e["resource"]["resourceType"] == "Observation"]
    assert {coding["code"] for coding in found["code"]["coding"]} == {"2708-6", "59408-5"}
    assert found["component"][0]["code"]["coding"][0]["code"] == "3151-8"


def test_an_age_without_a_date_of_birth_makes_up_no_date_of_birth(form):
    bundle = build_bundle(form(age=Age(value=64, unit="a")))
    assert "birthDate" not in bundle["entry"][0]["resource"]


def test_what_a_site_does_not_read_is_noticed_before_anything_is_sent(form):
    filled = form(glucose=99)
    strict = Settings(fhir={"glucose_codes": ("0000-0",)})
    assert list(lacks(filled, read_local(strict, filled, build_bundle(filled), NOON))) == ["glucose"]


def test_a_token_that_is_no_uuid_is_refused(form):
    with pytest.raises(ValueError, match="UUID"):
        build_bundle(form(token="1"))
    assert uuid.UUID(form().token)
