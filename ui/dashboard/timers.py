"""Leaving a page that timers draw, without being blanked by the last of them."""

from streamlit.runtime.scriptrunner_utils.script_requests import ScriptRequestType
from streamlit.runtime.scriptrunner_utils.script_run_context import get_script_run_ctx


def drop_timers() -> None:
    """Let no timer of this page run any more. To be called before the server, not the browser, changes the page.

    The browser asks for a timer's piece under the address of the page that it shows. A request that was sent before the
    browser heard of the new page is run after it, under the old address: the browser then takes the old page for the
    current one, clears the new one and shows nothing. Where the reader clicks on the navigation, Streamlit stops the
    timers itself; after ``st.switch_page`` it does not (1.67).
    """
    context = get_script_run_ctx(suppress_warning=True)
    if context is None:
        return
    context.fragment_storage.clear()  # from here on requests for its pieces are refused
    requests = context.script_requests
    if requests is None:
        return
    with requests._lock:
        waiting = requests._state is ScriptRequestType.RERUN and requests._rerun_data
        if waiting and waiting.fragment_id_queue and not waiting.is_fragment_scoped_rerun:
            requests._state = ScriptRequestType.CONTINUE
