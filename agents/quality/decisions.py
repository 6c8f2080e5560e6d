"""Suggestion and decision: how often they agree, which way they part, and why."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from agents.quality.rates import Rate
from agents.quality.visits import Visit
from data_schemas import LEVELS, OverrideReason
from triage.metrics.bootstrap import Units, replicate_scores
from triage.metrics.confusions import SCORES

Matrix = tuple[tuple[int, ...], ...]
_KAPPA = SCORES.index("quadratic_weighted_kappa")


@dataclass(frozen=True, slots=True)
class Agreement:
    """Two raters of the same cases. ``matrix[i][j]``: level i + 1 by the first, level j + 1 by the second.

    ``kappa`` is Cohen's with quadratic weights, with a 95 % BCa bootstrap interval over cases; None of no case, and the
    interval None of fewer than ``FEWEST`` cases.
    """

    n: int
    matrix: Matrix
    exact: Rate
    first_more_urgent: Rate
    second_more_urgent: Rate
    kappa: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class LevelOverrides:
    """Of the suggestions of one level: how many were changed, and which way."""

    level: int
    changed: Rate
    more_urgent: Rate
    less_urgent: Rate


@dataclass(frozen=True, slots=True)
class Overrides:
    """Decisions that changed the suggestion; ``reasons`` counts all eight coded ones, in their order."""

    changed: Rate
    more_urgent: Rate
    less_urgent: Rate
    by_level: tuple[LevelOverrides, ...]
    reasons: tuple[tuple[OverrideReason, int, int], ...]
    """Reason, changes to more urgent, changes to less urgent."""


FEWEST = 10
"""Fewer cases than this give no interval by drawing them again."""


def agreement(pairs: Sequence[tuple[int, int]], *, resamples: int = 2000) -> Agreement:
    """How far two raters agree.

    Args:
        pairs: levels 1-5 by the first and by the second rater.
        resamples: bootstrap draws; the interval is the same every time.
    """
    matrix = np.zeros((len(LEVELS), len(LEVELS)), dtype=np.int64)
    for first, second in pairs:
        matrix[first - 1, second - 1] += 1
    kappa = low = high = None
    if pairs:
        first_levels, second_levels = np.asarray(pairs, dtype=np.int64).T
        one = [str(number) for number in range(len(pairs))]
        found = replicate_scores(first_levels, second_levels, Units.of(one, resamples=resamples))
        kappa = float(found.estimate[_KAPPA])
        if len(pairs) >= FEWEST:
            low, high = found.interval(_KAPPA)
    return Agreement(
        n=len(pairs),
        matrix=tuple(tuple(int(cell) for cell in row) for row in matrix),
        exact=Rate.of(first == second for first, second in pairs),
        first_more_urgent=Rate.of(first < second for first, second in pairs),
        second_more_urgent=Rate.of(second < first for first, second in pairs),
        kappa=kappa,
        low=low,
        high=high,
    )


def overrides(visits: Iterable[Visit]) -> Overrides:
    """Of the decided cases: changes of the suggestion."""
    decided = [(visit.pair, visit.decided) for visit in visits if visit.decided is not None]
    pairs = [(pair, decision) for pair, decision in decided if pair is not None]
    levels = [pair for pair, _ in pairs]
    up = Counter(d.reason for (was, now), d in pairs if now < was and d.reason is not None)
    down = Counter(d.reason for (was, now), d in pairs if now > was and d.reason is not None)
    return Overrides(
        *_changes(levels),
        by_level=tuple(
            LevelOverrides(level, *_changes([pair for pair in levels if pair[0] == level]))
            for level in LEVELS
        ),
        reasons=tuple((reason, up[reason], down[reason]) for reason in OverrideReason),
    )


def unaided(visits: Iterable[Visit], *, resamples: int = 2000) -> Agreement:
    """The level that a clinician gave before they saw the suggestion, against the suggestion."""
    return agreement(
        [
            (visit.decided.unaided_level, visit.suggested.level)
            for visit in visits
            if visit.decided is not None
            and visit.suggested is not None
            and visit.decided.unaided_level is not None
        ],
        resamples=resamples,
    )


def swayed(visits: Iterable[Visit]) -> Rate:
    """Of the clinicians whose own level was another than the suggestion: how many then decided on the suggestion."""
    return Rate.of(
        visit.decided.level == visit.suggested.level
        for visit in visits
        if visit.decided is not None
        and visit.suggested is not None
        and visit.decided.unaided_level not in {None, visit.suggested.level}
    )


def _changes(pairs: Sequence[tuple[int, int]]) -> tuple[Rate, Rate, Rate]:
    return (
        Rate.of(was != now for was, now in pairs),
        Rate.of(now < was for was, now in pairs),
        Rate.of(now > was for was, now in pairs),
    )
