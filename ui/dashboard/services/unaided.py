"""Level first: who decides gives a level before the suggestion is shown, so that it cannot lead them.

Kept in this process until the decision; with the decision it goes into the records (``ClinicianReview.unaided_level``).
"""

import threading
from collections import OrderedDict
from dataclasses import replace

from agents import Alert, AlertCode
from ui.dashboard.services.board import Row, RowState

HIDDEN = "…"
_MOST = 10_000
_NAMES_A_LEVEL = {AlertCode.DEMAND_RULE, AlertCode.MORE_URGENT, AlertCode.RECORD_LESS_URGENT}


class Unaided:
    """The levels that clinicians gave, by person and assessment; the first one holds. Safe in many threads."""

    def __init__(self) -> None:
        self._levels: OrderedDict[tuple[str, str], int] = OrderedDict()
        self._seen: OrderedDict[tuple[str, str], None] = OrderedDict()
        self._lock = threading.Lock()

    def give(self, name: str, case_id: str, assessment_id: str, level: int) -> int:
        """Keep a level, and from now on the person sees suggestions of this case. Gives the level that holds."""
        with self._lock:
            held = self._levels.setdefault((name, assessment_id), level)
            self._seen[name, case_id] = None
            while len(self._levels) > _MOST:
                self._levels.popitem(last=False)
            while len(self._seen) > _MOST:
                self._seen.popitem(last=False)
            return held

    def level(self, name: str, assessment_id: str) -> int | None:
        """What they gave for this assessment; None where nothing, as for every later assessment of a case."""
        with self._lock:
            return self._levels.get((name, assessment_id))

    def has_seen(self, name: str, case_id: str) -> bool:
        """Whether they were shown a suggestion of this case."""
        with self._lock:
            return (name, case_id) in self._seen


def row_without_suggestion(row: Row) -> Row:
    """A row that does not say what is suggested. Its place on the board is left: urgent patients stay at the top.

    Alerts stay too, without the level or rule that some of them name: hiding a deterioration would be worse.
    """
    if row.state not in {RowState.SUGGESTED, RowState.CHANGED}:
        return row
    alerts = tuple(map(alert_without_level, row.alerts))
    return replace(row, level=None, suggested=None, look_closely=False, rules_only=False, alerts=alerts)


def alert_without_level(alert: Alert) -> Alert:
    """The alert without the level or rule that it names."""
    if alert.code not in _NAMES_A_LEVEL:
        return alert
    return alert.model_copy(update={"subject": HIDDEN, "message": HIDDEN})
