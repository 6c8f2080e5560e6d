"""What must not reach the model: acuity already given, in words or in codes."""

import re
from collections.abc import Iterable

from integrations.fhir._json import Json, codings, words
from integrations.fhir.codes import ACUITY_CODES, ICD_SYSTEM_MARKS, SNOMED, SYMPTOM_SNOMED

# Possessive (*+) and bounded repeats only: the text is foreign, and a pattern that backtracks can be made to hang.
_LEVEL = r"(?:[1-51-5]|one|two|three|four|five|I{1,3}|IV|V)"
_UNITS = (
    r"(?:h|hr|hrs|hours?|min|mins|minutes?|days?|weeks?|months?|years?|yrs?|y/?o|yo|mo|x|times|mg|ml|cm|mm)"
)
_END = rf"(?![\w.,]*\d)(?![A-Za-z])(?!\s*{_UNITS}\b)"
_OF_FIVE = r"(?:\s*(?:/|of|out\s+of)\s*5)?"
_JOIN = r"(?:\s|[:=\-–—#.,|(：]|\bis\b|\bwas\b|\bof\b|\bto\b|\bas\b|\bat\b|\bassigned\b|\bgiven\b|\ban?\b)*+"
_LABEL = r"(?:level|lvl|score|category|cat|class|grade|code|priority|acuity|triage|rating|designation)"
_SCALE = (
    r"(?:ESI|KTAS|CTAS|JTAS|MTS|ATS|NTAS|SATS|Emergency\s+Severity\s+Index|"
    r"(?:Korean|Canadian|Japanese|Australasian|Manchester)\s+Triage(?:\s+and\s+Acuity)?(?:\s+(?:Scale|System))?)"
)
_COLOUR = r"(?:red|orange|yellow|green|blue|immediate|very\s+urgent|standard|non-urgent)"

ACUITY_TEXT = re.compile(
    rf"""(?ix)
    (?:
      (?:\b(?:triage|acuity)\s+{_LABEL}{_JOIN})?
      \b{_SCALE}(?:\s*v(?:ersion)?\.?\s*[1-9](?:\.\d)?(?=\W))?(?:\s*\(1\s*[-–]\s*5\))?
      (?:{_JOIN}{_LABEL}){{0,3}}{_JOIN}(?:{_LEVEL}{_END}{_OF_FIVE}|{_COLOUR}\b)(?:등급|단계)?
    | \b(?:triage|acuity)(?:\s++{_LABEL}){{1,3}}{_JOIN}(?:{_LEVEL}{_END}{_OF_FIVE}|{_COLOUR}\b)
    | (?<!visual\s)\b(?:triage|acuity){_JOIN}[1-51-5]{_END}(?!\s*/)
    | \btriaged{_JOIN}{_LABEL}?{_JOIN}{_LEVEL}{_END}{_OF_FIVE}
    | \blevel\s+of\s+acuity{_JOIN}{_LEVEL}{_END}{_OF_FIVE}
    | \b(?:level|category|priority){_JOIN}{_LEVEL}\s+(?:triage|acuity|ESI|KTAS|CTAS)\b
    | \b{_SCALE}\s*[1-5](?!\d)
    )
    (?:\s*\(\s*(?:resuscitation|emergent|very\s+urgent|urgent|less\s+urgent|semi-?urgent|non-?urgent|standard|immediate)\s*\))?
    """
)
_ACUITY_NAME = re.compile(
    rf"(?i)\b(?:{_SCALE}|triage\s+(?:level|acuity|category|score|priority)|acuity\s+(?:level|score)|acuity)\b"
)


def strip_acuity(text: str) -> tuple[str, bool]:
    """``text`` without statements of an acuity level, and whether there were any.

    "ESI Level 3", "ESI: 2", "KTAS 3", "triage level 3", "acuity 2", "triaged as category 2", "MTS orange" go;
    "visual acuity 6/9" and "triage 2 hours ago" stay. Lines left empty go too.
    """
    found = False
    while True:  # cutting can bring words together that state a level again
        stripped, count = ACUITY_TEXT.subn(_CUT, text)
        if not count:
            return text, found
        lines = (_tidied(line) if _CUT in line else line for line in stripped.split("\n"))
        text, found = "\n".join(line for line in lines if line is not None), True


_CUT = "\x00"
"""Stands where something was cut out, until the line is tidied; ``_json.clean`` lets none come in."""


def _tidied(line: str) -> str | None:
    """A line without the cuts and the punctuation left hanging at them; None where nothing is left of it."""
    line = re.sub(r"\(\s*\x00\s*\)", _CUT, line)
    if line.count(")") > line.count("("):
        line = re.sub(r"\x00\s*\)", _CUT, line)
    line = re.sub(r"^[\s,;:.\-]*\x00[\s,;:.\-)]*|[\s,;:(\-]*\x00[\s.]*$", "", line)
    line = re.sub(r"\s*\x00\s*", " ", line).strip()
    return line or None


def is_acuity(concept: Json, local: Iterable[tuple[str, str]]) -> bool:
    """Whether an Observation code stands for an acuity level: by code, or by its words."""
    pairs = set(codings(concept))
    if pairs & ACUITY_CODES or pairs & set(local):
        return True
    text = words(concept)
    return text is not None and "visual" not in text.lower() and _ACUITY_NAME.search(text) is not None


def is_diagnosis_coded(concept: Json) -> bool:
    """Whether a reason is coded as a diagnosis and not as a complaint.

    The rule: an ICD code outside the symptom chapter (ICD-10 R) and outside the factors chapter (Z), or a SNOMED
    code that is neither in ``SYMPTOM_SNOMED`` nor displayed as "(finding)". Text without a code is no diagnosis.
    """
    for system, code in codings(concept):
        lowered = system.lower()
        if any(mark in lowered for mark in ICD_SYSTEM_MARKS):
            if not code.upper().startswith(("R", "Z")):
                return True
        elif system == SNOMED and code not in SYMPTOM_SNOMED and "(finding)" not in (words(concept) or ""):
            return True
    return False


def is_encounter_diagnosis(condition: Json) -> bool:
    """Whether a Condition is filed as a diagnosis of a visit."""
    return "encounter-diagnosis" in _categories(condition)


def is_problem_list_item(condition: Json) -> bool:
    """Whether a Condition is filed as a standing problem."""
    return bool({"problem-list-item", "health-concern"} & _categories(condition))


def _categories(resource: Json) -> set[str]:
    value = resource.get("category")
    items = value if isinstance(value, list) else []
    return {code for item in items if isinstance(item, dict) for _, code in codings(item)}


def is_laboratory(observation: Json) -> bool:
    """Whether an Observation is a laboratory result."""
    return "laboratory" in _categories(observation)


def is_vital_sign(observation: Json) -> bool:
    """Whether an Observation is filed as a vital sign."""
    return "vital-signs" in _categories(observation)
