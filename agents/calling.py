"""One deterioration is one call with its reasons: alerts put together that one assessment raised.

Each reason stays an alert of its own in the records and in the audit chain; only reading and taking note are together.
"""

from collections.abc import Iterable
from datetime import datetime

from agents.alerts import Alert, AlertCode
from data_schemas._base import Frozen


class Call(Frozen):
    """Why somebody is called to one patient: the alerts of one assessment, oldest finding first; at least one."""

    case_id: str
    assessment_id: str
    reasons: tuple[Alert, ...]

    @property
    def id(self) -> str:
        """That of its first reason; any reason's id names the call."""
        return self.reasons[0].id

    @property
    def since(self) -> datetime:
        """When the first of what it rests on was observed."""
        return min(alert.since for alert in self.reasons)

    @property
    def open(self) -> bool:
        """Whether nobody took note yet of one reason at least."""
        return any(alert.acknowledged is None for alert in self.reasons)


def calls(alerts: Iterable[Alert]) -> tuple[Call, ...]:
    """The alerts by what they call for, in the order of the first of each.

    A less urgent level in the hospital's record calls for something else than a deterioration, so it stays apart; and
    so do reasons that somebody took note of, from those of the same assessment that are open.
    """
    found: dict[tuple[str, str, bool, bool], list[Alert]] = {}
    for alert in alerts:
        record = alert.code is AlertCode.RECORD_LESS_URGENT
        key = (alert.case_id, alert.assessment_id, record, alert.acknowledged is None)
        found.setdefault(key, []).append(alert)
    return tuple(
        Call(case_id=key[0], assessment_id=key[1], reasons=tuple(sorted(group, key=_since)))
        for key, group in found.items()
    )


def _since(alert: Alert) -> datetime:
    return alert.since
