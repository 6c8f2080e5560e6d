"""The gate with the real rules, model and agent: it holds, and it can fail."""

import json

import pytest
from typer.testing import CliRunner

import eval.gate.reference as reference_module
from data_schemas import EsiVersion, FactKind, RuleTier
from eval.gate import (
    GATE_MODELS,
    GateError,
    gate_cases,
    judge,
    read_reference,
    run_gate,
    write_reference,
)
from eval.gate.cases import read_cases
from eval.predictors.rules import RulesPredictor
from integrations.settings import Settings
from triage.esi import in_danger_zone
from triage.guidelines import GuidelineLibrary
from triage.training.corpus.authored import authored_cases
from ui.cli.app import app

HIGH = {case.id for case in gate_cases() if case.level <= 2}


@pytest.fixture(scope="module")
def reference():
    return read_reference()


def changed(reference, model, **levels):
    """The recorded answers with some cases of one model answered otherwise."""
    now = {name: dict(found) for name, found in reference.answers.levels.items()}
    now[model].update({name.replace("_", "-"): level for name, level in levels.items()})
    return reference.answers.model_copy(update={"levels": now})


@pytest.mark.timeout(900)  # about 20 s of work, minutes where the cores are shared
def test_the_shipped_program_holds(reference):
    report = judge(run_gate(Settings()), reference)
    assert report.holds, "\n".join(map(str, (*report.falls, *report.changes)))


@pytest.mark.slow
def test_the_base_model_without_its_adapter_does_not(reference):
    report = judge(run_gate(Settings().with_adapter("none")), reference)
    fallen = {(fall.model, fall.score) for fall in report.falls}
    assert {("slm", "accuracy"), ("slm", "quadratic_weighted_kappa"), ("agent", "accuracy")} <= fallen
    assert not any(fall.model == "rules" for fall in report.falls)


def test_rules_without_their_demands_do_not(reference):
    whole = GuidelineLibrary.load(EsiVersion.V5)
    rest = [item for item in whole if item.tier is not RuleTier.DEMAND]
    blind = RulesPredictor(EsiVersion.V5, GuidelineLibrary(rest, EsiVersion.V5))
    levels = {item.case_id: item.predicted for item in blind.predict(gate_cases())}
    report = judge(changed(reference, "rules", **levels), reference)
    (fall,) = [fall for fall in report.falls if fall.score == "recall_high"]
    assert (fall.model, fall.reason) == ("rules", "score")
    assert fall.high < 0
    assert len(fall.case_ids) >= 5
    assert set(fall.case_ids) <= HIGH
    assert all(case_id in str(fall) for case_id in fall.case_ids)


@pytest.mark.parametrize("level", [4, 5, None])
def test_one_patient_who_must_not_wait_is_enough(reference, level):
    report = judge(changed(reference, "agent", adult_chest_pressure=level), reference)
    (fall,) = report.falls
    assert (fall.reason, fall.model, fall.case_ids) == ("strict", "agent", ("adult-chest-pressure",))
    (change,) = report.changes
    assert (change.before, change.now, change.worse) == (2, level, True)
    assert "adult-chest-pressure (level 2)" in str(change)


def test_one_other_answer_is_named_and_no_fall(reference):
    for model, case_id, level in (("agent", "adult_ankle", 3), ("slm", "adult_chest_pressure", 4)):
        report = judge(changed(reference, model, **{case_id: level}), reference)
        assert report.holds
        assert len(report.changes) == 1


def test_the_recorded_answers_hold_against_themselves(reference):
    report = judge(reference.answers, reference)
    assert report.holds
    assert report.changes == ()
    assert report.now == report.before
    assert set(report.now) == set(GATE_MODELS)


def test_better_answers_are_no_fall(reference):
    right = {case.id: case.level for case in gate_cases()}
    assert judge(changed(reference, "agent", **right), reference).holds


def test_answers_of_other_cases_are_refused(reference):
    levels = {name: dict(found) for name, found in reference.answers.levels.items()}
    del levels["slm"]["adult-cold"]
    with pytest.raises(GateError, match="answers of slm are not of the 61 cases"):
        judge(reference.answers.model_copy(update={"levels": levels}), reference)


def test_changed_cases_and_references_are_refused(reference, tmp_path, monkeypatch):
    path = tmp_path / "reference.json"
    with pytest.raises(GateError, match="no reference"):
        read_reference(path)
    assert write_reference(reference.answers, path) == reference == read_reference(path)
    content = json.loads(path.read_text())
    content["scores"]["agent"]["accuracy"] = 0.99
    path.write_text(json.dumps(content))
    with pytest.raises(GateError, match="changed by hand"):
        read_reference(path)
    path.write_text("{}")
    with pytest.raises(GateError, match="not a reference"):
        read_reference(path)
    monkeypatch.setattr(reference_module, "cases_sha256", lambda: "0" * 64)
    with pytest.raises(GateError, match=r"cases are frozen.*--new-cases"):
        read_reference()


def test_the_cases_are_of_all_kinds():
    cases = gate_cases()
    assert 40 <= len(cases) <= 70
    assert all(sum(case.level == level for case in cases) >= 9 for level in range(1, 6))
    for kind, least in (
        ("child", 8),
        ("pregnant", 4),
        ("mental", 3),
        ("trauma", 3),
        ("elder", 6),
        ("infant", 1),
    ):
        assert sum(case.id.startswith(kind) for case in cases) >= least, kind


def test_nothing_of_the_answer_reaches_the_record():
    for case in gate_cases():
        said = case.record.model_dump_json()
        assert case.why not in said
        assert "level" not in said.lower()


@pytest.mark.parametrize("version", list(EsiVersion))
def test_no_vital_sign_of_levels_3_to_5_is_in_the_danger_zone(version):
    for case in gate_cases():
        record = case.record
        for kind in (FactKind.HEART_RATE, FactKind.RESPIRATORY_RATE, FactKind.OXYGEN_SATURATION):
            inside = in_danger_zone(kind, record.number(kind), record.age_days, version)
            assert case.level <= 2 or inside is False, (case.id, kind)


def test_no_case_is_in_the_training_data():
    def runs(text, length=8):
        words = "".join(c if c.isalnum() else " " for c in text.lower()).split()
        return {tuple(words[i : i + length]) for i in range(len(words) - length + 1)}

    trained = set().union(*(runs(case.vignette) for case in authored_cases()))
    for case in gate_cases():
        assert not runs(case.note) & trained, case.id


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("level: 3, point: C, resources: 1", "does not lead to level 3"),
        ("level: 2, point: A", "does not lead to level 2"),
        ("level: 6, point: A", "level"),
        ("level: 2, point: B, colour: red", "colour"),
    ],
)
def test_a_broken_case_is_named(tmp_path, text, message):
    path = tmp_path / "cases.yaml"
    rest = "age: 30 a, sex: male, complaint: cough, note: a cough, why: because of it"
    path.write_text(f"cases:\n  - {{id: one-case, {text}, {rest}}}\n")
    with pytest.raises(GateError, match=f"one-case: .*{message}"):
        read_cases(path)


def test_the_command_asks_for_what_goes_together():
    found = CliRunner().invoke(app, ["eval", "gate", "--new-cases"])
    assert found.exit_code == 2
