"""Made-up arrivals, from facts and from the shipped samples."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from data_schemas import FactKind, FactSource, IntakeRecord, PatientIdentity
from eval.predictors import ReadCase
from integrations.fhir.reader import read_bundle
from integrations.samples import samples
from triage.facts import make_fact, missing_kinds, number_facts

_SOURCE = FactSource(resource_type="made-up", path="column")

Make = Callable[..., IntakeRecord]


def _make(
    complaint: str | None = "chest pain since this morning",
    *,
    note: str | None = None,
    sex: str | None = "male",
    age: int | None = 45,
    pregnancy: str | None = None,
    numbers: dict[FactKind, str] | None = None,
    conditions: tuple[str, ...] = (),
    avpu: str | None = None,
) -> IntakeRecord:
    facts = [
        make_fact(1, kind, value=Decimal(value), source=_SOURCE) for kind, value in (numbers or {}).items()
    ]
    for kind, text in (
        (FactKind.CHIEF_COMPLAINT, complaint),
        (FactKind.TRIAGE_NOTE, note),
        *((FactKind.CONDITION, text) for text in conditions),
    ):
        if text is not None:
            facts.append(make_fact(1, kind, text=text, source=_SOURCE))
    for kind, code in ((FactKind.SEX, sex), (FactKind.PREGNANCY, pregnancy), (FactKind.AVPU, avpu)):
        if code is not None:
            facts.append(make_fact(1, kind, code=code, source=_SOURCE))
    if age is not None:
        facts.append(make_fact(1, FactKind.AGE, value=age, unit="a", source=_SOURCE))
    numbered = number_facts(facts)
    return IntakeRecord(
        encounter_key="made-up|Encounter/1",
        patient=PatientIdentity(reference="Patient/1"),
        read_at=datetime(2026, 11, 1, 12, tzinfo=UTC),
        facts=numbered,
        missing=missing_kinds(numbered),
    )


@pytest.fixture(scope="session")
def make() -> Make:
    """A record of what is given."""
    return _make


@pytest.fixture(scope="session")
def sample_cases() -> list[ReadCase]:
    """Every shipped sample, read as the agent reads it."""
    found = []
    for sample in samples():
        (record,) = read_bundle(sample.bundle(), source="test", now=sample.arrived_at + timedelta(minutes=10))
        assert isinstance(record, IntakeRecord)
        found.append(ReadCase(sample.id, record))
    return found
