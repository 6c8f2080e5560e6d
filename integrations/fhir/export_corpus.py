"""A hospital's own FHIR export as labelled cases, read by the very reader that the agent uses.

A folder of Bundles (``*.json``; collection, transaction, searchset), a Bulk Data export (``*.ndjson``), or one file.
The label is the decided acuity Observation of the encounter under the site's code; where a site keeps the level in
``Encounter.priority`` instead, that. The record is what the agent would have read at triage: no acuity, no diagnosis of
the visit, nothing observed later. Patients' names and identifiers are left behind; free text stays as it was typed.
"""

import hashlib
import logging
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import yaml
from pydantic import Field, ValidationError

from data_schemas import AcuityLevel, AcuityScale, IntakeRecord, PatientIdentity
from data_schemas._base import Frozen
from integrations.fhir import identity
from integrations.fhir._json import Json, codings, obj, objs, string
from integrations.fhir._times import parse_when
from integrations.fhir._visit import BEFORE_TRIAGE, is_emergency
from integrations.fhir.acuity_codes import ESI_CODE, ESI_CODING, LOINC, AcuityCoding, AcuityScaleError
from integrations.fhir.bundle import (
    READ_TYPES,
    ResourceIndex,
    bundle_resources,
    check_bundle,
    load_json,
    parse_json,
    too_large,
)
from integrations.fhir.errors import IntakeError
from integrations.fhir.reader import read_encounter
from integrations.fhir.reader_settings import ReaderSettings
from triage.training.corpus import CorpusError, LabelledCase

DATASET = "fhir"
CONFIG_FILE = "export.yaml"

Container = list[tuple[str | None, Json]]
Report = Callable[[str], None]

_log = logging.getLogger(__name__)
_DECIDED = frozenset({"final", "amended", "corrected"})
_SAID = re.compile(
    r"(?i)^(?:(?:ESI|KTAS|CTAS|MTS|ATS|triage|acuity|level|category)\s*)*([1-5])(?:\s*[-:(].*)?$"
)
_INPATIENT = frozenset({"IMP", "ACUTE", "NONAC"})
_DISCHARGE = "http://terminology.hl7.org/CodeSystem/discharge-disposition"
_WENT_HOME = frozenset({(_DISCHARGE, "home"), (_DISCHARGE, "alt-home"), (_DISCHARGE, "aadvice")})
_DIED = (_DISCHARGE, "exp")


class LabelConfig(Frozen):
    """Where a site keeps the level: ``export.yaml`` in the export's folder; without it, ESI under LOINC 75636-1.

    ``answers`` are the codes of levels 1 to 5 in ``answer_system``; without them the level is a number or its words
    ("3", "ESI 3"). ``priority_system``: the system of ``Encounter.priority`` codings 1 to 5, used where no
    Observation tells. ``admitted_codes``: [system, code] of ``dischargeDisposition`` that mean admission here.
    ``own``: also learn from levels that this program suggested and a clinician decided; a model that learns
    from its own suggestions learns its own mistakes, so they are left out by default.
    """

    scale: AcuityScale = AcuityScale.ESI
    system: str = LOINC
    code: str = ESI_CODE
    answers: tuple[str, str, str, str, str] | None = None
    answer_system: str | None = None
    priority_system: str | None = None
    admitted_codes: frozenset[tuple[str, str]] = Field(default_factory=frozenset)
    own: bool = False

    @classmethod
    def beside(cls, path: Path) -> Self:
        """The configuration in the export's folder, or the default.

        Raises:
            CorpusError: the file is not of the form, or gives ESI's code to another scale.
        """
        file = (path if path.is_dir() else path.parent) / CONFIG_FILE
        if not file.is_file():
            return cls()
        try:
            config = cls.model_validate(yaml.safe_load(file.read_text(encoding="utf-8")) or {})
            config.coding()
        except yaml.YAMLError:
            raise CorpusError(f"{file.name}: not YAML") from None
        except ValidationError as error:
            wrong = "; ".join(".".join(map(str, item["loc"])) + ": " + item["msg"] for item in error.errors())
            raise CorpusError(f"{file.name}: {wrong}") from None
        except AcuityScaleError as error:
            raise CorpusError(f"{file.name}: {error}") from None
        return config

    def coding(self) -> AcuityCoding:
        """The code as the writer would use it.

        Raises:
            AcuityScaleError: LOINC 75636-1 for another scale than ESI.
        """
        if (self.system, self.code) != (LOINC, ESI_CODE):
            return AcuityCoding(self.system, self.code, self.code, self.answers, self.answer_system)
        if self.scale is not AcuityScale.ESI:
            raise AcuityScaleError(
                f"LOINC {ESI_CODE} is for ESI only; configure the site's own code for {self.scale}"
            )
        return ESI_CODING


