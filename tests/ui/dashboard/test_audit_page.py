"""The audit page: timeline, a chain that is really broken, a replay that really differs, and who may do what."""

import json
import sqlite3
from pathlib import Path

import pytest
from screen_parts import actor, html_of
from streamlit.runtime.scriptrunner_utils.exceptions import StopException
from streamlit.runtime.scriptrunner_utils.script_requests import RerunData
from streamlit.runtime.scriptrunner_utils.script_run_context import get_script_run_ctx

from agents import ChainReport, Step
from agents.values import CasePhase
from data_schemas import OverrideReason, ReviewDecision
from ui.dashboard.audit_parts.chain import first_bad
from ui.dashboard.auth import Permission, Role
from ui.dashboard.here import Here
from ui.dashboard.services import Problem
from ui.dashboard.strings import catalogue
from ui.dashboard.views import audit


@pytest.fixture
def decided(dashboard, arrive):
    """A case that was decided, against the suggestion."""
    case_id = arrive("chest pain", heart_rate=88)
    case = dashboard.case(actor(), case_id)
    level = 1 if case.assessment.level != 1 else 2
    dashboard.decide(
        actor("physician"),
        case_id,
        case.assessment.id,
        ReviewDecision.OVERRIDE,
        level=level,
        reason=OverrideReason.CLINICAL_JUDGEMENT,
    )
    return case_id


def tamper(settings, statement, *values):
    """Change the records behind the program's back, as somebody with the file in hands could."""
    with sqlite3.connect(Path(settings.data_dir) / "triage.db") as connection:
        for (name,) in connection.execute("select name from sqlite_master where type = 'trigger'").fetchall():
            connection.execute(f"drop trigger {name}")
        assert connection.execute(statement, values).rowcount == 1


def test_without_cases_it_says_so(visit):
    app = visit("audit", role="auditor")
    assert not app.exception
    assert "There are no cases yet" in html_of(app)
    assert "No case is chosen" in html_of(app)


def test_a_recent_case_is_chosen_in_the_session_only(visit, decided):
    app = visit("audit", role="auditor")
    app.selectbox(key="audit-recent").select(decided)
    app.run().button(key="audit-open").click().run()
    assert not app.exception
    assert app.session_state["case_id"] == decided
    assert "case" not in str(app.query_params)
    shown = html_of(app)
    for words in ("Record read", "Clinician decided", "Closed", "As recorded"):
        assert words in shown
    assert "ed-chip ed-tone-danger" not in shown


def test_a_case_is_found_by_its_id_and_an_unknown_one_named(visit, decided):
    app = visit("audit", role="auditor")
    app.text_input(key="audit-typed").input(f" {decided} ").run().button(key="audit-open").click().run()
    assert "Clinician decided" in html_of(app)
    app.text_input(key="audit-typed").input("nobody").run().button(key="audit-open").click().run()
    assert not app.exception
    assert "no longer in the records" in html_of(app)


def test_a_chain_that_holds(visit, decided):
    app = visit("audit", role="auditor")
    assert "The chain holds" not in html_of(app)
    app.button(key="audit-verify").click().run()
    assert not app.exception
    assert "The chain holds" in html_of(app)


class CutShort:
    """Streamlit stops the run of a click at the next element, where another click comes before it is drawn."""

    def __init__(self, monkeypatch):
        self.monkeypatch = monkeypatch

    def click(self, button):
        def stopped(*_):
            raise StopException

        with self.monkeypatch.context() as cut:
            cut.setattr(audit, "heading", stopped)
            button.click().run()
        button.set_value(False)  # the browser sends a click once


@pytest.fixture
def cut_short(monkeypatch):
    return CutShort(monkeypatch)


def test_two_quick_clicks_show_and_check_are_both_done(visit, decided, cut_short):
    app = visit("audit", role="auditor")
    app.selectbox(key="audit-recent").select(decided).run()
    show, check = app.button(key="audit-open"), app.button(key="audit-verify")
    cut_short.click(show)
    check.click().run()
    assert not app.exception
    assert "Clinician decided" in html_of(app)
    assert "The chain holds" in html_of(app)


@pytest.mark.parametrize(
    ("first", "done"), [("verify", "The chain holds"), ("replay", "The same answer"), ("export", None)]
)
def test_a_click_that_another_one_overtakes_is_still_done_and_done_once(
    visit, decided, cut_short, dashboard, monkeypatch, first, done
):
    calls = []

    def counted(real):
        def call(*args):
            calls.append(real.__name__)
            return real(*args)

        return call

    for name in ("verify_chain", "replay", "export"):
        monkeypatch.setattr(dashboard, name, counted(getattr(dashboard, name)))
    app = visit("audit", role="auditor", case=decided)
    button = app.button(key=f"audit-{first}")
    typed = app.text_input(key="audit-typed")
    cut_short.click(button)
    typed.input("something else").run()
    assert not app.exception
    assert done in html_of(app) if done else app.get("download_button")
    app.run()
    assert len(calls) == 1


def test_a_click_that_comes_while_the_one_before_is_being_taken_waits_its_turn(visit, decided, monkeypatch):
    """Streamlit looks for the next click at each use of the session, in the middle of what the first one calls."""
    app = visit("audit", role="auditor")
    app.selectbox(key="audit-recent").select(decided).run()
    check = app.button(key="audit-verify").click()
    second = app._tree.get_widget_states()
    check.set_value(False)
    choose = Here.choose

    def overtaken(here, case_id):
        get_script_run_ctx().script_requests.request_rerun(RerunData(widget_states=second))
        choose(here, case_id)

    monkeypatch.setattr(Here, "choose", overtaken)
    app.button(key="audit-open").click().run()
    assert not app.exception
    assert app.session_state["case_id"] == decided
    assert "Clinician decided" in html_of(app)
    assert "The chain holds" in html_of(app)


