"""How often the intervals of a report hold the truth, and how often its tests are wrong, on simulated data sets.

    python benchmarks/interval_coverage.py [--sets 2000] [--only shares,clusters,scores,differences,tests] [--json]

Everything goes through the functions that a report calls. ``coverage`` should be 0.93-0.97 and ``level`` near 0.05.
Of a share of independent cases the coverage is a staircase in the true share: ``coverage`` is at the share itself,
``near`` the mean over shares from two thirds to three halves of it, ``attainable`` the values that any interval could
have there that leaves out counts in both tails only. Minutes on one core.
"""

import argparse
import json
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.stats import beta

from eval.comparison.scoring import estimate_of
from triage.metrics import wilson_interval
from triage.metrics.bootstrap import Units, replicate_scores
from triage.metrics.confusions import SCORES, scores_of
from triage.metrics.paired import difference_interval, holm, mcnemar_of

Array = NDArray[np.float64]

RATES = (0.01, 0.05, 0.30)
CASES = (47, 278, 1000)
CLUSTERS = ((20, 30), (50, 20), (200, 5))
"""Hospitals, and their mean number of visits."""
RESAMPLES = 1000
PRIOR = np.array([0.04, 0.20, 0.45, 0.25, 0.06])
ANSWERED = np.array(
    [
        [0.70, 0.20, 0.08, 0.015, 0.005],
        [0.05, 0.60, 0.30, 0.045, 0.005],
        [0.01, 0.12, 0.72, 0.14, 0.01],
        [0.002, 0.028, 0.25, 0.65, 0.07],
        [0.001, 0.009, 0.10, 0.40, 0.49],
    ]
)
"""Row: true level; column: answered one. Strict under-triage happens in about 1 % of all cases."""
SPREAD = 0.4
"""Standard deviation between hospitals of the log odds of under-triage, of errors, and of each level."""
ALIKE = 0.5
"""Share of cases that two rows answer alike because the one copies the other."""


@dataclass
class Found:
    """One line: what was simulated, and how often it came out so of ``sets`` data sets."""

    what: str
    measure: str
    value: float
    sets: int
    more: dict[str, float] = field(default_factory=dict)


def shares(sets: int, rng: np.random.Generator) -> Iterator[Found]:
    """Wilson's interval of a share of independent cases, and the exact one (scipy's) for comparison."""
    for n in CASES:
        k = np.arange(n + 1)
        exact = np.nan_to_num(
            np.stack([beta.ppf(0.025, k, n - k + 1), beta.ppf(0.975, k + 1, n - k)], 1), nan=0.0
        )
        exact[n, 1] = 1.0
        wilson = np.array([wilson_interval(int(count), n) for count in k])
        for name, bounds in (("Wilson", wilson), ("Clopper-Pearson", exact)):
            for rate in RATES:
                counts = rng.binomial(n, rate, sets)
                inside = (bounds[counts, 0] <= rate) & (rate <= bounds[counts, 1])
                nearby = rate * np.exp(rng.uniform(-math.log(1.5), math.log(1.5), 400))
                more = {
                    "near": float(np.mean([_exact_coverage(bounds, n, share) for share in nearby])),
                    "exact": _exact_coverage(bounds, n, rate),
                }
                below, above = _attainable(n, rate)
                more |= {"attainable below 0.95": below, "attainable above": above}
                yield Found(f"{name}, {rate:.0%} of {n}", "coverage", float(inside.mean()), sets, more)


@cache
def _log_choices(n: int) -> Array:
    return np.array([math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1) for k in range(n + 1)])


def _probabilities(n: int, rate: float) -> Array:
    k = np.arange(n + 1)
    return np.asarray(np.exp(_log_choices(n) + k * math.log(rate) + (n - k) * math.log1p(-rate)))


def _exact_coverage(bounds: Array, n: int, rate: float) -> float:
    held = (bounds[:, 0] <= rate) & (rate <= bounds[:, 1])
    return float(_probabilities(n, rate)[held].sum())


