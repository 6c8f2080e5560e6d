"""All figures of one period."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from itertools import pairwise

from agents.quality.decisions import Agreement, Overrides, agreement, overrides, swayed, unaided
from agents.quality.drift import Drift, drift
from agents.quality.rates import Rate, Spread
from agents.quality.subgroups import Attribute, subgroups, wait_minutes
from agents.quality.truth import Outcome, TruthFigures, against_truth
from agents.quality.visits import AlertTimes, Visit
from data_schemas import LEVELS


@dataclass(frozen=True, slots=True)
class Period:
    """From ``start``, before ``end``, by the time that a case came into our books; reference from ``before``."""

    start: datetime
    end: datetime
    before: datetime

    def __post_init__(self) -> None:
        """Refuse a period that has no length."""
        if any(one >= two for one, two in pairwise((self.before, self.start, self.end))):
            raise ValueError("a period ends after it starts, and its reference lies before it")


@dataclass(frozen=True, slots=True)
class Volumes:
    """How many. ``again``: cases that were assessed more than once; ``scripted``: decided by no real clinician."""

    cases: int
    decided: int
    again: Rate
    scripted: int
    by_day: tuple[tuple[date, int], ...]


@dataclass(frozen=True, slots=True)
class Waits:
    """Arrival to first decision in minutes. ``left_out``: decided, but no arrival is known, or it lies after."""

    all: Spread
    by_level: tuple[tuple[int, Spread], ...]
    left_out: int


@dataclass(frozen=True, slots=True)
class AlertFigures:
    """Alerts of one code; ``minutes`` from raising to taking note, of those that somebody took note of."""

    code: str
    acknowledged: Rate
    minutes: Spread


@dataclass(frozen=True, slots=True)
class Figures:
    """What the quality page shows. ``hours[h]`` counts the decided cases of levels 1-5 that came in hour ``h``.

    ``unaided`` compares the level given before the suggestion was shown (first) with the suggestion (second); its n is
    0 where nobody was asked. ``agreement`` compares suggestion (first) and decision (second). ``truth`` is None where
    no table was given.
    """

    period: Period
    volumes: Volumes
    hours: tuple[tuple[int, int, int, int, int], ...]
    waits: Waits
    overrides: Overrides
    agreement: Agreement
    unaided: Agreement
    swayed: Rate
    subgroups: tuple[Attribute, ...]
    drift: Drift
    alerts: tuple[AlertFigures, ...]
    truth: TruthFigures | None


def figures(
    visits: Sequence[Visit],
    alerts: Sequence[AlertTimes],
    period: Period,
    *,
    zone: tzinfo | None = None,
    truth: Mapping[str, Outcome] | None = None,
    resamples: int = 2000,
) -> Figures:
    """Compute them.

    Args:
        visits: the cases of the period and of its reference.
        alerts: likewise.
        period: which of them count.
        zone: the zone of hours and days; None is this machine's.
        truth: by case, see ``read_truth``.
        resamples: bootstrap draws of the kappas' intervals.
    """
    now = [visit for visit in visits if period.start <= visit.opened_at < period.end]
    before = [visit for visit in visits if period.before <= visit.opened_at < period.start]
    pairs = [visit.pair for visit in now if visit.pair is not None]
    return Figures(
        period=period,
        volumes=_volumes(now, zone),
        hours=_hours(now, zone),
        waits=_waits(now),
        overrides=overrides(now),
        agreement=agreement(pairs, resamples=resamples),
        unaided=unaided(now, resamples=resamples),
        swayed=swayed(now),
        subgroups=subgroups(now, truth),
        drift=drift(now, before),
        alerts=_alerts([alert for alert in alerts if period.start <= alert.raised_at < period.end]),
        truth=None if truth is None else against_truth(now, truth),
    )


def _volumes(visits: Sequence[Visit], zone: tzinfo | None) -> Volumes:
    days = Counter(visit.opened_at.astimezone(zone).date() for visit in visits)
    return Volumes(
        cases=len(visits),
        decided=sum(visit.decided is not None for visit in visits),
        again=Rate.of(visit.runs > 1 for visit in visits),
        scripted=sum(visit.decided is not None and visit.decided.scripted for visit in visits),
        by_day=tuple(sorted(days.items())),
    )


def _hours(visits: Sequence[Visit], zone: tzinfo | None) -> tuple[tuple[int, int, int, int, int], ...]:
    counted = Counter(
        (visit.came_at.astimezone(zone).hour, visit.decided.level)
        for visit in visits
        if visit.decided is not None
    )
    one, two, three, four, five = LEVELS
    return tuple(
        (counted[h, one], counted[h, two], counted[h, three], counted[h, four], counted[h, five])
        for h in range(24)
    )


def _waits(visits: Sequence[Visit]) -> Waits:
    found = [(visit.decided.level, wait_minutes(visit)) for visit in visits if visit.decided is not None]
    known = [(level, minutes) for level, minutes in found if minutes is not None]
    return Waits(
        all=Spread.of([minutes for _, minutes in known]),
        by_level=tuple((level, Spread.of([m for at, m in known if at == level])) for level in LEVELS),
        left_out=len(found) - len(known),
    )


def _alerts(alerts: Sequence[AlertTimes]) -> tuple[AlertFigures, ...]:
    codes = Counter(alert.code for alert in alerts)
    return tuple(
        AlertFigures(
            code,
            Rate.of(a.acknowledged_at is not None for a in alerts if a.code == code),
            Spread.of(
                [
                    (a.acknowledged_at - a.raised_at).total_seconds() / 60
                    for a in alerts
                    if a.code == code and a.acknowledged_at is not None
                ]
            ),
        )
        for code, _ in codes.most_common()
    )
