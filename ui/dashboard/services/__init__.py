"""Between the pages and the agent."""

from ui.dashboard.services.board import SHOWN_VITALS, Board, Row, RowState, Vital
from ui.dashboard.services.connection import connect, connected, disconnect
from ui.dashboard.services.dashboard import Dashboard
from ui.dashboard.services.measurements import MEASURABLE, Typed, in_canonical_unit
from ui.dashboard.services.model_facts import Evaluation, ModelFacts
from ui.dashboard.services.problems import KEYS, Problem
from ui.dashboard.services.unaided import alert_without_level

__all__ = [
    "KEYS",
    "MEASURABLE",
    "SHOWN_VITALS",
    "Board",
    "Dashboard",
    "Evaluation",
    "ModelFacts",
    "Problem",
    "Row",
    "RowState",
    "Typed",
    "Vital",
    "alert_without_level",
    "connect",
    "connected",
    "disconnect",
    "in_canonical_unit",
]
