"""FHIR dates and times, with the precision they were given in."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

_DATE = re.compile(r"^(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?$", re.ASCII)
_MOMENT = re.compile(
    r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:Z|[+-]\d{2}:\d{2})$", re.ASCII
)
_YEARS = range(1850, 2200)  # outside it, adding a window could leave the calendar


@dataclass(frozen=True)
class When:
    """A time as an interval: ``start == end`` for an instant; a whole day, month or year where only that is given."""

    start: datetime
    end: datetime

    @property
    def exact(self) -> bool:
        """Whether it is an instant."""
        return self.start == self.end


def parse_when(value: Any) -> When | None:
    """A FHIR ``dateTime``, ``date`` or ``instant``; None where it is not one.

    A time without a zone is not a FHIR dateTime and is not read: its zone would be a guess. A date is taken as
    UTC, one day wide.
    """
    if not isinstance(value, str):
        return None
    if _MOMENT.match(value):
        try:
            moment = datetime.fromisoformat(value.replace(":60", ":59") if ":60" in value[16:19] else value)
        except ValueError:
            return None
        return When(moment, moment) if moment.year in _YEARS else None
    bounds = parse_date(value)
    if bounds is None:
        return None
    first, last = bounds
    start = datetime(first.year, first.month, first.day, tzinfo=UTC)
    end = datetime(last.year, last.month, last.day, tzinfo=UTC) + timedelta(days=1, microseconds=-1)
    return When(start, end)


def parse_date(value: Any) -> tuple[date, date] | None:
    """The first and the last day that a FHIR ``date`` (year, month or day) can mean."""
    match = _DATE.match(value) if isinstance(value, str) else None
    if match is None:
        return None
    year, month, day = int(match[1]), match[2], match[3]
    if year not in _YEARS:
        return None
    try:
        first = date(year, int(month or 1), int(day or 1))
        if day is not None:
            return first, first
        if month is not None:
            following = date(year + int(month) // 12, int(month) % 12 + 1, 1)
            return first, following - timedelta(days=1)
    except ValueError:
        return None
    return first, date(year, 12, 31)
