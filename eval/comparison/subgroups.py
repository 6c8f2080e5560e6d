"""Parts of the cases: children and adults apart, and every rate by who the patients are."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from eval.comparison.labels import UNKNOWN, Labels
from eval.comparison.result import Estimate, Gap, Stratum, SubgroupRate
from eval.comparison.scoring import Row, estimate_of, score_rows
from triage.metrics.bootstrap import Replicates, Units, mean_of, replicate_scores
from triage.metrics.confusions import SCORES

RATES = ("accuracy", "recall_high", "over_triage", "under_triage", "strict_under_triage")
FEWEST = 30
"""A subgroup with fewer cases (for recall: of levels 1-2) is shown, and left out of the gap."""


def strata(rows: Sequence[Row], labels: Labels, units: Units) -> tuple[Stratum, ...]:
    """Children (under 18) and adults apart, where there are ``FEWEST`` of both; each against its own reference."""
    ages = np.asarray(labels.attributes["age"])
    child = ages == "under 18"
    parts = (("under 18", child), ("18 and over", ~child & (ages != UNKNOWN)))
    if any(inside.sum() < FEWEST for _, inside in parts):
        return ()
    found = []
    for name, inside in parts:
        part = [
            replace(
                row,
                members=tuple(
                    replace(m, given=m.given[inside], probabilities=_part(m.probabilities, inside))
                    for m in row.members
                ),
            )
            for row in rows
        ]
        groups = [group for group, kept in zip(labels.groups, inside, strict=True) if kept]
        own = Units.of(groups, resamples=units.resamples, seed=units.seed)
        scored = score_rows(part, labels.truth[inside], own)
        found.append(Stratum(name=name, cases=int(inside.sum()), rows=tuple(scored)))
    return tuple(found)


def subgroups(rows: Sequence[Row], labels: Labels, units: Units) -> tuple[list[SubgroupRate], list[Gap]]:
    """The rates of every subgroup, and for each attribute the widest gap between two of them."""
    rates: list[SubgroupRate] = []
    gaps: list[Gap] = []
    for attribute, words in labels.attributes.items():
        values = np.asarray(words)
        names = [str(name) for name in np.unique(values)]
        if len(set(names) - {UNKNOWN}) < 2:
            continue
        for row in rows:
            found = {name: _replicates(row, labels, values == name, units) for name in names}
            for score in RATES:
                among = {name: _among(labels, values == name, score) for name in names}
                rates.extend(_rates(row.name, attribute, score, found, among, values, units))
                known = [name for name in names if name != UNKNOWN and among[name] >= FEWEST]
                gaps.extend(_gap(row.name, attribute, score, {name: found[name] for name in known}))
    return rates, gaps


def _part(values: NDArray[np.float64] | None, inside: NDArray[np.bool_]) -> NDArray[np.float64] | None:
    return None if values is None else values[inside]


def _replicates(row: Row, labels: Labels, inside: NDArray[np.bool_], units: Units) -> Replicates:
    """Of the subgroup's cases, with the draws of all: two subgroups of one hospital are drawn together."""
    own = replace(units, of_case=units.of_case[inside])
    return mean_of([replicate_scores(labels.truth[inside], m.given[inside], own) for m in row.members])


def _among(labels: Labels, inside: NDArray[np.bool_], score: str) -> int:
    return int((inside & (labels.truth <= 2)).sum() if score == "recall_high" else inside.sum())


def _rates(
    row: str,
    attribute: str,
    score: str,
    found: dict[str, Replicates],
    among: dict[str, int],
    values: NDArray[np.str_],
    units: Units,
) -> Iterator[SubgroupRate]:
    for name, replicates in found.items():
        yield SubgroupRate(
            row=row,
            attribute=attribute,
            subgroup=name,
            cases=int((values == name).sum()),
            score=score,
            estimate=estimate_of(replicates, score, among[name], clustered=units.clustered),
        )


def _gap(row: str, attribute: str, score: str, found: dict[str, Replicates]) -> Iterator[Gap]:
    index = SCORES.index(score)
    ordered = sorted(found, key=lambda name: float(found[name].estimate[index]))
    if len(ordered) < 2:
        return
    lowest, highest = ordered[0], ordered[-1]
    apart = found[highest].minus(found[lowest])
    difference = Estimate.of(float(apart.estimate[index]), apart.interval(index))
    yield Gap(
        row=row, attribute=attribute, score=score, highest=highest, lowest=lowest, difference=difference
    )
