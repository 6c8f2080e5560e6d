"""An entered arrival as a FHIR R4 transaction Bundle, made so that the reader finds in it what was entered.

Nothing is made up: what was not entered is not in it. Numbers keep the digits and the unit in which they were typed.
Sources: R4 vital signs profile and US Core for codes and components (pulse oximetry with the oxygen flow as a
component), LOINC for codes and answers, HL7 v2 table 0430 for the arrival.
"""

import base64
from collections.abc import Iterator
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from data_schemas import FactKind
from integrations.fhir.codes import (
    ACT_CODE,
    INJURY_CODE,
    LOINC,
    MODE_OF_ARRIVAL_URL,
    OWN_CODES,
    SNOMED,
    UCUM,
)
from integrations.fhir.errors import FhirInvalidError
from integrations.fhir.identity import SYSTEM
from integrations.fhir.resources import instant
from integrations.fhir.validation import structural_problems
from integrations.intake.form import IntakeForm, Measured

Json = dict[str, Any]

FORM_SYSTEM = f"{SYSTEM}/intake-form"
"""Of the identifiers that every resource of a form carries, so that a form sent twice is found again."""

_TERMINOLOGY = "http://terminology.hl7.org/CodeSystem"
_MODE_TABLE = f"{_TERMINOLOGY}/v2-0430"
_MODES: dict[str, tuple[str, str, str]] = {
    "ambulance": (_MODE_TABLE, "A", "Ambulance"),
    "private": (_MODE_TABLE, "C", "Car"),
    "walk-in": (_MODE_TABLE, "F", "On foot"),
    "helicopter": (_MODE_TABLE, "H", "Helicopter"),
    "public": (_MODE_TABLE, "P", "Public Transport"),
    "other": (_MODE_TABLE, "O", "Other"),
    "wheelchair": (OWN_CODES, "wheelchair", "Wheelchair"),
    "police": (OWN_CODES, "police", "Police"),
}
"""HL7 v2 table 0430 has no wheelchair and no police; the reader knows these by their words."""
_AVPU = {
    "A": ("LA9340-6", "Alert"),
    "C": ("LA6560-2", "Confused"),
    "V": ("LA17108-4", "Verbal"),
    "P": ("LA17107-6", "Painful"),
    "U": ("LA9343-0", "Unresponsive"),
}
_PREGNANCY = {
    "pregnant": (LOINC, "LA15173-0", "Pregnant"),
    "not-pregnant": (LOINC, "LA26683-5", "Not pregnant"),
    "postpartum": (SNOMED, "86569001", "Postpartum state"),
}
_YES_NO = {"yes": ("373066001", "Yes"), "no": ("373067005", "No")}
_CODES: dict[FactKind, tuple[str, str]] = {
    FactKind.HEART_RATE: ("8867-4", "Heart rate"),
    FactKind.RESPIRATORY_RATE: ("9279-1", "Respiratory rate"),
    FactKind.OXYGEN_SATURATION: ("2708-6", "Oxygen saturation in Arterial blood"),
    FactKind.OXYGEN_FLOW: ("3151-8", "Inhaled oxygen flow rate"),
    FactKind.TEMPERATURE: ("8310-5", "Body temperature"),
    FactKind.SYSTOLIC_BP: ("8480-6", "Systolic blood pressure"),
    FactKind.DIASTOLIC_BP: ("8462-4", "Diastolic blood pressure"),
    FactKind.PAIN: ("72514-3", "Pain severity - 0-10 verbal numeric rating [Score] - Reported"),
    FactKind.GCS: ("9269-2", "Glasgow coma score total"),
    FactKind.GCS_EYE: ("9267-6", "Glasgow coma score eye opening"),
    FactKind.GCS_VERBAL: ("9270-0", "Glasgow coma score verbal"),
    FactKind.GCS_MOTOR: ("9268-4", "Glasgow coma score motor"),
    FactKind.WEIGHT: ("29463-7", "Body weight"),
}
_PULSE_OXIMETRY = ("59408-5", "Oxygen saturation in Arterial blood by Pulse oximetry")
_GLUCOSE = {
    "mg/dL": ("41653-7", "Glucose [Mass/volume] in Capillary blood by Glucometer"),
    "mmol/L": ("14743-9", "Glucose [Moles/volume] in Capillary blood by Glucometer"),
}
_AGE_UNITS = {"a": "years", "mo": "months", "wk": "weeks", "d": "days"}
_UNIT_WORDS = {"/min": "/min", "Cel": "degC", "[degF]": "degF", "mm[Hg]": "mmHg", "[lb_av]": "lb"}
_GCS_PARTS = (FactKind.GCS_EYE, FactKind.GCS_VERBAL, FactKind.GCS_MOTOR)


def encounter_id(form: IntakeForm) -> str:
    """The id of the visit where it stays on this machine."""
    return str(UUID(form.token))


