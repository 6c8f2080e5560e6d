"""A stored answer is given again from what was stored; what differs is named, and nothing is written."""

import json

import pytest
from agent_parts import IDENTITY, Recorded, accept, answer, record, service
from sqlalchemy import text

from agents import AgentSettings, CaseService, ErasedCaseError, ErasureReason, NoSink, UnknownCaseError
from agents.graph import NODES
from agents.store.engine import sqlite_url
from data_schemas import AcuityScale, EsiVersion, LevelProbabilities
from triage.esi import screen
from triage.guidelines import GuidelineLibrary
from triage.slm import EmbeddedEngine, EngineError, ScaleCalibration, Triager
from triage.slm.calibration import Calibration
from triage.slm.fetch import fetch_base_model

SAID = answer(2, "F2", "F3", "esi.d.hr")


async def stored(folder, url=None, said=SAID, **more):
    """The case of a fast heart, assessed with recorded answers."""
    async with service(folder, url=url, triager=Recorded(said), **more) as opened:
        return await opened.assess(record(hr=130))


async def replayed(folder, case_id, *, url=None, said=SAID, **more):
    async with CaseService.open(
        url or sqlite_url(folder / "triage.db"),
        triager=more.pop("triager", None) or Recorded(said),
        calibration=more.pop("calibration", Calibration.none()),
        sink=NoSink(),
        settings=more.pop("settings", AgentSettings()),
        **more,
    ) as opened:
        before = (await opened.verify_chain()).head
        result = await opened.records.replay(case_id)
        assert (await opened.verify_chain()).head == before
        return result


def test_every_step_that_makes_the_suggestion_is_replayed():
    """A step that is added before the proposal must be replayed, too: teach ``agents.replay`` to."""
    names = [name for name, _ in NODES]
    assert names[: names.index("propose")] == ["screen", "assess", "verify", "second_look", "reconcile"]


async def test_the_same_answer_is_identical(tmp_path, store_url):
    case = await stored(tmp_path, store_url)
    result = await replayed(tmp_path, case.id, url=store_url)
    assert (result.identical, result.differences, result.changes, result.not_replayed) == (True, (), (), {})
    assert set(result.replayed) == {"rules", "model", "evidence", "suggestion"}


async def test_another_answer_of_the_same_model_is_a_difference_named_to_the_field(tmp_path):
    case = await stored(tmp_path)
    p = list(SAID.probabilities.p)
    p[0], p[1] = p[0] + 0.1, p[1] - 0.1
    other = SAID.model_copy(
        update={"level": 3, "citations": SAID.citations[:1], "probabilities": LevelProbabilities(p=tuple(p))}
    )
    result = await replayed(tmp_path, case.id, said=other)
    assert not result.identical
    assert {(d.part, d.field.partition("[")[0]) for d in result.differences} == {
        ("model", "level"),
        ("model", "citations"),
        ("model", "probabilities.p"),
    }
    # The other parts are made from what was stored, and are the same.
    assert set(result.replayed) == {"rules", "model", "evidence", "suggestion"}


@pytest.mark.parametrize(("engine", "same"), [("embedded", False), ("vllm", True)])
async def test_bits_count_for_the_embedded_engine_only(tmp_path, engine, same):
    said = SAID.model_copy(update={"identity": IDENTITY.model_copy(update={"engine": engine})})
    case = await stored(tmp_path, said=said)
    p = (0.05, 0.8 + 1e-9, 0.05, 0.05, 0.05 - 1e-9)
    result = await replayed(
        tmp_path, case.id, said=said.model_copy(update={"probabilities": LevelProbabilities(p=p)})
    )
    assert result.identical is same
    assert bool(result.notes) is same


@pytest.mark.parametrize(
    ("field", "words"),
    [
        ("weights_sha256", "model hash"),
        ("adapter_sha256", "adapter"),
        ("prompt_version", "prompt version"),
        ("model", "model"),
        ("engine", "engine"),
    ],
)
async def test_another_model_is_named_and_only_its_part_cannot_be_replayed(tmp_path, field, words):
    case = await stored(tmp_path)
    other = SAID.model_copy(update={"identity": IDENTITY.model_copy(update={field: "f" * 64})})
    result = await replayed(tmp_path, case.id, said=other)
    assert not result.identical
    assert result.not_replayed == {"model": f"another {words}"}
    assert [change.what for change in result.changes] == [words]
    assert set(result.replayed) == {"rules", "evidence", "suggestion"}
    assert result.differences == ()


async def test_a_model_that_does_not_answer_is_no_difference_and_not_identical(tmp_path):
    case = await stored(tmp_path)
    for error in (EngineError("gone"), ZeroDivisionError("quotes the prompt")):
        result = await replayed(tmp_path, case.id, said=error)
        assert not result.identical
        assert type(error).__name__ in result.not_replayed["model"]
        assert "prompt" not in json.dumps(result.model_dump(mode="json"))


