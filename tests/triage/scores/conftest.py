"""Records made of a few numbers and codes."""

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from data_schemas.intake import FactKind, FactSource, IntakeRecord, PatientIdentity
from triage.facts import make_fact, missing_kinds, number_facts

Build = Callable[..., IntakeRecord]


def build_record(age: object = 40, **values: object) -> IntakeRecord:
    """A record with the given age in years (None: unknown); a keyword per kind, a number or a code."""
    source = FactSource(resource_type="test", path="x")
    facts = []
    if age is not None:
        facts.append(make_fact(1, FactKind.AGE, value=Decimal(str(age)), unit="a", source=source))
    for name, value in values.items():
        kind = FactKind(name)
        if isinstance(value, str) and not value[0].isdigit():
            facts.append(make_fact(1, kind, code=value, source=source))
        else:
            facts.append(make_fact(1, kind, value=Decimal(str(value)), source=source))
    return IntakeRecord(
        encounter_key="test|Encounter/1",
        patient=PatientIdentity(reference="Patient/1"),
        read_at=datetime(2024, 1, 1, tzinfo=UTC),
        facts=number_facts(facts),
        missing=missing_kinds(facts),
    )


@pytest.fixture(scope="session")
def build() -> Build:
    """The builder, as a fixture."""
    return build_record
