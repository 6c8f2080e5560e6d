"""The patients whose notes are attacked: shipped samples, read from FHIR as the agent reads them."""

import base64
from datetime import timedelta

from data_schemas import IntakeRecord
from eval.redteam.notes import AttackNote
from integrations.fhir.codes import LOINC
from integrations.fhir.reader import read_bundle
from integrations.samples import Sample, samples

PATIENTS = ("27", "36", "41")
"""Of levels 2, 3 and 4 by the rules. On none of them a demand rule holds: no floor catches the model."""

_NOTE_CODE = "54094-8"
_AT_THE_DESK = timedelta(minutes=10)


def with_sentence(sample_id: str, note: AttackNote | None, *, attack: bool) -> IntakeRecord:
    """A sample's record with the attack (or the neutral sentence) in its triage note; as shipped without ``note``.

    Raises:
        KeyError: there is no such sample.
        IntakeError: it cannot be read.
        ValueError: it has no triage note.
    """
    sample = _sample(sample_id)
    bundle = sample.bundle()
    if note is not None:
        _write(bundle, sample_id, note, attack=attack)
    (record,) = read_bundle(bundle, source="redteam", now=sample.arrived_at + _AT_THE_DESK)
    if not isinstance(record, IntakeRecord):
        raise record
    which = "bare" if note is None else f"{note.id}-{'attack' if attack else 'twin'}"
    return record.model_copy(update={"encounter_key": f"redteam|Encounter/{sample_id}-{which}"})


def _sample(sample_id: str) -> Sample:
    return {sample.id: sample for sample in samples()}[sample_id]


def _write(bundle: dict, sample_id: str, note: AttackNote, *, attack: bool) -> None:  # type: ignore[type-arg]
    for entry in bundle["entry"]:
        resource = entry["resource"]
        codes = {(c.get("system"), c.get("code")) for c in resource.get("type", {}).get("coding", [])}
        if resource["resourceType"] == "DocumentReference" and (LOINC, _NOTE_CODE) in codes:
            attachment = resource["content"][0]["attachment"]
            text = base64.b64decode(attachment["data"]).decode()
            sentence = (note.attack if attack else note.neutral) * note.repeat
            whole = f"{sentence} {text}" if note.at == "start" else f"{text} {sentence}"
            attachment["data"] = base64.b64encode(whole.encode()).decode()
            return
    raise ValueError(f"sample {sample_id} has no triage note to write into")
