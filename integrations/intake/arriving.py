"""From an entered form to the record that the agent assesses, filed first where the site writes back."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from data_schemas import AGE_UNITS_IN_DAYS, FactKind, IntakeRecord
from integrations.assembly import open_client, reader_settings
from integrations.fhir.errors import FhirError, IntakeError
from integrations.fhir.identity import normal_base
from integrations.fhir.reader import read_bundle
from integrations.fhir.server_reader import read_server_encounter
from integrations.fhir.units import to_canonical
from integrations.intake.bundle import Json, build_bundle, encounter_id
from integrations.intake.errors import NotFiled, NotFiledError, NotReadBackError
from integrations.intake.filing import file_arrival
from integrations.intake.form import IntakeForm
from integrations.settings import Settings

SOURCE = "dashboard"
"""Begins the encounter keys of patients who are on this machine only."""


@dataclass(frozen=True, slots=True)
class Arrived:
    """The record to assess.

    ``filed``: it is in the hospital's record. ``differs``: what is otherwise there than it was entered, because the
    same form had been filed before with other values.
    """

    record: IntakeRecord
    filed: bool
    differs: tuple[str, ...] = ()


def writes_to(settings: Settings) -> str | None:
    """The FHIR server that entered arrivals are filed on; None where they stay on this machine."""
    return settings.fhir.base_url if settings.fhir.write_back else None


async def take_in(
    settings: Settings, form: IntakeForm, now: datetime, *, local_only: bool = False
) -> Arrived:
    """Read the form as a FHIR record, after filing it where the site writes back (unless ``local_only``).

    Raises:
        NotFiledError: the hospital's record does not have it; nothing is assessed.
        NotReadBackError: something entered would not reach the agent; nothing was filed.
        IntakeError: the reader refuses the record.
    """
    bundle = build_bundle(form)
    local = read_local(settings, form, bundle, now)
    lacking = tuple(lacks(form, local))
    if lacking:
        raise NotReadBackError(lacking)
    server = writes_to(settings)
    if server is None or local_only:
        return Arrived(local, filed=False)
    async with open_client(settings, server) as client:
        identity = await file_arrival(client, bundle, identifier_system=settings.fhir.identifier_system)
        source = normal_base(server)
        try:
            read = await read_server_encounter(
                client, identity, source=source, now=now, settings=reader_settings(settings)
            )
        except FhirError:
            raise NotFiledError(NotFiled.UNKNOWN) from None
    if isinstance(read, IntakeError):
        raise NotFiledError(NotFiled.UNKNOWN)
    return Arrived(read, filed=True, differs=tuple(lacks(form, read)))


def read_local(settings: Settings, form: IntakeForm, bundle: Json, now: datetime) -> IntakeRecord:
    """The bundle as the reader reads it, under the form's own encounter id.

    Raises:
        IntakeError: the reader refuses it.
    """
    entries = [
        entry | {"resource": entry["resource"] | {"id": encounter_id(form)}}
        if entry["resource"]["resourceType"] == "Encounter"
        else entry
        for entry in bundle["entry"]
    ]
    read = read_bundle(
        bundle | {"entry": entries}, source=SOURCE, now=now, settings=reader_settings(settings)
    )
    if len(read) == 1 and isinstance(read[0], IntakeRecord):
        return read[0]
    raise next((r for r in read if isinstance(r, IntakeError)), None) or IntakeError(
        "more than one visit was read.", element="Bundle.entry", remedy="Report this defect."
    )


def lacks(form: IntakeForm, record: IntakeRecord) -> Iterator[str]:
    """The kinds of what was entered and the record does not hold, or holds otherwise.

    Texts count by their presence: the reader takes acuity levels out of them, and says so.
    """
    for kind, measured in form.measured.items():
        if to_canonical(kind, measured.value, measured.unit) not in {f.value for f in record.all(kind)}:
            yield kind.value
    codes = {
        FactKind.SEX: form.sex,
        FactKind.PREGNANCY: form.pregnancy,
        FactKind.ARRIVAL_MODE: form.arrival_mode,
        FactKind.INJURY: form.injury,
        FactKind.AVPU: form.avpu,
    }
    for kind, code in codes.items():
        if code is not None and record.code(kind) != code:
            yield kind.value
    texts = {
        FactKind.CHIEF_COMPLAINT: bool(form.complaint),
        FactKind.TRIAGE_NOTE: bool(form.note),
    }
    for kind, given in texts.items():
        if given and record.first(kind) is None:
            yield kind.value
    lists = {
        FactKind.CONDITION: form.conditions,
        FactKind.MEDICATION: form.medications,
        FactKind.ALLERGY: form.allergies,
    }
    for kind, items in lists.items():
        if len(record.all(kind)) < len({item.casefold() for item in items}):
            yield kind.value
    if form.birth_date is not None and record.patient.birth_date != form.birth_date:
        yield FactKind.AGE.value
    elif form.birth_date is None and form.age is not None:
        days = form.age.value * AGE_UNITS_IN_DAYS[form.age.unit]
        if record.age_days != days:
            yield FactKind.AGE.value
