"""Whatever is broken in a valid bundle, the reader answers with a record or a named error, never another."""

import contextlib
import copy
import json
from datetime import datetime
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from data_schemas import VITAL_SIGNS, IntakeRecord
from integrations.fhir._visit import is_emergency, open_visit
from integrations.fhir.bundle import ResourceIndex, bundle_resources, check_bundle, parse_json
from integrations.fhir.errors import IntakeError
from integrations.fhir.reader import intake_record, read_bundle
from integrations.fhir.reader_settings import ReaderSettings
from integrations.samples import samples

MODE = "http://hl7.org/fhir/StructureDefinition/encounter-modeOfArrival"
NOW = max(sample.arrived_at for sample in samples())
BUNDLES = [parse_json(sample.raw().encode()) for sample in samples()]
for bundle in BUNDLES:
    for entry in bundle["entry"]:
        entry["resource"].get("meta", {}).clear()

JUNK = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=20),
    st.just("\ud800"),
    st.just([]),
    st.just({}),
    st.just([[]]),
    st.just([None]),
    st.just([{}]),
    st.just({"coding": [{"system": [], "code": {}}]}),
    st.just("2026-02-30T25:61:00Z"),
    st.just("9999-12-31T23:59:59Z"),
    st.just("0001-01-01T00:00:00Z"),
    st.just("#"),
    st.just("Patient/"),
    st.decimals(allow_nan=True, allow_infinity=True),
)


def places(value: Any) -> list[tuple[Any, Any]]:
    """(container, key) of every element, outermost first."""
    found: list[tuple[Any, Any]] = []
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        found.append((value, key))
        found += places(item)
    return found


@st.composite
def broken(draw: st.DrawFn) -> Any:
    """One of the samples with one to four elements removed, replaced, doubled or swapped for another's value."""
    whole = copy.deepcopy(BUNDLES[draw(st.integers(0, len(BUNDLES) - 1))])
    for _ in range(draw(st.integers(1, 4))):
        found = places(whole)
        if not found:
            break
        container, key = found[draw(st.integers(0, len(found) - 1))]
        match draw(st.sampled_from(["remove", "replace", "double", "swap"])):
            case "remove":
                del container[key]
            case "replace":
                container[key] = copy.deepcopy(draw(JUNK))
            case "double":
                container[key] = [copy.deepcopy(container[key])] * 2
            case _:
                other, name = found[draw(st.integers(0, len(found) - 1))]
                container[key] = copy.deepcopy(other[name])
    return whole


@settings(max_examples=400, deadline=None)
@given(broken())
def test_a_broken_bundle_gives_records_or_named_errors(bundle):
    read(bundle, NOW)


def read(bundle: Any, now: datetime) -> None:
    """As ``read_bundle`` does, but without its net that turns a defect of ours into an error."""
    with contextlib.suppress(IntakeError):
        check_bundle(bundle)
        index = ResourceIndex(bundle_resources(bundle))
        for encounter in index.of_type("Encounter"):
            if is_emergency(encounter):
                with contextlib.suppress(IntakeError):
                    check(intake_record(open_visit(index, encounter, now, ReaderSettings()), "fuzz"))


def check(record: IntakeRecord) -> None:
    assert record.model_dump_json()
    for kind in VITAL_SIGNS:
        assert (record.number(kind) is None) == (kind in record.missing)


GONE = object()
WRONG = (
    GONE,
    None,
    True,
    float("nan"),
    "",
    "\ud800",
    "9999-12-31T23:59:59Z",
    [[]],
    [{}],
    {},
    {"coding": [{}]},
)


def test_every_element_of_a_rich_bundle_with_every_wrong_value(visit, make):
    """Exhaustive where the other tests draw: each element once removed and once replaced by each wrong value."""
    patient = {"reference": "Patient/p1"}
    drug = {"medicationCodeableConcept": {"text": "warfarin"}, "status": "active", "subject": patient}
    visit.change(
        "e1",
        status="triaged",
        statusHistory=[{"status": "triaged", "period": {"start": "2026-03-01T11:55:00Z"}}],
        diagnosis=[{"condition": {"reference": "Condition/c"}, "use": {"coding": [{"code": "CM"}]}}],
        reasonReference=[{"reference": "Condition/c"}],
        priority={"coding": [{"code": "EM"}]},
        extension=[{"url": MODE, "valueCoding": {"system": "urn:v2-0430", "code": "A"}}],
    ).add(
        make.note("Chief complaint: pain. Arrival mode: walk-in"),
        make.condition(
            "c", "Asthma", recordedDate="2020-01-01", verificationStatus={"coding": [{"code": "confirmed"}]}
        ),
        make.observation("g", "9269-2", valueInteger=15),
        make.observation("preg", "82810-3", valueCodeableConcept=make.concept("LA15173-0")),
        make.observation("mode", "11459-5", valueCodeableConcept={"text": "walk-in"}),
        {"resourceType": "AllergyIntolerance", "id": "a", "patient": patient, "code": {"text": "latex"}},
        {
            "resourceType": "MedicationRequest",
            "id": "r",
            "intent": "order",
            "authoredOn": "2025-01-01",
            **drug,
        },
        {
            "resourceType": "MedicationStatement",
            "id": "s",
            "effectivePeriod": {"start": "2025-01-01"},
            **drug,
        },
    )
    whole = visit.bundle()
    tried = 0
    for container, key in places(whole):
        right = container[key]
        for wrong in WRONG:
            if wrong is not GONE:
                container[key] = wrong
            elif isinstance(container, list):
                del container[key]
            else:
                container.pop(key)
            read(whole, make.now)
            if wrong is GONE and isinstance(container, list):
                container.insert(key, right)
            container[key] = right
            tried += 1
    assert tried > 3000


@settings(max_examples=100, deadline=None)
@given(broken(), st.randoms())
def test_the_order_of_entries_does_not_matter_for_the_vital_signs(bundle, random):
    try:
        check_bundle(bundle)
    except IntakeError:
        return
    shuffled = dict(bundle, entry=random.sample(bundle["entry"], len(bundle["entry"])))
    one, other = (read_bundle(b, source="f", now=NOW) for b in (bundle, shuffled))
    if (
        len(one) == len(other) == 1
        and isinstance(one[0], IntakeRecord)
        and isinstance(other[0], IntakeRecord)
    ):
        if any("twice" in finding.message for finding in (*one[0].findings, *other[0].findings)):
            return
        assert [one[0].number(k) for k in VITAL_SIGNS] == [other[0].number(k) for k in VITAL_SIGNS]


@settings(deadline=None)
@given(
    st.recursive(
        JUNK, lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=12), inner), max_leaves=20
    )
)
def test_anything_at_all_gives_results(value):
    for result in read_bundle(value, source="fuzz", now=NOW):
        assert isinstance(result, IntakeError)


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_parse_or_are_refused(raw):
    with contextlib.suppress(IntakeError):
        json.dumps(parse_json(raw), default=str)
