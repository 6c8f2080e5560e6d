"""One patient's data in one document: all of it, nothing of anybody else, and checkable against the chain."""

import json
import stat

import pytest
from agent_parts import Recorded, SqliteSink, accept, answer, record, service

from agents import ErasureReason, Export, NoSink, Step, UnknownCaseError, write_export
from agents.store.canonical import canonical_json, keyed_digest
from data_schemas import PatientIdentity


def arrival(patient: str, visit: str, **more):
    made = record(f"http://ward.test|Encounter/{visit}", complaint=f"complaint of {patient}", **more)
    identity = PatientIdentity(reference=f"Patient/{patient}", names=(f"name of {patient}",))
    return made.model_copy(update={"patient": identity})


async def test_an_export_holds_all_of_one_patient_and_nothing_of_others(tmp_path, store_url):
    sink = SqliteSink(tmp_path / "hospital.db")
    async with service(tmp_path, url=store_url, sink=sink, triager=Recorded(answer(3, "F2"))) as opened:
        first = await opened.assess(arrival("ada", "1"))
        second = await opened.assess(arrival("ada", "1", hr=140))
        await accept(opened, first.id, assessment_id=second.assessment.id, comment="comment on ada")
        later = await opened.assess(arrival("ada", "2"))
        other = await opened.assess(arrival("bob", "3"))
        await accept(opened, other.id, comment="comment on bob")
        export = await opened.records.export_patient("Patient/ada", by="dpo-1")
        text = json.dumps(export.model_dump(mode="json"))
        assert "of bob" not in text
        assert "on bob" not in text
        assert other.id not in text
        assert (export.schema_name, export.schema_version) == ("ed-triage-agent/records", 1)
        assert [case.case_id for case in export.cases] == [first.id, later.id]
        case = export.cases[0]
        assert [run.number for run in case.runs] == [1, 2]
        assert [run.assessment.id for run in case.runs] == [first.assessment.id, second.assessment.id]
        assert case.runs[1].intake == second.intake
        assert case.runs[1].model_answer.level == 3
        assert case.runs[1].review.comment == "comment on ada"
        assert case.runs[0].review is None
        assert [[d.kind.value for d in run.deliveries] for run in case.runs] == [
            ["proposal"],
            ["proposal", "final"],
        ]
        assert [entry.step for entry in case.audit][-3:] == [Step.WRITTEN, Step.CLOSED, Step.EXPORTED]
        assert len(case.audit) == len(await opened.history(first.id))
        # Whoever holds the document can check it against the chain.
        read = case.audit[0]
        assert read.digest == keyed_digest(case.salt, canonical_json(case.runs[0].intake))
        assert read.detail_digest == keyed_digest(case.salt, canonical_json(read.detail))
        # It is one of the documents that its own schema describes.
        assert Export.model_validate_json(text) == export
        alone = await opened.records.export_case(later.id, by="dpo-1")
        assert (alone.patient, [c.case_id for c in alone.cases]) == (None, [later.id])
        assert (await opened.records.export_patient("Patient/nobody", by="dpo-1")).cases == ()
        with pytest.raises(UnknownCaseError):
            await opened.records.export_case("nobody", by="dpo-1")


async def test_of_an_erased_case_only_its_audit_entries_are_left(tmp_path):
    async with service(tmp_path, sink=NoSink()) as opened:
        case = await opened.assess(arrival("ada", "1"))
        await accept(opened, case.id, comment="comment on ada")
        await opened.records.erase([case.id], reason=ErasureReason.LEGAL_ORDER, by="dpo-1")
        export = await opened.records.export_case(case.id, by="dpo-1")
        assert "of ada" not in json.dumps(export.model_dump(mode="json"))
        assert "on ada" not in json.dumps(export.model_dump(mode="json"))
        (left,) = export.cases
        assert (left.salt, left.runs, left.audit[-2].detail["reason"]) == (None, (), "legal-order")


async def test_every_export_stands_in_the_chain_with_who_made_it(tmp_path, store_url):
    async with service(tmp_path, url=store_url, sink=NoSink()) as opened:
        first = await opened.assess(arrival("ada", "1"))
        await accept(opened, first.id, comment="comment on ada")
        await opened.assess(arrival("ada", "2"))
        other = await opened.assess(arrival("bob", "3"))
        export = await opened.records.export_patient("Patient/ada", by="dpo-1")
        for case in export.cases:
            last = case.audit[-1]
            assert (last.step, last.detail, last.attempt) == (Step.EXPORTED, {"by": "dpo-1"}, 1)
        await opened.records.export_case(first.id, by="dpo-2")
        made = [step for step in await opened.history(first.id) if step.step is Step.EXPORTED]
        assert [step.detail["by"] for step in made] == ["dpo-1", "dpo-2"]
        assert all(step.intact is None for step in made)
        assert Step.EXPORTED not in [step.step for step in await opened.history(other.id)]
        with pytest.raises(ValueError, match="say who"):
            await opened.records.export_case(first.id, by=" ")
        with pytest.raises(UnknownCaseError):
            await opened.records.export_case("nobody", by="dpo-1")
        await opened.records.erase([first.id], reason=ErasureReason.PATIENT_REQUEST, by="dpo-1")
        # Who had the data outlives them; and reading what is left is an export, too.
        await opened.records.export_case(first.id, by="dpo-3")
        made = [step for step in await opened.history(first.id) if step.step is Step.EXPORTED]
        assert [step.detail["by"] for step in made] == ["dpo-1", "dpo-2", "dpo-3"]
        assert (await opened.verify_chain()).ok


async def test_the_file_is_the_owners_only_and_no_other_is_overwritten(tmp_path):
    async with service(tmp_path, sink=NoSink()) as opened:
        case = await opened.assess(arrival("ada", "1"))
        export = await opened.records.export_case(case.id, by="dpo-1")
    path = tmp_path / "ada.json"
    write_export(export, path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert Export.model_validate_json(path.read_text(encoding="utf-8")) == export
    before = path.read_bytes()
    with pytest.raises(FileExistsError):
        write_export(export, path)
    assert path.read_bytes() == before
