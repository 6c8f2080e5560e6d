"""Between the pages and the agent."""

from ui.dashboard.services.board import SHOWN_VITALS, Board, Row, RowState, Vital
from ui.dashboard.services.connection import connect, connected, disconnect
from ui.dashboard.services.dashboard import SOURCE, Dashboard
from ui.dashboard.services.measurements import MEASURABLE
from ui.dashboard.services.problems import KEYS, Problem

__all__ = [
    "KEYS",
    "MEASURABLE",
    "SHOWN_VITALS",
    "SOURCE",
    "Board",
    "Dashboard",
    "Problem",
    "Row",
    "RowState",
    "Vital",
    "connect",
    "connected",
    "disconnect",
]