def build_bundle(form: IntakeForm) -> Json:
    """The arrival as a transaction Bundle: ``urn:uuid`` links within it, one identifier of the form on each resource.

    Raises:
        ValueError: the token is no UUID, a time has no zone, or a code is not one of the form's.
        FhirInvalidError: the result is not valid R4: a defect of this program.
    """
    parts = _Parts(form)
    resources = [parts.patient(), parts.encounter(), *parts.observations(), *parts.history()]
    if form.note:
        resources.append(parts.document(form.note))
    entries = [parts.entry(resource) for resource in resources]
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
    problems = structural_problems(bundle)
    if problems:
        raise FhirInvalidError("Bundle", problems)
    return bundle


class _Parts:
    """Makes the resources; each call to ``_own`` gives the next its identifier."""

    def __init__(self, form: IntakeForm) -> None:
        self.form = form
        self.uuid = UUID(form.token)
        self.patient_url = uuid5(NAMESPACE_URL, f"{self.uuid}/Patient").urn
        self.encounter_url = self.uuid.urn
        self.count = 0

    def entry(self, resource: Json) -> Json:
        kind = resource["resourceType"]
        value = resource["identifier"][0]["value"]
        url = {"Patient": self.patient_url, "Encounter": self.encounter_url}.get(
            kind, uuid5(NAMESPACE_URL, value).urn
        )
        request = {"method": "POST", "url": kind, "ifNoneExist": f"identifier={FORM_SYSTEM}|{value}"}
        return {"fullUrl": url, "resource": resource, "request": request}

    def patient(self) -> Json:
        form = self.form
        patient = self._own("Patient")
        if form.record_number:
            kind = _concept(f"{_TERMINOLOGY}/v2-0203", "MR", "Medical record number")
            patient["identifier"].append({"type": kind, "value": form.record_number})
        name: Json = {"use": "official"}
        if form.family:
            name["family"] = form.family
        if form.given:
            name["given"] = form.given.split()
        if len(name) > 1:
            patient["name"] = [name]
        if form.sex:
            patient["gender"] = form.sex
        if form.birth_date:
            patient["birthDate"] = form.birth_date.isoformat()
        return patient

    def encounter(self) -> Json:
        form = self.form
        encounter = self._own("Encounter") | {
            "status": "arrived",
            "class": {"system": ACT_CODE, "code": "EMER", "display": "emergency"},
            "subject": {"reference": self.patient_url},
            "period": {"start": instant(form.arrived_at)},
        }
        if form.arrival_mode:
            system, code, display = _MODES[form.arrival_mode]
            coding = {"system": system, "code": code, "display": display}
            encounter["extension"] = [{"url": MODE_OF_ARRIVAL_URL, "valueCoding": coding}]
        if form.complaint:
            encounter["reasonCode"] = [{"text": form.complaint}]
        return encounter

    def observations(self) -> Iterator[Json]:
        form, measured = self.form, dict(self.form.measured)
        if form.age is not None and form.birth_date is None:
            age = self._observation("21612-7", "Age - Reported", "social-history")
            age["valueQuantity"] = {
                "value": form.age.value,
                "unit": _AGE_UNITS[form.age.unit],
                "system": UCUM,
                "code": form.age.unit,
            }
            yield age
        if form.injury:
            injury = self._observation(INJURY_CODE[1], "Injury", "survey", INJURY_CODE[0])
            yield injury | {"valueCodeableConcept": _concept(SNOMED, *_YES_NO[form.injury])}
        if form.pregnancy:
            pregnancy = self._observation("82810-3", "Pregnancy status", "social-history")
            yield pregnancy | {"valueCodeableConcept": _concept(*_PREGNANCY[form.pregnancy])}
        yield from self._pressures(measured)
        yield from self._saturation(measured)
        yield from self._coma_scale(measured)
        if form.avpu:
            avpu = self._observation("67775-7", "Level of responsiveness")
            yield avpu | {"valueCodeableConcept": _concept(LOINC, *_AVPU[form.avpu])}
        for kind, value in measured.items():
            code, display = _GLUCOSE[value.unit] if kind is FactKind.GLUCOSE else _CODES[kind]
            category = "laboratory" if kind is FactKind.GLUCOSE else "vital-signs"
            yield self._observation(code, display, category) | {"valueQuantity": _quantity(value)}

    def history(self) -> Iterator[Json]:
        form = self.form
        for text in form.conditions:
            yield self._own("Condition") | {
                "clinicalStatus": _concept(f"{_TERMINOLOGY}/condition-clinical", "active"),
                "verificationStatus": _concept(f"{_TERMINOLOGY}/condition-ver-status", "confirmed"),
                "category": [_concept(f"{_TERMINOLOGY}/condition-category", "problem-list-item")],
                "code": {"text": text},
                "subject": {"reference": self.patient_url},
                "recordedDate": instant(form.measured_at),
                **self._signed("recorder"),
            }
        for text in form.medications:
            yield self._own("MedicationStatement") | {
                "status": "active",
                "medicationCodeableConcept": {"text": text},
                "subject": {"reference": self.patient_url},
                "dateAsserted": instant(form.measured_at),
            }
        none_known: Json = {
            "coding": [{"system": SNOMED, "code": "716186003", "display": "No known allergy"}],
            "text": "No known allergy",
        }
        codes: list[Json] = [{"text": text} for text in form.allergies] or (
            [none_known] * form.no_known_allergies
        )
        for code in codes:
            yield self._own("AllergyIntolerance") | {
                "clinicalStatus": _concept(f"{_TERMINOLOGY}/allergyintolerance-clinical", "active"),
                "verificationStatus": _concept(
                    f"{_TERMINOLOGY}/allergyintolerance-verification", "unconfirmed"
                ),
                "code": code,
                "patient": {"reference": self.patient_url},
                "recordedDate": instant(form.measured_at),
                **self._signed("recorder"),
            }

    def document(self, note: str) -> Json:
        document = self._own("DocumentReference") | {
            "status": "current",
            "docStatus": "final",
            "type": _concept(LOINC, "54094-8", "Emergency department Triage note"),
            "subject": {"reference": self.patient_url},
            "date": instant(self.form.measured_at),
            "content": [
                {
                    "attachment": {
                        "contentType": "text/plain; charset=utf-8",
                        "data": base64.b64encode(note.encode()).decode(),
                        "title": "Triage note",
                    }
                }
            ],
            "context": {"encounter": [{"reference": self.encounter_url}]},
        }
        if self.form.entered_by:
            document["author"] = [{"display": self.form.entered_by}]
        return document

    def _pressures(self, measured: dict[FactKind, Measured]) -> Iterator[Json]:
        kinds = (FactKind.SYSTOLIC_BP, FactKind.DIASTOLIC_BP)
        found = [(kind, measured.pop(kind)) for kind in kinds if kind in measured]
        if found:
            panel = self._observation("85354-9", "Blood pressure panel with all children optional")
            yield panel | {"component": [_component(kind, value) for kind, value in found]}

    def _saturation(self, measured: dict[FactKind, Measured]) -> Iterator[Json]:
        saturation = measured.pop(FactKind.OXYGEN_SATURATION, None)
        if saturation is None:
            return  # a flow alone is an Observation of its own
        observation = self._observation(*_CODES[FactKind.OXYGEN_SATURATION])
        code, display = _PULSE_OXIMETRY
        observation["code"]["coding"].append({"system": LOINC, "code": code, "display": display})
        observation["valueQuantity"] = _quantity(saturation)
        flow = measured.pop(FactKind.OXYGEN_FLOW, None)
        if flow is not None:
            observation["component"] = [_component(FactKind.OXYGEN_FLOW, flow)]
        yield observation

    def _coma_scale(self, measured: dict[FactKind, Measured]) -> Iterator[Json]:
        total = measured.pop(FactKind.GCS, None)
        parts = [(kind, measured.pop(kind)) for kind in _GCS_PARTS if kind in measured]
        if total is None and not parts:
            return
        scale = self._observation(*_CODES[FactKind.GCS])
        if total is not None:
            scale["valueQuantity"] = _quantity(total)
        if parts:
            scale["component"] = [_component(kind, value) for kind, value in parts]
        yield scale

    def _observation(
        self, code: str, display: str, category: str = "vital-signs", system: str = LOINC
    ) -> Json:
        return self._own("Observation") | {
            "status": "final",
            "category": [_concept(f"{_TERMINOLOGY}/observation-category", category)],
            "code": _concept(system, code, display),
            "subject": {"reference": self.patient_url},
            "encounter": {"reference": self.encounter_url},
            "effectiveDateTime": instant(self.form.measured_at),
            **({"performer": [{"display": self.form.entered_by}]} if self.form.entered_by else {}),
        }

    def _own(self, kind: str) -> Json:
        self.count += 1
        resource: Json = {
            "resourceType": kind,
            "identifier": [{"system": FORM_SYSTEM, "value": f"{self.uuid}.{self.count}"}],
        }
        if self.form.test_data:
            tag = {"system": f"{_TERMINOLOGY}/v3-ActReason", "code": "HTEST", "display": "test health data"}
            resource["meta"] = {"security": [tag]}
        return resource

    def _signed(self, name: str) -> Json:
        return {name: {"display": self.form.entered_by}} if self.form.entered_by else {}


def _concept(system: str, code: str, display: str | None = None) -> Json:
    coding = {"system": system, "code": code} | ({"display": display} if display else {})
    return {"coding": [coding]} | ({"text": display} if display else {})


def _quantity(measured: Measured) -> Json:
    return {
        "value": measured.value,
        "unit": _UNIT_WORDS.get(measured.unit, measured.unit),
        "system": UCUM,
        "code": measured.unit,
    }


def _component(kind: FactKind, measured: Measured) -> Json:
    return {"code": _concept(LOINC, *_CODES[kind]), "valueQuantity": _quantity(measured)}
