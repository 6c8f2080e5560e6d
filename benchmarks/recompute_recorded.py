"""The scores of recorded answers, reckoned once more without any code of the project, against the project's own.

    python benchmarks/recompute_recorded.py --task ktas --data LABELS.csv --recorded ANSWERS.csv [--tolerance 0.001]

Labels: .csv or .jsonl with case_id and acuity. Answers: .csv with case_id, model, predicted and what tells the rows
apart (prompting, shots, format, run). pandas and scikit-learn reckon; an answer that is not 1-5 is wrong, and stands in
kappa for the level furthest from the truth. Exits with 1 where a score differs by more than the tolerance.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.metrics import accuracy_score, cohen_kappa_score, f1_score, recall_score

from eval.cases import Task
from eval.comparison.answers import recorded
from eval.comparison.labels import read_labels
from triage.metrics.confusions import SCORES, confusions_by_unit, scores_of

APART = ["model", "prompting", "shots", "format", "run"]
LEVELS = [1, 2, 3, 4, 5]


def independent(labels: Path, answers: Path) -> dict[str, dict[str, float]]:
    """The scores of each row by its name, in the file's order; nothing of the project is called."""
    if labels.suffix == ".jsonl":
        truth = pd.read_json(labels, lines=True, dtype={"case_id": str})
    else:
        truth = pd.read_csv(labels, dtype={"case_id": str})
    truth = truth[pd.to_numeric(truth["acuity"], errors="coerce").isin(LEVELS)][["case_id", "acuity"]]
    table = pd.read_csv(answers, dtype=str, keep_default_na=False)
    columns = [column for column in APART if column in table.columns]
    found = {}
    for key, rows in table.groupby(columns, sort=False):
        joined = truth.merge(rows[["case_id", "predicted"]], on="case_id", how="left", validate="one_to_one")
        if joined["predicted"].isna().any():
            raise SystemExit(f"{answers.name}: a row does not answer every labelled case")
        found[_name(dict(zip(columns, key, strict=True)))] = _scores(
            joined["acuity"].astype(int), pd.to_numeric(joined["predicted"], errors="coerce")
        )
    return found


def _scores(truth: "pd.Series[int]", answered: "pd.Series[float]") -> dict[str, float]:
    readable = answered.isin(LEVELS)
    level = answered.where(readable)
    furthest = truth.map({1: 5, 2: 5, 3: 5, 4: 1, 5: 1})
    filled = level.fillna(furthest).astype(int)
    given = level.fillna(0).astype(int)
    shown = sorted(set(truth) | set(given[readable]))
    high = truth <= 2
    lost = ~readable
    return {
        "accuracy": float(accuracy_score(truth, given)),
        "within_one": float(((level - truth).abs() <= 1).mean()),
        "quadratic_weighted_kappa": float(
            cohen_kappa_score(truth, filled, labels=LEVELS, weights="quadratic")
        ),
        "macro_f1": float(f1_score(truth, given, labels=shown, average="macro", zero_division=0)),
        "recall_high": float(recall_score(high, level <= 2)) if high.any() else float("nan"),
        "over_triage": float((level < truth).mean()),
        "under_triage": float(((level > truth) | (lost & (truth < 5))).mean()),
        "significant_under_triage": float(((truth == 2) & ((level >= 3) | lost)).mean()),
        "significant_under_triage_high": float((high & ((level >= 3) | lost)).mean()),
        "significant_over_triage": float(((truth >= 3) & (level <= 2)).mean()),
        "strict_under_triage": float((high & ((level >= 4) | lost)).mean()),
        "unreadable": float(lost.mean()),
    }


def _apart(one: float, other: float) -> float:
    return 0.0 if np.isnan(one) and np.isnan(other) else abs(one - other)


def _name(parts: dict[str, str]) -> str:
    shots = f"{parts['shots']}-shot" if parts.get("shots") else ""
    words = (parts["model"], parts.get("prompting", ""), shots, parts.get("format", ""))
    name = " ".join(word for word in words if word)
    return f"{name} [{parts['run']}]" if parts.get("run") else name


def ours(task: Task, labels: Path, answers: Path) -> dict[str, dict[str, float]]:
    """The same by the project."""
    cases = read_labels(task, [labels])
    found = {}
    for row in recorded(answers, cases):
        one = np.zeros(len(cases), dtype=np.int64)
        values = scores_of(confusions_by_unit(cases.truth, row.given, one, 1))[0]
        found[row.name] = dict(zip(SCORES, map(float, values), strict=True))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--task", required=True, choices=[Task.KTAS.value, Task.ESI.value, Task.NHAMCS.value])
    parser.add_argument("--data", required=True, type=Path)
    parser.add_argument("--recorded", required=True, type=Path)
    parser.add_argument("--tolerance", type=float, default=0.001)
    asked = parser.parse_args()
    again = independent(asked.data, asked.recorded)
    mine = ours(Task(asked.task), asked.data, asked.recorded)
    if mine.keys() != again.keys():
        sys.exit("the rows are not the same: " + ", ".join(sorted(mine.keys() ^ again.keys())))
    worst, differing = 0.0, 0
    for name, scores in mine.items():
        apart = {score: _apart(value, again[name][score]) for score, value in scores.items()}
        largest = max(apart, key=lambda score: apart[score])
        worst = max(worst, apart[largest])
        wrong = not apart[largest] <= asked.tolerance
        differing += wrong
        print(
            f"{name}: accuracy {scores['accuracy']:.3f}, kappa {scores['quadratic_weighted_kappa']:.3f}, "
            f"recall of 1-2 {scores['recall_high']:.3f}; differs by at most {apart[largest]:.1e} ({largest})"
            + (" TOO MUCH" if wrong else "")
        )
    print(f"{len(mine)} rows, {len(SCORES)} scores each: the largest difference is {worst:.1e}")
    sys.exit(1 if differing else 0)


if __name__ == "__main__":
    main()
