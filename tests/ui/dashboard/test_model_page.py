"""The model page says what is known, what is not, and never goes silent about a broken file."""

import json
import shutil

import pytest
from screen_parts import actor, html_of

from integrations.settings import ModelSettings, Settings, UiSettings
from triage.slm import shipped_adapters
from triage.slm.source_attributes import GROUPS, KEYS
from ui.dashboard import services
from ui.dashboard.auth import Role
from ui.dashboard.model_parts.card import document
from ui.dashboard.services import Dashboard
from ui.dashboard.services.model_facts import model_facts
from ui.dashboard.strings import catalogue

ADAPTER = shipped_adapters()["smollm2_triage"]


def settings_of(tmp_path, **model):
    ui = UiSettings(evaluation=model.pop("evaluation", None))
    return Settings(data_dir=tmp_path / "records", model=ModelSettings(**model), ui=ui)


@pytest.fixture
def with_model(tmp_path, monkeypatch, clock):
    """Opens the dashboard with other model settings; the model itself is not asked."""
    monkeypatch.chdir(tmp_path)
    opened = []

    def make(**model):
        dashboard = Dashboard(settings_of(tmp_path, **model), clock=clock)
        opened.append(dashboard)
        services.connect(dashboard)
        return dashboard

    yield make
    for dashboard in opened:
        dashboard.close()


def test_there_are_31_source_attributes_and_none_is_empty():
    assert [len(keys) for keys in GROUPS.values()] == [4, 4, 2, 4, 2, 4, 5, 4, 2]
    assert len(KEYS) == len(set(KEYS)) == 31
    facts = model_facts(Settings(model=ModelSettings(adapter="smollm2_triage")))
    assert list(facts.attributes) == list(KEYS)
    assert all(len(answer.split()) >= 2 for answer in facts.attributes.values())
    assert not facts.broken
    for code in ("en", "es"):
        assert {f"model.attribute.{key}" for key in KEYS} <= set(catalogue(code))


def test_what_was_not_assessed_is_said_to_be_so():
    facts = model_facts(Settings(model=ModelSettings(adapter="smollm2_triage")))
    for key in ("fairness_same_source", "fairness_external"):
        assert facts.attributes[key].startswith("Not assessed")


@pytest.mark.parametrize("role", list(Role))
def test_every_role_sees_it_with_rules_only(visit, role):
    app = visit("model", role=role)
    assert not app.exception
    shown = html_of(app)
    assert "must not be used" in shown
    assert "come from the rules alone" in shown
    assert shown.count("Not answered") == 31


def test_the_shipped_model_is_described(with_model, visit, clock):
    with_model(engine="embedded", adapter="smollm2_triage")
    app = visit("model")
    assert not app.exception
    shown = html_of(app)
    facts = model_facts(services.connected().settings)
    assert facts.adapter_sha256 in shown
    # The note, and a row of each scale and of the two kinds of arrivals with numbers of their own.
    assert shown.count("No guarantee without local labels") == 6
    assert "ESI, any site, under 18" in shown
    assert "ESI, any site, with a nursing note" in shown
    assert "<h2>smollm2-triage</h2>" in shown
    assert "Not answered" not in shown
    assert "No evaluation report was found" in shown
    assert "belongs to another model" not in shown


def test_a_calibration_of_another_model_is_named(with_model, visit, tmp_path):
    other = json.loads((ADAPTER / "calibration.json").read_text())
    other["adapter_sha256"] = "0" * 64
    (tmp_path / "other.json").write_text(json.dumps(other))
    with_model(engine="embedded", adapter="smollm2_triage", calibration=tmp_path / "other.json")
    assert "belongs to another model or prompt" in html_of(visit("model"))


def test_a_promise_of_the_site_is_shown_for_that_site_only(tmp_path, with_model, visit, monkeypatch):
    file = json.loads((ADAPTER / "calibration.json").read_text())
    bound = {"risk": "levels 1-2", "alpha": 0.1, "cases": 60, "missed": 3, "threshold": 0.05}
    risk = {"bounds": [bound], "site": "west", "fitted_on": "300 rows of west", "fitted": "2026-03-01"}
    file["sites"] = {"west": {"ESI": file["scales"]["ESI"] | {"risk": risk, "groups": {}}}}
    (tmp_path / "site.json").write_text(json.dumps(file))
    with_model(engine="embedded", adapter="smollm2_triage", calibration=tmp_path / "site.json")
    assert "Nothing is promised about under-triage here" in html_of(visit("model"))
    monkeypatch.setenv("TRIAGE_SITE", "west")
    with_model(engine="embedded", adapter="smollm2_triage", calibration=tmp_path / "site.json")
    shown = html_of(visit("model"))
    assert "Nothing is promised about under-triage here" not in shown
    assert "at most 10.0% of patients of levels 1-2" in shown


def test_broken_files_are_named_not_taken_for_absent(with_model, visit, tmp_path):
    folder = tmp_path / "mine"
    shutil.copytree(ADAPTER, folder)
    (folder / "source_attributes.yaml").write_text("- a list")
    (folder / "README.md").write_bytes(b"\xff\xfe\x00")
    report = tmp_path / "comparison.json"
    report.write_text("{}")
    with_model(engine="embedded", adapter=str(folder), evaluation=report)
    shown = html_of(visit("model"))
    for name in ("source_attributes.yaml", "README.md", "comparison.json"):
        assert name in shown
    assert shown.count("Not answered") == 31


def test_the_model_is_asked_only_on_request_and_its_silence_is_said(visit):
    app = visit("model")
    assert "does not answer" not in html_of(app)
    app.button(key="model-ask").click().run()
    assert not app.exception
    assert "The model does not answer (ModelMissingError)" in html_of(app)


def test_a_card_can_load_and_run_nothing():
    made = document(
        "# T\n\n<script>alert(1)</script>\n\n![x](https://evil.example/a.png) [go](javascript:alert(1))\n\n"
        "| a | b |\n|---|---|\n| **1** | `<b>` |\n"
    )
    assert "<script" not in made
    assert "<img" not in made
    assert "href" not in made
    assert "<h2>T</h2>" in made
    assert "<td><strong>1</strong></td>" in made
    assert "<code>&lt;b&gt;</code>" in made


def test_who_may_not_see_it_gets_nothing(dashboard, monkeypatch):
    from ui.dashboard.auth import PERMISSIONS, Permission
    from ui.dashboard.services import Problem

    monkeypatch.setitem(PERMISSIONS, Role.NURSE, PERMISSIONS[Role.NURSE] - {Permission.SEE_MODEL})
    with pytest.raises(Problem) as refused:
        dashboard.model(actor())
    assert refused.value.key == "not-allowed"