def _attainable(n: int, rate: float) -> tuple[float, float]:
    """The nearest coverages to 95 % of any run of counts whose tails hold at most 5 % each."""
    total = np.concatenate([[0.0], np.cumsum(_probabilities(n, rate))])
    first = total[total <= 0.05]
    last = total[total >= 0.95]
    held = (last[None, :] - first[:, None]).ravel()
    return float(held[held < 0.95].max(initial=0.0)), float(held[held >= 0.95].min(initial=1.0))


def clusters(sets: int, rng: np.random.Generator) -> Iterator[Found]:
    """Every score of visits that cluster in hospitals, and the paired differences of two rows that are alike."""
    expected = scores_of(_padded(np.mean([_hospitals(10_000, rng).joint for _ in range(20)], axis=(0, 1))))
    for count, visits in CLUSTERS:
        where = f"{count} hospitals of {visits}"

        def draw(count: int = count, visits: int = visits) -> tuple[NDArray[np.int64], ...]:
            sizes = rng.poisson(visits - 1, count) + 1
            at = np.repeat(np.arange(count), sizes)
            one, other = _hospitals(count, rng), _hospitals(count, rng)
            truth = _drawn(one.levels[at], rng)
            first, second = _drawn(one.answered[at, truth], rng), _drawn(other.answered[at, truth], rng)
            second = np.where(rng.random(len(at)) < ALIKE, first, second)
            return truth + 1, first + 1, second + 1, at

        yield from _scored(where, sets, draw, expected, clustered=True)


def scores(sets: int, rng: np.random.Generator) -> Iterator[Found]:
    """Kappa and F1 of independent cases, and the paired differences of two rows that are alike."""
    expected = scores_of(_padded(PRIOR[:, None] * ANSWERED))
    for n in CASES:

        def draw(n: int = n) -> tuple[NDArray[np.int64], ...]:
            truth = rng.choice(5, n, p=PRIOR)
            first, second = _drawn(ANSWERED[truth], rng), _drawn(ANSWERED[truth], rng)
            second = np.where(rng.random(n) < ALIKE, first, second)
            return truth + 1, first + 1, second + 1, np.arange(n)

        yield from _scored(f"{n} cases", sets, draw, expected, clustered=False)


def _scored(
    where: str,
    sets: int,
    draw: Callable[[], tuple[NDArray[np.int64], ...]],
    expected: Array,
    *,
    clustered: bool,
) -> Iterator[Found]:
    names: tuple[str, ...] = (
        "accuracy",
        "quadratic_weighted_kappa",
        "macro_f1",
        "recall_high",
        "strict_under_triage",
    )
    if not clustered:
        names = names[1:3]  # the shares are in ``shares``, their differences in ``differences``
    held = dict.fromkeys(names, 0)
    same, rejected = dict(held), dict(held)
    for number in range(sets):
        truth, first, second, at = draw()
        units = Units.of([f"{i:05d}" for i in at], resamples=RESAMPLES, seed=number)
        one = replicate_scores(truth, first, units)
        apart = replicate_scores(truth, second, units).minus(one)
        for name in names:
            index = SCORES.index(name)
            among = int((truth <= 2).sum()) if name == "recall_high" else len(truth)
            found = estimate_of(one, name, among, clustered=units.clustered)
            held[name] += found.low is not None and found.low <= expected[index] <= (found.high or 0.0)
            low, high = apart.interval(index)
            same[name] += low <= 0 <= high
            rejected[name] += apart.p_value(index) < 0.05
    for name in names:
        yield Found(
            f"{name}, {where}",
            "coverage",
            held[name] / sets,
            sets,
            {"truth": float(expected[SCORES.index(name)])},
        )
        yield Found(f"difference of {name}, {where}", "coverage", same[name] / sets, sets)
        yield Found(f"test of {name}, {where}", "level", rejected[name] / sets, sets)


