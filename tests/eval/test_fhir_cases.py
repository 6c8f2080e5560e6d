"""A hospital's export as evaluation cases: the level is the truth, the record the agent's."""

import json

import pytest

from eval import Task, load_cases
from integrations.samples import samples
from triage.training.corpus import CorpusError


def test_an_export_is_read_as_cases(tmp_path):
    sample = next(item for item in samples() if "75636-1" not in item.raw())
    bundle = sample.bundle()
    (encounter,) = (e["resource"] for e in bundle["entry"] if e["resource"]["resourceType"] == "Encounter")
    with pytest.raises(CorpusError, match="no ED encounter with a final acuity level"):
        load_cases(Task.FHIR, tmp_path)
    level = {
        "resourceType": "Observation",
        "id": "level",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "75636-1"}]},
        "subject": encounter["subject"],
        "encounter": {"reference": f"Encounter/{encounter['id']}"},
        "valueInteger": 4,
    }
    bundle["entry"].append({"resource": level})
    (tmp_path / "one.json").write_text(json.dumps(bundle))
    (case,) = load_cases(Task.FHIR, tmp_path)
    assert (case.truth, case.scale) == (4, "ESI")
    assert case.record.facts
