"""The code tables of an ED intake, as data.

Sources: LOINC 2.77 (loinc.org) for observations and answers; FHIR R4 vital signs profile and US Core for which
of them to expect; HL7 v2 table 0430 for the mode of arrival; UK Core ACVPU value set (SNOMED CT) for
consciousness; SNOMED CT and ICD-10-CM for pregnancy.
"""

from data_schemas import FactKind

LOINC = "http://loinc.org"
SNOMED = "http://snomed.info/sct"
UCUM = "http://unitsofmeasure.org"
ACT_CODE = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
MODE_OF_ARRIVAL_URL = "http://hl7.org/fhir/StructureDefinition/encounter-modeOfArrival"

VITAL_CODES: dict[str, FactKind] = {
    "8867-4": FactKind.HEART_RATE,
    "8889-8": FactKind.HEART_RATE,  # by pulse oximetry
    "8893-0": FactKind.HEART_RATE,  # peripheral artery by palpation
    "9279-1": FactKind.RESPIRATORY_RATE,
    "2708-6": FactKind.OXYGEN_SATURATION,  # R4 vital signs profile
    "59408-5": FactKind.OXYGEN_SATURATION,  # US Core, by pulse oximetry
    "3151-8": FactKind.OXYGEN_FLOW,
    "3150-0": FactKind.INSPIRED_OXYGEN,
    "8310-5": FactKind.TEMPERATURE,
    "8331-1": FactKind.TEMPERATURE,  # oral
    "8332-5": FactKind.TEMPERATURE,  # rectal
    "8333-3": FactKind.TEMPERATURE,  # tympanic
    "8328-7": FactKind.TEMPERATURE,  # axillary
    "75539-7": FactKind.TEMPERATURE,  # temporal artery
    "8480-6": FactKind.SYSTOLIC_BP,
    "76534-7": FactKind.SYSTOLIC_BP,  # by non-invasive
    "8462-4": FactKind.DIASTOLIC_BP,
    "76535-4": FactKind.DIASTOLIC_BP,
    "72514-3": FactKind.PAIN,
    "67775-7": FactKind.AVPU,
    "80288-4": FactKind.AVPU,
    "9269-2": FactKind.GCS,
    "9267-6": FactKind.GCS_EYE,
    "9270-0": FactKind.GCS_VERBAL,
    "9268-4": FactKind.GCS_MOTOR,
    "29463-7": FactKind.WEIGHT,
    "3141-9": FactKind.WEIGHT,  # measured
    "3142-7": FactKind.WEIGHT,  # stated
    "8335-2": FactKind.WEIGHT,  # estimated
}

POINT_OF_CARE_GLUCOSE: frozenset[str] = frozenset(
    {
        "41653-7",  # mass, capillary blood by glucometer
        "14743-9",  # moles, capillary blood by glucometer
        "2340-8",  # mass, blood by automated test strip
        "32016-8",  # mass, capillary blood
    }
)

OTHER_VITAL_SIGN_CODES: frozenset[str] = frozenset(
    {"8302-2", "8306-3", "39156-5", "59576-9", "77606-2", "8287-5", "9843-4", "8289-1", "8478-0", "85353-1"}
)
"""Height, body mass index, head circumference, mean pressure and the panel: vital signs that triage ignores."""

ACUITY_CODES: frozenset[tuple[str, str]] = frozenset({(LOINC, "75636-1"), (LOINC, "11283-9")})
"""Acuity already in the record: emergency severity index, and acuity assessment."""

CHIEF_COMPLAINT_CODES: tuple[str, ...] = ("10154-3", "8661-1")
"""In the order of preference, after ``Encounter.reasonCode``."""

TRANSPORT_MODE_CODE = "11459-5"
PREGNANCY_STATUS_CODE = "82810-3"
TRIAGE_NOTE_CODES: frozenset[str] = frozenset({"54094-8"})
REPORTED_AGE_CODES: frozenset[str] = frozenset({"21612-7", "30525-0"})
"""Age as somebody said it, and age: read where no date of birth is recorded."""
OWN_CODES = "https://ed-triage-agent.org/fhir/code"
INJURY_CODE = (OWN_CODES, "injury")
"""Our own code for the question whether the visit is for an injury: LOINC has no settled one."""

ARRIVAL_MODES: dict[str, str | None] = {
    "A": "ambulance",
    "C": "private",
    "F": "walk-in",
    "H": "helicopter",
    "O": "other",
    "P": "public",
    "U": None,
}
"""HL7 v2 table 0430. Unknown gives no fact."""

