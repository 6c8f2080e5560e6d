"""What a click asks for is done whole, whatever is clicked next."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from streamlit.runtime.scriptrunner_utils.script_run_context import get_script_run_ctx
from streamlit.runtime.state.safe_session_state import SafeSessionState

P = ParamSpec("P")
R = TypeVar("R")
_GUARDED = "_takes_clicks_whole"


def keep_clicks() -> None:
    """Let Streamlit take every click before it looks for the next one. Once for the process.

    Streamlit (1.67) stops a run at its next look at the session where another click waits: also before it has called
    what the first click calls (``on_click``, ``on_change``), and in the middle of it. What was not done by then is
    never done: a case that was not opened, a decision that was not taken, or was taken and not said. On a busy machine
    two clicks within a second are enough. Streamlit looks for the next click right after this, before it draws.
    """
    if not hasattr(SafeSessionState, _GUARDED):
        SafeSessionState.on_script_will_rerun = whole(SafeSessionState.on_script_will_rerun)  # type: ignore[method-assign]
        setattr(SafeSessionState, _GUARDED, True)


def whole(work: Callable[P, R]) -> Callable[P, R]:
    """Work during which no click stops the run; it is heard after it."""

    @wraps(work)
    def done(*args: P.args, **kwargs: P.kwargs) -> R:
        context = get_script_run_ctx(suppress_warning=True)
        requests = None if context is None else context.script_requests
        if requests is None or "on_scriptrunner_yield" in vars(requests):
            return work(*args, **kwargs)
        vars(requests)["on_scriptrunner_yield"] = lambda: None  # "is there something to stop for?" "no"
        try:
            return work(*args, **kwargs)
        finally:
            del vars(requests)["on_scriptrunner_yield"]

    return done
