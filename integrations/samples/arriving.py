"""The sample patients as they would come now: nothing about them is made up but the hour."""

import json
import re
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

from integrations.fhir._patient import age_at
from integrations.fhir.codes import LOINC, UCUM
from integrations.samples import Sample

_INSTANT = re.compile(r'"(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:Z|[+-]\d{2}:\d{2}))"')
_DAY = re.compile(r'"(recordedDate|onsetDateTime|authoredOn|dateAsserted)": *"(\d{4}-\d{2}-\d{2})"')
_LONGEST_AT_THE_DESK = timedelta(minutes=30)
"""What is later than this is a time in the future that a sample has on purpose."""
_WORSE = (
    ("8867-4", "Heart rate", 134, "/min"),
    ("9279-1", "Respiratory rate", 28, "/min"),
    ("59408-5", "Oxygen saturation in Arterial blood by Pulse oximetry", 90, "%"),
)


def arriving(sample: Sample, at: datetime) -> dict[str, Any]:
    """The sample's Bundle with every time moved, so that the patient arrives at ``at`` at the age that they have."""
    shift = at - sample.arrived_at
    days = timedelta(days=(at.date() - sample.arrived_at.date()).days)

    def moved(found: re.Match[str]) -> str:
        return f'"{(datetime.fromisoformat(found[1]) + shift).isoformat(timespec="seconds")}"'

    def later(found: re.Match[str]) -> str:
        return f'"{found[1]}": "{date.fromisoformat(found[2]) + days}"'

    bundle: dict[str, Any] = json.loads(_DAY.sub(later, _INSTANT.sub(moved, sample.raw())))
    for resource in _of_type(bundle, "Patient"):
        born = resource.get("birthDate")
        if isinstance(born, str) and len(born) == len("2000-01-01"):
            resource["birthDate"] = _born(date.fromisoformat(born), sample.arrived_at.date(), at.date())
    return bundle


def at_the_desk(sample: Sample) -> timedelta:
    """How long after the arrival the last of the vital signs was taken: until then the record is not whole."""
    after = (datetime.fromisoformat(found) - sample.arrived_at for found in _INSTANT.findall(sample.raw()))
    return max((delta for delta in after if delta <= _LONGEST_AT_THE_DESK), default=timedelta())


def encounter_of(sample: Sample) -> str:
    """The id of the sample's Encounter."""
    return str(next(_of_type(sample.bundle(), "Encounter"))["id"])


def worse(sample: Sample, at: datetime) -> dict[str, Any]:
    """New vital signs of the sample's patient, of one who gets worse while waiting, as a Bundle to be loaded."""
    bundle = sample.bundle()
    patient = next(_of_type(bundle, "Patient"))["id"]
    encounter = next(_of_type(bundle, "Encounter"))["id"]
    category = {"system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "vital-signs"}
    observations = [
        {
            "resourceType": "Observation",
            "id": f"sample-{sample.id}-worse-{code}",
            "status": "final",
            "category": [{"coding": [category]}],
            "code": {"coding": [{"system": LOINC, "code": code, "display": display}]},
            "subject": {"reference": f"Patient/{patient}"},
            "encounter": {"reference": f"Encounter/{encounter}"},
            "effectiveDateTime": at.isoformat(timespec="seconds"),
            "valueQuantity": {"value": value, "unit": unit, "system": UCUM, "code": unit},
        }
        for code, display, value, unit in _WORSE
    ]
    return {"resourceType": "Bundle", "type": "transaction", "entry": [{"resource": o} for o in observations]}


def _of_type(bundle: dict[str, Any], kind: str) -> Iterator[dict[str, Any]]:
    for entry in bundle["entry"]:
        if entry["resource"]["resourceType"] == kind:
            yield entry["resource"]


def _born(born: date, then: date, now: date) -> str:
    """The date of birth that gives the same age now: months have not all the same length."""
    if born > then:
        return born.isoformat()  # a sample that is deliberately wrong stays so
    moved = born + (now - then)
    near = sorted(range(-4, 5), key=abs)
    days = next((d for d in near if age_at(moved + timedelta(d), now) == age_at(born, then)), 0)
    return (moved + timedelta(days)).isoformat()
