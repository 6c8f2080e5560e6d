"""FHIR R4 resources of one sample arrival, from its compact description. Used by ``build_samples.py``."""

import base64
from datetime import datetime, timedelta
from typing import Any

Json = dict[str, Any]

LOINC = "http://loinc.org"
UCUM = "http://unitsofmeasure.org"
TERMINOLOGY = "http://terminology.hl7.org/CodeSystem"
ICD_10_CM = "http://hl7.org/fhir/sid/icd-10-cm"

SPO2 = [
    ("59408-5", "Oxygen saturation in Arterial blood by Pulse oximetry"),
    ("2708-6", "Oxygen saturation in Arterial blood"),
]
GLUCOSE_MASS = [("41653-7", "Glucose [Mass/volume] in Capillary blood by Glucometer")]
GLUCOSE_MOLES = [("14743-9", "Glucose [Moles/volume] in Capillary blood by Glucometer")]

# key in ``vitals``: id suffix, LOINC codings, unit as printed, UCUM code, observation category
QUANTITIES: dict[str, tuple[str, list[tuple[str, str]], str, str, str]] = {
    "hr": ("hr", [("8867-4", "Heart rate")], "beats/minute", "/min", "vital-signs"),
    "rr": ("rr", [("9279-1", "Respiratory rate")], "breaths/minute", "/min", "vital-signs"),
    "spo2": ("spo2", SPO2, "%", "%", "vital-signs"),
    "temp": ("temp", [("8310-5", "Body temperature")], "Cel", "Cel", "vital-signs"),
    "temp_f": ("temp", [("8310-5", "Body temperature")], "degF", "[degF]", "vital-signs"),
    "pain": (
        "pain",
        [("72514-3", "Pain severity - 0-10 verbal numeric rating [Score] - Reported")],
        "{score}",
        "{score}",
        "vital-signs",
    ),
    "glucose": ("glucose", GLUCOSE_MASS, "mg/dL", "mg/dL", "laboratory"),
    "glucose_mmol": ("glucose", GLUCOSE_MOLES, "mmol/L", "mmol/L", "laboratory"),
    "weight": ("weight", [("29463-7", "Body weight")], "kg", "kg", "vital-signs"),
}
AVPU = {  # answers of LOINC 67775-7
    "A": ("LA9340-6", "Alert"),
    "V": ("LA17108-4", "Verbal"),
    "P": ("LA17107-6", "Painful"),
    "U": ("LA9343-0", "Unresponsive"),
}
ESI_ANSWERS = {  # LOINC LL3056-0
    1: "LA21567-5",
    2: "LA21752-3",
    3: "LA21753-1",
    4: "LA21754-9",
    5: "LA21755-6",
}
ARRIVAL_MODES = {  # HL7 v2 table 0430
    "A": "Ambulance",
    "C": "Car",
    "F": "On foot",
    "H": "Helicopter",
    "O": "Other",
    "P": "Public Transport",
    "U": "Unknown",
}
TEST_DATA = {
    "security": [{"system": f"{TERMINOLOGY}/v3-ActReason", "code": "HTEST", "display": "test health data"}]
}
VITALS_AFTER = timedelta(minutes=4)
NOTE_AFTER = timedelta(minutes=6)


def stamp(moment: datetime) -> str:
    """``moment`` as a FHIR instant with its offset."""
    return moment.isoformat(timespec="seconds")


def coded(system: str, code: str, display: str | None = None, text: str | None = None) -> Json:
    """A CodeableConcept with one coding."""
    coding = {"system": system, "code": code} | ({"display": display} if display else {})
    return {"coding": [coding]} | ({"text": text} if text else {})


def loinc(codings: list[tuple[str, str]]) -> Json:
    """A CodeableConcept of LOINC codes that mean the same."""
    return {"coding": [{"system": LOINC, "code": code, "display": display} for code, display in codings]}


def quantity(value: float, unit: str, code: str) -> Json:
    """A Quantity in a UCUM unit."""
    return {"value": value, "unit": unit, "system": UCUM, "code": code}