def differences(sets: int, rng: np.random.Generator) -> Iterator[Found]:
    """Newcombe's interval of the difference of two paired shares of independent cases."""
    for n in CASES:
        for rate in RATES:
            for gap in (0.0, rate / 2):
                inside = 0
                for _ in range(sets):
                    first, second = _paired(n, rate, rate + gap, rng)
                    low, high = difference_interval(first, second)
                    inside += low <= gap + 1e-12 and gap - 1e-12 <= high
                what = f"difference of {gap:.1%} from {rate:.0%} of {n}"
                yield Found(what, "coverage", inside / sets, sets)


def tests(sets: int, rng: np.random.Generator) -> Iterator[Found]:
    """McNemar's mid-p where two rows are alike, and Holm over ten rows that all are."""
    for n in CASES:
        for rate in RATES:
            rejected = sum(mcnemar_of(*_paired(n, rate, rate, rng)).mid_p < 0.05 for _ in range(sets))
            yield Found(f"McNemar mid-p, {rate:.0%} of {n}", "level", rejected / sets, sets)
    any_rejected = 0
    for _ in range(sets):
        reference = rng.random(278) < 0.3
        rows = [np.where(rng.random(278) < ALIKE, reference, rng.random(278) < 0.3) for _ in range(10)]
        any_rejected += min(holm([mcnemar_of(reference, row).mid_p for row in rows])) < 0.05
    yield Found("Holm over ten rows, 30% of 278", "family-wise level", any_rejected / sets, sets)


def _paired(
    n: int, first: float, second: float, rng: np.random.Generator
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Two rows of which ``ALIKE`` of the cases share their chance."""
    one, other = rng.random(n), rng.random(n)
    other = np.where(rng.random(n) < ALIKE, one, other)
    return one < first, other < second


@dataclass(frozen=True)
class _Hospitals:
    levels: Array
    answered: Array

    @property
    def joint(self) -> Array:
        return self.levels[:, :, None] * self.answered


def _hospitals(count: int, rng: np.random.Generator) -> _Hospitals:
    steps = np.arange(5)[None, :] - np.arange(5)[:, None]
    under, errors = rng.normal(0, SPREAD, (2, count, 1, 1))
    answered = ANSWERED * np.exp(under * np.sign(steps) + errors * np.abs(steps))
    levels = PRIOR * np.exp(rng.normal(0, SPREAD, (count, 5)))
    return _Hospitals(
        levels / levels.sum(axis=1, keepdims=True), answered / answered.sum(axis=2, keepdims=True)
    )


def _drawn(p: Array, rng: np.random.Generator) -> NDArray[np.int64]:
    """One column of each row, by its probabilities."""
    return np.asarray(
        np.minimum((rng.random(len(p))[:, None] > p.cumsum(axis=1)).sum(axis=1), 4), dtype=np.int64
    )


def _padded(joint: Array) -> Array:
    return np.concatenate([joint, np.zeros((5, 1))], axis=1)


PARTS: dict[str, Callable[[int, np.random.Generator], Iterator[Found]]] = {
    "shares": shares,
    "differences": differences,
    "tests": tests,
    "scores": scores,
    "clusters": clusters,
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sets", type=int, default=2000, help="simulated data sets of each kind")
    parser.add_argument("--only", default=",".join(PARTS), help="parts, with commas between")
    parser.add_argument("--seed", type=int, default=20261122)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    for name in asked.only.split(","):
        began = time.perf_counter()
        for found in PARTS[name](asked.sets, np.random.default_rng(asked.seed)):
            if asked.json:
                print(json.dumps(asdict(found)), flush=True)
            else:
                more = "".join(f", {key} {value:.4f}" for key, value in found.more.items())
                print(f"{found.what:50} {found.measure:18} {found.value:.4f}{more}", flush=True)
        if not asked.json:
            print(f"-- {name}: {asked.sets} data sets each, {time.perf_counter() - began:.0f} s", flush=True)


if __name__ == "__main__":
    main()