def read_export(
    path: str | Path,
    *,
    label: LabelConfig | None = None,
    settings: ReaderSettings | None = None,
    now: datetime | None = None,
    report: Report | None = None,
) -> Iterator[LabelledCase]:
    """Yield the labelled ED encounters of an export.

    Args:
        path: a folder, a Bundle or an NDJSON file.
        label: where the level is; by default from ``export.yaml`` beside the data.
        settings: how the agent reads at this site; the label's code is stripped besides.
        now: the time of reading; the present where not given.
        report: told, once at the end, how many encounters were left out and why (no patient data). Logged by default.

    ``group`` is the month of arrival (``2026-11``), so that a recipe can train on earlier months and hold out later
    ones. ``case_id`` is ``case_id_of(encounter id)``. ``outcomes``: ``admission`` and ``death`` where the export tells.

    Raises:
        CorpusError: nothing labelled was found; the message says what was looked for.
    """
    path = Path(path)
    label = label or LabelConfig.beside(path)
    settings = settings or ReaderSettings()
    settings = _stripping(settings, label)
    now = now or datetime.now(UTC)
    left_out: Counter[str] = Counter()
    seen: set[str] = set()
    found = 0
    for container in _containers(path, settings, left_out):
        index = ResourceIndex(container)
        for encounter in index.of_type("Encounter"):
            if not is_emergency(encounter):
                continue
            case = _case(index, encounter, label, settings, now)
            if isinstance(case, str):
                left_out[case] += 1
            elif case.case_id in seen:
                left_out["the encounter is there twice"] += 1
            else:
                seen.add(case.case_id)
                found += 1
                yield case
    if left_out:
        reasons = "; ".join(f"{count} x {reason}" for reason, count in left_out.most_common())
        (report or _log.warning)(f"{found} labelled ED encounters; left out: {reasons}")
    if not found:
        raise CorpusError(
            f"{path.name}: no ED encounter with a final acuity level under {label.system} {label.code}; name the "
            f"site's code in {CONFIG_FILE}. Left out: {dict(left_out) or 'nothing'}"
        )


def case_id_of(encounter_id: str) -> str:
    """The name of a case in files and reports: a hash, from which the hospital finds its encounter, and nobody else."""
    return "fhir-" + hashlib.sha256(encounter_id.encode()).hexdigest()[:16]


def label_of(index: ResourceIndex, encounter: Json, label: LabelConfig) -> AcuityLevel | str:
    """The level that the hospital decided for an encounter, or why there is none.

    Of several decided levels the earliest counts: the level at triage, not that of a later re-triage. Two that differ
    at one time, or without a time, are no label.
    """
    levels: list[tuple[datetime, int]] = []
    coding = label.coding()
    own = 0
    for observation in index.of_encounter(index.key_of[id(encounter)]):
        if observation.get("resourceType") != "Observation" or not coding.describes(observation):
            continue
        if observation.get("status") not in _DECIDED:
            continue
        if not label.own and identity.identifier_of(observation, identity.ASSESSMENT):
            own += 1
            continue
        level = coding.level_of(observation) or _said(observation)
        if level is None:
            return "the level is not one that is known"
        when = parse_when(observation.get("effectiveDateTime") or observation.get("issued"))
        levels.append((when.start if when else datetime.max.replace(tzinfo=UTC), level))
    if levels:
        first = min(levels)[0]
        earliest = {level for at, level in levels if at == first}
        return earliest.pop() if len(earliest) == 1 else "two levels at one time"
    if label.priority_system is not None:
        stated = {
            code for system, code in codings(obj(encounter, "priority")) if system == label.priority_system
        }
        if len(stated) == 1 and (code := stated.pop()) in {"1", "2", "3", "4", "5"}:
            return int(code)
    return "the level was suggested by this program" if own else "no decided level"