class Arrival:
    """The references and times that every resource of one arrival shares."""

    def __init__(self, number: str, arrived: datetime) -> None:
        self.prefix = f"sample-{number}"
        self.arrived = arrived
        self.subject = {"reference": f"Patient/{self.prefix}-patient"}
        self.encounter = {"reference": f"Encounter/{self.prefix}-encounter"}

    def resource(self, kind: str, suffix: str, body: Json) -> Json:
        """A resource of ``kind`` with its fixed id, so that loading twice creates nothing twice."""
        return {"resourceType": kind, "id": f"{self.prefix}-{suffix}", "meta": TEST_DATA} | body

    def observation(
        self,
        suffix: str,
        category: str,
        code: Json,
        value: Json,
        after: timedelta = VITALS_AFTER,
        status: str = "final",
    ) -> Json:
        """An Observation made ``after`` the arrival."""
        body = {
            "status": status,
            "category": [coded(f"{TERMINOLOGY}/observation-category", category)],
            "code": code,
            "subject": self.subject,
            "encounter": self.encounter,
            "effectiveDateTime": stamp(self.arrived + after),
        }
        return self.resource("Observation", suffix, body | value)


def patient(at: Arrival, entry: Json) -> Json:
    """The invented person."""
    given, family = entry["name"]
    body = {
        "identifier": [{"system": "https://example.org/ids/patient", "value": at.prefix.upper()}],
        "name": [{"use": "official", "family": family, "given": [given]}],
        "gender": entry["sex"],
        "birthDate": entry["born"],
    }
    return at.resource("Patient", "patient", body)


def encounter(at: Arrival, entry: Json) -> Json:
    """The ED visit at the moment of arrival."""
    mode = {
        "system": f"{TERMINOLOGY}/v2-0430",
        "code": entry["mode"],
        "display": ARRIVAL_MODES[entry["mode"]],
    }
    body = {
        "extension": [
            {"url": "http://hl7.org/fhir/StructureDefinition/encounter-modeOfArrival", "valueCoding": mode}
        ],
        "identifier": [{"system": "https://example.org/ids/visit", "value": f"{at.prefix.upper()}-VISIT"}],
        "status": "arrived",
        "class": {"system": f"{TERMINOLOGY}/v3-ActCode", "code": "EMER", "display": "emergency"},
        "subject": at.subject,
        "period": {"start": stamp(at.arrived)},
        "reasonCode": [{"text": entry["complaint"]}],
    }
    return at.resource("Encounter", "encounter", body)


def vital_signs(at: Arrival, vitals: Json) -> list[Json]:
    """One Observation for each measurement that was made, none for the others."""
    made = []
    for key, value in vitals.items():
        if key in QUANTITIES:
            suffix, codings, unit, code, category = QUANTITIES[key]
            made.append(
                at.observation(
                    suffix, category, loinc(codings), {"valueQuantity": quantity(value, unit, code)}
                )
            )
        elif key == "bp":
            made.append(_blood_pressure(at, value))
        elif key == "avpu":
            answer = coded(LOINC, *AVPU[value], text=AVPU[value][1])
            code_67775 = loinc([("67775-7", "Level of responsiveness")])
            made.append(at.observation("avpu", "vital-signs", code_67775, {"valueCodeableConcept": answer}))
        elif key == "gcs":
            made.append(_coma_score(at, value))
        elif key != "o2":
            raise KeyError(f"{at.prefix}: unknown vital sign {key!r}")
    if "o2" in vitals:
        flow = {
            "code": loinc([("3151-8", "Inhaled oxygen flow rate")]),
            "valueQuantity": quantity(vitals["o2"], "L/min", "L/min"),
        }
        next(item for item in made if item["id"].endswith("-spo2"))["component"] = [flow]
    return made


def _blood_pressure(at: Arrival, reading: str) -> Json:
    systolic, diastolic = (int(part) for part in reading.split("/"))
    component = [
        {"code": loinc([pair]), "valueQuantity": quantity(value, "mmHg", "mm[Hg]")}
        for pair, value in (
            (("8480-6", "Systolic blood pressure"), systolic),
            (("8462-4", "Diastolic blood pressure"), diastolic),
        )
    ]
    code = loinc([("85354-9", "Blood pressure panel with all children optional")])
    return at.observation("bp", "vital-signs", code, {"component": component})


def _coma_score(at: Arrival, score: str) -> Json:
    parts = {letter: int(score[score.index(letter) + 1]) for letter in "EVM"}
    names = {
        "E": ("9267-6", "Glasgow coma score eye opening"),
        "V": ("9270-0", "Glasgow coma score verbal"),
        "M": ("9268-4", "Glasgow coma score motor"),
    }
    body = {
        "valueQuantity": quantity(sum(parts.values()), "{score}", "{score}"),
        "component": [
            {"code": loinc([names[letter]]), "valueQuantity": quantity(points, "{score}", "{score}")}
            for letter, points in parts.items()
        ],
    }
    return at.observation("gcs", "vital-signs", loinc([("9269-2", "Glasgow coma score total")]), body)


