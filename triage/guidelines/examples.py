"""Compact records in the statements' own examples: documentation that is run as a test.

A compact record is a mapping from short names to values: ``{age: 54 a, complaint: chest pain, hr: 120}``.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from data_schemas.acuity import EsiVersion
from data_schemas.intake import Fact, FactKind, FactSource, IntakeRecord, PatientIdentity
from triage.facts import CODE_TEXTS, make_fact, missing_kinds, number_facts
from triage.guidelines.ages import Age

SHORT_NAMES: dict[str, FactKind] = {
    "hr": FactKind.HEART_RATE,
    "rr": FactKind.RESPIRATORY_RATE,
    "spo2": FactKind.OXYGEN_SATURATION,
    "temp": FactKind.TEMPERATURE,
    "sbp": FactKind.SYSTOLIC_BP,
    "dbp": FactKind.DIASTOLIC_BP,
    "complaint": FactKind.CHIEF_COMPLAINT,
    "note": FactKind.TRIAGE_NOTE,
    "arrival": FactKind.ARRIVAL_MODE,
}
"""Names besides the ``FactKind`` values themselves."""
_READ_AT = datetime(2024, 1, 1, 12, tzinfo=UTC)


def record_from(compact: Mapping[str, Any]) -> IntakeRecord:
    """The intake record that a compact example describes.

    Raises:
        ValueError: a name is no kind of fact, or a value does not fit its kind.
    """
    facts: list[Fact] = []
    for name, given in compact.items():
        if name == "esi":
            continue
        try:
            kind = SHORT_NAMES.get(name) or FactKind(name)
        except ValueError as error:
            raise ValueError(f"{name!r} is no kind of fact") from error
        facts.extend(_fact(kind, value) for value in (given if isinstance(given, list) else [given]))
    ordered = number_facts(facts)
    return IntakeRecord(
        encounter_key="example|Encounter/1",
        patient=PatientIdentity(reference="Patient/example"),
        read_at=_READ_AT,
        facts=ordered,
        missing=missing_kinds(ordered),
    )


def example_version(compact: Mapping[str, Any], default: EsiVersion) -> EsiVersion:
    """The handbook that an example is about: its ``esi`` entry, else ``default``."""
    return EsiVersion(str(compact["esi"])) if "esi" in compact else default


def _fact(kind: FactKind, value: Any) -> Fact:
    source = FactSource(resource_type="Example", path=kind.value)
    if kind is FactKind.AGE:
        age = Age.model_validate(value)
        return make_fact(1, kind, source=source, value=age.value, unit=age.unit)
    if isinstance(value, bool):
        raise ValueError(f"{kind.value}: write the code in quotes; YAML read a yes or no")
    if isinstance(value, int | float | Decimal):
        return make_fact(1, kind, source=source, value=Decimal(str(value)))
    if kind in CODE_TEXTS:
        return make_fact(1, kind, source=source, code=str(value))
    return make_fact(1, kind, source=source, text=str(value))
