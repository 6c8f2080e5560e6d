"""Who came: age at arrival, sex, and the identity that stays outside prompts."""

from datetime import date
from decimal import ROUND_UP, Decimal
from typing import Any

from data_schemas import AGE_UNITS_IN_DAYS, Fact, FactKind, FactSource, PatientIdentity, QualityIssue
from integrations.fhir._json import Json, clean, codings, number, obj, objs, string
from integrations.fhir._observations import FINAL, observed
from integrations.fhir._times import parse_date
from integrations.fhir._visit import Timing, Visit
from integrations.fhir.codes import LOINC, REPORTED_AGE_CODES, UCUM
from triage.facts import CODE_TEXTS, make_fact
from triage.plausibility import implausible_age

MAX_AGE = 120
"""Years. Beyond it a birth date is taken for a typing error, as are the 1900-01-01 placeholders of old systems."""

AGE_BORDERS_MONTHS: tuple[int, ...] = (1, 3, 12, 24, 36, 60, 96, 144, 192, 216, 780)
"""Ages at which some rule changes (ESI v4 and v5 bands, NEWS2 from 16, adults from 18, 65): where a partial birth
date leaves open on which side the patient is, there is no age."""


def read_patient(visit: Visit) -> tuple[PatientIdentity, list[Fact]]:
    """The identity, and facts for age and sex. What is wrong or missing is named in ``visit.findings``."""
    patient = visit.index.by_key.get(visit.patient_key)
    if patient is None or patient.get("resourceType") != "Patient":
        visit.findings.add(
            QualityIssue.UNREADABLE,
            "Encounter.subject refers to a Patient that is not here; age and sex are unknown. Send the Patient.",
            source=visit.source(visit.encounter, "subject"),
        )
        return PatientIdentity(reference=clean(visit.patient_key)), []
    facts = [fact for fact in (_age(visit, patient), _sex(visit, patient)) if fact is not None]
    born = parse_date(patient.get("birthDate"))
    return (
        PatientIdentity(
            reference=clean(visit.patient_key),
            names=tuple(name for _, item in objs(patient, "name") if (name := _name(item))),
            identifiers=tuple(
                f"{string(item, 'system') or ''}|{value}"
                for _, item in objs(patient, "identifier")
                if (value := string(item, "value"))
            ),
            birth_date=born[0] if born is not None and born[0] == born[1] else None,
        ),
        facts,
    )


def _name(name: Json) -> str | None:
    text = string(name, "text")
    if text is not None:
        return text
    given = name.get("given")
    parts = [clean(part) for part in given if isinstance(part, str)] if isinstance(given, list) else []
    family = string(name, "family")
    return " ".join([*parts, *([family] if family else [])]) or None


def _sex(visit: Visit, patient: Json) -> Fact | None:
    raw = patient.get("gender")
    source = visit.source(patient, "gender")
    if raw is None:
        return None
    if not isinstance(raw, str) or raw not in CODE_TEXTS[FactKind.SEX]:
        visit.findings.add(
            QualityIssue.UNREADABLE,
            "Patient.gender is not a FHIR code; sex is unknown. Send male, female, other or unknown.",
            kind=FactKind.SEX,
            source=source,
        )
        return None
    return make_fact(1, FactKind.SEX, code=raw, source=source, as_received=raw)


def _age(visit: Visit, patient: Json) -> Fact | None:
    raw: Any = patient.get("birthDate")
    source = visit.source(patient, "birthDate")
    if raw is None:
        return _reported_age(visit)
    born = parse_date(raw)
    today = visit.reference_time.date()
    if born is None:
        _name_age(visit, source, QualityIssue.UNREADABLE, "is not a date; age is unknown. Correct it.")
        return None
    earliest, latest = born
    if earliest > today:
        _name_age(visit, source, QualityIssue.FUTURE, "is after the arrival; age is unknown. Correct it.")
        return None
    latest = min(latest, today)
    if _months(earliest, today) > MAX_AGE * 12:
        _name_age(
            visit,
            source,
            QualityIssue.IMPOSSIBLE,
            f"gives an age over {MAX_AGE} years; not used. Correct it.",
        )
        return None
    if earliest != latest:
        oldest, youngest = _months(earliest, today), _months(latest, today)
        if any(youngest < border <= oldest for border in AGE_BORDERS_MONTHS):
            _name_age(
                visit,
                source,
                QualityIssue.UNREADABLE,
                "is only a year or month, and the age could fall on either side of a clinical limit; not used. "
                "Ask for the full date.",
            )
            return None
        _name_age(
            visit,
            source,
            QualityIssue.UNREADABLE,
            "is only a year or month; the lowest age it allows is used.",
        )
    value, unit = age_at(latest, today)
    return make_fact(1, FactKind.AGE, value=value, unit=unit, source=source, as_received=str(raw))


def _reported_age(visit: Visit) -> Fact | None:
    """The age that somebody said, where no date of birth is recorded: a whole number of years, months, weeks, days."""
    for observation, linked in visit.mine("Observation"):
        codes = {code for system, code in codings(obj(observation, "code")) if system == LOINC}
        if not linked or not codes & REPORTED_AGE_CODES or string(observation, "status") not in FINAL:
            continue
        if visit.timing(observed(observation), linked=True) not in {Timing.KNOWN, Timing.EARLIER}:
            continue
        quantity = obj(observation, "valueQuantity")
        value, unit = number(quantity.get("value")), string(quantity, "code")
        source = visit.source(observation, "valueQuantity")
        usable = value is not None and string(quantity, "system") == UCUM and unit in AGE_UNITS_IN_DAYS
        if not usable or value is None or unit is None or string(quantity, "comparator") is not None:
            _name_said(
                visit, source, QualityIssue.UNREADABLE, "is no number in a, mo, wk or d; not used. Ask."
            )
        elif implausible_age(value * AGE_UNITS_IN_DAYS[unit] / AGE_UNITS_IN_DAYS["a"]) is not None:
            _name_said(visit, source, QualityIssue.IMPOSSIBLE, "is no age of a person; not used. Ask again.")
        else:
            return make_fact(
                1, FactKind.AGE, value=value, unit=unit, source=source, as_received=f"{value} {unit}"
            )
    return None


def _name_said(visit: Visit, source: FactSource, issue: QualityIssue, message: str) -> None:
    visit.findings.add(issue, f"age: what was said {message}", kind=FactKind.AGE, source=source)


def _name_age(visit: Visit, source: FactSource, issue: QualityIssue, message: str) -> None:
    visit.findings.add(issue, f"Patient.birthDate {message}", kind=FactKind.AGE, source=source)


def age_at(born: date, today: date) -> tuple[Decimal, str]:
    """(value, unit): days under 28 days, weeks under 3 months, months under 24 months, then whole years.

    Weeks are rounded up in the fourth decimal, so that 90 days do not read as 89.9997.
    """
    days = (today - born).days
    months = _months(born, today)
    if days < 28:
        return Decimal(days), "d"
    if months < 3:
        return (Decimal(days) / 7).quantize(Decimal("0.0001"), ROUND_UP).normalize(), "wk"
    if months < 24:
        return Decimal(months), "mo"
    return Decimal(months // 12), "a"


def _months(born: date, today: date) -> int:
    """Whole months between two dates."""
    return (today.year - born.year) * 12 + today.month - born.month - (today.day < born.day)