ARRIVAL_WORDS: dict[str, str] = {
    "ambulance": "ambulance",
    "ems": "ambulance",
    "by ambulance": "ambulance",
    "walk-in": "walk-in",
    "walk in": "walk-in",
    "on foot": "walk-in",
    "walked in": "walk-in",
    "wheelchair": "wheelchair",
    "car": "private",
    "private": "private",
    "private car": "private",
    "private vehicle": "private",
    "public transport": "public",
    "police": "police",
    "police transport": "police",
    "helicopter": "helicopter",
    "air ambulance": "helicopter",
    "other": "other",
}
"""The exact words (case folded) that stand for a mode where it comes as text. Others are named, not guessed."""

AVPU_ANSWERS: dict[tuple[str, str], str] = {
    (LOINC, "LA9340-6"): "A",
    (LOINC, "LA6560-2"): "C",
    (LOINC, "LA17108-4"): "V",
    (LOINC, "LA17107-6"): "P",
    (LOINC, "LA9343-0"): "U",
    (SNOMED, "248234008"): "A",
    (SNOMED, "130987000"): "C",
    (SNOMED, "300202002"): "V",
    (SNOMED, "450847001"): "P",
    (SNOMED, "422768004"): "U",
}

AVPU_WORDS: dict[str, str] = {
    "a": "A",
    "alert": "A",
    "mentally alert": "A",
    "c": "C",
    "confused": "C",
    "confusion": "C",
    "new confusion": "C",
    "newly confused": "C",
    "acute confusion": "C",
    "v": "V",
    "verbal": "V",
    "voice": "V",
    "responds to voice": "V",
    "responds to verbal": "V",
    "responsive to voice": "V",
    "p": "P",
    "pain": "P",
    "painful": "P",
    "responds to pain": "P",
    "responsive to pain": "P",
    "u": "U",
    "unresponsive": "U",
    "unconscious": "U",
}
"""The exact words (case folded) of a consciousness answer that carries no code known here."""

PREGNANCY_ANSWERS: dict[tuple[str, str], str | None] = {
    (LOINC, "LA15173-0"): "pregnant",
    (LOINC, "LA26683-5"): "not-pregnant",
    (LOINC, "LA4489-6"): None,
    (SNOMED, "77386006"): "pregnant",
    (SNOMED, "60001007"): "not-pregnant",
    (SNOMED, "86569001"): "postpartum",
    (SNOMED, "261665006"): None,
}
PREGNANCY_WORDS: dict[str, str] = {
    "pregnant": "pregnant",
    "pregnancy": "pregnant",
    "not pregnant": "not-pregnant",
    "postpartum": "postpartum",
    "postpartum state": "postpartum",
}
PREGNANCY_CONDITIONS: dict[tuple[str, str], str] = {
    (SNOMED, "77386006"): "pregnant",
    (SNOMED, "72892002"): "pregnant",  # normal pregnancy
    (SNOMED, "47200007"): "pregnant",  # high risk pregnancy
    (SNOMED, "86569001"): "postpartum",
}
PREGNANCY_ICD10_PREFIXES: dict[str, str] = {
    "Z33.1": "pregnant",
    "Z34": "pregnant",
    "Z3A": "pregnant",
    "O09": "pregnant",
    "Z39": "postpartum",
}

YES_NO: dict[tuple[str, str], str] = {
    (SNOMED, "373066001"): "yes",
    (SNOMED, "373067005"): "no",
    (LOINC, "LA33-6"): "yes",
    (LOINC, "LA32-8"): "no",
    ("http://terminology.hl7.org/CodeSystem/v2-0136", "Y"): "yes",
    ("http://terminology.hl7.org/CodeSystem/v2-0136", "N"): "no",
}
YES_NO_WORDS: dict[str, str] = {
    "yes": "yes",
    "no": "no",
    "incomplete": "incomplete",
    "up to date": "yes",
    "not up to date": "incomplete",
}

ICD_SYSTEM_MARKS: tuple[str, ...] = (
    "icd-10",
    "icd-9",
    "icd-11",
    "icd10",
    "icd9",
    "2.16.840.1.113883.6.90",
    "/icd",
)
"""Parts of a code system's URI that say it is an ICD."""

SYMPTOM_SNOMED: frozenset[str] = frozenset(
    {
        "29857009",  # chest pain
        "267036007",  # dyspnoea
        "21522001",  # abdominal pain
        "25064002",  # headache
        "386661006",  # fever
        "49727002",  # cough
        "422400008",  # vomiting
        "422587007",  # nausea
        "62315008",  # diarrhoea
        "404640003",  # dizziness
        "271594007",  # syncope
        "161891005",  # backache
        "279039007",  # low back pain
        "80313002",  # palpitations
        "91175000",  # seizure
        "162397003",  # sore throat
        "271807003",  # eruption of skin
        "84229001",  # fatigue
        "13791008",  # asthenia
        "131148009",  # bleeding
        "249366005",  # epistaxis
        "1912002",  # fall
        "418290006",  # itching
        "22253000",  # pain
    }
)
"""Findings that patients come with; coded so, a finished encounter's reason is not taken for its diagnosis."""
