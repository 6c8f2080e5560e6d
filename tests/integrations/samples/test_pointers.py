"""Every reason that stands points at an element of the sample's Bundle that really holds what it says.

The paths are resolved by fhirpathpy, which knows nothing of this project.
"""

import base64
import re
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import fhirpathpy
import pytest

from agents.nodes.verify import model_reasons, rule_reasons
from data_schemas import (
    Citation,
    DecisionPath,
    Fact,
    FactKind,
    IntakeRecord,
    LevelProbabilities,
    ModelAnswer,
    ModelIdentity,
    Reason,
)
from integrations.fhir import read_bundle
from integrations.samples import Sample, samples
from triage.esi import screen
from triage.guidelines import GuidelineLibrary
from triage.verifying import Pointer, pointers

LIBRARY = GuidelineLibrary.load()
NOW = datetime(2026, 11, 20, 17, tzinfo=UTC)
by_sample = pytest.mark.parametrize("sample", samples(), ids=lambda sample: sample.id)


def record_of(sample: Sample) -> IntakeRecord:
    (record,) = read_bundle(sample.bundle(), source="samples", now=NOW)
    assert isinstance(record, IntakeRecord)
    return record


def standing(record: IntakeRecord) -> list[Reason]:
    """The reasons of the rules, and those of a model that cites every fact and every statement that holds."""
    rules = screen(record, library=LIBRARY)
    answer = ModelAnswer(
        level=3,
        probabilities=LevelProbabilities(p=(0.0, 0.0, 1.0, 0.0, 0.0)),
        path=DecisionPath(life_saving=False, high_risk=False, resources=2, danger_zone=False),
        citations=(
            *(Citation(fact_id=fact.id) for fact in record.facts),
            *(Citation(statement_id=finding.statement.id) for finding in rules.findings),
        ),
        identity=ModelIdentity(engine="e", model="m", weights_sha256="0", prompt_version="1"),
        prompt_tokens=1,
        answer_tokens=1,
        seconds=0.1,
    )
    given = (*model_reasons(answer, record, LIBRARY), *rule_reasons(rules))
    return [reason for reason in given if reason.struck is None]


def element(sample: Sample, pointer: Pointer) -> Any:
    (resource,) = (
        entry["resource"]
        for entry in sample.bundle()["entry"]
        if (entry["resource"]["resourceType"], entry["resource"]["id"])
        == (pointer.resource_type, pointer.resource_id)
    )
    (found,) = fhirpathpy.evaluate(resource, pointer.fhir_path)
    return found


def celsius(quantity: dict[str, Any]) -> Decimal:
    value = Decimal(str(quantity["value"]))
    return (value - 32) * 5 / 9 if quantity["code"] == "[degF]" else value


def holds(found: Any, fact: Fact) -> bool:
    """Whether an element holds the value of a fact, by the element's own form."""
    if isinstance(found, dict) and "value" in found:
        value = celsius(found) if fact.kind is FactKind.TEMPERATURE else Decimal(str(found["value"]))
        factor = {"g": Decimal("0.001"), "mmol/L": Decimal("18.0156")}.get(found.get("code", ""), Decimal(1))
        return fact.value is not None and abs(value * factor - fact.value) <= Decimal("0.06")
    if isinstance(found, dict):
        words = [
            found.get("text"),
            found.get("display"),
            *(c.get("display") for c in found.get("coding", [])),
        ]
        codes = {
            "alert": "A",
            "confused": "C",
            "verbal": "V",
            "voice": "V",
            "pain": "P",
            "unresponsive": "U",
            "pregnant": "pregnant",
            "ambulance": "ambulance",
        }
        said = " ".join(filter(None, words)).lower()
        return (
            fact.text in words
            or fact.as_received in words
            or any(code == fact.code for word, code in codes.items() if word in said)
        )
    if fact.kind is FactKind.AGE:
        born = date.fromisoformat(str(found))
        days = (fact.source.path == "birthDate") and (NOW.date() - born).days
        unit = {"d": 1, "wk": 7, "mo": 30.4375, "a": 365.25}[fact.unit or "a"]
        return abs(float(fact.value or 0) * unit - days) < unit + 1
    return found in {fact.code, fact.text} or (fact.as_received is not None and found == fact.as_received)


def text_of(found: Any, pointer: Pointer) -> str:
    """An element's text: what is attached is base64."""
    if pointer.path.endswith("attachment.data"):
        return base64.b64decode(found).decode()
    return found if isinstance(found, str) else found.get("text") or found.get("display") or ""


@by_sample
def test_each_standing_reason_points_at_an_element_that_holds_the_value(sample):
    record = record_of(sample)
    reasons = standing(record)
    assert reasons
    for reason in reasons:
        found = pointers(reason, record, LIBRARY)
        assert {pointer.fact_id for pointer in found} == set(reason.fact_ids)
        for pointer in found:
            there, fact = element(sample, pointer), record.fact(pointer.fact_id)
            if pointer.start is not None:
                assert pointer.quote in text_of(there, pointer)
            elif pointer.path.endswith("attachment.data"):
                assert first_words(fact.text) in text_of(there, pointer)
            else:
                assert holds(there, fact), (pointer, there, fact)


def first_words(text: str) -> str:
    return re.split(r"[.\n]", text)[0]


def test_the_characters_of_a_note_are_those_of_the_finding():
    """In every sample the span that makes a statement hold cuts the very words out of the attached note."""
    exact = total = 0
    for sample in samples():
        record = record_of(sample)
        for reason in standing(record):
            for pointer in pointers(reason, record, LIBRARY):
                if pointer.start is None:
                    continue
                total += 1
                exact += (
                    text_of(element(sample, pointer), pointer)[pointer.start : pointer.end] == pointer.quote
                )
    assert total > 100
    assert exact == total


def test_a_struck_reason_points_nowhere():
    record = record_of(samples()[0])
    (reason, *_) = standing(record)
    assert pointers(reason.model_copy(update={"struck": "because"}), record, LIBRARY) == ()
