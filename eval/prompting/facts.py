"""What was known of a patient at triage, as plain text for a language model.

Only the record's facts: no name, id or time, and never a label, an outcome, a diagnosis or the nurse's level.
"""

from decimal import Decimal

from data_schemas import Fact, FactKind, IntakeRecord
from integrations.fhir.leaks import strip_acuity

_SIGNS: dict[FactKind, tuple[str, str]] = {
    FactKind.HEART_RATE: ("heart rate", "/min"),
    FactKind.RESPIRATORY_RATE: ("respiratory rate", "/min"),
    FactKind.OXYGEN_SATURATION: ("oxygen saturation", "%"),
    FactKind.OXYGEN_FLOW: ("oxygen given", "L/min"),
    FactKind.INSPIRED_OXYGEN: ("inspired oxygen", "%"),
    FactKind.TEMPERATURE: ("temperature", "degrees Celsius"),
    FactKind.SYSTOLIC_BP: ("systolic blood pressure", "mmHg"),
    FactKind.DIASTOLIC_BP: ("diastolic blood pressure", "mmHg"),
    FactKind.GCS: ("Glasgow Coma Scale", ""),
    FactKind.GCS_EYE: ("Glasgow Coma Scale, eyes", ""),
    FactKind.GCS_VERBAL: ("Glasgow Coma Scale, speech", ""),
    FactKind.GCS_MOTOR: ("Glasgow Coma Scale, movement", ""),
    FactKind.GLUCOSE: ("glucose", "mg/dL"),
    FactKind.WEIGHT: ("weight", "kg"),
}
_QUOTED: dict[FactKind, str] = {
    FactKind.CHIEF_COMPLAINT: "Chief complaint",
    FactKind.CONDITION: "History",
    FactKind.MEDICATION: "Takes",
    FactKind.ALLERGY: "Allergy",
    FactKind.TRIAGE_NOTE: "Triage note",
}
_NAMES: dict[FactKind, str] = {
    FactKind.AGE: "age",
    FactKind.SEX: "sex",
    FactKind.CHIEF_COMPLAINT: "chief complaint",
    FactKind.PAIN: "pain score",
    FactKind.AVPU: "level of consciousness",
    **{kind: name for kind, (name, _) in _SIGNS.items()},
}
_AGE_UNITS = {"d": "days", "wk": "weeks", "mo": "months", "a": "years"}
_AVPU = {
    "A": "alert",
    "C": "newly confused",
    "V": "responds to voice only",
    "P": "responds to pain only",
    "U": "unresponsive",
}
_ARRIVALS = {
    "walk-in": "walked in",
    "wheelchair": "in a wheelchair",
    "public": "public transport",
    "private": "private vehicle",
    "other": "other than by ambulance",
}
_AFTERWARDS = ("post_", "design_", "nurse_", "acuity")


class LeakError(ValueError):
    """A record holds what is known only after triage; names the element, never its value."""


def patient_text(record: IntakeRecord) -> str:
    """The record's facts, one kind a line, with units; what is missing is named in the last line.

    Of a sign that was measured more than once the latest value. Free text stands in quotation marks, on one line, and
    without statements of a triage level. A complaint that is the whole note is written once.

    Raises:
        LeakError: a fact was taken from an element that is known only after triage.
    """
    for known in record.facts:
        if known.source.path.lower().startswith(_AFTERWARDS):
            raise LeakError(
                f"a record holds {known.source.path}, which is known only after triage: leave the element out"
            )
    lines = [*_person(record), *_words(record, FactKind.CHIEF_COMPLAINT)]
    signs = [_sign(fact) for kind in _SIGNS if (fact := record.first(kind)) is not None]
    if signs:
        lines.append("Vital signs: " + "; ".join(signs))
    lines += _pain_and_mind(record)
    for kind in (FactKind.CONDITION, FactKind.MEDICATION, FactKind.ALLERGY, FactKind.TRIAGE_NOTE):
        lines += _words(record, kind)
    missing = [_NAMES.get(kind, kind.value.replace("_", " ")) for kind in record.missing]
    if missing:
        lines.append("Not recorded: " + ", ".join(missing))
    return "\n".join(lines)


def free_text(record: IntakeRecord) -> str:
    """The record's free text in one string, without statements of a triage level: what similarity is judged on."""
    return " ".join(strip_acuity(fact.text)[0] for fact in record.facts if fact.kind in _QUOTED)


def _person(record: IntakeRecord) -> list[str]:
    lines = []
    age = record.first(FactKind.AGE)
    if age is not None:
        unit = _AGE_UNITS.get(age.unit or "")
        known = age.value is not None and unit is not None
        lines.append(f"Age: {_plain(age.value)} {unit}" if known else f"Age: {_one_line(age.text)}")
    sex = record.code(FactKind.SEX)
    if sex is not None and sex != "unknown":
        lines.append(f"Sex: {sex}")
    pregnancy = record.code(FactKind.PREGNANCY)
    if pregnancy is not None:
        lines.append("Pregnancy: " + pregnancy.replace("-", " "))
    arrival = record.code(FactKind.ARRIVAL_MODE)
    if arrival is not None:
        lines.append("Arrival: " + _ARRIVALS.get(arrival, arrival))
    injury = record.code(FactKind.INJURY)
    if injury is not None:
        lines.append("Injury: " + ("incompletely recorded" if injury == "incomplete" else injury))
    return lines


def _pain_and_mind(record: IntakeRecord) -> list[str]:
    lines = []
    pain = record.first(FactKind.PAIN)
    if pain is not None:
        lines.append(
            f"Pain: {_plain(pain.value)} of 10" if pain.value is not None else "Pain: present, not scored"
        )
    avpu = record.code(FactKind.AVPU)
    if avpu in _AVPU:
        lines.append("Consciousness: " + _AVPU[avpu])
    vaccinated = record.first(FactKind.IMMUNISATION)
    if vaccinated is not None:
        lines.append("Immunisation: " + _one_line(vaccinated.text))
    return lines


def _words(record: IntakeRecord, kind: FactKind) -> list[str]:
    complaint = record.first(FactKind.CHIEF_COMPLAINT)
    lines = []
    for fact in record.all(kind):
        if kind is FactKind.TRIAGE_NOTE and complaint is not None and fact.text == complaint.text:
            continue
        text = _one_line(strip_acuity(fact.text)[0]).replace('"', "'")
        if text:
            lines.append(f'{_QUOTED[kind]}: "{text}"')
    return lines


def _sign(fact: Fact) -> str:
    name, unit = _SIGNS[fact.kind]
    if fact.value is None:
        return f"{name} {_one_line(fact.text)}"
    return f"{name} {_plain(fact.value)} {unit}".rstrip()


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _plain(value: Decimal | None) -> str:
    if value is None:
        return "?"
    text = f"{value.quantize(Decimal('0.01')):f}"
    return text.rstrip("0").rstrip(".")
