import json

import pytest

from triage.slm.errors import ModelMissingError
from ui.cli.exits import Exit


def test_a_bundle_becomes_a_level_with_evidence_and_its_place_in_the_record(triage, bundle_file):
    result = triage("assess", str(bundle_file("26")), "--json")
    assert result.code == Exit.DONE, result.err
    (case,) = result.lines
    assessment = case["assessment"]
    assert assessment["mode"] == "model"
    assert sum(assessment["probabilities"]["p"]) == pytest.approx(1.0)
    assert assessment["level"] <= assessment["screening"]["level"] == 2
    standing = [reason for reason in assessment["reasons"] if not reason["struck"]]
    assert standing
    facts = {fact["id"]: fact for fact in case["intake"]["facts"]}
    assert all(facts[fact]["source"]["path"] for reason in standing for fact in reason["fact_ids"])


def test_the_same_file_again_is_the_same_case(triage, bundle_file):
    path = str(bundle_file("41"))
    first = triage("assess", path, "--json").lines
    second = triage("assess", path, "--json").lines
    assert [case["id"] for case in first] == [case["id"] for case in second]
    assert second[0]["assessments"] == 1


def test_a_folder_goes_on_after_a_bad_file_and_names_it(triage, bundle_file, tmp_path):
    bundle_file("41")
    (tmp_path / "bundles" / "00-broken.json").write_text("{not json")
    out = tmp_path / "out.jsonl"
    result = triage("assess", str(tmp_path / "bundles"), "--json", "--out", str(out))
    assert result.code == Exit.SOME_UNREADABLE
    assert len(result.lines) == 1
    assert "00-broken.json" in result.err
    assert [json.loads(line) for line in out.read_text().splitlines()] == result.lines


def test_nothing_readable_is_a_failure_that_names_the_file(triage, tmp_path):
    path = tmp_path / "empty.json"
    path.write_text("{}")
    result = triage("assess", str(path))
    assert result.code == Exit.FAILED
    assert "empty.json" in result.err


def test_a_missing_path_is_a_usage_error(triage):
    assert triage("assess", "nowhere.json").code == Exit.USAGE


def test_a_file_cannot_be_written_back_to(triage, bundle_file):
    result = triage("assess", str(bundle_file("41")), "--write")
    assert result.code == Exit.USAGE
    assert "--write" in result.err


def test_without_the_model_the_rules_answer_and_say_so(triage, bundle_file, monkeypatch):
    monkeypatch.setenv("TRIAGE_MODEL__ENGINE", "none")
    result = triage("assess", str(bundle_file("26")), "--json")
    assert result.code == Exit.RULES_ONLY
    assessment = result.lines[0]["assessment"]
    assert (assessment["mode"], assessment["probabilities"], assessment["model_level"]) == (
        "rules-only",
        None,
        None,
    )
    assert assessment["mode_reason"] == ModelMissingError.__name__
    assert assessment["needs_human"]
    assert assessment["level"] == assessment["screening"]["level"]
    assert "RULES ONLY" in triage("cases").out or "rules only" in triage("cases").out


def test_a_server_that_is_away_is_named_and_nothing_is_triaged(triage):
    result = triage("assess", "http://127.0.0.1:9/fhir")
    assert result.code == Exit.FAILED
    assert "not read" in result.err


def test_a_wrong_setting_is_named(triage, bundle_file, monkeypatch):
    monkeypatch.setenv("TRIAGE_SCALE", "APGAR")
    result = triage("assess", str(bundle_file("41")))
    assert result.code == Exit.USAGE
    assert "TRIAGE_SCALE" in result.err
