"""Who it is: shown above everything, and again beside the button that decides."""

from datetime import datetime

from agents import Case
from data_schemas import FactKind, IntakeRecord
from integrations.intake import FORM_SYSTEM
from ui.dashboard.look import Safe, chip, tag
from ui.dashboard.patient.words import fact_value
from ui.dashboard.strings import text, word
from ui.dashboard.times import clock_time, duration

NEEDED = 2


def identifiers(record: IntakeRecord) -> tuple[str, ...]:
    """What tells this patient from others, best first: the name, the hospital's number, the date of birth."""
    patient = record.patient
    found = [*patient.names[:1]]
    # A FHIR identifier is "<system>|<value>"; people read the value off a wristband, where our own form's id never is.
    numbers = [one for one in patient.identifiers if not one.startswith(f"{FORM_SYSTEM}|")]
    found += [number.rsplit("|", 1)[-1] for number in numbers[:1]]
    if patient.birth_date is not None:
        found.append(text("patient.born", date=patient.birth_date.isoformat()))
    return tuple(found)


def banner(case: Case, now: datetime, *, names: bool) -> Safe:
    """The strip at the top of the page: who, how old, why here, how long."""
    record = case.intake
    complaint = record.first(FactKind.CHIEF_COMPLAINT)
    since = record.arrived_at or case.created_at
    waits = text("patient.waits", at=clock_time(since, now), length=duration(now - since))
    return tag(
        "div",
        tag(
            "div",
            *who(record, names=names),
            tag("span", age_and_sex(record), cls="pt-age"),
            tag("span", waits, cls="ed-soft"),
            cls="pt-who",
        ),
        tag("h1", complaint.text if complaint else text("patient.no-complaint"), cls="pt-complaint"),
        cls="pt-banner",
    )


def beside_decision(record: IntakeRecord, *, names: bool) -> Safe:
    """Two identifiers where the decision is made, so that it is made on the right patient."""
    return tag(
        "div", tag("span", text("patient.deciding-on"), cls="ed-soft"), *who(record, names=names), cls="pt-on"
    )


def who(record: IntakeRecord, *, names: bool) -> list[Safe]:
    """The identifiers; too few are said, and so is that a role may not see them."""
    if not names:
        return [chip(text("patient.names-hidden"), "plain")]
    found = identifiers(record)
    parts = (
        [tag("b", found[0], cls="pt-name"), *(tag("span", item, cls="pt-id") for item in found[1:])]
        if found
        else []
    )
    if len(found) < NEEDED:
        parts.append(chip(text("patient.one-identifier" if found else "patient.no-identifier"), "danger"))
    return parts


def age_and_sex(record: IntakeRecord) -> str:
    """``40 y, female``; what is not known is said."""
    age, sex = record.first(FactKind.AGE), record.first(FactKind.SEX)
    return ", ".join(
        (
            age.text if age else text("patient.age-unknown"),
            fact_value(sex) if sex else word("sex", "unknown"),
        )
    )
