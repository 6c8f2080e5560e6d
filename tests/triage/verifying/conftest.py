from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from data_schemas import Fact, FactKind, FactSource, IntakeRecord, PatientIdentity
from triage.facts import make_fact, missing_kinds, number_facts
from triage.guidelines import GuidelineLibrary

NOON = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)


def build(*facts: Fact, key: str = "test|Encounter/1") -> IntakeRecord:
    numbered = number_facts(facts)
    return IntakeRecord(
        encounter_key=key,
        patient=PatientIdentity(reference="Patient/1"),
        read_at=NOON,
        facts=numbered,
        missing=missing_kinds(numbered),
    )


def fact(kind: FactKind, resource: str, **more) -> Fact:
    source = FactSource(resource_type="Observation", resource_id=resource, path="valueQuantity")
    return make_fact(1, kind, source=source, **more)


@pytest.fixture(scope="session")
def library() -> GuidelineLibrary:
    return GuidelineLibrary.load()


@pytest.fixture(scope="session")
def patient() -> IntakeRecord:
    """F1 age 58, F2 male, F3 complaint, F4 HR 150 (F5: 90, an hour before), F6 T 36.4, F7 BP 152, F8 92, F9 note."""
    return build(
        fact(FactKind.AGE, "a", value=Decimal(58), unit="a"),
        fact(FactKind.SEX, "s", code="male"),
        fact(FactKind.CHIEF_COMPLAINT, "c", text="chest pain x 2 days, swelling of ankle"),
        fact(FactKind.HEART_RATE, "hr", value=150, observed_at=NOON - timedelta(minutes=5)),
        fact(FactKind.HEART_RATE, "hr-old", value=90, observed_at=NOON - timedelta(minutes=65)),
        fact(FactKind.TEMPERATURE, "t", value=Decimal("36.4"), observed_at=NOON - timedelta(minutes=5)),
        fact(FactKind.SYSTOLIC_BP, "bp", value=152, observed_at=NOON - timedelta(minutes=5)),
        fact(FactKind.DIASTOLIC_BP, "bp", value=92, observed_at=NOON - timedelta(minutes=5)),
        fact(
            FactKind.TRIAGE_NOTE,
            "n",
            text="Sweating. Denies fever, no vomiting. Mother had a stroke. GCS 15.",
        ),
    )