def changed_library(statement_id: str, **update) -> GuidelineLibrary:
    statements = [
        item.model_copy(update=update) if item.id == statement_id else item
        for item in GuidelineLibrary.load()
    ]
    return GuidelineLibrary(statements, EsiVersion.V5)


async def test_a_changed_guideline_statement_is_named(tmp_path):
    case = await stored(tmp_path)
    finding = case.assessment.screening.findings[0].statement.id
    library = changed_library(finding, text="Another sentence about the same thing.")
    result = await replayed(
        tmp_path,
        case.id,
        library=library,
        rules=lambda record, version: screen(record, version, library),
    )
    assert not result.identical
    assert {c.what for c in result.changes} == {"guideline library", f"guideline statement {finding}"}
    assert {d.part for d in result.differences} >= {"rules", "evidence"}
    assert "model" in result.replayed  # the prompt shows the short wording, which is the same


async def test_a_statement_that_touches_nobody_here_changes_nothing_but_is_named(tmp_path):
    case = await stored(tmp_path)
    cited = {finding.statement.id for finding in case.assessment.screening.findings}
    other = next(item.id for item in GuidelineLibrary.load() if item.id not in cited | {"esi.d.hr"})
    library = changed_library(other, text="Another sentence about something else.")
    result = await replayed(tmp_path, case.id, library=library)
    assert result.identical
    assert f"guideline statement {other}" in {c.what for c in result.changes}


async def test_another_wording_in_the_prompt_is_another_question(tmp_path):
    case = await stored(tmp_path)
    shown = case.assessment.screening.findings[0].statement.id
    result = await replayed(tmp_path, case.id, library=changed_library(shown, short="Short and new"))
    assert result.not_replayed["model"] == "another prompt text"


async def test_another_calibration_is_named(tmp_path):
    case = await stored(tmp_path)
    calibration = Calibration("site@1", ScaleCalibration(temperature=2.0))
    result = await replayed(tmp_path, case.id, calibration=calibration)
    assert result.not_replayed == {"suggestion": "another calibration"}
    assert [(c.what, c.stored, c.now) for c in result.changes] == [("calibration", "uncalibrated", "site@1")]


async def test_another_scale_or_table_is_named(tmp_path):
    case = await stored(tmp_path)
    result = await replayed(tmp_path, case.id, settings=AgentSettings(scale=AcuityScale.KTAS))
    assert "KTAS" in result.not_replayed["model"]
    assert set(result.replayed) == {"rules", "evidence", "suggestion"}
    result = await replayed(tmp_path, case.id, settings=AgentSettings(esi_version=EsiVersion.V4))
    assert {"rules", "evidence", "suggestion"} <= set(result.not_replayed)
    assert not result.identical


async def test_rules_alone_are_replayed_and_it_is_said(tmp_path):
    case = await stored(tmp_path, said=EngineError("gone"))
    result = await replayed(tmp_path, case.id)
    assert result.identical
    assert "did not take part (EngineError)" in result.notes[0]


async def test_an_older_assessment_is_replayed_by_its_id_and_an_older_row_says_not_recorded(tmp_path):
    case = await stored(tmp_path)
    async with service(tmp_path, triager=Recorded(SAID)) as opened:
        await opened.assess(record(hr=150))
        result = await opened.records.replay(case.id, case.assessment.id)
        assert (result.identical, result.assessment_id) == (True, case.assessment.id)
        for wrong in (("nobody",), (case.id, "nothing")):
            with pytest.raises(UnknownCaseError):
                await opened.records.replay(*wrong)
        with opened._store.database.engine.begin() as db:
            db.execute(text("DROP TRIGGER assessments_no_update"))
            db.execute(text("UPDATE assessments SET provenance = NULL"))
        result = await opened.records.replay(case.id, case.assessment.id)
        assert result.identical
        assert {c.stored for c in result.changes} == {"not recorded"}
        assert {c.what for c in result.changes} >= {"guideline library", "prompt text", "rules' program text"}


async def test_an_erased_case_cannot_be_replayed(tmp_path):
    case = await stored(tmp_path)
    async with service(tmp_path) as opened:
        await accept(opened, case.id)
        await opened.records.erase([case.id], reason=ErasureReason.OTHER, by="dpo-1")
        with pytest.raises(ErasedCaseError):
            await opened.records.replay(case.id)


async def test_the_real_model_answers_with_equal_bits(tmp_path):
    fetch_base_model()
    short = GuidelineLibrary.load().short
    for turn in range(2):
        engine = EmbeddedEngine.open(threads=1)  # loaded anew: nothing is remembered from the first time
        try:
            if turn == 0:
                async with service(tmp_path, triager=Triager(engine, short), assess_timeout=300) as opened:
                    case = await opened.assess(record(hr=130))
                    assert case.assessment.mode.value == "model"
            else:
                result = await replayed(tmp_path, case.id, triager=Triager(engine, short))
                assert result.identical, result
                assert "model" in result.replayed
        finally:
            await engine.close()
