"""Small data sets of our own, in the layouts of the real ones."""

import csv
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from triage.training.corpus import ktas, nhamcs


def write_csv(path, header, rows):
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, header, restval="")
        writer.writeheader()
        writer.writerows(rows)
    return path


@dataclass
class DataSet:
    """``path`` holds the labelled cases; ``answer`` writes a predictions file for them."""

    path: Path
    case_ids: list[str]
    truth: np.ndarray
    seed: int = 1
    folder: Path = field(init=False)

    def __post_init__(self):
        self.folder = self.path.parent

    def answer(self, name, skill=0.6, *, probabilities=True, empty=(), ids=None, extra=()):
        """Right with probability ``skill``, else one level off; ``empty`` cases have no answer."""
        rng = np.random.default_rng(self.seed)
        off = np.clip(self.truth + rng.choice([-1, 1], len(self.truth)), 1, 5)
        level = np.where(rng.random(len(self.truth)) < skill, self.truth, off)
        rows = []
        for i, case_id in enumerate([*(ids or self.case_ids), *extra]):
            one = int(level[i % len(level)])
            row = {"case_id": case_id, "predicted": "" if i in empty else one}
            if probabilities and i not in empty:
                row.update({f"p{k}": 0.6 if k == one else 0.1 for k in range(1, 6)})
            rows.append(row)
        header = ["case_id", "predicted", *(f"p{k}" for k in range(1, 6))]
        return write_csv(self.folder / f"{name}.csv", header, rows)


@pytest.fixture
def ktas_data(tmp_path):
    def build(n=150, **columns):
        rng = np.random.default_rng(11)
        truth = rng.choice([1, 2, 3, 4, 5], n, p=[0.05, 0.25, 0.35, 0.3, 0.05])
        rows = [
            {
                "case_id": f"k-{i}",
                "site": "here",
                "sex": ("female", "male")[i % 2],
                "age_years": 20 + i % 70,
                "chief_complaint": "abd. pain",
                "avpu": "alert",
                "acuity": int(level),
                "nurse_acuity": int(level) if i % 5 else min(5, int(level) + 1),
                **{name: values[i % len(values)] for name, values in columns.items()},
            }
            for i, level in enumerate(truth)
        ]
        header = [*ktas.TRIAGE_COLUMNS, "site", "acuity", "nurse_acuity", *columns]
        path = write_csv(tmp_path / "data.csv", header, rows)
        return DataSet(path, [row["case_id"] for row in rows], truth)

    return build


OUTCOMES = ("post_ADMITHOS", "post_DIEDED", "post_ENDOINT", "post_CPR", "post_BPAP", "post_CENTLINE")


@pytest.fixture
def nhamcs_data(tmp_path):
    """600 visits in 30 hospitals, a third of them children; the more urgent, the more often admitted."""
    rng = np.random.default_rng(12)
    n = 600
    truth = rng.choice([1, 2, 3, 4, 5], n, p=[0.03, 0.17, 0.5, 0.25, 0.05])
    admitted = rng.random(n) < np.array([0.9, 0.5, 0.2, 0.05, 0.01])[truth - 1]
    rows = [
        {
            "case_id": f"n-{i}",
            "survey_year": 2020 if i < 540 else 2019,
            "design_HOSPCODE": i % 30,
            "age_years": 5 if i % 3 == 0 else 50,
            "sex": ("female", "male")[i % 2],
            "race": ("a", "b", "c")[i % 7 % 3],
            "rfv1_text": "Chest pain",
            "acuity": int(truth[i]) if i != 7 else "",
            "post_ADMITHOS": int(admitted[i]),
            **dict.fromkeys(OUTCOMES[1:], 0),
        }
        for i in range(n)
    ]
    header = [*nhamcs.TRIAGE_COLUMNS, "survey_year", "design_HOSPCODE", "race", "acuity", *OUTCOMES]
    path = write_csv(tmp_path / "nhamcs.csv", header, rows)
    return DataSet(path, [row["case_id"] for row in rows], truth)
