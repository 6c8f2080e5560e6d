"""When a waiting patient is to be looked at again, and when a suggestion is too old to be decided on."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from agents.values import Case, CasePhase, EarlierRun
from data_schemas import LEVELS, VITAL_SIGNS, FactKind
from data_schemas._base import Frozen

Minutes = tuple[int, int, int, int, int]
"""Minutes until the next look, for levels 1 to 5; 0 is at once and without a break."""

DEFAULT_MINUTES: Minutes = (0, 15, 30, 60, 120)
DEFAULT_SOURCE = (
    "CTAS and KTAS: 0, 15, 30, 60 and 120 minutes for levels 1 to 5. ESI sets no interval: this is a setting"
)
_MOST = 24 * 60
_LOOKED_AT = (*VITAL_SIGNS, FactKind.AVPU)


class Due(Frozen):
    """When a waiting patient is due. ``since`` is when the vital signs were taken, or else the assessment made.

    ``decided``: the level is a clinician's decision, else the suggestion. ``overdue_minutes`` is 0 where it is not due.
    """

    case_id: str
    level: int
    decided: bool
    since: datetime
    from_vital_signs: bool
    due_at: datetime
    overdue_minutes: float

    @property
    def overdue(self) -> bool:
        """Whether the time has come."""
        return self.overdue_minutes > 0


class Waiting(Frozen):
    """Somebody who waits: their case, when they are due, and the case's runs before the current one, oldest first.

    ``due`` is None while there is no suggestion yet.
    """

    case: Case
    due: Due | None
    earlier: tuple[EarlierRun, ...] = ()


def read_minutes(text: str) -> Minutes:
    """``"1:0,2:10,3:30,4:60,5:120"`` as minutes by level.

    Raises:
        ValueError: a level is missing, named twice or unknown, a number is none, or a less urgent level is due earlier.
    """
    found: dict[int, int] = {}
    for part in text.split(","):
        level, colon, minutes = (piece.strip() for piece in part.partition(":"))
        if (
            not colon
            or level not in {"1", "2", "3", "4", "5"}
            or not (minutes.isascii() and minutes.isdigit())
        ):
            raise ValueError(f"{part.strip()!r} is not LEVEL:MINUTES; write 1:0,2:15,3:30,4:60,5:120")
        if int(level) in found:
            raise ValueError(f"level {level} is named twice")
        found[int(level)] = int(minutes)
    missing = [str(level) for level in LEVELS if level not in found]
    if missing:
        raise ValueError(f"no minutes for level {', '.join(missing)}; all five are needed")
    return checked((found[1], found[2], found[3], found[4], found[5]))


def checked(minutes: Minutes) -> Minutes:
    """The same minutes.

    Raises:
        ValueError: one lies outside 0 to a day, or a less urgent level is due before a more urgent one.
    """
    if any(not 0 <= value <= _MOST for value in minutes):
        raise ValueError(f"minutes lie between 0 and {_MOST}")
    if list(minutes) != sorted(minutes):
        raise ValueError("a less urgent level may not be due before a more urgent one")
    return minutes


def due(case: Case, minutes: Minutes, now: datetime, *, after_decision: timedelta) -> Due | None:
    """When a case is due; None where nothing is known to wait.

    A case without a decision waits. A decided patient counts as waiting for ``after_decision``: when they are seen, or
    leave, is not in our books.
    """
    if case.assessment is None or case.phase is CasePhase.ERASED:
        return None
    if case.review is not None and now - case.review.decided_at > after_decision:
        return None
    level = case.assessment.level if case.review is None else case.review.level
    measured = [
        fact.observed_at
        for fact in map(case.intake.first, _LOOKED_AT)
        if fact is not None and fact.observed_at is not None
    ]
    # A time in the future is a clock that is wrong: it must not put the next look off.
    since = min(max(measured, default=case.assessment.created_at), case.assessment.created_at)
    at = since + timedelta(minutes=minutes[level - 1])
    return Due(
        case_id=case.id,
        level=level,
        decided=case.review is not None,
        since=since,
        from_vital_signs=bool(measured),
        due_at=at,
        overdue_minutes=max(0.0, (now - at).total_seconds() / 60),
    )


def by_urgency(found: Iterable[Due]) -> Sequence[Due]:
    """The longest overdue of the most urgent level first, then by the time they are due."""
    return sorted(found, key=lambda item: (not item.overdue, item.level if item.overdue else 0, item.due_at))