def test_what_was_asked_of_one_case_is_not_done_of_the_next(visit, decided, arrive, cut_short):
    other = arrive("cough")
    app = visit("audit", role="auditor", case=decided)
    app.text_input(key="audit-typed").input(other).run()
    replay, show = app.button(key="audit-replay"), app.button(key="audit-open")
    cut_short.click(replay)
    show.click().run()
    assert not app.exception
    assert "The same answer" not in html_of(app)
    app.text_input(key="audit-typed").input(decided).run().button(key="audit-open").click().run()
    assert "The same answer" not in html_of(app)


def test_a_chain_that_was_tampered_with_names_the_first_bad_entry(visit, decided, settings):
    tamper(settings, "update audit set at = '2020-01-01T00:00:00+00:00' where sequence = 3")
    app = visit("audit", role="auditor")
    app.button(key="audit-verify").click().run()
    assert not app.exception
    assert "The chain is broken" in html_of(app)
    assert "The first bad entry is number 3." in html_of(app)


def test_evidence_that_was_tampered_with_is_marked_in_the_timeline(visit, decided, settings, dashboard):
    value = json.loads(dashboard.case(actor(), decided).review.model_dump_json())
    value["level"] = 5
    tamper(settings, "update reviews set value = ? where case_id = ?", json.dumps(value), decided)
    app = visit("audit", role="auditor", case=decided)
    assert not app.exception
    assert "The evidence of 1 step is not what was recorded" in html_of(app)


def test_a_replay_that_gives_the_same(visit, decided):
    app = visit("audit", role="informatics", case=decided)
    app.button(key="audit-replay").click().run()
    assert not app.exception
    assert "The same answer" in html_of(app)


def test_a_replay_that_differs_says_where(visit, decided, settings, dashboard):
    stored = json.loads(dashboard.case(actor(), decided).assessment.model_dump_json())
    stored["level"] = stored["set_least_urgent"] = 5
    stored["floor"] = None
    tamper(settings, "update assessments set value = ? where case_id = ?", json.dumps(stored), decided)
    app = visit("audit", role="auditor", case=decided)
    app.button(key="audit-replay").click().run()
    assert not app.exception
    shown = html_of(app)
    assert "came out otherwise" in shown
    assert "Stored and made again" in shown
    assert ">level<" in shown
    assert "The same answer" not in shown


def test_the_replay_of_one_case_is_not_shown_with_another(visit, decided, arrive):
    other = arrive("cough")
    app = visit("audit", role="auditor", case=decided)
    app.button(key="audit-replay").click().run()
    assert "The same answer" in html_of(app)
    app.text_input(key="audit-typed").input(other).run().button(key="audit-open").click().run()
    assert "The same answer" not in html_of(app)


def test_only_who_may_exports(visit, decided, dashboard):
    app = visit("audit", role="auditor", case=decided)
    assert not app.get("download_button")
    app.button(key="audit-export").click().run()
    assert not app.exception
    assert len(app.get("download_button")) == 1
    assert decided not in str(app.get("download_button")[0].proto)
    app = visit("audit", role="informatics", case=decided)
    assert "audit-export" not in {button.key for button in app.button}
    with pytest.raises(Problem) as refused:
        dashboard.export(actor("informatics"), decided)
    assert refused.value.key == "not-allowed"


def test_informatics_sees_no_name_and_may_not_check_the_chain(visit, arrive):
    case_id = arrive(name="Ada Example")
    app = visit("audit", role="informatics", case=case_id)
    assert "Ada Example" not in html_of(app)
    assert "may not check the chain" in html_of(app)
    assert "audit-verify" not in {button.key for button in app.button}


@pytest.mark.parametrize("role", ["nurse", "physician", "researcher"])
def test_others_have_no_such_page(visit, decided, role):
    app = visit("audit", role=role, case=decided)
    assert not app.exception
    assert "audit-replay" not in {button.key for button in app.button}
    assert "Check the whole chain" not in html_of(app)


def test_records_that_are_away_are_said_to_be(visit, decided, dashboard):
    dashboard.close()
    app = visit("audit", role="auditor", case=decided)
    assert not app.exception
    assert "does not answer" in html_of(app)
    app.button(key="audit-verify").click().run()
    assert not app.exception
    assert "The chain holds" not in html_of(app)


def test_a_failed_check_leaves_no_older_verdict_standing(visit, decided, dashboard):
    app = visit("audit", role="auditor")
    app.button(key="audit-verify").click().run()
    assert "The chain holds" in html_of(app)
    dashboard.close()
    app.button(key="audit-verify").click().run()
    assert "The chain holds" not in html_of(app)


def test_every_problem_of_the_chain_gives_its_entry():
    assert first_bad(["entries 4 to 6 are missing", "entry 7 does not follow the one before it"]) == 4
    assert first_bad(["the detail of entry 9 was changed", "entry 12 was changed"]) == 9
    assert first_bad(["the head does not match entry 3: the tail was cut or the head changed"]) is None
    assert first_bad(ChainReport(ok=True, entries=0, head="").problems) is None


def test_every_code_has_its_words():
    for code in ("en", "es"):
        found = set(catalogue(code))
        assert {f"audit.step.{step}" for step in Step} <= found
        assert {f"audit.phase.{phase}" for phase in CasePhase} <= found
        assert {f"audit.permission.{one}" for one in Permission} <= found
        assert {f"role.{role}" for role in Role} <= found
