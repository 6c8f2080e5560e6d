"""What is built and what is let through, without a server."""

import copy
import json
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_schemas import AcuityScale, WriteRequest, is_more_urgent, most_urgent
from integrations.fhir import identity
from integrations.fhir.acuity_codes import (
    ESI_ANSWERS,
    ESI_CODE,
    ESI_CODING,
    LOINC,
    AcuityCoding,
    AcuityScaleError,
    coding_for,
)
from integrations.fhir.capability import AcuityCarrier, plan_writes, read_offers
from integrations.fhir.errors import FhirInvalidError
from integrations.fhir.resources import (
    Subject,
    acuity_document,
    acuity_observation,
    agent_device,
    instant,
    provenance,
    review_task,
)
from integrations.fhir.validation import validate_outbound

DATA = Path(__file__).parent / "data"
BASE = "https://fhir.example.org/r4"
Make = Callable[..., WriteRequest]


@pytest.fixture
def visit() -> Any:
    """No server is needed here."""
    return SimpleNamespace(id="enc-1", patient_id="pat-1")


def subject(request: WriteRequest, coding: AcuityCoding = ESI_CODING) -> Subject:
    return Subject(request, "enc-1", identity.assessment_value(BASE, "enc-1"), coding)


def statement(name: str) -> dict[str, Any]:
    return json.loads((DATA / f"{name}_like.json").read_text())  # type: ignore[no-any-return]


def test_level_one_is_the_most_urgent_answer() -> None:
    assert ESI_ANSWERS[most_urgent(*ESI_ANSWERS)] == "LA21567-5"
    assert is_more_urgent(1, than=2)
    assert [ESI_ANSWERS[level] for level in range(1, 6)] == [
        "LA21567-5",
        "LA21752-3",
        "LA21753-1",
        "LA21754-9",
        "LA21755-6",
    ]


@pytest.mark.parametrize("scale", [scale for scale in AcuityScale if scale is not AcuityScale.ESI])
def test_no_other_scale_gets_the_code_of_esi(scale: AcuityScale) -> None:
    with pytest.raises(AcuityScaleError, match="is for ESI only"):
        coding_for(scale, {})
    with pytest.raises(AcuityScaleError, match="is for ESI only"):
        coding_for(scale, {scale: ESI_CODING})
    with pytest.raises(AcuityScaleError, match="means ESI and nothing else"):
        AcuityCoding(LOINC, ESI_CODE, f"{scale} level")
    assert coding_for(AcuityScale.ESI, {}) is ESI_CODING


def test_a_ktas_level_under_the_code_of_esi_is_not_sent(make_request: Make) -> None:
    request = make_request(BASE, decided=3, scale=AcuityScale.KTAS)
    with pytest.raises(FhirInvalidError, match="75636-1 is for ESI only and needs the ESI version"):
        validate_outbound(acuity_observation(subject(request, ESI_CODING)))


@pytest.mark.parametrize("decided", [None, 1, 3, 5])
@pytest.mark.parametrize("build", ["observation", "provenance", "task", "document"])
def test_what_we_build_is_valid(make_request: Make, decided: int | None, build: str) -> None:
    made = subject(make_request(BASE, decided=decided))
    if build == "document" and decided is None:
        with pytest.raises(ValueError, match="no clinician"):
            acuity_document(made)
        return
    resource = {
        "observation": lambda: acuity_observation(made),
        "provenance": lambda: provenance(made, "Observation/o1"),
        "task": lambda: review_task(made, "Observation/o1"),
        "document": lambda: acuity_document(made),
    }[build]()
    validate_outbound(resource)


def changed(path: str, value: Any) -> Callable[[dict[str, Any]], None]:
    def change(resource: dict[str, Any]) -> None:
        *way, last = path.split(".")
        node: Any = resource
        for key in way:
            node = node[int(key)] if key.isdigit() else node[key]
        if value is ...:
            del node[last]
        else:
            node[last] = value

    return change


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (changed("status", "nonsense"), "Observation.status: not one of its codes"),
        (changed("code", ...), "required element missing"),
        (changed("issued", "2026-11-22"), "not a valid instant"),
        (changed("method", ...), "needs the ESI version"),
        (changed("performer", ...), "a final level needs the clinician"),
        (changed("performer", [{"type": "Device", "display": "agent"}]), "a Device cannot perform"),
        (changed("performer", [{"reference": "Device/1"}]), "a Device cannot perform"),
        (changed("status", "preliminary"), "nobody has decided a preliminary level"),
        (changed("category", [{"coding": [{"code": "exam"}]}]), "needs survey"),
        (changed("valueCodeableConcept.coding.0.code", "LA21567-6"), "exactly one answer"),
        (changed("valueCodeableConcept.coding.0.system", "http://snomed.info/sct"), "exactly one answer"),
        (changed("valueCodeableConcept.coding.0.code", "LA21567-5"), "code and text name different levels"),
        (changed("valueCodeableConcept", ...), "exactly one answer"),
        (changed("code.coding.0.system", "http://snomed.info/sct"), "is a LOINC code"),
        (changed("code.coding", []), "needs a coding"),
        (changed("favouriteColour", "blue"), "unknown element"),
        (changed("note", float("nan")), "not FHIR JSON|note"),
    ],
)
def test_what_is_wrong_is_not_sent(
    make_request: Make, change: Callable[[dict[str, Any]], None], problem: str
) -> None:
    resource = acuity_observation(subject(make_request(BASE, decided=3)))
    validate_outbound(resource)
    broken = copy.deepcopy(resource)
    change(broken)
    with pytest.raises(FhirInvalidError, match=problem):
        validate_outbound(broken)


