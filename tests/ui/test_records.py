"""The commands on records: export, replay, retention and erasure, as a person gives them."""

import json

import pytest

from ui.cli.exits import Exit


@pytest.fixture
def decided(triage, bundle_file, monkeypatch):
    """A closed case, by the rules alone."""
    monkeypatch.setenv("TRIAGE_MODEL__ENGINE", "none")
    (case,) = triage("assess", str(bundle_file("41")), "--json").lines
    assert triage("review", case["id"], "--accept", "--reviewer", "n1").code == Exit.DONE
    return case


def test_a_case_is_exported_to_a_file_that_is_not_overwritten(triage, decided, tmp_path):
    out = tmp_path / "export.json"
    done = triage("records", "export", decided["id"], "--out", str(out))
    assert done.code == Exit.DONE, done.err
    (case,) = json.loads(out.read_text())["cases"]
    assert case["runs"][0]["review"]["reviewer"] == "n1"
    assert triage("records", "export", decided["id"], "--out", str(out)).code == Exit.USAGE
    reference = decided["intake"]["patient"]["reference"]
    other = tmp_path / "patient.json"
    assert triage("records", "export", "--patient", reference, "--out", str(other)).code == Exit.DONE
    assert json.loads(other.read_text())["patient"] == reference
    nobody = triage("records", "export", "--patient", "Patient/nobody", "--out", str(tmp_path / "x.json"))
    assert nobody.code == Exit.FAILED
    assert not (tmp_path / "x.json").exists()
    assert triage("records", "export", "--out", str(tmp_path / "x.json")).code == Exit.USAGE


def test_a_case_is_erased_once_with_reason_and_name(triage, decided):
    assert triage("records", "erase", decided["id"], "--by", "dpo").code == Exit.USAGE  # no reason
    arguments = ("records", "erase", decided["id"], "--reason", "patient-request")
    assert triage(*arguments, "--by", " ").code == Exit.USAGE
    done = triage(*arguments, "--by", "dpo")
    assert done.code == Exit.DONE, done.err
    assert "1 case erased" in done.out
    verified = triage("audit", "verify")
    assert verified.code == Exit.DONE
    assert "1 case erased" in verified.out
    assert triage("cases", "--json").lines == []
    again = triage(*arguments, "--by", "dpo")
    assert (again.code, "was erased before" in again.out) == (Exit.DONE, True)


def test_a_waiting_case_is_kept_and_it_is_said(triage, bundle_file, monkeypatch):
    monkeypatch.setenv("TRIAGE_MODEL__ENGINE", "none")
    (case,) = triage("assess", str(bundle_file("41")), "--json").lines
    arguments = ("records", "erase", case["id"], "--reason", "other", "--by", "dpo")
    kept = triage(*arguments)
    assert kept.code == Exit.FAILED
    assert "awaiting-review" in kept.err
    assert triage("records", "purge", "--older-than", "1", "--json").code == Exit.DONE
    assert len(triage("cases", "--json").lines) == 1
    assert triage(*arguments, "--undecided").code == Exit.DONE


def test_purging_needs_an_age_and_a_dry_run_erases_nothing(triage, decided, monkeypatch):
    assert triage("records", "purge").code == Exit.USAGE
    monkeypatch.setenv("TRIAGE_RETENTION_DAYS", "30")
    looked = triage("records", "purge", "--dry-run")
    assert looked.code == Exit.DONE
    assert "0 cases closed more than 30 days ago" in looked.out
    assert triage("records", "purge").code == Exit.DONE
    assert len(triage("cases", "--json").lines) == 1
    monkeypatch.setenv("TRIAGE_RETENTION_DAYS", "0")
    wrong = triage("records", "purge")
    assert wrong.code == Exit.USAGE
    assert "TRIAGE_RETENTION_DAYS" in wrong.err


def test_a_replay_says_identical_or_what_differs(triage, decided, monkeypatch):
    same = triage("replay", decided["id"])
    assert same.code == Exit.DONE, same.out + same.err
    assert "identical" in same.out
    assert "did not take part" in same.out
    monkeypatch.setenv("TRIAGE_SCALE", "KTAS")  # configured otherwise since: it is replayed as it was asked
    assert triage("replay", decided["id"], "--json").code == Exit.DONE


def test_compacting_says_that_it_was_done(triage, decided):
    assert "rewritten" in triage("records", "compact").out
