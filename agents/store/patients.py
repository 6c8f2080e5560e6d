"""Which cases are one patient's: never a case too many."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, select

from agents.errors import AmbiguousPatientError
from agents.store.canonical import canonical_json
from agents.store.engine import Database
from agents.store.tables import cases, intake
from data_schemas import IntakeRecord, PatientIdentity

_SERVERS = ("http://", "https://")


@dataclass(frozen=True, slots=True)
class _Found:
    case_id: str
    source: str
    patient: PatientIdentity


async def cases_of_patient(database: Database, reference: str) -> tuple[str, ...]:
    """The cases of the patient ``reference``, oldest first; empty where there are none.

    Args:
        database: the records.
        reference: as the record names the patient (``Patient/17``), or with the source in front, as in a case's
            encounter key (``https://fhir.example.org/r4|Patient/17``).

    Raises:
        AmbiguousPatientError: several sources know a patient by this name, a case names another patient too, or
            files name patients alike who need not be the same person.
    """
    source, _, name = reference.rpartition("|")

    def work(connection: Connection) -> list[_Found]:
        if not name:
            return []
        quoted = f'"reference":{canonical_json(name)}'
        query = (
            select(intake.c.case_id, cases.c.encounter_key)
            .join(cases, cases.c.id == intake.c.case_id)
            .where(intake.c.record.contains(quoted, autoescape=True))
        )
        keys = {row.case_id: row.encounter_key for row in connection.execute(query)}
        found: list[_Found] = []
        for case_id, key in keys.items():
            runs = select(intake.c.record).where(intake.c.case_id == case_id)
            found += [
                _Found(case_id, key.rpartition("|")[0], IntakeRecord.model_validate_json(text).patient)
                for text in connection.execute(runs).scalars()
            ]
        return found

    found = await database.read(work, snapshot=True)
    named = {item.case_id for item in found if item.patient.reference == name}
    found = [item for item in found if item.case_id in named and source in {"", item.source}]
    _refuse_mixture(found, name)
    return tuple(dict.fromkeys(item.case_id for item in found))


def _refuse_mixture(found: Sequence[_Found], name: str) -> None:
    sources = {item.source for item in found}
    if len(sources) > 1:
        raise AmbiguousPatientError(
            f"{len(sources)} sources know a patient by this name: put the source in front, SOURCE|REFERENCE"
        )
    mixed = sorted({item.case_id for item in found if item.patient.reference != name})
    if mixed:
        raise AmbiguousPatientError(
            f"case {mixed[0]} was read with another patient, too: handle it by its case id"
        )
    by_case = {item.case_id: item.patient for item in found}
    if len(by_case) > 1 and not next(iter(sources)).startswith(_SERVERS):
        first, *others = by_case.values()
        if not all(_same_person(first, other) for other in others):
            raise AmbiguousPatientError(
                "files name patients alike, and these need not be one person: handle each case by its id: "
                + ", ".join(sorted(by_case))
            )


def _same_person(one: PatientIdentity, other: PatientIdentity) -> bool:
    """Shown by an identifier, or by birth date and name together; a name in a file is no identity."""
    if set(one.identifiers) & set(other.identifiers):
        return True
    same_birth = one.birth_date is not None and one.birth_date == other.birth_date
    return same_birth and bool(set(one.names) & set(other.names))
