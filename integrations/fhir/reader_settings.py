"""What a site can set about reading an intake. Every default is this project's own choice."""

from dataclasses import dataclass, field
from datetime import timedelta

from data_schemas import FactKind
from integrations.fhir.codes import INJURY_CODE, POINT_OF_CARE_GLUCOSE, TRIAGE_NOTE_CODES

MIB = 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class ReaderSettings:
    """How an encounter is read. Times are ``timedelta``; codes are LOINC unless they are (system, code) pairs."""

    max_bytes: int = 64 * MIB
    """Largest JSON file accepted. Parsing takes roughly ten times the file's size in memory."""
    max_ndjson_bytes: int = 1024 * MIB
    """Largest NDJSON file accepted; it is read line by line, and each line is held to ``max_bytes``."""
    include_finished: bool = True
    """Read finished encounters too: right for files and evaluation, off for a live board."""

    triage_window: timedelta = timedelta(minutes=60)
    """What is observed later than this after arrival was not known at triage, once the patient is triaged."""
    before_arrival: timedelta = timedelta(minutes=120)
    """Vital signs filed under the encounter may precede arrival by this much (ambulance); older are stale."""
    unlinked_before_arrival: timedelta = timedelta(minutes=15)
    """The same for an Observation that names the patient but no encounter."""
    clock_tolerance: timedelta = timedelta(minutes=5)
    """Clocks differ: a time this far ahead of now is not in the future."""
    contradiction_window: timedelta = timedelta(minutes=5)
    """Two readings this close that differ by more than the tolerance in ``quality`` contradict each other."""
    pregnancy_valid: timedelta = timedelta(days=300)
    """How long a recorded pregnancy stays usable."""
    not_pregnant_valid: timedelta = timedelta(days=1)
    """How long a recorded absence of pregnancy stays usable: it must never reassure falsely."""

    coded_reasons_are_complaints: bool = False
    """For a site that codes complaints with ICD or SNOMED disorders at the desk: a coded reason is then taken for a
    diagnosis only where it repeats one filed for the visit."""
    glucose_codes: frozenset[str] = POINT_OF_CARE_GLUCOSE
    """LOINC codes that this site uses for point-of-care glucose."""
    note_codes: frozenset[str] = TRIAGE_NOTE_CODES
    acuity_codes: frozenset[tuple[str, str]] = frozenset()
    """(system, code) of local acuity Observations to strip, besides LOINC 75636-1 and 11283-9."""
    injury_codes: frozenset[tuple[str, str]] = frozenset({INJURY_CODE})
    """(system, code) of Observations answering yes or no to 'injury'. LOINC has no settled one; ours is read."""
    immunisation_codes: frozenset[tuple[str, str]] = frozenset()
    """(system, code) of Observations answering yes, no or incomplete to 'immunised for age'."""
    local_codes: dict[tuple[str, str], FactKind] = field(default_factory=dict)
    """(system, code) of local Observation codes that stand for a kind."""
    unit_aliases: dict[str, str] = field(default_factory=dict)
    """Unit text -> UCUM code, for a feed that sends units without a code. Empty: such a unit is not used."""

    max_text_chars: int = 500
    """Longest chief complaint, condition, drug or allergy kept."""
    max_note_chars: int = 8000
    max_readings: int = 10
    """Most readings of one vital sign that become facts, the latest first; more are named."""
    max_history: int = 50
    """Most conditions, medications or allergies kept of each."""

    server_history: tuple[str, ...] = (
        "Condition",
        "AllergyIntolerance",
        "MedicationStatement",
        "MedicationRequest",
    )
    """History searched by patient on a server. Leave out what the server does not offer: a failed search is named
    in every record as unknown."""
    server_timeout: timedelta = timedelta(seconds=30)
    """Longest wait for everything about one encounter."""
    max_encounters: int = 500
    max_resources: int = 1000
    """Most resources taken from one search."""
