"""Promised against found under-triage, on any model's predictions.

    python benchmarks/risk_control.py --calibration earlier.csv --test later.csv --labels labels.csv

The predictions have the columns case_id, p1 to p5 (uncalibrated: nothing may have been fitted on the calibration
cases), the labels case_id, truth and, where sites are to be told apart, site. First table: calibrated once on the
earlier cases, found on the later ones. Second table, with --draws: so many times, --rows cases of one site of the
test file calibrate on top of the first numbers; found on the rest of that site (what is promised) and on the other
sites (what is not). Limits are Clopper-Pearson: the lower one-sided at 95 %.
"""

import argparse
import csv
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from triage.metrics import clopper_pearson_interval
from triage.slm.calibration import Calibration, ScaleCalibration
from triage.slm.conformal import CONFIDENCE, Risk
from triage.training.calibrate import apply, fit_with_bounds, level_row

ALPHAS = (0.05, 0.10, 0.15)
TODAY = datetime.now(UTC).date()
AT_MOST = 1000
"""Cases looked at a draw and site: enough for a rate, and 200 draws stay minutes."""


@dataclass(frozen=True)
class Rows:
    p: NDArray[np.float64]
    truth: NDArray[np.int64]
    site: NDArray[np.str_]

    def take(self, index: NDArray[np.int64] | NDArray[np.bool_]) -> "Rows":
        return Rows(self.p[index], self.truth[index], self.site[index])


@dataclass(frozen=True)
class Found:
    missed: int
    among: int
    width: float
    over: float
    over_by_set: float

    @property
    def rate(self) -> float:
        return self.missed / self.among if self.among else float("nan")


def read(path: Path, labels: dict[str, tuple[int, str]]) -> Rows:
    p, truth, site = [], [], []
    with path.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if row["p1"] and row["case_id"] in labels:
                p.append([float(row[f"p{level}"]) for level in range(1, 6)])
                truth.append(labels[row["case_id"]][0])
                site.append(labels[row["case_id"]][1])
    return Rows(np.array(p), np.array(truth), np.array(site))


def found(numbers: ScaleCalibration, rows: Rows, risk: Risk) -> Found:
    calibration = Calibration("found", numbers)
    levels = [level_row(row) for row in apply(numbers, rows.p)]
    said = np.array([calibration.decide(p) for p in levels])
    sets = np.array([calibration.prediction_set(p) for p in levels])
    among = rows.truth <= 2 if risk is Risk.HIGH else np.ones(len(said), dtype=bool)
    return Found(
        missed=int((among & (rows.truth < sets[:, 0])).sum()),
        among=int(among.sum()),
        width=float((sets[:, 1] - sets[:, 0] + 1).mean()),
        over=float((said < rows.truth).mean()),
        over_by_set=float((sets[:, 0] < rows.truth).mean()),
    )


def fitted(
    rows: Rows, risk: Risk, alpha: float, seed: int, start: ScaleCalibration | None, confidence: float | None
) -> ScaleCalibration:
    numbers, _ = fit_with_bounds(
        rows.p,
        rows.truth.tolist(),
        [(risk, alpha)],
        fitted_on=f"{len(rows.truth)} rows",
        fitted=TODAY,
        seed=seed,
        start=start,
        confidence=confidence,
    )
    return numbers


def once(calibration: Rows, test: Rows, confidence: float | None) -> ScaleCalibration:
    print(f"\ncalibrated once on {len(calibration.truth)} cases, found on {len(test.truth)} others")
    print(
        "| bound | alpha | found | of | lower 95 % | set size | over-triage | over-triage by the set's top |"
    )
    print("|---|---|---|---|---|---|---|---|")
    numbers = ScaleCalibration()
    for risk in Risk:
        for alpha in ALPHAS:
            numbers = fitted(calibration, risk, alpha, 7, None, confidence)
            item = found(numbers, test, risk)
            low = clopper_pearson_interval(item.missed, item.among, confidence=0.90).low
            print(
                f"| {risk.value} | {alpha:.0%} | {item.rate:.1%} | {item.among} | {low:.1%} | {item.width:.2f} "
                f"| {item.over:.1%} | {item.over_by_set:.1%} |",
                flush=True,
            )
    print(f"temperature {numbers.temperature}, bias {numbers.bias}, threshold {numbers.high_threshold}")
    return numbers.model_copy(update={"risk": None})


def draws(
    test: Rows, start: ScaleCalibration, count: int, size: int, risks: list[Risk], confidence: float | None
) -> None:
    names = sorted(set(test.site))
    print(f"\n{count} draws of {size} cases of one site; `broken`: lower 95 % limit above alpha")
    print(
        "| bound | alpha | labels of | found at | mean found | 10th-90th | broken | set size | over-triage | too few |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|")
    for risk in risks:
        for alpha in ALPHAS:
            for name in names:
                row_of(test, start, count, size, risk, alpha, name, confidence)


def row_of(
    test: Rows,
    start: ScaleCalibration,
    count: int,
    size: int,
    risk: Risk,
    alpha: float,
    name: str,
    confidence: float | None,
) -> None:
    rng = np.random.default_rng(11)
    own = np.flatnonzero(test.site == name)
    other = np.flatnonzero(test.site != name)
    results: dict[str, list[Found]] = {name: [], "other sites": []}
    few = 0
    for seed in range(count):
        drawn = rng.permutation(own)
        numbers = fitted(test.take(drawn[:size]), risk, alpha, seed, start, confidence)
        few += not (numbers.risk is not None and numbers.risk.bounds[0].enough)
        results[name].append(found(numbers, test.take(drawn[size : size + AT_MOST]), risk))
        if len(other):
            results["other sites"].append(found(numbers, test.take(rng.permutation(other)[:AT_MOST]), risk))
    for where, items in results.items():
        if not items:
            continue
        rates = np.array([item.rate for item in items])
        broken = sum(
            clopper_pearson_interval(item.missed, item.among, confidence=0.90).low > alpha for item in items
        )
        low, high = np.quantile(rates, [0.1, 0.9])
        print(
            f"| {risk.value} | {alpha:.0%} | {name} | {where} | {rates.mean():.1%} | {low:.1%}-{high:.1%} "
            f"| {broken / count:.0%} | {np.mean([item.width for item in items]):.2f} "
            f"| {np.mean([item.over for item in items]):.1%} | {few / count:.0%} |",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--calibration", type=Path, required=True)
    parser.add_argument("--test", type=Path, required=True)
    parser.add_argument("--labels", type=Path, required=True)
    parser.add_argument("--draws", type=int, default=0)
    parser.add_argument("--rows", type=int, default=100)
    parser.add_argument("--risk", choices=["high", "all", "both"], default="both")
    parser.add_argument("--confidence", type=float, default=CONFIDENCE, help="0: on average over draws")
    given = parser.parse_args()
    confidence = given.confidence or None
    with given.labels.open(newline="", encoding="utf-8") as file:
        labels = {
            row["case_id"]: (int(row["truth"]), row.get("site") or "all") for row in csv.DictReader(file)
        }
    test = read(given.test, labels)
    start = once(read(given.calibration, labels), test, confidence)
    if given.draws:
        risks = {"high": [Risk.HIGH], "all": [Risk.ALL], "both": list(Risk)}[given.risk]
        draws(test, start, given.draws, given.rows, risks, confidence)


if __name__ == "__main__":
    main()