def odd_observation(at: Arrival, item: Json) -> Json:
    """A measurement with a deliberate defect: ``unit`` null leaves it out, any other text is sent as the code."""
    suffix, codings, unit, code, category = QUANTITIES[item["kind"]]
    value = quantity(item["value"], unit, code)
    if "unit" in item:
        value = {"value": item["value"]}
        if item["unit"] is not None:
            value = quantity(item["value"], item["unit"], item["unit"])
    body: Json = {"valueQuantity": value}
    if "method" in item:
        body["method"] = {"text": item["method"]}
    suffix = f"{suffix}-{item['suffix']}" if "suffix" in item else suffix
    return at.observation(suffix, category, loinc(codings), body)


def history(at: Arrival, entry: Json) -> list[Json]:
    """Problem list, medication and allergies. A condition is ``text | ICD-10-CM code | clinical status``."""
    made = []
    for index, line in enumerate(entry.get("conditions", ()), start=1):
        text, code, status = (*(part.strip() for part in line.split("|")), "", "")[:3]
        body = _condition(text, code, status or "active", "problem-list-item")
        made.append(
            at.resource(
                "Condition",
                f"condition-{index}",
                body | {"subject": at.subject, "recordedDate": "2024-05-14"},
            )
        )
    for index, text in enumerate(entry.get("medications", ()), start=1):
        body = {"status": "active", "medicationCodeableConcept": {"text": text}, "subject": at.subject}
        made.append(at.resource("MedicationStatement", f"medication-{index}", body))
    for index, text in enumerate(entry.get("allergies", ()), start=1):
        body = {
            "clinicalStatus": coded(f"{TERMINOLOGY}/allergyintolerance-clinical", "active"),
            "verificationStatus": coded(f"{TERMINOLOGY}/allergyintolerance-verification", "confirmed"),
            "code": {"text": text},
            "patient": at.subject,
        }
        made.append(at.resource("AllergyIntolerance", f"allergy-{index}", body))
    return made


def _condition(text: str, code: str, status: str, category: str) -> Json:
    return {
        "clinicalStatus": coded(f"{TERMINOLOGY}/condition-clinical", status),
        "verificationStatus": coded(f"{TERMINOLOGY}/condition-ver-status", "confirmed"),
        "category": [coded(f"{TERMINOLOGY}/condition-category", category)],
        "code": coded(ICD_10_CM, code, text=text) if code else {"text": text},
    }


def pregnancy(at: Arrival) -> Json:
    """The pregnancy status as US Core and the International Patient Summary send it."""
    answer = coded(LOINC, "LA15173-0", "Pregnant", text="Pregnant")
    code = loinc([("82810-3", "Pregnancy status")])
    return at.observation("pregnancy", "social-history", code, {"valueCodeableConcept": answer})


def triage_note(at: Arrival, text: str) -> Json:
    """The nurse's free text, base64 of UTF-8."""
    attachment = {"contentType": "text/plain", "data": base64.b64encode(text.encode()).decode("ascii")}
    body = {
        "status": "current",
        "docStatus": "final",
        "type": loinc([("54094-8", "Emergency department Triage note")]),
        "subject": at.subject,
        "date": stamp(at.arrived + NOTE_AFTER),
        "content": [{"attachment": attachment}],
        "context": {"encounter": [at.encounter]},
    }
    return at.resource("DocumentReference", "note", body)


def leaks(at: Arrival, entry: Json) -> list[Json]:
    """What a reader must leave out: an acuity already recorded, and what became known only after triage."""
    made = []
    if level := entry.get("acuity_recorded"):
        answer = coded(LOINC, ESI_ANSWERS[level], text=f"Level {level}")
        code = loinc([("75636-1", "Emergency severity index [ESI]")])
        # Unsigned: a signed level is somebody's decision, and ours would rightly be a conflict with it.
        value = {"valueCodeableConcept": answer}
        made.append(at.observation("acuity", "survey", code, value, status="preliminary"))
    if test := entry.get("later_laboratory"):
        value = {"valueQuantity": quantity(test["value"], test["unit"], test["unit"])}
        code = loinc([(test["code"], test["display"])])
        later = timedelta(minutes=95)
        made.append(at.observation("laboratory", "laboratory", code, value, after=later))
    if diagnosis := entry.get("later_diagnosis"):
        text, code = (part.strip() for part in diagnosis.split("|"))
        body = _condition(text, code, "active", "encounter-diagnosis")
        body |= {
            "subject": at.subject,
            "encounter": at.encounter,
            "recordedDate": stamp(at.arrived + timedelta(hours=5)),
        }
        made.append(at.resource("Condition", "diagnosis", body))
    return made
