"""A timer's request that waits when the page is changed is not run after it."""

import pytest
from streamlit.runtime.fragment import MemoryFragmentStorage
from streamlit.runtime.scriptrunner_utils.script_requests import (
    RerunData,
    ScriptRequests,
    ScriptRequestType,
)

from ui.dashboard import timers


class Context:
    def __init__(self) -> None:
        self.fragment_storage = MemoryFragmentStorage()
        self.script_requests = ScriptRequests()


@pytest.fixture
def context(monkeypatch: pytest.MonkeyPatch) -> Context:
    made = Context()
    made.script_requests.on_scriptrunner_yield()
    monkeypatch.setattr(timers, "get_script_run_ctx", lambda suppress_warning: made)
    return made


def test_a_timer_that_waits_is_dropped(context):
    context.script_requests.request_rerun(RerunData(fragment_id="board", is_auto_rerun=True))
    timers.drop_timers()
    assert context.script_requests.on_scriptrunner_ready().type is ScriptRequestType.STOP


def test_a_whole_run_that_waits_is_kept(context):
    context.script_requests.request_rerun(RerunData(page_name="audit"))
    timers.drop_timers()
    assert context.script_requests.on_scriptrunner_ready().type is ScriptRequestType.RERUN


def test_a_piece_of_the_page_that_is_left_cannot_be_asked_for(context, monkeypatch):
    emptied = []
    monkeypatch.setattr(context.fragment_storage, "clear", lambda: emptied.append(True))
    timers.drop_timers()
    assert emptied


def test_outside_a_run_nothing_happens(monkeypatch):
    monkeypatch.setattr(timers, "get_script_run_ctx", lambda suppress_warning: None)
    timers.drop_timers()
