"""The one ``Dashboard`` of the process."""

import atexit
import threading

from integrations.settings import Settings
from ui.dashboard.services.dashboard import Dashboard

_lock = threading.Lock()
_current: Dashboard | None = None


def connected() -> Dashboard:
    """The process's dashboard, opened at the first call with the configured settings.

    A module's own variable and not Streamlit's resource cache: whoever clears that cache would open the agent a
    second time beside the first.
    """
    with _lock:
        return _current if _current is not None else _open()


def connect(dashboard: Dashboard) -> None:
    """Use this one; tests and benchmarks open theirs."""
    global _current  # noqa: PLW0603 - there is one in a process
    with _lock:
        _current = dashboard


def disconnect() -> None:
    """Close it; the next ``connected`` opens another."""
    global _current
    with _lock:
        dashboard, _current = _current, None
    if dashboard is not None:
        dashboard.close()


def _open() -> Dashboard:
    global _current  # noqa: PLW0603
    _current = Dashboard(Settings())
    atexit.register(disconnect)
    return _current