def outcomes_of(index: ResourceIndex, encounter: Json, label: LabelConfig) -> dict[str, bool]:
    """``admission`` and ``death``; one that the export does not tell is left out.

    Admitted: an inpatient encounter is part of this one, the class became inpatient, or the disposition is one of the
    site's ``admitted_codes``. Not admitted: discharged home or left against advice. (``hosp`` in the
    FHIR table is hospice, not hospital.)
    """
    key = index.key_of[id(encounter)]
    disposition = set(codings(obj(obj(encounter, "hospitalization"), "dischargeDisposition")))
    became = {string(obj(entry, "class"), "code") for _, entry in objs(encounter, "classHistory")}
    followed = any(
        index.key(obj(other, "partOf")) == key and string(obj(other, "class"), "code") in _INPATIENT
        for other in index.of_type("Encounter")
    )
    outcomes: dict[str, bool] = {}
    if followed or became & _INPATIENT or disposition & label.admitted_codes:
        outcomes["admission"] = True
    elif disposition & _WENT_HOME:
        outcomes["admission"] = False
    if disposition:
        outcomes["death"] = _DIED in disposition
    return outcomes


def _case(
    index: ResourceIndex, encounter: Json, label: LabelConfig, settings: ReaderSettings, now: datetime
) -> LabelledCase | str:
    """The case of one encounter, or why it is none."""
    acuity = label_of(index, encounter, label)
    if isinstance(acuity, str):
        return acuity
    moment = _moment(encounter, settings, now)
    if moment is None:
        return "nothing tells when the patient arrived"
    record = read_encounter(index, encounter, source=DATASET, now=moment, settings=settings)
    if isinstance(record, IntakeError):
        return f"{record.element} {record.message}".split(" Encounter ")[0]
    if not record.facts:
        return "no fact was known at triage"
    name = case_id_of(record.encounter_key.rpartition("/")[2])
    return LabelledCase(
        case_id=name,
        record=_without_identity(record, name),
        scale=label.scale,
        acuity=acuity,
        group=record.arrived_at.strftime("%Y-%m") if record.arrived_at else "unknown",
        source=DATASET,
        nurse_acuity=acuity,
        outcomes=outcomes_of(index, encounter, label),
    )


def _moment(encounter: Json, settings: ReaderSettings, now: datetime) -> datetime | None:
    """When the agent would have read the encounter.

    An export is read long after. A visit whose status was never moved on from arrival would let everything in that was
    recorded since; it is read as of the end of its triage window.
    """
    if encounter.get("status") not in BEFORE_TRIAGE:
        return now
    arrived = parse_when(obj(encounter, "period").get("start"))
    if arrived is None or not arrived.exact:
        return None
    return min(now, arrived.start + settings.triage_window)


def _without_identity(record: IntakeRecord, name: str) -> IntakeRecord:
    patient = PatientIdentity(reference=f"Patient/{name}")
    return record.model_copy(update={"patient": patient, "encounter_key": f"{DATASET}|Encounter/{name}"})


def _stripping(settings: ReaderSettings, label: LabelConfig) -> ReaderSettings:
    return replace(
        settings, acuity_codes=settings.acuity_codes | {(label.system, label.code)}, include_finished=True
    )


def _said(observation: Json) -> int | None:
    """The level as a number or in words, for feeds that do not code the answer."""
    value: Any = observation.get("valueInteger", obj(observation, "valueQuantity").get("value"))
    if value is not None and not isinstance(value, bool):
        return int(value) if value in {1, 2, 3, 4, 5} else None
    text = string(observation, "valueString") or string(obj(observation, "valueCodeableConcept"), "text")
    match = _SAID.match(text) if text else None
    return int(match[1]) if match else None


def _containers(path: Path, settings: ReaderSettings, left_out: Counter[str]) -> Iterator[Container]:
    """The resources of each Bundle, then those of all NDJSON lines together, as the agent's reader takes them."""
    files = sorted(path.rglob("*")) if path.is_dir() else [path]
    exported: Container = []
    for file in files:
        try:
            if file.suffix.lower() == ".ndjson":
                for resource in _lines(file, settings):
                    if resource.get("resourceType") == "Bundle":
                        check_bundle(resource)
                        yield list(bundle_resources(resource))
                    elif string(resource, "resourceType") in READ_TYPES:
                        exported.append((None, resource))
            elif file.suffix.lower() == ".json":
                content = load_json(file, settings)
                if isinstance(content, dict) and "resourceType" not in content:
                    continue  # the manifest of a Bulk Data export
                check_bundle(content)
                yield list(bundle_resources(content))
        except IntakeError as error:
            left_out[f"file: {error.message}"] += 1
    if exported:
        yield exported


def _lines(file: Path, settings: ReaderSettings) -> Iterator[Json]:
    if file.stat().st_size > settings.max_ndjson_bytes:
        raise too_large(file.stat().st_size, settings.max_ndjson_bytes)
    with file.open("rb") as lines:
        for line in lines:
            if line.strip() and isinstance(resource := parse_json(line), dict):
                yield resource
