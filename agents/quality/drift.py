"""Whether the patients, their records or the model's confidence are others than in a period before."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from agents.quality.rates import Rate
from agents.quality.visits import AGE_BANDS, UNKNOWN, Visit
from data_schemas import LEVELS, VITAL_SIGNS, AssessmentMode, FactKind

WATCH, ACT = 0.1, 0.25
"""Rules of thumb for a stability index (Siddiqi, Credit Risk Scorecards, 2006): below 0.1 little, above 0.25 much."""
LOOKED_AT: tuple[FactKind, ...] = (*VITAL_SIGNS, FactKind.PAIN, FactKind.AVPU)
_HALF = 0.5
_CHI2_95 = (3.841, 5.991, 7.815, 9.488, 11.070, 12.592, 14.067, 15.507, 16.919, 18.307, 19.675)
"""The 95 % points of chi-squared with 1 to 11 degrees of freedom; ``scipy`` is no part of the plain install."""


@dataclass(frozen=True, slots=True)
class Mix:
    """How the cases spread over the groups of one thing, in two periods.

    ``psi`` is the population stability index, None where a period has no case. ``by_chance``: in 95 of 100 pairs of
    periods between which nothing changed it is below this, so a smaller one says nothing.
    """

    groups: tuple[str, ...]
    now: tuple[int, ...]
    before: tuple[int, ...]
    psi: float | None
    by_chance: float | None

    @property
    def moved(self) -> bool:
        """More than chance explains, and more than a little."""
        return self.psi is not None and self.by_chance is not None and self.psi > max(WATCH, self.by_chance)


@dataclass(frozen=True, slots=True)
class Missing:
    """How often something expected was not recorded, in two periods."""

    kind: FactKind
    now: Rate
    before: Rate


@dataclass(frozen=True, slots=True)
class Confidence:
    """How sure the model was. Means are None of no case; ``model`` counts those that it took part in."""

    model: int
    mean_top: float | None
    mean_set_size: float | None
    rules_only: Rate


@dataclass(frozen=True, slots=True)
class Drift:
    """The period against the reference period; ``before_n`` cases in that."""

    before_n: int
    missing: tuple[Missing, ...]
    ages: Mix
    suggested: Mix
    decided: Mix
    confidence: Confidence
    confidence_before: Confidence


def stability_index(now: Sequence[int], before: Sequence[int]) -> tuple[float | None, float | None]:
    """The population stability index of two rows of counts, and what chance alone gives.

    Sum of (p - q) ln(p / q) over the groups that occur, with half a case added to each, so that an empty group is no
    infinity. Where nothing changed it is about chi-squared with groups - 1 degrees of freedom, times
    1 / n + 1 / m (Yurdakul and Naranjo, J Risk Model Validation 2020;14(4)).

    Returns:
        The index and the 95 % point of what chance gives; None for both where a row has no case.
    """
    kept = [(a, b) for a, b in zip(now, before, strict=True) if a + b > 0]
    n, m = sum(a for a, _ in kept), sum(b for _, b in kept)
    if n == 0 or m == 0:
        return None, None
    if len(kept) == 1:
        return 0.0, 0.0
    index = 0.0
    for a, b in kept:
        p = (a + _HALF) / (n + _HALF * len(kept))
        q = (b + _HALF) / (m + _HALF * len(kept))
        index += (p - q) * math.log(p / q)
    return index, _CHI2_95[len(kept) - 2] * (1 / n + 1 / m)


def mix(groups: Sequence[str], now: Iterable[str], before: Iterable[str]) -> Mix:
    """The mix of two periods over these groups."""
    counted: tuple[Mapping[str, int], Mapping[str, int]] = Counter(now), Counter(before)
    a, b = (tuple(count.get(group, 0) for group in groups) for count in counted)
    return Mix(tuple(groups), a, b, *stability_index(a, b))


def confidence(visits: Iterable[Visit]) -> Confidence:
    """Of the suggestions of these cases."""
    found = [visit.suggested for visit in visits if visit.suggested is not None]
    asked = [item for item in found if item.mode is AssessmentMode.MODEL and item.top is not None]
    return Confidence(
        model=len(asked),
        mean_top=math.fsum(item.top or 0.0 for item in asked) / len(asked) if asked else None,
        mean_set_size=sum(item.set_size for item in asked) / len(asked) if asked else None,
        rules_only=Rate.of(item.mode is AssessmentMode.RULES_ONLY for item in found),
    )


def drift(now: Sequence[Visit], before: Sequence[Visit]) -> Drift:
    """The cases of a period against those of the reference period."""
    bands = (*(name for name, _ in AGE_BANDS), UNKNOWN)
    levels = tuple(str(level) for level in LEVELS)
    return Drift(
        before_n=len(before),
        missing=tuple(Missing(kind, _missing(now, kind), _missing(before, kind)) for kind in LOOKED_AT),
        ages=mix(bands, (v.age_band for v in now), (v.age_band for v in before)),
        suggested=mix(levels, _suggested(now), _suggested(before)),
        decided=mix(levels, _decided(now), _decided(before)),
        confidence=confidence(now),
        confidence_before=confidence(before),
    )


def _missing(visits: Sequence[Visit], kind: FactKind) -> Rate:
    return Rate.of(kind in visit.missing for visit in visits)


def _suggested(visits: Sequence[Visit]) -> Iterable[str]:
    return (str(visit.suggested.level) for visit in visits if visit.suggested is not None)


def _decided(visits: Sequence[Visit]) -> Iterable[str]:
    return (str(visit.decided.level) for visit in visits if visit.decided is not None)
