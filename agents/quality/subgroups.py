"""The same rates by age, sex and way of arrival. Groups so small that a person could be recognised are kept back."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from agents.quality.rates import Rate, Spread
from agents.quality.truth import Outcome, outcome_of
from agents.quality.visits import AGE_BANDS, UNKNOWN, Visit

FEWEST = 10
"""Groups of fewer decided cases are not shown."""
_SEXES = ("female", "male", "other", UNKNOWN)


@dataclass(frozen=True, slots=True)
class Subgroup:
    """One group. ``n`` (decided cases) and all figures are None where the group is kept back.

    ``under``: less urgent than the truth, of the cases whose truth is known; None where that is fewer than ``FEWEST``.
    """

    name: str
    n: int | None
    changed: Rate | None = None
    more_urgent: Rate | None = None
    less_urgent: Rate | None = None
    wait: Spread | None = None
    under: Rate | None = None


@dataclass(frozen=True, slots=True)
class Attribute:
    """The groups of one attribute: ``age``, ``sex`` or ``arrival``."""

    name: str
    groups: tuple[Subgroup, ...]


def subgroups(visits: Sequence[Visit], truth: Mapping[str, Outcome] | None = None) -> tuple[Attribute, ...]:
    """By age band, sex and way of arrival."""
    arrivals = sorted({visit.arrival_mode for visit in visits} - {UNKNOWN})
    bands = (*(name for name, _ in AGE_BANDS), UNKNOWN)
    return (
        _attribute("age", visits, lambda visit: visit.age_band, bands, truth),
        _attribute("sex", visits, lambda visit: visit.sex, _SEXES, truth),
        _attribute("arrival", visits, lambda visit: visit.arrival_mode, (*arrivals, UNKNOWN), truth),
    )


def kept_back(sizes: Mapping[str, int]) -> frozenset[str]:
    """The groups that are not shown.

    All below ``FEWEST``; and while those together are so few that the whole minus the others gives them away, the
    smallest of the others too.
    """
    present = {name: size for name, size in sizes.items() if size > 0}
    hidden = {name for name, size in present.items() if size < FEWEST}
    shown = sorted(present.keys() - hidden, key=lambda name: (present[name], name))
    while hidden and shown and sum(present[name] for name in hidden) < FEWEST:
        hidden.add(shown.pop(0))
    return frozenset(hidden)


def wait_minutes(visit: Visit) -> float | None:
    """From arrival to the first decision, in minutes; None where the arrival is not known, or lies after it."""
    if visit.decided is None or visit.arrived_at is None:
        return None
    minutes = (visit.decided.at - visit.arrived_at).total_seconds() / 60
    return minutes if minutes >= 0 else None


def _attribute(
    name: str,
    visits: Sequence[Visit],
    group_of: Callable[[Visit], str],
    order: Sequence[str],
    truth: Mapping[str, Outcome] | None,
) -> Attribute:
    groups: dict[str, list[Visit]] = {group: [] for group in order}
    for visit in visits:
        if visit.pair is not None:
            group = group_of(visit)
            groups[group if group in groups else UNKNOWN].append(visit)
    hidden = kept_back({group: len(members) for group, members in groups.items()})
    return Attribute(
        name,
        tuple(
            Subgroup(group, None) if group in hidden else _subgroup(group, members, truth)
            for group, members in groups.items()
            if members
        ),
    )


def _subgroup(name: str, members: Sequence[Visit], truth: Mapping[str, Outcome] | None) -> Subgroup:
    pairs = [visit.pair for visit in members if visit.pair is not None]
    known = [
        decided > outcome.level
        for visit in members
        if visit.pair is not None
        and (outcome := outcome_of(visit, truth or {})) is not None
        and outcome.level is not None
        for decided in [visit.pair[1]]
    ]
    return Subgroup(
        name,
        len(members),
        changed=Rate.of(was != now for was, now in pairs),
        more_urgent=Rate.of(now < was for was, now in pairs),
        less_urgent=Rate.of(now > was for was, now in pairs),
        wait=Spread.of([minutes for minutes in map(wait_minutes, members) if minutes is not None]),
        under=Rate.of(known) if len(known) >= FEWEST else None,
    )