def test_two_answers_are_no_answer(make_request: Make) -> None:
    resource = acuity_observation(subject(make_request(BASE, decided=3)))
    resource["valueCodeableConcept"]["coding"].append({"system": LOINC, "code": "LA21567-5"})
    assert ESI_CODING.level_of(resource) is None
    with pytest.raises(FhirInvalidError, match="exactly one answer"):
        validate_outbound(resource)


def test_validation_messages_hold_no_values(make_request: Make) -> None:
    resource = acuity_observation(subject(make_request(BASE, decided=3)))
    with pytest.raises(FhirInvalidError) as caught:
        validate_outbound(resource | {"issued": "Quillfeather"})
    assert "Quillfeather" not in str(caught.value)


def test_struck_reasons_are_no_evidence(make_request: Make) -> None:
    resource = acuity_observation(subject(make_request(BASE)))
    assert "severe" not in str(resource["note"])
    assert "not-cited" not in str(resource)
    assert "derivedFrom" in resource


def test_esi_version_is_named(make_request: Make) -> None:
    request = make_request(BASE)
    screening = request.assessment.screening.model_copy(update={"esi_version": "4"})
    v4 = request.model_copy(
        update={"assessment": request.assessment.model_copy(update={"screening": screening})}
    )
    assert "version 5" in acuity_observation(subject(request))["method"]["text"]
    assert "version 4" in acuity_observation(subject(v4))["method"]["text"]


def test_rules_without_a_model_are_named_as_such() -> None:
    assert agent_device(None)["version"][0]["value"] == "rules only, no model took part"


def test_times_keep_their_zone_and_need_one() -> None:
    at = datetime(2026, 11, 22, 8, 0, tzinfo=timezone(timedelta(hours=9)))
    assert instant(at) == "2026-11-22T08:00:00.000+09:00"
    with pytest.raises(ValueError, match="time zone"):
        instant(at.replace(tzinfo=None))


@given(a=st.text(min_size=1), b=st.text(min_size=1))
def test_identifiers_are_the_same_again_and_differ_between_visits(a: str, b: str) -> None:
    assert identity.assessment_value(BASE, a) == identity.assessment_value(BASE + "/", a)
    assert (identity.assessment_value(BASE, a) == identity.assessment_value(BASE, b)) is (a == b)
    assert identity.assessment_value(BASE, a) != identity.assessment_value("https://other.example", a)


@pytest.mark.parametrize(
    ("key", "parts"),
    [
        ("https://x/fhir|Encounter/1", ("https://x/fhir", "1")),
        ("a|b|Encounter/1", ("a|b", "1")),
        ("x|Patient/1", None),
        ("x|Encounter/", None),
        ("|Encounter/1", None),
        ("", None),
    ],
)
def test_encounter_keys(key: str, parts: tuple[str, str] | None) -> None:
    assert identity.split_encounter_key(key) == parts


def test_the_seal_breaks_when_the_level_changes() -> None:
    seals = {
        identity.seal_value("a", "c", "s", level, decided=decided)
        for level in (1, 2, 3, 4, 5, None)
        for decided in (True, False)
    }
    assert len(seals) == 12


def test_plan_for_a_server_like_epic() -> None:
    plan = plan_writes(statement("epic"))
    assert (plan.carrier, plan.proposal, plan.encounter, plan.task, plan.provenance) == (
        AcuityCarrier.OBSERVATION,
        False,
        False,
        False,
        False,
    )
    assert len(plan.limits) == 4


def test_plan_for_a_server_like_oracle() -> None:
    plan = plan_writes(statement("oracle"))
    assert (plan.carrier, plan.proposal, plan.encounter, plan.task, plan.provenance) == (
        AcuityCarrier.OBSERVATION,
        True,
        False,
        False,
        False,
    )


@pytest.mark.parametrize("without", ["create", "read", "search-type"])
def test_an_observation_that_could_not_be_found_again_is_not_written(without: str) -> None:
    offer = statement("epic")
    observation = next(r for r in offer["rest"][0]["resource"] if r["type"] == "Observation")
    observation["interaction"] = [i for i in observation["interaction"] if i["code"] != without]
    assert plan_writes(offer).carrier is AcuityCarrier.DOCUMENT


@pytest.mark.parametrize(
    "odd",
    [
        {},
        {"rest": None},
        {"rest": [{"mode": "client", "resource": [{"type": "Observation"}]}]},
        {
            "rest": [
                {
                    "mode": "server",
                    "resource": [{"type": 7}, None, {"type": "Observation", "interaction": "x"}],
                }
            ]
        },
        {"rest": ["x"]},
        {"rest": [{"mode": "server", "resource": [{"type": "Observation", "interaction": [{"code": []}]}]}]},
    ],
)
def test_odd_statements_offer_nothing(odd: dict[str, Any]) -> None:
    assert plan_writes(odd).carrier is AcuityCarrier.NONE


@given(
    st.recursive(st.none() | st.text() | st.booleans(), lambda c: st.lists(c) | st.dictionaries(st.text(), c))
)
def test_no_statement_breaks_the_plan(node: Any) -> None:
    for odd in ({"rest": node}, {"rest": [{"mode": "server", "resource": node}]}):
        read_offers(odd)
        plan_writes(odd)
