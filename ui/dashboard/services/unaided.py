"""Level first: who decides gives a level before the suggestion is shown, so that it cannot lead them.

Kept in this process until the decision; with the decision it goes into the records (``ClinicianReview.unaided_level``).
"""

import threading
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, replace

from agents import Alert, AlertCode, Case
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


@dataclass(frozen=True, slots=True)
class Agreement:
    """How decisions relate to the levels given before the suggestion was seen. Counts of decided cases.

    ``asked``: cases with such a level. ``alike``: it was the suggested level. ``more_urgent``, ``less_urgent``: it was
    more or less urgent than the suggestion. ``moved``: it differed, and the suggestion was decided all the same.
    ``kept``: it differed, and was decided. What is left decided a third level.
    """

    asked: int = 0
    alike: int = 0
    more_urgent: int = 0
    less_urgent: int = 0
    moved: int = 0
    kept: int = 0


def agreement(cases: Iterable[Case]) -> Agreement:
    """The counts over the current decision of every case."""
    found = [
        (case.review.unaided_level, case.assessment.level, case.review.level)
        for case in cases
        if case.review is not None and case.assessment is not None and case.review.unaided_level is not None
    ]
    return Agreement(
        asked=len(found),
        alike=sum(own == suggested for own, suggested, _ in found),
        more_urgent=sum(own < suggested for own, suggested, _ in found),
        less_urgent=sum(own > suggested for own, suggested, _ in found),
        moved=sum(own != suggested == decided for own, suggested, decided in found),
        kept=sum(suggested != own == decided for own, suggested, decided in found),
    )
