"""The commands for patients who wait, on a record that changes."""

import json

import pytest

from ui.cli.exits import Exit


@pytest.fixture(autouse=True)
def rules_alone(monkeypatch):
    monkeypatch.setenv("TRIAGE_MODEL__ENGINE", "none")


@pytest.fixture
def worse(triage, bundle_file):
    """An ankle sprain whose heart rate is 150 when it is read again."""
    path = bundle_file("41")
    (case,) = triage("assess", str(path), "--json").lines
    bundle = json.loads(path.read_text())
    for entry in bundle["entry"]:
        resource = entry["resource"]
        codes = {coding["code"] for coding in resource.get("code", {}).get("coding", [])}
        if "8867-4" in codes:
            resource["valueQuantity"]["value"] = 150
    path.write_text(json.dumps(bundle))
    (again,) = triage("assess", str(path), "--json").lines
    assert again["id"] == case["id"]
    return again


def test_what_changed_is_shown(triage, worse):
    shown = triage("show", worse["id"])
    assert "Changed since" in shown.out
    assert "150" in shown.out
    assert "worse" in shown.out
    data = triage("show", worse["id"], "--json").lines[0]
    (heart,) = [c for c in data["changes"]["record"] if c["kind"] == "heart_rate"]
    assert (heart["trend"], heart["change"]) == ("worse", "changed")
    assert "new-danger-zone" in {alert["code"] for alert in data["alerts"]}
    assert "Changed since" in triage("explain", worse["id"]).out


def test_alerts_are_listed_until_somebody_takes_note(triage, worse):
    listed = triage("alerts", "list", "--json")
    assert listed.code == Exit.ALERTS
    for alert in listed.lines[:1]:  # one deterioration: with one reason all are taken note of
        taken = triage("alerts", "ack", alert["id"], "--by", "n1", "--role", "nurse")
        assert taken.code == Exit.DONE, taken.err
    assert triage("alerts", "ack", alert["id"], "--by", "n2").code == Exit.DECIDED
    assert triage("alerts", "ack", "nobody").code == Exit.FAILED
    nothing = triage("alerts", "list")
    assert (nothing.code, "no alert is open" in nothing.out) == (Exit.DONE, True)
    assert "n1" in triage("alerts", "list", "--all").out
    assert triage("audit", "verify").code == Exit.DONE


def test_who_is_overdue_is_marked(triage, worse, monkeypatch):
    monkeypatch.setenv("TRIAGE_REASSESS_MINUTES", "1:0,2:0,3:0,4:0,5:0")
    (due,) = triage("cases", "--due", "--json").lines
    assert due["overdue"]
    assert "OVERDUE" in triage("cases", "--due").out
    assert "OVERDUE" in triage("cases").out
    monkeypatch.setenv("TRIAGE_REASSESS_MINUTES", "1:0,2:0,3:0,4:0")
    wrong = triage("cases")
    assert wrong.code == Exit.USAGE
    assert "TRIAGE_REASSESS_MINUTES" in wrong.err
    assert "level 5" in wrong.err


def test_an_urgent_suggestion_takes_a_confirmation(triage, bundle_file):
    (case,) = triage("assess", str(bundle_file("20")), "--json").lines
    assert case["assessment"]["level"] == 1
    plain = triage("review", case["id"], "--accept", "--reviewer", "n1")
    assert plain.code == Exit.USAGE
    assert "--confirm" in plain.err
    assert triage("review", case["id"], "--accept", "--confirm", "--reviewer", "n1").code == Exit.DONE


def test_an_old_suggestion_is_refused_and_assessed_again(triage, bundle_file, monkeypatch):
    path = bundle_file("41")
    monkeypatch.setenv("TRIAGE_REVIEW__SUGGESTION_MINUTES", "0.00001")
    (case,) = triage("assess", str(path), "--json").lines
    refused = triage("review", case["id"], "--accept")
    assert refused.code == Exit.DECIDED
    assert "assess the patient again" in refused.err
    (again,) = triage("assess", str(path), "--json").lines
    assert (again["id"], again["assessments"]) == (case["id"], 2)
    monkeypatch.setenv("TRIAGE_REVIEW__SUGGESTION_MINUTES", "30")
    done = triage("review", case["id"], "--accept", "--assessment", again["assessment"]["id"])
    assert done.code == Exit.DONE, done.err


def test_a_rule_to_consider_asks_why_not(triage, worse):
    lower = ("--override", "4", "--reason", "clinical-judgement", "--assessment", worse["assessment"]["id"])
    decided = triage("review", worse["id"], *lower)
    assert decided.code == Exit.DONE, decided.err
    assert "asked, not answered" in decided.err
    assert "esi.d.hr" in decided.err


def test_an_answer_is_kept(triage, worse):
    lower = ("--override", "4", "--reason", "clinical-judgement", "--assessment", worse["assessment"]["id"])
    decided = triage("review", worse["id"], *lower, "--why-not", "ran to the bus")
    assert decided.code == Exit.DONE, decided.err
    assert "not answered" not in decided.err
    assert triage("show", worse["id"], "--json").lines[0]["review"]["why_not"] == "ran to the bus"
