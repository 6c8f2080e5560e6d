"""What a click calls is not stopped half-way, and not before it began."""

import pytest
from streamlit.runtime.scriptrunner_utils.script_requests import RerunData, ScriptRequests, ScriptRequestType
from streamlit.runtime.state.safe_session_state import SafeSessionState

from ui.dashboard import clicks


class Context:
    def __init__(self):
        self.script_requests = ScriptRequests()
        self.script_requests.on_scriptrunner_yield()


@pytest.fixture
def context(monkeypatch):
    made = Context()
    monkeypatch.setattr(clicks, "get_script_run_ctx", lambda suppress_warning: made)
    return made


def test_another_click_waits_until_the_first_is_done_and_is_then_taken(context):
    requests = context.script_requests

    @clicks.whole
    def inner():
        return requests.on_scriptrunner_yield()

    @clicks.whole
    def click(level):
        requests.request_rerun(RerunData(page_name="audit"))
        assert inner() is None
        assert requests.on_scriptrunner_yield() is None
        return level

    assert click(3) == 3
    assert requests.on_scriptrunner_yield().type is ScriptRequestType.RERUN


def test_a_click_that_fails_leaves_no_guard_behind(context):
    @clicks.whole
    def click():
        raise KeyError

    context.script_requests.request_rerun(RerunData())
    with pytest.raises(KeyError):
        click()
    assert context.script_requests.on_scriptrunner_yield() is not None


def test_outside_a_run_it_is_the_function_itself(monkeypatch):
    monkeypatch.setattr(clicks, "get_script_run_ctx", lambda suppress_warning: None)
    assert clicks.whole(lambda level: level)(2) == 2


def test_a_click_that_another_one_overtakes_before_it_is_taken_is_taken(context):
    """The session of Streamlit itself: it asks for the next click first of all."""
    clicks.keep_clicks()
    clicks.keep_clicks()
    taken = []

    class Session:
        def on_script_will_rerun(self, states, **_):
            taken.append(states)

    def look():
        if context.script_requests.on_scriptrunner_yield() is not None:
            raise InterruptedError

    context.script_requests.request_rerun(RerunData(page_name="audit"))
    SafeSessionState(Session(), look).on_script_will_rerun("the first click")
    assert taken == ["the first click"]
    with pytest.raises(InterruptedError):
        look()
